//! How things are shown: times, counts, states.

use crate::life::{Artefact, InputFile, io_words, kept_files, kept_input, winds_up};
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, ExecutionState, Status};
use crate::report::{StatusCounts, StepSummary, Summary, grouped, visible};
use crate::system::clock::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};
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

/// A part of a bar: what it counts, how many, and where it lies in hundredths of a percent.
pub struct Part {
    pub class: &'static str,
    pub name: &'static str,
    pub count: String,
    pub from: u64,
    pub width: u64,
}

/// Rows by what became of them, as the parts of a bar 10,000 wide. A part that is there can be seen.
pub fn parts(counts: &StatusCounts) -> Vec<Part> {
    const WIDTH: u64 = 10_000;
    const LEAST: u64 = 60;
    let all: Vec<_> = counts.all().into_iter().filter(|(_, n)| *n > 0).collect();
    let total: u64 = all.iter().map(|(_, n)| n).sum();
    let mut widths: Vec<u64> = all
        .iter()
        .map(|(_, n)| ((u128::from(*n) * u128::from(WIDTH) / u128::from(total.max(1))) as u64).max(LEAST))
        .collect();
    // What the small ones were given, the largest gives.
    if let Some(largest) = (0..widths.len()).max_by_key(|i| widths[*i]) {
        let others: u64 = widths.iter().sum::<u64>() - widths[largest];
        widths[largest] = WIDTH.saturating_sub(others);
    }
    let mut from = 0;
    all.into_iter()
        .zip(widths)
        .map(|((name, n), width)| {
            let part = Part { class: class_of(name), name, count: grouped(n), from, width };
            from += width;
            part
        })
        .collect()
}

/// The class that colours what became of a row.
pub fn class_of(status: &str) -> &'static str {
    match status {
        "created" => "created",
        "updated" => "updated",
        "unchanged" => "unchanged",
        "unarchived" | "unarchived and updated" => "unarchived",
        "skipped" => "skipped",
        "errored" => "errored",
        _ => "unprocessed",
    }
}

/// How often a page asks what has changed, in milliseconds: while something runs, and while it only waits.
const SOON: u32 = 1000;
const LATER: u32 = 5000;

/// How long an execution is new.
const NEW: SignedDuration = SignedDuration::from_secs(60);

/// An execution in a list, or at the head of its page.
pub struct Execution {
    pub row: ExecutionRow,
    pub badge: Badge,
    pub queued: Time,
    pub mode: &'static str,
    pub took: String,
    pub by: String,
    pub percent: Option<i64>,
    pub stage: String,
    pub parts: Vec<Part>,
    pub failure: String,
    /// What its steps did, so far while it runs.
    pub steps: Vec<StepSummary>,
    /// When its files were removed.
    pub gone: Option<Time>,
}

impl Execution {
    pub fn of(project: &Project, row: ExecutionRow) -> Self {
        let steps: Vec<StepSummary> =
            row.counts.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let mut counts = StatusCounts::default();
        steps.iter().for_each(|s| counts.plus(&s.counts));
        let percent = match (row.done, row.total) {
            (Some(done), Some(total)) if total > 0 => Some((done * 100 / total).clamp(0, 100)),
            _ => None,
        };
        Self {
            badge: row.state.into(),
            queued: Time::of(&row.queued_at),
            mode: if row.live { "Live" } else { "Dry run" },
            took: took(&row).unwrap_or_default(),
            by: clear(&row.triggered_by),
            percent,
            stage: stage(&row),
            parts: parts(&counts),
            failure: own(project, row.failure.as_deref().unwrap_or_default()),
            steps,
            gone: row.files_gone_at.as_deref().map(Time::of),
            row,
        }
    }

    /// What it is, in a title.
    pub fn title(&self, label: &str) -> String {
        let mode = if self.row.live { "Live run" } else { "Dry run" };
        format!("{mode} of {label}, {}", self.queued.words)
    }

    /// Why it failed, in a line.
    pub fn why(&self) -> String {
        shortened(self.failure.lines().next().unwrap_or_default(), 160)
    }

    /// How far its stage is, in its own unit.
    pub fn far(&self) -> String {
        match (self.row.done, self.row.total) {
            (Some(done), Some(total)) if total > 0 => {
                format!("{} of {}", grouped(done.unsigned_abs()), grouped(total.unsigned_abs()))
            }
            (Some(done), _) if done > 0 => grouped(done.unsigned_abs()),
            _ => String::new(),
        }
    }

    /// Whether its load steps are still to come, or go on.
    pub fn loading(&self) -> bool {
        self.running() && !winds_up(&self.row)
    }

    pub fn running(&self) -> bool {
        self.row.state == ExecutionState::Running
    }

    /// Whether it can be asked to go on.
    pub fn interrupted(&self) -> bool {
        self.row.state == ExecutionState::Interrupted && !self.row.cancel
    }

    /// Whether it can be stopped.
    pub fn stops(&self) -> bool {
        !self.row.state.ended() && !self.row.cancel
    }

    /// Whether it will change by itself.
    pub fn moves(&self) -> bool {
        !self.row.state.ended() && !self.row.left_to_people
    }
}

/// How often a page with these asks what has changed; none where nothing changes by itself. What was just asked for
/// mostly begins at once, and may be over soon.
pub fn every<'e>(all: impl IntoIterator<Item = &'e Execution>) -> Option<u32> {
    let lately = SystemClock.now() - NEW;
    let new = |e: &Execution| e.row.queued_at.parse::<Timestamp>().is_ok_and(|queued| queued > lately);
    let soon = |e: &Execution| e.running() || e.row.state == ExecutionState::Queued && new(e);
    all.into_iter().filter(|e| e.moves()).map(|e| if soon(e) { SOON } else { LATER }).min()
}

/// A text of at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn took(row: &ExecutionRow) -> Option<String> {
    let time = |t: &Option<String>| t.as_ref()?.parse::<Timestamp>().ok();
    let (from, to) = (time(&row.started_at)?, time(&row.ended_at)?);
    Some(lasting(to.duration_since(from).as_secs_f64()))
}

/// What it is at, or waits for.
fn stage(row: &ExecutionRow) -> String {
    match row.state {
        // What comes after its last chunk is told as what it is.
        ExecutionState::Running if row.cancel && !winds_up(row) => {
            "stopping after the chunk in hand".to_owned()
        }
        ExecutionState::Running => clear(row.stage.as_deref().unwrap_or("starting")),
        ExecutionState::Queued => "waits for its turn".to_owned(),
        ExecutionState::Interrupted if row.left_to_people => "left to people".to_owned(),
        ExecutionState::Interrupted if row.cancel => "cancelled; what it did is told soon".to_owned(),
        ExecutionState::Interrupted => "its worker is gone; it goes on from the last chunk".to_owned(),
        _ => String::new(),
    }
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
    fn bars_are_full_and_show_what_is_small() {
        let counts = StatusCounts { created: 1_000_000, errored: 1, skipped: 1, ..StatusCounts::default() };
        let parts = parts(&counts);
        assert_eq!(parts.iter().map(|p| p.width).sum::<u64>(), 10_000);
        assert!(parts.iter().all(|p| p.width >= 60));
        assert!(super::parts(&StatusCounts::default()).is_empty());
    }

    #[test]
    fn times_are_told_in_words() {
        assert_eq!(lasting(0.0123), "12 ms");
        assert_eq!(lasting(12.34), "12.3 s");
        assert_eq!(lasting(185.0), "3 min 5 s");
        assert_eq!(lasting(7_300.0), "2 h 1 min");
        assert_eq!(Time::of("2026-03-01T09:05:00Z").words, "1 Mar 2026, 09:05:00 UTC");
    }

    #[test]
    fn addresses_carry_any_text() {
        assert_eq!(encode("a b/ä&c=1"), "a%20b%2F%C3%A4%26c%3D1");
    }
}
