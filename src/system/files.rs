//! Reading source files: from the disk, or from memory in tests and editors.

use std::collections::BTreeMap;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Where source texts come from.
pub trait Files {
    /// The text of a file; must be UTF-8.
    ///
    /// # Errors
    /// As the file system says; `InvalidData` where it is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// The text of a file that a source names.
    ///
    /// # Errors
    /// The same; [`Forbidden`] within, where a source may not name it.
    fn read_named(&self, path: &Path) -> io::Result<String> {
        self.read(path)
    }
}

/// That a source may not name a file, whatever is in it: messages quote from what they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Forbidden {
    /// Why.
    pub why: &'static str,
    /// What to do.
    pub mend: &'static str,
}

/// A `use` of what is none of our files.
pub const NO_SOURCE: Forbidden = Forbidden {
    why: "it does not end in .sconn",
    mend: "`use` brings in files of the language, which end in .sconn; data is named by `sample`",
};
const OUTSIDE: Forbidden = Forbidden {
    why: "it lies outside of the project",
    mend: "copy it into the project: below the folder of sconn.toml",
};
const OURS: Forbidden = Forbidden {
    why: "it lies in .sconn, where sconn keeps what is its own",
    mend: "copy it to a place beside the connector",
};

impl Forbidden {
    /// What is forbidden, where that is what an error says.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// The disk, for the sources of one project.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    root: Option<PathBuf>,
}

impl Disk {
    /// Of the project with this root; without one a source may name files anywhere.
    pub fn of(root: Option<PathBuf>) -> Self {
        Self { root }
    }

    /// Where a file really lies that a source names.
    ///
    /// # Errors
    /// As the file system says; [`Forbidden`] within, where it lies outside of the project or in `.sconn`.
    pub fn allowed(&self, path: &Path) -> io::Result<PathBuf> {
        let Some(root) = &self.root else { return path.canonicalize() };
        let judge = |root: &Path, path: &Path| match path.strip_prefix(root) {
            Err(_) => Err(io::Error::other(OUTSIDE)),
            Ok(within) if within.starts_with(".sconn") => Err(io::Error::other(OURS)),
            Ok(_) => Ok(()),
        };
        let Ok(real) = path.canonicalize() else {
            // Whether something is there is nobody's business either.
            judge(&normal(&std::path::absolute(root)?), &normal(&std::path::absolute(path)?))?;
            return path.canonicalize();
        };
        judge(&root.canonicalize()?, &real)?;
        Ok(real)
    }
}

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<String> {
        let text = std::fs::read_to_string(path)?;
        // Of UTF-16 each second byte is often zero, which UTF-8 allows and no source has.
        if text.contains('\0') { Err(io::ErrorKind::InvalidData.into()) } else { Ok(text) }
    }

    fn read_named(&self, path: &Path) -> io::Result<String> {
        let real = self.allowed(path)?;
        if !is_source(&real) {
            return Err(io::Error::other(NO_SOURCE));
        }
        self.read(&real)
    }
}

/// Whether a path is one of a file of the language.
pub fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "sconn")
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub BTreeMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0
            .get(&normal(path))
            .cloned()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }
}

/// The path without `.` and `a/..`, by its text alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_source_names_files_of_its_project_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir_all(root.join(".sconn/secrets")).unwrap();
        fs::create_dir_all(root.join("sub")).unwrap();
        for file in ["crm.sconn", "data.csv", ".sconn/secrets/TOK", ".sconn/own.sconn"] {
            fs::write(root.join(file), file).unwrap();
        }
        fs::write(dir.path().join("other.sconn"), "").unwrap();
        symlink(dir.path().join("other.sconn"), root.join("out.sconn")).unwrap();
        symlink(root.join(".sconn/secrets/TOK"), root.join("tok.sconn")).unwrap();
        symlink(root.join("data.csv"), root.join("data.sconn")).unwrap();
        symlink(root.join("crm.sconn"), root.join("same.sconn")).unwrap();
        let disk = Disk::of(Some(root.clone()));
        let told = |path: &str| {
            let error = disk.read_named(&root.join(path)).unwrap_err();
            Forbidden::of(&error).ok_or(error.kind())
        };
        assert_eq!(disk.read_named(&root.join("sub/../crm.sconn")).unwrap(), "crm.sconn");
        assert_eq!(disk.read_named(&root.join("same.sconn")).unwrap(), "crm.sconn");
        for outside in ["../other.sconn", "out.sconn", "../none.sconn", "/etc/passwd", "/etc/none"] {
            assert_eq!(told(outside), Ok(OUTSIDE), "{outside}");
        }
        for ours in [".sconn/secrets/TOK", "tok.sconn", ".sconn/own.sconn", "sub/../.sconn/none"] {
            assert_eq!(told(ours), Ok(OURS), "{ours}");
        }
        for data in ["data.csv", "data.sconn"] {
            assert_eq!(told(data), Ok(NO_SOURCE), "{data}");
        }
        assert_eq!(told("none.sconn"), Err(io::ErrorKind::NotFound));
        assert!(disk.allowed(&root.join("data.csv")).is_ok());
        let alone = Disk::default();
        assert!(alone.read_named(&dir.path().join("other.sconn")).is_ok());
        assert!(alone.read_named(&root.join("data.csv")).is_err());
    }
}
