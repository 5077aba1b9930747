//! Executions, as the state keeps them.

use super::queue::WAITS;
use super::{State, Wanted, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionState {
    /// It waits.
    Queued,
    /// A worker is at it.
    Running,
    /// Every row went as meant.
    Completed,
    /// It went to its end, and rows were left out with errors.
    CompletedWithErrors,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its worker is gone; it can be resumed.
    Interrupted,
}

impl ExecutionState {
    /// Every state.
    pub const ALL: [ExecutionState; 7] = [
        ExecutionState::Queued,
        ExecutionState::Running,
        ExecutionState::Completed,
        ExecutionState::CompletedWithErrors,
        ExecutionState::Failed,
        ExecutionState::Cancelled,
        ExecutionState::Interrupted,
    ];

    /// As people read it, and as it is stored.
    pub fn words(self) -> &'static str {
        match self {
            ExecutionState::Queued => "queued",
            ExecutionState::Running => "running",
            ExecutionState::Completed => "completed",
            ExecutionState::CompletedWithErrors => "completed with errors",
            ExecutionState::Failed => "failed",
            ExecutionState::Cancelled => "cancelled",
            ExecutionState::Interrupted => "interrupted",
        }
    }

    /// As programs read it: `completed_with_errors`.
    pub fn name(self) -> String {
        self.words().replace(' ', "_")
    }

    /// Whether nothing more becomes of it.
    pub fn ended(self) -> bool {
        !matches!(self, ExecutionState::Queued | ExecutionState::Running | ExecutionState::Interrupted)
    }
}

impl ToSql for ExecutionState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.words().to_sql()
    }
}

impl FromSql for ExecutionState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let words = value.as_str()?;
        Self::ALL.into_iter().find(|s| s.words() == words).ok_or(FromSqlError::InvalidType)
    }
}

/// An execution that is to run.
#[derive(Clone, Copy, Debug)]
pub struct NewExecution<'a> {
    /// Its id.
    pub id: &'a str,
    /// The connector's API name.
    pub connector: &'a str,
    /// The activated version that it runs; none where it runs the file as it is.
    pub version: Option<i64>,
    /// Whether records are written.
    pub live: bool,
    /// Its folder.
    pub folder: &'a str,
    /// Who or what started it; empty where nobody is known.
    pub triggered_by: &'a str,
    /// When it was asked for.
    pub at: Timestamp,
}

/// An execution as the project knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionRow {
    /// Its id.
    pub id: String,
    /// The connector's API name.
    pub connector: String,
    /// The activated version that it runs; none where it runs the file as it was.
    pub version: Option<i64>,
    /// Whether records are written.
    pub live: bool,
    /// Where it stands.
    pub state: ExecutionState,
    /// Its folder.
    pub folder: String,
    /// Who or what started it; empty where nobody is known.
    pub triggered_by: String,
    /// When it was asked for, RFC 3339.
    pub queued_at: String,
    /// When its first worker began.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// What it is at.
    pub stage: Option<String>,
    /// How far the stage is, and how far it goes.
    pub done: Option<i64>,
    /// In the stage's unit: bytes or rows.
    pub total: Option<i64>,
    /// Counts by action of each step, as JSON: so far while it runs, of all rows once it has ended; as
    /// far as it was told where its process was ended.
    pub counts: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Its worker's process.
    pub pid: Option<u32>,
    /// Whether somebody has asked to stop it.
    pub cancel: bool,
    /// Which of its workers has or had it last, from 1; 0 before the first.
    pub epoch: i64,
    /// When its files were removed, as the project's retention says; RFC 3339.
    pub files_gone_at: Option<String>,
    /// Whether it is left to people, interrupted again and again or unable to begin: it goes on only where people say so.
    pub left_to_people: bool,
}

pub(super) const SELECT: &str =
    "SELECT id, connector, version, live, state, folder, queued_at, started_at, ended_at,
    stage, done, total, failure, pid, cancel, triggered_by, counts, epoch, files_gone_at,
    state = 'interrupted' AND cancel = 0 AND epoch - spared > 4 FROM executions";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<ExecutionRow> {
    Ok(ExecutionRow {
        id: row.get(0)?,
        connector: row.get(1)?,
        version: row.get(2)?,
        live: row.get(3)?,
        state: row.get(4)?,
        folder: row.get(5)?,
        queued_at: row.get(6)?,
        started_at: row.get(7)?,
        ended_at: row.get(8)?,
        stage: row.get(9)?,
        done: row.get(10)?,
        total: row.get(11)?,
        failure: row.get(12)?,
        pid: row.get(13)?,
        cancel: row.get(14)?,
        triggered_by: row.get(15)?,
        counts: row.get(16)?,
        epoch: row.get(17)?,
        files_gone_at: row.get(18)?,
        left_to_people: row.get(19)?,
    })
}

pub(super) fn insert(t: &Connection, new: NewExecution<'_>) -> rusqlite::Result<()> {
    t.execute(
        "INSERT INTO executions(id, connector, version, live, state, folder, queued_at, triggered_by)
         VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7)",
        params![new.id, new.connector, new.version, new.live, new.folder, stamp(new.at), new.triggered_by],
    )
    .map(drop)
}

impl State {
    /// Executions, the newest first; of one connector, or of all.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn executions(&self, connector: Option<&str>, limit: i64) -> Result<Vec<ExecutionRow>, ProjectError> {
        self.history(Wanted { connector, ..Wanted::default() }, limit)
    }

    /// The executions of a connector that wait, the oldest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn queued(&self, connector: &str) -> Result<Vec<ExecutionRow>, ProjectError> {
        self.those("state = 'queued'", connector)
    }

    /// The executions that begin or go on once a connector is active, the oldest first. Dry runs need not wait
    /// for that.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn would_begin(&self, connector: &str) -> Result<Vec<ExecutionRow>, ProjectError> {
        self.those(&format!("live = 1 AND {WAITS}"), connector)
    }

    fn those(&self, which: &str, connector: &str) -> Result<Vec<ExecutionRow>, ProjectError> {
        let sql = format!("{SELECT} WHERE connector = ?1 AND {which} ORDER BY queued_at, id");
        let list = || {
            let mut statement = self.connection.prepare(&sql)?;
            statement.query_map([connector], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The execution of that id.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn execution(&self, id: &str) -> Result<Option<ExecutionRow>, ProjectError> {
        let sql = format!("{SELECT} WHERE id = ?1");
        self.connection.query_row(&sql, [id], read).optional().map_err(|e| self.failed(&e))
    }
}
