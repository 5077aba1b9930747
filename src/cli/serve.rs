//! `sconn serve`

use super::args::ServeArgs;
use super::{Exit, Failure, print};
use crate::project::Project;
use crate::service::Serving;

pub(super) fn serve(args: &ServeArgs) -> Result<Exit, Failure> {
    let project = Project::here()?;
    if args.openapi {
        print(&format!("{}\n", crate::service::openapi(project)))?;
        return Ok(Exit::Clean);
    }
    let serving = Serving { address: args.listen, at_once: args.at_once, drain: args.drain };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(crate::service::serve(project, serving))?;
    Ok(Exit::Clean)
}
