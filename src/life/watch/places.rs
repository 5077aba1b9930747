//! Files of watched folders on the disk: how they are named where they go, and who writes them still.

use crate::system::foreign;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, TryLockError};
use std::path::Path;

/// The most bytes behind the last dot of a name that say what a file is.
const LONGEST_END: usize = 20;

/// The name of a file in the archive and among the errors: with its execution's id, so that files of one
/// name do not meet: `prices.20261125T060000Z-1a2b3c.csv`.
pub(super) fn named(name: &str, execution: &str) -> String {
    let (stem, end) = match name.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() && end.len() <= LONGEST_END => (stem, format!(".{end}")),
        _ => (name, String::new()),
    };
    // File systems take names of 255 bytes, and a file gets a bit more to its name on its way.
    let room = 240_usize.saturating_sub(execution.len() + end.len());
    let stem = &stem[..stem.floor_char_boundary(room)];
    format!("{stem}.{execution}{end}")
}

/// Whether another program has locked a file.
pub(super) fn locked(file: &Path) -> bool {
    foreign::open(file).is_ok_and(|f| matches!(f.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The names of the files in a folder that some program has open for writing, as far as the operating
/// system tells: of programs of other users, or on other machines, it does not.
pub(super) fn being_written(folder: &Path) -> BTreeSet<OsString> {
    let Ok(folder) = folder.canonicalize() else { return BTreeSet::new() };
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let mut written = BTreeSet::new();
    for process in list(Path::new("/proc")) {
        let process = process.path();
        for open in list(&process.join("fd")) {
            let Ok(file) = fs::read_link(open.path()) else { continue };
            if file.parent() != Some(&folder) {
                continue;
            }
            let info = fs::read_to_string(process.join("fdinfo").join(open.file_name())).unwrap_or_default();
            let flags = info.lines().find_map(|l| l.strip_prefix("flags:"));
            let flags = flags.and_then(|f| u64::from_str_radix(f.trim(), 8).ok()).unwrap_or(0);
            // The two lowest bits: 0 reads, 1 writes, 2 does both.
            if flags & 3 != 0 {
                written.extend(file.file_name().map(OsString::from));
            }
        }
    }
    written
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_file_is_named_after_its_execution() {
        assert_eq!(named("prices.csv", "E"), "prices.E.csv");
        assert_eq!(named("a.b.csv", "E"), "a.b.E.csv");
        assert_eq!(named("prices", "E"), "prices.E");
        assert_eq!(named(".csv", "E"), ".csv.E");
        let long = named(&format!("{}.csv", "ü".repeat(126)), "20261125T060000Z-1a2b3c");
        assert!(long.len() <= 245 && long.ends_with("ü.20261125T060000Z-1a2b3c.csv"), "{long}");
        let long = named(&format!("a.{}", "x".repeat(253)), "20261125T060000Z-1a2b3c");
        assert!(long.len() <= 245 && long.starts_with("a.xxx") && long.ends_with("-1a2b3c"), "{long}");
    }

    #[test]
    fn who_writes_a_file_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let (written, read) = (dir.path().join("written"), dir.path().join("read"));
        fs::write(&read, "x").unwrap();
        let _writer = File::create(&written).unwrap();
        let _reader = File::open(&read).unwrap();
        if Path::new("/proc/self/fd").is_dir() {
            assert_eq!(being_written(dir.path()), BTreeSet::from(["written".into()]));
        }
        let lock = File::open(&read).unwrap();
        assert!(!locked(&read));
        lock.lock().unwrap();
        assert!(locked(&read));
    }
}
