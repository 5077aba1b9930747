//! How values are kept in columns: exact, and readable by plain SQL.

use crate::value::{FieldType, Value};
use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use rust_decimal::Decimal;
use uuid::Uuid;

/// The column type of a field. Decimals are text, because SQLite's numbers are 64-bit floats.
pub(super) fn column_type(ty: &FieldType) -> &'static str {
    match ty {
        FieldType::Integer | FieldType::Rating | FieldType::Checkbox => "INTEGER",
        _ => "TEXT",
    }
}

/// A value as its field's column keeps it; blank ones are NULL.
///
/// # Errors
/// One sentence where the value does not fit the field.
pub(super) fn encode<'a>(ty: &FieldType, value: &'a Value) -> Result<ToSqlOutput<'a>, String> {
    if value.is_blank() {
        return Ok(ToSqlOutput::Owned(Sql::Null));
    }
    let text = |text: String| Ok(ToSqlOutput::Owned(Sql::Text(text)));
    match (ty, value) {
        (FieldType::Integer | FieldType::Rating, Value::Number(n)) if n.is_integer() => {
            match i64::try_from(*n) {
                Ok(n) => Ok(ToSqlOutput::Owned(Sql::Integer(n))),
                Err(_) => Err(format!("{value} is too large for a {} field", ty.name())),
            }
        }
        (FieldType::Checkbox, Value::Boolean(b)) => Ok(ToSqlOutput::Owned(Sql::Integer(i64::from(*b)))),
        (FieldType::Decimal | FieldType::Money { .. }, Value::Number(n)) if n.is_zero() => text("0".into()),
        (FieldType::Decimal | FieldType::Money { .. }, Value::Number(_))
        | (FieldType::Date, Value::Date(_))
        | (FieldType::Datetime, Value::Datetime(_))
        | (FieldType::Relationship { .. }, Value::Uuid(_)) => text(value.to_string()),
        (FieldType::Relationship { .. }, Value::Text(t)) => match Uuid::parse_str(t) {
            Ok(id) => text(id.to_string()),
            Err(_) => Err(format!("\"{t}\" is not the id of a record")),
        },
        (FieldType::Checkboxes | FieldType::Dynamictags, Value::List(items)) => {
            let labels: Vec<String> =
                items.iter().filter(|i| !i.is_blank()).map(ToString::to_string).collect();
            if labels.is_empty() {
                return Ok(ToSqlOutput::Owned(Sql::Null));
            }
            text(serde_json::Value::from(labels).to_string())
        }
        (
            FieldType::Integer
            | FieldType::Rating
            | FieldType::Checkbox
            | FieldType::Decimal
            | FieldType::Money { .. }
            | FieldType::Date
            | FieldType::Datetime
            | FieldType::Relationship { .. }
            | FieldType::Checkboxes
            | FieldType::Dynamictags,
            _,
        )
        | (_, Value::List(_)) => Err(format!("\"{value}\" does not fit a {} field", ty.name())),
        (_, Value::Text(t)) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(t.as_bytes()))),
        (_, other) => text(other.to_string()),
    }
}

/// A stored value by its field's type; none where it is not of that type.
pub(super) fn decode(ty: &FieldType, stored: ValueRef<'_>) -> Option<Value> {
    match (ty, stored) {
        (_, ValueRef::Null) => Some(Value::Null),
        (FieldType::Integer | FieldType::Rating, ValueRef::Integer(n)) => {
            Some(Value::Number(Decimal::from(n)))
        }
        (FieldType::Checkbox, ValueRef::Integer(n @ (0 | 1))) => Some(Value::Boolean(n == 1)),
        (FieldType::Integer | FieldType::Rating | FieldType::Checkbox, _) => None,
        (_, ValueRef::Text(bytes)) => {
            let text = std::str::from_utf8(bytes).ok()?;
            if text.is_empty() {
                return Some(Value::Null);
            }
            match ty {
                FieldType::Decimal | FieldType::Money { .. } => {
                    Decimal::from_str_exact(text).ok().map(|n| Value::Number(n.normalize()))
                }
                FieldType::Date => text.parse().ok().map(Value::Date),
                FieldType::Datetime => text.parse().ok().map(Value::Datetime),
                FieldType::Relationship { .. } => Uuid::parse_str(text).ok().map(Value::Uuid),
                FieldType::Checkboxes | FieldType::Dynamictags => {
                    let labels: Vec<String> = serde_json::from_str(text).ok()?;
                    if labels.is_empty() {
                        return Some(Value::Null);
                    }
                    Some(Value::List(labels.into_iter().map(Value::Text).collect()))
                }
                _ => Some(Value::Text(text.to_owned())),
            }
        }
        _ => None,
    }
}

/// An identifier in double quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A time as the bookkeeping columns keep it: RFC 3339, UTC, milliseconds.
pub(super) fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Now, as the bookkeeping columns keep it.
pub(super) fn now() -> String {
    time(jiff::Timestamp::now())
}

/// The parts that `count` values are asked in. Few sizes, so that statements are prepared once;
/// what is missing in the last part is filled up with NULL, which equals nothing.
pub(super) fn part_size(left: usize) -> usize {
    match left {
        0..=1 => 1,
        2..=10 => 10,
        11..=100 => 100,
        _ => 500,
    }
}
