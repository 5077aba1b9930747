//! What an execution was asked with, so that it can be asked again; and keys by which the same request,
//! sent twice, is one execution. Both are known as long as the execution is.

use super::executions::insert;
use super::{NewExecution, State};
use crate::project::ProjectError;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS submissions(
    execution TEXT PRIMARY KEY, params TEXT NOT NULL, target TEXT,
    guard_formulas INTEGER NOT NULL, caller TEXT, key TEXT, request TEXT,
    UNIQUE(caller, key)) WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS submissions_end AFTER DELETE ON executions BEGIN
    DELETE FROM submissions WHERE execution = OLD.id;
  END;";

/// What layout 2 did not have.
pub(super) const SINCE_2: &str =
    "ALTER TABLE submissions ADD COLUMN guard_formulas INTEGER NOT NULL DEFAULT 0;";

/// A key that somebody gave to a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestKey<'a> {
    /// Who: keys of others are other keys.
    pub caller: &'a str,
    /// The key.
    pub key: &'a str,
    /// What was asked, in short: one key is for one request.
    pub request: &'a str,
}

/// What became of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// It is this execution.
    Same(String),
    /// Another request had the key.
    Other,
}

/// What an execution was asked with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// Run parameters, `NAME=VALUE`.
    pub params: Vec<String>,
    /// The target, as it was said.
    pub target: Option<String>,
    /// Whether cells of the SQL output were guarded against formulas.
    pub guard_formulas: bool,
}

fn find(connection: &Connection, key: RequestKey<'_>) -> rusqlite::Result<Option<Known>> {
    let read = |r: &rusqlite::Row<'_>| {
        let same = r.get::<_, String>(1)? == key.request;
        Ok(if same { Known::Same(r.get(0)?) } else { Known::Other })
    };
    let sql = "SELECT execution, request FROM submissions WHERE caller = ?1 AND key = ?2";
    connection.query_row(sql, [key.caller, key.key], read).optional()
}

impl State {
    /// What a request with that key became; none where it is new.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn request(&self, key: RequestKey<'_>) -> Result<Option<Known>, ProjectError> {
        find(&self.connection, key).map_err(|e| self.failed(&e))
    }

    /// Puts an execution into the queue, with what it was asked. Where a request had its key before, it
    /// puts nothing there and says what that one became.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn submit(
        &mut self,
        new: NewExecution<'_>,
        asked: &Submission,
        key: Option<RequestKey<'_>>,
    ) -> Result<Option<Known>, ProjectError> {
        let list = serde_json::Value::from(asked.params.clone()).to_string();
        self.together(|t| {
            if let Some(known) = key.map(|k| find(t, k)).transpose()?.flatten() {
                return Ok(Some(known));
            }
            insert(t, new)?;
            t.execute(
                "INSERT INTO submissions(execution, params, target, guard_formulas, caller, key, request)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    new.id,
                    list,
                    asked.target,
                    asked.guard_formulas,
                    key.map(|k| k.caller),
                    key.map(|k| k.key),
                    key.map(|k| k.request)
                ],
            )?;
            Ok(None)
        })
    }

    /// What an execution was asked with; nothing where that is not known.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn submission(&self, execution: &str) -> Result<Submission, ProjectError> {
        let read = |r: &rusqlite::Row<'_>| {
            let params: String = r.get(0)?;
            let params = serde_json::from_str(&params).unwrap_or_default();
            Ok(Submission { params, target: r.get(1)?, guard_formulas: r.get(2)? })
        };
        let sql = "SELECT params, target, guard_formulas FROM submissions WHERE execution = ?1";
        let found = self.connection.query_row(sql, [execution], read).optional();
        found.map(Option::unwrap_or_default).map_err(|e| self.failed(&e))
    }
}
