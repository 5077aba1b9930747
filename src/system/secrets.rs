//! Secrets: read by name where they are needed, and never shown.

use std::env::VarError;
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A text that nobody gets to see: printing it gives `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a text a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where secrets are found, by name: the environment (`SCONN_SECRET_NAME`), systemd's credentials
/// (`$CREDENTIALS_DIRECTORY/NAME`), the folder `.sconn/secrets` of the project, in this order.
#[derive(Clone, Debug)]
pub struct Secrets {
    folders: Vec<PathBuf>,
}

/// Why a secret cannot be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unusable {
    what: String,
    hint: String,
    missing: bool,
}

impl Unusable {
    /// What is wrong with a secret that there is.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into(), missing: false }
    }

    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Whether there is none, and nothing worse.
    pub fn is_missing(&self) -> bool {
        self.missing
    }
}

impl Secrets {
    /// The secrets of a project.
    pub fn of(root: &Path) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { folders: credentials.into_iter().chain([own(root)]).collect() }
    }

    /// The secret of that name, without a line's end after it.
    ///
    /// # Errors
    /// Where there is none, it is empty, or what there is cannot be read as text.
    pub fn get(&self, name: &str) -> Result<Secret, Unusable> {
        let variable = format!("SCONN_SECRET_{name}");
        let text = match std::env::var(&variable) {
            Ok(text) => text,
            Err(VarError::NotPresent) => self.kept(name)?.unwrap_or_default(),
            Err(VarError::NotUnicode(_)) => {
                let what =
                    format!("the secret `{name}` cannot be read: the variable {variable} is not UTF-8 text");
                return Err(Unusable::new(what, "set it to a text, such as Base64"));
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            let hint = format!("set the variable {variable}, or put it into the file .sconn/secrets/{name}");
            return Err(Unusable {
                missing: true,
                ..Unusable::new(format!("there is no secret `{name}`"), hint)
            });
        }
        Ok(Secret::new(text))
    }

    /// What the first file says that there is.
    fn kept(&self, name: &str) -> Result<Option<String>, Unusable> {
        // A name is one word: it cannot lead out of the folder.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Ok(None);
        }
        for file in self.folders.iter().map(|folder| folder.join(name)) {
            let why = match std::fs::read_to_string(&file) {
                Ok(text) => return Ok(Some(text)),
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) if e.kind() == ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
                Err(e) if e.kind() == ErrorKind::PermissionDenied => "permission denied".to_owned(),
                Err(e) => e.to_string(),
            };
            let what = format!("the secret `{name}` cannot be read: {}: {why}", file.display());
            let hint = "it is a file of text that whoever runs this may read";
            return Err(Unusable::new(what, hint));
        }
        Ok(None)
    }
}

/// The project's own folder of secrets.
fn own(root: &Path) -> PathBuf {
    root.join(".sconn").join("secrets")
}

/// That others on this machine can read secrets of a project's own folder, and which: one notice for all.
pub fn exposed(root: &Path) -> Option<String> {
    let folder = own(root);
    let folders = modes(&folder)? & modes(folder.parent()?)?;
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .ok()?
        .flatten()
        .filter(|file| modes(&file.path()).is_some_and(|mode| readable(folders, mode)))
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    (!names.is_empty()).then(|| {
        let shown = folder.display();
        format!("other users can read the secrets in {shown}: {}; chmod 600 {shown}/*", names.join(", "))
    })
}

/// Whether the group or all others come through folders, and may read the file there.
fn readable(folders: u32, file: u32) -> bool {
    [(0o010, 0o040), (0o001, 0o004)].iter().any(|(enter, read)| folders & enter != 0 && file & read != 0)
}

fn modes(path: &Path) -> Option<u32> {
    Some(std::fs::metadata(path).ok()?.permissions().mode())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_its_file_and_never_shown() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join(".sconn/secrets");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("HOOK"), "s3cret\n").unwrap();
        let secrets = Secrets::of(project.path());
        let found = secrets.get("HOOK").unwrap();
        assert_eq!(found.reveal(), "s3cret");
        assert_eq!(format!("{found} {found:?}"), "*** ***");
        let missing = secrets.get("OTHER").unwrap_err();
        assert!(missing.hint().contains("SCONN_SECRET_OTHER"), "{}", missing.hint());
        assert!(missing.is_missing());
        assert!(secrets.get("../secrets/HOOK").is_err());
    }

    #[test]
    fn what_is_wrong_with_a_secret_that_there_is_is_told() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join(".sconn/secrets");
        std::fs::create_dir_all(folder.join("FOLDER")).unwrap();
        std::fs::write(folder.join("LATIN"), b"gr\xfc\xdfe").unwrap();
        let secrets = Secrets::of(project.path());
        for (name, why) in [("LATIN", "LATIN: it is not UTF-8 text"), ("FOLDER", "directory")] {
            let told = secrets.get(name).unwrap_err();
            assert!(told.to_string().contains(why) && !told.is_missing(), "{told}");
        }
    }

    #[test]
    fn secrets_that_others_can_read_are_told() {
        let project = tempfile::tempdir().unwrap();
        let (sconn, folder) = (project.path().join(".sconn"), project.path().join(".sconn/secrets"));
        assert_eq!(exposed(project.path()), None);
        std::fs::create_dir_all(&folder).unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for name in ["A", "B", "C"] {
            std::fs::write(folder.join(name), "x").unwrap();
        }
        mode(&sconn, 0o755);
        mode(&folder, 0o755);
        mode(&folder.join("A"), 0o644);
        mode(&folder.join("B"), 0o640);
        mode(&folder.join("C"), 0o600);
        let told = exposed(project.path()).unwrap();
        assert!(told.contains("secrets: A, B; chmod 600 "), "{told}");
        mode(&sconn, 0o700);
        assert_eq!(exposed(project.path()), None, "nobody else comes there");
    }
}
