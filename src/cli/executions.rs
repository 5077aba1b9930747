//! `sconn executions`: list, show, cancel, resume, run again, prune, download.

mod download;

use super::args::{ExecutionsCommand, Format, Mode};
use super::run::Asker;
use super::{Exit, Failure, Look, print, print_json, tell, tell_queued, tell_result};
use crate::life::views::{Execution, ExecutionDetails};
use crate::life::{
    self, Artefact, Cancel, Known, Removed, TOO_LATE, discover, end_cancelled, end_unkept, find_execution,
    percent, resumable, run_again, send_now, steps, waits,
};
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, Expired, State};
use crate::report::visible;
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) fn executions(command: ExecutionsCommand, look: Look) -> Result<Exit, Failure> {
    match command {
        ExecutionsCommand::List { connector, limit, format } => list(connector.as_deref(), limit, format),
        ExecutionsCommand::Show { execution, format } => show(&execution, format),
        ExecutionsCommand::Cancel { execution, format } => cancel(&execution, format),
        ExecutionsCommand::Resume { execution, format, from_queue } => {
            let project = Project::here()?;
            let folder = folder(&project, &execution)?;
            if !from_queue {
                if let Some((mut state, row)) = known(&project, &execution)? {
                    let ended = end_unkept(&project, &mut state, &row)?;
                    let row = if ended { find_execution(&state, &row.id)? } else { row };
                    resumable(&project, &state, &row)?;
                }
                return super::run::resume(&folder, Asker::Person, format, look);
            }
            if let Some((mut state, row)) = known(&project, &execution)?
                && end_unkept(&project, &mut state, &row)?
            {
                return Ok(Exit::ForPeople);
            }
            match super::run::resume(&folder, Asker::Queue, format, look) {
                Err(failure) if failure.later => Ok(Exit::NotNow),
                // Why is the last line of what it says, and is read there.
                Err(failure) if !failure.broken => {
                    tell(&failure, look.err_color);
                    Ok(Exit::ForPeople)
                }
                done => done,
            }
        }
        ExecutionsCommand::RunAgain { execution, mode, by, format } => {
            let (project, state) = state()?;
            let row = find_execution(&state, &execution)?;
            let live = mode.map(|mode| mode == Mode::Live);
            let (queued, notice) = run_again(&project, &state, &row, live, &by.unwrap_or_default(), None)?;
            notice.iter().for_each(|notice| say(format_args!("warning: {notice}")));
            tell_queued(format, &queued.id()?)
        }
        ExecutionsCommand::Prune { older_than, dry_run, format } => prune(older_than, dry_run, format),
        ExecutionsCommand::Download { execution, artefact, to, force, format } => {
            download::download(&execution, artefact, to, force, format)
        }
    }
}

/// An execution that the project knows: by its id, or by its folder.
fn known(project: &Project, execution: &Path) -> Result<Option<(State, ExecutionRow)>, Failure> {
    let Some(state) = project.state()? else { return Ok(None) };
    let Some(name) = execution.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    let Some(row) = state.execution(name)? else { return Ok(None) };
    // Another folder may be called like it.
    let own = std::path::absolute(project.root().join(&row.folder))?;
    let found = execution == Path::new(name) || std::path::absolute(execution)? == own;
    Ok(found.then_some((state, row)))
}

/// The folder of an execution: by its id, or the folder itself.
fn folder(project: &Project, execution: &Path) -> Result<PathBuf, Failure> {
    if let Some((_, row)) = known(project, execution)? {
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
    let (project, mut state) = state()?;
    let rows = state.executions(connector, limit)?;
    if let (Some(name), true) = (connector, rows.is_empty()) {
        // A name that nobody knows is a slip, not a connector without executions.
        discover(&project, &mut state)?;
        Known::named(project, state, name)?;
    }
    if format == Format::Json {
        return print_json(&rows.into_iter().map(|row| Here::of(row, Execution::from)).collect::<Vec<_>>());
    }
    if rows.is_empty() {
        print("no executions yet\n")?;
    }
    for row in rows {
        let mode = if row.live { "live" } else { "dry run" };
        let far = percent(&row).map(|far| format!("{far} %"));
        let stops = stopping(&row).then(|| "asked to stop".to_owned());
        let how: Vec<String> = [row.stage.clone(), far, stops].into_iter().flatten().collect();
        let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
        let gone = if row.files_gone_at.is_some() { "  (its files are gone)" } else { "" };
        print(&format!("{}  {}  {mode:7}  {}{how}{gone}\n", row.id, row.connector, row.state.words()))?;
    }
    Ok(Exit::Clean)
}

/// Whether somebody asked to stop it, and it has not ended yet.
fn stopping(row: &ExecutionRow) -> bool {
    row.cancel && !row.state.ended()
}

/// An execution as the API tells it, and what is of use on this machine only.
#[derive(Serialize)]
struct Here<T> {
    #[serde(flatten)]
    execution: T,
    /// Its folder, from the project's root.
    folder: String,
    /// Its worker's process.
    pid: Option<u32>,
    /// Which of its workers has or had it last, from 1; 0 before the first.
    epoch: i64,
}

impl<T> Here<T> {
    fn of(row: ExecutionRow, view: impl FnOnce(ExecutionRow) -> T) -> Self {
        let (folder, pid, epoch) = (row.folder.clone(), row.pid, row.epoch);
        Self { execution: view(row), folder, pid, epoch }
    }
}

fn show(id: &str, format: Format) -> Result<Exit, Failure> {
    let (project, state) = state()?;
    let row = find_execution(&state, id)?;
    if format == Format::Json {
        let details = ExecutionDetails::of(&project, &state, row.clone())?;
        return print_json(&Here::of(row, |_| details));
    }
    let waits = waits(&state, &row)?;
    let line = |name: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!("{name:10}{}\n", visible(value)))
    };
    let mut text = format!("{}\n", row.id);
    text += &line("connector", Some(&row.connector));
    let version = row.version.map(|v| v.to_string());
    text += &line("version", version.as_deref());
    text += &line("mode", Some(if row.live { "live" } else { "dry run" }));
    text += &line("by", Some(row.triggered_by.as_str()).filter(|by| !by.is_empty()));
    let asked = if stopping(&row) { ", asked to stop" } else { "" };
    text += &line("state", Some(&format!("{}{asked}", row.state.words())));
    let left = format!("to people: resume it (sconn executions resume {}), or cancel it", row.id);
    text += &line("left", row.left_to_people.then_some(left.as_str()));
    text += &line("stage", row.stage.as_deref());
    let far = percent(&row).zip(row.done.zip(row.total));
    let far = far.map(|(far, (done, total))| format!("{far} %, {done} of {total}"));
    text += &line("progress", far.as_deref());
    text += &line("waits", waits.as_deref());
    text += &line("queued", Some(&row.queued_at));
    text += &line("started", row.started_at.as_deref());
    text += &line("ended", row.ended_at.as_deref());
    for (step, rows) in steps(&row) {
        text += &line("rows", Some(&format!("{step}: {rows}")));
    }
    text += &line("failure", row.failure.as_deref());
    text += &match &row.files_gone_at {
        Some(at) => line("files", Some(&format!("removed at {at}"))),
        None => line("folder", Some(&project.root().join(&row.folder).display().to_string())),
    };
    for message in state.messages(Some(id), 50)? {
        text += &line("told", Some(&super::outbox::words(&message)));
    }
    print(&text)?;
    Ok(Exit::Clean)
}

fn cancel(id: &str, format: Format) -> Result<Exit, Failure> {
    let (project, mut state) = state()?;
    let row = find_execution(&state, id)?;
    let was = match life::cancel(&mut state, id)? {
        Cancel::Asked(was) | Cancel::Ended(was) => was,
        Cancel::TooLate => {
            let [what, hint] = TOO_LATE;
            return Err(Failure::new(format!("{id}: {what}"), hint));
        }
    };
    let text = match was {
        ExecutionState::Running => "stops after the chunk in hand; what was committed stays",
        ExecutionState::Interrupted => {
            if end_cancelled(&project, &mut state, &row)? {
                let told = project.root().join(&row.folder).join(Artefact::Summary.file()).is_file();
                if row.started_at.is_none() {
                    "is cancelled; it had not begun"
                } else if !told {
                    "is cancelled; what was committed stays"
                } else {
                    "is cancelled; what was committed stays, and its report says what that is"
                }
            } else {
                "is asked to stop; its worker is silent: once it is heard of again, or `sconn work` ended it, it is \
                 cancelled"
            }
        }
        ExecutionState::Queued => "is cancelled",
        _ => "has ended already",
    };
    let cancelled = !was.ended();
    // Nobody else may be there to send what is told of its end; where it runs, that is its worker's.
    if cancelled && state.execution(id)?.is_some_and(|row| row.state.ended()) {
        send_now(&project, Some(id), &|line| say(line))?;
    }
    tell_result(format, &format!("{id} {text}"), &json!({ "id": id, "was": was, "cancelled": cancelled }))
}

/// Removes the files of old executions.
fn prune(older_than: Option<Duration>, dry: bool, format: Format) -> Result<Exit, Failure> {
    let (project, mut state) = state()?;
    let Some(older_than) = older_than.or(project.retention().executions) else {
        return Err(Failure::new(
            "nothing says how long the files of executions stay: for ever, then",
            "say it once with --older-than 30d, or for good in sconn.toml:\n[retention]\nexecutions = \"90d\"",
        ));
    };
    let all = crate::life::prune(&project, &mut state, older_than, dry)?;
    if format == Format::Json {
        let one = |(e, removed): &(Expired, Removed)| {
            let stays = match removed {
                Removed::Gone => None,
                Removed::Stays(why) => Some(why),
            };
            json!({
                "id": e.id, "connector": e.connector, "ended_at": e.ended_at,
                "removed": stays.is_none() && !dry, "stays": stays,
            })
        };
        return print_json(&all.iter().map(one).collect::<Vec<_>>());
    }
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
