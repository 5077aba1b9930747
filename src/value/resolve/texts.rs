//! The texts of a column, whatever its type.

use crate::value::arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, ListArray, StringArray, StringBuilder, StringViewArray,
};
use crate::value::arrow::compute::cast;
use crate::value::arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type, Int64Type, TimeUnit};
use crate::value::arrow::util::display::array_value_to_string;
use crate::value::cell;
use crate::value::format::iso;
use jiff::Timestamp;

/// A column's cells as texts, borrowed where they are texts already.
pub(super) enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    Made(StringArray),
}

impl<'a> Texts<'a> {
    /// Whether the type is one of the text types: what came from a file, or SQL made into text.
    pub fn holds_text(ty: &ArrowType) -> bool {
        match ty {
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => true,
            ArrowType::Dictionary(_, values) => Self::holds_text(values),
            _ => false,
        }
    }

    /// The texts of a column; values of other types in their canonical text.
    pub fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            ArrowType::Utf8 => Texts::Small(column.as_string::<i32>()),
            ArrowType::LargeUtf8 => Texts::Large(column.as_string::<i64>()),
            ArrowType::Utf8View => Texts::View(column.as_string_view()),
            _ => Texts::Made(canonical(column)),
        }
    }

    /// The text of a row; none for NULL.
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Texts::Small(a) => a.is_valid(row).then(|| a.value(row)),
            Texts::Large(a) => a.is_valid(row).then(|| a.value(row)),
            Texts::View(a) => a.is_valid(row).then(|| a.value(row)),
            Texts::Made(a) => a.is_valid(row).then(|| a.value(row)),
        }
    }

    /// The items of a list column; none for a column of anything else.
    pub fn items(column: &ArrayRef) -> Option<Items> {
        let lists = match column.data_type() {
            ArrowType::List(_) => column.as_list::<i32>().clone(),
            ArrowType::LargeList(field) | ArrowType::FixedSizeList(field, _) | ArrowType::ListView(field) => {
                let list = ArrowType::List(field.clone());
                cast(column, &list).ok()?.as_list_opt::<i32>()?.clone()
            }
            _ => return None,
        };
        let texts = canonical(lists.values());
        Some(Items { lists, texts })
    }
}

/// The texts in the lists of a column.
pub(super) struct Items {
    lists: ListArray,
    texts: StringArray,
}

impl Items {
    /// The items of one row's list that are not NULL.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        let offsets = self.lists.value_offsets();
        let bound = |i: usize| offsets.get(i).map_or(0, |o| *o as usize);
        let range = if self.lists.is_valid(row) { bound(row)..bound(row + 1) } else { 0..0 };
        range.filter(|i| self.texts.is_valid(*i)).map(|i| self.texts.value(i))
    }
}

/// Every value in the text that the readers of its own type take.
fn canonical(column: &ArrayRef) -> StringArray {
    if let ArrowType::Dictionary(_, values) = column.data_type()
        && let Ok(plain) = cast(column, values)
    {
        return canonical(&plain);
    }
    if let Some(texts) = zoned(column) {
        return texts;
    }
    let mut out = StringBuilder::with_capacity(column.len(), column.len() * 12);
    for row in 0..column.len() {
        if column.is_null(row) {
            out.append_null();
            continue;
        }
        let text = match column.data_type() {
            // Rust prints the shortest decimal that is the same float, never with an exponent.
            ArrowType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
            ArrowType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string(),
            ArrowType::Decimal128(..)
            | ArrowType::Decimal256(..)
            | ArrowType::Decimal32(..)
            | ArrowType::Decimal64(..) => trim_zeros(array_value_to_string(column, row).unwrap_or_default()),
            ArrowType::List(_) => cell(column, row).to_string(),
            ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View | ArrowType::Boolean => {
                cell(column, row).to_string()
            }
            _ => array_value_to_string(column, row).unwrap_or_default(),
        };
        out.append_value(text);
    }
    out.finish()
}

/// Instants of a column with a named time zone, with the offset they have there: arrow's own
/// printing knows no zone names. None for other columns.
fn zoned(column: &ArrayRef) -> Option<StringArray> {
    let ArrowType::Timestamp(unit, Some(name)) = column.data_type() else { return None };
    let zone = jiff::tz::TimeZone::get(name).ok()?;
    let counts = cast(column, &ArrowType::Int64).ok()?;
    let counts = counts.as_primitive_opt::<Int64Type>()?;
    let text = |count: i64| {
        let instant = match unit {
            TimeUnit::Second => Timestamp::from_second(count),
            TimeUnit::Millisecond => Timestamp::from_millisecond(count),
            TimeUnit::Microsecond => Timestamp::from_microsecond(count),
            TimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(count)),
        };
        Some(iso(instant.ok()?, &zone))
    };
    Some(counts.iter().map(|count| count.and_then(text)).collect())
}

/// `12.500` as `12.5`, `3.000` as `3`.
fn trim_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
