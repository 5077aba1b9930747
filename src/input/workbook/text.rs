//! A cell's value as text: exact, dates in ISO 8601.

use calamine::{Data, DataRef, ExcelDateTime};

/// What a cell says.
pub(super) enum Text {
    Empty,
    Is(String),
    /// A number of more digits than spreadsheets keep.
    Long(String),
    /// A formula that nobody has worked out.
    NoResult,
    /// Why it cannot be read.
    Bad(String),
}

/// The text of a cell's value.
pub(super) fn text(value: &DataRef<'_>) -> Text {
    match value {
        DataRef::Empty => Text::Empty,
        DataRef::String(s) if s.is_empty() => Text::Empty,
        DataRef::String(s) => Text::Is(s.clone()),
        DataRef::SharedString("") => Text::Empty,
        DataRef::SharedString(s) => Text::Is((*s).to_owned()),
        DataRef::Int(n) => number(n.to_string()),
        DataRef::Float(n) if !n.is_finite() => Text::Bad(format!("`{n}` is not a number")),
        DataRef::Float(n) if *n == 0.0 => Text::Is("0".to_owned()),
        // The shortest text that gives the same number back; never with an exponent.
        DataRef::Float(n) => number(n.to_string()),
        DataRef::Bool(b) => Text::Is(b.to_string()),
        DataRef::DateTime(d) => date(d),
        DataRef::DateTimeIso(s) => Text::Is(s.trim_end_matches('Z').to_owned()),
        DataRef::DurationIso(s) => Text::Is(s.clone()),
        DataRef::Error(e) => Text::Bad(format!("the cell has the error {e}")),
    }
}

fn number(text: String) -> Text {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let significant = if text.contains('.') { digits } else { digits.trim_end_matches('0') };
    if significant.len() > 15 { Text::Long(text) } else { Text::Is(text) }
}

fn date(value: &ExcelDateTime) -> Text {
    let serial = value.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return Text::Bad(format!("the date number {serial} is outside the years 1900 to 9999"));
    }
    if value.is_duration() {
        let seconds = (serial * 86_400.0).round() as u64;
        return Text::Is(format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, h, m, s, ms) = value.to_ymd_hms_milli();
    if (year, month, day) == (1900, 2, 29) {
        return Text::Bad("the date is 29 February 1900 (number 60), which never was".to_owned());
    }
    let time = format!("{h:02}:{m:02}:{s:02}");
    let time = if ms == 0 { time } else { format!("{time}.{ms:03}") };
    let midnight = (h, m, s, ms) == (0, 0, 0, 0);
    // Below one it is a time of day. There is a day zero where days are counted from 1904 only; elsewhere
    // it comes from a formula that asks an empty cell, or is midnight.
    if serial < 1.0 && (!midnight || year != 1904) {
        return Text::Is(time);
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    Text::Is(if midnight { day } else { format!("{day}T{time}") })
}

/// The same value, borrowed.
pub(super) fn reference(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(v) => DataRef::Int(*v),
        Data::Float(v) => DataRef::Float(*v),
        Data::String(v) => DataRef::SharedString(v),
        Data::Bool(v) => DataRef::Bool(*v),
        Data::DateTime(v) => DataRef::DateTime(*v),
        Data::DateTimeIso(v) => DataRef::DateTimeIso(v.clone()),
        Data::DurationIso(v) => DataRef::DurationIso(v.clone()),
        Data::Error(v) => DataRef::Error(v.clone()),
        _ => DataRef::Empty,
    }
}
