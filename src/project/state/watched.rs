//! Files from watched folders whose way is not at its end: each is the claim of one execution.

use super::executions::insert;
use super::{NewExecution, State};
use crate::project::ProjectError;
use rusqlite::params;

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS watched(
    execution TEXT PRIMARY KEY, watch TEXT NOT NULL, name TEXT NOT NULL,
    -- Nanoseconds since 1970, as the file system tells them.
    mtime INTEGER NOT NULL, sha256 TEXT NOT NULL,
    -- 0: it lies in the watched folder still. 1: in the archive.
    archived INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  CREATE UNIQUE INDEX IF NOT EXISTS watched_claims ON watched(watch, name, mtime, sha256) WHERE archived = 0;";

/// A file that an execution has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name of the watch in `sconn.toml`.
    pub watch: String,
    /// The file's name.
    pub name: String,
    /// When it was written last, nanoseconds since 1970.
    pub mtime: i64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
}

/// A claim, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The execution.
    pub execution: String,
    /// Its file.
    pub claim: Claim,
    /// Whether the file is in the archive.
    pub archived: bool,
}

impl State {
    /// Claims a file and puts its execution into the queue, as one. Nothing is done, and that is told,
    /// where the file is claimed already.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn queue_watched(&mut self, claim: &Claim, new: NewExecution<'_>) -> Result<bool, ProjectError> {
        self.together(|t| {
            let claimed = t.execute(
                "INSERT INTO watched(execution, watch, name, mtime, sha256) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![new.id, claim.watch, claim.name, claim.mtime, claim.sha256],
            )?;
            if claimed > 0 {
                insert(t, new)?;
            }
            Ok(claimed > 0)
        })
    }

    /// The files whose way is not at its end.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn watched(&self) -> Result<Vec<Watched>, ProjectError> {
        let sql = "SELECT execution, watch, name, mtime, sha256, archived FROM watched ORDER BY execution";
        let list = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |r| {
                let claim = Claim { watch: r.get(1)?, name: r.get(2)?, mtime: r.get(3)?, sha256: r.get(4)? };
                Ok(Watched { execution: r.get(0)?, claim, archived: r.get(5)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// A claimed file is in the archive: one like it that comes now is a new one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn watched_archived(&mut self, execution: &str) -> Result<(), ProjectError> {
        self.together(|t| {
            t.execute("UPDATE watched SET archived = 1 WHERE execution = ?1", [execution]).map(drop)
        })
    }

    /// A file's way is at its end.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn watched_done(&mut self, execution: &str) -> Result<(), ProjectError> {
        self.together(|t| t.execute("DELETE FROM watched WHERE execution = ?1", [execution]).map(drop))
    }
}
