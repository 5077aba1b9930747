//! Which version of a connector runs, and whether it may.

use super::{Ask, parameters::parameters};
use crate::life::activation::{incomplete, must_be_its, no_sample, plan_to_run, version_hash};
use crate::life::worker::inactive;
use crate::life::{Connector, Failure};
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::Status;
use crate::report::RunMode;
use crate::run::Frozen;
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::ExecutionFolder;
use crate::system::say::say;

/// An execution that waited begins now; a live one with the version that is active by now. Live, nothing
/// begins and nothing goes on while its connector is not active.
pub(super) fn begin_at_last(
    project: &Project,
    frozen: &mut Frozen,
    folder: &ExecutionFolder,
) -> Result<(), Failure> {
    let Some(mut state) = project.state()? else { return Ok(()) };
    let Some(row) = state.execution(&frozen.execution)? else {
        // Whether its connector is active, and who is at it, is asked of those that are known.
        return if RunMode::from_words(&frozen.target.mode) == RunMode::Live {
            Err(Failure::new(
                format!(
                    "the project knows no execution {}, so it is not gone on with live",
                    frozen.execution
                ),
                "hand its input in again: what was written already is found unchanged",
            ))
        } else {
            Ok(())
        };
    };
    // What was cancelled is only ended.
    if row.state.ended() || row.cancel {
        return Ok(());
    }
    let waited = row.started_at.is_none();
    if !row.live {
        return if waited {
            Ok(frozen.begins(folder, SystemClock.now(), frozen.plan.clone())?)
        } else {
            Ok(())
        };
    }
    let connector = state.connector(&row.connector)?;
    let status = connector.as_ref().map_or(Status::Setup, |c| c.status);
    if !status.runs() {
        return Err(inactive(&row.connector, status));
    }
    let Some(version) = connector.and_then(|c| c.version).filter(|_| waited) else { return Ok(()) };
    let plan = plan_to_run(&state, &row.connector, version)?;
    // It may take others than the one that it was asked with.
    frozen.parameters = parameters(&plan, &state.submission(&row.id)?.params)?;
    frozen.begins(folder, SystemClock.now(), plan)?;
    crash::point("version kept");
    Ok(state.begins(&row.id, Some(version))?)
}

/// That a connector holds back what waits.
pub(super) fn held(name: &str, file: &str) -> Failure {
    Failure::new(
        format!("`{name}` holds its executions back: its `concurrency` is 0"),
        format!("say `concurrency 1` in {file} and activate it again"),
    )
}

/// Within a project a live run takes the version that was activated, and needs an operational
/// connector; a dry run takes the file as it is, with a warning while something is missing.
pub(super) fn version_to_run(
    project: &Project,
    connector: &Connector,
    plan: &Plan,
    ask: &Ask,
) -> Result<Option<i64>, Failure> {
    let name = &plan.connector.name;
    let state = project.state()?;
    // What is on its own need not be complete; a sample that it names should be there all the same.
    let missing = match (&state, ask.live) {
        (Some(_), false) => incomplete(connector, plan),
        (Some(_), true) => Vec::new(),
        (None, _) => no_sample(connector).into_iter().collect(),
    };
    missing.iter().for_each(|missing| say(format_args!("warning: `{name}` is not complete: {missing}")));
    let Some(mut state) = state.filter(|_| ask.live) else { return Ok(None) };
    must_be_its(project, &mut state, name, &ask.file)?;
    let file = ask.file.display();
    if plan.connector.concurrency == Some(0) {
        let Failure { what, hint, .. } = held(name, &file.to_string());
        let hint = hint.unwrap_or_default();
        return Err(Failure::new(what, format!("queue it (sconn submit {file}), or {hint}")));
    }
    let (known, current) = (state.connector(name)?, version_hash(plan)?.1);
    let status = known.as_ref().map_or(Status::Setup, |k| k.status);
    let Some(known) = known.filter(|k| k.status.runs()) else {
        return Err(Failure::new(
            format!("`{name}` does not run live: it is {}", status.words()),
            format!("activate it: sconn activate {file}\na dry run is always possible: leave out --live"),
        ));
    };
    if known.hash.is_some_and(|hash| hash != current) {
        let version = known.version.unwrap_or_default();
        return Err(Failure::new(
            format!("{file} was edited since version {version} of `{name}` was activated"),
            format!("look at it with a dry run, then activate it again: sconn activate {file}"),
        ));
    }
    Ok(known.version)
}
