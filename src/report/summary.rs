//! `summary.json`: what a run did, in one small file.

use super::ReportError;
use super::part_file::PartFile;
use crate::load::Action;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The version of `summary.json`.
pub const SUMMARY_VERSION: u32 = 1;

/// What a run did. The content of `summary.json`, and of the report's first tab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SUMMARY_VERSION`].
    pub version: u32,
    /// The connector's API name.
    pub connector: String,
    /// What people call it.
    pub label: String,
    /// Dry or live.
    pub mode: RunMode,
    /// Where records were read and, in a live run, written.
    pub target: TargetSummary,
    /// The execution's id.
    pub execution: String,
    /// How it ended.
    pub state: RunState,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    pub ended: String,
    /// How long each stage took, in order.
    pub stages: Vec<StageTime>,
    /// What was read.
    pub inputs: Vec<InputSummary>,
    /// The SQL's output tables, in order.
    pub scopes: Vec<ScopeSummary>,
    /// The load steps, in order.
    pub steps: Vec<StepSummary>,
    /// Input rows that could not be read.
    pub rejected: Rejected,
    /// What is worth knowing, one sentence each.
    pub notices: Vec<String>,
    /// Why the run failed, where it did.
    pub failure: Option<String>,
    /// The files it left, by name: `report` → path.
    pub artefacts: BTreeMap<String, String>,
    /// The exit status of the command.
    pub exit_status: i32,
}

/// Dry or live, as it is told; nothing decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunMode {
    /// Nothing is written.
    // As it was called in summaries that lie there already.
    #[serde(alias = "dry run")]
    Dry,
    /// Records are written.
    Live,
}

impl RunMode {
    /// The mode that a target tells of itself.
    pub fn from_words(words: &str) -> Self {
        if words == "live" { RunMode::Live } else { RunMode::Dry }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Every row went as meant.
    Completed,
    /// It went to its end, but some rows were left out. A field that was left alone is a warning:
    /// the row stands, and the run is completed.
    // As it was called in summaries that lie there already.
    #[serde(alias = "completed with errors")]
    CompletedWithErrors,
    /// It stopped.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl RunState {
    /// As people read it: `completed with errors`.
    pub fn words(self) -> &'static str {
        match self {
            RunState::Completed => "completed",
            RunState::CompletedWithErrors => "completed with errors",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        }
    }
}

/// A target, without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSummary {
    /// `sqlite`
    pub kind: String,
    /// A path or an address.
    pub place: String,
}

/// How long a stage took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// `SQL`
    pub name: String,
    /// Seconds.
    pub seconds: f64,
}

/// One input table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSummary {
    /// The file, with its sheet or inner file: `book.xlsx!Sheet1`.
    pub file: String,
    /// SHA-256 of the whole file, in hexadecimal.
    pub sha256: String,
    /// Rows read.
    pub rows: u64,
    /// The table in SQL: `input.prices`.
    pub table: String,
}

/// One SQL output table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeSummary {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Whether it is for people only.
    pub errors_scope: bool,
    /// Values that did not fit their variable.
    pub problems: u64,
}

/// One load step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// Its name.
    pub name: String,
    /// The object it writes.
    pub object: String,
    /// The scope it reads.
    pub scope: String,
    /// Rows that it was given.
    pub rows: u64,
    /// Rows by what became of them.
    pub counts: StatusCounts,
    /// Rows with at least one warning.
    pub warnings: u64,
    /// The problems, by kind, code and what they are about; the most frequent first.
    pub by_code: Vec<Reason>,
}

impl StepSummary {
    /// The same of all `rows` that it is given: those that are still to come are not processed.
    #[must_use]
    pub fn of_all(mut self, rows: u64) -> Self {
        self.counts.not_processed += rows.saturating_sub(self.counts.total());
        self.rows = self.counts.total();
        self
    }
}

/// Rows by what became of them; their sum is the step's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusCounts {
    /// New records.
    pub created: u64,
    /// Changed records.
    pub updated: u64,
    /// Matched, nothing to change.
    pub unchanged: u64,
    /// Taken out of the archive, changed or not.
    pub unarchived: u64,
    /// A rule said so.
    pub skipped: u64,
    /// Something was wrong.
    pub errored: u64,
    /// The run ended before them.
    pub not_processed: u64,
}

impl StatusCounts {
    /// The counts in the order of the report, with their headings.
    pub fn all(&self) -> [(&'static str, u64); 7] {
        [
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("unarchived", self.unarchived),
            ("skipped", self.skipped),
            ("errored", self.errored),
            ("not processed", self.not_processed),
        ]
    }

    /// All rows that are counted.
    pub fn total(&self) -> u64 {
        self.all().iter().map(|(_, n)| n).sum()
    }

    /// `3 created, 1 unchanged`; `no rows` where there are none.
    pub fn words(&self) -> String {
        let some: Vec<String> =
            self.all().into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect();
        if some.is_empty() { "no rows".to_owned() } else { some.join(", ") }
    }

    /// Counts one row.
    pub fn add(&mut self, action: Action) {
        *match action {
            Action::Create => &mut self.created,
            Action::Update => &mut self.updated,
            Action::Unchanged => &mut self.unchanged,
            Action::Unarchive | Action::UnarchiveAndUpdate => &mut self.unarchived,
            Action::Skip => &mut self.skipped,
            Action::Error => &mut self.errored,
            Action::Unprocessed => &mut self.not_processed,
        } += 1;
    }

    /// Adds the counts of another step.
    pub fn plus(&mut self, other: &StatusCounts) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.unarchived += other.unarchived;
        self.skipped += other.skipped;
        self.errored += other.errored;
        self.not_processed += other.not_processed;
    }
}

/// What a reason did to its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasonKind {
    /// The row was not written.
    Error,
    /// A rule left the row out.
    Skipped,
    /// The row stands, a field was left alone.
    Warning,
}

/// One reason why rows or fields were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The stable name: `not_a_number`; of a skipped row `do_not_upload`.
    pub code: String,
    /// What it did.
    pub kind: ReasonKind,
    /// The variable, field or rule it is about; empty where it is about the row.
    pub name: String,
    /// How often.
    pub count: u64,
    /// The first time.
    pub example: Example,
}

/// One case of a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The row's number in the scope, from 1.
    pub row: u64,
    /// Where the row came from: `prices.csv:12`; empty where that is not known.
    pub source: String,
    /// What was wrong, one sentence.
    pub message: String,
}

/// Input rows that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// How many.
    pub count: u64,
    /// The first ones.
    pub examples: Vec<RejectedLine>,
}

/// An input row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedLine {
    /// The file, with its sheet or inner file.
    pub file: String,
    /// Line of a text file, row of a sheet; from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

impl Summary {
    /// The counts of all steps together.
    pub fn totals(&self) -> StatusCounts {
        let mut all = StatusCounts::default();
        self.steps.iter().for_each(|s| all.plus(&s.counts));
        all
    }

    /// Every step's reasons with the step's name: errors first, then skipped, then warnings, each
    /// by how often.
    pub fn reasons(&self) -> Vec<(&str, &Reason)> {
        reasons(&self.steps)
    }

    /// Seconds from start to end; none where the times cannot be read.
    pub fn seconds(&self) -> Option<f64> {
        let started: jiff::Timestamp = self.started.parse().ok()?;
        let ended: jiff::Timestamp = self.ended.parse().ok()?;
        Some(ended.duration_since(started).as_secs_f64())
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let (part, mut file) = PartFile::create(path)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|e| ReportError::new(path, e))?;
        file.write_all(b"\n").and_then(|()| file.flush()).map_err(|e| ReportError::new(path, e))?;
        part.keep()
    }
}

/// The reasons of steps with the step's name: errors first, then skipped, then warnings, each by how often.
pub fn reasons(steps: &[StepSummary]) -> Vec<(&str, &Reason)> {
    let mut all: Vec<_> =
        steps.iter().flat_map(|s| s.by_code.iter().map(move |r| (s.name.as_str(), r))).collect();
    all.sort_by_key(|(_, r)| (r.kind, std::cmp::Reverse(r.count)));
    all
}
