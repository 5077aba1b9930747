//! `sconn submit` and `sconn work`: the queue, and what runs it.

use super::args::{RunArgs, WorkArgs};
use super::{Exit, Failure, Look, tell, tell_queued};
use crate::life::{Workers, no_project};
use crate::project::Project;
use crate::report::log_line;
use crate::system::say::say;
use crate::system::signals::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn submit(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let format = args.format;
    let Some(execution) = super::run::queue(args, look)? else { return Ok(Exit::Failed) };
    tell_queued(format, &execution)
}

pub(super) fn work(args: &WorkArgs, look: Look) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(state) = project.state()? else { return Err(no_project(project.root())) };
    let drain = project.serve().drain;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let signals = runtime.block_on(async { Signals::to_stop() })?;
    let stopping = Arc::new(AtomicBool::new(false));
    runtime.spawn(hear(signals, stopping.clone(), drain));
    let mut workers = Workers::new(project, state, args.at_once);
    let news = |line: String| say(log_line(&line));
    if args.at_once == 0 {
        news("notice: with --at-once 0 nothing is run; what comes due is only queued".into());
    }
    let mut told = None;
    while !stopping.load(Ordering::Relaxed) {
        match turn(&mut workers, &news) {
            // What is wrong with a schedule or a folder was told; nobody watches who would mend it.
            Ok(true) if args.until_empty => {
                return Ok(if workers.troubled() { Exit::Findings } else { Exit::Clean });
            }
            Ok(_) => told = None,
            // A silent worker may keep the state locked; it is ended in one of the next turns.
            Err(failure) if args.until_empty && !workers.has_silent() => return Err(failure),
            // The state may be locked, or the disk full, for a while; the next turn tries again.
            Err(failure) => {
                if told.as_ref() != Some(&failure.what) {
                    tell(&failure, look.err_color);
                }
                told = Some(failure.what);
            }
        }
        std::thread::sleep(PAUSE);
    }
    workers.drain(drain, &news)?;
    say("stopped");
    Ok(if args.until_empty { Exit::Findings } else { Exit::Clean })
}

/// One turn of the queue; whether nothing is left after it.
fn turn(workers: &mut Workers, news: &dyn Fn(String)) -> Result<bool, Failure> {
    Ok(!workers.turn(news)? && workers.idle()?)
}

/// Hears the signals: the first asks to stop, a second one means at once. Executions have process groups of their
/// own and hear none of them.
async fn hear(mut signals: Signals, stopping: Arc<AtomicBool>, drain: Duration) {
    signals.next().await;
    say(format_args!(
        "stopping: executions that run have {} s to end; the next start goes on with the others (again ends it at once)",
        drain.as_secs()
    ));
    stopping.store(true, Ordering::Relaxed);
    signals.next().await;
    std::process::exit(130);
}
