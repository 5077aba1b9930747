//! The way of an execution: it waits, a worker takes it and tells how far it is, and it ends.

use super::executions::{SELECT, read};
use super::limits::needs_attention;
use super::{ExecutionRow, ExecutionState, State, stamp};
use crate::project::ProjectError;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

/// How long a worker may be silent before its execution counts as interrupted.
const LEASE: SignedDuration = SignedDuration::from_secs(15);

/// No time of an execution lies further ahead: its lease, or when it is tried again (27 seconds at most), with what
/// somebody may have waited for the state meanwhile. One that does was entered before the clock was put back, and counts
/// as over.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// The latest time that counts as one to come.
pub(super) fn ahead(now: Timestamp) -> String {
    stamp(now + AHEAD)
}

/// What waits for a worker. What was interrupted again and again is left to people.
pub(super) const WAITS: &str =
    "(state = 'queued' OR state = 'interrupted' AND epoch - spared BETWEEN 1 AND 4 AND cancel = 0)";

/// Whose lease is over; `?1` is now, `?2` what is [`ahead`].
const LATE: &str = "lease_until NOT BETWEEN ?1 AND ?2";

/// What whoever runs the queue asks is about those that have not ended, which are few among many.
pub(super) const INDEXES: &str = "
    CREATE INDEX IF NOT EXISTS executions_open ON executions(connector, state, queued_at) WHERE ended_at IS NULL;
    CREATE INDEX IF NOT EXISTS executions_tried ON executions(connector, tried_at);";

/// Those that have not ended.
const OPEN: &str = "executions INDEXED BY executions_open WHERE ended_at IS NULL";

/// How an execution ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// How.
    pub state: ExecutionState,
    /// Counts by action, as JSON; where there are none, those stay that were told last.
    pub counts: Option<&'a str>,
    /// Why it failed.
    pub failure: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// How far a running execution is.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// What it is at.
    pub stage: String,
    /// How far that is, in its own unit.
    pub done: i64,
    /// How far it goes.
    pub total: Option<i64>,
    /// Counts by action of each step so far, as JSON; none before there are any: what an earlier worker told stays.
    pub counts: Option<String>,
}

/// A worker that was not heard of within its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Its execution.
    pub id: String,
    /// The execution's folder, from the project's root.
    pub folder: String,
    /// Its process.
    pub pid: u32,
}

/// What a worker has that took an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Which of its workers it is.
    pub epoch: i64,
    /// Whether the execution was cancelled: it is only to be ended.
    pub cancelled: bool,
}

impl State {
    /// Takes an execution that has not ended: this process works on it from now on. The caller holds the
    /// lock of the execution's folder, so no other worker of it is alive; one on another machine is not
    /// heard any more. None where there is nothing to take; where its connector is not active, if it is live; and
    /// where as many others of its connector run as `places` says.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn take(
        &mut self,
        id: &str,
        pid: u32,
        now: Timestamp,
        places: Option<i64>,
    ) -> Result<Option<Taken>, ProjectError> {
        self.together(|t| {
            t.query_row(
                "UPDATE executions SET state = 'running', pid = ?2, epoch = epoch + 1, lease_until = ?3,
                   started_at = coalesce(started_at, ?4), tried_at = ?4, not_before = NULL, failure = NULL
                 WHERE id = ?1 AND state IN ('queued', 'interrupted', 'running')
                   AND (cancel OR live = 0 OR connector IN (SELECT name FROM connectors WHERE active))
                   AND (cancel OR ?5 IS NULL OR ?5 >
                     (SELECT count(*) FROM executions AS other
                      WHERE other.connector = executions.connector AND other.id <> executions.id AND other.live
                        AND other.state = 'running' AND other.lease_until BETWEEN ?4 AND ?6))
                 RETURNING epoch, cancel",
                params![id, pid, stamp(now + LEASE), stamp(now), places, ahead(now)],
                |r| Ok(Taken { epoch: r.get(0)?, cancelled: r.get(1)? }),
            )
            .optional()
        })
    }

    /// Tells how far a worker is, and keeps its lease, or takes it back where it was only silent. Whether it should go
    /// on; none where the execution is not its own any more.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn beat(
        &mut self,
        id: &str,
        epoch: i64,
        pace: &Pace,
        now: Timestamp,
    ) -> Result<Option<bool>, ProjectError> {
        self.together(|t| {
            t.query_row(
                "UPDATE executions SET state = 'running', lease_until = ?3, stage = ?4, done = ?5, total = ?6,
                   counts = coalesce(?7, counts)
                 WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'interrupted')
                 -- One that was silent while its connector was deactivated has not been told of it.
                 RETURNING cancel OR live AND connector NOT IN (SELECT name FROM connectors WHERE active)",
                params![id, epoch, stamp(now + LEASE), pace.stage, pace.done, pace.total, pace.counts],
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
        self.together(|t| cancel(t, id, now))
    }

    /// Running executions whose worker has not been heard of within its lease count as interrupted. It may still be
    /// there, stopped or hanging: whoever runs the queue ends it.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn find_interrupted(&mut self, now: Timestamp) -> Result<(), ProjectError> {
        let late = format!("state = 'running' AND {LATE}");
        let any = format!("SELECT EXISTS (SELECT 1 FROM {OPEN} AND {late})");
        let now = [stamp(now), ahead(now)];
        // It is asked often, and there seldom are any: no need to wait for those who write.
        if !self
            .connection
            .query_row(&any, params![now[0], now[1]], |r| r.get(0))
            .map_err(|e| self.failed(&e))?
        {
            return Ok(());
        }
        let mark = format!("UPDATE executions SET state = 'interrupted' WHERE {late} RETURNING id");
        self.together(|t| {
            let ids: Vec<String> = t
                .prepare(&mark)?
                .query_map([&now[0], &now[1]], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            ids.iter().try_for_each(|id| needs_attention(t, id))
        })
    }

    /// The workers that were not heard of within their lease, and that nobody has seen the end of: they may be there
    /// still.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn silent_workers(&self, now: Timestamp) -> Result<Vec<Silent>, ProjectError> {
        let list = || {
            let sql = format!(
                "SELECT id, folder, pid FROM {OPEN} AND pid IS NOT NULL
                   AND (state = 'interrupted' OR state = 'running' AND {LATE})"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let read =
                |r: &rusqlite::Row<'_>| Ok(Silent { id: r.get(0)?, folder: r.get(1)?, pid: r.get(2)? });
            statement.query_map([stamp(now), ahead(now)], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// A silent worker is gone by now.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn silent_worker_gone(&mut self, id: &str, pid: u32) -> Result<(), ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET pid = NULL WHERE id = ?1 AND pid = ?2 AND state = 'interrupted'";
            t.execute(sql, params![id, pid]).map(drop)
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
            let gone = t.execute(sql, params![id, pid])? > 0;
            if gone {
                needs_attention(t, id)?;
            }
            Ok(gone)
        })
    }

    /// An execution that was cancelled and whose worker is gone: it only is to be ended. One whose workers were
    /// gone again and again counts as cancelled as it is; those that are `taken` are at somebody's already.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub fn next_cancelled(
        &mut self,
        taken: &[String],
        now: Timestamp,
    ) -> Result<Option<ExecutionRow>, ProjectError> {
        const LEFT: &str =
            "state = 'interrupted' AND cancel = 1 AND id NOT IN (SELECT value FROM json_each(?1))";
        let taken = serde_json::json!(taken).to_string();
        let given_up = format!(
            "UPDATE executions SET state = 'cancelled', ended_at = ?2 WHERE {LEFT} AND epoch - spared > 8"
        );
        let next = format!("{SELECT} WHERE {LEFT} AND epoch - spared <= 8 ORDER BY queued_at, id LIMIT 1");
        let any = format!("SELECT EXISTS (SELECT 1 FROM {OPEN} AND {LEFT})");
        if !self.connection.query_row(&any, [&taken], |r| r.get(0)).map_err(|e| self.failed(&e))? {
            return Ok(None);
        }
        self.together(|t| {
            t.execute(&given_up, [&taken, &stamp(now)])?;
            t.query_row(&next, [&taken], read).optional()
        })
    }

    /// The next execution to run, fair between connectors: of those that may run (the run is dry, or the connector is
    /// active and its concurrency is not used up), of the connector that runs least and of these of
    /// the one whose turn was longest ago, the oldest. An execution that was interrupted again and again is left to
    /// people, one that could not begin waits for a while; those that are `taken` are at somebody's already, and those
    /// that are `passed` over keep nobody's place.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn next(
        &self,
        concurrency: &dyn Fn(&str) -> i64,
        taken: &[String],
        passed: &[String],
        now: Timestamp,
    ) -> Result<Option<ExecutionRow>, ProjectError> {
        let (ahead, now) = (ahead(now), stamp(now));
        let left = serde_json::json!([taken, passed].concat()).to_string();
        let taken = serde_json::json!(taken).to_string();
        let connectors = || {
            // What was started and is not running yet has its place already. A dry run takes nobody's.
            let mut statement = self.connection.prepare(&format!(
                "SELECT connector, sum(live AND at_work) FROM
                   (SELECT *, state = 'running' OR id IN (SELECT value FROM json_each(?1)) AS at_work FROM {OPEN})
                   AS executions
                 GROUP BY connector HAVING sum({WAITS}) > 0
                 ORDER BY sum(at_work),
                   (SELECT max(tried_at) FROM executions AS past WHERE past.connector = executions.connector),
                   min(CASE WHEN {WAITS} THEN queued_at END)"
            ))?;
            statement
                .query_map([&taken], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let oldest = format!(
            "{SELECT} WHERE connector = ?1 AND ended_at IS NULL AND {WAITS} AND (live = 0 OR ?2)
               AND (not_before IS NULL OR not_before <= ?4 OR not_before > ?5)
               AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY queued_at, id LIMIT 1"
        );
        for (connector, running) in connectors().map_err(|e| self.failed(&e))? {
            let place = running < concurrency(&connector);
            let active = place && self.connector(&connector)?.is_some_and(|c| c.status.runs());
            let next = self
                .connection
                .query_row(&oldest, params![connector, active, left, now, ahead], read)
                .optional();
            if let Some(next) = next.map_err(|e| self.failed(&e))? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }
}

impl State {
    /// Whether one that could not begin is tried again later than now.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn any_later(&self, now: Timestamp) -> Result<bool, ProjectError> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {OPEN} AND {WAITS} AND not_before > ?1 AND not_before <= ?2
               AND (live = 0 OR connector IN (SELECT name FROM connectors WHERE active)))"
        );
        self.connection.query_row(&sql, [stamp(now), ahead(now)], |r| r.get(0)).map_err(|e| self.failed(&e))
    }
}

/// See [`State::cancel`].
pub(super) fn cancel(
    t: &Transaction<'_>,
    id: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<ExecutionState>> {
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
}

/// See [`State::end`].
pub(super) fn end(t: &Transaction<'_>, id: &str, epoch: i64, outcome: Outcome<'_>) -> rusqlite::Result<bool> {
    let ended: Option<(String, bool)> = t
        .query_row(
            // A clock that was put back makes no execution shorter than nothing. One that was asked to stop when
            // nothing was left to stop was not stopped.
            "UPDATE executions SET ended_at = max(?4, coalesce(started_at, ?4)), counts = coalesce(?5, counts), pid = NULL, state = ?3, failure = ?6,
               cancel = cancel AND ?3 = 'cancelled', lease_until = NULL, stage = NULL, done = NULL, total = NULL
             WHERE id = ?1 AND epoch = ?2 AND state IN ('running', 'interrupted') RETURNING connector, live",
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
