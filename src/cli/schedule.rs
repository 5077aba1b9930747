//! `sconn schedule`: when a connector comes due.

use super::args::ScheduleArgs;
use super::findings::plan_or_tell;
use super::{Exit, Failure, Look, print};
use crate::life::{Connector, Schedule, connector_file};
use crate::system::clock::{Clock, SystemClock};
use jiff::tz::TimeZone;

pub(super) fn schedule(args: &ScheduleArgs, look: Look) -> Result<Exit, Failure> {
    // Its file says when, in a project or not, active or not.
    let connector = Connector::load(&connector_file(&args.connector)?)?;
    let Some(plan) = plan_or_tell(&connector, look) else { return Ok(Exit::Failed) };
    let name = &plan.connector.name;
    let Some(schedule) = Schedule::of(&plan)? else {
        return Err(Failure::new(
            format!("`{name}` does not run by schedule: its trigger is {}", plan.connector.trigger.name()),
            "write `trigger schedule { cron \"0 6 * * MON\" }` into its settings",
        ));
    };
    let mut slot = SystemClock.now();
    for _ in 0..args.count {
        let Some(next) = schedule.next(slot) else {
            return Err(Failure::new(
                format!("`{name}` never comes due: no day is like its cron line"),
                "`0 6 30 2 *` is the 30th of February; look at day and month",
            ));
        };
        let shown = |zone: &TimeZone| {
            next.to_zoned_datetime(zone.clone()).strftime("%a %Y-%m-%d %H:%M:%S %Z").to_string()
        };
        print(&format!("{}   {}\n", shown(schedule.zone()), shown(&TimeZone::UTC)))?;
        slot = next;
    }
    Ok(Exit::Clean)
}
