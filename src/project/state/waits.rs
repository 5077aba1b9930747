//! Why an execution waits.

use super::queue::ahead;
use super::{ExecutionRow, ExecutionState, State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::params;

/// How often an execution is taken up again by itself.
const TIMES: i64 = 4;

/// Why an execution waits; the queue asks the same, see [`State::next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// It is left to people: it was interrupted again and again, or could not begin.
    LeftToPeople,
    /// Its connector is not active.
    Inactive,
    /// Its connector's concurrency is 0.
    Held,
    /// So many executions of its connector run, which is the most.
    Busy(i64),
    /// It could not begin, and is tried again at that time; RFC 3339.
    Again(String),
    /// For whoever runs the queue; so many of its connector come before it.
    Turn(i64),
}

impl State {
    /// Why an execution waits; none where it does not. `concurrency` is its connector's.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn waits(
        &self,
        row: &ExecutionRow,
        concurrency: i64,
        now: Timestamp,
    ) -> Result<Option<Waits>, ProjectError> {
        if !matches!(row.state, ExecutionState::Queued | ExecutionState::Interrupted) {
            return Ok(None);
        }
        // One that was cancelled is ended whatever else waits.
        if row.cancel {
            return Ok(Some(Waits::Turn(0)));
        }
        let sql = "SELECT
            (SELECT epoch - spared FROM executions WHERE id = ?1),
            (SELECT count(*) FROM executions WHERE connector = ?2 AND live AND state = 'running'),
            (SELECT count(*) FROM executions WHERE connector = ?2 AND cancel = 0 AND (queued_at, id) < (?3, ?1)
               AND (state = 'queued' OR state = 'interrupted' AND epoch - spared <= 4)),
            (SELECT not_before FROM executions WHERE id = ?1 AND not_before > ?4 AND not_before <= ?5)";
        let given = params![row.id, row.connector, row.queued_at, stamp(now), ahead(now)];
        let read =
            self.connection.query_row(sql, given, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)));
        let (tried, running, before, again): (i64, i64, i64, Option<String>) =
            read.map_err(|e| self.failed(&e))?;
        let active = || Ok(self.connector(&row.connector)?.is_some_and(|c| c.status.runs()));
        Ok(Some(match () {
            () if row.state == ExecutionState::Interrupted && tried > TIMES => Waits::LeftToPeople,
            () if row.live && !active()? => Waits::Inactive,
            () if row.live && concurrency <= 0 => Waits::Held,
            () if row.live && running >= concurrency => Waits::Busy(running),
            () => again.map_or(Waits::Turn(before), Waits::Again),
        }))
    }
}
