//! What runs the queue: each execution in a process of its own.

mod silent;

use super::activation::known_plan;
use super::retention::{Removed, prune, sweep_folder, sweep_scratch, sweep_unborn};
use super::triggers::Triggers;
use super::{Failure, Post, io_words};
use crate::project::Project;
use crate::project::state::{ExecutionRow, Silent, State};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::at_work_in;
use jiff::Timestamp;
use silent::SilentWorkers;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often the files of old executions and old events are looked for.
const PRUNE: Duration = Duration::from_secs(3600);

/// How long what is being sent has at least, once it is time to stop.
const POST: Duration = Duration::from_secs(5);

/// How often it is looked for scratch files that nobody needs any more.
const SWEEP: Duration = Duration::from_secs(20);

/// How long an execution is passed over whose process found that it is not its turn: others come before it meanwhile.
const PASSED: Duration = Duration::from_secs(3);

/// What a process says, in its execution's folder.
const LOG: &str = "worker.log";

/// What the process of an execution ends with whose turn it is not.
pub const NOT_NOW: u8 = 75;

/// What it ends with where the execution cannot begin, and would not the next time either.
pub const FOR_PEOPLE: u8 = 78;

/// An execution that runs in a process of its own.
struct Job {
    id: String,
    /// The execution's folder.
    folder: PathBuf,
    /// The epoch that it had before.
    epoch: i64,
    child: Child,
    /// Whether it was cancelled before, and only is to be ended.
    ends: bool,
    /// Whether it was told that it begins.
    told: bool,
}

/// Runs a project's queue, a turn at a time.
pub struct Workers {
    project: Project,
    state: State,
    at_once: usize,
    jobs: Vec<Job>,
    silent: SilentWorkers,
    /// Executions whose turn it was not, and when that was found.
    passed: BTreeMap<String, Instant>,
    /// Whether, as of the last turn, one that could not begin is to be tried again.
    later: bool,
    triggers: Triggers,
    post: Post,
    pruned: Option<Instant>,
    /// When scratch files were looked for.
    swept: Option<(Instant, Timestamp)>,
}

impl Workers {
    /// The workers of a project; at most so many executions run at once.
    pub fn new(project: Project, state: State, at_once: usize) -> Self {
        let (post, triggers) = (Post::new(project.clone()), Triggers::new(project.clone()));
        Self {
            project,
            state,
            at_once,
            jobs: Vec::new(),
            silent: SilentWorkers::default(),
            passed: BTreeMap::new(),
            later: false,
            triggers,
            post,
            pruned: None,
            swept: None,
        }
    }

    /// Whether none of its executions runs or is to be tried again, no file is on its way into the queue, nothing
    /// is being sent, and no execution of the project is left that goes on, whoever runs it. One that runs none
    /// waits for none.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn idle(&self) -> Result<bool, Failure> {
        let idle = self.jobs.is_empty() && !self.later && self.triggers.idle() && self.post.idle();
        let held = |connector: &str| concurrency(&self.state, connector) <= 0;
        Ok(idle && (self.at_once == 0 || !self.state.any_goes_on(&held)?))
    }

    /// Whether something is still wrong with a schedule or a watched folder; what it is was told.
    pub fn troubled(&self) -> bool {
        self.triggers.troubled()
    }

    /// Whether there are workers that were not heard of within their lease: they will be ended, or may only be waiting
    /// for the state, as this process does.
    pub fn has_silent(&self) -> bool {
        !self.silent.is_empty()
    }

    /// Looks once at what ended, what is silent and what waits; begins what may begin. `news` hears what
    /// happens. Gives whether anything began.
    ///
    /// # Errors
    /// Where the state cannot be read or written, or no process be started.
    pub fn turn(&mut self, news: &dyn Fn(String)) -> Result<bool, Failure> {
        // What was queued is told before it is told that it begins.
        self.triggers.tell(news);
        self.prune(news);
        self.sweep()?;
        // First of all: one of them may keep the state locked for everybody.
        self.end_silent(news)?;
        self.reap(news)?;
        self.triggers.turn(&self.project, &mut self.state, news);
        let began = self.begin_waiting(news);
        // What ended is told, whether or not others can begin.
        self.post.turn(&self.state, news)?;
        began
    }

    /// Begins what may begin; whether anything did.
    fn begin_waiting(&mut self, news: &dyn Fn(String)) -> Result<bool, Failure> {
        // The process of each execution reads the settings: while they are wrong it would fail, and that count
        // against the execution.
        self.project.still_read()?;
        let mut started = false;
        let now = SystemClock.now();
        // With one clock: what is too early for this turn is there for the next.
        self.later = self.state.any_later(now)?;
        self.passed.retain(|_, at| at.elapsed() < PASSED);
        let passed: Vec<String> = self.passed.keys().cloned().collect();
        // What was cancelled is ended whatever else runs or waits.
        while self.at_work(true) < self.at_once.max(1) {
            let somebodys = [self.taken(), passed.clone()].concat();
            let Some(cancelled) = self.state.next_cancelled(&somebodys, SystemClock.now())? else { break };
            if !self.begin(&cancelled, news)? {
                break;
            }
        }
        while self.at_work(false) < self.at_once {
            let limit = |connector: &str| concurrency(&self.state, connector);
            let Some(next) = self.state.next(&limit, &self.taken(), &passed, now)? else { break };
            self.begin(&next, news)?;
            started = true;
        }
        Ok(started)
    }

    /// How many of its executions are at work: of those that only are to be ended, or of the others.
    fn at_work(&self, ends: bool) -> usize {
        self.jobs.iter().filter(|job| job.ends == ends).count()
    }

    /// The executions that somebody is at, whatever the state says of them: a process that was started has not taken
    /// its execution yet, and one that is silent may be heard of again.
    fn taken(&self) -> Vec<String> {
        self.jobs.iter().map(|j| &j.id).chain(self.silent.executions()).cloned().collect()
    }

    /// Starts the process of an execution; whether that could be done.
    fn begin(&mut self, execution: &ExecutionRow, news: &dyn Fn(String)) -> Result<bool, Failure> {
        let job = start_or_tell(&self.project, &mut self.state, execution, news)?;
        let started = job.is_some();
        self.jobs.extend(job);
        Ok(started)
    }

    /// Sees which of its executions have begun, and which have ended. One whose end cannot be entered now stays, and
    /// is seen the next time.
    fn reap(&mut self, news: &dyn Fn(String)) -> Result<(), Failure> {
        let mut at = 0;
        while let Some(job) = self.jobs.get_mut(at) {
            let ended = job.child.try_wait()?;
            tell_begun(&self.state, job, news)?;
            match ended {
                None => at += 1,
                Some(status) => {
                    gone(&mut self.state, job, status, news)?;
                    let job = self.jobs.remove(at);
                    if not_now(status) {
                        self.passed.insert(job.id, Instant::now());
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends workers that were not heard of within their lease, and not since.
    fn end_silent(&mut self, news: &dyn Fn(String)) -> Result<(), Failure> {
        let now = SystemClock.now() + crash::lease_early();
        let silent = self.state.silent_workers(now)?;
        let root = self.project.root().to_path_buf();
        let there = |s: &Silent| at_work_in(s.pid, &root.join(&s.folder));
        let (there, gone): (Vec<Silent>, Vec<Silent>) = silent.into_iter().partition(there);
        self.silent.look(&there, || self.state.try_write(now))?;
        self.state.find_interrupted(now)?;
        for Silent { id, pid, .. } in gone {
            news(format!("{id}  its worker is silent; {}", what_next(&self.state, &id)?));
            self.state.silent_worker_gone(&id, pid)?;
        }
        Ok(())
    }

    /// Begins nothing more. What runs, and what is being sent, has so much time to end; then an execution is
    /// interrupted, and the next worker goes on with it from the last chunk that was committed.
    ///
    /// # Errors
    /// Where the state cannot be read or written; all that runs has ended all the same.
    pub fn drain(&mut self, time: Duration, news: &dyn Fn(String)) -> Result<(), Failure> {
        let begun = Instant::now();
        self.post.close();
        self.triggers.close();
        let mut done = self.reap(news);
        while !self.jobs.is_empty() && begun.elapsed() < time {
            std::thread::sleep(Duration::from_millis(50));
            done = self.reap(news);
        }
        for mut job in std::mem::take(&mut self.jobs) {
            // A worker may end at any moment: what it committed stays, the rest is done by the next.
            let ended = job.child.kill().and_then(|()| job.child.wait());
            let sent_away = self.state.worker_sent_away(&job.id, job.child.id());
            match sent_away.map_err(Failure::from).and_then(|away| Ok(ended.map(|_| away)?)) {
                Ok(true) => news(format!("{}  is interrupted; the next start goes on with it", job.id)),
                Ok(false) => {}
                Err(failure) => done = done.and(Err(failure)),
            }
        }
        let rest = time.saturating_sub(begun.elapsed()).max(POST);
        let until = Instant::now() + rest;
        self.triggers.drain(until, news);
        self.post.drain(until, news);
        done
    }

    /// Removes scratch files that were left, once in a while.
    fn sweep(&mut self) -> Result<(), Failure> {
        if self.swept.is_some_and(|(last, _)| last.elapsed() < SWEEP) {
            return Ok(());
        }
        let now = (Instant::now(), SystemClock.now());
        // Once more than needed: one that was still at its end the last time is not overlooked.
        let before = |(_, at): (Instant, Timestamp)| at.checked_sub(SWEEP * 3).ok();
        let since = self.swept.and_then(before).unwrap_or(Timestamp::MIN);
        sweep_scratch(&self.project, &self.state, since)?;
        sweep_unborn(&self.project, &self.state)?;
        self.swept = Some(now);
        Ok(())
    }

    /// Removes the files of old executions, and old webhook events, once in a while.
    fn prune(&mut self, news: &dyn Fn(String)) {
        if self.pruned.is_some_and(|at| at.elapsed() < PRUNE) {
            return;
        }
        self.pruned = Some(Instant::now());
        // What could not be removed is tried again in an hour; the queue goes on.
        while match super::events::forget(&self.project, &mut self.state) {
            Ok(forgotten) => forgotten > 0,
            Err(failure) => {
                news(format!("old webhook events: {}", failure.what));
                false
            }
        } {}
        let Some(older_than) = self.project.retention().executions else { return };
        match prune(&self.project, &mut self.state, older_than, false) {
            Ok(all) => {
                let gone = all.iter().filter(|(_, removed)| *removed == Removed::Gone).count();
                if gone > 0 {
                    news(format!("the files of {gone} old executions were removed"));
                }
            }
            Err(failure) => news(format!("old executions: {}", failure.what)),
        }
    }
}

/// Ends an execution that was cancelled after its worker was gone, where no queue runs that does it: what it did is
/// told as at any other end. Whether it has ended; where its worker is there still, that one ends it, or whoever runs
/// the queue.
///
/// # Errors
/// Where the state cannot be written, or no process be started.
pub fn end_cancelled(
    project: &Project,
    state: &mut State,
    execution: &ExecutionRow,
) -> Result<bool, Failure> {
    if let Some(mut job) = start_or_tell(project, state, execution, &|_| {})? {
        let status = job.child.wait()?;
        gone(state, &job, status, &|_| {})?;
    }
    Ok(state.execution(&execution.id)?.is_none_or(|row| row.state.ended()))
}

/// Starts the process of an execution; one whose folder cannot be used was tried, and says why. That no process can
/// be started says nothing of the execution.
fn start_or_tell(
    project: &Project,
    state: &mut State,
    execution: &ExecutionRow,
    news: &dyn Fn(String),
) -> Result<Option<Job>, Failure> {
    let folder = project.root().join(&execution.folder);
    match open_log(execution, &folder) {
        Ok(log) => {
            let child = start(&folder, log).map_err(|e| {
                let what = format!("{}: its process cannot be started: {}", execution.id, io_words(&e));
                Failure::broken(what, "it is tried again; see to the limits on processes and memory")
            })?;
            let (id, epoch) = (execution.id.clone(), execution.epoch);
            Ok(Some(Job { id, folder, epoch, child, ends: execution.cancel, told: false }))
        }
        Err(failure) => {
            let hint = failure.hint.as_deref().unwrap_or_default();
            let why = format!("{}\n{hint}", failure.what);
            let again = failure.broken;
            if !state.not_taken(&execution.id, execution.epoch, &why, again, SystemClock.now())? {
                return Err(failure);
            }
            news(format!("{}  it could not begin: {}", execution.id, failure.what));
            Ok(None)
        }
    }
}

/// Says once that an execution begins: its process has taken it.
fn tell_begun(state: &State, job: &mut Job, news: &dyn Fn(String)) -> Result<(), Failure> {
    if job.told {
        return Ok(());
    }
    let Some(row) = state.execution(&job.id)?.filter(|row| row.epoch > job.epoch) else { return Ok(()) };
    if row.pid == Some(job.child.id()) || row.started_at.is_some() && row.state.ended() {
        job.told = true;
        crash::point("execution begun");
        news(format!("{}  {} begins", row.id, row.connector));
    }
    Ok(())
}

/// Sees what became of an execution whose process is gone.
fn gone(state: &mut State, job: &Job, status: ExitStatus, news: &dyn Fn(String)) -> Result<(), Failure> {
    if state.worker_gone(&job.id, job.child.id())? {
        news(format!("{}  its worker was gone ({status}); {}", job.id, what_next(state, &job.id)?));
        return Ok(());
    }
    // It was no try.
    if not_now(status) {
        return Ok(());
    }
    let why = last_line(&job.folder.join(LOG));
    let again = status.code() != Some(FOR_PEOPLE.into());
    if state.not_taken(&job.id, job.epoch, &why, again, SystemClock.now())? {
        news(format!("{}  it could not begin: {why}", job.id));
    }
    if let Some(row) = state.execution(&job.id)?.filter(|row| row.state.ended()) {
        sweep_folder(&job.folder, &job.id);
        let why = row.failure.as_deref().and_then(|f| f.lines().next());
        news(format!(
            "{}  {}{}",
            job.id,
            row.state.words(),
            why.map_or_else(String::new, |w| format!(": {w}"))
        ));
    }
    Ok(())
}

/// What becomes of an interrupted execution.
fn what_next(state: &State, id: &str) -> Result<String, Failure> {
    Ok(match state.execution(id)? {
        Some(row) if row.cancel => "it was cancelled, and is only ended".to_owned(),
        Some(row) if row.left_to_people => {
            format!("that was so again and again, and it is left to people: sconn executions resume {id}")
        }
        _ => "it goes on from the last chunk that was committed".to_owned(),
    })
}

/// Whether a process ended since it was not its execution's turn: others are at it, or come first.
fn not_now(status: ExitStatus) -> bool {
    status.code() == Some(NOT_NOW.into())
}

/// What the process said last: why it could not begin.
fn last_line(log: &Path) -> String {
    let text = std::fs::read(log).map(|t| String::from_utf8_lossy(&t).into_owned()).unwrap_or_default();
    let said =
        text.lines().rev().find(|l| l.starts_with("error: ")).unwrap_or("error: it ended without a word");
    said.trim_start_matches("error: ").to_owned()
}

/// How many executions of a connector may run at once.
pub(super) fn concurrency(state: &State, connector: &str) -> i64 {
    let version = state.connector(connector).ok().flatten().and_then(|c| c.version);
    known_plan(state, connector, version).ok().flatten().map_or(1, |plan| plan.connector.places())
}

/// Where the process of an execution says what it has to say.
fn open_log(execution: &ExecutionRow, folder: &Path) -> Result<File, Failure> {
    File::options().create(true).append(true).open(folder.join(LOG)).map_err(|e| {
        let what = format!("{}: {}", folder.display(), io_words(&e));
        match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::new(
                what,
                format!("bring its folder back, or cancel it: sconn executions cancel {}", execution.id),
            ),
            _ => {
                Failure::broken(what, "make sure the folder can be written to, and there is room on the disk")
            }
        }
    })
}

/// Starts the execution in a process of its own: an abort in the engine takes nothing else with it.
fn start(folder: &Path, log: File) -> std::io::Result<Child> {
    let mut command = own_program()?;
    command.args(["executions", "resume"]).arg(folder).args(["--from-queue", "--format", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // A Ctrl-C on the terminal is for whoever runs the queue: an execution that heard it too would be
    // cancelled, where it is to end or to be gone on with.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn()
}

/// This program, also where its file was replaced by another version since it was started.
fn own_program() -> std::io::Result<Command> {
    let path = std::env::current_exe()?;
    #[cfg(target_os = "linux")]
    {
        let mut command = Command::new("/proc/self/exe");
        std::os::unix::process::CommandExt::arg0(&mut command, path);
        Ok(command)
    }
    #[cfg(not(target_os = "linux"))]
    Ok(Command::new(path))
}
