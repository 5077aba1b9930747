//! What can be wrong with one value of one row.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The kinds of problem a row can have. Stable: reports, `decisions.parquet` and `summary.json`
/// carry the snake_case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// A required variable has no value.
    Required,
    /// Not a number by the declared format.
    NotANumber,
    /// More digits than an exact number can hold, or than the field takes.
    NumberTooLarge,
    /// More decimals than the variable or field takes; nothing is rounded.
    TooManyDecimals,
    /// Not a boolean.
    NotABoolean,
    /// Not a date by the declared formats.
    NotADate,
    /// Not a date and time by the declared formats.
    NotADatetime,
    /// Day and month could be either; `MM/DD` was taken.
    AmbiguousDate,
    /// A local time that the time zone skips or has twice.
    AmbiguousTime,
    /// Not an e-mail address.
    NotAnEmail,
    /// Not a telephone number.
    NotAPhoneNumber,
    /// Not a UUID.
    NotAUuid,
    /// Not the shape that `split` expects.
    NotAList,
    /// The field has no such option.
    UnknownOption,
    /// The value does not fit the field's type.
    DoesNotFit,
    /// `find` found no record.
    NotFound,
    /// `find` found several records.
    FoundSeveral,
    /// A rule matched several records.
    SeveralMatches,
    /// The value to match on is empty.
    EmptyMatchValue,
    /// A required field would stay empty.
    RequiredField,
    /// Another record holds this value in a unique field.
    NotUnique,
    /// The target refused the row.
    Refused,
}

impl ProblemCode {
    /// The stable name: `not_a_number`.
    pub fn name(self) -> &'static str {
        match self {
            ProblemCode::Required => "required",
            ProblemCode::NotANumber => "not_a_number",
            ProblemCode::NumberTooLarge => "number_too_large",
            ProblemCode::TooManyDecimals => "too_many_decimals",
            ProblemCode::NotABoolean => "not_a_boolean",
            ProblemCode::NotADate => "not_a_date",
            ProblemCode::NotADatetime => "not_a_datetime",
            ProblemCode::AmbiguousDate => "ambiguous_date",
            ProblemCode::AmbiguousTime => "ambiguous_time",
            ProblemCode::NotAnEmail => "not_an_email",
            ProblemCode::NotAPhoneNumber => "not_a_phone_number",
            ProblemCode::NotAUuid => "not_a_uuid",
            ProblemCode::NotAList => "not_a_list",
            ProblemCode::UnknownOption => "unknown_option",
            ProblemCode::DoesNotFit => "does_not_fit",
            ProblemCode::NotFound => "not_found",
            ProblemCode::FoundSeveral => "found_several",
            ProblemCode::SeveralMatches => "several_matches",
            ProblemCode::EmptyMatchValue => "empty_match_value",
            ProblemCode::RequiredField => "required_field",
            ProblemCode::NotUnique => "not_unique",
            ProblemCode::Refused => "refused",
        }
    }
}

/// One problem of one row, in the user's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// The variable or field it is about; empty where it is about the row.
    pub name: String,
    /// The offending text, as it came.
    pub text: String,
    /// One sentence that names what was expected.
    pub message: String,
}

/// A problem of one cell of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellProblem {
    /// The row within the batch, from 0.
    pub row: usize,
    /// Whether the value was taken all the same (a warning), or is lost (an error).
    pub taken: bool,
    /// What is wrong.
    pub problem: Problem,
}

/// At most 200 characters; the last one tells that there were more.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    let mut ends = text.char_indices().map(|(end, _)| end).skip(199);
    match (ends.next(), ends.next()) {
        (Some(end), Some(_)) => Cow::Owned(format!("{}…", &text[..end])),
        _ => Cow::Borrowed(text),
    }
}

/// A text as messages show it: in quotes, cut, and with what nobody can see spelled out. It may be
/// just that which is wrong.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in cut(text).chars() {
        if is_invisible(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out.push('"');
    out
}

/// Control characters, every white space but the common one, and characters that take no room or turn
/// the direction of writing.
pub(super) fn is_invisible(c: char) -> bool {
    let no_room = matches!(c, '\u{ad}' | '\u{61c}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    no_room || c.is_control() || (c.is_whitespace() && c != ' ')
}
