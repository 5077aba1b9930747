//! What starts executions by itself: schedules and watched folders. Looked at once a turn of whoever runs
//! the queue; schedules at the turn itself, which is not to wait for files, and folders beside it.
//!
//! Several processes may run one queue. One at a time looks, as the locks of two files say, so that they do
//! not copy the same file at once; that a slot or a file becomes one execution does not hang on it, but on
//! the state, which enters the claim and the execution as one.

use super::Failure;
use super::activation::plan_to_run;
use super::asked::{Ask, Asked, prepare_noted};
use super::schedule::{self, Schedule};
use super::watch::Watcher;
use crate::input::InputFile;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{NewExecution, Scheduled, State};
use crate::report::log_line;
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::stop::Stop;
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// From when on it is told that another process looks: most looks take less than a second.
const LONG: Duration = Duration::from_secs(60);

/// What starts executions of a project by itself.
pub(super) struct Triggers {
    told: Told,
    elsewhere: Elsewhere,
    folders: Watcher,
}

/// Says each thing once, not at every turn.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<String, String>);

impl Told {
    /// What is wrong with something; said where it is not what was said of it last.
    pub fn failed(&mut self, of: &str, failure: &Failure, news: &dyn Fn(String)) {
        let mut text = failure.what.clone();
        for line in failure.hint.iter().flat_map(|h| h.lines()) {
            text.push_str(&format!("; {line}"));
        }
        if self.0.get(of) != Some(&text) {
            news(format!("{of}: {text}"));
            self.0.insert(of.to_owned(), text);
        }
    }

    /// Whether something is still wrong.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// It is well again.
    pub fn well(&mut self, of: &str) {
        self.0.remove(of);
    }
}

impl Triggers {
    /// Of a project.
    pub(super) fn new(project: Project) -> Self {
        let (told, elsewhere) = (Told::default(), Elsewhere::default());
        Self { told, elsewhere, folders: Watcher::new(project) }
    }

    /// Whether nothing is under way that will become an execution: no file is still settling, and nobody else is
    /// making one.
    pub(super) fn idle(&self) -> bool {
        !self.elsewhere.any() && self.folders.idle()
    }

    /// Whether something that was told is still wrong.
    pub(super) fn troubled(&self) -> bool {
        self.told.any() || self.folders.troubled()
    }

    /// Looks once. What is wrong with one schedule or folder is told, and stops no other.
    pub(super) fn turn(&mut self, project: &Project, state: &mut State, news: &dyn Fn(String)) {
        let news = &shown(news);
        match super::events::batch(project, state, &mut self.told, news) {
            Ok(()) => self.told.well("webhook events"),
            Err(failure) => self.told.failed("webhook events", &failure, news),
        }
        match self.look(project, state, news) {
            Ok(()) => self.told.well("schedules"),
            Err(failure) => self.told.failed("schedules", &failure, news),
        }
        self.folders.turn(news);
    }

    /// Says what was queued since the last turn.
    pub(super) fn tell(&self, news: &dyn Fn(String)) {
        self.folders.tell(&shown(news));
    }

    /// Begins nothing more.
    pub(super) fn close(&self) {
        self.folders.close();
    }

    /// Waits until then for what is under way.
    pub(super) fn drain(&mut self, until: Instant, news: &dyn Fn(String)) {
        self.folders.drain(until, &shown(news));
    }

    fn look(&mut self, project: &Project, state: &mut State, news: &dyn Fn(String)) -> Result<(), Failure> {
        let scheduled = state.scheduled()?;
        if scheduled.is_empty() {
            self.elsewhere.nobody();
            return Ok(());
        }
        // What a schedule hands in is a line: there is nothing to stop.
        let stop = Stop::default();
        let Some(mut desk) = Desk::sit(project, state, "slots", &stop)? else {
            return self.elsewhere.somebody(Instant::now());
        };
        self.elsewhere.nobody();
        for one in &scheduled {
            let of = format!("the schedule of {}", one.connector);
            match desk.run_due(state, one, news) {
                Ok(()) => self.told.well(&of),
                Err(failure) => self.told.failed(&of, &failure, news),
            }
        }
        Ok(())
    }
}

/// Names of files are in what is said, which may hold anything.
fn shown(news: &dyn Fn(String)) -> impl Fn(String) {
    |line| news(log_line(&line))
}

/// Since when another process has sat at a desk at each look: what that has seen is not known here.
#[derive(Default)]
pub(super) struct Elsewhere(Option<Instant>);

impl Elsewhere {
    /// Whether one did at the last look.
    pub(super) fn any(&self) -> bool {
        self.0.is_some()
    }

    /// None does.
    pub(super) fn nobody(&mut self) {
        self.0 = None;
    }

    /// One does. A look is short. One that is not may be over a large file, or of a process that was
    /// suspended, and then nobody looks.
    pub(super) fn somebody(&mut self, now: Instant) -> Result<(), Failure> {
        let since = *self.0.get_or_insert(now);
        if now.duration_since(since) < LONG {
            return Ok(());
        }
        Err(Failure::new(
            "another process of this project has been at them for over a minute, and nobody else can be",
            "it may be copying a large file; where it was suspended (`T` in `ps -C sconn -o pid,stat,args`), let it go \
             on with kill -CONT, or end it: nothing is lost",
        ))
    }
}

/// The right to make executions of schedules, or of watched folders; one process at a time has it.
pub(super) struct Desk<'a> {
    pub(super) project: &'a Project,
    pub(super) stop: &'a Stop,
    scratch: PathBuf,
    /// Locked. Holds the id of the execution that is being made, for whoever sits here next: where a process
    /// died over it, its folder goes.
    note: File,
    taking: String,
}

impl<'a> Desk<'a> {
    /// None where another process sits there; `note` is the name of its note.
    pub(super) fn sit(
        project: &'a Project,
        state: &State,
        note: &str,
        stop: &'a Stop,
    ) -> Result<Option<Self>, Failure> {
        let scratch = project.root().join(".sconn").join("triggers");
        fs::create_dir_all(&scratch)?;
        let mut note =
            File::options().create(true).truncate(false).read(true).write(true).open(scratch.join(note))?;
        match note.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e.into()),
            Ok(()) => {}
        }
        let mut taking = String::new();
        note.read_to_string(&mut taking)?;
        let mut desk = Self { project, stop, scratch, note, taking };
        desk.clear(state)?;
        Ok(Some(desk))
    }

    /// Notes which execution is being made.
    fn note(&mut self, execution: String) -> std::io::Result<()> {
        self.note.set_len(0)?;
        self.note.rewind()?;
        self.note.write_all(execution.as_bytes())?;
        self.taking = execution;
        Ok(())
    }

    /// The execution that was being made is in the queue, or nothing is left of it.
    fn clear(&mut self, state: &State) -> Result<(), Failure> {
        // An id is letters, digits and dashes: no other file is a folder to remove.
        let id =
            !self.taking.is_empty() && self.taking.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if id && state.execution(&self.taking)?.is_none() {
            match fs::remove_dir_all(self.project.executions().join(&self.taking)) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
                _ => {}
            }
        }
        if !self.taking.is_empty() {
            self.note(String::new())?;
        }
        Ok(())
    }

    /// Makes an execution and has `enter` put it into the queue; where that has nothing to do any more,
    /// or anything fails, nothing is left of it. Gives its id.
    pub(super) fn execution(
        &mut self,
        state: &mut State,
        plan: Plan,
        ask: Ask,
        enter: impl FnOnce(&mut State, &Asked, NewExecution<'_>) -> Result<bool, Failure>,
    ) -> Result<Option<String>, Failure> {
        let asked = prepare_noted(plan, ask, self.stop, |folder| {
            self.note(folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default())
        });
        let entered = asked.and_then(|asked| {
            crash::point("trigger prepared");
            let entered = enter(state, &asked, asked.entry(&asked.place()?))?;
            asked.folder.known();
            Ok(entered.then(|| asked.execution.clone()))
        });
        self.clear(state)?;
        entered
    }

    /// Runs what has come due of a schedule, as its policy says.
    fn run_due(&mut self, state: &mut State, one: &Scheduled, news: &dyn Fn(String)) -> Result<(), Failure> {
        let unreadable = |e: serde_json::Error| Failure::new(e.to_string(), "activate the connector again");
        let plan = serde_json::from_str(&one.schedule).map_err(unreadable)?;
        let schedule = Schedule::new(&plan, &one.timezone)?;
        let due = schedule.due(one.seen, SystemClock.now());
        let Some(upto) = due.upto else { return Ok(()) };
        for slot in due.run {
            let input = schedule::input_file(&self.scratch, &schedule, slot)?;
            let plan = plan_to_run(state, &one.connector, one.version)?;
            let file = self.project.root().join(&one.file);
            let ask = ask(file, input, "schedule".to_owned());
            let id = self.execution(state, plan, ask, |state, _, new| Ok(state.queue_slot(slot, new)?))?;
            crash::point("slot queued");
            if let Some(id) = id {
                news(format!("{id}  the slot of {} at {slot} is queued", one.connector));
            }
        }
        if let Some(left_out) = due.left_out {
            news(format!("the schedule of {}: missed slots left out: {left_out}", one.connector));
        }
        Ok(state.pass_slots(&one.connector, upto)?)
    }
}

/// The next slot of each active connector that has a schedule, by name: RFC 3339, in the schedule's zone.
///
/// # Errors
/// Where the state cannot be read.
pub fn next_slots(state: &State) -> Result<BTreeMap<String, String>, Failure> {
    let now = SystemClock.now();
    let next = |one: Scheduled| {
        let schedule = Schedule::new(&serde_json::from_str(&one.schedule).ok()?, &one.timezone).ok()?;
        // Where the clock was put back, its slots up to the last that was seen are done.
        Some((one.connector, schedule.shown(schedule.next(now.max(one.seen))?)))
    };
    Ok(state.scheduled()?.into_iter().filter_map(next).collect())
}

/// What is asked where something asks by itself: a live run on the connector's own target.
pub(super) fn ask(file: PathBuf, input: InputFile, triggered_by: String) -> Ask {
    Ask {
        file,
        input: vec![input],
        live: true,
        params: Vec::new(),
        target: None,
        out: None,
        workbook: true,
        guard_formulas: false,
        triggered_by,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn that_another_process_looks_is_told_once_it_takes_long() {
        let (mut elsewhere, now) = (Elsewhere::default(), Instant::now());
        let mut at = |seconds| elsewhere.somebody(now + Duration::from_secs(seconds));
        assert!(at(0).is_ok() && at(59).is_ok());
        assert!(at(60).unwrap_err().hint.unwrap().contains("kill -CONT"));
        assert!(elsewhere.any());
    }
}
