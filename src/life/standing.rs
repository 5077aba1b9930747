//! Where the project's connectors stand, and which there are.

use super::{Connector, Failure, connector_files, edited, next_slots};
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, ExecutionState, State, Wanted};
use serde::Serialize;
use std::path::Path;

/// Where a connector stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// What the project knows of it.
    #[serde(flatten)]
    pub connector: ConnectorState,
    /// Whether its file differs from the version that is active.
    pub edited: bool,
    /// How many of its executions wait.
    pub queued: usize,
    /// How many of its executions run.
    pub running: usize,
    /// The next slot of its schedule, RFC 3339; none where it has none, or is not active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_slot: Option<String>,
    /// Its newest execution.
    #[serde(skip)]
    pub last: Option<ExecutionRow>,
}

/// Where a connector stands.
///
/// # Errors
/// Where the state cannot be read.
pub fn standing(project: &Project, state: &State, connector: ConnectorState) -> Result<Standing, Failure> {
    let of = Wanted { connector: Some(&connector.name), ..Wanted::default() };
    let running = state.history(Wanted { state: Some(ExecutionState::Running), ..of }, i64::MAX)?.len();
    let last = state.history(of, 1)?.pop();
    let queued = state.queued(&connector.name)?.len();
    let edited = edited(project, &connector);
    let next_slot = next_slots(state)?.remove(&connector.name);
    Ok(Standing { connector, edited, queued, running, next_slot, last })
}

/// Makes connectors known that lie in the project's folder and that it does not know yet: they are in
/// *Setup in Progress*. One with errors is left out until it has none.
///
/// # Errors
/// Where the state cannot be read or written.
pub fn discover(project: &Project, state: &mut State) -> Result<(), Failure> {
    let known = state.connectors()?;
    let mut files = Vec::new();
    // What cannot be read is told where it is used.
    let _ = connector_files(project.root(), &mut files);
    files.sort();
    for file in files.into_iter().filter(|f| is_connector(f)) {
        let relative = file.strip_prefix(project.root()).unwrap_or(&file).display().to_string();
        if known.iter().any(|c| c.file == relative) {
            continue;
        }
        let Some(plan) = Connector::load(&file).ok().and_then(|c| c.plan().ok()) else { continue };
        // A second file of that name is not taken for the first.
        if known.iter().all(|c| c.name != plan.connector.name) {
            state.know(&plan.connector.name, &plan.connector.label, &relative)?;
        }
    }
    Ok(())
}

/// Whether a file has a `connector`: others hold objects or functions for several.
fn is_connector(file: &Path) -> bool {
    std::fs::read_to_string(file)
        .is_ok_and(|text| text.lines().any(|l| l.trim_start().starts_with("connector ")))
}
