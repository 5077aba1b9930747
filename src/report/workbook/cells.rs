//! What goes into a cell: typed where the type is certain, text otherwise.

use super::styles::Print;
use crate::report::words::{columns_of, visible};
use crate::value::Value;
use rust_decimal::Decimal;
use rust_xlsxwriter::ExcelDateTime;
use std::borrow::Cow;

/// What Excel takes in one cell, in UTF-16 units.
const MAX_TEXT: usize = 32_767;
/// Digits that survive in the spreadsheet's floating point.
const SAFE_DIGITS: u32 = 15;
/// Lines of one cell that are shown below each other; a longer text stays on one line, so that it does not
/// push the next row out of sight.
const SHOWN_LINES: usize = 6;
/// What the number format shows.
const SHOWN_DECIMALS: u32 = 12;

/// A cell's content.
pub(super) enum Content {
    Blank,
    Text(String),
    Number(f64, Print),
    Boolean(bool),
    Time(ExcelDateTime, Print),
}

impl Content {
    pub(super) fn print(&self) -> Print {
        match self {
            Content::Text(text) if (2..=SHOWN_LINES).contains(&text.split('\n').count()) => Print::Lines,
            Content::Blank | Content::Text(_) => Print::Text,
            Content::Number(_, print) | Content::Time(_, print) => *print,
            Content::Boolean(_) => Print::Boolean,
        }
    }

    /// How many lines of it are shown below each other.
    pub(super) fn lines(&self) -> usize {
        match self {
            Content::Text(text) if self.print() == Print::Lines => text.split('\n').count(),
            _ => 1,
        }
    }

    /// About how many characters it is wide: the widest of its lines.
    pub(super) fn width(&self) -> usize {
        match self {
            Content::Blank => 0,
            Content::Text(text) => text.split('\n').map(columns_of).max().unwrap_or(0),
            Content::Number(number, _) => number.to_string().len(),
            Content::Boolean(_) => 5,
            Content::Time(_, Print::Date) => 10,
            Content::Time(..) => 23,
        }
    }
}

/// A text as a cell; empty text is a blank one.
pub(super) fn text(text: impl Into<String>) -> Content {
    let text = text.into();
    if text.is_empty() {
        return Content::Blank;
    }
    let text = match visible(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(visible) => visible,
    };
    Content::Text(fitted(text))
}

/// A value as a cell.
pub(super) fn value(value: &Value) -> Content {
    match value {
        Value::Number(n) => number(*n).unwrap_or_else(|| text(value.to_string())),
        Value::Boolean(b) => Content::Boolean(*b),
        Value::Date(d) => {
            date(*d).map_or_else(|| text(value.to_string()), |date| Content::Time(date, Print::Date))
        }
        Value::Datetime(t) => {
            instant(*t).map_or_else(|| text(value.to_string()), |time| Content::Time(time, Print::Datetime))
        }
        _ => text(value.to_string()),
    }
}

/// A count as a cell.
pub(super) fn count(count: u64) -> Content {
    Content::Number(count as f64, Print::Integer)
}

/// A number, where the spreadsheet keeps all its digits.
fn number(number: Decimal) -> Option<Content> {
    let number = number.normalize();
    let digits = number.mantissa().unsigned_abs().checked_ilog10().unwrap_or(0) + 1;
    if digits > SAFE_DIGITS || number.scale() > SHOWN_DECIMALS {
        return None;
    }
    // By way of its text: the nearest double, which prints as the same digits.
    let double: f64 = number.to_string().parse().ok()?;
    Some(Content::Number(double, if number.scale() == 0 { Print::Integer } else { Print::Decimal }))
}

/// A day, where the spreadsheet counts it right: it has a 29 February 1900 that never was.
fn date(date: jiff::civil::Date) -> Option<ExcelDateTime> {
    if date < jiff::civil::date(1900, 3, 1) {
        return None;
    }
    ExcelDateTime::from_ymd(date.year() as u16, date.month() as u8, date.day() as u8).ok()
}

/// An instant in UTC, where it has whole seconds; finer ones stay text, so that nothing is lost.
fn instant(time: jiff::Timestamp) -> Option<ExcelDateTime> {
    if time.subsec_nanosecond() != 0 {
        return None;
    }
    let at = jiff::tz::Offset::UTC.to_datetime(time);
    date(at.date())?.and_hms(at.hour() as u16, at.minute() as u8, at.second() as u8).ok()
}

/// The text, cut to what a cell takes and saying so.
fn fitted(text: String) -> String {
    // A character is at most as many UTF-16 units as it is bytes.
    if text.len() <= MAX_TEXT || text.chars().map(char::len_utf16).sum::<usize>() <= MAX_TEXT {
        return text;
    }
    let mark = format!(" … (cut, {} characters)", text.chars().count());
    let room = MAX_TEXT - mark.chars().count();
    let mut units = 0;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            units += c.len_utf16();
            units > room
        })
        .map_or(text.len(), |(at, _)| at);
    format!("{}{mark}", &text[..end])
}
