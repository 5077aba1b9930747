//! What becomes of a file that was taken: it goes to the archive, or to the errors with a text that says why.

use super::places::{move_file, named};
use super::{facts, label};
use crate::life::asked::execution_id;
use crate::life::{Failure, io_words};
use crate::project::state::{ExecutionRow, ExecutionState, State, Watched};
use crate::project::{Project, Watch};
use crate::system::{crash, folder};
use std::fs;
use std::path::Path;

/// What is left to do for a file that an execution has.
pub(super) fn go_on(
    project: &Project,
    state: &mut State,
    watch: &Watch,
    file: &Watched,
    news: &dyn Fn(String),
) -> Result<(), Failure> {
    if !file.archived {
        let path = watch.folder.join(&file.claim.name);
        // Something else of that name is not the file that was claimed.
        if path.is_file() && folder::sha256(&path)? != file.claim.sha256 {
            return Ok(state.watched_archived(&file.execution)?);
        }
        return archive(state, watch, file);
    }
    let execution = state.execution(&file.execution)?;
    if let Some(execution) = &execution {
        if !execution.state.ended() {
            return Ok(());
        }
        if execution.state == ExecutionState::Failed {
            explain(project, watch, file, execution, news)?;
        }
    }
    Ok(state.watched_done(&file.execution)?)
}

/// Moves a claimed file into the archive.
pub(super) fn archive(state: &mut State, watch: &Watch, file: &Watched) -> Result<(), Failure> {
    let from = watch.folder.join(&file.claim.name);
    let same = fs::symlink_metadata(&from).is_ok_and(|m| m.is_file() && facts(&m).1 == file.claim.mtime);
    if same {
        moved(&from, &watch.archive.join(named(&file.claim.name, &file.execution)))?;
    }
    crash::point("watched moved");
    Ok(state.watched_archived(&file.execution)?)
}

fn moved(from: &Path, to: &Path) -> Result<(), Failure> {
    move_file(from, to).map_err(|e| {
        Failure::new(
            format!("it cannot be moved to {}: {}", to.display(), io_words(&e)),
            "it is tried again every 30 seconds",
        )
    })
}

/// Moves a file whose execution failed to the errors, with a text that says why.
fn explain(
    project: &Project,
    watch: &Watch,
    file: &Watched,
    execution: &ExecutionRow,
    news: &dyn Fn(String),
) -> Result<(), Failure> {
    let name = named(&file.claim.name, &file.execution);
    let (from, to) = (watch.archive.join(&name), watch.errors.join(&name));
    let why = execution.failure.as_deref().unwrap_or("its execution failed");
    let id = &execution.id;
    let more = format!(
        "{} had it as execution {id}: `sconn executions show {id}` tells more.\n",
        execution.connector
    );
    tell_why(watch, &to, &file.claim.name, why, &more)?;
    crash::point("watched explained");
    // Somebody may have taken it away.
    if from.is_file() {
        moved(&from, &to)?;
    }
    crash::point("watched failed");
    let shown = to.strip_prefix(project.root()).unwrap_or(&to).display().to_string();
    news(format!("{id}  {} could not be loaded; it is in {shown}", file.claim.name));
    Ok(())
}

/// Moves a file that is no input at all to the errors.
pub(super) fn reject(watch: &Watch, path: &Path, why: &str, news: &dyn Fn(String)) -> Result<(), Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let unique = execution_id(&crate::system::clock::SystemClock);
    let to = watch.errors.join(named(&name, &unique));
    tell_why(watch, &to, &name, why, "")?;
    moved(path, &to)?;
    news(format!("{}: {name} could not be taken: {why}", label(watch)));
    Ok(())
}

fn tell_why(watch: &Watch, to: &Path, name: &str, why: &str, more: &str) -> Result<(), Failure> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".txt");
    let again = format!("To try it again, mend it and put it into {}.\n", watch.folder.display());
    fs::create_dir_all(&watch.errors)?;
    Ok(fs::write(beside, format!("{name} could not be loaded.\n\n{why}\n\n{more}{again}"))?)
}
