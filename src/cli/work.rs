//! `sconn submit` and `sconn work`: the queue, and what runs it.

use super::args::{RunArgs, WorkArgs};
use super::{Exit, Failure, Look, tell_result};
use crate::life::{Workers, no_project};
use crate::project::Project;
use crate::report::visible;
use crate::system::say::say;
use serde_json::json;
use std::time::Duration;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

pub(super) fn submit(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let format = args.format;
    let Some(execution) = super::run::queue(args, look)? else { return Ok(Exit::Failed) };
    tell_result(format, &execution, &json!({ "id": execution }))
}

pub(super) fn work(args: &WorkArgs) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(state) = project.state()? else { return Err(no_project(project.root())) };
    let mut workers = Workers::new(project, state, args.at_once);
    let news = |line: String| say(visible(&line));
    if args.at_once == 0 {
        news("notice: with --at-once 0 nothing is run; what comes due is only queued".into());
    }
    loop {
        let started = workers.turn(&news)?;
        if args.until_empty && workers.idle() && !started {
            // What is wrong with a schedule or a folder was told; nobody watches who would mend it.
            return Ok(if workers.troubled() { Exit::Findings } else { Exit::Clean });
        }
        std::thread::sleep(PAUSE);
    }
}
