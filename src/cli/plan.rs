//! `sconn plan`

use super::args::{Format, PlanArgs};
use super::connector::Connector;
use super::{Exit, Failure, Look, print};

pub(super) fn plan(args: &PlanArgs, look: Look) -> Result<Exit, Failure> {
    let connector = Connector::load(&args.file)?;
    let Some(plan) = connector.plan_or_tell(look)? else { return Ok(Exit::Findings) };
    match args.format {
        Format::Text => print(&crate::plan::describe(&plan))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&plan).map_err(|e| Failure::new(e.to_string(), ""))?;
            print(&format!("{json}\n"))?;
        }
    }
    Ok(Exit::Clean)
}
