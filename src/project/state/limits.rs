//! What becomes of an execution before its end: it begins a version, comes to a limit, or cannot begin.

use super::{Outcome, State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

impl State {
    /// An execution that waited is about to begin with this version of its connector.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn begins(&mut self, id: &str, version: Option<i64>) -> Result<(), ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET version = ?2 WHERE id = ?1 AND started_at IS NULL";
            t.execute(sql, params![id, version]).map(drop)
        })
    }

    /// Whether the execution is still the worker's of that epoch.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn owns(&self, id: &str, epoch: i64) -> Result<bool, ProjectError> {
        let sql = "SELECT epoch = ?2 FROM executions WHERE id = ?1";
        let own = self.connection.query_row(sql, params![id, epoch], |r| r.get(0)).optional();
        own.map(|own| own.unwrap_or(false)).map_err(|e| self.failed(&e))
    }

    /// The execution of a worker that ends itself because of a limit has failed, unless it ended before. Whether it
    /// was still that worker's.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn ended_at_limit(
        &mut self,
        id: &str,
        epoch: i64,
        outcome: Outcome<'_>,
    ) -> Result<bool, ProjectError> {
        self.together(|t| {
            let running = "SELECT state = 'running' FROM executions WHERE id = ?1";
            if t.query_row(running, [id], |r| r.get(0)).optional()? != Some(true) {
                return Ok(false);
            }
            super::queue::end(t, id, epoch, outcome)
        })
    }

    /// A process that was to take an execution ended without having done so: that counts as a try,
    /// so that it is not tried for ever, unless it waits for its connector to become active. Where another try
    /// would end as this one, it is left to people at once. One that was cancelled ends so. Whether it did count.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn not_taken(
        &mut self,
        id: &str,
        epoch: i64,
        why: &str,
        again: bool,
        at: Timestamp,
    ) -> Result<bool, ProjectError> {
        self.together(|t| {
            // A second at first, then three times as long each time.
            let sql = "UPDATE executions SET epoch = epoch + 1, failure = ?3, spared = iif(?5, spared, epoch - 4),
                         tried_at = ?4, not_before = strftime('%Y-%m-%dT%H:%M:%fZ', ?4, '+' ||
                           CASE epoch - spared WHEN 0 THEN 1 WHEN 1 THEN 3 WHEN 2 THEN 9 ELSE 27 END || ' seconds'),
                         state = iif(cancel, 'cancelled', 'interrupted'), ended_at = iif(cancel, ?4, NULL)
                       WHERE id = ?1 AND epoch = ?2 AND state IN ('queued', 'interrupted')
                         AND (cancel OR live = 0 OR connector IN (SELECT name FROM connectors WHERE active))";
            let counted = t.execute(sql, params![id, epoch, why, stamp(at), again])? > 0;
            if counted {
                needs_attention(t, id)?;
            }
            Ok(counted)
        })
    }
}

/// A live execution that is left to people makes its connector need attention.
pub(super) fn needs_attention(t: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE connectors SET last_live_errors = 1 WHERE name =
                 (SELECT connector FROM executions
                  WHERE id = ?1 AND live AND cancel = 0 AND state = 'interrupted' AND epoch - spared > 4)";
    t.execute(sql, [id]).map(drop)
}
