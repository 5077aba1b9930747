//! Counts that only grow: what metrics are made of. A trigger of the database adds to them in the
//! transaction that ends an execution, so they hold whoever ends it, and stay when it is removed.

use super::queue::WAITS;
use super::{ExecutionState, State};
use crate::project::ProjectError;

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS totals(
    connector TEXT NOT NULL, live INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL,
    value REAL NOT NULL, PRIMARY KEY(connector, live, kind, label)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS duration_bounds(seconds REAL PRIMARY KEY) WITHOUT ROWID;
  INSERT OR IGNORE INTO duration_bounds VALUES (1), (5), (15), (60), (300), (900), (3600), (14400), (9e999);
  CREATE TRIGGER IF NOT EXISTS totals_add AFTER UPDATE OF state ON executions
  WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL BEGIN
    INSERT INTO totals VALUES (NEW.connector, NEW.live, 'ended', NEW.state, 1)
      ON CONFLICT DO UPDATE SET value = value + 1;
    INSERT INTO totals
      SELECT NEW.connector, NEW.live, 'rows', c.key, sum(c.value)
      FROM json_each(NEW.counts) s, json_each(s.value, '$.counts') c WHERE true GROUP BY c.key
      ON CONFLICT DO UPDATE SET value = value + excluded.value;
    INSERT INTO totals
      SELECT NEW.connector, NEW.live, 'seconds', '', (julianday(NEW.ended_at) - julianday(NEW.started_at)) * 86400
      WHERE NEW.started_at IS NOT NULL
      ON CONFLICT DO UPDATE SET value = value + excluded.value;
    INSERT INTO totals
      SELECT NEW.connector, NEW.live, 'within', min(seconds), 1 FROM duration_bounds
      WHERE seconds >= (julianday(NEW.ended_at) - julianday(NEW.started_at)) * 86400 HAVING count(*) > 0
      ON CONFLICT DO UPDATE SET value = value + 1;
  END;";

/// The bounds of `within`, in seconds; the last one has none.
pub const DURATION_BOUNDS: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0];

/// A count of a connector.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// The connector's API name.
    pub connector: String,
    /// Of live runs or dry ones.
    pub live: bool,
    /// What is counted: executions that `ended` by their state, `rows` by what became of them, `seconds`
    /// that executions took, executions that ended `within` so many seconds and no smaller bound.
    pub kind: String,
    /// The state, the action, the bound.
    pub label: String,
    /// How many.
    pub value: f64,
}

/// How many executions of a connector wait for whoever runs the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitCount {
    /// The connector's API name.
    pub connector: String,
    /// Live runs or dry ones.
    pub live: bool,
    /// How many.
    pub count: i64,
}

/// How many executions of a connector are in a state now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCount {
    /// The connector's API name.
    pub connector: String,
    /// Live runs or dry ones.
    pub live: bool,
    /// The state.
    pub state: ExecutionState,
    /// How many.
    pub count: i64,
}

impl State {
    /// Every total.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn totals(&self) -> Result<Vec<Total>, ProjectError> {
        let list = || {
            let sql = "SELECT connector, live, kind, label, value FROM totals ORDER BY 1, 2, 3, 4";
            let mut statement = self.connection.prepare(sql)?;
            let read = |r: &rusqlite::Row<'_>| {
                Ok(Total {
                    connector: r.get(0)?,
                    live: r.get(1)?,
                    kind: r.get(2)?,
                    label: r.get(3)?,
                    value: r.get(4)?,
                })
            };
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// How many executions there are of each connector in each state.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn state_counts(&self) -> Result<Vec<StateCount>, ProjectError> {
        let list = || {
            let sql =
                "SELECT connector, live, state, count(*) FROM executions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
            let mut statement = self.connection.prepare(sql)?;
            let read = |r: &rusqlite::Row<'_>| {
                Ok(StateCount { connector: r.get(0)?, live: r.get(1)?, state: r.get(2)?, count: r.get(3)? })
            };
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// How many executions of each connector wait: those that are queued, and those that were interrupted and go on by
    /// themselves.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn wait_counts(&self) -> Result<Vec<WaitCount>, ProjectError> {
        let list = || {
            let sql = format!(
                "SELECT connector, live, count(*) FROM executions INDEXED BY executions_open
                 WHERE ended_at IS NULL AND {WAITS} GROUP BY 1, 2"
            );
            let mut statement = self.connection.prepare(&sql)?;
            let read = |r: &rusqlite::Row<'_>| {
                Ok(WaitCount { connector: r.get(0)?, live: r.get(1)?, count: r.get(2)? })
            };
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Webhook events and messages of the outbox: (`events` or `outbox`, state, how many).
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn waiting_counts(&self) -> Result<Vec<(String, String, i64)>, ProjectError> {
        let list = || {
            let mut all = Vec::new();
            for table in ["events", "outbox"] {
                let sql = format!("SELECT state, count(*) FROM {table} GROUP BY state ORDER BY state");
                let mut statement = self.connection.prepare(&sql)?;
                let rows = statement.query_map([], |r| Ok((table.to_owned(), r.get(0)?, r.get(1)?)))?;
                all.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok::<_, rusqlite::Error>(all)
        };
        list().map_err(|e| self.failed(&e))
    }
}
