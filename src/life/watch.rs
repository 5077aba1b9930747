//! Watched folders: a file that is complete becomes one execution, and leaves the folder.
//!
//! A file's way: it is copied into the folder of an execution, the claim to it and the execution's place
//! in the queue are entered as one, and only then it moves to the archive. A process that dies on this way
//! leaves either nothing, or a claimed file that the next one only moves. Once it is in the archive, a file
//! like it is a new one.

mod places;

use super::activation::plan_to_run;
use super::triggers::{Desk, Told, ask};
use super::{Connector, Failure, discover, io_words};
use crate::input::InputFile;
use crate::plan::Plan;
use crate::project::state::{Claim, ExecutionRow, ExecutionState, State, Watched};
use crate::project::{Project, Watch};
use crate::system::{crash, folder};
use places::{being_written, locked, move_file, named};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How many files a folder may hand in at one look: the queue is not to wait long.
const AT_ONCE: usize = 20;
/// How long a file rests that could not be taken, as the disk was full.
const RETRY: Duration = Duration::from_secs(30);

/// The watched folders of a project.
#[derive(Default)]
pub(super) struct Folders {
    /// By watch and path.
    seen: BTreeMap<(String, PathBuf), Seen>,
    /// Executions whose file could not be moved, and until when it rests.
    unmoved: BTreeMap<String, Instant>,
}

/// A file in a watched folder.
#[derive(Clone, Copy)]
struct Seen {
    size: u64,
    mtime: i64,
    /// Since when it is as it is.
    since: Instant,
    /// It cannot be taken before this, and nobody need wait for it.
    rests: Option<Instant>,
}

impl Folders {
    /// Whether no file is on its way into the queue.
    pub(super) fn idle(&self) -> bool {
        self.seen.values().all(|seen| seen.rests.is_some())
    }

    /// Looks into every folder once.
    pub(super) fn look(
        &mut self,
        desk: &mut Desk<'_>,
        state: &mut State,
        told: &mut Told,
        news: &dyn Fn(String),
    ) {
        let watches = desk.project.watches();
        match state.watched() {
            Ok(files) => {
                for file in files {
                    if let Some(watch) = watches.iter().find(|w| w.name == file.claim.watch) {
                        self.go_on(desk.project, state, watch, &file, told, news);
                    }
                }
            }
            Err(e) => told.failed("folders", &e.into(), news),
        }
        for watch in watches {
            match self.take(desk, state, watch, news) {
                Ok(true) => told.well(&label(watch)),
                Ok(false) => {}
                Err(failure) => told.failed(&label(watch), &failure, news),
            }
        }
    }

    /// Does what is left to do for a file that an execution has.
    fn go_on(
        &mut self,
        project: &Project,
        state: &mut State,
        watch: &Watch,
        file: &Watched,
        told: &mut Told,
        news: &dyn Fn(String),
    ) {
        if self.unmoved.get(&file.execution).is_some_and(|until| Instant::now() < *until) {
            return;
        }
        let of = format!("{}, {}", label(watch), file.claim.name);
        match go_on(project, state, watch, file, news) {
            Ok(()) => {
                self.unmoved.remove(&file.execution);
                told.well(&of);
            }
            Err(failure) => {
                self.unmoved.insert(file.execution.clone(), Instant::now() + RETRY);
                told.failed(&of, &failure, news);
            }
        }
    }

    /// Takes the files of a folder that are complete. Whether there were any.
    fn take(
        &mut self,
        desk: &mut Desk<'_>,
        state: &mut State,
        watch: &Watch,
        news: &dyn Fn(String),
    ) -> Result<bool, Failure> {
        let ready =
            self.ready(state, watch).inspect_err(|_| self.seen.retain(|(of, _), _| *of != watch.name))?;
        if ready.is_empty() {
            return Ok(false);
        }
        let asked = connector(desk.project, state, watch);
        let (file, plan) = match asked {
            Ok(asked) => asked,
            Err(failure) => {
                ready.iter().for_each(|(path, _)| self.rest(watch, path));
                return Err(failure);
            }
        };
        let mut failed = None;
        for (path, name) in ready {
            let taken = take_one(desk, state, watch, (&file, &plan), &path, name.to_str(), news);
            match taken {
                Ok(()) => drop(self.seen.remove(&key(watch, &path))),
                Err(failure) => {
                    self.rest(watch, &path);
                    let what = format!("{}: {}", path.display(), failure.what);
                    failed = failed.or(Some(Failure { what, ..failure }));
                }
            }
        }
        failed.map_or(Ok(true), Err)
    }

    fn rest(&mut self, watch: &Watch, path: &Path) {
        if let Some(seen) = self.seen.get_mut(&key(watch, path)) {
            seen.rests = Some(Instant::now() + RETRY);
        }
    }

    /// The files that are complete, the oldest first: they have stayed as they are for the time that the
    /// watch says, and nobody has them open for writing.
    fn ready(&mut self, state: &State, watch: &Watch) -> Result<Vec<(PathBuf, OsString)>, Failure> {
        let unreadable = |e: std::io::Error| {
            Failure::new(
                format!("{}: {}", watch.folder.display(), io_words(&e)),
                format!("make it, or change `folder` of [watch.{}] in sconn.toml", watch.name),
            )
        };
        let claimed = state.watched()?.into_iter().filter(|w| !w.archived && w.claim.watch == watch.name);
        let claimed: Vec<String> = claimed.map(|w| w.claim.name).collect();
        let (settle, now) = (watch.settle, Instant::now());
        let (mut found, mut ready) = (BTreeSet::new(), Vec::new());
        for entry in fs::read_dir(&watch.folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (path, name) = (entry.path(), entry.file_name());
            let shown = name.to_string_lossy();
            // A link may lead anywhere, and a folder is none of its files.
            let file = entry.file_type().is_ok_and(|t| t.is_file());
            if !file || !watch.takes(&shown) || claimed.iter().any(|c| *c == shown) {
                continue;
            }
            // It may be gone by now.
            let Ok((size, mtime)) = entry.metadata().map(|m| facts(&m)) else { continue };
            let fresh = Seen { size, mtime, since: now, rests: None };
            let seen = self.seen.entry(key(watch, &path)).or_insert(fresh);
            if (seen.size, seen.mtime) != (size, mtime) {
                *seen = fresh;
            }
            let rested = seen.rests.is_none_or(|until| now >= until);
            if now.duration_since(seen.since) >= settle && rested {
                ready.push((mtime, name, path.clone()));
            }
            found.insert(path);
        }
        self.seen.retain(|(of, path), _| *of != watch.name || found.contains(path));
        if ready.is_empty() {
            return Ok(Vec::new());
        }
        ready.sort();
        let written = being_written(&watch.folder);
        let mut complete = Vec::new();
        for (_, name, path) in ready {
            if written.contains(&name) || locked(&path) {
                if let Some(seen) = self.seen.get_mut(&key(watch, &path)) {
                    seen.since = now;
                }
            } else if complete.len() < AT_ONCE {
                complete.push((path, name));
            }
        }
        Ok(complete)
    }
}

/// Makes an execution of a file, and takes the file out of its folder.
fn take_one(
    desk: &mut Desk<'_>,
    state: &mut State,
    watch: &Watch,
    (connector, plan): (&Path, &Plan),
    path: &Path,
    name: Option<&str>,
    news: &dyn Fn(String),
) -> Result<(), Failure> {
    let Some(name) = name else {
        return reject(watch, path, "its name is no UTF-8 text: give it another one", news);
    };
    let before = match fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) => facts(&metadata),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            return reject(watch, path, "it may not be read: permission denied", news);
        }
        Err(e) => return Err(e.into()),
    };
    let input = InputFile { path: path.to_path_buf(), name: name.to_owned() };
    let ask = ask(connector.to_path_buf(), input, watch.live, format!("folder {}", watch.name));
    let mut claim =
        Claim { watch: watch.name.clone(), name: name.to_owned(), mtime: before.1, sha256: String::new() };
    let id = desk.execution(state, plan.clone(), ask, |state, asked, new| {
        crash::point("watched copied");
        // What was copied is the file only where it is still what it was.
        if fs::metadata(path).map(|m| facts(&m)).ok() != Some(before) {
            return Ok(false);
        }
        claim.sha256 = asked.kept()?.into_iter().map(|k| k.sha256).collect();
        Ok(state.queue_watched(&claim, new)?)
    })?;
    crash::point("watched claimed");
    let Some(execution) = id else { return Ok(()) };
    news(format!("{execution}  {name} from folder {} is queued", watch.name));
    archive(state, watch, &Watched { execution, claim, archived: false })
}

/// What is left to do for a file that an execution has.
fn go_on(
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
fn archive(state: &mut State, watch: &Watch, file: &Watched) -> Result<(), Failure> {
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
            format!("{} cannot be moved to {}: {}", from.display(), to.display(), io_words(&e)),
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
fn reject(watch: &Watch, path: &Path, why: &str, news: &dyn Fn(String)) -> Result<(), Failure> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let unique = super::asked::execution_id(&crate::system::clock::SystemClock);
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

/// The connector of a watch: its file, and the plan that the execution is made with. Live, one that was
/// activated need not be read again; which version runs is known when it begins.
fn connector(project: &Project, state: &mut State, watch: &Watch) -> Result<(PathBuf, Plan), Failure> {
    let mut all = state.connectors()?;
    if all.iter().all(|c| c.name != watch.connector && c.file != watch.connector) {
        discover(project, state)?;
        all = state.connectors()?;
    }
    let known = all.iter().find(|c| c.name == watch.connector || c.file == watch.connector);
    let file = project.root().join(known.map_or(&watch.connector, |c| &c.file));
    if let (true, Some((known, version))) = (watch.live, known.and_then(|c| Some((c, c.version?)))) {
        return Ok((file, plan_to_run(state, &known.name, version)?));
    }
    if !file.is_file() {
        let near = crate::diagnostic::nearest(&watch.connector, all.iter().map(|c| c.name.as_str()));
        return Err(Failure::new(
            format!("there is no connector `{}`", watch.connector),
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "give its name, or its file, counted from the folder of sconn.toml".to_owned(),
            },
        ));
    }
    let plan = Connector::load(&file)?.plan().map_err(|_| {
        let shown = file.display();
        Failure::new(format!("{shown} has errors"), format!("`sconn check {shown}` tells them"))
    })?;
    Ok((file, plan))
}

fn key(watch: &Watch, path: &Path) -> (String, PathBuf) {
    (watch.name.clone(), path.to_path_buf())
}

fn label(watch: &Watch) -> String {
    format!("folder {}", watch.name)
}

/// A file's size, and when it was written last.
fn facts(metadata: &fs::Metadata) -> (u64, i64) {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    (metadata.len(), since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)))
}
