//! Watched folders, as `sconn.toml` tells of them.

use super::amounts::wait;
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
    #[serde(default = "settle", deserialize_with = "wait")]
    settle: Duration,
    #[serde(default = "live")]
    live: bool,
    target: Option<String>,
}

fn settle() -> Duration {
    Duration::from_secs(5)
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

/// Whether a text is like a pattern: `*` is any text, `?` one character. Where it does not go on, only the last star
/// takes one character more: what an earlier one could take besides, that one can too. So it is done after as many
/// steps as the two lengths multiplied, whatever name somebody thinks of.
fn like(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and where the text goes on that it has not taken.
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(t) {
        match (pattern.get(p), star) {
            (Some('*'), _) => {
                p += 1;
                star = Some((p, t));
            }
            (Some(wanted), _) if *wanted == '?' || wanted == letter => {
                p += 1;
                t += 1;
            }
            (_, Some((behind, taken))) => {
                p = behind;
                t = taken + 1;
                star = Some((behind, t));
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(p).all(|wanted| *wanted == '*')
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
        all.push(Watch {
            name,
            connector: s.connector,
            folder,
            pattern: s.pattern,
            archive,
            errors,
            settle: s.settle,
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
        let w = watch("connector = \"shop\"\nfolder = \"in\"\narchive = \"/a\"\nsettle = \"1d\"").unwrap();
        assert_eq!((w.archive, w.settle), ("/a".into(), Duration::from_secs(86_400)));
        let told = watch("connector = \"shop\"\nfolder = \"in\"\nerrors = \"in\"").unwrap_err();
        assert!(told.contains("watch.prices"), "{told}");
    }

    #[test]
    fn how_long_a_file_settles_is_written_like_every_length_of_time() {
        let read = |settle: &str| {
            let text = format!("connector = \"s\"\nfolder = \"i\"\nsettle = \"{settle}\"");
            toml::from_str::<WatchSetting>(&text).map(|w| w.settle).map_err(|e| e.to_string())
        };
        for (text, seconds) in [("0s", 0), ("2m", 120), ("1d", 86_400)] {
            assert_eq!(read(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["PT1M", "1.5s", "soon", "5"] {
            assert!(read(wrong).unwrap_err().contains("it is written like 90s"), "{wrong}");
        }
    }

    #[test]
    fn many_stars_are_no_work_whatever_the_name_is() {
        let text = format!("connector = \"s\"\nfolder = \"i\"\npattern = \"{}*.csv\"", "*_".repeat(20));
        let name = "_".repeat(255);
        let begun = std::time::Instant::now();
        assert!(!watch(&text).unwrap().takes(&name));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(watch(&text).unwrap().takes(&format!("{}.csv", &name[4..])));
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
            ("a**", "a", true),
            ("*ab?", "aabaabc", true),
            ("*ab?", "aabaab", false),
            ("", "a", false),
        ] {
            assert_eq!(with(pattern).takes(name), takes, "{pattern} {name}");
        }
        assert!(watch("connector = \"s\"\nfolder = \"i\"").unwrap().takes("anything"));
    }
}
