//! An execution as the page shows it: where it stands, how far it is, what it did so far.

use super::super::ApiError;
use super::bar::{self, Part, parts};
use super::show::{Badge, Time, clear, lasting, own, shortened};
use crate::life::{percent, waits, winds_up};
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, State};
use crate::report::{StatusCounts, StepSummary, grouped};
use crate::system::clock::{Clock, SystemClock};
use jiff::{SignedDuration, Timestamp};

/// How often a page asks what has changed, in milliseconds: while something runs, and where something only waits
/// or may begin elsewhere.
const SOON: u32 = 1000;
pub const LATER: u32 = 5000;

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
    /// The same in numbers.
    pub rows: String,
    pub failure: String,
    /// What its steps did, so far while it runs.
    pub steps: Vec<StepSummary>,
    /// When its files were removed.
    pub gone: Option<Time>,
}

impl Execution {
    pub fn of(project: &Project, state: &State, row: ExecutionRow) -> Result<Self, ApiError> {
        let steps = steps(&row);
        let mut counts = StatusCounts::default();
        steps.iter().for_each(|s| counts.plus(&s.counts));
        let waits = match row.state {
            ExecutionState::Queued | ExecutionState::Interrupted => waits(state, &row)?,
            _ => None,
        };
        Ok(Self {
            badge: row.state.into(),
            queued: Time::of(&row.queued_at),
            mode: if row.live { "Live" } else { "Dry run" },
            took: took(&row).unwrap_or_default(),
            by: clear(&row.triggered_by),
            percent: percent(&row),
            stage: stage(&row, waits.as_deref()),
            parts: parts(&counts),
            rows: bar::words(&counts),
            failure: own(project, row.failure.as_deref().unwrap_or_default()),
            steps,
            gone: row.files_gone_at.as_deref().map(Time::of),
            row,
        })
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

    /// Whether it can be stopped: after the last chunk there is nothing more to stop.
    pub fn stops(&self) -> bool {
        !self.row.state.ended() && !self.row.cancel && (!self.running() || self.loading())
    }

    /// Whether it was stopped in the middle, and something may have been written before.
    pub fn cut_off(&self) -> bool {
        self.row.state == ExecutionState::Cancelled && self.row.live && self.row.started_at.is_some()
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

/// What became of the rows of each step.
fn steps(row: &ExecutionRow) -> Vec<StepSummary> {
    row.counts.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

fn took(row: &ExecutionRow) -> Option<String> {
    let time = |t: &Option<String>| t.as_ref()?.parse::<Timestamp>().ok();
    let (from, to) = (time(&row.started_at)?, time(&row.ended_at)?);
    Some(lasting(to.duration_since(from).as_secs_f64()))
}

/// What it is at, or waits for.
fn stage(row: &ExecutionRow, waits: Option<&str>) -> String {
    let waits = waits.map(clear).unwrap_or_default();
    // What it waits for, or why it does.
    let waits = if waits.starts_with("for ") { format!("waits {waits}") } else { format!("waits: {waits}") };
    match row.state {
        ExecutionState::Running if row.cancel && !winds_up(row) => {
            "stopping after the chunk in hand".to_owned()
        }
        // What comes after its last chunk is told as what it is.
        ExecutionState::Running => {
            let asked = if row.cancel { "; asked to stop" } else { "" };
            format!("{}{asked}", clear(row.stage.as_deref().unwrap_or("starting")))
        }
        ExecutionState::Queued => waits,
        ExecutionState::Interrupted if row.left_to_people => "left to people".to_owned(),
        ExecutionState::Interrupted if row.cancel => "cancelled; what it did is told soon".to_owned(),
        ExecutionState::Interrupted => {
            format!("its worker is gone; {waits}; then it goes on from the last chunk")
        }
        _ => String::new(),
    }
}
