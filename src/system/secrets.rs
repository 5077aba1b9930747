//! Secrets: read by name where they are needed, and never shown.

use std::fmt;
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

/// Why there is no secret: its name, and where it was looked for.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no secret `{name}`")]
pub struct NoSecret {
    name: String,
    hint: String,
}

impl NoSecret {
    /// What to do.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl Secrets {
    /// The secrets of a project.
    pub fn of(root: &Path) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { folders: credentials.into_iter().chain([root.join(".sconn").join("secrets")]).collect() }
    }

    /// The secret of that name, without a line's end after it.
    ///
    /// # Errors
    /// Where there is none, or it is empty.
    pub fn get(&self, name: &str) -> Result<Secret, NoSecret> {
        let variable = format!("SCONN_SECRET_{name}");
        // A name is one word: it cannot lead out of the folder.
        let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let kept =
            || self.folders.iter().filter(|_| word).find_map(|f| std::fs::read_to_string(f.join(name)).ok());
        let text = std::env::var(&variable).ok().or_else(kept).unwrap_or_default();
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(NoSecret {
                name: name.to_owned(),
                hint: format!("set the variable {variable}, or put it into the file .sconn/secrets/{name}"),
            });
        }
        Ok(Secret::new(text))
    }
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
        assert!(secrets.get("../secrets/HOOK").is_err());
    }
}
