//! The project's state: its connectors, which version of each is active, and every execution.
//!
//! One SQLite file, `.sconn/state.sqlite` (WAL, `synchronous=FULL`), that several processes use at
//! once. Everything that must agree is read and written in one transaction.

mod connectors;
mod empty;
mod events;
mod executions;
mod heartbeat;
mod history;
mod limits;
mod outbox;
mod queue;
mod retention;
mod sessions;
mod slots;
mod submissions;
#[cfg(test)]
mod tests;
mod tokens;
mod totals;
mod trouble;
mod waits;
mod watched;

pub use connectors::{Activation, ConnectorState, Status};
pub use events::{Event, EventState, NewEvent, Received, Window};
pub use executions::{ExecutionRow, ExecutionState, NewExecution};
pub use history::Wanted;
pub use outbox::{
    LONGEST_PAUSE, MESSAGE_LEASE, Message, MessageKind, MessageState, NewMessage, Touched, WantedMessages,
};
pub use queue::{Outcome, Pace, Silent, Taken};
pub use retention::Expired;
pub use slots::Scheduled;
pub use submissions::{Known, RequestKey, Submission};
pub use tokens::{Role, Token};
pub use totals::{DURATION_BOUNDS, StateCount, Total, WaitCount};
pub use waits::Waits;
pub use watched::{Claim, Watched};

use super::ProjectError;
use crate::system::folder;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The layout of the tables.
const LAYOUT: i32 = 4;

/// The state of a project.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    path: PathBuf,
}

impl State {
    /// Opens the state at `path`; makes it where it is missing.
    ///
    /// # Errors
    /// Where the file cannot be made, is of another version, or stays locked.
    pub fn open(path: &Path) -> Result<Self, ProjectError> {
        if let Some(above) = path.parent() {
            folder::make(above).map_err(|e| trouble::no_folder(above, &e))?;
        }
        // Where this fails, to open it tells why.
        let _ = folder::make_file(path);
        // SQLite would open it to be read, and make files beside it that those who may write to it cannot use.
        if path.exists() && !folder::may_write(path) {
            return Err(trouble::no_right(path));
        }
        let failed = |e: &rusqlite::Error| trouble::not_opened(path, e);
        let mut connection = Connection::open(path).map_err(|e| failed(&e))?;
        let looked = (|| {
            connection.busy_timeout(Duration::from_secs(20))?;
            // In one statement: another process may be making the tables just now.
            connection.query_row(
                "SELECT (SELECT user_version FROM pragma_user_version), count(*), coalesce(sum(name = 'executions'), 0)
                 FROM sqlite_master",
                [],
                |r| Ok((r.get::<_, i32>(0)?, r.get::<_, i64>(1)?, r.get::<_, bool>(2)?)),
            )
        })();
        // Before anything is changed in it.
        let (layout, tables, ours) = looked.map_err(|e| failed(&e))?;
        if tables > 0 && !ours {
            return Err(trouble::foreign(path));
        }
        if layout > LAYOUT {
            return Err(trouble::newer(path, layout));
        }
        let prepared = (|| {
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
            if layout < LAYOUT { upgrade(&mut connection) } else { Ok(()) }
        })();
        prepared.map_err(|e| failed(&e))?;
        Ok(Self { connection, path: path.to_path_buf() })
    }

    /// Does several things as one.
    fn together<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, ProjectError> {
        let _awake = crate::system::crash::awake();
        let done = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|t| {
            let out = work(&t)?;
            t.commit()?;
            Ok(out)
        });
        done.map_err(|e| self.failed(&e))
    }

    fn failed(&self, error: &rusqlite::Error) -> ProjectError {
        trouble::failed(&self.path, error)
    }
}

/// A stored time.
fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| {
        let why = format!("`{text}` is no time").into();
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why)
    })
}

/// A time as it is stored: RFC 3339 in UTC with milliseconds, so that texts compare as times do.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Brings the tables to the current layout, from none or an older one.
fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let layout: i32 = transaction.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    transaction.execute_batch(&format!(
        "PRAGMA user_version = {LAYOUT};
         CREATE TABLE IF NOT EXISTS connectors(
           name TEXT PRIMARY KEY, label TEXT NOT NULL, file TEXT NOT NULL,
           active INTEGER NOT NULL DEFAULT 0, version INTEGER,
           -- How the last live run ended: 0 without errors, 1 with errors; none before the first.
           last_live_errors INTEGER) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS versions(
           connector TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, plan TEXT NOT NULL,
           activated_at TEXT NOT NULL, PRIMARY KEY(connector, version)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS executions(
           id TEXT PRIMARY KEY, connector TEXT NOT NULL, version INTEGER, live INTEGER NOT NULL,
           state TEXT NOT NULL, folder TEXT NOT NULL, queued_at TEXT NOT NULL, started_at TEXT,
           ended_at TEXT, stage TEXT, done INTEGER, total INTEGER, counts TEXT, failure TEXT,
           pid INTEGER, epoch INTEGER NOT NULL DEFAULT 0, lease_until TEXT,
           cancel INTEGER NOT NULL DEFAULT 0, triggered_by TEXT NOT NULL DEFAULT '',
           -- The epochs that do not count against it: somebody let it be taken up again.
           spared INTEGER NOT NULL DEFAULT 0, files_gone_at TEXT,
           -- When it was taken last, or could not begin; and before when it is not tried again.
           tried_at TEXT, not_before TEXT) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS executions_by_state ON executions(connector, state, queued_at);"
    ))?;
    if layout == 1 {
        transaction.execute_batch(
            "ALTER TABLE executions ADD COLUMN triggered_by TEXT NOT NULL DEFAULT '';
             ALTER TABLE executions ADD COLUMN spared INTEGER NOT NULL DEFAULT 0;
              ALTER TABLE executions ADD COLUMN files_gone_at TEXT;",
        )?;
    }
    if (1..4).contains(&layout) {
        transaction.execute_batch(
            "ALTER TABLE executions ADD COLUMN tried_at TEXT;
             ALTER TABLE executions ADD COLUMN not_before TEXT;
             UPDATE executions SET tried_at = started_at;",
        )?;
    }
    transaction.execute_batch(queue::INDEXES)?;
    transaction.execute_batch(tokens::TABLES)?;
    transaction.execute_batch(events::TABLES)?;
    transaction.execute_batch(slots::TABLES)?;
    transaction.execute_batch(watched::TABLES)?;
    transaction.execute_batch(sessions::TABLES)?;
    transaction.execute_batch(submissions::TABLES)?;
    if layout == 2 {
        transaction.execute_batch(submissions::SINCE_2)?;
    }
    transaction.execute_batch(totals::TABLES)?;
    transaction.execute_batch(outbox::TABLES)?;
    transaction.execute_batch(heartbeat::TABLES)?;
    transaction.commit()
}
