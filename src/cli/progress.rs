//! Progress on standard error: a line that moves on a terminal, one line a stage elsewhere.

use crate::life::Far;
use crate::report::StepSummary;
use crate::run::{Progress, REPORTING};
use crate::system::say::say;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

/// Shows stages on standard error.
struct Stages {
    bar: ProgressBar,
    terminal: bool,
    name: Mutex<String>,
}

impl Stages {
    fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), terminal, name: Mutex::new(String::new()) }
    }

    /// Says that it was asked to stop, and what that means by now.
    pub(super) fn stopping(&self) {
        let written = self.name.lock().is_ok_and(|name| *name == REPORTING);
        let what = if written {
            "all rows are done; finishing the report"
        } else {
            "stopping after the chunk in hand"
        };
        self.bar.suspend(|| say(format_args!("{what} … (Ctrl-C again ends it at once)")));
    }

    /// Takes the line away.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Stages {
    fn stage(&self, name: &str, total: Option<u64>) {
        if let Ok(mut shown) = self.name.lock() {
            if *shown == name {
                return;
            }
            name.clone_into(&mut shown);
        }
        if !self.terminal {
            say(name);
            return;
        }
        let template = match total {
            Some(_) => "{msg}  {bar:30}  {human_pos}/{human_len}  {elapsed}  {prefix}",
            None => "{msg}  {human_pos}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.reset();
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
        self.bar.set_message(name.to_owned());
        self.bar.set_prefix("");
    }

    fn advance(&self, done: u64) {
        self.bar.set_position(done);
    }

    fn step(&self, so_far: StepSummary, _: u64) {
        self.bar.set_prefix(so_far.counts.words());
    }
}

/// Shows progress on the terminal and keeps it for the state.
pub(super) struct Told {
    shown: Stages,
    far: Arc<Mutex<Far>>,
}

impl Told {
    pub(super) fn new() -> Self {
        Self { shown: Stages::new(), far: Arc::default() }
    }

    pub(super) fn done(&self) {
        self.shown.done();
    }

    /// Says that it was asked to stop.
    pub(super) fn stopping(&self) {
        self.shown.stopping();
    }

    /// Where it is kept.
    pub(super) fn far(&self) -> Arc<Mutex<Far>> {
        self.far.clone()
    }

    fn note(&self, change: impl FnOnce(&mut Far)) {
        change(&mut self.far.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Told {
    fn stage(&self, name: &str, total: Option<u64>) {
        self.note(|far| far.at(name, total));
        self.shown.stage(name, total);
    }

    fn advance(&self, done: u64) {
        self.note(|far| far.done = done);
        self.shown.advance(done);
    }

    fn step(&self, so_far: StepSummary, rows: u64) {
        self.note(|far| far.step(so_far.clone().of_all(rows)));
        self.shown.step(so_far, rows);
    }
}
