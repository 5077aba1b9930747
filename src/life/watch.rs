//! Watched folders: a file that is complete becomes one execution, and leaves the folder.
//!
//! A file's way: it is copied into the folder of an execution, the claim to it and the execution's place
//! in the queue are entered as one, and only then it moves to the archive, by a name that is its execution's
//! alone: another file may have come under its own. A process that dies on this way leaves either nothing, or
//! a claimed file that the next one only moves. Once it is in the archive, a file like it is a new one.

mod beside;
mod places;
mod taken;
mod taking;

pub(super) use beside::Watcher;

use super::triggers::{Desk, Elsewhere, Told};
use super::{Failure, io_words};
use crate::project::state::{State, Watched};
use crate::project::{Project, Watch};
use crate::system::stop::Stop;
use places::{being_written, locked};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use taken::go_on;
use taking::{place, plan, take_one};

/// How many files a folder may hand in at one look: the next folder is not to wait long.
const AT_ONCE: usize = 20;
/// How long a file rests that could not be taken, as the disk was full.
const RETRY: Duration = Duration::from_secs(30);

/// The watched folders of a project.
#[derive(Default)]
struct Folders {
    /// Another connection than the queue's: neither waits for the other's work.
    state: Option<State>,
    told: Told,
    elsewhere: Elsewhere,
    /// By watch and path.
    seen: BTreeMap<(String, PathBuf), Seen>,
    /// Executions whose file could not be moved, and until when it rests.
    unmoved: BTreeMap<String, Instant>,
}

/// A watched folder at one look.
#[derive(Clone, Copy)]
struct At<'a> {
    watch: &'a Watch,
    stop: &'a Stop,
    news: &'a dyn Fn(String),
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
    fn idle(&self) -> bool {
        !self.elsewhere.any() && self.seen.values().all(|seen| seen.rests.is_some())
    }

    /// Looks into every folder once, unless another process does. What was begun when it is asked to stop is left as
    /// after a kill.
    fn look(&mut self, project: &Project, stop: &Stop, news: &dyn Fn(String)) {
        let all = "watched folders";
        match self.look_with_state(project, stop, news) {
            Ok(()) => self.told.well(all),
            Err(failure) => self.told.failed(all, &failure, news),
        }
    }

    fn look_with_state(
        &mut self,
        project: &Project,
        stop: &Stop,
        news: &dyn Fn(String),
    ) -> Result<(), Failure> {
        // After a failure it is opened anew.
        let state = self.state.take();
        let Some(mut state) = state.map_or_else(|| project.state(), |s| Ok(Some(s)))? else { return Ok(()) };
        match Desk::sit(project, &state, "taking", stop)? {
            Some(mut desk) => {
                self.elsewhere.nobody();
                self.look_at_each(&mut desk, &mut state, news)?;
            }
            None => self.elsewhere.somebody(Instant::now())?,
        }
        self.state = Some(state);
        Ok(())
    }

    fn look_at_each(
        &mut self,
        desk: &mut Desk<'_>,
        state: &mut State,
        news: &dyn Fn(String),
    ) -> Result<(), Failure> {
        let (watches, stop) = (desk.project.watches(), desk.stop);
        for file in state.watched()? {
            if let Some(watch) = watches.iter().find(|w| w.name == file.claim.watch) {
                self.go_on(desk.project, state, At { watch, stop, news }, &file);
            }
        }
        for watch in watches {
            match self.take(desk, state, At { watch, stop, news }) {
                Ok(true) => self.told.well(&label(watch)),
                // Where a file rests, what was wrong with it still is.
                Ok(false) if self.rests(watch) => {}
                Ok(false) => self.told.well(&label(watch)),
                Err(failure) => self.told.failed(&label(watch), &failure, news),
            }
        }
        Ok(())
    }

    /// Does what is left to do for a file that an execution has.
    fn go_on(&mut self, project: &Project, state: &mut State, at: At<'_>, file: &Watched) {
        let rests = |until: &Instant| Instant::now() < *until;
        if at.stop.asked() || self.unmoved.get(&file.execution).is_some_and(rests) {
            return;
        }
        let of = format!("{}, {}", label(at.watch), file.claim.name);
        match go_on(project, state, at, file) {
            Ok(()) => {
                self.unmoved.remove(&file.execution);
                self.told.well(&of);
            }
            Err(_) if at.stop.asked() => {}
            Err(failure) => {
                self.unmoved.insert(file.execution.clone(), Instant::now() + RETRY);
                self.told.failed(&of, &failure, at.news);
            }
        }
    }

    /// Takes the files of a folder that are complete. Whether there were any.
    fn take(&mut self, desk: &mut Desk<'_>, state: &mut State, at: At<'_>) -> Result<bool, Failure> {
        let watch = at.watch;
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
            if at.stop.asked() {
                break;
            }
            match take_one(desk, state, at, (&file, &plan), &path, &name) {
                Ok(true) => drop(self.seen.remove(&key(watch, &path))),
                Ok(false) => self.again(watch, &path),
                Err(_) if at.stop.asked() => {}
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
