//! `sconn run`: the one place where a run becomes dry or live, by the target it is given.

use super::args::{Format, RunArgs};
use super::connector::Connector;
use super::life::{incomplete, version_hash};
use super::worker::{Told, Worker};
use super::{Exit, Failure, Look, io_words, print};
use crate::input::InputFile;
use crate::plan::{ParameterPlan, Plan};
use crate::project::Project;
use crate::project::state::{ExecutionState, NewExecution, Status};
use crate::report::{RunMode, RunState, terminal};
use crate::run::{Frozen, Progress, Request, RunError, Silent, execute, freeze};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, SystemClock};
use crate::system::folder::{ExecutionFolder, FolderError};
use crate::target::sqlite::Store;
use crate::target::{Recording, Target, TargetError};
use crate::value::{Literal, Value, literal_value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn run(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let format = args.format;
    let Some(asked) = ask(args, look, version_to_run)? else { return Ok(Exit::Failed) };
    let target = asked.open_target()?;
    asked.register()?;
    go(asked, target, format, look)
}

/// Puts an execution into the project's queue; gives its id, or none where the connector has errors.
pub(super) fn queue(args: RunArgs, look: Look) -> Result<Option<String>, Failure> {
    // Whatever the connector's status is, it can be queued; which version it runs is known when it begins.
    let Some(asked) = ask(args, look, |_, _, _, _| Ok(None))? else { return Ok(None) };
    if asked.project.state()?.is_none() {
        return Err(Failure::new(
            "there is no project here, and so no queue",
            "make one with an empty file `sconn.toml`, or use `sconn run`",
        ));
    }
    let target = asked.open_target()?;
    let (here, quiet, never) = (std::env::current_dir()?, Silent, AtomicBool::new(false));
    freeze(&asked.request(&here, &quiet, &never), &asked.folder, &target.info())?;
    asked.folder.leave();
    asked.register()?;
    Ok(Some(asked.execution))
}

/// Goes on with an execution that was interrupted, or begins one that was queued, as it was asked for.
pub(super) fn resume(root: &Path, format: Format, look: Look) -> Result<Exit, Failure> {
    let Some(frozen) = Frozen::load(root)? else {
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
    let plan = version_at_last(&project, &frozen)?.unwrap_or(frozen.plan.clone());
    let asked = Asked {
        project,
        store: PathBuf::from(&frozen.target.place),
        live: RunMode::from_words(&frozen.target.mode) == RunMode::Live,
        version: None,
        files: frozen.inputs(),
        plan,
        parameters: frozen.parameters,
        execution: frozen.execution,
        started: frozen.started,
        workbook: frozen.workbook,
        guard_formulas: frozen.guard_formulas,
        folder,
    };
    let target = asked.open_target()?;
    go(asked, target, format, look)
}

/// A live execution that waited runs the version that is active when it begins. Live, nothing begins and
/// nothing goes on while its connector is not active.
fn version_at_last(project: &Project, frozen: &Frozen) -> Result<Option<Plan>, Failure> {
    let Some(state) = project.state()? else { return Ok(None) };
    let Some(row) = state.execution(&frozen.execution)? else { return Ok(None) };
    if row.state.ended() || !row.live {
        return Ok(None);
    }
    let connector = state.connector(&row.connector)?;
    let status = connector.as_ref().map_or(Status::Setup, |c| c.status);
    if !status.runs() {
        return Err(Failure::new(
            format!("`{}` does not run live: it is {}", row.connector, status.words()),
            format!("activate it: sconn activate {}", row.connector),
        ));
    }
    let waited = row.state == ExecutionState::Queued;
    let Some(version) = connector.and_then(|c| c.version).filter(|_| waited) else { return Ok(None) };
    let json = state.plan(&row.connector, version)?.unwrap_or_default();
    serde_json::from_str(&json).map(Some).map_err(|e| {
        Failure::new(
            format!("version {version} of `{}` cannot be read: {e}", row.connector),
            "it was activated by another version of sconn: activate it again",
        )
    })
}

/// An execution with everything that it is given.
struct Asked {
    project: Project,
    /// The target's place.
    store: PathBuf,
    live: bool,
    /// The activated version that it runs.
    version: Option<i64>,
    plan: Plan,
    files: Vec<InputFile>,
    parameters: BTreeMap<String, Value>,
    execution: String,
    started: Timestamp,
    workbook: bool,
    guard_formulas: bool,
    folder: ExecutionFolder,
}

impl Asked {
    /// What makes a run dry or live, and the only place that does.
    fn open_target(&self) -> Result<Box<dyn Target>, Failure> {
        Ok(if self.live {
            Box::new(Store::open_or_create_later(&self.store)?)
        } else {
            let base = Store::open_readonly_or_empty(&self.store)?;
            Box::new(Recording::new(Box::new(base), self.folder.work())?)
        })
    }

    /// Tells the project's state of it, where there is one.
    fn register(&self) -> Result<(), Failure> {
        let Some(mut state) = self.project.state()? else { return Ok(()) };
        let absolute = std::path::absolute(self.folder.root())?;
        let root = std::path::absolute(self.project.root())?;
        let folder = absolute.strip_prefix(&root).unwrap_or(&absolute);
        Ok(state.queue(NewExecution {
            id: &self.execution,
            connector: &self.plan.connector.name,
            version: self.version,
            live: self.live,
            folder: &folder.display().to_string(),
            at: self.started,
        })?)
    }

    fn request<'a>(
        &'a self,
        here: &'a Path,
        progress: &'a dyn Progress,
        stop: &'a AtomicBool,
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
            sql: limits(&self.plan),
            input: crate::input::Limits::default(),
            clock: &SystemClock,
            progress,
            stop,
        }
    }
}

/// Reads what a command line asks for; none where the connector has errors, which are shown.
/// `version` says which activated version it runs.
fn ask(
    args: RunArgs,
    look: Look,
    version: impl Fn(&Project, &Connector, &Plan, &RunArgs) -> Result<Option<i64>, Failure>,
) -> Result<Option<Asked>, Failure> {
    let connector = Connector::load(&args.file)?;
    let Some(plan) = connector.plan_or_tell(look)? else { return Ok(None) };
    if plan.loads.is_empty() && plan.queries.is_empty() {
        return Err(Failure::new(
            format!("{} has nothing to run", args.file.display()),
            "a connector needs at least a scope; `sconn check` tells more",
        ));
    }
    let parameters = parameters(&plan, &args.params)?;
    let project = Project::of(&args.file)?;
    let store = project.target(args.target.as_deref())?;
    let version = version(&project, &connector, &plan, &args)?;
    let execution = execution_id(&SystemClock);
    let out = args.out.clone().unwrap_or_else(|| project.executions().join(&execution));
    let folder = ExecutionFolder::create(&out).map_err(|e| unusable(&out, &e))?;
    Ok(Some(Asked {
        project,
        store,
        live: args.live,
        version,
        plan,
        files: args.input.into_iter().map(InputFile::from).collect(),
        parameters,
        execution,
        started: SystemClock.now(),
        workbook: !args.no_report,
        guard_formulas: args.guard_formulas,
        folder,
    }))
}

/// Within a project a live run takes the version that was activated, and needs an operational
/// connector; a dry run takes the file as it is, with a warning while something is missing.
fn version_to_run(
    project: &Project,
    connector: &Connector,
    plan: &Plan,
    args: &RunArgs,
) -> Result<Option<i64>, Failure> {
    let Some(state) = project.state()? else { return Ok(None) };
    let name = &plan.connector.name;
    if !args.live {
        for missing in incomplete(connector, plan) {
            eprintln!("warning: `{name}` is not complete: {missing}");
        }
        return Ok(None);
    }
    let file = args.file.display();
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

fn unusable(out: &Path, error: &FolderError) -> Failure {
    let cause =
        if out.is_file() { "this is a file, not a folder".to_owned() } else { io_words(&error.cause) };
    let hint = match error.cause.kind() {
        std::io::ErrorKind::WouldBlock => "wait until it is done, or stop it first",
        _ => "choose another folder with --out",
    };
    Failure::new(format!("{}: {cause}", out.display()), hint)
}

fn go(asked: Asked, target: Box<dyn Target>, format: Format, look: Look) -> Result<Exit, Failure> {
    let told = Arc::new(Told::new());
    let stop = Arc::new(AtomicBool::new(false));
    let mut worker = Worker::take(&asked.project, &asked.execution)?;
    if let Some(worker) = &mut worker {
        worker.beat(&asked.project, &told, &stop)?;
    }
    let here = std::env::current_dir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        hear_ctrl_c(told.clone(), stop.clone()).await;
        execute(&asked.request(&here, told.as_ref(), &stop), &asked.folder, target).await
    });
    // A query that did not hear of its limit may still be at work; nobody waits for it.
    runtime.shutdown_background();
    told.done();
    match &done {
        Ok(_) => asked.folder.ended(),
        Err(RunError::Target(TargetError::TakenOver { .. })) => asked.folder.leave(),
        Err(_) => {}
    }
    if let Some(worker) = worker {
        let failure = done.as_ref().err().map(ToString::to_string);
        worker.end(done.as_ref().ok(), failure.as_deref())?;
    }
    let summary = done?;
    match format {
        Format::Text => print(&terminal(&summary, look.out_color, look.width))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&summary).map_err(|e| Failure::new(e.to_string(), ""))?;
            print(&format!("{json}\n"))?;
        }
    }
    if let Some(failure) = &summary.failure {
        // The first line says what is wrong, the others what to do.
        let (what, mend) = failure.split_once('\n').unwrap_or((failure, ""));
        return Err(Failure::new(what, mend));
    }
    Ok(match summary.state {
        RunState::Completed => Exit::Clean,
        RunState::CompletedWithErrors | RunState::Cancelled => Exit::Findings,
        RunState::Failed => Exit::Failed,
    })
}

/// Hears Ctrl-C from when this returns.
async fn hear_ctrl_c(told: Arc<Told>, stop: Arc<AtomicBool>) {
    let (listens, listening) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = std::pin::pin!(tokio::signal::ctrl_c());
        // Asked once, it listens; before that Ctrl-C would end the process.
        let early = futures::poll!(&mut first);
        let _ = listens.send(());
        if early.is_ready() || first.await.is_ok() {
            told.stopping();
            stop.store(true, Ordering::Relaxed);
        }
        // A second Ctrl-C means it.
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    let _ = listening.await;
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
fn execution_id(clock: &dyn Clock) -> String {
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
