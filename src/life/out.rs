//! The folder that somebody chose for what a run leaves.

use super::Failure;
use crate::report::Summary;
use crate::run::{ARTEFACTS, Frozen, given_inputs};
use crate::system::folder::ExecutionFolder;
use std::path::Path;

/// What a run would write over in a folder is an earlier run's, and nobody else's: a `report.xlsx` may be anybody's.
///
/// # Errors
/// Where a file of that name is there, and no run was.
pub fn keep_others_files(out: &Path) -> Result<(), Failure> {
    if ExecutionFolder::others_work(out) {
        return Err(Failure::new(
            format!("{} is no run's, and a run would remove it", out.join(".work").display()),
            "choose another folder with --out, or move it away",
        ));
    }
    let Some(there) = ARTEFACTS.iter().find(|name| out.join(name).exists()) else { return Ok(()) };
    let summary = || {
        let text = std::fs::read(out.join("summary.json")).ok()?;
        serde_json::from_slice::<Summary>(&text).ok()
    };
    if Frozen::execution_in(out).is_some() || given_inputs(out).is_some() || summary().is_some() {
        return Ok(());
    }
    Err(Failure::new(
        format!("{} is no earlier run's, and a run would write over it", out.join(there).display()),
        "choose another folder with --out, or move the file away",
    ))
}
