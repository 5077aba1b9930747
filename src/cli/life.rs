//! `sconn activate`, `deactivate` and `status`: the life of a project's connectors.

use super::args::{ActivateArgs, DeactivateArgs, Format, StatusArgs};
use super::findings::plan_or_tell;
use super::{Exit, Failure, Look, print};
use crate::life::{Connector, Known, all_unheard, discover, no_project, standing, unheard, unknown};
use crate::project::Project;
use crate::project::state::{EventState, ExecutionRow, Status};
use std::io::{IsTerminal, Write};

pub(super) fn activate(args: &ActivateArgs, look: Look) -> Result<Exit, Failure> {
    let mut known = Known::find(&args.connector)?;
    let connector = Connector::load(&known.file)?;
    let Some(plan) = plan_or_tell(&connector, look) else { return Ok(Exit::Failed) };
    let name = &plan.connector.name;
    let version = crate::life::activate(&mut known, &connector, &plan, |queued| settle(name, queued, args))?;
    print(&format!("{name} is active, version {version}\n"))?;
    if !known.state.events(name, Some(EventState::Captured), None, 1, drop)?.is_empty() {
        eprintln!("webhook events that were captured before stay so: sconn events list {name}");
    }
    unheard(&known.project, &plan).iter().for_each(|notice| eprintln!("notice: {notice}"));
    Ok(Exit::Clean)
}

/// What waits would begin to run: the user says first what becomes of it.
fn settle(name: &str, queued: &[ExecutionRow], args: &ActivateArgs) -> Result<Vec<String>, Failure> {
    let list: Vec<String> = queued
        .iter()
        .map(|e| format!("  {}  {}  queued {}", e.id, if e.live { "live" } else { "dry run" }, e.queued_at))
        .collect();
    let count = queued.len();
    let what = format!(
        "{count} queued {} would begin once `{name}` is active:\n{}",
        if count == 1 { "execution" } else { "executions" },
        list.join("\n")
    );
    let cancel: Vec<&ExecutionRow> = if args.cancel_queued {
        queued.iter().collect()
    } else if args.keep_queued {
        Vec::new()
    } else if std::io::stdin().is_terminal() {
        ask(&what, queued)?
    } else {
        return Err(Failure::new(what, "say what becomes of them: --keep-queued or --cancel-queued"));
    };
    Ok(cancel
        .into_iter()
        .map(|execution| {
            eprintln!("cancelled {}", execution.id);
            execution.id.clone()
        })
        .collect())
}

/// Asks on the terminal which of them to cancel.
fn ask<'q>(what: &str, queued: &'q [ExecutionRow]) -> Result<Vec<&'q ExecutionRow>, Failure> {
    eprintln!("{what}");
    eprint!("Cancel which of them first? all, none, or ids separated by spaces [none]: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let words: Vec<&str> = answer.split_whitespace().collect();
    if let Some(unknown) =
        words.iter().find(|w| **w != "all" && **w != "none" && !queued.iter().any(|e| e.id == **w))
    {
        return Err(Failure::new(format!("`{unknown}` is none of them"), "nothing was changed; try again"));
    }
    let all = words.contains(&"all");
    Ok(queued.iter().filter(|e| all || words.contains(&e.id.as_str())).collect())
}

pub(super) fn deactivate(args: &DeactivateArgs) -> Result<Exit, Failure> {
    let mut known = Known::find(&args.connector)?;
    let relative = known.relative();
    let Some(connector) = known.state.connectors()?.into_iter().find(|c| c.file == relative) else {
        return Err(Failure::new(
            format!("{} was never activated", known.file.display()),
            "nothing is to be done: what was never activated does not run",
        ));
    };
    let was = known.state.deactivate(&connector.name)?;
    let text = if was {
        "is inactive: what runs stops after the chunk in hand, what arrives is queued"
    } else {
        "was not active"
    };
    print(&format!("{} {text}\n", connector.name))?;
    Ok(Exit::Clean)
}

pub(super) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let (project, state, only) = match &args.connector {
        Some(connector) => {
            let known = Known::find(connector)?;
            let relative = known.relative();
            (known.project, known.state, Some(relative))
        }
        None => {
            let project = Project::here()?;
            let Some(mut state) = project.state()? else { return Err(no_project(project.root())) };
            discover(&project, &mut state)?;
            (project, state, None)
        }
    };
    let mut lines = Vec::new();
    for connector in state.connectors()?.into_iter().filter(|c| only.as_ref().is_none_or(|o| *o == c.file)) {
        lines.push(standing(&project, &state, connector)?);
    }
    if let (Some(file), true) = (&only, lines.is_empty()) {
        print(&format!("{file}: {}\n", Status::Setup.words()))?;
        return Ok(Exit::Clean);
    }
    if args.format == Format::Json {
        let json = serde_json::to_string_pretty(&lines).map_err(|e| Failure::new(e.to_string(), ""))?;
        print(&format!("{json}\n"))?;
        return Ok(Exit::Clean);
    }
    let width = lines.iter().map(|l| l.connector.name.len()).max().unwrap_or(0);
    for line in &lines {
        let c = &line.connector;
        let version = c.version.map(|v| format!(", version {v}")).unwrap_or_default();
        let edited = if line.edited { ", edited since: activate it again" } else { "" };
        let queued = if line.queued > 0 { format!(", {} queued", line.queued) } else { String::new() };
        let next = line.next_slot.as_ref().map(|slot| format!(", next slot {slot}")).unwrap_or_default();
        print(&format!("{:width$}  {}{version}{edited}{queued}{next}\n", c.name, c.status.words()))?;
    }
    if lines.is_empty() {
        print("there is no connector in the project's folder yet\n")?;
    }
    if only.is_none() {
        print(&super::outbox::line(&state)?)?;
        let notices = [unknown(&project, &state)?, all_unheard(&project, &state)?].concat();
        notices.iter().try_for_each(|notice| print(&format!("notice: {notice}\n")))?;
    }
    Ok(Exit::Clean)
}
