//! The slots of schedules: up to where each schedule is done, and which execution has which slot.

use super::executions::insert;
use super::{NewExecution, State, stamp, time};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::{Transaction, params};

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS schedules(
    -- Up to when the slots of an active connector are done: all before its activation are.
    connector TEXT PRIMARY KEY, seen TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS slots(
    connector TEXT NOT NULL, slot TEXT NOT NULL, execution TEXT NOT NULL,
    PRIMARY KEY(connector, slot)) WITHOUT ROWID;";

/// An active connector that runs by schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// Its API name.
    pub connector: String,
    /// Its file, from the project's root.
    pub file: String,
    /// The version that is active.
    pub version: i64,
    /// The schedule of that version, as JSON.
    pub schedule: String,
    /// The connector's time zone.
    pub timezone: String,
    /// Up to when its slots are done.
    pub seen: Timestamp,
}

/// A connector is active from now on: its slots count from here.
pub(super) fn begin(t: &Transaction<'_>, connector: &str, at: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO schedules(connector, seen) VALUES (?1, ?2)
               ON CONFLICT DO UPDATE SET seen = ?2";
    t.execute(sql, params![connector, stamp(at)]).map(drop)
}

/// A connector is not active any more: none of its slots counts.
pub(super) fn end(t: &Transaction<'_>, connector: &str) -> rusqlite::Result<()> {
    t.execute("DELETE FROM schedules WHERE connector = ?1", [connector]).map(drop)
}

impl State {
    /// The active connectors that run by schedule.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn scheduled(&self) -> Result<Vec<Scheduled>, ProjectError> {
        let sql = "SELECT c.name, c.file, c.version, s.seen,
                     json_extract(v.plan, '$.connector.trigger.schedule') AS schedule,
                     json_extract(v.plan, '$.connector.timezone')
                   FROM schedules s JOIN connectors c ON c.name = s.connector AND c.active = 1
                   JOIN versions v ON v.connector = c.name AND v.version = c.version
                   WHERE schedule IS NOT NULL ORDER BY c.name";
        let list = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |r| {
                Ok(Scheduled {
                    connector: r.get(0)?,
                    file: r.get(1)?,
                    version: r.get(2)?,
                    schedule: r.get(4)?,
                    timezone: r.get(5)?,
                    seen: time(r, 3)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Enters a slot and puts its execution into the queue, as one. Nothing is done, and that is told,
    /// where the slot is done already or the connector is not active any more: another process was
    /// faster.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn queue_slot(&mut self, slot: Timestamp, new: NewExecution<'_>) -> Result<bool, ProjectError> {
        self.together(|t| {
            if !advance(t, new.connector, slot)? {
                return Ok(false);
            }
            let entered = t.execute(
                "INSERT INTO slots(connector, slot, execution) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![new.connector, stamp(slot), new.id],
            )?;
            // A clock that was put back comes to the same slot again.
            if entered == 0 {
                return Ok(false);
            }
            insert(t, new)?;
            Ok(true)
        })
    }

    /// Passes over all slots up to one, which does not run either.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn pass_slots(&mut self, connector: &str, upto: Timestamp) -> Result<(), ProjectError> {
        self.together(|t| advance(t, connector, upto).map(drop))
    }
}

/// Whether the slot was still to be done.
fn advance(t: &Transaction<'_>, connector: &str, slot: Timestamp) -> rusqlite::Result<bool> {
    let sql = "UPDATE schedules SET seen = ?2 WHERE connector = ?1 AND seen < ?2";
    Ok(t.execute(sql, params![connector, stamp(slot)])? > 0)
}
