//! One execution: intake, SQL, variables, load steps, report. The same for every target: whether it
//! is dry or live was decided by who chose the target.

mod checkpoint;
mod chunks;
mod frozen;
mod intake;
mod loads;
mod outputs;
mod queries;
mod scribe;
mod variables;

pub use frozen::{Frozen, INPUTS, KeptFile, freeze, given_inputs};

use crate::input::{InputError, InputFile, Intake, Limits};
use crate::load::NewIds;
use crate::plan::{Place, Plan};
use crate::report::{
    InputSummary, Rejected, RejectedLine, ReportError, RunMode, RunState, SUMMARY_VERSION, ScopeSummary,
    StageTime, StepSummary, Summary, TargetSummary,
};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, seconds};
use crate::system::crash;
use crate::system::folder::{ExecutionFolder, FolderError};
use crate::system::spool::{Spool, SpoolError};
use crate::system::stop::{Limit, Stop};
use crate::target::{Target, TargetError, TargetInfo};
use crate::value::Value;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::Mutex;

/// The stage of a run that was stopped, once its last chunk is done.
pub const LEFT_OUT: &str = "telling which rows were left out";

/// The last stage.
pub const REPORTING: &str = "writing the report";

/// The files that a run leaves beside its input.
pub const ARTEFACTS: [&str; 5] =
    ["rejected.csv", "sql-output.zip", "decisions.parquet", "report.xlsx", "summary.json"];

/// A target that several stages share.
type SharedTarget = Arc<Mutex<Box<dyn Target>>>;

/// Hears how far an execution is.
pub trait Progress: Send + Sync {
    /// A stage begins; `total` in its own unit (bytes or rows), where it is known.
    fn stage(&self, name: &str, total: Option<u64>);
    /// So much of it is done.
    fn advance(&self, done: u64);
    /// What became of the rows that a load step has done so far, of so many that it is given.
    fn step(&self, so_far: StepSummary, rows: u64);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn step(&self, _: StepSummary, _: u64) {}
}

/// What an execution is given.
pub struct Request<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The root of the project that counts it; none where it is on its own.
    pub project: Option<&'a Path>,
    /// The input files.
    pub files: &'a [InputFile],
    /// Run parameters, by name; those left out take their default.
    pub parameters: BTreeMap<String, Value>,
    /// The execution's id.
    pub execution: String,
    /// When it began.
    pub started: Timestamp,
    /// The folder that relative paths are counted from.
    pub here: &'a Path,
    /// Whether `report.xlsx` is made.
    pub workbook: bool,
    /// Whether CSV cells that a spreadsheet could take for formulas are guarded.
    pub guard_formulas: bool,
    /// Who or what started it; empty where nobody is known. SQL sees it in `meta.current_execution`.
    pub triggered_by: &'a str,
    /// Limits of the SQL.
    pub sql: SqlLimits,
    /// Limits of the input.
    pub input: Limits,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Set from outside: stop after the chunk in hand.
    pub stop: &'a Stop,
    /// Which of the execution's workers this is, where somebody counts them.
    pub epoch: Option<i64>,
    /// Whether the execution is still this worker's: what another goes on with, it must not touch.
    pub own: &'a (dyn Fn() -> bool + Send + Sync),
}

/// Why an execution could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The input was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The target failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// An output could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A scratch table could not be written or read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The execution's folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A query failed while it ran.
    #[error("scope `{name}` failed at {}:{}:{}: {cause}", place.file, place.line, place.column)]
    Sql {
        /// The view or scope.
        name: String,
        /// Where it stands.
        place: Place,
        /// Why.
        cause: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It came to a limit before its last row.
    #[error("{}", .0.what)]
    Limit(Limit),
    /// The request does not fit the plan.
    #[error("{cause}")]
    Request {
        /// Why.
        cause: String,
        /// What to do.
        hint: String,
    },
}

impl RunError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            RunError::Input(e @ InputError::Io(_)) => {
                Some(e.hint().unwrap_or("make sure the file can be read, and that there is room on the disk").into())
            }
            RunError::Input(e) => e.hint().map(str::to_owned),
            RunError::Target(e) => Some(e.hint().to_owned()),
            RunError::Report(e) => Some(e.hint.clone()),
            RunError::Folder(e) if e.cause.kind() == std::io::ErrorKind::NotFound => {
                Some("make sure the path is right and the file can be read".into())
            }
            RunError::Folder(e) if e.cause.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("check the permissions of the file and of its folder".into())
            }
            RunError::Spool(_) | RunError::Folder(_) => {
                Some("make sure there is room on the disk and the folder can be written to, or choose another with --out".into())
            }
            RunError::Sql { hint, .. } => hint.clone(),
            RunError::Limit(limit) => Some(limit.hint.clone()),
            RunError::Request { hint, .. } => Some(hint.clone()),
        }
        .filter(|h| !h.is_empty())
    }
}

/// What a scope came to.
struct ScopeRun {
    name: String,
    output: Spool,
    variables: Option<Spool>,
    problems: u64,
}

/// Packs the SQL's output into its ZIP.
struct Packing {
    thread: std::thread::JoinHandle<Result<bool, ReportError>>,
    /// Nobody wants it any more.
    stop: Arc<AtomicBool>,
}

/// Everything an execution knows while it goes.
struct Execution<'a> {
    request: &'a Request<'a>,
    parameters: BTreeMap<String, Value>,
    folder: &'a ExecutionFolder,
    target: SharedTarget,
    info: TargetInfo,
    ids: NewIds,
    stage_started: Timestamp,
    stages: Vec<StageTime>,
    inputs: Vec<InputSummary>,
    intake: Option<Intake>,
    parts: Vec<String>,
    /// Input rows that could not be read, and the first of them.
    rejected: u64,
    rejected_lines: Vec<RejectedLine>,
    scopes: Vec<ScopeRun>,
    packing: Option<Packing>,
    steps: Vec<StepSummary>,
    notices: Vec<String>,
    artefacts: BTreeMap<String, String>,
}

/// Runs one execution on a target, whose choice is what makes the run dry or live, and leaves its
/// artefacts in the folder. A failure on the way is in the summary, with everything that was done
/// before it. In the folder of an interrupted execution it goes on where that one was.
///
/// # Errors
/// Only where not even a summary can be left: the request does not fit the plan, the folder cannot
/// be used, or another process has taken the execution over.
pub async fn execute<'a>(
    request: &'a Request<'a>,
    folder: &'a ExecutionFolder,
    target: Box<dyn Target>,
) -> Result<Summary, RunError> {
    let parameters = settle_parameters(request.plan, &request.parameters)?;
    let info = target.info();
    let mut execution = Execution {
        folder,
        target: Arc::new(Mutex::new(target)),
        info,
        ids: NewIds::of(&request.execution, request.started),
        stage_started: request.clock.now(),
        stages: Vec::new(),
        inputs: Vec::new(),
        intake: None,
        parts: Vec::new(),
        rejected: 0,
        rejected_lines: Vec::new(),
        scopes: Vec::new(),
        packing: None,
        steps: Vec::new(),
        notices: Vec::new(),
        artefacts: BTreeMap::new(),
        request,
        parameters,
    };
    // Stopped while it read is stopped, like anywhere else.
    let reached = match execution.stages().await {
        Err(RunError::Input(InputError::Stopped)) => Ok(Reached::Stop),
        Err(taken @ RunError::Target(TargetError::TakenOver { .. })) => return Err(taken),
        other => other,
    };
    // Whatever it came to, it may have come to it because another worker was at its files.
    execution.must_own()?;
    let (state, failure) = match (reached, request.stop.limit()) {
        (Err(failure), _) => (RunState::Failed, Some(failure)),
        (Ok(Reached::Stop), Some(limit)) => (RunState::Failed, Some(RunError::Limit(limit.clone()))),
        (Ok(Reached::Stop), None) => (RunState::Cancelled, None),
        (Ok(Reached::End), _) if execution.troubled() => (RunState::CompletedWithErrors, None),
        (Ok(Reached::End), _) => (RunState::Completed, None),
    };
    execution.finish(state, failure).await
}

/// How far an execution came that did not fail.
enum Reached {
    /// Its last row.
    End,
    /// It was asked to stop before that.
    Stop,
}

impl Execution<'_> {
    async fn stages(&mut self) -> Result<Reached, RunError> {
        if !self.load_checkpoint()? {
            let inputs: Vec<&Path> = self.request.files.iter().map(|f| f.path.as_path()).collect();
            self.must_own()?;
            self.folder.forget_scratch();
            self.folder.forget_earlier(&ARTEFACTS, &inputs)?;
            self.take_in()?;
            crash::point("read");
            // What the target would refuse is told before anything is done; it is done after the SQL,
            // so that a query that fails leaves the target as it was.
            let changes = self.target.lock().await.plan_schema(&self.request.plan.objects).await?;
            self.notices.extend(changes.into_iter().map(|c| format!("{}: {}", c.object, c.what)));
            crash::point("planned");
            if self.stopped() {
                return Ok(Reached::Stop);
            }
            self.run_queries().await?;
            crash::point("queried");
            let resolved = if self.stopped() { Ok(()) } else { self.resolve_variables() };
            crash::point("resolved");
            self.end_sql_output()?;
            crash::point("packed");
            resolved?;
            if self.stopped() {
                return Ok(Reached::Stop);
            }
            self.save_checkpoint()?;
            crash::point("checkpoint");
        } else {
            crash::point("resumed");
        }
        self.prepare_target().await?;
        crash::point("prepared");
        self.run_loads().await?;
        crash::point("loaded");
        let unprocessed = self.steps.iter().any(|s| s.counts.not_processed > 0);
        Ok(if self.stopped() && unprocessed { Reached::Stop } else { Reached::End })
    }

    async fn prepare_target(&mut self) -> Result<(), RunError> {
        let plan = self.request.plan;
        let mut match_fields = Vec::new();
        for load in &plan.loads {
            let scope = plan.scopes().find(|s| s.name == load.scope).and_then(|s| s.scope.as_ref());
            let variables = scope.map_or(&[][..], |s| s.variables.as_slice());
            let step = crate::load::Step::new(load, 0, variables, &plan.objects, self.ids);
            match_fields.extend(step.match_fields());
        }
        match_fields.sort();
        match_fields.dedup();
        self.target.lock().await.prepare(&plan.objects, &match_fields).await?;
        Ok(())
    }

    /// # Errors
    /// [`TargetError::TakenOver`]
    fn must_own(&self) -> Result<(), RunError> {
        if (self.request.own)() {
            return Ok(());
        }
        let execution = self.request.execution.clone();
        Err(TargetError::TakenOver { place: self.folder.root().display().to_string(), execution }.into())
    }

    fn stopped(&self) -> bool {
        self.request.stop.asked()
    }

    /// Whether any row was left out. A field that was left alone is a warning: the row stands.
    fn troubled(&self) -> bool {
        self.rejected > 0 || self.steps.iter().any(|s| s.counts.errored > 0)
    }

    fn stage(&mut self, name: &str, total: Option<u64>) {
        self.stage_started = self.request.clock.now();
        self.request.progress.stage(name, total);
    }

    fn stage_done(&mut self, name: &str) {
        let spent = seconds(self.stage_started, self.request.clock.now());
        self.stages.push(StageTime { name: name.to_owned(), seconds: spent });
    }

    fn artefact(&mut self, name: &str, file: &str) -> PathBuf {
        let path = self.folder.file(file);
        self.artefacts.insert(name.to_owned(), path.display().to_string());
        path
    }

    fn summary(&self, state: RunState, failure: Option<String>) -> Summary {
        let plan = self.request.plan;
        let exit_status = match state {
            RunState::Completed => 0,
            RunState::CompletedWithErrors | RunState::Cancelled => 1,
            RunState::Failed => 2,
        };
        Summary {
            version: SUMMARY_VERSION,
            connector: plan.connector.name.clone(),
            label: plan.connector.label.clone(),
            mode: RunMode::from_words(&self.info.mode),
            target: TargetSummary { kind: self.info.kind.clone(), place: self.info.place.clone() },
            execution: self.request.execution.clone(),
            state,
            started: self.request.started.to_string(),
            ended: self.request.clock.now().to_string(),
            stages: self.stages.clone(),
            inputs: self.inputs.clone(),
            scopes: self
                .scopes
                .iter()
                .map(|s| ScopeSummary {
                    name: s.name.clone(),
                    rows: s.output.rows(),
                    errors_scope: s.name.ends_with("errors"),
                    problems: s.problems,
                })
                .collect(),
            steps: self.steps.clone(),
            rejected: Rejected {
                count: self.rejected,
                examples: self.rejected_lines.iter().take(20).cloned().collect(),
            },
            notices: self.notices.clone(),
            failure,
            artefacts: self.artefacts.clone(),
            exit_status,
        }
    }
}

/// The parameters of a run: what was given, then the defaults.
fn settle_parameters(
    plan: &Plan,
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, RunError> {
    let mut out = given.clone();
    for parameter in &plan.parameters {
        if out.contains_key(&parameter.name) {
            continue;
        }
        let Some(default) = &parameter.default else {
            return Err(RunError::Request {
                cause: format!("the parameter `{}` has no value", parameter.name),
                hint: format!("give it one: --param {}=…", parameter.name),
            });
        };
        out.insert(parameter.name.clone(), default.clone());
    }
    Ok(out)
}
