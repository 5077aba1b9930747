//! The functions of the standard library that are built into the engine: `std.text.unaccent` is
//! `text_unaccent` here. All take text; a NULL argument gives NULL; what cannot be read is NULL.

mod contact;
mod names;
mod parse;
mod payload;
mod similar;
mod title;
mod unaccent;

use crate::value::arrow::array::{ArrayRef, AsArray, Decimal128Builder, StringArray, StringBuilder};
use crate::value::arrow::compute::cast;
use crate::value::arrow::datatypes::{DataType, Field, FieldRef};
use crate::value::{BaseType, DataType as VariableType, Value, column_type, mantissa, to_array};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use rust_decimal::Decimal;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Every native function, ready to be registered.
pub fn natives() -> Vec<Arc<ScalarUDF>> {
    FUNCTIONS
        .iter()
        .map(|(name, least, most, body)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            Arc::new(ScalarUDF::from(Native { name, least: *least, most: *most, body: *body, signature }))
        })
        .collect()
}

/// Whether the engine has a native function of this name.
pub(super) fn is_native(name: &str) -> bool {
    FUNCTIONS.iter().any(|(n, ..)| *n == name)
}

/// Name, fewest and most arguments, and what it does. Arguments past the fewest may be NULL.
const FUNCTIONS: &[(&str, usize, usize, Body)] = &[
    ("text_title", 1, 1, Body::Text(|a| Some(title::title(first(a)?)))),
    ("text_unaccent", 1, 1, Body::Text(|a| Some(unaccent::unaccent(first(a)?)))),
    ("names_first_name", 1, 1, Body::Text(|a| names::FullName::read(first(a)?).first)),
    ("names_middle_name", 1, 1, Body::Text(|a| names::FullName::read(first(a)?).middle)),
    ("names_last_name", 1, 1, Body::Text(|a| names::FullName::read(first(a)?).last)),
    ("similar_jaro_winkler", 2, 2, Body::Number(|a| similar::jaro_winkler(first(a)?, second(a)?))),
    ("similar_levenshtein", 2, 2, Body::Number(|a| similar::levenshtein(first(a)?, second(a)?))),
    ("similar_soundex", 1, 1, Body::Text(|a| similar::soundex(first(a)?))),
    ("parse_try_date", 2, 5, Body::Read(BaseType::Date)),
    ("parse_try_number", 2, 2, Body::Read(BaseType::Number)),
    ("parse_try_boolean", 1, 1, Body::Read(BaseType::Boolean)),
    ("payload_json", 2, 2, Body::Text(|a| payload::json(first(a)?, second(a)?))),
    ("payload_form", 2, 2, Body::Text(|a| payload::form(first(a)?, second(a)?))),
    ("contact_email", 1, 1, Body::Text(|a| contact::email(first(a)?))),
    ("contact_phone", 2, 2, Body::Text(|a| contact::phone(first(a)?, second(a)?))),
];

/// One row's arguments.
type Row<'a, 'b> = &'a [Option<&'b str>];

fn first<'b>(row: Row<'_, 'b>) -> Option<&'b str> {
    row.first().copied().flatten()
}

fn second<'b>(row: Row<'_, 'b>) -> Option<&'b str> {
    row.get(1).copied().flatten()
}

/// What a function gives, and how.
#[derive(Clone, Copy)]
enum Body {
    Text(fn(Row) -> Option<String>),
    Number(fn(Row) -> Option<Decimal>),
    /// Reads the first argument as a value of this type, by the formats that follow.
    Read(BaseType),
}

impl Body {
    fn returns(self) -> DataType {
        column_type(VariableType::one(match self {
            Body::Text(_) => BaseType::String,
            Body::Number(_) => BaseType::Number,
            Body::Read(base) => base,
        }))
    }
}

/// Why a constant text makes no sense as argument `i`, from 0: then the query is wrong, not its rows.
fn refusal(name: &str, body: Body, i: usize, text: &str) -> Option<String> {
    match body {
        _ if i == 0 || text.is_empty() => None,
        Body::Read(base) => parse::format(base, text).err().map(|e| format!("{}: {}", e.message, e.help)),
        _ if name == "contact_phone" && !contact::is_region(text) => {
            Some(format!("\"{text}\" is not a country: write its two letters, such as GB"))
        }
        _ if name == "payload_json" && !text.starts_with('/') => {
            Some(format!("\"{text}\" is no path: it begins with `/`, such as `/items/0/sku`"))
        }
        _ => None,
    }
}

struct Native {
    name: &'static str,
    least: usize,
    most: usize,
    body: Body,
    signature: Signature,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The name says everything: there is one function of each.
impl PartialEq for Native {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Native {}

impl Hash for Native {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Native {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.body.returns())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        for (i, constant) in args.scalar_arguments.iter().enumerate() {
            let text = constant.and_then(|c| c.try_as_str().flatten());
            if let Some(why) = text.and_then(|t| refusal(self.name, self.body, i, t)) {
                return plan_err!("{why}");
            }
        }
        Ok(Arc::new(Field::new(self.name, self.body.returns(), true)))
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        if given.len() < self.least || given.len() > self.most {
            let wanted = if self.least == self.most {
                format!("{}", self.least)
            } else {
                format!("{} to {}", self.least, self.most)
            };
            return plan_err!("{} takes {wanted} arguments, not {}", self.name, given.len());
        }
        if let Some((i, ty)) = given.iter().enumerate().find(|(_, ty)| !is_text(ty)) {
            return plan_err!("{} takes text as argument {}, not {ty}", self.name, i + 1);
        }
        Ok(vec![DataType::Utf8; given.len()])
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = call.args.iter().map(Argument::read).collect::<Result<Vec<_>>>()?;
        let constant = arguments.iter().all(|a| matches!(a, Argument::Constant(_)));
        let rows = if constant { 1 } else { call.number_rows };
        let array = evaluate(self.body, &arguments, rows);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

fn is_text(ty: &DataType) -> bool {
    match ty {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

/// A column, or the same text on every row.
enum Argument {
    Column(StringArray),
    Constant(Option<String>),
}

impl Argument {
    fn read(value: &ColumnarValue) -> Result<Self> {
        let array = match value {
            ColumnarValue::Array(array) => Arc::clone(array),
            ColumnarValue::Scalar(scalar) => scalar.to_array()?,
        };
        let array = if array.data_type() == &DataType::Utf8 { array } else { cast(&array, &DataType::Utf8)? };
        let text = array
            .as_string_opt::<i32>()
            .ok_or_else(|| DataFusionError::Internal("an argument that should be text is not".into()))?
            .clone();
        Ok(match value {
            ColumnarValue::Array(_) => Argument::Column(text),
            ColumnarValue::Scalar(_) => Argument::Constant(at(&text, 0).map(str::to_owned)),
        })
    }

    fn row(&self, row: usize) -> Option<&str> {
        match self {
            Argument::Column(text) => at(text, row),
            Argument::Constant(text) => text.as_deref(),
        }
    }
}

fn at(text: &StringArray, row: usize) -> Option<&str> {
    use crate::value::arrow::array::Array;
    (row < text.len() && text.is_valid(row)).then(|| text.value(row))
}

fn evaluate(body: Body, arguments: &[Argument], rows: usize) -> ArrayRef {
    let mut row = Vec::with_capacity(arguments.len());
    let mut each = |mut apply: Box<dyn FnMut(Row) + '_>| {
        for i in 0..rows {
            row.clear();
            row.extend(arguments.iter().map(|a| a.row(i)));
            apply(&row);
        }
    };
    match body {
        Body::Text(f) => {
            let mut b = StringBuilder::new();
            each(Box::new(|r| b.append_option(f(r))));
            Arc::new(b.finish())
        }
        Body::Number(f) => {
            let mut b = Decimal128Builder::new().with_data_type(body.returns());
            each(Box::new(|r| b.append_option(f(r).and_then(mantissa))));
            Arc::new(b.finish())
        }
        Body::Read(base) => {
            let mut reader = parse::Reader::new(base);
            let mut values: Vec<Value> = Vec::with_capacity(rows);
            each(Box::new(|r| values.push(reader.read(r).unwrap_or_default())));
            to_array(&body.returns(), &values)
        }
    }
}

#[cfg(test)]
mod tests;
