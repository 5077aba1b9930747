//! Patterns of dates and datetimes: strftime, or the names people know (`DD.MM.YYYY`).

use super::FormatError;
use crate::value::BaseType;
use jiff::civil::DateTime;
use jiff::fmt::strtime;

/// The pattern that stands for ISO 8601; no strftime pattern, as it holds no `%`.
pub(in crate::value) const ISO: &str = "iso";

/// The names of the parts, for those who write them.
const DAYS: &str = "the parts are YYYY, MM or M, MMM for Jan, MMMM for January, DD or D";
const TIMES: &str = ", HH or H, hh or h with A for AM and PM, mm, ss";

/// Reads a quoted pattern and checks that it can say a whole date (and an hour, for a datetime).
pub(super) fn read(base: BaseType, text: &str) -> Result<String, FormatError> {
    let pattern = if text.contains('%') { text.to_owned() } else { translate(text) };
    let named = !text.contains('%');
    let (example, named_example) = if base == BaseType::Date {
        ("%d/%m/%Y", "DD/MM/YYYY")
    } else {
        ("%d/%m/%Y %H:%M", "DD/MM/YYYY HH:mm")
    };
    let names = format!("{DAYS}{}", if base == BaseType::Date { "" } else { TIMES });
    let parts = Parts::of(&pattern);
    if parts == Parts::default() {
        return Err(FormatError {
            message: format!("\"{text}\" is not a date pattern"),
            help: format!("write the parts with %, such as \"{example}\", or by name: \"{named_example}\""),
        });
    }
    let missing = parts.missing(base);
    if !missing.is_empty() {
        return Err(FormatError {
            message: format!("the pattern \"{text}\" has no {}", missing.join(" and no ")),
            help: format!(
                "a {} needs {}, such as \"{}\"{}",
                base.name(),
                if base == BaseType::Date { "day, month and year" } else { "day, month, year and hour" },
                if named { named_example } else { example },
                if named { format!("; {names}") } else { String::new() }
            ),
        });
    }
    if base == BaseType::Datetime && parts.twelve && !parts.half {
        let (twelve, day, half) = if named { ("hh", "HH", "A") } else { ("%I", "%H", "%p") };
        return Err(FormatError {
            message: format!("the pattern \"{text}\" does not say whether an hour is before or after noon"),
            help: format!(
                "`{twelve}` counts the hours to 12: write `{day}`, or add `{half}` where the file has AM or PM"
            ),
        });
    }
    if !can_be_read_back(base, &pattern) {
        return Err(FormatError {
            message: format!("the pattern \"{text}\" cannot be used to read a {}", base.name()),
            help: if named {
                format!("write it such as \"{named_example}\"; {names}")
            } else {
                format!("use the parts %Y %m %d %b %B %H %I %p %M %S %.f %z, such as \"{example}\"")
            },
        });
    }
    Ok(pattern)
}

/// `DD.MM.YYYY hh:mm:ss A` as a strftime pattern. `MM` is the month where it comes first, minutes
/// after an hour. A single letter is a part where it stands alone, and the part is not there already.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut hour, mut rest, mut last) = (false, text, ' ');
    'next: while let Some(c) = rest.chars().next() {
        let names: [(&str, &str); 15] = [
            ("YYYY", "%Y"),
            ("yyyy", "%Y"),
            ("YY", "%y"),
            ("DD", "%d"),
            ("dd", "%d"),
            ("MMMM", "%B"),
            ("MMM", "%b"),
            ("MM", if hour { "%M" } else { "%m" }),
            ("mm", if hour { "%M" } else { "%m" }),
            ("HH", "%H"),
            ("hh", "%I"),
            ("SS", "%S"),
            ("ss", "%S"),
            ("AM", "%p"),
            ("A", "%p"),
        ];
        for (name, part) in names {
            if let Some(after) = rest.strip_prefix(name) {
                hour = (hour || matches!(part, "%H" | "%I")) && part != "%M";
                out.push_str(part);
                (rest, last) = (after, c);
                continue 'next;
            }
        }
        let alone =
            !last.is_ascii_alphabetic() && !rest.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic());
        let single = match c {
            'D' | 'd' => Some('d'),
            'M' | 'm' if hour => Some('M'),
            'M' | 'm' => Some('m'),
            'H' => Some('H'),
            'h' => Some('I'),
            'S' | 's' => Some('S'),
            _ => None,
        };
        let there = |part: char| out.contains(&format!("%{part}")) || out.contains(&format!("%-{part}"));
        let hours = |part: char| matches!(part, 'H' | 'I') && (there('H') || there('I'));
        match single.filter(|part| alone && !there(*part) && !hours(*part)) {
            Some(part) => {
                hour = (hour || matches!(part, 'H' | 'I')) && part != 'M';
                out.extend(['%', '-', part]);
            }
            None => out.push(c),
        }
        last = c;
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// What a pattern says.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Parts {
    day: bool,
    month: bool,
    year: bool,
    hour: bool,
    /// The hours go to 12.
    twelve: bool,
    /// AM or PM.
    half: bool,
}

impl Parts {
    fn of(pattern: &str) -> Self {
        let mut parts = Parts::default();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                continue;
            }
            // Flags, widths and colons stand between the sign and the letter.
            let letter = chars.find(|c| !matches!(c, '-' | '_' | '^' | '#' | ':' | '.' | '0'..='9'));
            match letter {
                Some('d' | 'e') => parts.day = true,
                Some('m' | 'b' | 'B' | 'h') => parts.month = true,
                Some('Y' | 'y') => parts.year = true,
                Some('j') => (parts.day, parts.month) = (true, true),
                Some('F' | 'D') => (parts.day, parts.month, parts.year) = (true, true, true),
                Some('H' | 'k' | 'T' | 'R') => parts.hour = true,
                Some('I' | 'l') => (parts.hour, parts.twelve) = (true, true),
                Some('p' | 'P') => parts.half = true,
                Some('s') => {
                    (parts.day, parts.month, parts.year, parts.hour) = (true, true, true, true);
                }
                _ => {}
            }
        }
        parts
    }

    fn missing(self, base: BaseType) -> Vec<&'static str> {
        let hour = self.hour || base == BaseType::Date;
        [("day", self.day), ("month", self.month), ("year", self.year), ("hour", hour)]
            .into_iter()
            .filter(|(_, there)| !there)
            .map(|(name, _)| name)
            .collect()
    }
}

/// Whether what the pattern prints can be read with it, to the same day and hour.
fn can_be_read_back(base: BaseType, pattern: &str) -> bool {
    let samples = [DateTime::constant(2031, 10, 9, 17, 0, 0, 0), DateTime::constant(1987, 2, 23, 3, 0, 0, 0)];
    samples.into_iter().all(|sample| {
        let Ok(zoned) = sample.to_zoned_datetime(jiff::tz::TimeZone::UTC) else { return false };
        let Ok(text) = strtime::format(pattern, &zoned) else { return false };
        let Ok(read) = strtime::parse(pattern, &text) else { return false };
        if base == BaseType::Date {
            return read.to_date().is_ok_and(|d| d == sample.date());
        }
        let instant = read.timestamp().or_else(|| read.to_timestamp().ok());
        instant.is_some_and(|t| t == zoned.timestamp()) || read.to_datetime().is_ok_and(|d| d == sample)
    })
}
