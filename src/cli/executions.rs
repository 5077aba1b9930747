//! `sconn executions`

use super::args::ExecutionsCommand;
use super::{Exit, Failure, Look};
use crate::project::Project;

pub(super) fn executions(command: ExecutionsCommand, look: Look) -> Result<Exit, Failure> {
    match command {
        ExecutionsCommand::Resume { execution, format } => {
            let own = Project::here()?.executions().join(&execution);
            let folder = if own.is_dir() { own } else { execution };
            if !folder.is_dir() {
                return Err(Failure::new(
                    format!("there is no execution {}", folder.display()),
                    "give its id, as `sconn run` told it, or the folder of its --out",
                ));
            }
            super::run::resume(&folder, format, look)
        }
    }
}
