//! What keeps the state from being used, and the mend.

use super::LAYOUT;
use crate::project::ProjectError;
use crate::system::machine::free_bytes;
use rusqlite::ErrorCode;
use std::io::ErrorKind;
use std::path::Path;

fn error(path: &Path, cause: impl std::fmt::Display, hint: impl Into<String>) -> ProjectError {
    ProjectError { cause: format!("{}: {cause}", path.display()), hint: hint.into() }
}

/// What nobody may write to is of no use: looking notes which workers are gone.
const WRITABLE: &str = "let yourself write to .sconn and to what is in it: also commands that only show something \
                        write to the state";

const FULL: (&str, &str) = ("the disk or a quota is full", "make room on the disk, then try again");

/// The folder of the state cannot be made.
pub(super) fn no_folder(folder: &Path, cause: &std::io::Error) -> ProjectError {
    let (what, hint) = match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ("the disk or a quota is full", "make room on the disk")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => ("it may not be written to", WRITABLE),
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            ("there is a file where the folder of the project's state belongs", "move that file away")
        }
        _ => {
            return error(
                folder,
                format!("the folder of the project's state cannot be made: {cause}"),
                WRITABLE,
            );
        }
    };
    error(folder, format!("the folder of the project's state cannot be made: {what}"), hint)
}

/// The state cannot be opened.
pub(super) fn not_opened(path: &Path, cause: &rusqlite::Error) -> ProjectError {
    let (what, hint) = words(cause, free(path));
    error(path, format!("the project's state cannot be opened: {what}"), hint)
}

/// The state is there, and not for this process to write to.
pub(super) fn no_right(path: &Path) -> ProjectError {
    error(path, "the project's state cannot be opened: it may not be written to", WRITABLE)
}

/// The state was opened, and something went wrong with it.
pub(super) fn failed(path: &Path, cause: &rusqlite::Error) -> ProjectError {
    let (what, hint) = words(cause, free(path));
    error(path, what, hint)
}

/// A database of somebody else.
pub(super) fn foreign(path: &Path) -> ProjectError {
    let what = "this is a database of something else, not a project's state; nothing was changed in it";
    error(path, what, "move it away; sconn makes its own there, and connectors are activated anew")
}

/// A state of a version to come.
pub(super) fn newer(path: &Path, layout: i32) -> ProjectError {
    error(
        path,
        format!(
            "the project's state was written by a newer sconn: its layout is {layout}, and sconn {} knows {LAYOUT}",
            env!("CARGO_PKG_VERSION")
        ),
        "use the newer sconn, or restore a backup from before the upgrade",
    )
}

/// With less room than this the state cannot be used: its log and its shared memory are files, too.
const ROOM: u64 = 1 << 20;

/// What is free on the disk of the state.
fn free(path: &Path) -> u64 {
    path.parent().and_then(|folder| free_bytes(folder).ok()).unwrap_or(u64::MAX)
}

fn words(error: &rusqlite::Error, free: u64) -> (String, &'static str) {
    let (what, hint) = match error.sqlite_error_code() {
        // Where the shared memory has no room, SQLite only says that something went wrong.
        Some(ErrorCode::SystemIoFailure) if free < ROOM => FULL,
        Some(ErrorCode::DiskFull) => FULL,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            "this is no SQLite file, or it is damaged",
            "restore a backup of it, or move it away: then sconn makes a new one, and connectors are activated anew",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ("another process has locked it for long", "wait until that is done, then try again")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ("it cannot be written to", WRITABLE)
        }
        _ => {
            return (
                error.to_string(),
                "the project's state could not be read or written; check the disk, then try again",
            );
        }
    };
    (what.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_is_told_whatever_sqlite_calls_it() {
        let error = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        let io = error(rusqlite::ffi::SQLITE_IOERR_SHMSIZE);
        for (error, free) in [(&io, 0), (&error(rusqlite::ffi::SQLITE_FULL), u64::MAX)] {
            assert_eq!(words(error, free).0, "the disk or a quota is full");
        }
        assert!(words(&io, 1 << 30).1.contains("check the disk"));
        assert!(free(Path::new("/no/such/folder/state.sqlite")) == u64::MAX);
    }
}
