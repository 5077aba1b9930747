//! A connector's file, against what the project knows of the connector.

use super::activation::{plan_to_run, version_hash};
use super::{Connector, Failure};
use crate::plan::Plan;
use crate::project::Project;
use crate::project::state::{ConnectorState, State};
use serde::Serialize;

/// What a connector's file is, where it is not what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// It differs from the version that was activated last.
    Edited,
    /// It has errors.
    Errors,
    /// It declares another connector, or none.
    Renamed,
    /// It is not there any more.
    Gone,
}

impl Changed {
    /// What people should know, after the connector's status; `file` is its file.
    pub fn words(self, file: &str) -> String {
        match self {
            Changed::Edited => "edited since: activate it again".to_owned(),
            Changed::Errors => format!("{file} has errors: `sconn check` tells them"),
            Changed::Renamed => format!("{file} declares another connector now"),
            Changed::Gone => format!("{file} is gone"),
        }
    }
}

/// What became of a connector's file; none where it is as it was activated, or was not activated yet and can
/// be.
pub fn changed(project: &Project, connector: &ConnectorState) -> Option<Changed> {
    let file = project.root().join(&connector.file);
    if !file.is_file() {
        return Some(Changed::Gone);
    }
    let Ok(now) = Connector::load(&file) else { return Some(Changed::Errors) };
    if now.project.connector().is_some_and(|c| !c.name.is_empty() && c.name != connector.name) {
        return Some(Changed::Renamed);
    }
    let Ok(plan) = now.plan() else { return Some(Changed::Errors) };
    let differs =
        connector.hash.as_ref().is_some_and(|hash| version_hash(&plan).is_ok_and(|now| now.1 != *hash));
    differs.then_some(Changed::Edited)
}

/// What a live run of a connector takes while it is active: the version that is, whatever its file looks like,
/// and what is to be said where that differs. While it is not active, and its file cannot be taken, it is the last
/// version that was: what arrives waits. None otherwise.
///
/// # Errors
/// Where the state, or the version in it, cannot be read.
pub fn active_version(
    project: &Project,
    state: &State,
    connector: &ConnectorState,
) -> Result<Option<(Plan, Option<String>)>, Failure> {
    let Some(version) = connector.version else { return Ok(None) };
    let (changed, runs) = (changed(project, connector), connector.status.runs());
    if !runs && matches!(changed, None | Some(Changed::Edited)) {
        return Ok(None);
    }
    let plan = plan_to_run(state, &connector.name, version)?;
    let ConnectorState { name, file, .. } = connector;
    let takes = if runs {
        format!("version {version} of `{name}` runs")
    } else {
        format!("it is queued as version {version} of `{name}` takes it, and waits until `{name}` is active")
    };
    let notice = changed.map(|changed| match changed {
        Changed::Edited => format!(
            "{file} was edited since version {version} of `{name}` was activated: that version runs; to run the \
             file as it is now, activate it again"
        ),
        Changed::Errors => format!("{file} has errors: {takes}"),
        Changed::Renamed => format!("{file} declares another connector now: {takes}"),
        Changed::Gone => format!("{file} is gone: {takes}"),
    });
    Ok(Some((plan, notice)))
}

/// What a run is queued with: a live one takes the [`active_version`], and says where the file differs; any other
/// takes the file as it is.
///
/// # Errors
/// Where the file counts and has errors, or the state cannot be read.
pub fn plan_to_queue(
    project: &Project,
    state: &State,
    connector: &ConnectorState,
    live: bool,
) -> Result<(Plan, Option<String>), Failure> {
    let active = live.then(|| active_version(project, state, connector)).transpose()?.flatten();
    match active {
        Some(active) => Ok(active),
        None => Ok((plan_of_file(project, connector)?, None)),
    }
}

/// The plan of a connector's file as it is now.
///
/// # Errors
/// Where the file has errors, or declares another connector: what is asked of one is not done with another.
pub fn plan_of_file(project: &Project, connector: &ConnectorState) -> Result<Plan, Failure> {
    let plan = Connector::load(&project.root().join(&connector.file))?.plan_or_failure()?;
    must_declare(&connector.file, &plan.connector.name, &connector.name)?;
    Ok(plan)
}

/// That a file declares the connector that is meant, not another one.
///
/// # Errors
/// Where it declares another one.
pub fn must_declare(file: &str, declared: &str, meant: &str) -> Result<(), Failure> {
    if declared == meant {
        return Ok(());
    }
    Err(Failure::new(
        format!("{file} declares `{declared}` now, not `{meant}`"),
        format!("take `{declared}`, or give it its earlier name back"),
    ))
}
