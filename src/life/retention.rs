//! How long the files of executions stay.

use super::{Failure, io_words};
use crate::project::Project;
use crate::project::state::{Expired, State};
use crate::run::{Frozen, INPUTS};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::ExecutionFolder;
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What begins the name of a folder that is being removed: from then on nobody finds it.
const GOING: &str = ".going-";

/// What became of an execution's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// They are gone, or would be.
    Gone,
    /// They stay, and why.
    Stays(String),
}

/// Removes the files of executions that ended longer than `older_than` ago, or only says which those are.
/// What runs, waits or was interrupted keeps its files, and so do the newest of each connector.
///
/// # Errors
/// Where the state cannot be read or written.
pub fn prune(
    project: &Project,
    state: &mut State,
    older_than: Duration,
    dry: bool,
) -> Result<Vec<(Expired, Removed)>, Failure> {
    let now = SystemClock.now();
    let ago = SignedDuration::try_from(older_than).ok();
    let before = ago.and_then(|ago| now.checked_sub(ago).ok()).unwrap_or(Timestamp::MIN);
    if !dry {
        sweep(&project.executions());
    }
    let mut all = Vec::new();
    for expired in state.expired(before, project.retention().keep)? {
        let removed = match own_folder(project, &expired) {
            Err(why) => Removed::Stays(why),
            Ok(_) if dry => Removed::Gone,
            Ok(folder) => match remove(folder.as_deref()) {
                Ok(()) => {
                    crash::point("files removed");
                    state.files_gone(&expired.id, now)?;
                    Removed::Gone
                }
                Err(why) => Removed::Stays(why),
            },
        };
        all.push((expired, removed));
    }
    Ok(all)
}

/// Removes the scratch files of executions that ended since then: a process that dies after it told the end
/// leaves them, and so does one that waited and was cancelled.
pub(super) fn sweep_scratch(project: &Project, state: &State, since: Timestamp) -> Result<(), Failure> {
    for (id, folder) in state.ended_since(since)? {
        sweep_folder(&project.root().join(folder), &id);
    }
    Ok(())
}

/// Removes the scratch files of an execution that has ended: not those of another one that has its folder by now.
pub(super) fn sweep_folder(folder: &Path, id: &str) {
    ExecutionFolder::sweep(folder, &|| match Frozen::execution_in(folder) {
        Some(its) => its == id,
        None => folder.ends_with(id),
    });
}

/// Removes the folders of executions that never came into the queue: whoever made them died before, and holds no
/// lock on them any more.
pub(super) fn sweep_unborn(project: &Project, state: &State) -> Result<(), Failure> {
    for entry in fs::read_dir(project.executions()).into_iter().flatten().flatten() {
        let (id, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let Some(_lock) = ExecutionFolder::unborn(&path) else { continue };
        if state.execution(&id)?.is_none() && began_nothing(&path) {
            // What cannot be removed now is tried again.
            let _ = fs::remove_dir_all(&path);
        }
    }
    Ok(())
}

/// Whether nothing is in the folder but what there is before an execution begins.
fn began_nothing(folder: &Path) -> bool {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.file_name());
    names.into_iter().all(|name| ["input", INPUTS, ".work"].iter().any(|known| name == *known))
}

/// The folder of an execution, where it is one that this project made: not one that somebody chose with
/// `--out`, and none that a link leads to. None where it is gone already.
fn own_folder(project: &Project, expired: &Expired) -> Result<Option<PathBuf>, String> {
    let folder = project.root().join(&expired.folder);
    match fs::symlink_metadata(&folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_words(&e)),
        Ok(_) => {}
    }
    let real = |p: &Path| p.canonicalize().map_err(|e| io_words(&e));
    let kept = real(project.root())?.join(".sconn").join("executions").join(&expired.id);
    if real(&folder)? == kept { Ok(Some(folder)) } else { Err("its folder was chosen with --out".into()) }
}

/// Removes a folder so that it is there whole or not at all, for everybody else.
fn remove(folder: Option<&Path>) -> Result<(), String> {
    let Some((folder, name)) = folder.and_then(|f| Some((f, f.file_name()?))) else { return Ok(()) };
    // Whoever has the lock is at work in it.
    let lock = ExecutionFolder::reopen(folder).map_err(|e| io_words(&e.cause))?;
    let going = folder.with_file_name(format!("{GOING}{}", name.to_string_lossy()));
    let gone = || {
        crash::write("rename expired")?;
        fs::rename(folder, &going)?;
        crash::point("expired renamed");
        // Links are removed, not followed.
        fs::remove_dir_all(&going)
    };
    let done = gone().map_err(|e| io_words(&e));
    drop(lock);
    done
}

/// Removes what an earlier process had begun to remove.
fn sweep(executions: &Path) {
    for entry in fs::read_dir(executions).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(GOING) {
            // What cannot be removed now is tried again the next time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
