//! Whose an execution is that is taken up again.

use crate::life::Failure;
use crate::project::Project;
use crate::run::Frozen;
use std::path::Path;

/// The project that counts the execution, where it lies by now.
///
/// # Errors
/// Where that cannot be read, or is the one that this project is a copy of.
pub(super) fn project_of(frozen: &mut Frozen) -> Result<Project, Failure> {
    let Some(root) = frozen.project.clone() else { return Ok(Project::none()) };
    let there = Project::root_of(&root.join("x")).as_deref() == Some(&root);
    // A folder outside of it did not move with it, and a copy has no other one.
    if !frozen.lies.starts_with(&root) {
        let here = Project::here()?;
        if here.is_declared() && !same(here.root(), &root) && knows(&here, &frozen.execution)? {
            if there {
                return Err(Failure::new(
                    format!(
                        "{} is of the project in {}, which this one is a copy of, and so is its folder, {}",
                        frozen.execution,
                        root.display(),
                        frozen.lies.display()
                    ),
                    format!(
                        "go on with it there; here it can be cancelled: sconn executions cancel {}",
                        frozen.execution
                    ),
                ));
            }
            frozen.moves(&root, &std::path::absolute(here.root())?);
            return Ok(here);
        }
    }
    if there {
        return Ok(Project::of(&root.join("x"))?);
    }
    // It may be on a disk that is away for a while.
    Err(Failure::broken(
        format!("{}, the project of {}, has no sconn.toml any more", root.display(), frozen.execution),
        "bring it back, then resume: a live run goes on only while its connector is active",
    ))
}

fn knows(project: &Project, execution: &str) -> Result<bool, Failure> {
    let Some(state) = project.state()? else { return Ok(false) };
    Ok(state.execution(execution)?.is_some())
}

fn same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}
