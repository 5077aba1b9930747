//! What a variable asks for: where it comes from, its type, its formats.

use super::{DataType, Format, Value};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How one text becomes several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// At each of this character: one of `,` `;` `|` and tab.
    At(char),
    /// `{a}{b}`
    Braces,
    /// `[a][b]`
    Brackets,
}

impl Split {
    /// Reads `split "…"`: one of `,` `;` `|` tab `{}` `[]`.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "," | ";" | "|" | "\t" => text.chars().next().map(Split::At),
            "{}" => Some(Split::Braces),
            "[]" => Some(Split::Brackets),
            _ => None,
        }
    }

    /// What such a text looks like.
    pub(super) fn example(self) -> String {
        match self {
            Split::At(mark) => format!("a{mark}b"),
            Split::Braces => "{a}{b}".into(),
            Split::Brackets => "[a][b]".into(),
        }
    }
}

/// Where a variable's values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A column of the scope.
    Column(String),
    /// The same value on every row.
    Literal(Value),
}

/// A typed execution variable, ready to be resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableSpec {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub source: Source,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: DataType,
    /// Whether an empty value, or one that does not fit, fails the row.
    pub required: bool,
    /// How one text becomes several values; for arrays.
    pub split: Option<Split>,
    /// The formats that are accepted, tried in order; empty means: by the type's own rules.
    pub formats: Vec<Format>,
    /// How the value is printed when it becomes text.
    pub output: Option<Format>,
    /// The zone of local times, those that are read and those that `output` prints.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub timezone: TimeZone,
}

impl VariableSpec {
    /// A value of this variable where it becomes text: by its output format, or canonical.
    pub fn print(&self, value: &Value) -> String {
        match &self.output {
            Some(format) => format.print(value, &self.timezone),
            None => value.to_string(),
        }
    }
}
