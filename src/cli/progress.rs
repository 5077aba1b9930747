//! Progress on standard error: a line that moves on a terminal, one line a stage elsewhere.

use crate::run::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;

/// Shows stages on standard error.
pub(super) struct Stages {
    bar: ProgressBar,
    terminal: bool,
    name: Mutex<String>,
}

impl Stages {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target =
            if terminal { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
        Self { bar: ProgressBar::with_draw_target(None, target), terminal, name: Mutex::new(String::new()) }
    }

    /// Says that it was asked to stop, and what that means by now.
    pub(super) fn stopping(&self) {
        let written = self.name.lock().is_ok_and(|name| *name == "writing the report");
        let what = if written {
            "all rows are done; finishing the report"
        } else {
            "stopping after the chunk in hand"
        };
        self.bar.suspend(|| eprintln!("{what} … (Ctrl-C again ends it at once)"));
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
            eprintln!("{name}");
            return;
        }
        let template = match total {
            Some(_) => "{msg}  {bar:30}  {human_pos}/{human_len}  {elapsed}",
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
    }

    fn advance(&self, done: u64) {
        self.bar.set_position(done);
    }
}
