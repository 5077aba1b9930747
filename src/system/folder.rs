//! The folder of one execution: what it keeps, and a scratch folder that goes when it ends.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

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

/// Where an execution puts what it makes.
#[derive(Debug)]
pub struct ExecutionFolder {
    root: PathBuf,
    /// A folder of its own, with a name that nobody else uses; it goes with this value.
    work: TempDir,
}

impl ExecutionFolder {
    /// Makes the folder, with `input/` and a scratch folder in it.
    ///
    /// # Errors
    /// Where it cannot be made or written to.
    pub fn create(root: &Path) -> Result<Self, FolderError> {
        let input = root.join("input");
        fs::create_dir_all(&input).map_err(|e| error(&input, e))?;
        let work = tempfile::Builder::new().prefix(".work-").tempdir_in(root).map_err(|e| error(root, e))?;
        Ok(Self { root: root.to_path_buf(), work })
    }

    /// Removes what an earlier run into this folder left, which must not pass for this one's; an
    /// input file stays, whatever its name is.
    ///
    /// # Errors
    /// Where a file cannot be removed.
    pub fn forget_earlier(&self, artefacts: &[&str], inputs: &[PathBuf]) -> Result<(), FolderError> {
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

    /// Scratch files go here; the folder is removed when this value is dropped.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    /// Takes a finished scratch file into the folder, under a name of its own.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn keep(&self, scratch: &Path, name: &str) -> Result<PathBuf, FolderError> {
        let to = self.file(name);
        fs::rename(scratch, &to).map_err(|e| error(&to, e))?;
        Ok(to)
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Keeps a copy of an input file in `input/`, under its own name; gives the copy's path and the
    /// SHA-256 of its bytes. Two files of one name are kept apart by a number.
    ///
    /// # Errors
    /// Where the file cannot be read or the copy not written.
    pub fn keep_input(&self, file: &Path) -> Result<(PathBuf, String), FolderError> {
        let folder = self.root.join("input");
        let name = file.file_name().map_or_else(|| "input".into(), |n| n.to_string_lossy().into_owned());
        let mut to = folder.join(&name);
        let mut n = 2;
        // A copy that an earlier run into this folder made of the same file will do.
        while to.exists() && !same_file(file, &to) && !same_bytes(file, &to) {
            to = folder.join(format!("{n}-{name}"));
            n += 1;
        }
        if to.exists() {
            let hash = hash(file).map_err(|e| error(file, e))?;
            return Ok((to, hash));
        }
        let mut from = File::open(file).map_err(|e| error(file, e))?;
        let mut out = File::create(&to).map_err(|e| error(&to, e))?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n = from.read(&mut buffer).map_err(|e| error(file, e))?;
            if n == 0 {
                break;
            }
            digest.update(&buffer[..n]);
            out.write_all(&buffer[..n]).map_err(|e| error(&to, e))?;
        }
        Ok((to, hex(&digest.finalize())))
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn same_bytes(a: &Path, b: &Path) -> bool {
    let size = |p: &Path| fs::metadata(p).map(|m| m.len()).ok();
    size(a).is_some() && size(a) == size(b) && matches!((hash(a), hash(b)), (Ok(a), Ok(b)) if a == b)
}

fn hash(file: &Path) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(file)?);
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
