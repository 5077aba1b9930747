//! Formats: how a text is read as a value, and how a value is printed.

use serde::{Deserialize, Serialize};

/// A format as the language names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A number with these marks: `"1,234.56"`, `"1.234,56"`, `"1 234,56"`, `"1234.56"`, `"1234"`.
    Number {
        /// What groups thousands, if anything may.
        thousands: Option<char>,
        /// What stands before the decimals.
        decimal: char,
    },
    /// A boolean written as this pair, case ignored: `yes_no`, `true_false`, `on_off`, `one_zero`, …
    Boolean {
        /// The text for true, as printed.
        yes: String,
        /// The text for false, as printed.
        no: String,
    },
    /// A strftime pattern: `"%d/%m/%Y"`.
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
