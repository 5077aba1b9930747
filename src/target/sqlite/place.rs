//! Where a store is, and its failures in the user's words.

use crate::system::crash;
use crate::target::TargetError;
use rusqlite::{Error, ErrorCode};

/// The store's path as people know it.
#[derive(Clone, Debug)]
pub(super) struct Place(pub(super) String);

impl Place {
    /// It cannot be opened, or is not ours.
    pub(super) fn open(&self, cause: impl Into<String>, hint: impl Into<String>) -> TargetError {
        TargetError::Open { place: self.0.clone(), cause: cause.into(), hint: hint.into() }
    }

    /// Reading or writing failed for a reason that SQLite does not know.
    pub(super) fn broken(&self, cause: impl Into<String>, hint: impl Into<String>) -> TargetError {
        TargetError::Io { place: self.0.clone(), cause: cause.into(), hint: hint.into() }
    }

    /// A place where a test lets the process die, or the disk be full.
    pub(super) fn passes(&self, point: &str) -> Result<(), TargetError> {
        let full = || Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None);
        crash::write(point).map_err(|_| self.io(full()))
    }

    /// What SQLite said, in plain words.
    pub(super) fn io(&self, error: Error) -> TargetError {
        let (cause, hint) = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => return TargetError::busy(&self.0),
            Some(ErrorCode::DiskFull) => (
                "the disk is full".to_owned(),
                "free some space on the disk that holds the file, then start again; nothing half-written is left",
            ),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
                "the file cannot be written".to_owned(),
                "check the permissions of the file and of its folder",
            ),
            Some(ErrorCode::CannotOpen) => (
                "the file cannot be opened".to_owned(),
                "check that the folder exists and that you may write in it",
            ),
            Some(ErrorCode::DatabaseCorrupt) => (
                "the file is damaged".to_owned(),
                "restore it from a backup; `sqlite3 FILE .recover` may save what is left",
            ),
            Some(ErrorCode::NotADatabase) => (
                "the file is not a SQLite database".to_owned(),
                "name another file, or a new one: it is created",
            ),
            Some(ErrorCode::SystemIoFailure) => (
                format!("the disk failed ({error})"),
                "check the disk, then start again; nothing half-written is left",
            ),
            _ => (error.to_string(), "if this stays, keep the file and report it"),
        };
        self.broken(cause, hint)
    }

    /// A stored value that its field's type does not allow.
    pub(super) fn unreadable(&self, object: &str, field: &str, id: &str) -> TargetError {
        self.broken(
            format!("record {id} of {object} has a value in \"{field}\" that is not of the field's type"),
            "another program changed the file; mend that value, or restore the file from a backup",
        )
    }
}
