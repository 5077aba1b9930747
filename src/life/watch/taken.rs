//! What becomes of a file that was taken: it goes to the archive, or to the errors with a text that says why.

use super::places::named;
use super::{At, Facts, facts, label, unreadable};
use crate::life::asked::execution_id;
use crate::life::{Failure, io_words};
use crate::project::state::{Claim, ExecutionRow, ExecutionState, State, Watched};
use crate::project::{Project, Watch};
use crate::report::log_line;
use crate::system::foreign::Folder;
use crate::system::{crash, folder};
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What is left to do for a file that an execution has.
pub(super) fn go_on(project: &Project, state: &mut State, at: At<'_>, file: &Watched) -> Result<(), Failure> {
    if !file.archived {
        return archive(state, at, file, None);
    }
    let execution = state.execution(&file.execution)?;
    if let Some(execution) = &execution {
        if !execution.state.ended() {
            return Ok(());
        }
        if execution.state == ExecutionState::Failed {
            explain(project, at, file, execution)?;
        }
    }
    Ok(state.watched_done(&file.execution)?)
}

/// Moves a claimed file into the archive, where it is there still; `seen` is what was loaded, where that is known.
pub(super) fn archive(
    state: &mut State,
    at: At<'_>,
    file: &Watched,
    seen: Option<Facts>,
) -> Result<(), Failure> {
    move_claimed(at, file, seen)?;
    crash::point("watched moved");
    Ok(state.watched_archived(&file.execution)?)
}

/// Under its name another file may be at any moment. So what is there is first given a name that nobody else gives a
/// file, and then looked at: the claimed one goes to the archive, another one goes back.
fn move_claimed(at: At<'_>, file: &Watched, seen: Option<Facts>) -> Result<(), Failure> {
    let watch = at.watch;
    // That the folder is away says nothing of the file: it may come back with it.
    let unreadable = |e: io::Error| unreadable(watch, &e);
    let inbox = Place::Watched.open(watch).map_err(unreadable)?;
    let (name, to) = (OsStr::new(&file.claim.name), named(&file.claim.name, &file.execution));
    let (held, to) = (format!(".{to}"), OsStr::new(&to));
    let held = OsStr::new(&held);
    let mut seen = seen;
    // Where somebody died over it, it has that name already.
    if !inbox.holds(held).map_err(unreadable)? {
        seen = claimed(at, &inbox, name, &file.claim, seen).map_err(unreadable)?;
        if seen.is_none() {
            return Ok(());
        }
        crash::point("watched seen");
        let closed = |e: io::Error| Place::Archive.closed(watch, to, &e);
        // It keeps its name while it has nowhere to go.
        Place::Archive.open(watch).map_err(closed)?;
        match inbox.rename(name, held) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(closed)?,
        }
    }
    crash::point("watched held");
    match claimed(at, &inbox, held, &file.claim, seen) {
        Ok(Some(_)) => moved(at, (Place::Watched, held), (Place::Archive, to)),
        // What may not be read is not what was loaded.
        Err(e) if e.kind() != ErrorKind::PermissionDenied => Err(unreadable(e)),
        _ => give_back(at, &inbox, held, &file.claim.name),
    }
}

/// What a name stands for, where that is the claimed file: what was seen of it, or one of its time with its bytes. None
/// where there is no file of that name.
fn claimed(
    at: At<'_>,
    inbox: &Folder,
    name: &OsStr,
    claim: &Claim,
    seen: Option<Facts>,
) -> io::Result<Option<Facts>> {
    let file = match inbox.file(name) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => return Ok(None),
        file => file?,
    };
    let facts = facts(&file.metadata()?);
    let bytes = || folder::sha256_of(&file, &|| at.stop.asked());
    let same = seen == Some(facts) || facts.mtime == claim.mtime && bytes()? == claim.sha256;
    Ok(same.then_some(facts))
}

/// Gives a file its name again that came under it just before it was taken hold of. Where yet another one has it by
/// now, nobody can tell whether that was to replace this one or to come after it.
fn give_back(at: At<'_>, inbox: &Folder, held: &OsStr, name: &str) -> Result<(), Failure> {
    match inbox.rename_beside(held, OsStr::new(name)) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let why = "another file came under its name before it could be loaded, and was loaded instead";
            reject(at, held, name, why)
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        given => given.map_err(|e| unreadable(at.watch, &e)),
    }
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

fn moved(at: At<'_>, from: (Place, &OsStr), to: (Place, &OsStr)) -> Result<(), Failure> {
    let stop = || at.stop.asked();
    let moving = || to.0.open(at.watch)?.take(to.1, &from.0.open(at.watch)?, from.1, &stop);
    moving().map_err(|e| to.0.closed(at.watch, to.1, &e))
}

/// Moves a file whose execution failed to the errors, with a text that says why.
fn explain(project: &Project, at: At<'_>, file: &Watched, execution: &ExecutionRow) -> Result<(), Failure> {
    let watch = at.watch;
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
        moved(at, (Place::Archive, name), (Place::Errors, name))?;
    }
    crash::point("watched failed");
    let to = watch.errors.join(name);
    let shown = to.strip_prefix(project.root()).unwrap_or(&to).display().to_string();
    (at.news)(format!("{id}  {} could not be loaded; it is in {shown}", file.claim.name));
    Ok(())
}

/// Moves a file that cannot be an input to the errors; `own` is how it is called in its folder.
pub(super) fn reject(at: At<'_>, own: &OsStr, name: &str, why: &str) -> Result<(), Failure> {
    let unique = execution_id(&crate::system::clock::SystemClock);
    let to = named(name, &unique);
    tell_why(at.watch, OsStr::new(&to), name, why, "")?;
    moved(at, (Place::Watched, own), (Place::Errors, OsStr::new(&to)))?;
    (at.news)(format!("{}: {name} could not be taken: {why}", label(at.watch)));
    Ok(())
}

fn tell_why(watch: &Watch, to: &OsStr, name: &str, why: &str, more: &str) -> Result<(), Failure> {
    let mut beside = to.to_owned();
    beside.push(".txt");
    let again = format!("To try it again, mend it and put it into {}.\n", watch.folder.display());
    let text = format!("{} could not be loaded.\n\n{why}\n\n{more}{again}", log_line(name));
    let written = Place::Errors.open(watch).and_then(|errors| errors.write(&beside, &text));
    written.map_err(|e| Place::Errors.closed(watch, to, &e))
}
