//! Watched folders, as `sconn.toml` tells of them.

use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// ```toml
/// [watch.prices]
/// connector = "vendor_prices"
/// folder    = "inbox/prices"
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WatchSetting {
    connector: String,
    folder: Spanned<PathBuf>,
    pattern: Option<String>,
    archive: Option<PathBuf>,
    errors: Option<PathBuf>,
    #[serde(default = "settle")]
    settle: String,
    #[serde(default = "live")]
    live: bool,
    target: Option<String>,
}

fn settle() -> String {
    "5s".into()
}

fn live() -> bool {
    true
}

/// A watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Its name.
    pub name: String,
    /// The connector's API name, or its file from the project's root.
    pub connector: String,
    /// The folder.
    pub folder: PathBuf,
    /// Which files are taken; every complete one where nothing is said.
    pub pattern: Option<String>,
    /// Where files go that an execution has.
    pub archive: PathBuf,
    /// Where files go that could not be loaded.
    pub errors: PathBuf,
    /// How long a file must have stayed as it is.
    pub settle: Duration,
    /// Whether records are written.
    pub live: bool,
    /// The target's name; the connector's own where nothing is said.
    pub target: Option<String>,
}

/// Endings of files that another program is still writing.
const UNFINISHED: [&str; 3] = [".part", ".tmp", ".crdownload"];

impl Watch {
    /// Whether a file of that name is taken.
    pub fn takes(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        if name.starts_with('.') || UNFINISHED.iter().any(|end| name.ends_with(end)) {
            return false;
        }
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        self.pattern.as_ref().is_none_or(|p| like(&letters(&p.to_lowercase()), &letters(&name)))
    }
}

/// Whether a text is like a pattern: `*` is any text, `?` one character.
fn like(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        (['*', rest @ ..], _) => {
            like(rest, text) || text.split_first().is_some_and(|(_, shorter)| like(pattern, shorter))
        }
        (['?', rest @ ..], [_, shorter @ ..]) => like(rest, shorter),
        ([p, rest @ ..], [t, shorter @ ..]) => p == t && like(rest, shorter),
        _ => false,
    }
}

/// What is wrong with a watch, and the byte of `sconn.toml` where that stands, if it stands somewhere.
pub(super) type Wrong = (Option<usize>, String);

/// The watches of a project, or what is wrong with one.
pub(super) fn watches(root: &Path, settings: BTreeMap<String, WatchSetting>) -> Result<Vec<Watch>, Wrong> {
    let mut all: Vec<Watch> = Vec::new();
    // In the order of the file: of two sections on one folder the second is the one too many.
    let mut settings: Vec<_> = settings.into_iter().collect();
    settings.sort_by_key(|(_, s)| s.folder.span().start);
    for (name, s) in settings {
        let (at, folder) = (s.folder.span().start, root.join(s.folder.get_ref()));
        if let Some(other) = all.iter().find(|w| same(&w.folder, &folder)) {
            let what = format!("watch.{name}: this folder is watched already, by watch.{}", other.name);
            return Err((Some(at), what));
        }
        if same(&folder, root) || inside(&folder, &root.join(".sconn")) {
            let what = format!(
                "watch.{name}: what is in this folder is the project's own, and would be taken as input; give what comes \
                 in a folder to itself: folder = \"inbox\""
            );
            return Err((Some(at), what));
        }
        let place = |setting: Option<PathBuf>, own: &str| match setting {
            Some(path) => root.join(path),
            None => folder.join(own),
        };
        let (archive, errors) = (place(s.archive, "archive"), place(s.errors, "errors"));
        if let Some(place) = [&archive, &errors].into_iter().find(|p| **p == folder) {
            let what = format!("watch.{name}: {} cannot take what it is watched for", place.display());
            return Err((None, what));
        }
        let settle: Option<SignedDuration> = s.settle.parse().ok();
        let Some(settle) = settle.and_then(|d| Duration::try_from(d).ok()) else {
            let what =
                format!("watch.{name}: `settle` is a length of time, as in \"5s\", not {:?}", s.settle);
            return Err((None, what));
        };
        all.push(Watch {
            name,
            connector: s.connector,
            folder,
            pattern: s.pattern,
            archive,
            errors,
            settle,
            live: s.live,
            target: s.target,
        });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// A path as it is told apart from others, however it is written.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.components().collect())
}

/// Whether two paths are one folder.
fn same(a: &Path, b: &Path) -> bool {
    real(a) == real(b)
}

/// Whether a folder is another one, or lies in it.
fn inside(folder: &Path, other: &Path) -> bool {
    real(folder).starts_with(real(other))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn watch(text: &str) -> Result<Watch, String> {
        let settings = BTreeMap::from([("prices".to_owned(), toml::from_str(text).unwrap())]);
        watches(Path::new("/p"), settings).map(|mut all| all.remove(0)).map_err(|(_, what)| what)
    }

    #[test]
    fn a_watch_has_defaults() {
        let w = watch("connector = \"shop\"\nfolder = \"in\"").unwrap();
        assert_eq!((w.archive, w.errors), ("/p/in/archive".into(), "/p/in/errors".into()));
        assert_eq!((w.settle, w.live), (Duration::from_secs(5), true));
        let w = watch("connector = \"shop\"\nfolder = \"in\"\narchive = \"/a\"\nsettle = \"500ms\"").unwrap();
        assert_eq!((w.archive, w.settle), ("/a".into(), Duration::from_millis(500)));
        let told = watch("connector = \"shop\"\nfolder = \"in\"\nerrors = \"in\"").unwrap_err();
        assert!(told.contains("watch.prices"), "{told}");
    }

    #[test]
    fn a_pattern_says_which_files_are_taken() {
        let with = |pattern: &str| {
            watch(&format!("connector = \"s\"\nfolder = \"i\"\npattern = \"{pattern}\"")).unwrap()
        };
        for (pattern, name, takes) in [
            ("*.csv", "a.csv", true),
            ("*.csv", "A.CSV", true),
            ("*.csv", "a.csv.part", false),
            ("*.csv", ".a.csv", false),
            ("*.csv", "acsv", false),
            ("p?-*.xlsx", "p1-2024-x.xlsx", true),
            ("p?-*.xlsx", "p-2024.xlsx", false),
            ("*", "a.crdownload", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
        ] {
            assert_eq!(with(pattern).takes(name), takes, "{pattern} {name}");
        }
        assert!(watch("connector = \"s\"\nfolder = \"i\"").unwrap().takes("anything"));
    }
}
