//! Values that are written in the source: `= literal`, parameters, the right side of `<-`.

use crate::value::parse::{Rules, parts};
use crate::value::problem::quoted;
use crate::value::resolve::not_a_list;
use crate::value::{BaseType, DataType, Format, Split, Value};
use jiff::tz::TimeZone;

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
/// would be; a day whose day and month could be either is refused. For an array, a text is split as a
/// file's would be; without `split` it is the one element.
///
/// # Errors
/// A sentence that says what the literal is not, and what would be right.
pub fn literal_value(
    ty: DataType,
    kind: Literal<'_>,
    split: Option<Split>,
    formats: &[Format],
    timezone: &TimeZone,
) -> Result<Value, String> {
    let rules = Rules::new(ty.base, formats.to_vec(), timezone.clone());
    if !ty.array {
        return scalar(ty.base, kind, rules);
    }
    let Literal::Text(text) = kind else {
        return scalar(ty.base, kind, rules).map(|one| Value::List(vec![one]));
    };
    let mut texts = Vec::new();
    let whole = parts(text, split, |part| {
        texts.push(part);
        Ok(())
    });
    whole.map_err(|_| format!("{} {}", quoted(text), not_a_list(split)))?;
    let mut values = Vec::with_capacity(texts.len());
    for text in texts {
        let value = scalar(ty.base, Literal::Text(text), rules.clone())?;
        if !values.contains(&value) {
            values.push(value);
        }
    }
    Ok(if values.is_empty() { Value::Null } else { Value::List(values) })
}

fn scalar(base: BaseType, kind: Literal<'_>, rules: Rules) -> Result<Value, String> {
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
            "{} could have the month or the day first; write it with the year first: \"2024-12-31\"",
            quoted(text)
        )),
        Ok((value, false)) => Ok(value),
        Err(miss) => Err(format!("{} {}", quoted(text), rules.reason(miss))),
    }
}
