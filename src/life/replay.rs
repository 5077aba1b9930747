//! Webhook events that somebody chose: tried in a dry run, or thrown away.

use super::{Ask, Failure, plan_of_file, queue, sample_events};
use crate::input::InputFile;
use crate::project::Project;
use crate::project::state::{ConnectorState, State};

/// Puts a dry run of events into the queue, as the connector's file is now; nothing becomes of them by it.
/// Gives its id.
///
/// # Errors
/// Where the connector's file has errors or declares another one, or the disk is full.
pub fn replay_events(
    project: &Project,
    state: &State,
    connector: &ConnectorState,
    events: &[i64],
    by: String,
) -> Result<String, Failure> {
    let file = project.root().join(&connector.file);
    let plan = plan_of_file(project, connector)?;
    let samples = sample_events(state, events)?;
    let name = samples.file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let ask = Ask {
        file,
        input: vec![InputFile::new(samples.file.clone(), name)],
        live: false,
        params: Vec::new(),
        target: None,
        out: None,
        workbook: true,
        guard_formulas: false,
        triggered_by: by,
    };
    queue(plan, ask)
}

/// What came of throwing events away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// So many are thrown away now.
    pub gone: usize,
    /// Of so many something had become already: they stay as they are.
    pub other: usize,
}

/// Throws events away of which nothing became yet.
///
/// # Errors
/// Where the state cannot be written.
pub fn discard_events(state: &mut State, events: &[i64]) -> Result<Discarded, Failure> {
    let gone = state.discard_events(events)?;
    Ok(Discarded { gone, other: events.len() - gone })
}
