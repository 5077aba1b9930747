//! What a supervisor does to an execution: it begins a version, is stopped at a limit, or cannot begin.

use super::{ExecutionState, Outcome, State};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

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

    /// Asks an execution to stop because it is over a limit: when it has, it failed, and that is why.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn over_limit(&mut self, id: &str, pid: u32, why: &str) -> Result<(), ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET cancel = 1, failure = ?3
                       WHERE id = ?1 AND pid = ?2 AND state = 'running'";
            t.execute(sql, params![id, pid, why]).map(drop)
        })
    }

    /// An execution whose worker was ended because of a limit has failed. Whether it had not ended by
    /// itself.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn ended_at_limit(
        &mut self,
        id: &str,
        pid: u32,
        why: &str,
        at: Timestamp,
    ) -> Result<bool, ProjectError> {
        let sql =
            "SELECT epoch FROM executions WHERE id = ?1 AND pid = ?2 AND state IN ('running', 'interrupted')";
        let epoch: Option<i64> = self
            .connection
            .query_row(sql, params![id, pid], |r| r.get(0))
            .optional()
            .map_err(|e| self.failed(&e))?;
        let Some(epoch) = epoch else { return Ok(false) };
        let outcome = Outcome { state: ExecutionState::Failed, counts: None, failure: Some(why), at };
        self.end(id, epoch, outcome)?;
        Ok(true)
    }

    /// A process that was to take an execution ended without having done so: that counts as an attempt,
    /// so that it is not tried for ever, unless it waits for its connector to become active. Whether it
    /// did count.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn not_taken(&mut self, id: &str, epoch: i64, why: &str) -> Result<bool, ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET state = 'interrupted', epoch = epoch + 1, failure = ?3
                       WHERE id = ?1 AND epoch = ?2 AND state IN ('queued', 'interrupted')
                         AND (live = 0 OR connector IN (SELECT name FROM connectors WHERE active))";
            Ok(t.execute(sql, params![id, epoch, why])? > 0)
        })
    }
}
