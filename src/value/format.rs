//! Formats: how a text is read as a value, and how a value is printed.

mod pattern;
mod print;

use super::BaseType;
use serde::{Deserialize, Serialize};

pub(super) use pattern::ISO;
pub(super) use print::iso;

/// A format as the language names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A number with these marks: `"1,234.56"`, `"1.234,56"`, `"1 234,56"`, `"1234.56"`, `"1234"`. Blanks are
    /// one mark, and so are apostrophes.
    Number {
        /// What groups thousands, if anything may.
        thousands: Option<char>,
        /// What stands before the decimals, if there may be any.
        decimal: Option<char>,
    },
    /// A boolean written as this pair, case ignored: `yes_no`, `true_false`, `on_off`, `one_zero`, …
    Boolean {
        /// The text for true, as printed.
        yes: String,
        /// The text for false, as printed.
        no: String,
    },
    /// A strftime pattern: `"%d/%m/%Y"`; the word `iso` stands for ISO 8601.
    Pattern(String),
    /// `excel`: days since 1899-12-30, as spreadsheets count.
    Excel,
    /// `unix`: seconds since 1970-01-01.
    Unix,
    /// `unix_ms`: milliseconds since 1970-01-01.
    UnixMillis,
}

/// Why a text is no format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// One line: what is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// The pairs that have a word: the word, the text for true, the text for false.
const PAIRS: [(&str, &str, &str); 7] = [
    ("yes_no", "Yes", "No"),
    ("true_false", "True", "False"),
    ("on_off", "On", "Off"),
    ("one_zero", "1", "0"),
    ("t_f", "t", "f"),
    ("y_n", "y", "n"),
    ("checked_unchecked", "checked", "unchecked"),
];

/// The words for formats of dates and datetimes.
const TIME_WORDS: [&str; 4] = ["iso", "excel", "unix", "unix_ms"];

/// The examples that show the marks of a number.
const EXAMPLES: &str = "\"1,234.56\", \"1.234,56\", \"1 234,56\", \"1'234.56\", \"1234.56\" or \"1234,56\"; \
                        without decimals \"1,234\", \"1.234\" or \"1234\"";

/// The blanks that part thousands: the common one, one that does not break, a narrow one of these, a thin one.
const BLANKS: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];
const APOSTROPHES: [char; 2] = ['\'', '\u{2019}'];

/// Whether a format's thousands mark may be written as `c`.
pub(super) fn same_mark(mark: char, c: char) -> bool {
    mark == c
        || [BLANKS.as_slice(), &APOSTROPHES].iter().any(|same| same.contains(&mark) && same.contains(&c))
}

impl Format {
    /// Reads a format of a variable of type `base`: `text` without its quotes, and whether it had
    /// any. Numbers take a quoted example, booleans a word or a quoted pair (`"Ja/Nein"`), dates and
    /// datetimes a word or a quoted pattern.
    ///
    /// # Errors
    /// A text that is no format of this type, with what would be right.
    pub fn parse(base: BaseType, text: &str, quoted: bool) -> Result<Format, FormatError> {
        match base {
            BaseType::Number => number(text, quoted),
            BaseType::Boolean => boolean(text, quoted),
            BaseType::Date | BaseType::Datetime => time(base, text, quoted),
            _ => Err(FormatError {
                message: format!("a variable of type {} has no formats", base.name()),
                help: "take `format` away; number, boolean, date and datetime have formats".into(),
            }),
        }
    }

    /// The words that `format` takes for variables of this type; none where it takes only quoted
    /// text, or nothing.
    pub fn words(base: BaseType) -> Vec<&'static str> {
        match base {
            BaseType::Boolean => PAIRS.iter().map(|p| p.0).collect(),
            BaseType::Date | BaseType::Datetime => TIME_WORDS.to_vec(),
            _ => Vec::new(),
        }
    }

    /// The format's example or pattern, without quotes; what messages show.
    pub(super) fn example(&self) -> String {
        match self {
            Format::Number { thousands, decimal } => {
                let mark = thousands.map(String::from).unwrap_or_default();
                let decimals = decimal.map(|mark| format!("{mark}56")).unwrap_or_default();
                format!("1{mark}234{decimals}")
            }
            Format::Boolean { yes, no } => format!("{yes}/{no}"),
            Format::Pattern(p) => p.clone(),
            Format::Excel => "excel".into(),
            Format::Unix => "unix".into(),
            Format::UnixMillis => "unix_ms".into(),
        }
    }
}

/// As it is written in the language.
impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Format::Boolean { yes, no } => match PAIRS.iter().find(|p| p.1 == yes && p.2 == no) {
                Some(pair) => f.write_str(pair.0),
                None => write!(f, "\"{yes}/{no}\""),
            },
            Format::Pattern(p) if p == ISO => f.write_str(ISO),
            Format::Number { .. } | Format::Pattern(_) => {
                write!(f, "\"{}\"", self.example().replace('\\', "\\\\").replace('"', "\\\""))
            }
            Format::Excel | Format::Unix | Format::UnixMillis => f.write_str(&self.example()),
        }
    }
}

fn number(text: &str, quoted: bool) -> Result<Format, FormatError> {
    let wrong = || FormatError {
        message: format!("`{text}` is not a number format"),
        help: format!("write the number 1234.56 as the file would, in quotes: {EXAMPLES}"),
    };
    let rest = text.strip_prefix('1').filter(|_| quoted).ok_or_else(wrong)?;
    let (thousands, rest) = match rest.strip_prefix("234") {
        Some(rest) => (None, rest),
        None => {
            let mut chars = rest.chars();
            let known = |c: &char| ",.".contains(*c) || BLANKS.contains(c) || APOSTROPHES.contains(c);
            let mark = chars.next().filter(known);
            (Some(mark.ok_or_else(wrong)?), chars.as_str().strip_prefix("234").ok_or_else(wrong)?)
        }
    };
    // The number is always 1234.56 or 1234, so a mark after the 1 parts thousands.
    let decimal = match rest {
        "" => None,
        ".56" => Some('.'),
        ",56" => Some(','),
        _ => return Err(wrong()),
    };
    if thousands.is_some() && thousands == decimal {
        return Err(wrong());
    }
    Ok(Format::Number { thousands, decimal })
}

fn boolean(text: &str, quoted: bool) -> Result<Format, FormatError> {
    if !quoted {
        let found = PAIRS.iter().find(|p| p.0 == text);
        return match found {
            Some(p) => Ok(Format::Boolean { yes: p.1.into(), no: p.2.into() }),
            None => Err(unknown_word(BaseType::Boolean, text)),
        };
    }
    match text.split_once('/') {
        Some((yes, no))
            if !yes.trim().is_empty()
                && !no.trim().is_empty()
                && !no.contains('/')
                && yes.trim().to_lowercase() != no.trim().to_lowercase() =>
        {
            Ok(Format::Boolean { yes: yes.trim().into(), no: no.trim().into() })
        }
        _ if PAIRS.iter().any(|p| p.0 == text) => Err(FormatError {
            message: format!("\"{text}\" is not a pair of texts"),
            help: format!("write the word without quotes: `format {text}`"),
        }),
        _ => Err(FormatError {
            message: format!("\"{text}\" is not a pair of texts"),
            help: "write the text for true, a slash, the text for false: \"Ja/Nein\"; or a word such as `yes_no`"
                .into(),
        }),
    }
}

fn time(base: BaseType, text: &str, quoted: bool) -> Result<Format, FormatError> {
    if quoted {
        if TIME_WORDS.contains(&text) {
            return Err(FormatError {
                message: format!("\"{text}\" is not a pattern"),
                help: format!("write the word without quotes: `format {text}`"),
            });
        }
        return pattern::read(base, text).map(Format::Pattern);
    }
    match text {
        "iso" => Ok(Format::Pattern(ISO.into())),
        "excel" => Ok(Format::Excel),
        "unix" => Ok(Format::Unix),
        "unix_ms" => Ok(Format::UnixMillis),
        _ => Err(unknown_word(base, text)),
    }
}

fn unknown_word(base: BaseType, text: &str) -> FormatError {
    let words = Format::words(base);
    let near = words
        .iter()
        .map(|w| (strsim::damerau_levenshtein(w, &text.to_lowercase()), w))
        .filter(|(distance, w)| *distance <= 2.max(w.len() / 3))
        .min();
    FormatError {
        message: format!("`{text}` is not a format of a {}", base.name()),
        help: match near {
            Some((_, word)) => format!("did you mean `{word}`? The words are {}", words.join(", ")),
            None if base == BaseType::Boolean => {
                format!("write one of {}, or a quoted pair such as \"Ja/Nein\"", words.join(", "))
            }
            None => format!("write one of {}, or a quoted pattern such as \"%d/%m/%Y\"", words.join(", ")),
        },
    }
}

#[cfg(test)]
mod tests;
