//! An execution as it is asked for: on the command line, by a trigger, over HTTP.

mod parameters;
mod queued;
mod version;
mod whose;

use queued::keep;
pub use queued::{Key, Queued, queue, queue_once};
pub(super) use queued::{prepare, prepare_noted};

use super::schedule::{Schedule, input_file};
use super::work::concurrency;
use super::worker::Hold;
use super::{Connector, Failure, io_words};
use crate::input::InputFile;
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{ExecutionState, Known, NewExecution, RequestKey, Submission};
use crate::report::{RunMode, Summary};
use crate::run::{Frozen, KeptFile, Progress, Request};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::{ExecutionFolder, FolderError, sync};
use crate::system::stop::Stop;
use crate::target::sqlite::Store;
use crate::target::{Recording, Target, TargetError};
use crate::value::Value;
use jiff::Timestamp;
use parameters::parameters;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use version::{begin_at_last, version_to_run};
use whose::project_of;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The connector's file.
    pub file: PathBuf,
    /// The input files, and the names under which they are told.
    pub input: Vec<InputFile>,
    /// Whether records are written.
    pub live: bool,
    /// Run parameters, `NAME=VALUE`.
    pub params: Vec<String>,
    /// The target's name or path; where none is said, the one that `sconn.toml` names for the connector, or
    /// the default one.
    pub target: Option<String>,
    /// Where the artefacts go; into the project's executions where nothing is said.
    pub out: Option<PathBuf>,
    /// Whether a workbook is made.
    pub workbook: bool,
    /// Whether cells of the SQL output are guarded against formulas.
    pub guard_formulas: bool,
    /// Who or what started it: a person's e-mail address, or `schedule`, `webhook`, a watched folder.
    /// Empty where nobody is known. The report is sent to a person's address.
    pub triggered_by: String,
}

/// An execution with everything that it is given.
pub struct Asked {
    /// The project.
    pub project: Project,
    /// The target's place.
    store: PathBuf,
    live: bool,
    /// The activated version that it runs.
    version: Option<i64>,
    plan: Plan,
    files: Vec<InputFile>,
    parameters: BTreeMap<String, Value>,
    /// Its id.
    pub execution: String,
    started: Timestamp,
    workbook: bool,
    guard_formulas: bool,
    triggered_by: String,
    /// What it was asked with, to ask the same again.
    submission: Submission,
    /// Whether it was there before it was asked for: it waits, or was interrupted.
    before: bool,
    /// Its folder.
    pub folder: ExecutionFolder,
}

/// What became of an execution that is not waited for any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// It had not begun, and never will.
    Cancelled,
    /// It was there before, and stays as it was.
    Left,
}

impl Asked {
    /// What makes a run dry or live, and the only place that does.
    ///
    /// # Errors
    /// Where the target cannot be opened.
    pub fn open_target(&self) -> Result<Box<dyn Target>, Failure> {
        Ok(if self.live {
            Box::new(Store::open_or_create_later(&self.store)?)
        } else {
            let base = Store::open_readonly_or_empty(&self.store)?;
            Box::new(Recording::new(Box::new(base), self.folder.scratch())?)
        })
    }

    /// Tells the project's state of it, where there is one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn register(&self) -> Result<(), Failure> {
        self.register_once(None).map(drop)
    }

    /// The same; where a request with that key came before, it stays untold, and what that one became is given.
    fn register_once(&self, key: Option<RequestKey<'_>>) -> Result<Option<Known>, Failure> {
        let Some(mut state) = self.project.state()? else { return Ok(None) };
        let known = state.submit(self.entry(&self.place()?), &self.submission, key)?;
        crash::point("registered");
        Ok(known)
    }

    /// Its folder, from the project's root.
    pub(super) fn place(&self) -> Result<String, Failure> {
        let absolute = std::path::absolute(self.folder.root())?;
        let root = std::path::absolute(self.project.root())?;
        Ok(absolute.strip_prefix(&root).unwrap_or(&absolute).display().to_string())
    }

    /// The kept copies of its input files.
    pub(super) fn kept_files(&self) -> Result<Vec<KeptFile>, Failure> {
        Ok(Frozen::load(self.folder.root())?.map(|f| f.files).unwrap_or_default())
    }

    /// What the state is told of it.
    pub(super) fn entry<'a>(&'a self, folder: &'a str) -> NewExecution<'a> {
        NewExecution {
            id: &self.execution,
            connector: &self.plan.connector.name,
            version: self.version,
            live: self.live,
            triggered_by: &self.triggered_by,
            folder,
            at: self.started,
        }
    }

    /// How many executions of its connector may run at once, as the version says that is active by now, where that
    /// matters: a dry run changes nothing, so that it need not wait for others.
    ///
    /// # Errors
    /// Where the state cannot be opened.
    pub fn places(&self) -> Result<Option<i64>, Failure> {
        if !self.live {
            return Ok(None);
        }
        Ok(Some(match self.project.state()? {
            Some(state) => concurrency(&state, &self.plan.connector.name),
            None => self.plan.connector.places(),
        }))
    }

    /// That its connector holds back what waits.
    pub fn held(&self) -> Failure {
        version::held(&self.plan.connector.name, "its file")
    }

    /// It waits for its place as one that was queued: should this process end, others run it.
    ///
    /// # Errors
    /// Where its input cannot be kept.
    pub fn wait(&mut self) -> Result<(), Failure> {
        keep(self, &Stop::default())?;
        if let Some(frozen) = Frozen::load(self.folder.root())? {
            self.files = frozen.inputs();
        }
        Ok(())
    }

    /// Whether what it is asked is kept: it waits, or was interrupted, and can be begun or gone on with by others.
    ///
    /// # Errors
    /// Where what is kept cannot be read.
    pub fn kept(&self) -> Result<bool, Failure> {
        Ok(Frozen::load(self.folder.root())?.is_some())
    }

    /// Nobody waits for it any more. What was only asked for now is cancelled; what was there before stays: a part of
    /// it may be done, and somebody else may go on with it.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn give_up(&self) -> Result<GivenUp, Failure> {
        if self.before {
            self.folder.leave();
            return Ok(GivenUp::Left);
        }
        if let Some(mut state) = self.project.state()? {
            state.cancel(&self.execution, SystemClock.now())?;
        }
        self.folder.ended();
        Ok(GivenUp::Cancelled)
    }

    /// It waited, and cannot be waited for any more: it was cancelled, or stays in the queue.
    ///
    /// # Errors
    /// Why it cannot, with what becomes of it, unless it was cancelled.
    pub fn waited(&self, why: Failure) -> Result<GivenUp, Failure> {
        let id = &self.execution;
        // Where the state cannot be read, nothing took it out of there.
        let row = self.project.state().ok().flatten().and_then(|state| state.execution(id).ok().flatten());
        match row.map_or(ExecutionState::Queued, |row| row.state) {
            ExecutionState::Cancelled => {
                self.folder.ended();
                Ok(GivenUp::Cancelled)
            }
            state if state.ended() => Err(why),
            _ => {
                let stays = format!("{id} stays in the queue; cancel it with: sconn executions cancel {id}");
                let hint = why.hint.iter().chain([&stays]).map(String::as_str).collect::<Vec<_>>().join("\n");
                Err(Failure { hint: Some(hint), ..why })
            }
        }
    }

    /// That another worker has it now.
    pub fn taken_over(&self) -> TargetError {
        TargetError::TakenOver { place: self.store.display().to_string(), execution: self.execution.clone() }
    }

    /// What the run is asked, of a worker where the project counts them.
    pub fn request<'a>(
        &'a self,
        here: &'a Path,
        progress: &'a dyn Progress,
        stop: &'a Stop,
        hold: &'a Hold,
    ) -> Request<'a> {
        Request {
            plan: &self.plan,
            project: self.project.is_declared().then_some(self.project.root()),
            files: &self.files,
            parameters: self.parameters.clone(),
            execution: self.execution.clone(),
            started: self.started,
            here,
            workbook: self.workbook,
            guard_formulas: self.guard_formulas,
            triggered_by: &self.triggered_by,
            sql: limits(&self.plan),
            input: crate::input::Limits::default(),
            clock: &SystemClock,
            progress,
            stop,
            epoch: hold.epoch(),
            own: hold.own(),
        }
    }
}

impl Asked {
    /// An execution that begins at once. Within a project a live one needs an operational connector.
    ///
    /// # Errors
    /// Where what is asked for cannot be, each with its mend.
    pub fn now(connector: &Connector, plan: Plan, ask: Ask) -> Result<Self, Failure> {
        Self::of(plan, ask, |project, plan, ask| version_to_run(project, connector, plan, ask))
    }

    /// An execution that was interrupted, or waits, as it was asked for; `root` is its folder.
    ///
    /// # Errors
    /// Where there is nothing to resume, or it must not go on.
    pub fn again(root: &Path) -> Result<Self, Failure> {
        let Some(mut frozen) = Frozen::load(root)? else { return Err(nothing_to_resume(root)) };
        let project = project_of(&mut frozen)?;
        if let Err(e) = std::env::set_current_dir(&frozen.here)
            && frozen.needs_here()
        {
            // It may be a disk that is away for a while.
            return Err(Failure::broken(
                format!("{}, where the execution began: {}", frozen.here.display(), io_words(&e)),
                "its paths are counted from there: bring the folder back, then resume",
            ));
        }
        let root = &frozen.folder;
        let folder = ExecutionFolder::reopen(root).map_err(|e| unusable(root, &e))?;
        frozen.check_inputs()?;
        begin_at_last(&project, &mut frozen, &folder)?;
        Ok(Self {
            project,
            store: PathBuf::from(&frozen.target.place),
            live: RunMode::from_words(&frozen.target.mode) == RunMode::Live,
            version: None,
            files: frozen.inputs(),
            plan: frozen.plan,
            parameters: frozen.parameters,
            execution: frozen.execution,
            started: frozen.started,
            workbook: frozen.workbook,
            guard_formulas: frozen.guard_formulas,
            triggered_by: frozen.triggered_by,
            submission: Submission::default(),
            before: true,
            folder,
        })
    }

    /// Whatever the connector's status is: which version runs is known when it begins.
    fn later(plan: Plan, ask: Ask) -> Result<Self, Failure> {
        Self::of(plan, ask, |_, _, _| Ok(None))
    }

    fn of(
        plan: Plan,
        ask: Ask,
        version: impl Fn(&Project, &Plan, &Ask) -> Result<Option<i64>, Failure>,
    ) -> Result<Self, Failure> {
        if plan.loads.is_empty() && plan.queries.is_empty() {
            return Err(Failure::new(
                format!("{} has nothing to run", ask.file.display()),
                "a connector needs at least a scope; `sconn check` tells more",
            ));
        }
        let parameters = parameters(&plan, &ask.params)?;
        let project = Project::of(&ask.file)?;
        let store = project.target(ask.target.as_deref().or(project.target_of(&plan.connector.name)))?;
        let version = version(&project, &plan, &ask)?;
        let execution = execution_id(&SystemClock);
        let out = ask.out.clone().unwrap_or_else(|| project.executions().join(&execution));
        let folder =
            ExecutionFolder::create(&out, &|| ended(&project, &out)).map_err(|e| unusable(&out, &e))?;
        let (mut files, started) = (ask.input, SystemClock.now());
        // What is scheduled can be run by hand at any time, as if its time had come.
        if let (true, Some(schedule)) = (files.is_empty(), Schedule::of(&plan)?) {
            let file = input_file(&folder.file("input"), &schedule, started)?;
            sync(&file.path)?;
            files.push(file);
        }
        Ok(Self {
            project,
            store,
            live: ask.live,
            version,
            plan,
            files,
            parameters,
            execution,
            started,
            workbook: ask.workbook,
            guard_formulas: ask.guard_formulas,
            triggered_by: ask.triggered_by,
            submission: Submission {
                params: ask.params,
                target: ask.target,
                guard_formulas: ask.guard_formulas,
            },
            before: false,
            folder,
        })
    }
}

/// Whether nobody goes on with the last execution of that folder: it has ended, or whoever made it died before the queue
/// knew of it.
fn ended(project: &Project, out: &Path) -> bool {
    let known = || {
        let (Some(frozen), Some(state)) = (Frozen::load(out)?, project.state()?) else { return Ok(false) };
        let own = frozen.project == std::path::absolute(project.root()).ok();
        Ok::<_, Failure>(match state.execution(&frozen.execution)? {
            Some(row) => row.state.ended(),
            None => own && ExecutionFolder::is_unknown(out),
        })
    };
    known().unwrap_or(false)
}

fn nothing_to_resume(root: &Path) -> Failure {
    let folder = root.display();
    // Who keeps its input just now will have it run.
    if ExecutionFolder::busy(root) {
        return Failure::later(format!("{folder}: another process is at it"), "wait until it is done");
    }
    let summary = std::fs::read(root.join("summary.json")).ok();
    let summary: Option<Summary> = summary.and_then(|text| serde_json::from_slice(&text).ok());
    match summary {
        Some(ended) => Failure::new(
            format!("the execution in {folder} has ended: {}", ended.state.words()),
            "only one that was interrupted can be resumed; run its input again as a new one",
        ),
        None => Failure::new(
            format!("there is nothing to resume in {folder}"),
            "only an execution that was interrupted can be resumed, and only after its input was kept",
        ),
    }
}

fn unusable(out: &Path, error: &FolderError) -> Failure {
    let folder = out.display();
    let cause =
        if out.is_file() { "this is a file, not a folder".to_owned() } else { io_words(&error.cause) };
    match error.cause.kind() {
        std::io::ErrorKind::WouldBlock => {
            Failure::later(format!("{folder}: {cause}"), "wait until it is done, or stop it first")
        }
        std::io::ErrorKind::AlreadyExists => Failure::new(
            format!("{folder} is the folder of an execution that has not ended"),
            format!(
                "choose another folder with --out, go on with that one (sconn executions resume {folder}), or, if nobody \
                 wants it any more, cancel it or remove its folder"
            ),
        ),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Failure::new(format!("{folder}: {cause}"), "choose another folder with --out")
        }
        _ => Failure::broken(
            format!("{folder}: {cause}"),
            "make sure it can be written to and there is room on the disk, or choose another folder with --out",
        ),
    }
}

/// The limits that the connector sets, or the defaults.
fn limits(plan: &Plan) -> SqlLimits {
    let default = SqlLimits::default();
    let memory = plan.connector.memory.and_then(|b| usize::try_from(b).ok());
    SqlLimits {
        memory: memory.unwrap_or(default.memory),
        time: plan.connector.time_limit.map_or(default.time, std::time::Duration::from_secs),
    }
}

/// Sorts by time, and is told apart from others of the same second by its end.
pub(super) fn execution_id(clock: &dyn Clock) -> String {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", clock.now().strftime("%Y%m%dT%H%M%SZ"), &unique[..6])
}
