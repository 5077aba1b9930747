//! An execution as it is asked for: on the command line, by a trigger, over HTTP.

use super::activation::{incomplete, version_hash};
use super::schedule::{Schedule, input_file};
use super::worker::{Hold, inactive};
use super::{Connector, Failure, io_words};
use crate::input::InputFile;
use crate::plan::{ParameterPlan, Plan};
use crate::project::Project;
use crate::project::state::{Known, NewExecution, RequestKey, Status, Submission};
use crate::report::RunMode;
use crate::run::{Frozen, KeptFile, Progress, Request, Silent, freeze};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::folder::{ExecutionFolder, FolderError};
use crate::system::stop::Stop;
use crate::target::sqlite::Store;
use crate::target::{Recording, Target, TargetError};
use crate::value::{Literal, Value, literal_value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    /// The target's name or path; the default one where none is said.
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
    /// Its folder.
    pub folder: ExecutionFolder,
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

    /// How many executions of its connector may run at once, where that matters: a dry run changes nothing, so that it
    /// need not wait for others.
    pub fn places(&self) -> Option<i64> {
        self.live.then(|| self.plan.connector.concurrency.map_or(1, |c| i64::try_from(c).unwrap_or(i64::MAX)))
    }

    /// It waits for its place as one that was queued: should this process end, others run it.
    ///
    /// # Errors
    /// Where its input cannot be kept.
    pub fn wait(&mut self) -> Result<(), Failure> {
        keep(self)?;
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

    /// It is not wanted any more, before it began.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn give_up(&self) -> Result<(), Failure> {
        if let Some(mut state) = self.project.state()? {
            state.cancel(&self.execution, SystemClock.now())?;
        }
        self.folder.ended();
        Ok(())
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
        let Some(mut frozen) = Frozen::load(root)? else {
            return Err(Failure::new(
                format!("there is nothing to resume in {}", root.display()),
                "only an execution that was interrupted can be resumed, and only after its input was kept",
            ));
        };
        // Paths are told as they were when it began, unless its folder was moved since.
        let root = std::path::absolute(root)?;
        std::env::set_current_dir(&frozen.here).map_err(|e| {
            Failure::new(
                format!("{}, where the execution began: {}", frozen.here.display(), io_words(&e)),
                "its paths are counted from there: bring the folder back, then resume",
            )
        })?;
        let moved = !frozen.folder.canonicalize().is_ok_and(|f| root.canonicalize().is_ok_and(|r| f == r));
        let root = if moved { &root } else { &frozen.folder };
        let folder = ExecutionFolder::reopen(root).map_err(|e| unusable(root, &e))?;
        frozen.check_inputs()?;
        let project = Project::of(&folder.root().join("x"))?;
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
        let store = project.target(ask.target.as_deref())?;
        let version = version(&project, &plan, &ask)?;
        let execution = execution_id(&SystemClock);
        let out = ask.out.clone().unwrap_or_else(|| project.executions().join(&execution));
        let folder =
            ExecutionFolder::create(&out, &|| ended(&project, &out)).map_err(|e| unusable(&out, &e))?;
        let (mut files, started) = (ask.input, SystemClock.now());
        // What is scheduled can be run by hand at any time, as if its time had come.
        if let (true, Some(schedule)) = (files.is_empty(), Schedule::of(&plan)?) {
            files.push(input_file(&folder.file("input"), &schedule, started)?);
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
            submission: Submission { params: ask.params, target: ask.target },
            folder,
        })
    }
}

/// A key by which the same request, sent twice, is one execution.
#[derive(Clone, Debug)]
pub struct Key {
    /// Who sends it.
    pub caller: String,
    /// The key.
    pub key: String,
    /// What is asked, in short: another request with the same key is refused.
    pub request: String,
}

impl Key {
    fn as_request(&self) -> RequestKey<'_> {
        RequestKey { caller: &self.caller, key: &self.key, request: &self.request }
    }
}

/// What became of a request to queue an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits, under this id.
    New(String),
    /// An earlier request with the same key put it there.
    Before(String),
    /// Another request had the key: nothing was done.
    KeyTaken,
}

impl From<Known> for Queued {
    fn from(known: Known) -> Self {
        match known {
            Known::Same(id) => Queued::Before(id),
            Known::Other => Queued::KeyTaken,
        }
    }
}

/// Puts an execution into the project's queue; gives its id.
///
/// # Errors
/// Where there is no project, or what is asked for cannot be.
pub fn queue(plan: Plan, ask: Ask) -> Result<String, Failure> {
    match queue_once(plan, ask, None)? {
        Queued::New(id) | Queued::Before(id) => Ok(id),
        Queued::KeyTaken => Err(Failure::new("another request had this key", "take a new key")),
    }
}

/// Puts an execution into the project's queue, once for all requests with the same key.
///
/// # Errors
/// Where there is no project, or what is asked for cannot be.
pub fn queue_once(plan: Plan, ask: Ask, key: Option<&Key>) -> Result<Queued, Failure> {
    let key = key.map(Key::as_request);
    if let (Some(key), Some(state)) = (key, Project::of(&ask.file)?.state()?)
        && let Some(known) = state.request(key)?
    {
        return Ok(known.into());
    }
    let asked = prepare(plan, ask)?;
    let Some(known) = asked.register_once(key)? else { return Ok(Queued::New(asked.execution)) };
    // The same request was faster on another connection.
    let unused = asked.folder.root().to_path_buf();
    drop(asked);
    let _ = std::fs::remove_dir_all(unused);
    Ok(known.into())
}

/// An execution that is ready to be queued: what it is asked is kept in its folder, and the state does
/// not know of it yet. Where that fails nothing is left of it.
pub(super) fn prepare(plan: Plan, ask: Ask) -> Result<Asked, Failure> {
    prepare_noted(plan, ask, |_| Ok(()))
}

/// The same; `note` is given its folder before anything is copied there, so that what a process leaves
/// that dies meanwhile can be found.
pub(super) fn prepare_noted(
    plan: Plan,
    ask: Ask,
    note: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<Asked, Failure> {
    let own = ask.out.is_none();
    let asked = Asked::later(plan, ask)?;
    note(asked.folder.root())?;
    let kept = keep(&asked);
    if kept.is_err() && own {
        let _ = std::fs::remove_dir_all(asked.folder.root());
    }
    kept.map(|()| asked)
}

fn keep(asked: &Asked) -> Result<(), Failure> {
    if asked.project.state()?.is_none() {
        return Err(Failure::new(
            "there is no project here, and so no queue",
            "make one with an empty file `sconn.toml`, or use `sconn run`",
        ));
    }
    let target = asked.open_target()?;
    let (here, quiet, never) = (std::env::current_dir()?, Silent, Stop::default());
    let hold = Hold::nobody();
    freeze(&asked.request(&here, &quiet, &never, &hold), &asked.folder, &target.info())?;
    asked.folder.leave();
    Ok(())
}

/// An execution that waited begins now; a live one with the version that is active by now. Live, nothing
/// begins and nothing goes on while its connector is not active.
fn begin_at_last(project: &Project, frozen: &mut Frozen, folder: &ExecutionFolder) -> Result<(), Failure> {
    let Some(mut state) = project.state()? else { return Ok(()) };
    let Some(row) = state.execution(&frozen.execution)? else { return Ok(()) };
    // What was cancelled is only ended.
    if row.state.ended() || row.cancel {
        return Ok(());
    }
    let waited = row.started_at.is_none();
    if !row.live {
        return if waited {
            Ok(frozen.begins(folder, SystemClock.now(), frozen.plan.clone())?)
        } else {
            Ok(())
        };
    }
    let connector = state.connector(&row.connector)?;
    let status = connector.as_ref().map_or(Status::Setup, |c| c.status);
    if !status.runs() {
        return Err(inactive(&row.connector, status));
    }
    let Some(version) = connector.and_then(|c| c.version).filter(|_| waited) else { return Ok(()) };
    let json = state.plan(&row.connector, version)?.unwrap_or_default();
    let plan = serde_json::from_str(&json).map_err(|e| {
        Failure::new(
            format!("version {version} of `{}` cannot be read: {e}", row.connector),
            "it was activated by another version of sconn: activate it again",
        )
    })?;
    frozen.begins(folder, SystemClock.now(), plan)?;
    crash::point("version kept");
    Ok(state.begins(&row.id, Some(version))?)
}

/// Within a project a live run takes the version that was activated, and needs an operational
/// connector; a dry run takes the file as it is, with a warning while something is missing.
fn version_to_run(
    project: &Project,
    connector: &Connector,
    plan: &Plan,
    ask: &Ask,
) -> Result<Option<i64>, Failure> {
    let Some(state) = project.state()? else { return Ok(None) };
    let name = &plan.connector.name;
    if !ask.live {
        for missing in incomplete(connector, plan) {
            eprintln!("warning: `{name}` is not complete: {missing}");
        }
        return Ok(None);
    }
    let file = ask.file.display();
    if plan.connector.concurrency == Some(0) {
        return Err(Failure::new(
            format!("`{name}` holds its executions back: its `concurrency` is 0"),
            format!("queue it (sconn submit {file}), or say `concurrency 1` in {file} and activate it again"),
        ));
    }
    let known = state.connector(name)?;
    let status = known.as_ref().map_or(Status::Setup, |k| k.status);
    let Some(known) = known.filter(|k| k.status.runs()) else {
        return Err(Failure::new(
            format!("`{name}` does not run live: it is {}", status.words()),
            format!("activate it: sconn activate {file}\na dry run is always possible: leave out --live"),
        ));
    };
    if known.hash.as_ref().is_some_and(|hash| *hash != version_hash(plan).1) {
        let version = known.version.unwrap_or_default();
        return Err(Failure::new(
            format!("{file} was edited since version {version} of `{name}` was activated"),
            format!("look at it with a dry run, then activate it again: sconn activate {file}"),
        ));
    }
    Ok(known.version)
}

/// Whether the last execution of that folder has ended: nobody goes on with it.
fn ended(project: &Project, out: &Path) -> bool {
    let known = || {
        let (Some(frozen), Some(state)) = (Frozen::load(out)?, project.state()?) else { return Ok(false) };
        Ok::<_, Failure>(state.execution(&frozen.execution)?.is_some_and(|row| row.state.ended()))
    };
    known().unwrap_or(false)
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
        _ => Failure::new(format!("{folder}: {cause}"), "choose another folder with --out"),
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

fn parameters(plan: &Plan, given: &[String]) -> Result<BTreeMap<String, Value>, Failure> {
    let timezone = TimeZone::get(&plan.connector.timezone).unwrap_or(TimeZone::UTC);
    let mut out = BTreeMap::new();
    for text in given {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("`{text}` is no parameter"), "write --param NAME=VALUE"))?;
        let Some(parameter) = plan.parameters.iter().find(|p| p.name == name) else {
            let known = plan.parameters.iter().map(|p| p.name.as_str());
            let hint = match crate::diagnostic::nearest(name, known) {
                Some(n) => format!("did you mean `{n}`?"),
                None => format!("declare it in the connector: `param {name}: string`"),
            };
            return Err(Failure::new(format!("the connector has no parameter `{name}`"), hint));
        };
        let ParameterPlan { ty, formats, .. } = parameter;
        let value = literal_value(*ty, Literal::Text(value), None, formats, &timezone)
            .map_err(|why| Failure::new(format!("the parameter `{name}` cannot be {value:?}"), why))?;
        if out.insert(name.to_owned(), value).is_some() {
            return Err(Failure::new(
                format!("the parameter `{name}` is given twice"),
                "leave one of them out",
            ));
        }
    }
    Ok(out)
}
