//! How texts are read as values: exactly, by the declared formats or by each type's own rules.

mod boolean;
mod contact;
mod list;
mod number;
mod time;

pub(super) use list::parts;
pub(super) use time::{Order, Orders};

use super::{BaseType, Format, ProblemCode, Value};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Why a text is no value of the type. Cheap, as formats are tried in turn and most misses are
/// never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// Not written the way the type or the format asks for.
    Shape,
    /// A number with too many digits.
    TooLarge,
    /// A number with too many decimals.
    TooManyDecimals,
    /// A day that no calendar has, such as 30 February.
    NoSuchDay,
    /// An hour or minute that no clock has.
    NoSuchTime,
    /// A year of two digits, before 1000 or after 9999.
    Year,
    /// Day 60 of a spreadsheet: the 29 February 1900 that never was.
    Serial60,
    /// A time with more than microseconds.
    TooFine,
    /// A local time that the time zone skips.
    Gap,
    /// A local time that the time zone has twice.
    Overlap,
}

/// How texts are read as values of one type.
#[derive(Clone, Debug)]
pub struct Rules {
    base: BaseType,
    formats: Vec<Format>,
    timezone: TimeZone,
    pub(super) order: Order,
}

impl Rules {
    /// By the first of the formats that fits, or by the type's own rules where there is none; local
    /// times are those of `timezone`.
    pub fn new(base: BaseType, formats: Vec<Format>, timezone: TimeZone) -> Self {
        Self { base, formats, timezone, order: Order::default() }
    }

    /// The value of a text, where it is one and can be read one way only.
    pub fn read(&self, text: &str) -> Option<Value> {
        self.value(text).ok().and_then(|(value, ambiguous)| (!ambiguous).then_some(value))
    }

    /// The same rules for a column that is typed already: its texts are ours, not a file's.
    pub(super) fn without_formats(&self) -> Self {
        Self { formats: Vec::new(), ..self.clone() }
    }

    /// One value; `text` is trimmed here. Empty text is no value. The flag says that day and month
    /// could be either.
    pub(super) fn value(&self, text: &str) -> Result<(Value, bool), Miss> {
        if self.base == BaseType::String {
            let text = nfc(text);
            return Ok((if text.is_empty() { Value::Null } else { Value::Text(text.into_owned()) }, false));
        }
        let text = text.trim();
        if text.is_empty() {
            return Ok((Value::Null, false));
        }
        let value = match self.base {
            BaseType::String => Value::Null,
            BaseType::Number => Value::Number(number::decimal(self.number(text)?)?),
            BaseType::Boolean => Value::Boolean(self.boolean(text)?),
            BaseType::Date => {
                let (date, ambiguous) = self.date(text)?;
                return Ok((Value::Date(date), ambiguous));
            }
            BaseType::Datetime => {
                let (instant, ambiguous) = self.datetime(text)?;
                return Ok((Value::Datetime(instant), ambiguous));
            }
            BaseType::Email => Value::Text(self.email(text)?.into_owned()),
            BaseType::PhoneNumber => Value::Text(self.phone(text)?.into_owned()),
            BaseType::Uuid => Value::Uuid(self.uuid(text)?),
        };
        Ok((value, false))
    }

    /// The mantissa of a number at the scale of number columns.
    pub(super) fn number(&self, text: &str) -> Result<i128, Miss> {
        if self.formats.is_empty() {
            return number::parse(text, Some(','), Some('.'));
        }
        first(&self.formats, |format| match format {
            Format::Number { thousands, decimal } => number::parse(text, *thousands, *decimal),
            _ => Err(Miss::Shape),
        })
    }

    /// True or false.
    pub(super) fn boolean(&self, text: &str) -> Result<bool, Miss> {
        if self.formats.is_empty() {
            return boolean::auto(text);
        }
        first(&self.formats, |format| match format {
            Format::Boolean { yes, no } => boolean::pair(text, yes, no),
            _ => Err(Miss::Shape),
        })
    }

    /// A day, and whether day and month could be either.
    pub(super) fn date(&self, text: &str) -> Result<(jiff::civil::Date, bool), Miss> {
        if self.formats.is_empty() {
            return time::auto_date(text, self.order);
        }
        first(&self.formats, |format| time::date(text, format)).map(|d| (d, false))
    }

    /// An instant, and whether day and month could be either.
    pub(super) fn datetime(&self, text: &str) -> Result<(jiff::Timestamp, bool), Miss> {
        if self.formats.is_empty() {
            return time::auto_datetime(text, self.order, &self.timezone);
        }
        first(&self.formats, |format| time::datetime(text, format, &self.timezone)).map(|t| (t, false))
    }

    /// An address, its domain in lower case.
    pub(super) fn email<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, Miss> {
        contact::email(text)
    }

    /// A telephone number.
    pub(super) fn phone<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, Miss> {
        contact::phone(text)
    }

    /// A UUID in any of its usual spellings.
    pub(super) fn uuid(&self, text: &str) -> Result<uuid::Uuid, Miss> {
        uuid::Uuid::try_parse(text).map_err(|_| Miss::Shape)
    }

    /// What kind of problem a miss is.
    pub(super) fn code(&self, miss: Miss) -> ProblemCode {
        match miss {
            Miss::TooLarge if self.base == BaseType::Number => ProblemCode::NumberTooLarge,
            Miss::TooManyDecimals if self.base == BaseType::Number => ProblemCode::TooManyDecimals,
            Miss::Gap | Miss::Overlap => ProblemCode::AmbiguousTime,
            _ => match self.base {
                BaseType::String => ProblemCode::DoesNotFit,
                BaseType::Number => ProblemCode::NotANumber,
                BaseType::Boolean => ProblemCode::NotABoolean,
                BaseType::Date => ProblemCode::NotADate,
                BaseType::Datetime => ProblemCode::NotADatetime,
                BaseType::Email => ProblemCode::NotAnEmail,
                BaseType::PhoneNumber => ProblemCode::NotAPhoneNumber,
                BaseType::Uuid => ProblemCode::NotAUuid,
            },
        }
    }

    /// What follows the quoted text in a message.
    pub(super) fn reason(&self, miss: Miss) -> String {
        let base = self.base.name().replace("datetime", "date and time");
        match miss {
            Miss::Shape => self.expected(),
            Miss::TooLarge => {
                "has more digits than an exact number can hold: 28 in all, 26 before the point".into()
            }
            Miss::TooManyDecimals => "has more than 12 decimals; write fewer, nothing is rounded".into(),
            Miss::NoSuchDay => format!("is not a {base}: there is no such day"),
            Miss::NoSuchTime => format!("is not a {base}: there is no such time of day"),
            Miss::Year => format!("is not a {base}: the year must have four digits, 1000 to 9999"),
            Miss::Serial60 => {
                format!("is not a {base}: day 60 of a spreadsheet is 29 February 1900, which never was")
            }
            Miss::TooFine => format!("is not a {base}: a second has at most 6 decimals here"),
            Miss::Gap => format!(
                "does not exist in {}: the clocks skip it; write it with its offset, such as +02:00",
                self.timezone_name()
            ),
            Miss::Overlap => format!(
                "happens twice in {}, as the clocks go back; write it with its offset, such as +02:00",
                self.timezone_name()
            ),
        }
    }

    fn expected(&self) -> String {
        let declared = |fallback: &str| match self.formats.as_slice() {
            [] => fallback.to_owned(),
            formats => formats.iter().map(Format::example).collect::<Vec<_>>().join(" or "),
        };
        match self.base {
            BaseType::String => "is not text".into(),
            BaseType::Number => {
                let whole = |f: &Format| matches!(f, Format::Number { decimal: None, .. });
                let none = !self.formats.is_empty() && self.formats.iter().all(whole);
                let without = if none { " without decimals," } else { "" };
                format!("is not a number{without} written like {}", declared("1,234.56"))
            }
            BaseType::Boolean => {
                format!("is not a boolean written as {}", declared("yes/no, true/false, on/off or 1/0"))
            }
            BaseType::Date => {
                format!("is not a date written like {}", declared("2024-12-31, 12/31/2024 or 31.12.2024"))
            }
            BaseType::Datetime => {
                format!(
                    "is not a date and time written like {}",
                    declared("2024-12-31T18:30:00Z or 12/31/2024 18:30")
                )
            }
            BaseType::Email => "is not an e-mail address such as ann@example.com".into(),
            BaseType::PhoneNumber => "is not a telephone number such as +1 212 555 0123".into(),
            BaseType::Uuid => "is not a UUID such as 67e55044-10b1-426f-9247-bb680e5fe0c8".into(),
        }
    }

    fn timezone_name(&self) -> String {
        self.timezone.iana_name().unwrap_or("the connector's time zone").to_owned()
    }
}

/// The text in Unicode normal form C.
pub(super) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

/// What the first format that takes the text makes of it; else the most telling miss.
fn first<T>(formats: &[Format], mut read: impl FnMut(&Format) -> Result<T, Miss>) -> Result<T, Miss> {
    let mut miss = Miss::Shape;
    for format in formats {
        match read(format) {
            Ok(value) => return Ok(value),
            Err(m) if miss == Miss::Shape => miss = m,
            Err(_) => {}
        }
    }
    Err(miss)
}

#[cfg(test)]
mod tests;
