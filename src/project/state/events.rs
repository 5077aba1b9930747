//! Webhook events: what came in, and what became of each.

use super::executions::{NewExecution, insert};
use super::{State, stamp, time};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

/// Ids count up in the order in which events were accepted, over all connectors.
pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS events(
    id INTEGER PRIMARY KEY AUTOINCREMENT, connector TEXT NOT NULL, received_at TEXT NOT NULL, key TEXT,
    employee TEXT NOT NULL, querystring TEXT NOT NULL, content_type TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL, execution TEXT);
  CREATE UNIQUE INDEX IF NOT EXISTS events_by_key ON events(connector, key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS events_by_connector ON events(connector, id);
  CREATE INDEX IF NOT EXISTS events_that_wait ON events(connector, id) WHERE state = 'waiting';";

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventState {
    /// It came to an active connector: the window that it is in becomes an execution.
    Waiting,
    /// It came while the connector was not active: it is kept, and nothing runs for it by itself.
    Captured,
    /// It is in an execution, in that one only.
    Batched,
    /// Somebody threw it away.
    Discarded,
}

impl EventState {
    /// Every state.
    pub const ALL: [EventState; 4] =
        [EventState::Waiting, EventState::Captured, EventState::Batched, EventState::Discarded];

    /// As people read it, and as it is stored.
    pub fn words(self) -> &'static str {
        match self {
            EventState::Waiting => "waiting",
            EventState::Captured => "captured",
            EventState::Batched => "batched",
            EventState::Discarded => "discarded",
        }
    }

    /// Whether nothing became of it yet.
    pub fn open(self) -> bool {
        matches!(self, EventState::Waiting | EventState::Captured)
    }
}

impl ToSql for EventState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.words().to_sql()
    }
}

impl FromSql for EventState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let words = value.as_str()?;
        Self::ALL.into_iter().find(|s| s.words() == words).ok_or(FromSqlError::InvalidType)
    }
}

/// A request that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The connector's API name.
    pub connector: String,
    /// When.
    pub at: Timestamp,
    /// The sender's id of it: one that comes again is the same event.
    pub key: Option<String>,
    /// Who sent it, as the sender says.
    pub employee: String,
    /// The query string, as it came.
    pub querystring: String,
    /// The content type, as it came.
    pub content_type: String,
    /// The body, as it came.
    pub body: String,
}

/// What an accepted request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The event's id.
    pub id: i64,
    /// Whether it is new; otherwise it had come before.
    pub new: bool,
}

/// An event as the project knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: i64,
    /// The connector's API name.
    pub connector: String,
    /// When it came, RFC 3339.
    pub received_at: String,
    /// The sender's id of it.
    pub key: Option<String>,
    /// Who sent it, as the sender says.
    pub employee_id: String,
    /// The query string.
    pub querystring: String,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// What became of it.
    pub state: EventState,
    /// The execution that it is in.
    pub execution: Option<String>,
}

/// The events of a connector that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The connector's API name.
    pub connector: String,
    /// How many.
    pub count: i64,
    /// When the first of them came.
    pub since: Timestamp,
}

const SELECT: &str =
    "SELECT id, connector, received_at, key, employee, querystring, content_type, body, state,
    execution FROM events";

fn read(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        connector: row.get(1)?,
        received_at: row.get(2)?,
        key: row.get(3)?,
        employee_id: row.get(4)?,
        querystring: row.get(5)?,
        content_type: row.get(6)?,
        body: row.get(7)?,
        state: row.get(8)?,
        execution: row.get(9)?,
    })
}

impl State {
    /// Keeps events, all in one transaction: once this returns they are on the disk. Whether one waits or
    /// is only captured is decided here, by whether its connector is active at this moment.
    ///
    /// # Errors
    /// Where the state cannot be written; then none of them is kept.
    pub fn receive(&mut self, events: &[NewEvent]) -> Result<Vec<Received>, ProjectError> {
        self.together(|t| {
            let mut insert = t.prepare_cached(
                "INSERT INTO events(connector, received_at, key, employee, querystring, content_type, body, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
                   iif((SELECT active FROM connectors WHERE name = ?1), 'waiting', 'captured'))
                 ON CONFLICT DO NOTHING RETURNING id",
            )?;
            let mut known = t.prepare_cached("SELECT id FROM events WHERE connector = ?1 AND key = ?2")?;
            let keep = |e: &NewEvent| {
                let new = insert
                    .query_row(
                        params![
                            e.connector,
                            stamp(e.at),
                            e.key,
                            e.employee,
                            e.querystring,
                            e.content_type,
                            e.body
                        ],
                        |r| r.get(0),
                    )
                    .optional()?;
                match new {
                    Some(id) => Ok(Received { id, new: true }),
                    None => known
                        .query_row(params![e.connector, e.key], |r| Ok(Received { id: r.get(0)?, new: false })),
                }
            };
            events.iter().map(keep).collect()
        })
    }

    /// The connectors that events wait for.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn windows(&self) -> Result<Vec<Window>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT w.connector, w.count, e.received_at FROM
                   (SELECT connector, count(*) AS count, min(id) AS first FROM events
                    WHERE state = 'waiting' GROUP BY connector) w
                 JOIN events e ON e.id = w.first",
            )?;
            let read =
                |r: &Row<'_>| Ok(Window { connector: r.get(0)?, count: r.get(1)?, since: time(r, 2)? });
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The ids of a connector's events that wait and came before `end`, the oldest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn waiting(&self, connector: &str, end: Timestamp, limit: i64) -> Result<Vec<i64>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT id FROM events WHERE connector = ?1 AND state = 'waiting' AND received_at < ?2
                 ORDER BY id LIMIT ?3",
            )?;
            statement
                .query_map(params![connector, stamp(end), limit], |r| r.get(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// What `of` makes of events of a connector, the newest first: of one state, or of all; those that are
    /// older than the event `before`, or all. Bodies may be large, so one is in memory at a time.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn events<T>(
        &self,
        connector: &str,
        state: Option<EventState>,
        before: Option<i64>,
        limit: i64,
        of: impl Fn(Event) -> T,
    ) -> Result<Vec<T>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare_cached(&format!(
                "{SELECT} WHERE connector = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR id < ?3)
                 ORDER BY id DESC LIMIT ?4"
            ))?;
            let rows = statement.query_map(params![connector, state, before, limit], |r| read(r).map(&of))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The event of that id.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn event(&self, id: i64) -> Result<Option<Event>, ProjectError> {
        let one = || {
            let mut statement = self.connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
            statement.query_row([id], read).optional()
        };
        one().map_err(|e| self.failed(&e))
    }

    /// The ids of a connector's events of which nothing became yet, the oldest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn open_events(&self, connector: &str, since: Option<Timestamp>) -> Result<Vec<i64>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT id FROM events WHERE connector = ?1 AND state IN ('waiting', 'captured')
                   AND received_at >= ?2 ORDER BY id",
            )?;
            let since = since.map(stamp).unwrap_or_default();
            statement.query_map([connector, &since], |r| r.get(0))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Puts an execution into the queue, and its events into it, in one transaction: whatever is killed
    /// when, each event is in exactly one execution. Gives false, and changes nothing, where something
    /// became of one of them meanwhile.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn queue_events(&mut self, new: NewExecution<'_>, events: &[i64]) -> Result<bool, ProjectError> {
        self.together(|t| {
            let mut state = t.prepare_cached("SELECT state FROM events WHERE id = ?1")?;
            for id in events {
                let state: Option<EventState> = state.query_row([id], |r| r.get(0)).optional()?;
                if !state.is_some_and(EventState::open) {
                    return Ok(false);
                }
            }
            insert(t, new)?;
            let mut take =
                t.prepare_cached("UPDATE events SET state = 'batched', execution = ?2 WHERE id = ?1")?;
            for id in events {
                take.execute(params![id, new.id])?;
            }
            Ok(true)
        })
    }

    /// Throws events away of which nothing became yet; gives how many there were. They stay listed until
    /// they are forgotten, and one of them that is sent again is still known.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn discard_events(&mut self, events: &[i64]) -> Result<usize, ProjectError> {
        self.together(|t| {
            let mut discard = t.prepare_cached(
                "UPDATE events SET state = 'discarded' WHERE id = ?1 AND state IN ('waiting', 'captured')",
            )?;
            events.iter().map(|id| discard.execute([id])).sum()
        })
    }

    /// Forgets events that came before `before` and that something became of; some thousands at a time.
    /// Gives how many.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn forget_events(&mut self, before: Timestamp) -> Result<usize, ProjectError> {
        self.together(|t| {
            // Ids grow with time: what is newer than the first that stays is not looked at.
            t.execute(
                "DELETE FROM events WHERE id IN (
                   SELECT id FROM events
                   WHERE id < coalesce((SELECT id FROM events WHERE received_at >= ?1 ORDER BY id LIMIT 1),
                                       (SELECT max(id) + 1 FROM events))
                     AND state IN ('batched', 'discarded') LIMIT 5000)",
                [stamp(before)],
            )
        })
    }
}
