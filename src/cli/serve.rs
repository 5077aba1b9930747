//! `sconn serve`

use super::args::ServeArgs;
use super::{Exit, Failure};
use crate::project::Project;

pub(super) fn serve(args: &ServeArgs) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(crate::service::serve(project, args.listen, args.at_once))?;
    Ok(Exit::Clean)
}
