//! The copies of its input that an execution keeps.

use super::{ExecutionFolder, FolderError, error};
use crate::system::crash;
use crate::system::foreign::Origin;
use crate::system::stop::stopped;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

impl ExecutionFolder {
    /// Keeps a copy of an input file in `input/`, under its own name; gives the copy's path and the
    /// SHA-256 of its bytes. Two files of one name are kept apart by a number. The copy is there whole or
    /// not at all. The file is opened once: what is compared is what is copied.
    ///
    /// # Errors
    /// Where the file cannot be read or the copy not written; `Interrupted` where `stop` says true.
    pub fn keep_input(
        &self,
        file: &Path,
        origin: Origin,
        stop: &dyn Fn() -> bool,
    ) -> Result<(PathBuf, String), FolderError> {
        let unread = |e: io::Error| error(file, e);
        let mut from = origin.open(file).map_err(unread)?;
        let size = from.metadata().map_err(unread)?.len();
        let folder = self.root.join("input");
        let name = file.file_name().map_or_else(|| "input".into(), |n| n.to_string_lossy().into_owned());
        let mut to = folder.join(&name);
        let (mut own, mut n) = (None, 2);
        while let Ok(there) = fs::metadata(&to) {
            // A copy that an earlier run into this folder made of the same file will do.
            if there.len() == size {
                let known = match own.take() {
                    Some(known) => known,
                    None => sha256_of(&from, stop).map_err(unread)?,
                };
                let itself = origin == Origin::Own && same_file(file, &to);
                let copy = || File::open(&to).and_then(|there| sha256_of(&there, stop));
                if itself || copy().is_ok_and(|there| there == known) {
                    return Ok((to, known));
                }
                own = Some(known);
            }
            if stop() {
                return Err(unread(stopped()));
            }
            to = folder.join(format!("{n}-{name}"));
            n += 1;
        }
        if own.is_some() {
            from.rewind().map_err(unread)?;
        }
        let part = self.scratch.join("input.part");
        let failed = |e: io::Error| error(&to, e);
        let made = crash::write("create input copy").and_then(|()| File::create(&part)).map_err(failed)?;
        let mut out = crash::Disk::new(made, "write input copy".into());
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n = from.read(&mut buffer).map_err(|e| error(file, e))?;
            if n == 0 {
                break;
            }
            if stop() {
                return Err(error(file, stopped()));
            }
            digest.update(&buffer[..n]);
            out.write_all(&buffer[..n]).map_err(failed)?;
        }
        let kept = || {
            crash::write("sync input copy")?;
            File::open(&part)?.sync_all()?;
            crash::write("rename input copy")?;
            fs::rename(&part, &to)?;
            File::open(&folder)?.sync_all()
        };
        kept().map_err(failed)?;
        crash::point("input kept");
        Ok((to, hex(&digest.finalize())))
    }
}

/// The SHA-256 of a file's bytes, in hexadecimal.
///
/// # Errors
/// Where it cannot be read.
pub fn sha256(file: &Path) -> Result<String, FolderError> {
    File::open(file).and_then(|f| sha256_of(&f, &|| false)).map_err(|e| error(file, e))
}

pub(super) fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The same of a file that is open.
///
/// # Errors
/// Where it cannot be read; `Interrupted` where `stop` says true.
pub fn sha256_of(file: &File, stop: &dyn Fn() -> bool) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&digest.finalize()));
        }
        if stop() {
            return Err(stopped());
        }
        digest.update(&buffer[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_is_kept_once_and_apart_from_another_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let folder = ExecutionFolder::create(&dir.path().join("e"), &|| true).unwrap();
        let given = |name: &str, text: &str| {
            let file = dir.path().join(name).join("a.csv");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            folder.keep_input(&file, Origin::Foreign, &|| false).unwrap()
        };
        let (first, hash) = given("one", "x\n1\n");
        assert_eq!((fs::read_to_string(&first).unwrap().as_str(), hash.len()), ("x\n1\n", 64));
        assert_eq!(given("two", "x\n1\n"), (first.clone(), hash.clone()));
        let (other, own) = given("three", "x\n2\n");
        assert_eq!(fs::read_to_string(&other).unwrap(), "x\n2\n");
        assert!(other != first && own != hash);
        assert_eq!(folder.keep_input(&first, Origin::Own, &|| false).unwrap(), (first, hash));
        let link = dir.path().join("link.csv");
        std::os::unix::fs::symlink(dir.path().join("one/a.csv"), &link).unwrap();
        assert!(folder.keep_input(&link, Origin::Foreign, &|| false).is_err());
        assert!(folder.keep_input(&link, Origin::Own, &|| false).is_ok());
    }
}
