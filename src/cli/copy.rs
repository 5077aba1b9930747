//! What a command copies to where a user wants it.

use super::{Failure, io_words};
use std::path::Path;

/// That nothing is lost that somebody may still want.
pub(super) fn may_write(from: &Path, to: &Path, force: bool) -> Result<(), Failure> {
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(Failure::new(
            format!("{}: there is no such folder", parent.display()),
            "make it first, or choose another place with --to",
        ));
    }
    if !to.exists() {
        return Ok(());
    }
    let what = |what: &str| format!("{}: {what}", to.display());
    if from.canonicalize()? == to.canonicalize()? {
        return Err(Failure::new(what("this is what the execution keeps"), "choose another place with --to"));
    }
    if from.is_dir() != to.is_dir() {
        let kind = if to.is_dir() { "this is a folder" } else { "this is a file, and the input is a folder" };
        return Err(Failure::new(what(kind), "choose another place with --to"));
    }
    if force {
        return Ok(());
    }
    Err(Failure::new(
        what("it is there already"),
        "choose another place with --to, or write over it with --force",
    ))
}

/// Copies a file, or the files of a folder.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, e: &std::io::Error| {
        Failure::new(
            format!("{}: {}", path.display(), io_words(e)),
            "choose another place with --to, or make room",
        )
    };
    if !from.is_dir() {
        return std::fs::copy(from, to).map(drop).map_err(|e| failed(to, &e));
    }
    std::fs::create_dir_all(to).map_err(|e| failed(to, &e))?;
    for entry in std::fs::read_dir(from).map_err(|e| failed(from, &e))? {
        let entry = entry.map_err(|e| failed(from, &e))?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
