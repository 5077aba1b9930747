//! Why something that a user asked for could not be done.

use crate::run::RunError;
use crate::target::TargetError;
use std::io::ErrorKind;

/// Why something could not be done: what, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub what: String,
    /// What to do, if anything can be done.
    pub hint: Option<String>,
    /// Whether it is not for the asker to mend: the disk is full, the state or a target cannot be used.
    pub broken: bool,
    /// Whether it is only not possible now: others are at it, or come first.
    pub later: bool,
}

impl Failure {
    /// A failure with its mend; an empty mend is none.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint: String = hint.into();
        Self { what: what.into(), hint: Some(hint).filter(|h| !h.is_empty()), broken: false, later: false }
    }

    /// Something that will be possible when others are done.
    pub fn later(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { later: true, ..Self::new(what, hint) }
    }

    /// A failure that is not for the asker to mend.
    pub(super) fn broken(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { broken: true, ..Self::new(what, hint) }
    }
}

impl From<TargetError> for Failure {
    fn from(e: TargetError) -> Self {
        RunError::from(e).into()
    }
}

impl From<crate::project::ProjectError> for Failure {
    fn from(e: crate::project::ProjectError) -> Self {
        Self::broken(e.cause, e.hint)
    }
}

impl From<RunError> for Failure {
    fn from(e: RunError) -> Self {
        let broken = match &e {
            RunError::Folder(_) | RunError::Spool(_) | RunError::Report(_) => true,
            RunError::Target(e) => !matches!(e, TargetError::Schema { .. }),
            RunError::Input(_) | RunError::Sql { .. } | RunError::Limit(_) | RunError::Request { .. } => {
                false
            }
        };
        Self { broken, ..Self::new(e.to_string(), e.hint().unwrap_or_default()) }
    }
}

impl From<crate::system::folder::FolderError> for Failure {
    fn from(e: crate::system::folder::FolderError) -> Self {
        RunError::from(e).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Self::broken(io_words(&e), "")
    }
}

/// Why a file or folder cannot be used, in words.
pub fn io_words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::IsADirectory => "this is a folder".into(),
        ErrorKind::NotADirectory => "part of the path is a file, not a folder".into(),
        ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk or a quota is full".into(),
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only".into(),
        _ => error.to_string(),
    }
}
