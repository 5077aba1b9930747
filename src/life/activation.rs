//! Activation: which version of a connector runs live, and what must be there before.

use super::{Connector, Failure, discover, must_declare};
use crate::plan::{Plan, Trigger};
use crate::project::Project;
use crate::project::state::{Activation, ExecutionRow, State};
use crate::system::clock::{Clock, SystemClock};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A connector, the project around it, and that project's state.
pub struct Known {
    /// The project.
    pub project: Project,
    /// Its state.
    pub state: State,
    /// The connector's API name.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
}

impl Known {
    /// Finds a connector by its file, or by its name in the project of the current folder.
    ///
    /// # Errors
    /// Where there is no such connector, or no project; where it is given by a file, and its name is another file's.
    pub fn find(connector: &Path) -> Result<Self, Failure> {
        // One whose file was removed can still be told by it.
        let is_file = connector.is_file() || connector.extension().is_some_and(|e| e == "sconn");
        let project = if is_file { Project::of(connector)? } else { Project::here()? };
        let Some(state) = project.state()? else { return Err(no_project(project.root())) };
        if is_file {
            let mut known = Self::declared(project, state, connector)?;
            must_be_its(&known.project, &mut known.state, &known.name, &known.file)?;
            return Ok(known);
        }
        Self::named(project, state, &connector.display().to_string())
    }

    /// The connector of that name: one that the project knows, or that lies in its folder.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(project: Project, mut state: State, name: &str) -> Result<Self, Failure> {
        if state.connector(name)?.is_none() {
            discover(&project, &mut state)?;
        }
        let Some(known) = state.connector(name)? else {
            let all = state.connectors()?;
            let near = crate::diagnostic::nearest(name, all.iter().map(|c| c.name.as_str()));
            return Err(Failure::new(
                format!("the project knows no connector `{name}`"),
                match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "give its file; `sconn status` lists those that are known".to_owned(),
                },
            ));
        };
        let file = project.root().join(&known.file);
        Ok(Self { project, state, name: known.name, file })
    }

    /// The connector that a file declares. Of a file that is gone or declares none any more: the one that the
    /// project knows by it, rather one that is active.
    fn declared(project: Project, state: State, file: &Path) -> Result<Self, Failure> {
        let mut known = Self { project, state, name: String::new(), file: file.to_path_buf() };
        let is_there = file.is_file();
        if let Some(declared) = is_there.then(|| Connector::declared(file)).transpose()?.flatten() {
            return Ok(Self { name: declared.name, ..known });
        }
        let relative = known.relative();
        let mut all = known.state.connectors()?;
        all.retain(|c| c.file == relative);
        all.sort_by_key(|c| !c.status.runs());
        match (all.into_iter().next(), is_there) {
            (Some(connector), _) => known.name = connector.name,
            (None, true) => return Err(declares_none(file)),
            (None, false) => {
                return Err(Failure::new(
                    format!(
                        "{} is not there, and the project knows no connector by that file",
                        file.display()
                    ),
                    "`sconn status` lists those that are known",
                ));
            }
        }
        Ok(known)
    }

    /// Its file, to take it as it is now. What is wrong with one that declares nothing is told by whoever reads it.
    ///
    /// # Errors
    /// Where the file declares another connector.
    pub fn file_of_it(self) -> Result<PathBuf, Failure> {
        if let Ok(Some(declared)) = Connector::declared(&self.file) {
            must_declare(&self.relative(), &declared.name, &self.name)?;
        }
        Ok(self.file)
    }

    /// The file, counted from the project's root.
    pub fn relative(&self) -> String {
        let (file, root) = (real(&self.file), real(self.project.root()));
        file.strip_prefix(&root).unwrap_or(&file).display().to_string()
    }
}

/// That a file declares no connector: a mistake in it may be why, or there is nothing of the kind in it.
fn declares_none(file: &Path) -> Failure {
    let wrong = Connector::load(file).is_ok_and(|c| !c.project.check().is_empty());
    let mend = if wrong {
        format!("`sconn check {}` tells what is wrong with it", file.display())
    } else {
        "one begins like this:\nconnector shop {\n  name \"Shop\"\n  trigger spreadsheet\n}".to_owned()
    };
    Failure::new(format!("{} declares no connector", file.display()), mend)
}

/// A path without links and detours, be its file there or not.
fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let in_folder = || Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?));
    absolute.canonicalize().ok().or_else(in_folder).unwrap_or(absolute)
}

/// The file of a connector that is given as a file, or by its name in the project of the current folder.
///
/// # Errors
/// Where it is given by a name that the project does not know, or that its file does not declare any more.
pub fn connector_file(given: &Path) -> Result<PathBuf, Failure> {
    let name = given.to_str().filter(|name| !name.contains(['/', '\\', '.']) && !given.is_file());
    let Some(name) = name else { return Ok(given.to_path_buf()) };
    let project = Project::here()?;
    let Some(state) = project.state()? else { return Ok(given.to_path_buf()) };
    match Known::named(project, state, name) {
        // Then it is that folder which is meant.
        Err(_) if given.exists() => Ok(given.to_path_buf()),
        known => known?.file_of_it(),
    }
}

/// What is said where something needs a project and there is none.
pub fn no_project(root: &Path) -> Failure {
    Failure::new(
        "there is no project here: connectors have a life between runs only within one",
        format!("make one: an empty file `sconn.toml` in {}", root.display()),
    )
}

/// What a connector's sources come to: its plan as JSON, and a hash of it. Where things stand in the
/// sources does not count: two texts that do the same are the same version.
///
/// # Errors
/// Where it cannot be told as JSON, which is a mistake of ours.
pub fn version_hash(plan: &Plan) -> Result<(String, String), Failure> {
    let unwritable = |e: serde_json::Error| {
        Failure::new(
            format!("`{}` cannot be kept: {e}", plan.connector.name),
            "report this: it is a mistake in sconn",
        )
    };
    let json = serde_json::to_string(plan).map_err(unwritable)?;
    let mut bare = serde_json::to_value(plan).map_err(unwritable)?;
    forget_places(&mut bare);
    let hash = Sha256::digest(bare.to_string().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    Ok((json, hash))
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
pub fn incomplete(connector: &Connector, plan: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    match connector.project.sample_path() {
        // What a schedule hands in is known.
        None if matches!(plan.connector.trigger, Trigger::Schedule(_)) => {}
        None => {
            missing.push("it has no sample: add `sample \"…\"`, a file like those that will come".to_owned())
        }
        Some(_) => missing.extend(no_sample(connector)),
    }
    if plan.loads.is_empty() {
        missing.push("it has no load step: nothing would be written".to_owned());
    }
    missing
}

/// That the sample of a connector cannot be read, where it names one.
pub(super) fn no_sample(connector: &Connector) -> Option<String> {
    connector.no_sample().map(|why| format!("its sample cannot be read: {why}"))
}

/// What became of an activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// The version that runs live now.
    pub version: i64,
    /// The connectors that the file declared before and that were active until now.
    pub before: Vec<String>,
}

/// Activates a connector: its file as it is now becomes the version that runs live. `settle` is given what
/// waits in its queue and would begin; it says which of it to cancel first. A file is one connector: where it
/// was activated under another name, that one is deactivated.
///
/// # Errors
/// Where something is missing, another file has the name, `settle` refuses, or the state cannot be written.
pub fn activate(
    known: &mut Known,
    connector: &Connector,
    plan: &Plan,
    settle: impl FnOnce(&[ExecutionRow]) -> Result<Vec<String>, Failure>,
) -> Result<Activated, Failure> {
    let name = &plan.connector.name;
    let missing = incomplete(connector, plan);
    if !missing.is_empty() {
        return Err(Failure::new(format!("`{name}` cannot be activated yet"), missing.join("\n")));
    }
    check_name(known, name)?;
    let begin = would_begin(&known.project, &mut known.state, name)?;
    let cancel = if begin.is_empty() { Vec::new() } else { settle(&begin)? };
    let relative = known.relative();
    let mut before = known.state.connectors()?;
    before.retain(|c| c.file == relative && c.name != *name && c.status.runs());
    let before: Vec<String> = before.into_iter().map(|c| c.name).collect();
    let (json, hash) = version_hash(plan)?;
    let version = known.state.activate(Activation {
        name,
        label: &plan.connector.label,
        file: &relative,
        hash: &hash,
        plan: &json,
        cancel: &cancel,
        replaces: &before,
        at: SystemClock.now(),
    })?;
    Ok(Activated { version, before })
}

/// What waits, and would begin or go on once a connector is activated: its queue, and what is left of webhook events
/// that came while it was active, which become an execution for that.
///
/// # Errors
/// Where the state cannot be read or written.
pub fn would_begin(project: &Project, state: &mut State, name: &str) -> Result<Vec<ExecutionRow>, Failure> {
    state.find_interrupted(SystemClock.now())?;
    if state.connector(name)?.is_some_and(|c| !c.status.runs()) {
        super::events::close(project, state, name)?;
    }
    Ok(state.would_begin(name)?)
}

/// That so many executions wait while a connector is activated, which `runs` already, or does not.
pub fn waiting(name: &str, count: usize, runs: bool) -> String {
    let many = if count == 1 { "1 execution".to_owned() } else { format!("{count} executions") };
    if runs {
        format!("{many} of `{name}` would run the version that is activated now")
    } else {
        format!("{many} would begin or go on once `{name}` is active")
    }
}

/// What a file is activated as: the connector that was meant, and of no other file.
fn check_name(known: &mut Known, name: &str) -> Result<(), Failure> {
    must_declare(&known.relative(), name, &known.name)?;
    discover(&known.project, &mut known.state)?;
    must_be_its(&known.project, &mut known.state, name, &known.file)
}

/// A name is one file's: what is done with a file would be done with another one otherwise.
///
/// # Errors
/// Where the name is that of another file, which is there and declares it; names both.
pub(super) fn must_be_its(
    project: &Project,
    state: &mut State,
    name: &str,
    file: &Path,
) -> Result<(), Failure> {
    if state.connector(name)?.is_none() {
        discover(project, state)?;
    }
    let Some(first) = state.connector(name)?.map(|c| project.root().join(c.file)) else { return Ok(()) };
    let declares = |file: &Path| Connector::declared(file).is_ok_and(|c| c.is_some_and(|c| c.name == *name));
    if real(&first) == real(file) || !first.is_file() || !declares(&first) {
        return Ok(());
    }
    Err(Failure::new(
        format!("`{name}` is the connector of {}", first.display()),
        format!("give the one in {} another name, or remove one of the two files", file.display()),
    ))
}

/// The plan of a version, to run it.
pub(super) fn plan_to_run(state: &State, connector: &str, version: i64) -> Result<Plan, Failure> {
    let json = state.plan(connector, version)?.unwrap_or_default();
    serde_json::from_str(&json).map_err(|e| {
        Failure::new(
            format!("version {version} of `{connector}` cannot be read: {e}"),
            "it was activated by another version of sconn: activate it again",
        )
    })
}

/// The plan of a version, to look at it; none where there is no version, or it cannot be read.
///
/// # Errors
/// Where the state cannot be read.
pub fn known_plan(state: &State, connector: &str, version: Option<i64>) -> Result<Option<Plan>, Failure> {
    let Some(version) = version else { return Ok(None) };
    Ok(state.plan(connector, version)?.and_then(|json| serde_json::from_str(&json).ok()))
}
