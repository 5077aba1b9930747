//! Texts as dates, numbers and booleans; none where the text is not one.

use jiff::civil::Date;
use rust_decimal::Decimal;

/// The day by the first of the strftime formats that fits; blank formats are passed over. The year
/// must have four digits.
pub(super) fn date(text: &str, formats: &[Option<&str>]) -> Option<Date> {
    let text = text.trim();
    formats
        .iter()
        .flatten()
        .filter(|format| !format.is_empty())
        .find_map(|format| jiff::fmt::strtime::parse(format, text).ok()?.to_date().ok())
        .filter(|date| date.year() >= 1000)
}

/// The number, written with the marks of the example: `1.234,56`.
pub(super) fn number(text: &str, example: &str) -> Option<Decimal> {
    let Marks { thousands, decimal } = marks(example)?;
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !fraction.is_none_or(digits) {
        return None;
    }
    let whole = match thousands {
        Some(mark) if whole.contains(mark) => {
            let groups = whole.split(mark).collect::<Vec<_>>();
            let (head, tail) = groups.split_first()?;
            if !digits(head) || head.len() > 3 || !tail.iter().all(|g| digits(g) && g.len() == 3) {
                return None;
            }
            groups.concat()
        }
        _ if digits(whole) => whole.to_owned(),
        _ => return None,
    };
    Decimal::from_str_exact(&format!("{sign}{whole}.{}", fraction.unwrap_or("0"))).ok()
}

struct Marks {
    thousands: Option<char>,
    decimal: char,
}

/// Which marks an example number uses. One mark before exactly three digits groups thousands.
fn marks(example: &str) -> Option<Marks> {
    let found = example.char_indices().filter(|(_, c)| !c.is_ascii_digit()).collect::<Vec<_>>();
    if found.iter().any(|(_, c)| !matches!(c, '.' | ',' | ' ' | '\'' | '\u{a0}' | '\u{202f}')) {
        return None;
    }
    let other = |mark: char| if mark == '.' { ',' } else { '.' };
    let Some((at, last)) = found.last().copied() else {
        return (!example.is_empty()).then_some(Marks { thousands: None, decimal: '.' });
    };
    let before = found.iter().rev().skip(1).map(|(_, c)| *c).collect::<Vec<_>>();
    let after = example.len() - at - last.len_utf8();
    match before.split_first() {
        None if after == 3 && (1..=3).contains(&at) => {
            Some(Marks { thousands: Some(last), decimal: other(last) })
        }
        None => matches!(last, '.' | ',').then_some(Marks { thousands: None, decimal: last }),
        Some((mark, rest)) if rest.iter().all(|c| c == mark) => {
            if *mark == last {
                Some(Marks { thousands: Some(last), decimal: other(last) })
            } else {
                matches!(last, '.' | ',').then_some(Marks { thousands: Some(*mark), decimal: last })
            }
        }
        Some(_) => None,
    }
}

/// True or false, as the pairs that a boolean variable knows write it, case ignored.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "t" | "checked" => Some(true),
        "false" | "no" | "off" | "0" | "f" | "unchecked" => Some(false),
        _ => None,
    }
}
