//! What becomes of a file that was taken: it goes to the archive, or to the errors with a text that says why.

use super::places::named;
use super::{facts, label, unreadable};
use crate::life::asked::execution_id;
use crate::life::{Failure, io_words};
use crate::project::state::{ExecutionRow, ExecutionState, State, Watched};
use crate::project::{Project, Watch};
use crate::system::foreign::Folder;
use crate::system::{crash, folder};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
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
        let claimed = match there(watch, &file.claim.name)? {
            Some(there) => folder::sha256_of(&there)? == file.claim.sha256,
            None => false,
        };
        if !claimed {
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

/// A file in the watched folder; none where it was taken away, or something else has its name. That the folder is away
/// says nothing of the file: it may come back with it.
fn there(watch: &Watch, name: &str) -> Result<Option<File>, Failure> {
    let folder = Folder::open(&watch.folder).map_err(|e| unreadable(watch, &e))?;
    match folder.file(OsStr::new(name)) {
        Ok(file) => Ok(Some(file)),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => Ok(None),
        Err(e) => Err(unreadable(watch, &e)),
    }
}

/// Moves a claimed file into the archive.
pub(super) fn archive(state: &mut State, watch: &Watch, file: &Watched) -> Result<(), Failure> {
    let found = there(watch, &file.claim.name)?.map(|f| f.metadata()).transpose()?;
    let same = found.is_some_and(|m| facts(&m).1 == file.claim.mtime);
    if same {
        let name = named(&file.claim.name, &file.execution);
        moved(watch, (Place::Watched, OsStr::new(&file.claim.name)), (Place::Archive, OsStr::new(&name)))?;
    }
    crash::point("watched moved");
    Ok(state.watched_archived(&file.execution)?)
}

/// The folders of a watch.
#[derive(Clone, Copy)]
enum Place {
    Watched,
    Archive,
    Errors,
}

impl Place {
    fn path(self, watch: &Watch) -> &Path {
        match self {
            Place::Watched => &watch.folder,
            Place::Archive => &watch.archive,
            Place::Errors => &watch.errors,
        }
    }

    /// The folder itself: whoever may write to the watched one must not lead files to somewhere else.
    fn open(self, watch: &Watch) -> io::Result<Folder> {
        match self {
            Place::Watched => Folder::open(&watch.folder),
            Place::Archive | Place::Errors => Folder::make(self.path(watch), &watch.folder),
        }
    }

    /// That something cannot be put there.
    fn closed(self, watch: &Watch, name: &OsStr, why: &io::Error) -> Failure {
        let to = self.path(watch).join(name);
        let mend = match (why.kind(), self) {
            (ErrorKind::InvalidInput, Place::Errors) => link(watch, "errors"),
            (ErrorKind::InvalidInput, _) => link(watch, "archive"),
            _ => "it is tried again every 30 seconds".to_owned(),
        };
        Failure::new(format!("it cannot be moved to {}: {}", to.display(), io_words(why)), mend)
    }
}

fn link(watch: &Watch, setting: &str) -> String {
    format!(
        "take the link away, or name the folder that it leads to: `{setting}` of [watch.{}] in sconn.toml",
        watch.name
    )
}

fn moved(watch: &Watch, from: (Place, &OsStr), to: (Place, &OsStr)) -> Result<(), Failure> {
    let moving = || to.0.open(watch)?.take(to.1, &from.0.open(watch)?, from.1);
    moving().map_err(|e| to.0.closed(watch, to.1, &e))
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
    let name = OsStr::new(&name);
    let why = execution.failure.as_deref().unwrap_or("its execution failed");
    let id = &execution.id;
    let more = format!(
        "{} had it as execution {id}: `sconn executions show {id}` tells more.\n",
        execution.connector
    );
    tell_why(watch, name, &file.claim.name, why, &more)?;
    crash::point("watched explained");
    // Somebody may have taken it away.
    if Place::Archive.open(watch).map_err(|e| Place::Archive.closed(watch, name, &e))?.has(name) {
        moved(watch, (Place::Archive, name), (Place::Errors, name))?;
    }
    crash::point("watched failed");
    let to = watch.errors.join(name);
    let shown = to.strip_prefix(project.root()).unwrap_or(&to).display().to_string();
    news(format!("{id}  {} could not be loaded; it is in {shown}", file.claim.name));
    Ok(())
}

/// Moves a file that is no input at all to the errors.
pub(super) fn reject(watch: &Watch, path: &Path, why: &str, news: &dyn Fn(String)) -> Result<(), Failure> {
    let own = path.file_name().unwrap_or_default();
    let name = own.to_string_lossy();
    let unique = execution_id(&crate::system::clock::SystemClock);
    let to = named(&name, &unique);
    tell_why(watch, OsStr::new(&to), &name, why, "")?;
    moved(watch, (Place::Watched, own), (Place::Errors, OsStr::new(&to)))?;
    news(format!("{}: {name} could not be taken: {why}", label(watch)));
    Ok(())
}

fn tell_why(watch: &Watch, to: &OsStr, name: &str, why: &str, more: &str) -> Result<(), Failure> {
    let mut beside = to.to_owned();
    beside.push(".txt");
    let again = format!("To try it again, mend it and put it into {}.\n", watch.folder.display());
    let text = format!("{name} could not be loaded.\n\n{why}\n\n{more}{again}");
    let written = Place::Errors.open(watch).and_then(|errors| errors.write(&beside, &text));
    written.map_err(|e| Place::Errors.closed(watch, to, &e))
}
