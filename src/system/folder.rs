//! The folder of one execution: what it keeps, and a scratch folder that goes when it ends.

mod input;
#[cfg(test)]
mod tests;

use input::same_file;
pub use input::{sha256, sha256_of};

use super::crash;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct FolderError {
    /// The file or folder.
    pub path: String,
    /// Why.
    pub cause: io::Error,
}

fn error(path: &Path, cause: io::Error) -> FolderError {
    FolderError { path: path.display().to_string(), cause }
}

/// What is kept of what an execution is asked: from then on it can be begun, or gone on with.
pub const FROZEN: &str = "frozen.json";
/// Is there until the queue knows of the execution: whoever makes it may die over it.
const NEW: &str = "new";
/// How long a folder may be there before it holds more than an empty `input/`.
const MAKING: Duration = Duration::from_secs(60);
/// The scratch folder within an execution's.
const WORK: &str = ".work";
/// The same while it is removed: what is half removed must not be taken for something to resume.
const ENDED: &str = ".ended";

/// Where an execution puts what it makes. Only one process at a time has a folder: the lock is the
/// operating system's, so it is gone with the process, however that ends.
#[derive(Debug)]
pub struct ExecutionFolder {
    root: PathBuf,
    work: PathBuf,
    /// In `work`, and this worker's alone: one that was only asleep must not write into another's tables.
    scratch: PathBuf,
    /// Holds the lock.
    _lock: File,
    /// Whether scratch files stay when this value goes: somebody else goes on with them.
    leave: AtomicBool,
}

impl ExecutionFolder {
    /// Makes the folder, with `input/` and an empty scratch folder in it. Scratch files that are there must be of an
    /// execution that has `ended`.
    ///
    /// # Errors
    /// Where it cannot be made or written to, or another process has it; `AlreadyExists` where an execution in it
    /// waits, or was interrupted.
    pub fn create(root: &Path, ended: &dyn Fn() -> bool) -> Result<Self, FolderError> {
        let input = root.join("input");
        make(&input).map_err(|e| error(&input, e))?;
        let mut folder = Self::lock(root)?;
        if folder.work.join(FROZEN).exists() && !ended() {
            folder.leave();
            return Err(error(root, io::ErrorKind::AlreadyExists.into()));
        }
        for old in [&folder.work, &root.join(ENDED)] {
            match fs::remove_dir_all(old) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(error(old, e)),
                _ => {}
            }
        }
        crash::write("create folder")
            .and_then(|()| fs::create_dir(&folder.work))
            .map_err(|e| error(&folder.work, e))?;
        folder.scratch = own_scratch(&folder.work)?;
        Ok(folder)
    }

    /// Takes over the folder of an execution that was interrupted, with its scratch files. They stay until
    /// it has ended: what only hinders a resume must not make it impossible.
    ///
    /// # Errors
    /// Where it is not there, or another process has it.
    pub fn reopen(root: &Path) -> Result<Self, FolderError> {
        let mut folder = Self::lock(root)?;
        folder.leave();
        if folder.work.is_dir() {
            folder.scratch = own_scratch(&folder.work)?;
        }
        Ok(folder)
    }

    fn lock(root: &Path) -> Result<Self, FolderError> {
        let lock = File::open(root).map_err(|e| error(root, e))?;
        lock.try_lock()
            .or_else(|e| match e {
                fs::TryLockError::WouldBlock if crash::no_lock() => Ok(()),
                other => Err(other),
            })
            .map_err(|e| match e {
                fs::TryLockError::WouldBlock => error(
                    root,
                    io::Error::new(io::ErrorKind::WouldBlock, "another process runs in this folder"),
                ),
                fs::TryLockError::Error(e) => error(root, e),
            })?;
        Ok(Self {
            work: root.join(WORK),
            scratch: root.join(WORK),
            root: root.to_path_buf(),
            _lock: lock,
            leave: AtomicBool::new(false),
        })
    }

    /// Leaves the scratch files where they are.
    pub fn leave(&self) {
        self.leave.store(true, Ordering::Relaxed);
    }

    /// The execution has ended: its scratch files go with this value.
    pub fn ended(&self) {
        self.leave.store(false, Ordering::Relaxed);
    }

    /// Writes a small file so that it is there whole or not at all, power cut or not.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn save(&self, name: &str, text: &str) -> Result<(), FolderError> {
        self.save_in(&self.work, name, text)
    }

    /// The same, among what stays when the execution ends.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn save_for_good(&self, name: &str, text: &str) -> Result<(), FolderError> {
        self.save_in(&self.root, name, text)
    }

    fn save_in(&self, folder: &Path, name: &str, text: &str) -> Result<(), FolderError> {
        let path = folder.join(name);
        let new = self.scratch.join(format!("{name}.new"));
        let save = || {
            crash::write(&format!("create {name}"))?;
            let mut file = File::create(&new)?;
            crash::write(&format!("write {name}"))?;
            file.write_all(text.as_bytes())?;
            crash::write(&format!("sync {name}"))?;
            file.sync_all()?;
            crash::write(&format!("rename {name}"))?;
            fs::rename(&new, &path)?;
            crash::point(&format!("renamed {name}"));
            File::open(folder)?.sync_all()
        };
        save().map_err(|e| error(&path, e))
    }

    /// The text that [`Self::save_for_good`] wrote; none where there is none that can be read.
    pub fn saved_for_good(root: &Path, name: &str) -> Option<String> {
        fs::read_to_string(root.join(name)).ok()
    }

    /// The text that [`Self::save`] wrote; none where there is none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn saved(root: &Path, name: &str) -> Result<Option<String>, FolderError> {
        let path = root.join(WORK).join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(error(&path, e)),
        }
    }

    /// Whether somebody has its lock.
    pub fn busy(root: &Path) -> bool {
        match Self::lock(root) {
            Ok(folder) => {
                folder.leave();
                false
            }
            Err(e) => e.cause.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Whether it has scratch files: its execution runs, or was interrupted.
    pub fn unfinished(root: &Path) -> bool {
        root.join(WORK).is_dir()
    }

    /// Removes the scratch files that the last process of an execution left, which has ended; where one is still at
    /// it, that one does. They may be another execution's by now: `its` is asked once nobody else can come.
    pub fn sweep(root: &Path, its: &dyn Fn() -> bool) {
        if [WORK, ENDED].iter().any(|scratch| root.join(scratch).is_dir())
            && let Ok(folder) = Self::lock(root)
        {
            folder.leave();
            // What stays of it is no more than rubbish.
            let _ = fs::remove_dir_all(root.join(ENDED));
            if its() {
                folder.ended();
            }
        }
    }

    /// Whether the queue does not know, or did not when whoever made it died, of the execution that is kept in it.
    pub fn is_unknown(root: &Path) -> bool {
        root.join(WORK).join(NEW).exists()
    }

    /// Whether what is called like our scratch folder is somebody else's.
    pub fn others_work(root: &Path) -> bool {
        let work = root.join(WORK);
        let ours = |name: &str| name == NEW || name.parse::<u32>().is_ok();
        let mut names = fs::read_dir(&work).into_iter().flatten().flatten().map(|e| e.file_name());
        !work.join(FROZEN).exists() && names.any(|name| !ours(&name.to_string_lossy()))
    }

    /// Nobody knows of the execution yet: should this process die, nothing is left of it.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn unknown(&self) -> Result<(), FolderError> {
        let new = self.work.join(NEW);
        File::create(&new).map(drop).map_err(|e| error(&new, e))
    }

    /// The queue knows of the execution.
    pub fn known(&self) {
        // Where this fails it stays known all the same: the queue is asked, too.
        let _ = fs::remove_file(self.work.join(NEW));
    }

    /// The folder, where a process died over it before it had kept what is asked, or before the queue knew of it:
    /// nobody was promised anything.
    pub fn unborn(root: &Path) -> Option<Self> {
        let work = root.join(WORK);
        let unborn = || match work.is_dir() {
            true => !work.join(FROZEN).exists() || work.join(NEW).exists(),
            false => is_bare(root),
        };
        if !unborn() {
            return None;
        }
        let folder = Self::lock(root).ok()?;
        folder.leave();
        // It may have come further while the lock was asked for.
        unborn().then_some(folder)
    }

    /// Brings the folder to the disk, with what is in `input/`: from then on an execution can be promised.
    ///
    /// # Errors
    /// As the file system says.
    pub fn sync(&self) -> Result<(), FolderError> {
        let input = self.root.join("input");
        let entries = fs::read_dir(&input).map_err(|e| error(&input, e))?;
        for entry in entries {
            sync(&entry.map_err(|e| error(&input, e))?.path())?;
        }
        // Of a folder that is named alone, it is the current one.
        let parent = self.root.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p });
        [Some(input.as_path()), Some(&self.root), parent].into_iter().flatten().try_for_each(sync)
    }

    /// Removes what an earlier run into this folder left, which must not pass for this one's; an
    /// input file stays, whatever its name is.
    ///
    /// # Errors
    /// Where a file cannot be removed.
    pub fn forget_earlier(&self, artefacts: &[&str], inputs: &[&Path]) -> Result<(), FolderError> {
        for artefact in artefacts {
            let old = self.root.join(artefact);
            if inputs.iter().any(|input| same_file(input, &old)) {
                continue;
            }
            match fs::remove_file(&old) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(error(&old, e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What workers leave to those after them; the folder is removed when this value is dropped.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Scratch files of this worker go here.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// Removes the scratch files of earlier workers: nobody goes on with them.
    pub fn forget_scratch(&self) {
        for entry in fs::read_dir(&self.work).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && path != self.scratch {
                // They only take room, and go with the folder at the latest.
                let _ = fs::remove_dir_all(path);
            }
        }
    }

    /// Takes a finished scratch file into the folder, under a name of its own.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn keep(&self, scratch: &Path, name: &str) -> Result<PathBuf, FolderError> {
        let to = self.file(name);
        let keep = || {
            crash::write(&format!("keep {name}"))?;
            File::open(scratch)?.sync_all()?;
            fs::rename(scratch, &to)?;
            File::open(&self.root)?.sync_all()
        };
        keep().map_err(|e| error(&to, e))?;
        Ok(to)
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

impl Drop for ExecutionFolder {
    fn drop(&mut self) {
        // What is our mistake must not keep it from being gone on with.
        if !self.leave.load(Ordering::Relaxed) && !std::thread::panicking() {
            let ended = self.root.join(ENDED);
            let _ = fs::rename(&self.work, &ended);
            crash::point("scratch ended");
            // Nothing can be done where even this fails: the next run into the folder tries again.
            let _ = fs::remove_dir_all(&ended);
            remove_parts(&self.root);
        }
    }
}

/// Whether nothing but an empty `input/` is in a folder, and that for a while: whoever makes one has its lock a moment
/// later.
fn is_bare(root: &Path) -> bool {
    let made = fs::metadata(root).and_then(|m| m.modified());
    let left = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > MAKING));
    let mut names = fs::read_dir(root).into_iter().flatten().flatten().map(|e| e.file_name());
    left && names.all(|n| n == "input") && fs::read_dir(root.join("input")).into_iter().flatten().count() == 0
}

/// Removes the files that processes were writing when they died: `.NAME.PID.part`.
fn remove_parts(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix('.').and_then(|n| n.strip_suffix(".part")?.rsplit_once('.'));
        if pid.is_some_and(|(_, pid)| pid.parse::<u32>().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The first free number is this worker's.
fn own_scratch(work: &Path) -> Result<PathBuf, FolderError> {
    for number in 1u32.. {
        let own = work.join(number.to_string());
        match fs::create_dir(&own) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| own.clone()).map_err(|e| error(&own, e)),
        }
    }
    unreachable!("there are more numbers than workers")
}

/// Makes a folder, and those above it that are missing. A new `.sconn` is its owner's alone: in it are secrets, and all
/// that was ever loaded. One that is there stays as it is: somebody may have opened it to a group.
///
/// # Errors
/// As the file system says.
pub fn make(folder: &Path) -> io::Result<()> {
    let private = folder.ancestors().find(|f| f.file_name() == Some(OsStr::new(".sconn")));
    if let Some(private) = private.filter(|f| !f.exists()) {
        if let Some(above) = private.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(above)?;
        }
        match DirBuilder::new().mode(0o700).create(private) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
    }
    fs::create_dir_all(folder)
}

/// Makes an empty file where there is none, with the rights that its folder gives, as far as the process's umask lets
/// it: a database makes its other files with the same rights, and whoever may work in the folder is to have them all.
///
/// # Errors
/// As the file system says.
pub fn make_file(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.exists() {
        return Ok(());
    }
    let rights = fs::metadata(folder)?.permissions().mode() & 0o666;
    let new = tempfile::Builder::new().permissions(Permissions::from_mode(rights)).tempfile_in(folder)?;
    // Closed before it has its name: to close a database's file gives up the locks that others here have on it.
    match new.into_temp_path().persist_noclobber(file) {
        Err(e) if e.error.kind() != io::ErrorKind::AlreadyExists => Err(e.error),
        _ => Ok(()),
    }
}

/// Whether this process may write to a file.
pub fn may_write(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Whether the process of that number is at work in an execution's folder: it has it open, for the lock. Another
/// program may have the number by now. Only Linux can tell; elsewhere none is.
pub fn at_work_in(pid: u32, root: &Path) -> bool {
    // Who has no locks shares its folders with other machines, whose processes it does not see.
    if crash::no_lock() {
        return false;
    }
    let open = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"));
    let Ok(root) = root.canonicalize() else { return false };
    open.into_iter().flatten().flatten().any(|file| fs::read_link(file.path()).is_ok_and(|to| to == root))
}

/// Brings a file's bytes to the disk.
///
/// # Errors
/// As the file system says.
pub fn sync(file: &Path) -> Result<(), FolderError> {
    File::open(file).and_then(|f| f.sync_all()).map_err(|e| error(file, e))
}
