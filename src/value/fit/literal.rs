//! Values that are written in the source: `= literal`, parameters, the right side of `<-`.

use crate::value::parse::Rules;
use crate::value::{BaseType, DataType, Format, Value};

/// A literal as the source has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal<'a> {
    /// A quoted text, without its quotes.
    Text(&'a str),
    /// A number as written.
    Number(&'a str),
    /// `true` or `false`.
    Boolean(bool),
}

/// The value of a literal for a variable or parameter of type `ty`. Texts are read as a file's
/// would be, local times in UTC; a day whose day and month could be either is refused. For an array,
/// a text is its one element.
///
/// # Errors
/// A sentence that says what the literal is not, and what would be right.
pub fn literal_value(ty: DataType, kind: Literal<'_>, formats: &[Format]) -> Result<Value, String> {
    let one = scalar(ty.base, kind, formats)?;
    Ok(if ty.array && !one.is_blank() { Value::List(vec![one]) } else { one })
}

fn scalar(base: BaseType, kind: Literal<'_>, formats: &[Format]) -> Result<Value, String> {
    let rules = Rules {
        base,
        formats: formats.to_vec(),
        timezone: jiff::tz::TimeZone::UTC,
        order: Default::default(),
    };
    let (text, rules) = match (kind, base) {
        (Literal::Boolean(b), BaseType::Boolean) => return Ok(Value::Boolean(b)),
        (Literal::Boolean(b), _) => {
            return Err(format!("`{b}` is a boolean, and a value of type {} is wanted here", base.name()));
        }
        // A number in the source is written one way, whatever the file's marks are.
        (Literal::Number(n), BaseType::Number) => (n, rules.without_formats()),
        (Literal::Number(n), BaseType::String) => {
            return Err(format!("`{n}` is a number, and a string is wanted here: write \"{n}\""));
        }
        (Literal::Number(n), BaseType::Boolean) => {
            return Err(format!("`{n}` is a number, and a boolean is wanted here: write true or false"));
        }
        (Literal::Number(n), _) => (n, rules),
        (Literal::Text(t), _) => (t, rules),
    };
    match rules.value(text) {
        Ok((_, true)) => Err(format!(
            "\"{text}\" could have the month or the day first; write it with the year first: \"2024-12-31\""
        )),
        Ok((value, false)) => Ok(value),
        Err(miss) => Err(format!("\"{text}\" {}", rules.reason(miss))),
    }
}
