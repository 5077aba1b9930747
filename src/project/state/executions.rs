//! Executions: queued, running, ended.

use super::{State, Wanted, stamp};
use crate::project::ProjectError;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;

/// How long a worker may be silent before its execution counts as interrupted.
const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// What waits for a worker. One that was interrupted again and again is left to people.
const WAITS: &str =
    "(state = 'queued' OR state = 'interrupted' AND epoch - spared BETWEEN 1 AND 4 AND cancel = 0)";

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

/// How an execution ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// How.
    pub state: ExecutionState,
    /// Counts by action, as JSON.
    pub counts: Option<&'a str>,
    /// Why it failed.
    pub failure: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// What a worker has that took an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which of its workers it is.
    pub epoch: i64,
    /// Whether the execution was cancelled: it is only to be ended.
    pub cancelled: bool,
}

/// An execution as the project knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Counts by action of each step, as JSON; there once it has ended.
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
    /// Whether it was interrupted again and again: it goes on only where people say so.
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

    /// Takes an execution that has not ended: this process works on it from now on. The caller holds the
    /// lock of the execution's folder, so no other worker of it is alive; one on another machine is not
    /// heard any more. None where there is nothing to take.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn take(&mut self, id: &str, pid: u32, now: Timestamp) -> Result<Option<Taken>, ProjectError> {
        self.together(|t| {
            t.query_row(
                "UPDATE executions SET state = 'running', pid = ?2, epoch = epoch + 1, lease_until = ?3,
                   started_at = coalesce(started_at, ?4), failure = NULL
                 WHERE id = ?1 AND state IN ('queued', 'interrupted', 'running')
                 RETURNING epoch, cancel",
                params![id, pid, stamp(now + LEASE), stamp(now)],
                |r| Ok(Taken { epoch: r.get(0)?, cancelled: r.get(1)? }),
            )
            .optional()
        })
    }

    /// Tells how far a worker is, and keeps its lease. Whether it should go on; none where the
    /// execution is not its own any more.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn beat(
        &mut self,
        id: &str,
        epoch: i64,
        stage: &str,
        done: i64,
        total: Option<i64>,
        now: Timestamp,
    ) -> Result<Option<bool>, ProjectError> {
        self.together(|t| {
            t.query_row(
                "UPDATE executions SET lease_until = ?3, stage = ?4, done = ?5, total = ?6
                 WHERE id = ?1 AND epoch = ?2 AND state = 'running' RETURNING cancel",
                params![id, epoch, stamp(now + LEASE), stage, done, total],
                |r| r.get::<_, bool>(0).map(|cancel| !cancel),
            )
            .optional()
        })
    }

    /// Enters how an execution ended, and what that makes of its connector: a live run decides
    /// whether it needs attention. Whether the execution was still that worker's.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn end(&mut self, id: &str, epoch: i64, outcome: Outcome<'_>) -> Result<bool, ProjectError> {
        self.together(|t| end(t, id, epoch, outcome))
    }

    /// Asks to stop an execution: one that waits is cancelled at once, a running one stops after the chunk in
    /// hand, and one that was interrupted is ended by the next worker that takes it, which tells what it did.
    /// Gives what it was, or none where there is none.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn cancel(&mut self, id: &str, now: Timestamp) -> Result<Option<ExecutionState>, ProjectError> {
        self.together(|t| {
            let state: Option<ExecutionState> =
                t.query_row("SELECT state FROM executions WHERE id = ?1", [id], |r| r.get(0)).optional()?;
            match state {
                Some(ExecutionState::Queued) => {
                    t.execute(
                        "UPDATE executions SET state = 'cancelled', ended_at = ?2 WHERE id = ?1",
                        [id, &stamp(now)],
                    )?;
                }
                Some(ExecutionState::Running | ExecutionState::Interrupted) => {
                    t.execute("UPDATE executions SET cancel = 1 WHERE id = ?1", [id])?;
                }
                _ => {}
            }
            Ok(state)
        })
    }

    /// Running executions whose worker has not been heard of within its lease count as interrupted.
    /// Gives them and the processes that had them: one may still be there, stopped or hanging.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn find_interrupted(&mut self, now: Timestamp) -> Result<Vec<(String, Option<u32>)>, ProjectError> {
        self.together(|t| {
            let mut statement =
                t.prepare("SELECT id, pid FROM executions WHERE state = 'running' AND lease_until < ?1")?;
            let found = statement
                .query_map([stamp(now)], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            t.execute(
                "UPDATE executions SET state = 'interrupted' WHERE state = 'running' AND lease_until < ?1",
                [stamp(now)],
            )?;
            Ok(found)
        })
    }

    /// A worker ended without a word: its execution is interrupted, if it had one still.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn worker_gone(&mut self, id: &str, pid: u32) -> Result<bool, ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET state = 'interrupted', pid = NULL
                       WHERE id = ?1 AND pid = ?2 AND state = 'running'";
            Ok(t.execute(sql, params![id, pid])? > 0)
        })
    }

    /// An execution that was cancelled and whose worker is gone: it only is to be ended. One whose workers were
    /// gone again and again counts as cancelled as it is.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub fn next_cancelled(&mut self, now: Timestamp) -> Result<Option<ExecutionRow>, ProjectError> {
        const LEFT: &str = "state = 'interrupted' AND cancel = 1";
        let given_up = format!(
            "UPDATE executions SET state = 'cancelled', ended_at = ?1 WHERE {LEFT} AND epoch - spared > 8"
        );
        let next = format!("{SELECT} WHERE {LEFT} AND epoch - spared <= 8 ORDER BY queued_at, id LIMIT 1");
        let any = format!("SELECT EXISTS (SELECT 1 FROM executions WHERE {LEFT})");
        if !self.connection.query_row(&any, [], |r| r.get(0)).map_err(|e| self.failed(&e))? {
            return Ok(None);
        }
        self.together(|t| {
            t.execute(&given_up, [stamp(now)])?;
            t.query_row(&next, [], read).optional()
        })
    }

    /// The next execution to run, fair between connectors: of those that may run (the connector is
    /// active or the run is dry, and its concurrency is not used up), of the connector that runs least,
    /// the oldest. An execution that was interrupted again and again is left to people.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn next(&self, concurrency: &dyn Fn(&str) -> i64) -> Result<Option<ExecutionRow>, ProjectError> {
        let connectors = || {
            let mut statement = self.connection.prepare(&format!(
                "SELECT connector, sum(state = 'running') FROM executions
                 GROUP BY connector HAVING sum({WAITS}) > 0
                 ORDER BY 2, min(CASE WHEN {WAITS} THEN queued_at END)"
            ))?;
            statement
                .query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let oldest = format!(
            "{SELECT} WHERE connector = ?1 AND {WAITS} AND (live = 0 OR ?2) ORDER BY queued_at, id LIMIT 1"
        );
        for (connector, running) in connectors().map_err(|e| self.failed(&e))? {
            if running >= concurrency(&connector) {
                continue;
            }
            let active = self.connector(&connector)?.is_some_and(|c| c.status.runs());
            let next = self.connection.query_row(&oldest, params![connector, active], read).optional();
            if let Some(next) = next.map_err(|e| self.failed(&e))? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

/// See [`State::end`].
pub(super) fn end(t: &Transaction<'_>, id: &str, epoch: i64, outcome: Outcome<'_>) -> rusqlite::Result<bool> {
    let ended: Option<(String, bool)> = t
        .query_row(
            "UPDATE executions SET ended_at = ?4, counts = ?5, pid = NULL, state = ?3, failure = ?6,
               lease_until = NULL, stage = NULL, done = NULL, total = NULL
             WHERE id = ?1 AND epoch = ?2 RETURNING connector, live",
            params![id, epoch, outcome.state, stamp(outcome.at), outcome.counts, outcome.failure],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?;
    let Some((connector, live)) = ended else { return Ok(false) };
    let errors = match outcome.state {
        ExecutionState::Completed => false,
        ExecutionState::CompletedWithErrors | ExecutionState::Failed => true,
        // What was stopped says nothing of the connector.
        _ => return Ok(true),
    };
    if live {
        t.execute("UPDATE connectors SET last_live_errors = ?2 WHERE name = ?1", params![connector, errors])?;
    }
    Ok(true)
}
