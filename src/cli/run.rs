//! `sconn run`: the one place where a run becomes dry or live, by the target it is given.

use super::args::{Format, RunArgs};
use super::connector::Connector;
use super::progress::Stages;
use super::{Exit, Failure, Look, print};
use crate::input::InputFile;
use crate::plan::Plan;
use crate::project::Project;
use crate::report::{RunMode, RunState, terminal};
use crate::run::{Frozen, Request, execute};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, SystemClock};
use crate::system::folder::{ExecutionFolder, FolderError};
use crate::target::sqlite::Store;
use crate::target::{Recording, Target};
use crate::value::{Literal, Value, literal_value};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn run(args: RunArgs, look: Look) -> Result<Exit, Failure> {
    let connector = Connector::load(&args.file)?;
    let Some(plan) = connector.plan_or_tell(look)? else { return Ok(Exit::Failed) };
    if plan.loads.is_empty() && plan.queries.is_empty() {
        return Err(Failure::new(
            format!("{} has nothing to run", args.file.display()),
            "a connector needs at least a scope; `sconn check` tells more",
        ));
    }
    let parameters = parameters(&plan, &args.params)?;
    let project = Project::of(&args.file)?;
    let store = project.target(args.target.as_deref())?;
    let execution = execution_id(&SystemClock);
    let out = args.out.clone().unwrap_or_else(|| project.executions().join(&execution));
    let folder = ExecutionFolder::create(&out).map_err(|e| unusable(&out, &e))?;
    let target = open_target(&store, args.live, folder.work())?;
    let files: Vec<InputFile> = args.input.into_iter().map(InputFile::from).collect();
    let request = Asked {
        plan: &plan,
        files: &files,
        parameters,
        execution,
        started: SystemClock.now(),
        workbook: !args.no_report,
        guard_formulas: args.guard_formulas,
    };
    go(request, folder, target, args.format, look)
}

/// Goes on with an execution that was interrupted, as it was asked then.
pub(super) fn resume(root: &Path, format: Format, look: Look) -> Result<Exit, Failure> {
    let Some(frozen) = Frozen::load(root)? else {
        return Err(Failure::new(
            format!("there is nothing to resume in {}", root.display()),
            "only an execution that was interrupted can be resumed, and only after its input was kept",
        ));
    };
    // Paths are told as they were when it began, unless its folder was moved since.
    let root = std::path::absolute(root)?;
    std::env::set_current_dir(&frozen.here)?;
    let moved = !frozen.folder.canonicalize().is_ok_and(|f| root.canonicalize().is_ok_and(|r| f == r));
    let root = if moved { &root } else { &frozen.folder };
    let folder = ExecutionFolder::reopen(root).map_err(|e| unusable(root, &e))?;
    frozen.check_inputs()?;
    let live = RunMode::from_words(&frozen.target.mode) == RunMode::Live;
    let target = open_target(Path::new(&frozen.target.place), live, folder.work())?;
    let files = frozen.inputs();
    let request = Asked {
        plan: &frozen.plan,
        files: &files,
        parameters: frozen.parameters.clone(),
        execution: frozen.execution.clone(),
        started: frozen.started,
        workbook: frozen.workbook,
        guard_formulas: frozen.guard_formulas,
    };
    go(request, folder, target, format, look)
}

/// What makes a run dry or live, and the only place that does.
fn open_target(store: &Path, live: bool, scratch: &Path) -> Result<Box<dyn Target>, Failure> {
    Ok(if live {
        Box::new(Store::open_or_create_later(store)?)
    } else {
        Box::new(Recording::new(Box::new(Store::open_readonly_or_empty(store)?), scratch)?)
    })
}

fn unusable(out: &Path, error: &FolderError) -> Failure {
    let cause =
        if out.is_file() { "this is a file, not a folder".to_owned() } else { error.cause.to_string() };
    let hint = match error.cause.kind() {
        std::io::ErrorKind::WouldBlock => "wait until it is done, or stop it first",
        _ => "choose another folder with --out",
    };
    Failure::new(format!("{}: {cause}", out.display()), hint)
}

/// What both a new run and a resumed one ask for.
struct Asked<'a> {
    plan: &'a Plan,
    files: &'a [InputFile],
    parameters: BTreeMap<String, Value>,
    execution: String,
    started: Timestamp,
    workbook: bool,
    guard_formulas: bool,
}

fn go(
    asked: Asked<'_>,
    folder: ExecutionFolder,
    target: Box<dyn Target>,
    format: Format,
    look: Look,
) -> Result<Exit, Failure> {
    let progress = Stages::new();
    let stop = Arc::new(AtomicBool::new(false));
    let here = std::env::current_dir()?;
    let request = Request {
        plan: asked.plan,
        files: asked.files,
        parameters: asked.parameters,
        execution: asked.execution,
        started: asked.started,
        here: &here,
        workbook: asked.workbook,
        guard_formulas: asked.guard_formulas,
        sql: limits(asked.plan),
        input: crate::input::Limits::default(),
        clock: &SystemClock,
        progress: &progress,
        stop: &stop,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let stop = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                eprintln!("stopping after the chunk in hand …");
                stop.store(true, Ordering::Relaxed);
            }
            // A second Ctrl-C means it.
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        execute(&request, folder, target).await
    });
    // A query that did not hear of its limit may still be at work; nobody waits for it.
    runtime.shutdown_background();
    progress.done();
    let summary = summary?;
    match format {
        Format::Text => print(&terminal(&summary, look.out_color, look.width))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&summary).map_err(|e| Failure::new(e.to_string(), ""))?;
            print(&format!("{json}\n"))?;
            if let Some(failure) = &summary.failure {
                eprintln!("error: {}", failure.replace('\n', "\n  "));
            }
        }
    }
    Ok(match summary.state {
        RunState::Completed => Exit::Clean,
        RunState::CompletedWithErrors | RunState::Cancelled => Exit::Findings,
        RunState::Failed => Exit::Failed,
    })
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
        let value = literal_value(parameter.ty, Literal::Text(value), &[])
            .map_err(|why| Failure::new(format!("the parameter `{name}` cannot be {value:?}"), why))?;
        out.insert(name.to_owned(), value);
    }
    Ok(out)
}
