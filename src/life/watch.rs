//! Watched folders: a file that is complete becomes one execution, and leaves the folder.
//!
//! A file's way: it is copied into the folder of an execution, the claim to it and the execution's place
//! in the queue are entered as one, and only then it moves to the archive, by a name that is its execution's
//! alone: another file may have come under its own. A process that dies on this way leaves either nothing, or
//! a claimed file that the next one only moves. Once it is in the archive, a file like it is a new one.

mod places;
mod taken;

use super::activation::plan_to_run;
use super::triggers::{Desk, Told, ask};
use super::{Ask, Connector, Failure, discover, io_words};
use crate::input::InputFile;
use crate::plan::Plan;
use crate::project::state::{Claim, ConnectorState, State, Watched};
use crate::project::{Project, Watch};
use crate::system::crash;
use crate::system::foreign::{self, Origin};
use places::{being_written, locked};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use taken::{archive, go_on, reject};

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
                // Where a file rests, what was wrong with it still is.
                Ok(false) if self.rests(watch) => {}
                Ok(false) => told.well(&label(watch)),
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
        let asked = place(desk.project, state, watch);
        if ready.is_empty() {
            return asked.map(|_| false);
        }
        let asked = asked.and_then(|(file, known)| Ok((plan(state, watch, &file, known)?, file)));
        let (plan, file) = match asked {
            Ok(asked) => asked,
            Err(failure) => {
                ready.iter().for_each(|(path, _)| self.rest(watch, path));
                return Err(failure);
            }
        };
        let mut failed = None;
        for (path, name) in ready {
            let taken = take_one(desk, state, watch, (&file, &plan), &path, &name, news);
            match taken {
                Ok(true) => drop(self.seen.remove(&key(watch, &path))),
                Ok(false) => self.again(watch, &path),
                Err(failure) => {
                    self.rest(watch, &path);
                    let what = format!("{}: {}", path.display(), failure.what);
                    failed = failed.or(Some(Failure { what, ..failure }));
                }
            }
        }
        failed.map_or(Ok(true), Err)
    }

    fn rests(&self, watch: &Watch) -> bool {
        self.seen.iter().any(|((of, _), seen)| *of == watch.name && seen.rests.is_some())
    }

    /// It has changed, or is gone: later looks see what has become of it.
    fn again(&mut self, watch: &Watch, path: &Path) {
        if let Some(seen) = self.seen.get_mut(&key(watch, path)) {
            seen.since = Instant::now();
        }
    }

    fn rest(&mut self, watch: &Watch, path: &Path) {
        if let Some(seen) = self.seen.get_mut(&key(watch, path)) {
            seen.rests = Some(Instant::now() + RETRY);
        }
    }

    /// The files that are complete, the oldest first: they have stayed as they are for the time that the
    /// watch says, and nobody has them open for writing.
    fn ready(&mut self, state: &State, watch: &Watch) -> Result<Vec<(PathBuf, OsString)>, Failure> {
        let unreadable = |e: std::io::Error| unreadable(watch, &e);
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
            let Ok(Facts { size, mtime, .. }) = entry.metadata().map(|m| facts(&m)) else { continue };
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
                self.again(watch, &path);
            } else if complete.len() < AT_ONCE {
                complete.push((path, name));
            }
        }
        Ok(complete)
    }
}

/// Makes an execution of a file, and takes the file out of its folder; whether it was still the same.
fn take_one(
    desk: &mut Desk<'_>,
    state: &mut State,
    watch: &Watch,
    (connector, plan): (&Path, &Plan),
    path: &Path,
    own: &OsStr,
    news: &dyn Fn(String),
) -> Result<bool, Failure> {
    let Some(name) = own.to_str() else {
        let why = "its name is no UTF-8 text: give it another one";
        return reject(watch, own, &own.to_string_lossy(), why, news).map(|()| true);
    };
    // A file that is renamed, away and back again even, has changed by that.
    let as_is = |m: fs::Metadata| (facts(&m), m.ctime(), m.ctime_nsec());
    // Held open, so that no other one is taken for it.
    let (open, before) = match foreign::open(path).and_then(|f| f.metadata().map(|m| (f, as_is(m)))) {
        Ok(opened) => opened,
        // It was taken away, or somebody put a link in its place: the next look passes it over.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => return Ok(false),
        Err(e) if e.kind() == ErrorKind::PermissionDenied => {
            return reject(watch, own, name, "it may not be read: permission denied", news).map(|()| true);
        }
        Err(e) => return Err(e.into()),
    };
    let input = InputFile { path: path.to_path_buf(), name: name.to_owned(), origin: Origin::Foreign };
    let asked_by = format!("folder {}", watch.name);
    let ask = Ask {
        live: watch.live,
        target: watch.target.clone(),
        ..ask(connector.to_path_buf(), input, asked_by)
    };
    let mut claim = Claim {
        watch: watch.name.clone(),
        name: name.to_owned(),
        mtime: before.0.mtime,
        sha256: String::new(),
    };
    let id = desk.execution(state, plan.clone(), ask, |state, asked, new| {
        crash::point("watched copied");
        // What was copied is the file only where it is still what it was.
        if fs::symlink_metadata(path).map(as_is).ok() != Some(before) {
            return Ok(false);
        }
        claim.sha256 = asked.kept_files()?.into_iter().map(|k| k.sha256).collect();
        Ok(state.queue_watched(&claim, new)?)
    })?;
    drop(open);
    crash::point("watched claimed");
    let Some(execution) = id else { return Ok(false) };
    news(format!("{execution}  {name} from folder {} is queued", watch.name));
    archive(state, watch, &Watched { execution, claim, archived: false }, Some(before.0), news)?;
    Ok(true)
}

/// The file of a watch's connector, and what the project knows of it.
fn place(
    project: &Project,
    state: &mut State,
    watch: &Watch,
) -> Result<(PathBuf, Option<ConnectorState>), Failure> {
    let mut all = state.connectors()?;
    if all.iter().all(|c| c.name != watch.connector && c.file != watch.connector) {
        discover(project, state)?;
        all = state.connectors()?;
    }
    let known = all.iter().find(|c| c.name == watch.connector || c.file == watch.connector);
    let file = project.root().join(known.map_or(&watch.connector, |c| &c.file));
    // Live, one that was activated need not be there any more.
    if file.is_file() || watch.live && known.is_some_and(|c| c.version.is_some()) {
        return Ok((file, known.cloned()));
    }
    let near = crate::diagnostic::nearest(&watch.connector, all.iter().map(|c| c.name.as_str()));
    Err(Failure::new(
        format!("there is no connector `{}`", watch.connector),
        match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "give its name, or its file, counted from the folder of sconn.toml".to_owned(),
        },
    ))
}

/// The plan that an execution of a watch is made with. Live, one that was activated need not be read again;
/// which version runs is known when it begins.
fn plan(state: &State, watch: &Watch, file: &Path, known: Option<ConnectorState>) -> Result<Plan, Failure> {
    if let (true, Some((known, version))) = (watch.live, known.and_then(|c| Some((c.name, c.version?)))) {
        return plan_to_run(state, &known, version);
    }
    Connector::load(file)?.plan().map_err(|_| {
        let shown = file.display();
        Failure::new(format!("{shown} has errors"), format!("`sconn check {shown}` tells them"))
    })
}

fn key(watch: &Watch, path: &Path) -> (String, PathBuf) {
    (watch.name.clone(), path.to_path_buf())
}

/// That a watched folder cannot be looked into.
fn unreadable(watch: &Watch, why: &std::io::Error) -> Failure {
    Failure::new(
        format!("{}: {}", watch.folder.display(), io_words(why)),
        format!("make it, or change `folder` of [watch.{}] in sconn.toml", watch.name),
    )
}

fn label(watch: &Watch) -> String {
    format!("folder {}", watch.name)
}

/// What tells a file from another one that has its name by now.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Facts {
    device: u64,
    inode: u64,
    size: u64,
    /// When it was written last, nanoseconds since 1970.
    mtime: i64,
}

fn facts(metadata: &fs::Metadata) -> Facts {
    let since = metadata.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    Facts {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.len(),
        mtime: since.map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX)),
    }
}
