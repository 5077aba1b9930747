//! What programs are shown of executions, webhook events and messages: the same by the command line and over HTTP,
//! and so that what is inside may change.

mod events;
mod messages;

pub use events::{EventDetails, EventHead, EventState};
pub use messages::{Message, MessageDetails, MessageKind, MessageState};

use super::{Artefact, Failure, kept_input, waits};
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, State as ProjectState};
use crate::report::StepSummary;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What programs read under the names that the state has for it.
macro_rules! same_names {
    ($inner:ty, $view:ident { $($name:ident),* }) => {
        impl From<$inner> for $view {
            fn from(inner: $inner) -> Self {
                match inner { $(<$inner>::$name => $view::$name),* }
            }
        }

        impl From<$view> for $inner {
            fn from(view: $view) -> Self {
                match view { $($view::$name => <$inner>::$name),* }
            }
        }
    };
}
use same_names;

/// What a connector's file is, where it is not what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// It differs from the version that was activated last.
    Edited,
    /// It has errors.
    Errors,
    /// It declares another connector, or none.
    Renamed,
    /// It is not there any more.
    Gone,
}
same_names!(super::Changed, Changed { Edited, Errors, Renamed, Gone });

/// Whether records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is written.
    Dry,
    /// Records are written.
    Live,
}

impl Mode {
    /// The mode of a live run, or of a dry one.
    pub fn of(live: bool) -> Self {
        if live { Mode::Live } else { Mode::Dry }
    }
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits.
    Queued,
    /// A worker is at it.
    Running,
    /// Every row went as meant.
    Completed,
    /// It went to its end, and rows were left out with errors.
    CompletedWithErrors,
    /// It could not go on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its worker is gone; it is taken up again, or can be resumed.
    Interrupted,
}

same_names!(
    ExecutionState,
    State { Queued, Running, Completed, CompletedWithErrors, Failed, Cancelled, Interrupted }
);

/// What an execution is at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Stage {
    /// In words.
    #[schema(example = "loading items")]
    pub name: String,
    /// How far it is, in bytes or rows.
    pub done: Option<i64>,
    /// How far it goes.
    pub total: Option<i64>,
}

/// What a load step did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Step {
    /// The step.
    #[schema(example = "items")]
    pub name: String,
    /// The object that it writes.
    #[schema(example = "items")]
    pub object: String,
    /// Rows that it was given.
    pub rows: u64,
    /// Rows by what became of them.
    pub counts: Counts,
    /// Rows with at least one warning.
    pub warnings: u64,
}

/// Rows by what became of them; their sum is the step's rows.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Counts {
    /// New records.
    pub created: u64,
    /// Changed records.
    pub updated: u64,
    /// Matched, nothing to change.
    pub unchanged: u64,
    /// Taken out of the archive.
    pub unarchived: u64,
    /// A rule said so.
    pub skipped: u64,
    /// Something was wrong.
    pub errored: u64,
    /// The run ended before them.
    pub not_processed: u64,
}

impl From<StepSummary> for Step {
    fn from(step: StepSummary) -> Self {
        let c = step.counts;
        let counts = Counts {
            created: c.created,
            updated: c.updated,
            unchanged: c.unchanged,
            unarchived: c.unarchived,
            skipped: c.skipped,
            errored: c.errored,
            not_processed: c.not_processed,
        };
        Self { name: step.name, object: step.object, rows: step.rows, counts, warnings: step.warnings }
    }
}

/// An execution.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Execution {
    /// Its id.
    #[schema(example = "20240304T101500Z-3f9a1c")]
    pub id: String,
    /// The connector.
    #[schema(example = "vendor_prices")]
    pub connector: String,
    /// Dry or live.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// The activated version that it runs, where that is known.
    pub version: Option<i64>,
    /// Who or what started it: an e-mail address, a token's name, `schedule`, `webhook`; empty where nobody
    /// is known.
    #[schema(example = "ann@example.com")]
    pub triggered_by: String,
    /// When it was asked for, RFC 3339.
    #[schema(example = "2024-03-04T10:15:00.000Z")]
    pub queued_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// What it is at, while it runs.
    pub stage: Option<Stage>,
    /// Whether somebody has asked to stop it.
    pub cancel_requested: bool,
    /// What its load steps did, or are to do: what is still to come is `not_processed`.
    pub steps: Vec<Step>,
    /// Why it failed, in words.
    pub failure: Option<String>,
    /// Whether it is left to people, interrupted again and again or unable to begin: it goes on only once it is resumed.
    pub left_to_people: bool,
    /// When its files were removed, as the project's retention says.
    pub files_removed_at: Option<String>,
}

impl From<ExecutionRow> for Execution {
    fn from(row: ExecutionRow) -> Self {
        let steps: Option<Vec<StepSummary>> = row.counts.and_then(|c| serde_json::from_str(&c).ok());
        let (done, total) = (row.done, row.total);
        Self {
            id: row.id,
            connector: row.connector,
            mode: Mode::of(row.live),
            state: row.state.into(),
            version: row.version,
            triggered_by: row.triggered_by,
            queued_at: row.queued_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            stage: row.stage.map(|name| Stage { name, done, total }),
            cancel_requested: row.cancel,
            steps: steps.unwrap_or_default().into_iter().map(Step::from).collect(),
            failure: row.failure,
            left_to_people: row.left_to_people,
            files_removed_at: row.files_gone_at,
        }
    }
}

/// An execution with all that is kept of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExecutionDetails {
    /// The execution.
    #[serde(flatten)]
    pub execution: Execution,
    /// The parameters that it was given, `NAME=VALUE`.
    #[schema(example = json!(["region=APAC"]))]
    pub params: Vec<String>,
    /// The names of its input files.
    #[schema(example = json!(["prices.csv"]))]
    pub inputs: Vec<String>,
    /// Why it waits, in words; none where it does not.
    #[schema(example = "`vendor_prices` is not active: `sconn activate vendor_prices`")]
    pub waits: Option<String>,
    /// What can be downloaded now.
    #[schema(example = json!(["report", "sql-output", "decisions", "summary", "input"]))]
    pub artefacts: Vec<String>,
}

impl ExecutionDetails {
    /// All of an execution.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn of(project: &Project, state: &ProjectState, row: ExecutionRow) -> Result<Self, Failure> {
        let folder = project.root().join(&row.folder);
        let there = Artefact::ALL.into_iter().filter(|a| a.of(&folder).is_some());
        Ok(Self {
            params: state.submission(&row.id)?.params,
            inputs: kept_input(&folder).into_iter().map(|f| f.name).collect(),
            waits: waits(state, &row)?,
            artefacts: there.map(|a| a.name().to_owned()).collect(),
            execution: row.into(),
        })
    }
}
