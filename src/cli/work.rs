//! `sconn submit` and `sconn work`: the queue, and what runs it.

use super::args::{RunArgs, WorkArgs};
use super::{Exit, Failure, Look, print};
use crate::life::{Workers, no_project};
use crate::project::Project;
use std::time::Duration;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn submit(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let Some(execution) = super::run::queue(args, look)? else { return Ok(Exit::Failed) };
    print(&format!("{execution}\n"))?;
    Ok(Exit::Clean)
}

pub(super) fn work(args: &WorkArgs) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(state) = project.state()? else { return Err(no_project(project.root())) };
    let mut workers = Workers::new(project, state, args.at_once);
    let news = |line: String| eprintln!("{line}");
    loop {
        let started = workers.turn(&news)?;
        if args.until_empty && workers.idle() && !started {
            return Ok(Exit::Clean);
        }
        std::thread::sleep(PAUSE);
    }
}
