//! The shapes of days and times of day, without judging them.

/// A day as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Year, month, day; and the mark between them.
    YearFirst((i16, i8, i8), char),
    /// Two parts in an order that the text does not tell, then the year.
    Either(i8, i8, i16),
    /// A day in shape, but its year has not four digits.
    BadYear,
}

/// A time of day as it stands in a text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    pub hour: i8,
    pub minute: i8,
    pub second: i8,
    pub micros: i32,
    /// Whether there was nothing below a microsecond.
    pub fine: bool,
    pub afternoon: Option<bool>,
    pub offset_seconds: Option<i32>,
}

/// The day at the start of a text, and what follows it.
pub(super) fn day(text: &str) -> Option<(Day, &str)> {
    let (a, a_len, rest) = digits(text)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '-' | '.' | '/'))?;
    let (b, b_len, rest) = digits(rest.strip_prefix(mark)?)?;
    let (c, c_len, rest) = digits(rest.strip_prefix(mark)?)?;
    if b_len > 2 {
        return None;
    }
    let small = |n: u32| i8::try_from(n).ok();
    let year = |n: u32| i16::try_from(n).ok();
    let day = match (a_len, c_len) {
        (4, 1 | 2) => Day::YearFirst((year(a)?, small(b)?, small(c)?), mark),
        (1 | 2, 4) => Day::Either(small(a)?, small(b)?, year(c)?),
        (4.., 4..) => return None,
        _ => Day::BadYear,
    };
    Some((day, rest))
}

/// The time that is all of a text: `T10:00`, ` 10:00:00.5 PM`, `T10:00:00+02:00`.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let rest = text.strip_prefix(['T', 't', ' '])?.trim_start_matches(' ');
    let mut clock = Clock { fine: true, ..Clock::default() };
    let (hour, hour_len, rest) = digits(rest)?;
    let (minute, minute_len, mut rest) = digits(rest.strip_prefix(':')?)?;
    if hour_len > 2 || minute_len != 2 {
        return None;
    }
    (clock.hour, clock.minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
    if let Some(after) = rest.strip_prefix(':') {
        let (second, len, after) = digits(after)?;
        if len != 2 {
            return None;
        }
        (clock.second, rest) = (i8::try_from(second).ok()?, after);
        if let Some(after) = rest.strip_prefix(['.', ',']) {
            rest = fraction(after, &mut clock)?;
        }
    }
    rest = halves(rest, &mut clock);
    rest = offset(rest, &mut clock)?;
    rest.is_empty().then_some(clock)
}

/// A run of ASCII digits: its value, its length, what follows. Runs over 9 digits are no part of a
/// day or time.
fn digits(text: &str) -> Option<(u32, usize, &str)> {
    let bytes = text.as_bytes();
    let len = bytes.iter().take(10).take_while(|b| b.is_ascii_digit()).count();
    if len == 0 || len > 9 {
        return None;
    }
    let (run, rest) = text.split_at_checked(len)?;
    Some((run.bytes().fold(0, |n, b| n * 10 + u32::from(b - b'0')), len, rest))
}

fn fraction<'a>(text: &'a str, clock: &mut Clock) -> Option<&'a str> {
    let (value, len, rest) = digits(text)?;
    let nanos = value.checked_mul(10u32.checked_pow(9 - len as u32)?)?;
    clock.fine = nanos % 1000 == 0;
    clock.micros = i32::try_from(nanos / 1000).ok()?;
    Some(rest)
}

/// AM or PM, in any case, with or without a space.
fn halves<'a>(text: &'a str, clock: &mut Clock) -> &'a str {
    let rest = text.trim_start_matches(' ');
    if let Some((half, after)) = rest.split_at_checked(2)
        && (half.eq_ignore_ascii_case("am") || half.eq_ignore_ascii_case("pm"))
    {
        clock.afternoon = Some(half.eq_ignore_ascii_case("pm"));
        return after;
    }
    text
}

/// `Z`, `+02:00`, `+0200` or `+02`, after at most one space.
fn offset<'a>(text: &'a str, clock: &mut Clock) -> Option<&'a str> {
    if text.is_empty() {
        return Some(text);
    }
    let rest = text.strip_prefix(' ').unwrap_or(text);
    if let Some(after) = rest.strip_prefix(['Z', 'z']) {
        clock.offset_seconds = Some(0);
        return Some(after);
    }
    let (sign, rest) = match rest.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, rest.strip_prefix('-')?),
    };
    let (value, len, rest) = digits(rest)?;
    let (hours, minutes, rest) = match (len, rest.strip_prefix(':')) {
        (2, Some(after)) => {
            let (minutes, len, after) = digits(after)?;
            if len != 2 {
                return None;
            }
            (value, minutes, after)
        }
        (2, None) => (value, 0, rest),
        (4, None) => (value / 100, value % 100, rest),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    clock.offset_seconds = Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?);
    Some(rest)
}
