//! The outbox: what is still to be told of executions that ended, and what was.

#[cfg(test)]
mod tests;

use super::queue::ahead;
use super::{State, stamp};
use crate::project::ProjectError;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// That an execution ended is noted by the database itself: in the transaction that ends it, whoever
/// does that and however. One that was interrupted too often to be taken up again counts as well.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS ended(seq INTEGER PRIMARY KEY, execution TEXT NOT NULL);
    DROP TRIGGER IF EXISTS executions_ended;
    CREATE TRIGGER executions_ended AFTER UPDATE OF state, epoch, spared ON executions
    WHEN NEW.state IS NOT OLD.state AND NEW.state IN ('completed', 'completed with errors', 'failed', 'cancelled')
      OR NEW.state = 'interrupted' AND NEW.cancel = 0 AND NEW.epoch - NEW.spared > 4
        AND NOT (OLD.state = 'interrupted' AND OLD.epoch - OLD.spared > 4)
    BEGIN INSERT INTO ended(execution) VALUES (NEW.id); END;
    CREATE TABLE IF NOT EXISTS outbox(
      id TEXT PRIMARY KEY, kind TEXT NOT NULL, execution TEXT NOT NULL, recipient TEXT NOT NULL,
      payload TEXT NOT NULL, created_at TEXT NOT NULL, next_at TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting',
      lease_until TEXT, last_error TEXT, done_at TEXT) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS outbox_by_state ON outbox(state, next_at);
    CREATE INDEX IF NOT EXISTS outbox_by_execution ON outbox(execution);";

/// How long a message is with the process that took it. A longer try counts as one that died.
pub const MESSAGE_LEASE: SignedDuration = SignedDuration::from_mins(5);
/// The longest time from one try to the next.
pub const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);
/// A message that is with nobody; `?1` is now, `?2` the latest end of a lease that is given now. One that ends later
/// was given before the clock was put back: whoever had it is long done.
const FREE: &str = "(lease_until IS NULL OR lease_until NOT BETWEEN ?1 AND ?2)";
/// A message whose time has come; `?1` is now, `?3` the latest time until which one is put off now.
const DUE: &str = "state = 'waiting' AND (next_at <= ?1 OR next_at > ?3)";
/// How long what was sent can be looked up.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// By e-mail.
    Mail,
    /// By an HTTP request.
    Hook,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// It is still to be sent.
    Waiting,
    /// It was taken.
    Sent,
    /// It was tried often enough, or refused for good.
    GivenUp,
}

/// Stored as they are named.
macro_rules! stored {
    ($ty:ident { $($variant:ident = $name:literal),+ }) => {
        impl $ty {
            /// As it is stored, and as people read it.
            pub fn words(self) -> &'static str {
                match self { $($ty::$variant => $name),+ }
            }
        }
        impl ToSql for $ty {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.words().to_sql()
            }
        }
        impl FromSql for $ty {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? { $($name => Ok($ty::$variant),)+ _ => Err(FromSqlError::InvalidType) }
            }
        }
    };
}

stored!(MessageKind { Mail = "mail", Hook = "hook" });
stored!(MessageState { Waiting = "waiting", Sent = "sent", GivenUp = "given up" });

/// What became of the wish to try a message again, or to take it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    /// It is due now, or out.
    Done,
    /// It was sent.
    Sent,
    /// It is on its way.
    Underway,
    /// There is none.
    Unknown,
}

/// A message to enter.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id, the same at every try.
    pub id: String,
    /// How it is told.
    pub kind: MessageKind,
    /// Whom: an e-mail address, a web address, or the name of the secret that holds one.
    pub recipient: String,
    /// What.
    pub payload: String,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same at every try.
    pub id: String,
    /// How it is told.
    pub kind: MessageKind,
    /// The execution that ended.
    pub execution: String,
    /// Whom.
    pub recipient: String,
    /// What: for an HTTP request its body, for an e-mail its parts.
    pub payload: String,
    /// When it was entered, RFC 3339.
    pub created_at: String,
    /// When it is tried next, or was meant to be.
    pub next_at: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Where it stands.
    pub state: MessageState,
    /// Until when it is with a process that sends it; also what tells its tries apart.
    lease_until: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was sent or given up.
    pub done_at: Option<String>,
}

/// Which messages are listed; all of them where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct WantedMessages<'a> {
    /// Of this execution.
    pub execution: Option<&'a str>,
    /// That stand like this.
    pub state: Option<MessageState>,
    /// Older than the message of this id.
    pub before: Option<&'a str>,
}

const COLUMNS: &str = "id, kind, execution, recipient, payload, created_at, next_at, attempts, state,
    lease_until, last_error, done_at";

/// What [`FREE`] and [`DUE`] compare with.
fn times(now: Timestamp) -> [String; 3] {
    [stamp(now), ahead(now + MESSAGE_LEASE), ahead(now + LONGEST_PAUSE)]
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        kind: row.get(1)?,
        execution: row.get(2)?,
        recipient: row.get(3)?,
        payload: row.get(4)?,
        created_at: row.get(5)?,
        next_at: row.get(6)?,
        attempts: row.get(7)?,
        state: row.get(8)?,
        lease_until: row.get(9)?,
        last_error: row.get(10)?,
        done_at: row.get(11)?,
    })
}

impl State {
    /// Executions that ended and of which nothing was entered yet, each with its number, the oldest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn ended(&self) -> Result<Vec<(i64, String)>, ProjectError> {
        let list = || {
            let mut statement =
                self.connection.prepare("SELECT seq, execution FROM ended ORDER BY seq LIMIT 100")?;
            statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Enters what is to be told of an execution that ended, unless another process has; forgets what
    /// was sent long ago.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn enter(
        &mut self,
        seq: i64,
        execution: &str,
        messages: &[NewMessage],
        now: Timestamp,
    ) -> Result<(), ProjectError> {
        self.together(|t| {
            if t.execute("DELETE FROM ended WHERE seq = ?1", [seq])? == 0 {
                return Ok(());
            }
            for m in messages {
                t.execute(
                    "INSERT INTO outbox(id, kind, execution, recipient, payload, created_at, next_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING",
                    params![m.id, m.kind, execution, m.recipient, m.payload, stamp(now)],
                )?;
            }
            t.execute("DELETE FROM outbox WHERE state = 'sent' AND done_at < ?1", [stamp(now - KEPT)])
                .map(drop)
        })
    }

    /// Whether anything is to be entered or sent.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn outbox_due(&self, now: Timestamp) -> Result<bool, ProjectError> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM ended) OR EXISTS (SELECT 1 FROM outbox WHERE {DUE} AND {FREE})"
        );
        self.connection.query_row(&sql, times(now), |r| r.get(0)).map_err(|e| self.failed(&e))
    }

    /// Takes the message that is due longest, of one execution or of all, and of those to whom something may be
    /// sent now: for a while it is this process's to send. None where none is due.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn claim_message(
        &mut self,
        execution: Option<&str>,
        now: Timestamp,
        may: &dyn Fn(MessageKind, &str) -> bool,
    ) -> Result<Option<Message>, ProjectError> {
        let due = format!(
            "SELECT kind, recipient FROM outbox WHERE {DUE} AND {FREE} AND (?4 IS NULL OR execution = ?4)
             GROUP BY kind, recipient ORDER BY min(next_at), min(id)"
        );
        let take = format!(
            "UPDATE outbox SET attempts = attempts + 1, lease_until = ?7
             WHERE id = (SELECT id FROM outbox
                         WHERE {DUE} AND {FREE} AND (?4 IS NULL OR execution = ?4) AND kind = ?5 AND recipient = ?6
                         ORDER BY next_at, id LIMIT 1)
             RETURNING {COLUMNS}"
        );
        let (until, [now, lease, pause]) = (stamp(now + MESSAGE_LEASE), times(now));
        self.together(|t| {
            let mut receivers = t.prepare(&due)?;
            let mut receivers = receivers.query(params![now, lease, pause, execution])?;
            while let Some(row) = receivers.next()? {
                let (kind, to): (MessageKind, String) = (row.get(0)?, row.get(1)?);
                if may(kind, &to) {
                    let taken = params![now, lease, pause, execution, kind, to, until];
                    return t.query_row(&take, taken, read).optional();
                }
            }
            Ok(None)
        })
    }

    /// Enters that a message that this process took was sent.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn message_sent(&mut self, message: &Message, now: Timestamp) -> Result<(), ProjectError> {
        let sql = "UPDATE outbox SET state = 'sent', done_at = ?3, lease_until = NULL, last_error = NULL
                   WHERE id = ?1 AND lease_until = ?2";
        self.together(|t| t.execute(sql, params![message.id, message.lease_until, stamp(now)]).map(drop))
    }

    /// Enters why a message that this process took was not sent, and when it is tried again; never where
    /// `next` is none.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn message_failed(
        &mut self,
        message: &Message,
        error: &str,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), ProjectError> {
        let (state, done) = match next {
            Some(_) => (MessageState::Waiting, None),
            None => (MessageState::GivenUp, Some(stamp(now))),
        };
        self.together(|t| {
            t.execute(
                "UPDATE outbox SET state = ?3, last_error = ?4, next_at = coalesce(?5, next_at), done_at = ?6,
                   lease_until = NULL
                 WHERE id = ?1 AND lease_until = ?2",
                params![message.id, message.lease_until, state, error, next.map(stamp), done],
            )
            .map(drop)
        })
    }

    /// Messages, the newest first; of one execution, or of all.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn messages(&self, execution: Option<&str>, limit: i64) -> Result<Vec<Message>, ProjectError> {
        self.outbox(WantedMessages { execution, ..Default::default() }, limit)
    }

    /// The messages that are wanted, the newest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn outbox(&self, wanted: WantedMessages<'_>, limit: i64) -> Result<Vec<Message>, ProjectError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox
             WHERE (?1 IS NULL OR execution = ?1) AND (?2 IS NULL OR state = ?2)
               AND (?3 IS NULL OR (created_at, id) < (SELECT created_at, id FROM outbox WHERE id = ?3))
             ORDER BY created_at DESC, id DESC LIMIT ?4"
        );
        let list = || {
            let mut statement = self.connection.prepare(&sql)?;
            let by = params![wanted.execution, wanted.state, wanted.before, limit];
            statement.query_map(by, read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The message of that id.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn message(&self, id: &str) -> Result<Option<Message>, ProjectError> {
        let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
        self.connection.query_row(&sql, [id], read).optional().map_err(|e| self.failed(&e))
    }

    /// How many messages wait, and how many were given up.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn outbox_counts(&self) -> Result<(i64, i64), ProjectError> {
        let sql = "SELECT (SELECT count(*) FROM outbox WHERE state = 'waiting'),
                          (SELECT count(*) FROM outbox WHERE state = 'given up')";
        self.connection.query_row(sql, [], |r| Ok((r.get(0)?, r.get(1)?))).map_err(|e| self.failed(&e))
    }

    /// Lets a message that was not sent be tried at once; one that was given up has all its tries again. One that
    /// is on its way is left alone: it would be sent twice.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn retry_message(&mut self, id: &str, now: Timestamp) -> Result<Touched, ProjectError> {
        let [now, lease, _] = times(now);
        self.together(|t| {
            let sql = format!(
                "UPDATE outbox SET next_at = ?1, lease_until = NULL, done_at = NULL,
                   attempts = iif(state = 'given up', 0, attempts), state = 'waiting'
                 WHERE id = ?3 AND state <> 'sent' AND {FREE}"
            );
            if t.execute(&sql, params![now, lease, id])? > 0 { Ok(Touched::Done) } else { untouched(t, id) }
        })
    }

    /// Takes a message out of the outbox: it is not sent any more. What was sent stays, to be looked up; what is on
    /// its way cannot be held back.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn discard_message(&mut self, id: &str, now: Timestamp) -> Result<Touched, ProjectError> {
        let [now, lease, _] = times(now);
        self.together(|t| {
            let sql = format!("DELETE FROM outbox WHERE id = ?3 AND state <> 'sent' AND {FREE}");
            if t.execute(&sql, params![now, lease, id])? > 0 { Ok(Touched::Done) } else { untouched(t, id) }
        })
    }
}

/// Why a message was left alone.
fn untouched(t: &Transaction<'_>, id: &str) -> rusqlite::Result<Touched> {
    let sent = "SELECT state = 'sent' FROM outbox WHERE id = ?1";
    Ok(match t.query_row(sent, [id], |r| r.get(0)).optional()? {
        Some(true) => Touched::Sent,
        Some(false) => Touched::Underway,
        None => Touched::Unknown,
    })
}
