//! Tokens: who may do what over HTTP. Only their hashes are kept.

use super::{State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
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

fn role(name: &str) -> rusqlite::Result<Role> {
    let found = Role::ALL.into_iter().find(|r| r.name() == name);
    found.ok_or(rusqlite::Error::InvalidColumnName("role".into()))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Token> {
    let role = role(&row.get::<_, String>(1)?)?;
    Ok(Token { name: row.get(0)?, role, created_at: row.get(2)?, email: row.get(3)? })
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
            let mut statement =
                self.connection.prepare("SELECT name, role, created_at, email FROM tokens ORDER BY name")?;
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Whose token this is. It is looked up by its hash, so how long that takes tells nothing of it.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn token(&self, token: &str) -> Result<Option<Token>, ProjectError> {
        self.connection
            .query_row(
                "SELECT name, role, created_at, email FROM tokens WHERE hash = ?1",
                [hash(token)],
                read,
            )
            .optional()
            .map_err(|e| self.failed(&e))
    }
}
