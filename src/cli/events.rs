//! `sconn events`: webhook events, looked at, tried, run, thrown away.

use super::args::{EventsCommand, Format, RunArgs, WhichEvents};
use super::copy::{copy, may_write};
use super::{Exit, Failure, Look, print, print_json, tell_queued, tell_result};
use crate::life::views::{EventDetails, EventHead};
use crate::life::{
    Discarded, Known, choose_events, discard_events, no_project, process_events, sample_events,
};
use crate::project::Project;
use crate::project::state::EventState;
use crate::report::visible;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) fn events(command: EventsCommand, look: Look) -> Result<Exit, Failure> {
    match command {
        EventsCommand::List { connector, state, limit, format } => {
            let (known, name) = find(&connector)?;
            list(known.state.events(&name, state.map(Into::into), None, limit, EventHead::from)?, format)
        }
        EventsCommand::Show { event, format } => show(event, format),
        EventsCommand::Replay { which, live: true, by, format, .. } => {
            let (mut known, name, events) = choose(&which)?;
            let id = process_events(&mut known, &name, &events, by.as_deref().unwrap_or_default())?;
            tell_queued(format, &id)
        }
        EventsCommand::Replay { which, live: false, no_report, by, format } => {
            let (known, _, events) = choose(&which)?;
            let samples = sample_events(&known.state, &events)?;
            super::run::run(dry_run(known.file_of_it()?, samples.file.clone(), no_report, by, format), look)
        }
        EventsCommand::Sample { which, to, force, format } => {
            let (known, _, events) = choose(&which)?;
            let samples = sample_events(&known.state, &events)?;
            may_write(&samples.file, &to, force)?;
            copy(&samples.file, &to)?;
            let (count, to) = (events.len(), to.display().to_string());
            tell_result(
                format,
                &format!("{count} events are in {to}"),
                &json!({ "events": count, "file": to }),
            )
        }
        EventsCommand::Discard { which, all, format } => discard(&which, all, format),
    }
}

/// A connector and its name: one that is being written may not compile yet.
fn find(connector: &Path) -> Result<(Known, String), Failure> {
    let known = Known::find(connector)?;
    let name = known.name.clone();
    Ok((known, name))
}

fn choose(which: &WhichEvents) -> Result<(Known, String, Vec<i64>), Failure> {
    let (known, name) = find(&which.connector)?;
    let events = choose_events(
        &known.state,
        &name,
        Some(which.ids.as_slice()).filter(|ids| !ids.is_empty()),
        which.since,
    )?;
    Ok((known, name, events))
}

fn dry_run(file: PathBuf, input: PathBuf, no_report: bool, by: Option<String>, format: Format) -> RunArgs {
    RunArgs {
        file,
        input: vec![input],
        live: false,
        params: Vec::new(),
        target: None,
        out: None,
        format,
        no_report,
        guard_formulas: false,
        by,
    }
}

fn list(events: Vec<EventHead>, format: Format) -> Result<Exit, Failure> {
    if format == Format::Json {
        return print_json(&events);
    }
    if events.is_empty() {
        print("no events\n")?;
    }
    for e in events {
        let of = e.execution.as_deref().map(|x| format!(" in {x}")).unwrap_or_default();
        let state = EventState::from(e.state).words();
        print(&format!("{}  {}  {state}{of}  {} bytes\n", e.id, e.received_at, e.bytes))?;
    }
    Ok(Exit::Clean)
}

fn show(id: i64, format: Format) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(state) = project.state()? else { return Err(no_project(project.root())) };
    let event = state.event(id)?.ok_or_else(|| {
        Failure::new(format!("there is no event {id}"), "`sconn events list CONNECTOR` shows those there are")
    })?;
    if format == Format::Json {
        return print_json(&EventDetails::from(event));
    }
    let line = |name: &str, value: &str| {
        if value.is_empty() { String::new() } else { format!("{name:13}{}\n", visible(value)) }
    };
    let mut text = format!("{id}\n");
    text += &line("connector", &event.connector);
    text += &line("received", &event.received_at);
    text += &line("state", event.state.words());
    text += &line("execution", event.execution.as_deref().unwrap_or_default());
    text += &line("key", event.key.as_deref().unwrap_or_default());
    text += &line("employee", &event.employee_id);
    text += &line("query", &event.querystring);
    text += &line("content type", &event.content_type);
    let body: Vec<String> = event.body.lines().map(|l| visible(l).into()).collect();
    text += &format!("\n{}\n", body.join("\n"));
    print(&text)?;
    Ok(Exit::Clean)
}

fn discard(which: &WhichEvents, all: bool, format: Format) -> Result<Exit, Failure> {
    if which.ids.is_empty() && which.since.is_none() && !all {
        return Err(Failure::new("which events?", "give their ids, --since TIME, or --all"));
    }
    let (mut known, _, events) = choose(which)?;
    let Discarded { gone, other } = discard_events(&mut known.state, &events)?;
    let text = if other > 0 { format!("; of {other} something became already") } else { String::new() };
    let json = json!({ "discarded": gone, "already": other });
    tell_result(format, &format!("{gone} events are discarded{text}"), &json)?;
    Ok(if other > 0 { Exit::Findings } else { Exit::Clean })
}
