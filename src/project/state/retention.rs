//! Which executions have files that may go, and that they are gone.

use super::{ExecutionState, State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::params;

/// An execution whose files may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its id.
    pub id: String,
    /// Its connector.
    pub connector: String,
    /// Its folder.
    pub folder: String,
    /// When it ended, RFC 3339.
    pub ended_at: String,
}

impl State {
    /// The executions that ended before `before` and still have files, the oldest first; the `keep` newest
    /// of each connector are left out.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn expired(&self, before: Timestamp, keep: u32) -> Result<Vec<Expired>, ProjectError> {
        let ended = ExecutionState::ALL.into_iter().filter(|s| s.ended());
        let ended: Vec<String> = ended.map(|s| format!("'{}'", s.words())).collect();
        let sql = format!(
            "SELECT id, connector, folder, ended_at FROM (
               SELECT *, row_number() OVER (PARTITION BY connector ORDER BY queued_at DESC, id DESC) AS newest
               FROM executions)
             WHERE newest > ?2 AND ended_at < ?1 AND files_gone_at IS NULL AND state IN ({})
             ORDER BY ended_at, id",
            ended.join(", ")
        );
        let list = || {
            let mut statement = self.connection.prepare(&sql)?;
            let read = |r: &rusqlite::Row<'_>| {
                Ok(Expired { id: r.get(0)?, connector: r.get(1)?, folder: r.get(2)?, ended_at: r.get(3)? })
            };
            statement.query_map(params![stamp(before), keep], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The executions that have ended since then, and their folders: another one may have the folder by now.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn ended_since(&self, since: Timestamp) -> Result<Vec<(String, String)>, ProjectError> {
        let list = || {
            let sql = "SELECT id, folder FROM executions WHERE ended_at >= ?1 AND files_gone_at IS NULL";
            let mut statement = self.connection.prepare(sql)?;
            let read = |r: &rusqlite::Row<'_>| Ok((r.get(0)?, r.get(1)?));
            statement.query_map([stamp(since)], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Enters that the files of an execution are gone.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn files_gone(&mut self, id: &str, at: Timestamp) -> Result<(), ProjectError> {
        self.together(|t| {
            t.execute("UPDATE executions SET files_gone_at = ?2 WHERE id = ?1", [id, &stamp(at)]).map(drop)
        })
    }
}
