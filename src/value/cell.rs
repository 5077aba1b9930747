//! Between columns and single values.

use super::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, ListBuilder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use super::arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal128Type, Field, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use super::{BaseType, DataType, FieldType, Value};
use rust_decimal::Decimal;
use std::sync::Arc;

/// Digits of a number column: 38 in all.
pub const NUMBER_PRECISION: u8 = 38;
/// Digits of a number column after the point.
pub const NUMBER_SCALE: i8 = 12;

/// The column type of resolved variables of a type.
pub fn column_type(ty: DataType) -> ArrowType {
    let one = match ty.base {
        BaseType::String | BaseType::Email | BaseType::PhoneNumber | BaseType::Uuid => ArrowType::Utf8,
        BaseType::Number => ArrowType::Decimal128(NUMBER_PRECISION, NUMBER_SCALE),
        BaseType::Boolean => ArrowType::Boolean,
        BaseType::Date => ArrowType::Date32,
        BaseType::Datetime => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    };
    if ty.array { ArrowType::List(Arc::new(Field::new("item", one, true))) } else { one }
}

/// The column type of a field in `records.OBJECT`: exact numbers, days, instants; everything else
/// is text (several options joined by `; `, a relationship as the other record's id).
pub fn field_column_type(ty: &FieldType) -> ArrowType {
    match ty {
        FieldType::Integer | FieldType::Rating => ArrowType::Int64,
        FieldType::Decimal | FieldType::Money { .. } => ArrowType::Decimal128(NUMBER_PRECISION, NUMBER_SCALE),
        FieldType::Checkbox => ArrowType::Boolean,
        FieldType::Date => ArrowType::Date32,
        FieldType::Datetime => ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        _ => ArrowType::Utf8,
    }
}

/// The value in one cell of a column of any type above. A cell of another type gives its text.
pub fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        ArrowType::Utf8 => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        ArrowType::Utf8View => Value::Text(array.as_string_view().value(row).to_owned()),
        ArrowType::LargeUtf8 => Value::Text(array.as_string::<i64>().value(row).to_owned()),
        ArrowType::Boolean => Value::Boolean(array.as_boolean().value(row)),
        ArrowType::Int64 => Value::Number(array.as_primitive::<Int64Type>().value(row).into()),
        ArrowType::Decimal128(_, scale) if *scale >= 0 => {
            let mantissa = array.as_primitive::<Decimal128Type>().value(row);
            decimal(mantissa, *scale as u32).map_or(Value::Null, Value::Number)
        }
        ArrowType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            date_of_days(days).map_or(Value::Null, Value::Date)
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            jiff::Timestamp::from_microsecond(micros).map_or(Value::Null, Value::Datetime)
        }
        ArrowType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::List((0..items.len()).map(|i| cell(items.as_ref(), i)).collect())
        }
        _ => super::arrow::util::display::array_value_to_string(array, row).map_or(Value::Null, Value::Text),
    }
}

/// The day that is `days` after 1970-01-01.
pub fn date_of_days(days: i32) -> Option<jiff::civil::Date> {
    let span = jiff::Span::new().try_days(i64::from(days)).ok()?;
    jiff::civil::date(1970, 1, 1).checked_add(span).ok()
}

/// Days after 1970-01-01.
pub fn days_of_date(date: jiff::civil::Date) -> i32 {
    let hours = date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours();
    // Every day that there can be is within some millions.
    i32::try_from(hours / 24).unwrap_or_default()
}

/// A decimal from a mantissa that may have more trailing zeros than a [`Decimal`] can carry.
fn decimal(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// The mantissa of a number in a number column; none where it has too many digits on either side.
pub fn mantissa(number: Decimal) -> Option<i128> {
    let number = number.normalize();
    let missing = (NUMBER_SCALE as u32).checked_sub(number.scale())?;
    number.mantissa().checked_mul(10i128.checked_pow(missing)?).filter(|m| m.unsigned_abs() < 10u128.pow(38))
}

/// A column of `ty` (one that [`column_type`] or [`field_column_type`] gives) from single values. A
/// value of another kind becomes NULL, except that every value can become text.
pub fn to_array<'a>(ty: &ArrowType, values: impl IntoIterator<Item = &'a Value>) -> ArrayRef {
    match ty {
        ArrowType::Boolean => {
            let mut b = BooleanBuilder::new();
            values
                .into_iter()
                .for_each(|v| b.append_option(if let Value::Boolean(x) = v { Some(*x) } else { None }));
            Arc::new(b.finish())
        }
        ArrowType::Int64 => {
            let mut b = Int64Builder::new();
            values.into_iter().for_each(|v| {
                b.append_option(if let Value::Number(n) = v { i64::try_from(*n).ok() } else { None })
            });
            Arc::new(b.finish())
        }
        ArrowType::Decimal128(_, _) => {
            let mut b = Decimal128Builder::new().with_data_type(ty.clone());
            values
                .into_iter()
                .for_each(|v| b.append_option(if let Value::Number(n) = v { mantissa(*n) } else { None }));
            Arc::new(b.finish())
        }
        ArrowType::Date32 => {
            let mut b = Date32Builder::new();
            values.into_iter().for_each(|v| {
                b.append_option(if let Value::Date(d) = v { Some(days_of_date(*d)) } else { None })
            });
            Arc::new(b.finish())
        }
        ArrowType::Timestamp(_, _) => {
            let mut b = TimestampMicrosecondBuilder::new().with_data_type(ty.clone());
            values.into_iter().for_each(|v| {
                b.append_option(if let Value::Datetime(t) = v { Some(t.as_microsecond()) } else { None })
            });
            Arc::new(b.finish())
        }
        ArrowType::List(field) => {
            let mut b = ListBuilder::new(StringBuilder::new());
            for v in values {
                match v {
                    Value::List(items) => {
                        for item in items {
                            match item {
                                Value::Text(text) => b.values().append_value(text),
                                other => b.values().append_value(other.to_string()),
                            }
                        }
                        b.append(true);
                    }
                    _ => b.append(false),
                }
            }
            let text: ArrayRef = Arc::new(b.finish());
            if field.data_type() == &ArrowType::Utf8 {
                return text;
            }
            super::arrow::compute::cast(&text, ty)
                .unwrap_or_else(|_| super::arrow::array::new_null_array(ty, text.len()))
        }
        _ => {
            let mut b = StringBuilder::new();
            for v in values {
                match v {
                    _ if v.is_blank() => b.append_null(),
                    Value::Text(text) => b.append_value(text),
                    other => b.append_value(other.to_string()),
                }
            }
            Arc::new(b.finish())
        }
    }
}
