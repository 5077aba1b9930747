//! Where the project's connectors stand.

use super::views::Execution;
use super::{Changed, Failure, changed, next_slots};
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, ExecutionState, State, Wanted};
use serde::{Serialize, Serializer};

/// Where a connector stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// What the project knows of it.
    #[serde(flatten)]
    pub connector: ConnectorState,
    /// What became of its file; none where that is as it was activated.
    pub changed: Option<Changed>,
    /// How many of its executions wait.
    pub queued: usize,
    /// How many of its executions run.
    pub running: usize,
    /// How many were interrupted, and go on or are left to people.
    pub interrupted: usize,
    /// The next slot of its schedule, RFC 3339; none where it has none, or is not active.
    pub next_slot: Option<String>,
    /// Its newest execution.
    #[serde(rename = "last_execution", serialize_with = "as_shown")]
    pub last: Option<ExecutionRow>,
}

fn as_shown<S: Serializer>(row: &Option<ExecutionRow>, to: S) -> Result<S::Ok, S::Error> {
    row.clone().map(Execution::from).serialize(to)
}

/// Where a connector stands.
///
/// # Errors
/// Where the state cannot be read.
pub fn standing(project: &Project, state: &State, connector: ConnectorState) -> Result<Standing, Failure> {
    let of = Wanted { connector: Some(&connector.name), ..Wanted::default() };
    let counts = state.state_counts()?;
    let count = |state_of| {
        let these = counts.iter().filter(|c| c.connector == connector.name && c.state == state_of);
        these.map(|c| usize::try_from(c.count).unwrap_or_default()).sum()
    };
    let (running, interrupted) = (count(ExecutionState::Running), count(ExecutionState::Interrupted));
    let last = state.history(of, 1)?.pop();
    let queued = state.queued(&connector.name)?.len();
    let changed = changed(project, &connector);
    let next_slot = next_slots(state)?.remove(&connector.name);
    Ok(Standing { connector, changed, queued, running, interrupted, next_slot, last })
}

/// The connectors of which `sconn.toml` says something, and that the project does not know: what a user
/// should know of each.
///
/// # Errors
/// Where the state cannot be read.
pub fn unknown(project: &Project, state: &State) -> Result<Vec<String>, Failure> {
    let known = state.connectors()?;
    let known = || known.iter().map(|c| c.name.as_str());
    let wrong = project.settled().filter(|name| !known().any(|k| k == *name));
    Ok(wrong
        .map(|name| {
            let near = crate::diagnostic::nearest(name, known());
            let near = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
            format!("sconn.toml has [connectors.{name}], and the project has no connector of that name{near}")
        })
        .collect())
}
