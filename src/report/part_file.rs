//! Files that appear only when they are complete. All that this room does with the file system is
//! in here.

use super::ReportError;
use crate::system::crash::{self, Disk};
use crate::system::once::{Failed, Once};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// A file that is written.
pub(super) type Output = BufWriter<Once<Disk>>;

/// A file that is read.
pub(super) type Input = File;

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<Input, ReportError> {
    File::open(path).map_err(|e| ReportError::new(path, e))
}

/// How many bytes a file has; 0 where that cannot be told.
pub(super) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |m| m.len())
}

/// A file under a temporary name beside its place; dropped unkept, it is removed.
pub(super) struct PartFile {
    path: PathBuf,
    temporary: PathBuf,
    failed: Failed,
    kept: bool,
}

impl PartFile {
    /// Opens the temporary file for writing.
    pub(super) fn create(path: &Path) -> Result<(Self, Output), ReportError> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = crash::write(&format!("create {name}"))
            .and_then(|()| File::create(&temporary))
            .map_err(|e| ReportError::new(path, e))?;
        let file = Once::new(Disk::new(file, format!("write {name}")));
        let part = Self { path: path.to_path_buf(), temporary, failed: file.failed(), kept: false };
        Ok((part, BufWriter::with_capacity(1 << 18, file)))
    }

    /// Where the file will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file in its place, over an older one; it is on the disk then. The writer must be flushed
    /// by then.
    pub(super) fn keep(mut self) -> Result<(), ReportError> {
        let name = self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let keep = || {
            if self.failed.is_so() {
                return Err(std::io::Error::other("it was not written whole"));
            }
            crash::write(&format!("sync {name}"))?;
            File::open(&self.temporary)?.sync_all()?;
            crash::write(&format!("rename {name}"))?;
            std::fs::rename(&self.temporary, &self.path)?;
            match self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        };
        keep().map_err(|e| ReportError::new(&self.path, e))?;
        crash::point(&format!("renamed {name}"));
        self.kept = true;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done where even this fails; the error that led here is the one to tell.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
