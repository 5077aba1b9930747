//! Values: the types of variables and fields, formats, columnar parsers, and which type fits which.

mod cell;
mod field;
mod fit;
mod format;
mod parse;
mod place;
mod problem;
mod resolve;
mod spec;

pub use cell::{
    NUMBER_PRECISION, NUMBER_SCALE, cell, column_type, date_of_days, days_of_date, field_column_type,
    mantissa, to_array,
};
pub use field::{FieldSchema, FieldType, ObjectSchema, Resolution};
pub use fit::{Literal, currency_decimals, fit, fits, literal_value};
pub use format::{Format, FormatError};
pub use parse::Rules;
pub use place::{SourceRef, sql_name};
pub use problem::{CellProblem, Problem, ProblemCode};
pub use resolve::{Resolved, Resolver};
pub use spec::{Source, Split, VariableSpec};

/// The arrow that DataFusion uses, so that there is only one.
pub use datafusion::arrow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The type of an execution variable's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseType {
    /// Any text.
    String,
    /// An exact decimal number: 28 significant digits, up to 26 before the point and 12 after it.
    Number,
    /// True or false.
    Boolean,
    /// A calendar day, without a time zone.
    Date,
    /// An instant.
    Datetime,
    /// An e-mail address.
    Email,
    /// A telephone number.
    PhoneNumber,
    /// A UUID: a record's id.
    Uuid,
}

impl BaseType {
    /// Every type, in the order of the reference.
    pub const ALL: [BaseType; 8] = [
        BaseType::String,
        BaseType::Number,
        BaseType::Boolean,
        BaseType::Date,
        BaseType::Datetime,
        BaseType::Email,
        BaseType::PhoneNumber,
        BaseType::Uuid,
    ];

    /// The type's name in the language.
    pub fn name(self) -> &'static str {
        match self {
            BaseType::String => "string",
            BaseType::Number => "number",
            BaseType::Boolean => "boolean",
            BaseType::Date => "date",
            BaseType::Datetime => "datetime",
            BaseType::Email => "email",
            BaseType::PhoneNumber => "phone_number",
            BaseType::Uuid => "uuid",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

/// A variable's type: a base type, or an array of it (`string[]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DataType {
    /// The type of each value.
    pub base: BaseType,
    /// Whether it is an array.
    pub array: bool,
}

impl DataType {
    /// One value of this type.
    pub fn one(base: BaseType) -> Self {
        Self { base, array: false }
    }
}

impl std::fmt::Display for DataType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.base.name(), if self.array { "[]" } else { "" })
    }
}

/// One value, exact. Equal values are equal whatever their text was (`1.0` and `1.00`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// No value. Empty text is no value too.
    #[default]
    Null,
    /// Text, in Unicode normal form C.
    Text(String),
    /// An exact number.
    Number(Decimal),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(jiff::civil::Date),
    /// An instant.
    Datetime(jiff::Timestamp),
    /// A record's id.
    Uuid(Uuid),
    /// Several values: the labels of a multi-select field, the parts of an array variable.
    List(Vec<Value>),
}

impl Value {
    /// Whether it counts as blank: no value, empty text or an empty list.
    pub fn is_blank(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Text(t) => t.is_empty(),
            Value::List(l) => l.is_empty(),
            _ => false,
        }
    }
}

/// The canonical text, the one that stores and reports use: `12.5`, `true`, `2024-03-04`,
/// `2024-03-04T10:00:00Z`, `a; b`. No value is empty text.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Text(t) => f.write_str(t),
            Value::Number(n) => write!(f, "{}", n.normalize()),
            Value::Boolean(b) => write!(f, "{b}"),
            Value::Date(d) => write!(f, "{d}"),
            Value::Datetime(t) => write!(f, "{t}"),
            Value::Uuid(u) => write!(f, "{u}"),
            Value::List(l) => {
                for (i, v) in l.iter().enumerate() {
                    if i > 0 {
                        f.write_str("; ")?;
                    }
                    write!(f, "{v}")?;
                }
                Ok(())
            }
        }
    }
}

impl Value {
    /// Whether the value is printed as just this text; nothing is printed for it.
    pub fn prints_as(&self, text: &str) -> bool {
        use std::fmt::Write;
        /// What must still come.
        struct Rest<'t>(&'t str);
        impl Write for Rest<'_> {
            fn write_str(&mut self, part: &str) -> std::fmt::Result {
                self.0 = self.0.strip_prefix(part).ok_or(std::fmt::Error)?;
                Ok(())
            }
        }
        match self {
            Value::Text(own) => own == text,
            other => {
                let mut rest = Rest(text);
                write!(rest, "{other}").is_ok() && rest.0.is_empty()
            }
        }
    }
}

#[cfg(test)]
mod tests;
