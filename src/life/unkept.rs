//! Executions that wait by the state, and of which nothing is left that could go on.

use super::Failure;
use super::told::summary;
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, Outcome, State};
use crate::run::Frozen;
use crate::system::clock::{Clock, SystemClock};
use crate::system::folder::ExecutionFolder;

/// Ends an execution that nobody can go on with, since what it was asked is not there: it was never kept, or it has
/// ended long since, and the state is a copy from before. Whether it was one.
///
/// # Errors
/// Where the state cannot be written.
pub fn end_unkept(project: &Project, state: &mut State, row: &ExecutionRow) -> Result<bool, Failure> {
    let folder = project.root().join(&row.folder);
    let kept = || Frozen::execution_in(&folder).is_some();
    if row.state.ended() || !folder.is_dir() || kept() {
        return Ok(false);
    }
    // Who has the lock may be about to keep it.
    let Ok(_lock) = ExecutionFolder::reopen(&folder) else { return Ok(false) };
    if kept() {
        return Ok(false);
    }
    if let Some(told) = summary(project, row) {
        let counts = serde_json::to_string(&told.steps).ok();
        let at = told.ended.parse().unwrap_or_else(|_| SystemClock.now());
        let failure = told.failure.as_deref();
        let outcome = Outcome { state: told.state.into(), counts: counts.as_deref(), failure, at };
        return Ok(state.end(&row.id, row.epoch, outcome)?);
    }
    let why =
        "its process was gone before it had kept its input, so nothing was loaded\nhand the input in again";
    let ended = if row.cancel { ExecutionState::Cancelled } else { ExecutionState::Failed };
    let outcome = Outcome { state: ended, counts: None, failure: Some(why), at: SystemClock.now() };
    Ok(state.end(&row.id, row.epoch, outcome)?)
}
