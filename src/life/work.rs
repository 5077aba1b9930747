//! What runs the queue: each execution in a process of its own.

use super::activation::known_plan;
use super::retention::{Removed, prune, sweep_scratch, sweep_unborn};
use super::triggers::Triggers;
use super::{Failure, Post, io_words};
use crate::project::Project;
use crate::project::state::{ExecutionRow, State};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::ExecutionFolder;
use jiff::{SignedDuration, Timestamp};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often the files of old executions are looked for.
const PRUNE: Duration = Duration::from_secs(3600);

/// How long what is being sent has at least, once it is time to stop.
const POST: Duration = Duration::from_secs(5);

/// How often it is looked for scratch files that nobody needs any more.
const SWEEP: SignedDuration = SignedDuration::from_secs(20);

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
}

/// Runs a project's queue, a turn at a time.
pub struct Workers {
    project: Project,
    state: State,
    at_once: usize,
    jobs: Vec<Job>,
    /// Whether, as of the last turn, one that could not begin is to be tried again.
    later: bool,
    triggers: Triggers,
    post: Post,
    pruned: Option<Instant>,
    /// When scratch files were looked for.
    swept: Timestamp,
}

impl Workers {
    /// The workers of a project; at most so many executions run at once.
    pub fn new(project: Project, state: State, at_once: usize) -> Self {
        let (post, triggers) = (Post::new(project.clone()), Triggers::default());
        Self {
            project,
            state,
            at_once,
            jobs: Vec::new(),
            later: false,
            triggers,
            post,
            pruned: None,
            swept: Timestamp::MIN,
        }
    }

    /// Whether none of its executions runs or is to be tried again, no file is on its way into the queue, and nothing
    /// is being sent.
    pub fn idle(&self) -> bool {
        self.jobs.is_empty() && !self.later && self.triggers.idle() && self.post.idle()
    }

    /// Whether something is still wrong with a schedule or a watched folder; what it is was told.
    pub fn troubled(&self) -> bool {
        self.triggers.troubled()
    }

    /// Looks once at what ended, what is silent and what waits; begins what may begin. `news` hears what
    /// happens. Gives whether anything began.
    ///
    /// # Errors
    /// Where the state cannot be read or written, or no process be started.
    pub fn turn(&mut self, news: &dyn Fn(String)) -> Result<bool, Failure> {
        self.prune(news);
        self.sweep()?;
        self.state.find_interrupted(SystemClock.now() + crash::lease_early())?;
        for (id, pid) in self.state.silent_workers()? {
            news(format!("{id}  its worker is silent; it goes on from the last chunk that was committed"));
            end_silent(pid);
            self.state.silent_worker_gone(&id, pid)?;
        }
        self.reap(news)?;
        super::events::batch(&self.project, &mut self.state, news)?;
        self.triggers.turn(&self.project, &mut self.state, news);
        let mut started = false;
        let now = SystemClock.now();
        // With one clock: what is too early for this turn is there for the next.
        self.later = self.state.any_later(now)?;
        // What was cancelled is ended whatever else runs or waits.
        while let Some(cancelled) = self.state.next_cancelled(SystemClock.now())? {
            if self.jobs.iter().any(|j| j.id == cancelled.id) {
                break;
            }
            self.begin(&cancelled, news)?;
        }
        while self.jobs.len() < self.at_once {
            let limit = |connector: &str| concurrency(&self.state, connector);
            let taken: Vec<&str> = self.jobs.iter().map(|j| j.id.as_str()).collect();
            let Some(next) = self.state.next(&limit, &taken, now)? else { break };
            self.begin(&next, news)?;
            started = true;
        }
        self.post.turn(&self.state, news)?;
        Ok(started)
    }

    /// Starts the process of an execution, and waits until it has taken it, so that it is not found in the queue
    /// again.
    fn begin(&mut self, execution: &ExecutionRow, news: &dyn Fn(String)) -> Result<(), Failure> {
        let Some(mut job) = start_or_tell(&self.project, &mut self.state, execution, news)? else {
            return Ok(());
        };
        while job.child.try_wait()?.is_none() {
            let Some(row) = self.state.execution(&job.id)? else { break };
            if row.pid == Some(job.child.id()) {
                crash::point("execution begun");
                news(format!("{}  {} begins", job.id, execution.connector));
                break;
            }
            if row.state.ended() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.jobs.push(job);
        Ok(())
    }

    /// Sees which of its executions have ended.
    fn reap(&mut self, news: &dyn Fn(String)) -> Result<(), Failure> {
        let mut going = Vec::new();
        for mut job in std::mem::take(&mut self.jobs) {
            match job.child.try_wait()? {
                None => going.push(job),
                Some(status) => gone(&mut self.state, &job, status, news)?,
            }
        }
        self.jobs = going;
        Ok(())
    }

    /// Begins nothing more. What runs, and what is being sent, has so much time to end; then an execution is
    /// interrupted, and the next worker goes on with it from the last chunk that was committed.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub fn drain(&mut self, time: Duration, news: &dyn Fn(String)) -> Result<(), Failure> {
        let until = Instant::now() + time;
        self.post.close();
        self.reap(news)?;
        while !self.jobs.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
            self.reap(news)?;
        }
        for mut job in std::mem::take(&mut self.jobs) {
            // A worker may end at any moment: what it committed stays, the rest is done by the next.
            job.child.kill()?;
            job.child.wait()?;
            if self.state.worker_sent_away(&job.id, job.child.id())? {
                news(format!("{}  is interrupted; the next start goes on with it", job.id));
            }
        }
        self.post.drain(until.max(Instant::now() + POST), news);
        Ok(())
    }

    /// Removes scratch files that were left, once in a while.
    fn sweep(&mut self) -> Result<(), Failure> {
        let now = SystemClock.now();
        if now - self.swept.max(Timestamp::UNIX_EPOCH) < SWEEP {
            return Ok(());
        }
        // Once more than needed: one that was still at its end the last time is not overlooked.
        let since = self.swept.checked_sub(SWEEP * 3).unwrap_or(Timestamp::MIN);
        sweep_scratch(&self.project, &self.state, since)?;
        sweep_unborn(&self.project, &self.state)?;
        self.swept = now;
        Ok(())
    }

    /// Removes the files of old executions, once in a while.
    fn prune(&mut self, news: &dyn Fn(String)) {
        let Some(older_than) = self.project.retention().executions else { return };
        if self.pruned.is_some_and(|at| at.elapsed() < PRUNE) {
            return;
        }
        self.pruned = Some(Instant::now());
        match prune(&self.project, &mut self.state, older_than, false) {
            Ok(all) => {
                let gone = all.iter().filter(|(_, removed)| *removed == Removed::Gone).count();
                if gone > 0 {
                    news(format!("the files of {gone} old executions were removed"));
                }
            }
            // What could not be removed is tried again in an hour; the queue goes on.
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

/// Starts the process of an execution; one whose process cannot even start was tried, and says why.
fn start_or_tell(
    project: &Project,
    state: &mut State,
    execution: &ExecutionRow,
    news: &dyn Fn(String),
) -> Result<Option<Job>, Failure> {
    match start(project, execution) {
        Ok(job) => Ok(Some(job)),
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

/// Sees what became of an execution whose process is gone.
fn gone(state: &mut State, job: &Job, status: ExitStatus, news: &dyn Fn(String)) -> Result<(), Failure> {
    if state.worker_gone(&job.id, job.child.id())? {
        news(format!(
            "{}  its worker was gone ({status}); it goes on from the last chunk that was committed",
            job.id
        ));
        return Ok(());
    }
    // Others are at it, or come first: it was no attempt.
    if status.code() == Some(NOT_NOW.into()) {
        return Ok(());
    }
    let why = last_line(&job.folder.join(LOG));
    let again = status.code() != Some(FOR_PEOPLE.into());
    if state.not_taken(&job.id, job.epoch, &why, again, SystemClock.now())? {
        news(format!("{}  it could not begin: {why}", job.id));
    }
    if let Some(row) = state.execution(&job.id)?.filter(|row| row.state.ended()) {
        ExecutionFolder::sweep(&job.folder);
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

/// Starts the execution in a process of its own: an abort in the engine takes nothing else with it.
fn start(project: &Project, execution: &ExecutionRow) -> Result<Job, Failure> {
    let folder = project.root().join(&execution.folder);
    let log = File::options().create(true).append(true).open(folder.join(LOG)).map_err(|e| {
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
    })?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["executions", "resume"]).arg(&folder).args(["--from-queue", "--format", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // A Ctrl-C on the terminal is for whoever runs the queue: an execution that heard it too would be
    // cancelled, where it is to end or to be gone on with.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command.spawn()?;
    Ok(Job { id: execution.id.clone(), folder, epoch: execution.epoch, child })
}

/// Ends a worker that has not been heard of within its lease: it may be stopped or hang, and would
/// hold the lock of its execution.
fn end_silent(pid: u32) {
    // The number may belong to another program by now.
    let process = Path::new("/proc").join(pid.to_string()).join("exe");
    let own = std::env::current_exe().ok();
    if std::fs::read_link(process).ok().is_some_and(|exe| Some(exe) == own) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}
