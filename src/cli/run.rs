//! `sconn run`: the one place where a run becomes dry or live, by the target it is given.

use super::args::{Format, RunArgs};
use super::connector::Connector;
use super::progress::Stages;
use super::{Exit, Failure, Look, io_words, print};
use crate::plan::Plan;
use crate::project::Project;
use crate::report::{RunState, terminal};
use crate::run::{Request, execute};
use crate::sql::SqlLimits;
use crate::system::clock::{Clock, SystemClock};
use crate::target::sqlite::Store;
use crate::target::{Recording, Target};
use crate::value::{Literal, Value, literal_value};
use std::collections::BTreeMap;
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
    let unusable = |e: std::io::Error| {
        let cause = if out.is_file() { "this is a file, not a folder".to_owned() } else { io_words(&e) };
        Failure::new(format!("{}: {cause}", out.display()), "choose another folder with --out")
    };
    std::fs::create_dir_all(&out).map_err(unusable)?;
    let scratch = tempfile::tempdir_in(&out).map_err(unusable)?;
    let target: Box<dyn Target> = if args.live {
        Box::new(Store::open_or_create_later(&store)?)
    } else {
        Box::new(Recording::new(Box::new(Store::open_readonly_or_empty(&store)?), scratch.path())?)
    };
    let progress = Arc::new(Stages::new());
    let stop = Arc::new(AtomicBool::new(false));
    let request = Request {
        plan: &plan,
        files: &args.input,
        parameters,
        execution,
        out: &out,
        workbook: !args.no_report,
        guard_formulas: args.guard_formulas,
        sql: limits(&plan),
        input: crate::input::Limits::default(),
        clock: &SystemClock,
        progress: progress.as_ref(),
        stop: &stop,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let (asked, shown) = (stop.clone(), progress.clone());
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                shown.stopping();
                asked.store(true, Ordering::Relaxed);
            }
            // A second Ctrl-C means it.
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
        execute(&request, target).await
    });
    // A query that did not hear of its limit may still be at work; nobody waits for it.
    runtime.shutdown_background();
    progress.done();
    let summary = summary?;
    match args.format {
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
        if out.insert(name.to_owned(), value).is_some() {
            return Err(Failure::new(
                format!("the parameter `{name}` is given twice"),
                "leave one of them out",
            ));
        }
    }
    Ok(out)
}
