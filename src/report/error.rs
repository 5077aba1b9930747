//! Why an output could not be written or read.

use std::path::Path;

/// Why an output of a run could not be written or read back.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct ReportError {
    /// The file.
    pub path: String,
    /// What went wrong.
    pub cause: String,
    /// What to do about it.
    pub hint: String,
}

impl ReportError {
    /// An error about `path`, with the hint that fits its cause.
    pub fn new(path: &Path, cause: impl std::fmt::Display) -> Self {
        let cause = cause.to_string();
        let hint = hint(&cause);
        Self { path: path.display().to_string(), cause, hint }
    }
}

/// The libraries between us and the file system hand on its words, not its error, so the words are
/// what there is to go by.
fn hint(cause: &str) -> String {
    let lower = cause.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    if has(&[
        "no space left",
        "disk full",
        "not enough space",
        "os error 28",
        "os error 112",
        "file too large",
        "filetoolarge",
        "storagefull",
    ]) {
        "the disk or a quota is full: free some space, or choose another folder with --out"
    } else if has(&["permission denied", "access is denied", "read-only file system"]) {
        "the folder cannot be written to: close the file if it is open in another program, \
         or choose another folder with --out"
    } else if has(&["no such file or directory", "cannot find the path", "not a directory"]) {
        "the folder is not there: create it, or choose another one with --out"
    } else if has(&["sconn.decisions"]) {
        "the file was written by another version of sconn: run again to get a new one"
    } else {
        "try again; if it stays, choose another folder with --out"
    }
    .to_owned()
}
