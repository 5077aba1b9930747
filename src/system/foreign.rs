//! Folders that others may write to. What lies there may become a link at any moment, also between a look and the
//! use of what was seen: so a file is opened once and by no link, and a folder is held open and not looked up again.

use super::crash;
use super::stop::stopped;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::fs::{fstat, linkat, mkdirat, openat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::{Component, Path};

/// Who may write to the folder that an input file lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Whoever hands the file in: it may be a link of theirs.
    Own,
    /// Others: it is a file, or not taken.
    Foreign,
}

impl Origin {
    /// Opens a file that lies there.
    ///
    /// # Errors
    /// As the file system says; as [`open`] where it is foreign.
    pub fn open(self, file: &Path) -> io::Result<File> {
        match self {
            Origin::Own => File::open(file),
            Origin::Foreign => open(file),
        }
    }
}

/// Opens a file to read it, and waits for nobody.
///
/// # Errors
/// As the file system says; `InvalidInput` where it is a link, a folder, a pipe or a device.
pub fn open(file: &Path) -> io::Result<File> {
    open_at(CWD, file)
}

fn open_at(folder: impl AsFd, name: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let no_file = || io::Error::new(ErrorKind::InvalidInput, "it is a link or a device, not a file");
    let file = File::from(openat(folder, name, flags, Mode::empty()).map_err(|e| match e {
        Errno::LOOP | Errno::NXIO => no_file(),
        other => other.into(),
    })?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// A folder that is held open: nobody can put another one in its place.
#[derive(Debug)]
pub struct Folder(File);

impl Folder {
    /// Opens a folder that only the project's own people can put somewhere else.
    ///
    /// # Errors
    /// As the file system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        File::open(folder).map(Self)
    }

    /// Opens a folder, or makes it. Others may write to the folder `within`: of what lies in there no part of the
    /// way may be a link, and the last part never.
    ///
    /// # Errors
    /// As the file system says; `InvalidInput` where there is a link.
    pub fn make(folder: &Path, within: &Path) -> io::Result<Self> {
        let base = if folder.starts_with(within) { within } else { folder.parent().unwrap_or(folder) };
        if !base.exists() {
            fs::create_dir_all(base)?;
        }
        let mut handle = File::open(base)?;
        let mut way = base.to_path_buf();
        for part in folder.strip_prefix(base).unwrap_or(Path::new("")).components() {
            way.push(part);
            if matches!(part, Component::Normal(_)) {
                match mkdirat(&handle, part.as_os_str(), Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(e) => return Err(e.into()),
                }
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            handle = match openat(&handle, part.as_os_str(), flags, Mode::empty()) {
                Ok(next) => File::from(next),
                Err(_) if kind(&handle, part.as_os_str()) == Some(FileType::Symlink) => {
                    let what = format!("{} is a link, not a folder", way.display());
                    return Err(io::Error::new(ErrorKind::InvalidInput, what));
                }
                Err(e) => return Err(e.into()),
            };
        }
        Ok(Self(handle))
    }

    /// Opens a file in it to read it, and waits for nobody.
    ///
    /// # Errors
    /// As [`open`].
    pub fn file(&self, name: &OsStr) -> io::Result<File> {
        open_at(&self.0, Path::new(name))
    }

    /// Whether there is a file of that name in it, and no link.
    pub fn has(&self, name: &OsStr) -> bool {
        kind(&self.0, name) == Some(FileType::RegularFile)
    }

    /// Writes a file in it. Whatever had the name goes: if it is a link, then not what it leads to.
    ///
    /// # Errors
    /// As the file system says.
    pub fn write(&self, name: &OsStr, text: &str) -> io::Result<()> {
        self.create(name, 0o666)?.write_all(text.as_bytes())
    }

    fn create(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(openat(&self.0, name, flags, Mode::from_raw_mode(mode))?))
    }

    /// Whether anything of that name is in it.
    ///
    /// # Errors
    /// As the file system says: what cannot be looked at may be there.
    pub fn holds(&self, name: &OsStr) -> io::Result<bool> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Gives what has a name in it another one, which nothing has.
    ///
    /// # Errors
    /// As the file system says.
    pub fn rename(&self, old: &OsStr, new: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.0, old, &self.0, new)?)
    }

    /// The same, where others may give something that name at any moment.
    ///
    /// # Errors
    /// As the file system says; `AlreadyExists` where something else has the name: it keeps it.
    pub fn rename_beside(&self, old: &OsStr, new: &OsStr) -> io::Result<()> {
        let whole = || -> io::Result<()> {
            crash::write("rename beside")?;
            Ok(renameat_with(&self.0, old, &self.0, new, RenameFlags::NOREPLACE)?)
        };
        match whole() {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => self.unlink_same(old, new),
            // Network file systems know no such renaming, and some no links either.
            Err(e) if [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].iter().any(|n| is(&e, *n)) => {
                match linkat(&self.0, old, &self.0, new, AtFlags::empty()) {
                    Ok(()) | Err(Errno::EXIST) => self.unlink_same(old, new),
                    Err(_) if self.holds(new)? => Err(ErrorKind::AlreadyExists.into()),
                    Err(_) => self.rename(old, new),
                }
            }
            done => done,
        }
    }

    /// Takes away one of two names, where one file has both.
    fn unlink_same(&self, old: &OsStr, new: &OsStr) -> io::Result<()> {
        crash::point("linked beside");
        let [one, other] = [old, new].map(|name| statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW));
        if !same(&one?, &other?) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(unlinkat(&self.0, old, AtFlags::empty())?)
    }

    /// Takes a file out of another folder into this one, on another disk too; it has moved once this comes back,
    /// power cut or not. What others give its old name meanwhile stays.
    ///
    /// # Errors
    /// As the file system says; `Interrupted` where `stop` says true.
    pub fn take(&self, name: &OsStr, from: &Folder, old: &OsStr, stop: &dyn Fn() -> bool) -> io::Result<()> {
        let moved = || -> io::Result<()> {
            crash::write("move to folder")?;
            Ok(renameat(&from.0, old, &self.0, name)?)
        };
        match moved() {
            Err(e) if is(&e, Errno::XDEV) => {
                let mut source = open_at(&from.0, Path::new(old))?;
                let mut half = name.to_owned();
                half.push(".part");
                let mut copy = self.create(&half, 0o600)?;
                copy_all(&mut source, &mut copy, stop).inspect_err(|_| {
                    // It begins anew the next time, whether or not this is gone.
                    let _ = unlinkat(&self.0, &half, AtFlags::empty());
                })?;
                copy.set_permissions(source.metadata()?.permissions())?;
                copy.sync_all()?;
                renameat(&self.0, &half, &self.0, name)?;
                self.0.sync_all()?;
                crash::point("moved to another disk");
                let (there, copied) = (statat(&from.0, old, AtFlags::SYMLINK_NOFOLLOW)?, fstat(&source)?);
                if same(&there, &copied) {
                    unlinkat(&from.0, old, AtFlags::empty())?;
                }
            }
            moved => moved?,
        }
        self.0.sync_all()?;
        from.0.sync_all()
    }
}

fn copy_all(from: &mut File, to: &mut File, stop: &dyn Fn() -> bool) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        if stop() {
            return Err(stopped());
        }
        crash::write("copy to another disk")?;
        to.write_all(&buffer[..n])?;
    }
}

/// Whether two looks were at one file.
fn same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

fn is(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number.raw_os_error())
}

/// What has that name in a folder, a link being one.
fn kind(folder: &File, name: &OsStr) -> Option<FileType> {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_opened_and_nothing_that_only_has_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").unwrap();
        symlink(at("file"), at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        rustix::fs::mkfifoat(CWD, at("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        assert!(open(&at("file")).is_ok());
        for other in ["link", "folder", "pipe"] {
            assert_eq!(open(&at(other)).unwrap_err().kind(), ErrorKind::InvalidInput, "{other}");
        }
        assert_eq!(open(&at("none")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(Origin::Own.open(&at("link")).is_ok() && Origin::Foreign.open(&at("link")).is_err());
    }

    #[test]
    fn a_folder_is_made_and_never_reached_by_a_link_of_others() {
        let dir = tempfile::tempdir().unwrap();
        let (inbox, elsewhere) = (dir.path().join("inbox"), dir.path().join("elsewhere"));
        fs::create_dir_all(elsewhere.join("deep")).unwrap();
        assert!(Folder::make(&inbox.join("deep/archive"), &inbox).is_ok());
        assert!(inbox.join("deep/archive").is_dir());
        symlink(&elsewhere, inbox.join("errors")).unwrap();
        symlink(&elsewhere, dir.path().join("own")).unwrap();
        for link in [inbox.join("errors"), inbox.join("errors/deep"), dir.path().join("own")] {
            let refused = Folder::make(&link, &inbox).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{}", link.display());
            assert!(refused.to_string().contains("is a link, not a folder"), "{refused}");
        }
        // Above the last part an own link may lead there.
        assert!(Folder::make(&dir.path().join("own/deep"), &inbox).is_ok());
    }

    #[test]
    fn what_is_written_never_goes_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (precious, why) = (dir.path().join("precious"), dir.path().join("why.txt"));
        fs::write(&precious, "kept").unwrap();
        symlink(&precious, &why).unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert!(!folder.has(OsStr::new("why.txt")));
        folder.write(OsStr::new("why.txt"), "because").unwrap();
        assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&why).unwrap(), "because");
        assert!(folder.has(OsStr::new("why.txt")));
    }

    #[test]
    fn a_file_is_renamed_beside_others_and_replaces_none() {
        let dir = tempfile::tempdir().unwrap();
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).ok();
        let folder = Folder::open(dir.path()).unwrap();
        for name in ["a", "b"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let [a, b, c] = ["a", "b", "c"].map(OsStr::new);
        assert_eq!(folder.rename_beside(a, b).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!((text("a").as_deref(), text("b").as_deref()), (Some("a"), Some("b")));
        folder.rename_beside(a, c).unwrap();
        assert_eq!((text("a"), text("c").as_deref()), (None, Some("a")));
        // Somebody died who had linked it and not yet taken the old name away.
        fs::hard_link(dir.path().join("c"), dir.path().join("a")).unwrap();
        folder.rename_beside(c, a).unwrap();
        assert_eq!((text("a").as_deref(), text("c")), (Some("a"), None));
    }

    #[test]
    fn a_file_moves_to_another_disk_too() {
        let from = tempfile::tempdir().unwrap();
        // Memory is a disk of its own where there is this one.
        let memory = Path::new("/dev/shm");
        let to = tempfile::tempdir_in(if memory.is_dir() { memory } else { from.path() }).unwrap();
        let (here, deep) = (from.path().join("a.csv"), to.path().join("deep/er"));
        fs::write(&here, "x").unwrap();
        let archive = Folder::make(&deep, to.path()).unwrap();
        let inbox = Folder::open(from.path()).unwrap();
        archive.take(OsStr::new("b.csv"), &inbox, OsStr::new("a.csv"), &|| false).unwrap();
        assert!(!here.exists());
        assert_eq!(fs::read_to_string(deep.join("b.csv")).unwrap(), "x");
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 1, "nothing half is left");
    }
}
