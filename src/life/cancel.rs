//! Asking an execution to stop: the same from every place.

use super::Failure;
use super::executions::find_execution;
use super::stands::winds_up;
use crate::project::state::{ExecutionState, State};
use crate::system::clock::{Clock, SystemClock};

/// What came of asking an execution to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// It waited, and is cancelled; or it runs, and stops after the chunk in hand; or its worker is gone, and whoever
    /// comes next ends it. This is the state that it was in.
    Asked(ExecutionState),
    /// It has ended so before.
    Ended(ExecutionState),
    /// All its rows are done, and what it did is being told.
    TooLate,
}

/// What is said where it is too late to cancel an execution, and what to do.
pub const TOO_LATE: [&str; 2] = [
    "it is too late to cancel it: it writes its report",
    "every row of it is done already; look at what it did",
];

/// Asks an execution to stop.
///
/// # Errors
/// Where there is none, or the state cannot be written.
pub fn cancel(state: &mut State, id: &str) -> Result<Cancel, Failure> {
    let now = SystemClock.now();
    state.find_interrupted(now)?;
    let row = find_execution(state, id)?;
    // One that was asked before tells what it did: asking again changes nothing.
    if row.state == ExecutionState::Running && !row.cancel && winds_up(&row) {
        return Ok(Cancel::TooLate);
    }
    let was = state.cancel(id, now)?.unwrap_or(row.state);
    Ok(if was.ended() { Cancel::Ended(was) } else { Cancel::Asked(was) })
}
