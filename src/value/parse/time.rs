//! Days and instants.

mod scan;
mod widths;

use super::Miss;
use super::number;
use crate::value::format::ISO;
use crate::value::{Format, date_of_days};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use scan::{Clock, Day};

/// Whether the day or the month comes first in `03/04/2024`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::value) enum Order {
    /// Nothing has said so: the month, with a warning.
    #[default]
    Unknown,
    DayFirst,
    MonthFirst,
}

/// The orders that a column has shown.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::value) struct Orders {
    day_first: bool,
    month_first: bool,
}

impl Orders {
    /// Takes note of a text with a part over 12.
    pub fn see(&mut self, text: &str) {
        if let Some((Day::Either(a, b, _), _)) = scan::day(text.trim()) {
            self.day_first |= a > 12 && b <= 12;
            self.month_first |= b > 12 && a <= 12;
        }
    }

    /// What all the texts together say; contradictory ones say nothing.
    pub fn order(self) -> Order {
        match (self.day_first, self.month_first) {
            (true, false) => Order::DayFirst,
            (false, true) => Order::MonthFirst,
            _ => Order::Unknown,
        }
    }
}

/// A day by the type's own rules; a time after it must be a time, and is dropped.
pub(super) fn auto_date(text: &str, order: Order) -> Result<(Date, bool), Miss> {
    let (day, rest) = scan::day(text).ok_or(Miss::Shape)?;
    let taken = civil(day, order)?;
    if !rest.is_empty() {
        let clock = scan::clock(rest).ok_or(Miss::Shape)?;
        time_of(&clock)?;
    }
    Ok(taken)
}

/// An instant by the type's own rules.
pub(super) fn auto_datetime(text: &str, order: Order, zone: &TimeZone) -> Result<(Timestamp, bool), Miss> {
    let (day, rest) = scan::day(text).ok_or(Miss::Shape)?;
    let (date, ambiguous) = civil(day, order)?;
    Ok((at(date, rest, zone)?, ambiguous))
}

/// A day by a declared format.
pub(super) fn date(text: &str, format: &Format) -> Result<Date, Miss> {
    match format {
        Format::Pattern(p) if p == ISO => match scan::day(text) {
            Some((day @ Day::YearFirst(_, '-'), "")) => civil(day, Order::Unknown).map(|d| d.0),
            _ => Err(Miss::Shape),
        },
        Format::Pattern(p) => {
            let read = by_pattern(p, text)?;
            let date = match read.to_date() {
                Ok(date) => date,
                // A pattern of `%s` names an instant, not a day.
                Err(_) => match read.to_timestamp() {
                    Ok(instant) => TimeZone::UTC.to_datetime(instant).date(),
                    Err(_) => return Err(Miss::NoSuchDay),
                },
            };
            year(date)
        }
        Format::Excel => excel(text).map(|(date, _)| date),
        Format::Unix => {
            instant(number::parse(text, None, Some('.'))?, 6).map(|t| TimeZone::UTC.to_datetime(t).date())
        }
        Format::UnixMillis => {
            instant(number::parse(text, None, Some('.'))?, 9).map(|t| TimeZone::UTC.to_datetime(t).date())
        }
        _ => Err(Miss::Shape),
    }
}

/// An instant by a declared format.
pub(super) fn datetime(text: &str, format: &Format, zone: &TimeZone) -> Result<Timestamp, Miss> {
    match format {
        Format::Pattern(p) if p == ISO => match scan::day(text) {
            Some((day @ Day::YearFirst(_, '-'), rest)) => {
                let (date, _) = civil(day, Order::Unknown)?;
                at(date, rest, zone)
            }
            _ => Err(Miss::Shape),
        },
        Format::Pattern(p) => {
            let read = by_pattern(p, text)?;
            if read.timestamp().is_some() || read.offset().is_some() || read.iana_time_zone().is_some() {
                let instant = match read.iana_time_zone() {
                    Some(_) => read.to_zoned_datetime().map(|z| z.timestamp()),
                    None => read.to_timestamp(),
                };
                let instant = instant.map_err(|_| Miss::NoSuchDay)?;
                year(TimeZone::UTC.to_datetime(instant).date())?;
                return fine(instant);
            }
            let local = read.to_datetime().map_err(|_| Miss::NoSuchDay)?;
            year(local.date())?;
            local_instant(local, zone)
        }
        Format::Excel => {
            let (date, millis) = excel(text)?;
            let midnight = date.to_datetime(Time::midnight());
            let local =
                midnight.checked_add(jiff::Span::new().milliseconds(millis)).map_err(|_| Miss::Year)?;
            local_instant(local, zone)
        }
        Format::Unix => instant(number::parse(text, None, Some('.'))?, 6),
        Format::UnixMillis => instant(number::parse(text, None, Some('.'))?, 9),
        _ => Err(Miss::Shape),
    }
}

fn by_pattern(pattern: &str, text: &str) -> Result<BrokenDownTime, Miss> {
    let read = strtime::parse(pattern, text).map_err(|_| Miss::Shape)?;
    if widths::certain(pattern, text) { Ok(read) } else { Err(Miss::Shape) }
}

/// The day that was scanned, and whether day and month could be either.
fn civil(day: Day, order: Order) -> Result<(Date, bool), Miss> {
    let (year, month, day, ambiguous) = match day {
        Day::BadYear => return Err(Miss::Year),
        Day::YearFirst((y, m, d), _) => (y, m, d, false),
        Day::Either(a, b, y) if a > 12 => (y, b, a, false),
        Day::Either(a, b, y) if b > 12 || a == b => (y, a, b, false),
        Day::Either(a, b, y) => match order {
            Order::DayFirst => (y, b, a, false),
            Order::MonthFirst => (y, a, b, false),
            Order::Unknown => (y, a, b, true),
        },
    };
    if year < 1000 {
        return Err(Miss::Year);
    }
    Date::new(year, month, day).map(|d| (d, ambiguous)).map_err(|_| Miss::NoSuchDay)
}

/// Years that a text of four digits can mean; a shorter one was cut, and guessing is not ours.
fn year(date: Date) -> Result<Date, Miss> {
    if (1000..=9999).contains(&date.year()) { Ok(date) } else { Err(Miss::Year) }
}

/// A day with what followed it: nothing is midnight.
fn at(date: Date, rest: &str, zone: &TimeZone) -> Result<Timestamp, Miss> {
    if rest.is_empty() {
        return local_instant(date.to_datetime(Time::midnight()), zone);
    }
    let clock = scan::clock(rest).ok_or(Miss::Shape)?;
    let local = date.to_datetime(time_of(&clock)?);
    match clock.offset_seconds {
        Some(seconds) => {
            let offset = jiff::tz::Offset::from_seconds(seconds).map_err(|_| Miss::NoSuchTime)?;
            offset.to_timestamp(local).map_err(|_| Miss::Year)
        }
        None => local_instant(local, zone),
    }
}

fn time_of(clock: &Clock) -> Result<Time, Miss> {
    if !clock.fine {
        return Err(Miss::TooFine);
    }
    let hour = match clock.afternoon {
        None => clock.hour,
        Some(_) if !(1..=12).contains(&clock.hour) => return Err(Miss::NoSuchTime),
        Some(afternoon) => clock.hour % 12 + if afternoon { 12 } else { 0 },
    };
    Time::new(hour, clock.minute, clock.second, clock.micros * 1000).map_err(|_| Miss::NoSuchTime)
}

/// The instant of a local time, if the time zone has it exactly once.
fn local_instant(local: DateTime, zone: &TimeZone) -> Result<Timestamp, Miss> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            offset.to_timestamp(local).map_err(|_| Miss::Year).and_then(fine)
        }
        AmbiguousOffset::Gap { .. } => Err(Miss::Gap),
        AmbiguousOffset::Fold { .. } => Err(Miss::Overlap),
    }
}

/// Instants are kept in microseconds; finer ones would be cut.
fn fine(instant: Timestamp) -> Result<Timestamp, Miss> {
    if instant.subsec_nanosecond() % 1000 == 0 { Ok(instant) } else { Err(Miss::TooFine) }
}

/// A day and the milliseconds into it. Spreadsheets keep a time of day as a binary fraction, so the
/// nearest millisecond is what was typed.
fn excel(text: &str) -> Result<(Date, i64), Miss> {
    const ONE: i128 = 1_000_000_000_000;
    const MILLIS: i128 = 86_400_000;
    // Serials of times have up to 17 digits; what is past 12 decimals is below a microsecond.
    let cut = text
        .split_once('.')
        .and_then(|(w, f)| f.get(..12).map(|f| (w, f)))
        .filter(|_| text.matches('.').count() == 1);
    let mantissa = match cut {
        Some((whole, fraction)) if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
            number::parse(&format!("{whole}.{fraction}"), None, Some('.'))?
        }
        _ => number::parse(text, None, Some('.'))?,
    };
    let mut serial = mantissa.div_euclid(ONE);
    let mut millis = (mantissa.rem_euclid(ONE) * MILLIS + ONE / 2) / ONE;
    if millis == MILLIS {
        (serial, millis) = (serial + 1, 0);
    }
    if serial == 60 {
        return Err(Miss::Serial60);
    }
    if !(1..=2_958_465).contains(&serial) {
        return Err(Miss::Year);
    }
    // Before the day that never was, serials run one day behind.
    let days = serial - 25_569 + i128::from(serial < 60);
    let date = i32::try_from(days).ok().and_then(date_of_days).ok_or(Miss::Year)?;
    Ok((date, i64::try_from(millis).map_err(|_| Miss::NoSuchTime)?))
}

/// The instant of a count since 1970 whose mantissa counts `10^-(6+…)` parts: `digits` of it are
/// below a microsecond.
fn instant(mantissa: i128, digits: u32) -> Result<Timestamp, Miss> {
    let part = 10i128.pow(digits);
    if mantissa % part != 0 {
        return Err(Miss::TooFine);
    }
    let micros = i64::try_from(mantissa / part).map_err(|_| Miss::Year)?;
    let instant = Timestamp::from_microsecond(micros).map_err(|_| Miss::Year)?;
    year(TimeZone::UTC.to_datetime(instant).date())?;
    Ok(instant)
}
