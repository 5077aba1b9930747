//! What an execution leaves whose process was ended at a limit.

use super::Failure;
use crate::report::{Rejected, RunMode, RunState, SUMMARY_VERSION, StepSummary, Summary, TargetSummary};
use crate::run::Frozen;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// Writes the summary of an execution that is cut off: why, and what its load steps had told by then. Its report and
/// its decisions are made of more than there is room for now.
pub(super) fn leave_summary(
    folder: &Path,
    steps: Vec<StepSummary>,
    why: &str,
    ended: Timestamp,
) -> Result<(), Failure> {
    let Some(frozen) = Frozen::load(folder)? else { return Ok(()) };
    let (path, sql_output) = (folder.join("summary.json"), folder.join("sql-output.zip"));
    let mut artefacts = BTreeMap::from([("summary".to_owned(), path.display().to_string())]);
    if sql_output.exists() {
        artefacts.insert("sql_output".to_owned(), sql_output.display().to_string());
    }
    let summary = Summary {
        version: SUMMARY_VERSION,
        connector: frozen.plan.connector.name,
        label: frozen.plan.connector.label,
        mode: RunMode::from_words(&frozen.target.mode),
        target: TargetSummary { kind: frozen.target.kind, place: frozen.target.place },
        execution: frozen.execution,
        state: RunState::Failed,
        started: frozen.started.to_string(),
        ended: ended.to_string(),
        stages: Vec::new(),
        inputs: Vec::new(),
        scopes: Vec::new(),
        steps,
        rejected: Rejected { count: 0, examples: Vec::new() },
        notices: vec![
            "its process was ended at a limit: there is no report, and the rows are as it told them last"
                .to_owned(),
        ],
        failure: Some(why.to_owned()),
        artefacts,
        exit_status: 2,
    };
    Ok(summary.write(&path).map_err(crate::run::RunError::from)?)
}
