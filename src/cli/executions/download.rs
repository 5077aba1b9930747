//! `sconn executions download`

use super::super::args::{Artefact, Format};
use super::super::copy::{copy, may_write};
use super::super::{Exit, Failure, tell_result};
use super::folder;
use crate::project::Project;
use serde_json::json;
use std::path::{Path, PathBuf};

pub(super) fn download(
    execution: &Path,
    artefact: Artefact,
    to: Option<PathBuf>,
    force: bool,
    format: Format,
) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let artefact = crate::life::Artefact::from(artefact);
    let known = super::known(&project, execution)?;
    let from = match &known {
        Some((state, row)) => artefact.of_execution(&project, state, row)?,
        None => artefact.of(&folder(&project, execution)?).ok_or_else(|| {
            Failure::new(format!("{} has no {}", execution.display(), artefact.file()), artefact.when())
        })?,
    };
    let to = match to {
        Some(to) if to.is_dir() => to.join(artefact.file()),
        Some(to) => to,
        None => artefact.file().into(),
    };
    may_write(&from, &to, force)?;
    copy(&from, &to)?;
    let shown = to.display().to_string();
    tell_result(format, &shown, &json!({ "path": shown }))
}
