//! Which variable fits which field, and how a value becomes the field's.

mod currency;
mod literal;

pub use currency::currency_decimals;
pub use literal::{Literal, literal_value};

use super::problem::{cut, quoted};
use super::{BaseType, DataType, FieldSchema, FieldType, Problem, ProblemCode, Value};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Characters that a text field takes.
const TEXT_LENGTH: usize = 255;

/// Whether variables of type `ty` can be mapped to fields of a type.
///
/// # Errors
/// A sentence that names the variable types that fit.
pub fn fits(ty: DataType, field: &FieldType) -> Result<(), String> {
    let bases = base_types(field);
    if bases.contains(&ty.base) && (!ty.array || field.is_multiple()) {
        return Ok(());
    }
    let mut names: Vec<String> = bases.iter().map(|b| format!("`{}`", b.name())).collect();
    if field.is_multiple() {
        names.push("`string[]`".into());
    }
    let names = match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    Err(format!("{} field takes a variable of type {names}, not `{ty}`", with_article(field)))
}

/// The value as the field holds it. No value stays no value.
///
/// # Errors
/// What does not fit; nothing is ever rounded or cut to fit.
pub fn fit(value: Value, field: &FieldSchema) -> Result<Value, Problem> {
    if value.is_blank() {
        return Ok(Value::Null);
    }
    match (&field.ty, value) {
        (FieldType::Checkboxes | FieldType::Dynamictags, Value::List(items)) => {
            let mut labels: Vec<Value> = Vec::with_capacity(items.len());
            for item in items.iter().filter(|i| !i.is_blank()) {
                let label = Value::Text(item.to_string());
                if !labels.contains(&label) {
                    labels.push(label);
                }
            }
            Ok(Value::List(labels))
        }
        (FieldType::Checkboxes | FieldType::Dynamictags, value @ Value::Text(_)) => {
            Ok(Value::List(vec![value]))
        }
        (_, value @ Value::List(_)) => Err(wrong_kind(&value, field)),
        (FieldType::Text, value) => {
            let text = text(value);
            // A character has a byte at least.
            let length = if text.len() <= TEXT_LENGTH { 0 } else { text.chars().count() };
            match length {
                0..=TEXT_LENGTH => Ok(Value::Text(text)),
                n => Err(problem(
                    ProblemCode::DoesNotFit,
                    &Value::Text(text),
                    field,
                    &format!(
                        "has {n} characters; a text field takes {TEXT_LENGTH}, a longtext field any number"
                    ),
                )),
            }
        }
        (FieldType::Longtext, value) => Ok(Value::Text(text(value))),
        (
            FieldType::Integer | FieldType::Rating | FieldType::Decimal | FieldType::Money { .. },
            Value::Number(n),
        ) => number(n, field),
        (FieldType::Date, value @ Value::Date(_))
        | (FieldType::Datetime, value @ Value::Datetime(_))
        | (FieldType::Checkbox, value @ Value::Boolean(_))
        | (FieldType::Relationship { .. }, value @ Value::Uuid(_))
        | (
            FieldType::Email
            | FieldType::Phonenumber
            | FieldType::Dropdown
            | FieldType::Radio
            | FieldType::Status,
            value @ Value::Text(_),
        ) => Ok(value),
        // Ids travel as text in columns.
        (FieldType::Relationship { .. }, Value::Text(text)) => match uuid::Uuid::try_parse(&text) {
            Ok(id) => Ok(Value::Uuid(id)),
            Err(_) => {
                Err(problem(ProblemCode::NotAUuid, &Value::Text(text), field, "is not the id of a record"))
            }
        },
        (FieldType::Yesnomaybe, Value::Boolean(b)) => Ok(Value::Text(if b { "yes" } else { "no" }.into())),
        (FieldType::Yesnomaybe, Value::Text(text)) => ["yes", "no", "maybe"]
            .into_iter()
            .find(|word| word.eq_ignore_ascii_case(text.trim()))
            .map(|word| Value::Text(word.into()))
            .ok_or_else(|| {
                problem(ProblemCode::DoesNotFit, &Value::Text(text), field, "is not yes, no or maybe")
            }),
        (FieldType::Timezone, Value::Text(text)) => match jiff::tz::TimeZone::get(text.trim()) {
            Ok(zone) => Ok(Value::Text(zone.iana_name().unwrap_or(text.trim()).to_owned())),
            Err(_) => Err(problem(
                ProblemCode::DoesNotFit,
                &Value::Text(text),
                field,
                "is not the name of a time zone such as Europe/Berlin",
            )),
        },
        (_, value) => Err(wrong_kind(&value, field)),
    }
}

/// The value as text; text stays the same.
fn text(value: Value) -> String {
    match value {
        Value::Text(text) => text,
        other => other.to_string(),
    }
}

fn with_article(field: &FieldType) -> String {
    let name = field.name();
    format!("{} {name}", if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

/// The base types that a field takes, the most natural first.
fn base_types(field: &FieldType) -> &'static [BaseType] {
    use BaseType::{Boolean, Date, Datetime, Email, Number, PhoneNumber, String, Uuid};
    match field {
        FieldType::Text | FieldType::Longtext => {
            &[String, Number, Boolean, Date, Datetime, Email, PhoneNumber, Uuid]
        }
        FieldType::Email => &[Email],
        FieldType::Phonenumber => &[PhoneNumber],
        FieldType::Integer | FieldType::Decimal | FieldType::Money { .. } | FieldType::Rating => &[Number],
        FieldType::Date => &[Date],
        FieldType::Datetime => &[Datetime],
        FieldType::Checkbox => &[Boolean],
        FieldType::Dropdown
        | FieldType::Radio
        | FieldType::Status
        | FieldType::Checkboxes
        | FieldType::Dynamictags
        | FieldType::Timezone => &[String],
        FieldType::Relationship { .. } => &[Uuid],
        FieldType::Yesnomaybe => &[String, Boolean],
    }
}

fn number(n: Decimal, field: &FieldSchema) -> Result<Value, Problem> {
    let given = Value::Number(n);
    let value = &given;
    let n = n.normalize();
    let whole = n.scale() == 0;
    match &field.ty {
        FieldType::Integer if !whole => Err(problem(
            ProblemCode::TooManyDecimals,
            value,
            field,
            "has decimals; an integer field takes whole numbers, and nothing is rounded",
        )),
        FieldType::Integer if n.to_i64().is_none() => Err(problem(
            ProblemCode::NumberTooLarge,
            value,
            field,
            "is beyond what an integer field takes (64 bits)",
        )),
        FieldType::Rating if !whole || !(1..=5).contains(&n.to_i64().unwrap_or(0)) => {
            Err(problem(ProblemCode::DoesNotFit, value, field, "is not a whole number from 1 to 5"))
        }
        FieldType::Money { currency } => {
            let decimals = currency_decimals(currency).unwrap_or(2);
            if n.scale() <= decimals {
                return Ok(Value::Number(n));
            }
            let most = match decimals {
                0 => "takes no decimals".to_owned(),
                _ => format!("takes at most {decimals} decimals"),
            };
            let what = format!("has {} decimals; {currency} {most}, and nothing is rounded", n.scale());
            Err(problem(ProblemCode::TooManyDecimals, value, field, &what))
        }
        _ => Ok(Value::Number(n)),
    }
}

#[cold]
fn wrong_kind(value: &Value, field: &FieldSchema) -> Problem {
    problem(ProblemCode::DoesNotFit, value, field, &format!("does not fit {} field", with_article(&field.ty)))
}

#[cold]
fn problem(code: ProblemCode, value: &Value, field: &FieldSchema, what: &str) -> Problem {
    let text = value.to_string();
    Problem {
        code,
        name: field.name.clone(),
        message: format!("{}: {} {what}", field.name, quoted(&text)),
        text: cut(&text).into_owned(),
    }
}

#[cfg(test)]
mod tests;
