//! Tokens: who may do what over HTTP. Only their hashes are kept.

use super::{State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS tokens(
    name TEXT PRIMARY KEY, role TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL,
    email TEXT NOT NULL DEFAULT '') WITHOUT ROWID;";

/// What a token's holder may do; each may also do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Start, cancel and resume executions.
    Run,
    /// Activate and deactivate connectors.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Read, Role::Run, Role::Admin];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Run => "run",
            Role::Admin => "admin",
        }
    }
}

/// A token as the project knows it: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Its holder's e-mail address, to which reports are sent; empty where none is known.
    pub email: String,
}

pub(super) fn hash(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let found = Self::ALL.into_iter().find(|r| r.name() == name);
        found.ok_or_else(|| FromSqlError::Other(format!("`{name}` is no role").into()))
    }
}

/// What [`read`] reads, of the table `t`.
pub(super) const COLUMNS: &str = "t.name, t.role, t.created_at, t.email";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token { name: row.get(0)?, role: row.get(1)?, created_at: row.get(2)?, email: row.get(3)? })
}

impl State {
    /// Keeps a new token; one of that name before is none any more.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn add_token(
        &mut self,
        name: &str,
        role: Role,
        token: &str,
        now: Timestamp,
    ) -> Result<(), ProjectError> {
        self.together(|t| {
            t.execute(
                "INSERT INTO tokens(name, role, hash, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT(name) DO UPDATE SET role = ?2, hash = ?3, created_at = ?4, email = ''",
                params![name, role.name(), hash(token), stamp(now)],
            )
            .map(drop)
        })
    }

    /// Keeps the e-mail address of a token's holder.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn set_token_email(&mut self, name: &str, email: &str) -> Result<(), ProjectError> {
        self.together(|t| t.execute("UPDATE tokens SET email = ?2 WHERE name = ?1", [name, email]).map(drop))
    }

    /// Takes a token back. Whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn remove_token(&mut self, name: &str) -> Result<bool, ProjectError> {
        self.together(|t| Ok(t.execute("DELETE FROM tokens WHERE name = ?1", [name])? > 0))
    }

    /// Every token, by name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn tokens(&self) -> Result<Vec<Token>, ProjectError> {
        let list = || {
            let sql = format!("SELECT {COLUMNS} FROM tokens t ORDER BY t.name");
            let mut statement = self.connection.prepare(&sql)?;
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Whose token this is. It is looked up by its hash, so how long that takes tells nothing of it.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn token(&self, token: &str) -> Result<Option<Token>, ProjectError> {
        let sql = format!("SELECT {COLUMNS} FROM tokens t WHERE t.hash = ?1");
        self.connection.query_row(&sql, [hash(token)], read).optional().map_err(|e| self.failed(&e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_by_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(&folder.path().join("state.sqlite")).unwrap();
        state.add_token("ann", Role::Run, "secret", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(state.token("secret").unwrap().unwrap().role, Role::Run);
        state.connection.execute("UPDATE tokens SET role = 'king'", []).unwrap();
        let told = state.token("secret").unwrap_err();
        assert!(told.cause.contains("`king` is no role"), "{told}");
        let event =
            "INSERT INTO events(connector, received_at, employee, querystring, content_type, body, state)
                     VALUES ('shop', 'yesterday', '', '', '', '', 'waiting')";
        state.connection.execute(event, []).unwrap();
        let told = state.windows().unwrap_err();
        assert!(told.cause.contains("`yesterday` is no time"), "{told}");
    }
}
