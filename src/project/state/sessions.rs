//! Sessions of the page: who has logged in with which token. Only hashes of their ids are kept.

use super::tokens::{COLUMNS, hash, read};
use super::{State, Token, stamp};
use crate::project::ProjectError;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS sessions(
    hash TEXT PRIMARY KEY, token TEXT NOT NULL, expires_at TEXT NOT NULL) WITHOUT ROWID;";

/// How long a session lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

impl State {
    /// Begins a session of a token's holder; those that have expired go.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn add_session(&mut self, id: &str, token: &str, now: Timestamp) -> Result<(), ProjectError> {
        self.together(|t| {
            t.execute("DELETE FROM sessions WHERE expires_at <= ?1", [stamp(now)])?;
            t.execute(
                "INSERT INTO sessions(hash, token, expires_at) VALUES (?1, ?2, ?3)",
                params![hash(id), hash(token), stamp(now + LASTS)],
            )
            .map(drop)
        })
    }

    /// Whose session this is; it ends with its token. Looked up by its hash, so that the time it takes
    /// tells nothing.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn session(&self, id: &str, now: Timestamp) -> Result<Option<Token>, ProjectError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions s JOIN tokens t ON t.hash = s.token
             WHERE s.hash = ?1 AND s.expires_at > ?2"
        );
        let found = self.connection.query_row(&sql, params![hash(id), stamp(now)], read).optional();
        found.map_err(|e| self.failed(&e))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn end_session(&mut self, id: &str) -> Result<(), ProjectError> {
        self.together(|t| t.execute("DELETE FROM sessions WHERE hash = ?1", [hash(id)]).map(drop))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::state::Role;

    #[test]
    fn a_session_ends_by_time_by_logging_out_and_with_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(&folder.path().join("state.sqlite")).unwrap();
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        state.add_token("ann", Role::Run, "secret", now).unwrap();
        state.add_session("one", "secret", now).unwrap();
        let whose = |state: &State, id: &str, at| state.session(id, at).unwrap().map(|t| t.name);
        assert_eq!(whose(&state, "one", now), Some("ann".to_owned()));
        assert_eq!(whose(&state, "two", now), None);
        assert_eq!(whose(&state, "one", now + LASTS), None);
        state.add_session("two", "secret", now).unwrap();
        state.end_session("one").unwrap();
        assert_eq!(whose(&state, "one", now), None);
        assert_eq!(whose(&state, "two", now), Some("ann".to_owned()));
        state.add_token("ann", Role::Run, "another", now).unwrap();
        assert_eq!(whose(&state, "two", now), None, "a token that was replaced opens nothing");
    }
}
