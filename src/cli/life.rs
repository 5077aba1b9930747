//! `sconn activate`, `deactivate` and `status`: the life of a project's connectors.

use super::args::{ActivateArgs, DeactivateArgs, Format, StatusArgs};
use super::findings::plan_or_tell;
use super::{Exit, Failure, Look, print, print_json, tell_result};
use crate::life::{
    Connector, Known, all_unheard, connector_files, discover, given_input, no_project, standing, unheard,
    unknown, waiting,
};
use crate::project::Project;
use crate::project::state::{ConnectorState, EventState, ExecutionRow, Status};
use crate::report::visible;
use crate::system::say::{say, say_on};
use crate::system::secrets::exposed;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::Path;

pub(super) fn activate(args: &ActivateArgs, look: Look) -> Result<Exit, Failure> {
    let mut known = Known::find(&args.connector)?;
    let connector = Connector::load(&known.file)?;
    let Some(plan) = plan_or_tell(&connector, look) else { return Ok(Exit::Failed) };
    let name = &plan.connector.name;
    let runs = known.state.connector(name)?.is_some_and(|c| c.status.runs());
    let mut cancelled = Vec::new();
    let root = known.project.root().to_path_buf();
    let done = crate::life::activate(&mut known, &connector, &plan, |queued| {
        cancelled = settle(&waiting(name, queued.len(), runs), queued, &root, args)?;
        Ok(cancelled.clone())
    })?;
    let mut text = format!("{name} is active, version {}", done.version);
    for before in &done.before {
        text += &format!("\n{before} is inactive: its file is `{name}` now; what is queued for it stays");
    }
    let json = json!({
        "connector": name, "version": done.version, "cancelled": cancelled, "deactivated": done.before,
    });
    tell_result(args.format, &text, &json)?;
    if !known.state.events(name, Some(EventState::Captured), None, 1, drop)?.is_empty() {
        say(format_args!("webhook events that were captured before stay so: sconn events list {name}"));
    }
    unheard(&known.project, &plan).iter().for_each(|notice| say(format_args!("notice: {notice}")));
    exposed(known.project.root()).iter().for_each(|told| say(format_args!("warning: {told}")));
    Ok(Exit::Clean)
}

/// What waits would begin to run: the user says first what becomes of it.
fn settle(
    what: &str,
    queued: &[ExecutionRow],
    root: &Path,
    args: &ActivateArgs,
) -> Result<Vec<String>, Failure> {
    let list: Vec<String> = queued.iter().map(|e| line(e, root)).collect();
    let what = format!("{what}:\n{}", list.join("\n"));
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
            say(format_args!("cancelled {}", execution.id));
            execution.id.clone()
        })
        .collect())
}

/// An execution that waits, for whoever says what becomes of it: its input, and who asked for it.
fn line(execution: &ExecutionRow, root: &Path) -> String {
    let ExecutionRow { id, state, queued_at, folder, triggered_by, .. } = execution;
    let mut text = format!("  {id}  {}  since {queued_at}", state.words());
    let names: Vec<String> = given_input(&root.join(folder)).into_iter().map(|f| f.name).collect();
    if !names.is_empty() {
        text += &format!("  {}", visible(&names.join(", ")));
    }
    if !triggered_by.is_empty() {
        text += &format!("  by {}", visible(triggered_by));
    }
    text
}

/// Asks on the terminal which of them to cancel.
fn ask<'q>(what: &str, queued: &'q [ExecutionRow]) -> Result<Vec<&'q ExecutionRow>, Failure> {
    say(what);
    say_on("Cancel which of them first? all, none, ids, or quit [none]: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    if std::io::stdin().read_line(&mut answer)? == 0 {
        // The end of the input is no answer.
        say("");
        answer = "quit".to_owned();
    }
    let apart = |c: char| c.is_whitespace() || c == ',';
    let words: Vec<&str> = answer.split(apart).filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] | ["none"] => return Ok(Vec::new()),
        ["all"] => return Ok(queued.iter().collect()),
        ["quit"] => return Err(Failure::new("it was not activated", "nothing was changed")),
        _ => {}
    }
    match words.iter().find(|w| !queued.iter().any(|e| e.id == **w)) {
        Some(word @ &("all" | "none" | "quit")) => Err(Failure::new(
            format!("`{word}` does not go together with other words"),
            "nothing was changed; try again",
        )),
        Some(unknown) => {
            Err(Failure::new(format!("`{unknown}` is none of them"), "nothing was changed; try again"))
        }
        None => Ok(queued.iter().filter(|e| words.contains(&e.id.as_str())).collect()),
    }
}

pub(super) fn deactivate(args: &DeactivateArgs) -> Result<Exit, Failure> {
    let mut known = Known::find(&args.connector)?;
    let name = &known.name;
    if known.state.connector(name)?.is_none_or(|c| c.version.is_none()) {
        return Err(Failure::new(
            format!("`{name}` was never activated"),
            "nothing is to be done: what was never activated does not run",
        ));
    }
    let was = known.state.deactivate(name)?;
    let text = if was {
        "is inactive: what runs stops after the chunk in hand, what arrives is queued"
    } else {
        "was not active"
    };
    let json = json!({ "connector": name, "was_active": was });
    tell_result(args.format, &format!("{name} {text}"), &json)
}

pub(super) fn status(args: &StatusArgs) -> Result<Exit, Failure> {
    let (project, mut state, only) = match &args.connector {
        Some(connector) => {
            let known = Known::find(connector)?;
            // One in a hidden folder is not found by itself.
            let unknown = ConnectorState {
                label: known.name.clone(),
                file: known.relative(),
                name: known.name,
                status: Status::Setup,
                version: None,
                hash: None,
            };
            (known.project, known.state, Some(unknown))
        }
        None => {
            let project = Project::here()?;
            let Some(state) = project.state()? else { return Err(no_project(project.root())) };
            (project, state, None)
        }
    };
    discover(&project, &mut state)?;
    let all = match &only {
        Some(only) => vec![state.connector(&only.name)?.unwrap_or_else(|| only.clone())],
        None => state.connectors()?,
    };
    let lines: Vec<_> =
        all.into_iter().map(|c| standing(&project, &state, c)).collect::<Result<_, Failure>>()?;
    if lines.is_empty() {
        // There may be some that we cannot see.
        connector_files(project.root(), &mut Vec::new())?;
    }
    if args.format == Format::Json {
        return print_json(&lines);
    }
    let width = lines.iter().map(|l| l.connector.name.len()).max().unwrap_or(0);
    for line in &lines {
        let c = &line.connector;
        let version = c.version.map(|v| format!(", version {v}")).unwrap_or_default();
        let changed =
            line.changed.map(|changed| format!(", {}", changed.words(&visible(&c.file)))).unwrap_or_default();
        let counts = [(line.running, "running"), (line.interrupted, "interrupted"), (line.queued, "queued")];
        let counts: String =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}")).collect();
        let next = line.next_slot.as_ref().map(|slot| format!(", next slot {slot}")).unwrap_or_default();
        print(&format!("{:width$}  {}{version}{changed}{counts}{next}\n", c.name, c.status.words()))?;
    }
    if lines.is_empty() {
        print("there is no connector in the project's folder yet\n")?;
    }
    if only.is_none() {
        print(&super::outbox::line(&state)?)?;
        let notices = [unknown(&project, &state)?, all_unheard(&project, &state)?].concat();
        notices.iter().try_for_each(|notice| print(&format!("notice: {notice}\n")))?;
        exposed(project.root()).iter().try_for_each(|told| print(&format!("warning: {told}\n")))?;
    }
    Ok(Exit::Clean)
}
