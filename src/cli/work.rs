//! `sconn submit` and `sconn work`: the queue, and what runs it.

use super::args::{RunArgs, WorkArgs};
use super::{Exit, Failure, Look, print};
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{ExecutionRow, State};
use crate::system::clock::{Clock, SystemClock};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn submit(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let Some(execution) = super::run::queue(args, look)? else { return Ok(Exit::Failed) };
    print(&format!("{execution}\n"))?;
    Ok(Exit::Clean)
}

/// An execution that runs in a process of its own.
struct Job {
    id: String,
    child: Child,
}

pub(super) fn work(args: &WorkArgs) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(mut state) = project.state()? else {
        return Err(Failure::new(
            "there is no project here, and so no queue",
            format!("make one: an empty file `sconn.toml` in {}", project.root().display()),
        ));
    };
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        for (id, pid) in state.find_interrupted(SystemClock.now())? {
            eprintln!("{id}  its worker is silent; it goes on from the last chunk that was committed");
            end_silent(pid);
        }
        let mut going = Vec::new();
        for mut job in jobs {
            match job.child.try_wait()? {
                None => going.push(job),
                Some(status) => {
                    eprintln!("{}  ended ({status})", job.id);
                    if state.worker_gone(&job.id, job.child.id())? {
                        eprintln!("{}  it goes on from the last chunk that was committed", job.id);
                    }
                }
            }
        }
        jobs = going;
        let mut started = false;
        while jobs.len() < args.at_once {
            let limit = |connector: &str| concurrency(&state, connector);
            let Some(next) = state.next(&limit)?.filter(|n| jobs.iter().all(|j| j.id != n.id)) else { break };
            eprintln!("{}  {} begins", next.id, next.connector);
            jobs.push(start(&project, &next)?);
            started = true;
            await_taken(&state, &mut jobs)?;
        }
        if args.until_empty && jobs.is_empty() && !started {
            return Ok(Exit::Clean);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Waits until the newest job has taken its execution, so that it is not found in the queue again.
fn await_taken(state: &State, jobs: &mut [Job]) -> Result<(), Failure> {
    let Some(job) = jobs.last_mut() else { return Ok(()) };
    while job.child.try_wait()?.is_none() {
        let taken = state.execution(&job.id)?.is_none_or(|e| e.pid == Some(job.child.id()));
        if taken {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// How many executions of a connector may run at once.
fn concurrency(state: &State, connector: &str) -> i64 {
    let plan = || {
        let version = state.connector(connector).ok()??.version?;
        let json = state.plan(connector, version).ok()??;
        serde_json::from_str::<Plan>(&json).ok()
    };
    plan().and_then(|p| p.connector.concurrency).map_or(1, |c| i64::try_from(c).unwrap_or(i64::MAX))
}

/// Starts the execution in a process of its own: an abort in the engine takes nothing else with it.
fn start(project: &Project, execution: &ExecutionRow) -> Result<Job, Failure> {
    let folder = project.root().join(&execution.folder);
    let log = File::options().create(true).append(true).open(folder.join("worker.log"))?;
    let child = Command::new(std::env::current_exe()?)
        .args(["executions", "resume"])
        .arg(&folder)
        .args(["--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    Ok(Job { id: execution.id.clone(), child })
}

/// Ends a worker that has not been heard of within its lease: it may be stopped or hang, and would
/// hold the lock of its execution.
fn end_silent(pid: Option<u32>) {
    let Some(pid) = pid else { return };
    // The number may belong to another program by now.
    let process = Path::new("/proc").join(pid.to_string()).join("exe");
    let own = std::env::current_exe().ok();
    if std::fs::read_link(process).ok().is_some_and(|exe| Some(exe) == own) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}
