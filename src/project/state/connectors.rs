//! Connectors: their status, and the version that runs live.

use super::{State, stamp};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

/// Where a connector stands. The four statuses of the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    /// It was never activated.
    #[serde(rename = "Setup in Progress")]
    Setup,
    /// It is active, and its last live run, if there was one, had no errors.
    Operational,
    /// It is active, and its last live run had errors. It goes on running.
    #[serde(rename = "Operational (Needs Attention)")]
    NeedsAttention,
    /// It was deactivated: nothing runs, what arrives is queued.
    Inactive,
}

impl Status {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Status::Setup => "Setup in Progress",
            Status::Operational => "Operational",
            Status::NeedsAttention => "Operational (Needs Attention)",
            Status::Inactive => "Inactive",
        }
    }

    /// Whether live runs are processed.
    pub fn runs(self) -> bool {
        matches!(self, Status::Operational | Status::NeedsAttention)
    }
}

/// A connector as the project knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectorState {
    /// Its API name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// Its file, from the project's root.
    pub file: String,
    /// Where it stands.
    pub status: Status,
    /// The version that was activated last, from 1.
    pub version: Option<i64>,
    /// The hash of that version's sources.
    #[serde(skip)]
    pub hash: Option<String>,
}

/// A version to activate.
#[derive(Clone, Copy, Debug)]
pub struct Activation<'a> {
    /// The connector's API name.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// Its file, from the project's root.
    pub file: &'a str,
    /// A hash of its sources.
    pub hash: &'a str,
    /// Its compiled plan, as JSON: what live runs execute from now on.
    pub plan: &'a str,
    /// The executions to cancel with it.
    pub cancel: &'a [String],
    /// The connectors that it replaces: its file declared them before.
    pub replaces: &'a [String],
    /// When.
    pub at: Timestamp,
}

const SELECT: &str = "SELECT c.name, c.label, c.file, c.active, c.version, c.last_live_errors, v.hash
    FROM connectors c LEFT JOIN versions v ON v.connector = c.name AND v.version = c.version";

const NEVER_USED: &str = "c.version IS NULL
    AND NOT EXISTS (SELECT 1 FROM executions WHERE connector = c.name)
    AND NOT EXISTS (SELECT 1 FROM events WHERE connector = c.name)";

fn read(row: &Row<'_>) -> rusqlite::Result<ConnectorState> {
    let (active, version): (bool, Option<i64>) = (row.get(3)?, row.get(4)?);
    let errors: Option<bool> = row.get(5)?;
    let status = match (version, active, errors) {
        (None, ..) => Status::Setup,
        (_, false, _) => Status::Inactive,
        (_, true, Some(true)) => Status::NeedsAttention,
        (_, true, _) => Status::Operational,
    };
    Ok(ConnectorState {
        name: row.get(0)?,
        label: row.get(1)?,
        file: row.get(2)?,
        status,
        version,
        hash: row.get(6)?,
    })
}

fn know(t: &Transaction<'_>, name: &str, label: &str, file: &str) -> rusqlite::Result<()> {
    t.execute(
        "INSERT INTO connectors(name, label, file) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET label = ?2, file = ?3",
        [name, label, file],
    )
    .map(drop)
}

fn deactivate(t: &Transaction<'_>, name: &str) -> rusqlite::Result<bool> {
    let was = t.execute("UPDATE connectors SET active = 0 WHERE name = ?1 AND active = 1", [name])?;
    t.execute("UPDATE executions SET cancel = 1 WHERE connector = ?1 AND state = 'running'", [name])?;
    super::slots::end(t, name)?;
    Ok(was > 0)
}

impl State {
    /// Every connector that the project knows, by name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn connectors(&self) -> Result<Vec<ConnectorState>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare(&format!("{SELECT} ORDER BY c.name"))?;
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The connector of that name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn connector(&self, name: &str) -> Result<Option<ConnectorState>, ProjectError> {
        let sql = format!("{SELECT} WHERE c.name = ?1");
        self.connection.query_row(&sql, [name], read).optional().map_err(|e| self.failed(&e))
    }

    /// Makes a connector known, or takes in that its label or file changed.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn know(&mut self, name: &str, label: &str, file: &str) -> Result<(), ProjectError> {
        self.together(|t| know(t, name, label, file))
    }

    /// The connectors that were never activated and of which there is nothing but their name: no execution, and no
    /// webhook event.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn never_used(&self) -> Result<Vec<ConnectorState>, ProjectError> {
        let list = || {
            let mut statement = self.connection.prepare(&format!("{SELECT} WHERE {NEVER_USED}"))?;
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Forgets a connector, if it still is one that was [never used](Self::never_used).
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn forget(&mut self, name: &str) -> Result<(), ProjectError> {
        let sql = format!("DELETE FROM connectors AS c WHERE c.name = ?1 AND {NEVER_USED}");
        self.together(|t| t.execute(&sql, [name]).map(drop))
    }

    /// Activates a version: live runs use it from now on. Executions that are not wanted any more are cancelled, and
    /// connectors that it replaces deactivated, all as one. The sources of the version before count as the same version
    /// where they are equal. Gives the version's number.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn activate(&mut self, new: Activation<'_>) -> Result<i64, ProjectError> {
        self.together(|t| {
            for id in new.cancel {
                super::queue::cancel(t, id, new.at)?;
            }
            // Before it, so that no moment has both: a schedule would run twice.
            for earlier in new.replaces {
                deactivate(t, earlier)?;
            }
            know(t, new.name, new.label, new.file)?;
            let last: Option<(i64, String)> = t
                .query_row(
                    "SELECT version, hash FROM versions WHERE connector = ?1 ORDER BY version DESC LIMIT 1",
                    [new.name],
                    |r| Ok((r.get(0)?, r.get(1)?)),
                )
                .optional()?;
            let version = match last {
                Some((version, hash)) if hash == new.hash => version,
                other => other.map_or(1, |(version, _)| version + 1),
            };
            t.execute(
                "INSERT INTO versions(connector, version, hash, plan, activated_at) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![new.name, version, new.hash, new.plan, stamp(new.at)],
            )?;
            t.execute(
                "UPDATE connectors SET active = 1, version = ?2 WHERE name = ?1",
                params![new.name, version],
            )?;
            super::slots::begin(t, new.name, new.at)?;
            Ok(version)
        })
    }

    /// Deactivates a connector; its running executions are asked to stop. Whether it was active.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn deactivate(&mut self, name: &str) -> Result<bool, ProjectError> {
        self.together(|t| deactivate(t, name))
    }

    /// The versions that were activated, the newest first, each with the time it first was.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn versions(&self, name: &str) -> Result<Vec<(i64, String)>, ProjectError> {
        let sql = "SELECT version, activated_at FROM versions WHERE connector = ?1 ORDER BY version DESC";
        let list = || {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([name], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// The plan of a version, as JSON.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn plan(&self, name: &str, version: i64) -> Result<Option<String>, ProjectError> {
        let sql = "SELECT plan FROM versions WHERE connector = ?1 AND version = ?2";
        self.connection
            .query_row(sql, params![name, version], |r| r.get(0))
            .optional()
            .map_err(|e| self.failed(&e))
    }
}
