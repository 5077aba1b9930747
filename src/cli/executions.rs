//! `sconn executions`: list, show, cancel, resume, download.

use super::args::{Artefact, ExecutionsCommand, Format};
use super::run::Asker;
use super::{Exit, Failure, Look, print};
use crate::life::{Removed, end_cancelled, find_execution, kept_files};
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, State};
use crate::system::clock::{Clock, SystemClock};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn executions(command: ExecutionsCommand, look: Look) -> Result<Exit, Failure> {
    match command {
        ExecutionsCommand::List { connector, limit, format } => list(connector.as_deref(), limit, format),
        ExecutionsCommand::Show { execution, format } => show(&execution, format),
        ExecutionsCommand::Cancel { execution } => cancel(&execution),
        ExecutionsCommand::Resume { execution, format, from_queue } => {
            let folder = folder(&Project::here()?, &execution)?;
            if !from_queue {
                return super::run::resume(&folder, Asker::Person, format, look);
            }
            match super::run::resume(&folder, Asker::Queue, format, look) {
                Err(failure) if failure.later => Ok(Exit::NotNow),
                done => done,
            }
        }
        ExecutionsCommand::Prune { older_than, dry_run } => prune(older_than, dry_run),
        ExecutionsCommand::Download { execution, artefact, to } => download(&execution, artefact, to),
    }
}

/// The folder of an execution: by its id, or the folder itself.
fn folder(project: &Project, execution: &Path) -> Result<PathBuf, Failure> {
    if let (Some(state), Some(id)) = (project.state()?, execution.to_str())
        && let Some(row) = state.execution(id)?
    {
        return Ok(project.root().join(row.folder));
    }
    let own = project.executions().join(execution);
    let folder = if own.is_dir() { own } else { execution.to_path_buf() };
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(Failure::new(
        format!("there is no execution {}", execution.display()),
        "give its id, as `sconn run` told it, or the folder of its --out",
    ))
}

/// The state of the project of the current folder, with what is known of workers that are gone.
fn state() -> Result<(Project, State), Failure> {
    let project = Project::here()?;
    let Some(mut state) = project.state()? else {
        return Err(Failure::new(
            "there is no project here: executions are only listed within one",
            format!("make one: an empty file `sconn.toml` in {}", project.root().display()),
        ));
    };
    state.find_interrupted(SystemClock.now())?;
    Ok((project, state))
}

fn list(connector: Option<&str>, limit: i64, format: Format) -> Result<Exit, Failure> {
    let (_, state) = state()?;
    let rows = state.executions(connector, limit)?;
    if format == Format::Json {
        return json(&rows);
    }
    if rows.is_empty() {
        print("no executions yet\n")?;
    }
    for row in rows {
        let mode = if row.live { "live" } else { "dry run" };
        let how = match &row.stage {
            Some(stage) => format!("{} ({stage}{})", row.state.words(), far(&row)),
            None => row.state.words().to_owned(),
        };
        let gone = if row.files_gone_at.is_some() { "  (its files are gone)" } else { "" };
        print(&format!("{}  {}  {mode:7}  {how}{gone}\n", row.id, row.connector))?;
    }
    Ok(Exit::Clean)
}

fn far(row: &ExecutionRow) -> String {
    match (row.done, row.total) {
        (Some(done), Some(total)) if total > 0 => format!(", {} %", done * 100 / total),
        _ => String::new(),
    }
}

fn show(id: &str, format: Format) -> Result<Exit, Failure> {
    let (project, state) = state()?;
    let row = find_execution(&state, id)?;
    if format == Format::Json {
        return json(&row);
    }
    let line = |name: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!("{name:10}{value}\n"))
    };
    let mut text = format!("{}\n", row.id);
    text += &line("connector", Some(&row.connector));
    let version = row.version.map(|v| v.to_string());
    text += &line("version", version.as_deref());
    text += &line("mode", Some(if row.live { "live" } else { "dry run" }));
    text += &line("state", Some(row.state.words()));
    let left = format!("to people: resume it (sconn executions resume {}), or cancel it", row.id);
    text += &line("left", row.left_to_people.then_some(left.as_str()));
    text += &line("stage", row.stage.as_deref());
    text += &line("queued", Some(&row.queued_at));
    text += &line("started", row.started_at.as_deref());
    text += &line("ended", row.ended_at.as_deref());
    text += &line("failure", row.failure.as_deref());
    text += &match &row.files_gone_at {
        Some(at) => line("files", Some(&format!("removed at {at}, as the retention says"))),
        None => line("folder", Some(&project.root().join(&row.folder).display().to_string())),
    };
    for message in state.messages(Some(id), 50)? {
        text += &line("told", Some(&super::outbox::words(&message)));
    }
    print(&text)?;
    Ok(Exit::Clean)
}

fn cancel(id: &str) -> Result<Exit, Failure> {
    let (project, mut state) = state()?;
    let row = find_execution(&state, id)?;
    let was = state.cancel(id, SystemClock.now())?;
    let text = match was {
        Some(ExecutionState::Running) => "stops after the chunk in hand; what was committed stays",
        Some(ExecutionState::Interrupted) => {
            if end_cancelled(&project, &mut state, &row)? {
                "is cancelled; what was committed stays, and its report says what that is"
            } else {
                "is asked to stop; its worker is silent: once it is heard of again, or `sconn work` ended it, it is \
                 cancelled"
            }
        }
        Some(ExecutionState::Queued) => "is cancelled",
        _ => "has ended already",
    };
    print(&format!("{id} {text}\n"))?;
    Ok(Exit::Clean)
}

/// Removes the files of old executions.
fn prune(older_than: Option<Duration>, dry: bool) -> Result<Exit, Failure> {
    let (project, mut state) = state()?;
    let Some(older_than) = older_than.or(project.retention().executions) else {
        return Err(Failure::new(
            "nothing says how long the files of executions stay: for ever, then",
            "say it once with --older-than 30d, or for good in sconn.toml:\n[retention]\nexecutions = \"90d\"",
        ));
    };
    let all = crate::life::prune(&project, &mut state, older_than, dry)?;
    for (execution, removed) in &all {
        let how = match removed {
            Removed::Gone if dry => "would go",
            Removed::Gone => "removed",
            Removed::Stays(why) => &format!("stays: {why}"),
        };
        print(&format!("{}  {}  ended {}  {how}\n", execution.id, execution.connector, execution.ended_at))?;
    }
    if all.is_empty() {
        print("there is nothing to remove\n")?;
    }
    Ok(Exit::Clean)
}

fn download(id: &Path, artefact: Artefact, to: Option<PathBuf>) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let row = project.state()?.map(|s| s.execution(&id.display().to_string())).transpose()?.flatten();
    let folder = match row {
        Some(row) => kept_files(&project, &row)?,
        None => folder(&project, id)?,
    };
    let artefact = crate::life::Artefact::from(artefact);
    let from = artefact.of(&folder)?;
    let to = to.unwrap_or_else(|| PathBuf::from(artefact.file()));
    if from.is_dir() {
        std::fs::create_dir_all(&to)?;
        for entry in std::fs::read_dir(&from)? {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    } else {
        std::fs::copy(&from, &to)?;
    }
    print(&format!("{}\n", to.display()))?;
    Ok(Exit::Clean)
}

fn json<T: serde::Serialize>(value: &T) -> Result<Exit, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|e| Failure::new(e.to_string(), ""))?;
    print(&format!("{json}\n"))?;
    Ok(Exit::Clean)
}
