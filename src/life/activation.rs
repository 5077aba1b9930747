//! Activation: which version of a connector runs live, and what must be there before.

use super::{Connector, Failure};
use crate::plan::{Plan, Trigger};
use crate::project::Project;
use crate::project::state::{Activation, ConnectorState, ExecutionRow, State};
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
    /// The connector's file.
    pub file: PathBuf,
}

impl Known {
    /// Finds a connector by its file, or by the name under which the project of the current folder
    /// knows it.
    ///
    /// # Errors
    /// Where there is no such connector, or no project.
    pub fn find(connector: &Path) -> Result<Self, Failure> {
        let is_file = connector.is_file();
        let project = if is_file { Project::of(connector)? } else { Project::here()? };
        let Some(state) = project.state()? else { return Err(no_project(project.root())) };
        if is_file {
            return Ok(Self { project, state, file: connector.to_path_buf() });
        }
        Self::named(project, state, &connector.display().to_string())
    }

    /// The connector that a project knows under that name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn named(project: Project, state: State, name: &str) -> Result<Self, Failure> {
        let all = state.connectors()?;
        let Some(known) = all.iter().find(|c| c.name == name) else {
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
        Ok(Self { project, state, file })
    }

    /// The file, counted from the project's root.
    pub fn relative(&self) -> String {
        let absolute = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        let (file, root) = (absolute(&self.file), absolute(self.project.root()));
        file.strip_prefix(&root).unwrap_or(&file).display().to_string()
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
pub fn version_hash(plan: &Plan) -> (String, String) {
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
pub fn incomplete(connector: &Connector, plan: &Plan) -> Vec<String> {
    let mut missing = Vec::new();
    match connector.project.sample_path() {
        // What a schedule hands in is known.
        None if matches!(plan.connector.trigger, Trigger::Schedule(_)) => {}
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

/// Activates a connector: its file as it is now becomes the version that runs live. `settle` is given what
/// waits in its queue and would begin; it says which of it to cancel first. Gives the version.
///
/// # Errors
/// Where something is missing, `settle` refuses, or the state cannot be written.
pub fn activate(
    known: &mut Known,
    connector: &Connector,
    plan: &Plan,
    settle: impl FnOnce(&[ExecutionRow]) -> Result<Vec<String>, Failure>,
) -> Result<i64, Failure> {
    let missing = incomplete(connector, plan);
    if !missing.is_empty() {
        return Err(Failure::new(
            format!("`{}` cannot be activated yet", plan.connector.name),
            missing.join("\n"),
        ));
    }
    let queued = known.state.queued(&plan.connector.name)?;
    if !queued.is_empty() {
        for id in settle(&queued)? {
            known.state.cancel(&id, SystemClock.now())?;
        }
    }
    let (json, hash) = version_hash(plan);
    let relative = known.relative();
    Ok(known.state.activate(Activation {
        name: &plan.connector.name,
        label: &plan.connector.label,
        file: &relative,
        hash: &hash,
        plan: &json,
        at: SystemClock.now(),
    })?)
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

/// Whether a connector's file differs from the version that is active.
pub fn edited(project: &Project, connector: &ConnectorState) -> bool {
    connector.hash.as_ref().is_some_and(|hash| {
        let now = Connector::load(&project.root().join(&connector.file)).ok();
        now.and_then(|c| c.plan().ok()).is_none_or(|plan| version_hash(&plan).1 != *hash)
    })
}
