//! Local times, as the cron library searches them: without a zone, so that what a change of the clock
//! does is decided by us.

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use std::cmp::Ordering;

#[derive(Clone, Copy, Debug)]
pub(super) struct Local(pub(super) DateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let (part, t) = (|n: i8| u32::from(n.unsigned_abs()), self.0);
        // What jiff has checked need not be checked again.
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(t.year()), part(t.month()), part(t.day())),
            CivilTime::from_parts_unchecked(part(t.hour()), part(t.minute()), part(t.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |n: u32| i8::try_from(n).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let local = DateTime::new(year, month, day, hour, minute, second, 0);
        local.map(|l| Resolution::Single(Local(l))).map_err(|_| CronError::InvalidDate)
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Local)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
