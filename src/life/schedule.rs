//! When a schedule comes due: the slots of a cron line in a time zone, right across changes of the clock.
//!
//! A line that runs in every hour goes by real time: each minute that the zone's clock shows is asked, so
//! `*/15 * * * *` comes every 15 minutes, whatever the clock does. A line that names hours goes by the
//! clock: each local time that it names is one slot. One that the clock leaps over comes at the first
//! instant after the leap, several of them as one; one that the clock shows twice comes the first time.

mod local;
#[cfg(test)]
mod tests;

use super::Failure;
use crate::input::InputFile;
use crate::plan::{Missed, Plan, SchedulePlan, Trigger};
use croner::Cron;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use local::Local;
use std::path::Path;
use std::str::FromStr;

/// How many missed slots run at most, the newest; older ones are left out.
pub const MOST: usize = 100;

/// A slot that is older was missed, and the policy decides.
const ON_TIME: SignedDuration = SignedDuration::from_mins(1);

/// A cron line in its zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    missed: Missed,
    /// Whether it goes by real time, not by the clock.
    every_hour: bool,
}

/// What is to be done about the slots that have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Those that run, the oldest first.
    pub run: Vec<Timestamp>,
    /// The newest that has come; none where none has.
    pub upto: Option<Timestamp>,
    /// Which are left out: `2`, `more than 99`, `all but the newest 100`; none where none is.
    pub left_out: Option<String>,
}

impl Schedule {
    /// The schedule of a plan; `connector_zone` holds where the schedule names none.
    ///
    /// # Errors
    /// Where the cron line or the zone is none: another version of sconn took it.
    pub fn new(plan: &SchedulePlan, connector_zone: &str) -> Result<Self, Failure> {
        let zone = plan.timezone.as_deref().unwrap_or(connector_zone);
        let broken = |what: String| Failure::new(what, "`sconn check` tells what is wrong with it");
        let zone = TimeZone::get(zone).map_err(|e| broken(e.to_string()))?;
        let cron = Cron::from_str(&plan.cron).map_err(|e| broken(format!("\"{}\": {e}", plan.cron)))?;
        let every_hour = (0..24).all(|hour| cron.pattern.hour_match(hour).unwrap_or(false));
        Ok(Self { cron, zone, missed: plan.missed, every_hour })
    }

    /// The schedule of a connector, where it has one.
    ///
    /// # Errors
    /// As [`Schedule::new`].
    pub fn of(plan: &Plan) -> Result<Option<Self>, Failure> {
        match &plan.connector.trigger {
            Trigger::Schedule(schedule) => Self::new(schedule, &plan.connector.timezone).map(Some),
            _ => Ok(None),
        }
    }

    /// The zone that its times are in.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// An instant as its zone shows it, RFC 3339.
    pub fn shown(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The first slot after an instant; none where no time is ever like the line (30 February).
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        if self.every_hour { self.next_of_time(after) } else { self.next_of_clock(after) }
    }

    /// The slots after an instant, up to and with another, the oldest first.
    pub fn slots(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |slot| self.next(*slot))
            .take_while(move |slot| *slot <= until)
    }

    /// What is to be done at `now`, where all up to `seen` is done.
    pub fn due(&self, seen: Timestamp, now: Timestamp) -> Due {
        if self.next(seen).is_none_or(|next| next > now) {
            return Due::default();
        }
        let (mut run, more) = self.newest(seen, now);
        let Some(upto) = run.last().copied() else { return Due::default() };
        let came = run.len();
        match self.missed {
            Missed::RunAll => {}
            Missed::RunOnce => drop(run.drain(..came - 1)),
            Missed::Skip => run.retain(|slot| now.duration_since(*slot) <= ON_TIME),
        }
        let left = came - run.len();
        let left_out = match (more, left) {
            (true, 0) => Some(format!("all but the newest {MOST}")),
            (true, left) => Some(format!("more than {left}")),
            (false, 0) => None,
            (false, left) => Some(left.to_string()),
        };
        Due { run, upto: Some(upto), left_out }
    }

    /// The newest slots, at most [`MOST`], and whether there are older ones. Looks back step by step: a line
    /// that comes each minute may not have been looked at for years.
    fn newest(&self, after: Timestamp, until: Timestamp) -> (Vec<Timestamp>, bool) {
        let mut back = SignedDuration::from_hours(1);
        loop {
            let from = until.checked_sub(back).unwrap_or(after).max(after);
            let mut slots: Vec<_> = self.slots(from, until).collect();
            if from == after || slots.len() > MOST {
                let older = slots.len().saturating_sub(MOST);
                slots.drain(..older);
                return (slots, older > 0);
            }
            back = back.saturating_mul(4);
        }
    }

    /// Between two changes of its offset a zone's clock goes as time does.
    fn next_of_time(&self, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.zone.to_offset(from);
            let local = self.matching(offset.to_datetime(from), inclusive)?;
            let slot = offset.to_timestamp(local).ok()?;
            match self.zone.following(from).next().map(|change| change.timestamp()) {
                Some(change) if slot >= change => (from, inclusive) = (change, true),
                _ => return Some(slot),
            }
        }
    }

    fn next_of_clock(&self, after: Timestamp) -> Option<Timestamp> {
        let mut local = self.zone.to_datetime(after);
        loop {
            local = self.matching(local, false)?;
            let slot = self.instant(local)?;
            // The clock may show a time again that has been: then its slot has been too.
            if slot > after {
                return Some(slot);
            }
        }
    }

    /// The instant of a local time: the first of two, or the first after the leap that it falls into.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        match ambiguous.offset() {
            // With the offset from before the leap the time would come when the leap has been.
            AmbiguousOffset::Gap { before, .. } => {
                let past = before.to_timestamp(local).ok()?;
                self.zone.preceding(past + SignedDuration::from_nanos(1)).next().map(|leap| leap.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }

    /// The next local time like the line.
    fn matching(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        self.cron.find_next_occurrence(&Local(from), inclusive).ok().map(|local| local.0)
    }
}

/// The input of a slot, written into a folder: one column, one row, the slot's time in the schedule's zone.
///
/// # Errors
/// Where the file cannot be written.
pub fn input_file(folder: &Path, schedule: &Schedule, slot: Timestamp) -> std::io::Result<InputFile> {
    let path = folder.join("schedule.csv");
    std::fs::write(&path, format!("schedule_trigger_time\n{}\n", schedule.shown(slot)))?;
    Ok(InputFile::new(path, "schedule.csv".into()))
}
