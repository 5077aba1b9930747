//! Where an execution stands, in words.

use super::Failure;
use super::work::concurrency;
use crate::project::state::{ExecutionRow, State, Waits};
use crate::report::StepSummary;
use crate::run::{LEFT_OUT, REPORTING};
use crate::system::clock::{Clock, SystemClock};

/// How far the stage of an execution is, in hundredths; none where nobody knows.
pub fn percent(row: &ExecutionRow) -> Option<i64> {
    match (row.done, row.total) {
        (Some(done), Some(total)) if total > 0 => Some((done * 100 / total).clamp(0, 100)),
        _ => None,
    }
}

/// Whether the last chunk of a running execution is done, and what it did is being told.
pub fn winds_up(row: &ExecutionRow) -> bool {
    row.stage.as_deref().is_some_and(|stage| matches!(stage, LEFT_OUT | REPORTING))
}

/// Why an execution waits, and what lets it go on; none where it does not wait.
///
/// # Errors
/// Where the state cannot be read.
pub fn waits(state: &State, row: &ExecutionRow) -> Result<Option<String>, Failure> {
    let (id, connector) = (&row.id, &row.connector);
    let why = state.waits(row, concurrency(state, connector), SystemClock.now())?;
    Ok(why.map(|why| match why {
        Waits::LeftToPeople => format!(
            "for people, since it does not go on by itself: `sconn executions resume {id}`, or `sconn executions cancel {id}`"
        ),
        Waits::Inactive => format!("`{connector}` is not active: `sconn activate {connector}`"),
        Waits::Held => format!("the concurrency of `{connector}` is 0: it holds its queue"),
        Waits::Busy(1) => format!("another execution of `{connector}` runs, and its concurrency is 1"),
        Waits::Busy(many) => format!("{many} executions of `{connector}` run, which is its concurrency"),
        Waits::Again(at) => format!("it could not begin, and is tried again at {at}"),
        Waits::Turn(0) => "for `sconn work` or `sconn serve` to take it".to_owned(),
        Waits::Turn(1) => format!("for its turn: 1 execution of `{connector}` comes before it"),
        Waits::Turn(many) => format!("for its turn: {many} executions of `{connector}` come before it"),
    }))
}

/// What the load steps of an execution did, while it runs so far: each step and its rows.
pub fn steps(row: &ExecutionRow) -> Vec<(String, String)> {
    let steps: Vec<StepSummary> =
        row.counts.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    steps.into_iter().map(|s| (s.name, s.counts.words())).collect()
}
