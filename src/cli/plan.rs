//! `sconn plan`

use super::args::{Format, PlanArgs};
use super::findings::plan_or_tell;
use super::{Exit, Failure, Look, print};
use crate::life::{Connector, connector_file};

pub(super) fn plan(args: &PlanArgs, look: Look) -> Result<Exit, Failure> {
    let connector = Connector::load(&connector_file(&args.file)?)?;
    let Some(plan) = plan_or_tell(&connector, look) else { return Ok(Exit::Findings) };
    match args.format {
        Format::Text => print(&crate::plan::describe(&plan))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&plan).map_err(|e| Failure::new(e.to_string(), ""))?;
            print(&format!("{json}\n"))?;
        }
    }
    Ok(Exit::Clean)
}
