//! How things are shown: times, counts, states.

use crate::life::{Artefact, InputFile, io_words, kept_files, kept_input};
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, ExecutionState, Status};
use crate::report::{Summary, visible};
use jiff::Timestamp;
use std::path::Path;

/// A text of somebody else's with what cannot be seen made visible; the templates escape it.
pub fn clear(text: &str) -> String {
    visible(text).into_owned()
}

/// The same, with the paths in it counted from the project's root: where that lies is nobody's business who
/// only reads.
pub fn own(project: &Project, text: &str) -> String {
    clear(&super::super::error::without(project.root(), text))
}

/// A text as a part of an address.
pub fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// A time: for machines, and in words.
#[derive(Clone)]
pub struct Time {
    pub machine: String,
    pub words: String,
}

impl Time {
    /// From RFC 3339.
    pub fn of(text: &str) -> Self {
        let words = text
            .parse::<Timestamp>()
            .map_or_else(|_| clear(text), |t| t.strftime("%-d %b %Y, %H:%M:%S UTC").to_string());
        Self { machine: clear(text), words }
    }
}

/// How long something took: `0.4 s`, `3 min 5 s`.
pub fn lasting(seconds: f64) -> String {
    if seconds < 0.95 {
        return format!("{:.0} ms", seconds.max(0.0) * 1000.0);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A state as a badge: a word, and the class that colours it.
#[derive(Clone, Copy)]
pub struct Badge {
    pub class: &'static str,
    pub words: &'static str,
}

impl From<Status> for Badge {
    fn from(status: Status) -> Self {
        let class = match status {
            Status::Setup => "setup",
            Status::Operational => "good",
            Status::NeedsAttention => "warn",
            Status::Inactive => "off",
        };
        Self { class, words: status.words() }
    }
}

impl From<ExecutionState> for Badge {
    fn from(state: ExecutionState) -> Self {
        let class = match state {
            ExecutionState::Queued => "setup",
            ExecutionState::Running => "run",
            ExecutionState::Completed => "good",
            ExecutionState::CompletedWithErrors | ExecutionState::Interrupted => "warn",
            ExecutionState::Failed => "bad",
            ExecutionState::Cancelled => "off",
        };
        Self { class, words: state.words() }
    }
}

/// A text of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The most characters that are shown of a value of somebody else's.
const SHOWN: usize = 300;

/// A value of somebody else's: cut first, since a cell may hold megabytes, then made visible.
pub fn cut(text: &str) -> String {
    clear(&shortened(text, SHOWN))
}

/// The summary of an execution; none where it has not ended or was removed.
pub fn summary(folder: &Path) -> Option<Summary> {
    serde_json::from_slice(&std::fs::read(folder.join("summary.json")).ok()?).ok()
}

/// The name of a file, and its size.
pub fn file(file: &InputFile) -> (String, String) {
    let size = match file.path.metadata() {
        Ok(data) => size(data.len()),
        Err(e) => io_words(&e),
    };
    (clear(&file.name), size)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// The part of an execution's folder that its page offers.
pub struct Files {
    pub report: bool,
    pub sql: bool,
    pub decisions: bool,
    pub inputs: Vec<(String, String)>,
}

impl Files {
    pub fn of(project: &Project, row: &ExecutionRow) -> Self {
        let folder = kept_files(project, row).ok();
        let there = |artefact: Artefact| folder.as_ref().is_some_and(|f| artefact.of(f).is_some());
        Self {
            report: there(Artefact::Report),
            sql: there(Artefact::SqlOutput),
            decisions: there(Artefact::Decisions),
            inputs: folder.iter().flat_map(|f| kept_input(f)).map(|f| file(&f)).collect(),
        }
    }
}

/// What people call a connector.
pub fn label(connector: &ConnectorState) -> String {
    clear(if connector.label.is_empty() { &connector.name } else { &connector.label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_words() {
        assert_eq!(lasting(0.0123), "12 ms");
        assert_eq!(lasting(12.34), "12.3 s");
        assert_eq!(lasting(185.0), "3 min 5 s");
        assert_eq!(lasting(7_300.0), "2 h 1 min");
        assert_eq!(Time::of("2026-03-01T09:05:00Z").words, "1 Mar 2026, 09:05:00 UTC");
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = "\u{202e}".repeat(8 << 20);
        assert_eq!(cut(&long), format!("{}…", "\\u{202e}".repeat(SHOWN)));
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn addresses_carry_any_text() {
        assert_eq!(encode("a b/ä&c=1"), "a%20b%2F%C3%A4%26c%3D1");
    }
}
