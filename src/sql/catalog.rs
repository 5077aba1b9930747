//! What a SQL block may see, and what planning it tells.

use crate::diagnostic::Code;
use crate::text::Range;
use crate::value::arrow::datatypes::DataType;

/// Everything that a SQL block may name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Catalog {
    /// Tables: `input.prices`, `records.products`, `meta.parameters`, `output.vendors`, and views
    /// under the empty schema.
    pub tables: Vec<Table>,
    /// Functions beyond the engine's own, by the names that the SQL may call them.
    pub functions: Vec<Function>,
    /// Run parameters, `$name`, with their types.
    pub parameters: Vec<Column>,
}

/// A table and its columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// `input`, `records`, `meta`, `output`, or empty for a view.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns; every one may be NULL.
    pub columns: Vec<Column>,
}

impl Table {
    /// `schema.name`, or the bare name of a view.
    pub fn full_name(&self) -> String {
        if self.schema.is_empty() { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

/// A column, or a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its arrow type.
    pub ty: DataType,
}

/// A function from a `fn` or `native fn` item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// As the SQL calls it: `text.code` or `code`.
    pub name: String,
    /// Parameters in order.
    pub parameters: Vec<Column>,
    /// For each parameter: what it is where the call leaves it out, as a SQL literal.
    pub defaults: Vec<Option<String>>,
    /// What it gives.
    pub returns: DataType,
    /// The SQL expression over the parameter names; none for a native function.
    pub body: Option<String>,
    /// The engine's name of a native function: `std.text.code` becomes `text_code`.
    pub native: Option<String>,
}

/// A table that a block reads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableRead {
    /// As in [`Table::schema`].
    pub schema: String,
    /// The table.
    pub name: String,
    /// The columns it needs, in the table's order.
    pub columns: Vec<String>,
}

/// A block that can be planned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Planned {
    /// The columns that it makes, in order.
    pub columns: Vec<Column>,
    /// For each: the column of a table that it is, unchanged.
    pub sources: Vec<Option<ColumnSource>>,
    /// The tables that it reads.
    pub tables: Vec<TableRead>,
    /// The parameters that it reads.
    pub parameters: Vec<String>,
    /// The functions of [`Catalog::functions`] that it calls.
    pub functions: Vec<String>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ColumnSource {
    /// As in [`Table`].
    pub schema: String,
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub column: String,
}

/// Something wrong with a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The code (`SC02..`).
    pub code: Code,
    /// Where, in bytes of the block's text.
    pub range: Range,
    /// One line in the user's words.
    pub message: String,
    /// What to say at the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// What planning a block tells. With faults, `planned` is the block as far as it could be planned:
/// columns made by a faulty expression are there with the type `Null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Planning {
    /// The block, as far as it goes; none where not even its columns are known.
    pub planned: Option<Planned>,
    /// Every fault found.
    pub faults: Vec<Fault>,
}

/// Names an arrow type in the user's words: `text`, `integer`, `exact number`, …
pub fn type_words(ty: &DataType) -> &'static str {
    match ty {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "text",
        DataType::Boolean => "boolean",
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => "exact number",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "floating-point number",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "datetime",
        DataType::Time32(_) | DataType::Time64(_) => "time of day",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::ListView(_) => {
            "list"
        }
        DataType::Struct(_) => "struct",
        DataType::Null => "unknown",
        t if t.is_integer() => "integer",
        _ => "other",
    }
}
