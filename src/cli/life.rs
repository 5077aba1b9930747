//! `sconn activate`, `deactivate` and `status`: the life of a project's connectors.

use super::args::{ActivateArgs, DeactivateArgs, Format, StatusArgs};
use super::connector::Connector;
use super::{Exit, Failure, Look, print};
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{Activation, ConnectorState, ExecutionRow, State, Status};
use crate::system::clock::{Clock, SystemClock};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// A connector, the project around it, and that project's state.
pub(super) struct Known {
    pub(super) project: Project,
    pub(super) state: State,
    pub(super) file: PathBuf,
}

impl Known {
    /// Finds a connector by its file, or by the name under which the project of the current folder
    /// knows it.
    pub(super) fn find(connector: &Path) -> Result<Self, Failure> {
        let is_file = connector.is_file();
        let project = if is_file { Project::of(connector)? } else { Project::here()? };
        let Some(state) = project.state()? else { return Err(no_project(project.root())) };
        if is_file {
            return Ok(Self { project, state, file: connector.to_path_buf() });
        }
        let name = connector.display().to_string();
        let all = state.connectors()?;
        let Some(known) = all.iter().find(|c| c.name == name) else {
            let near = crate::diagnostic::nearest(&name, all.iter().map(|c| c.name.as_str()));
            return Err(Failure::new(
                format!("the project knows no connector `{name}`"),
                match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "give its file; `sconn status` lists those that are known".to_owned(),
                },
            ));
        };
        let file = project.root().join(&known.file);
        Ok(Self { project, state, file })
    }

    /// The file, counted from the project's root.
    pub(super) fn relative(&self) -> String {
        let absolute = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        let (file, root) = (absolute(&self.file), absolute(self.project.root()));
        file.strip_prefix(&root).unwrap_or(&file).display().to_string()
    }
}

fn no_project(root: &Path) -> Failure {
    Failure::new(
        "there is no project here: connectors have a life between runs only within one",
        format!("make one: an empty file `sconn.toml` in {}", root.display()),
    )
}

/// What a connector's sources come to: its plan as JSON, and a hash of it. Where things stand in the
/// sources does not count: two texts that do the same are the same version.
pub(super) fn version_hash(plan: &Plan) -> (String, String) {
    let json = serde_json::to_string(plan).unwrap_or_default();
    let mut bare = serde_json::to_value(plan).unwrap_or_default();
    forget_places(&mut bare);
    let hash = Sha256::digest(bare.to_string().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    (json, hash)
}

fn forget_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("place");
            fields.values_mut().for_each(forget_places);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_places),
        _ => {}
    }
}

/// What is still missing before a connector can be activated, one sentence each.
pub(super) fn incomplete(connector: &Connector, plan: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    match connector.project.sample_path() {
        None => {
            missing.push("it has no sample: add `sample \"…\"`, a file like those that will come".to_owned())
        }
        Some((sample, _)) if !sample.is_file() => {
            missing.push(format!("its sample {} is not there", sample.display()));
        }
        Some(_) => {}
    }
    if plan.loads.is_empty() {
        missing.push("it has no load step: nothing would be written".to_owned());
    }
    missing
}

pub(super) fn activate(args: &ActivateArgs, look: Look) -> Result<Exit, Failure> {
    let mut known = Known::find(&args.connector)?;
    let connector = Connector::load(&known.file)?;
    let Some(plan) = connector.plan_or_tell(look)? else { return Ok(Exit::Failed) };
    let missing = incomplete(&connector, &plan);
    if !missing.is_empty() {
        return Err(Failure::new(
            format!("`{}` cannot be activated yet", plan.connector.name),
            missing.join("\n"),
        ));
    }
    let queued = known.state.queued(&plan.connector.name)?;
    if !queued.is_empty() {
        settle_queue(&mut known.state, &plan.connector.name, &queued, args)?;
    }
    let (json, hash) = version_hash(&plan);
    let relative = known.relative();
    let version = known.state.activate(Activation {
        name: &plan.connector.name,
        label: &plan.connector.label,
        file: &relative,
        hash: &hash,
        plan: &json,
        at: SystemClock.now(),
    })?;
    print(&format!("{} is active, version {version}\n", plan.connector.name))?;
    Ok(Exit::Clean)
}

/// What waits would begin to run: the user says first what becomes of it.
fn settle_queue(
    state: &mut State,
    name: &str,
    queued: &[ExecutionRow],
    args: &ActivateArgs,
) -> Result<(), Failure> {
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
    for execution in cancel {
        state.cancel(&execution.id, SystemClock.now())?;
        eprintln!("cancelled {}", execution.id);
    }
    Ok(())
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

/// A line of `sconn status`.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    connector: ConnectorState,
    /// Whether its file differs from the version that is active.
    edited: bool,
    queued: usize,
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
            let Some(state) = project.state()? else { return Err(no_project(project.root())) };
            (project, state, None)
        }
    };
    let mut lines = Vec::new();
    for connector in state.connectors()?.into_iter().filter(|c| only.as_ref().is_none_or(|o| *o == c.file)) {
        let edited = connector.hash.as_ref().is_some_and(|hash| {
            let now = Connector::load(&project.root().join(&connector.file)).ok();
            now.and_then(|c| c.project.plan().ok()).is_none_or(|plan| version_hash(&plan).1 != *hash)
        });
        let queued = state.queued(&connector.name)?.len();
        lines.push(Line { connector, edited, queued });
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
        print(&format!("{:width$}  {}{version}{edited}{queued}\n", c.name, c.status.words()))?;
    }
    if lines.is_empty() {
        print("no connector is known yet; `sconn activate FILE` makes one known\n")?;
    }
    Ok(Exit::Clean)
}
