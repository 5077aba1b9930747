//! The connectors of a project: those that its state knows, and those that lie in its folders.

use super::{Connector, Failure};
use crate::project::Project;
use crate::project::state::{ConnectorState, State};
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into.
const DEPTH: usize = 6;

/// Every connector of a project, by name. One that is found for the first time becomes known; it is
/// Setup in Progress.
///
/// # Errors
/// Where the state cannot be read or written.
pub fn find_connectors(project: &Project, state: &mut State) -> Result<Vec<ConnectorState>, Failure> {
    let known = state.connectors()?;
    let mut files = Vec::new();
    collect(project.root(), DEPTH, &mut files);
    let mut new = false;
    for file in files {
        let relative = file.strip_prefix(project.root()).unwrap_or(&file).display().to_string();
        if known.iter().any(|c| c.file == relative) {
            continue;
        }
        // A file with errors has no name yet; one that another has already is left to `sconn activate`.
        let Some(plan) = Connector::load(&file).ok().and_then(|c| c.plan().ok()) else { continue };
        if state.connector(&plan.connector.name)?.is_none() {
            state.know(&plan.connector.name, &plan.connector.label, &relative)?;
            new = true;
        }
    }
    Ok(if new { state.connectors()? } else { known })
}

/// The files below a folder that declare a connector; hidden folders and `target` are left out.
fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut paths: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect(&path, depth, files);
            }
        } else if path.extension().is_some_and(|e| e == "sconn") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if text.lines().any(|l| l.trim_start().starts_with("connector ")) {
                files.push(path);
            }
        }
    }
}
