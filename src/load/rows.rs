//! The typed rows of a chunk, and how single values are taken from them.

use super::SourceRef;
use crate::value::arrow::array::{Array, ArrayRef, AsArray};
use crate::value::{
    BaseType, CellProblem, FieldSchema, FieldType, Format, Problem, ProblemCode, Value, VariableSpec,
};
use uuid::Uuid;

/// The typed rows of one chunk, as variable resolution gave them.
pub struct Rows<'a> {
    /// The first row's number in the scope, from 0.
    pub first_row: u64,
    /// Where each row came from.
    pub sources: &'a [Option<SourceRef>],
    /// The variables by name, typed as [`crate::value::column_type`] says, and exposed ids (text).
    pub columns: Vec<(&'a str, &'a ArrayRef)>,
    /// The columns of text that variables were read from, by the variable's name.
    pub texts: Vec<(&'a str, &'a ArrayRef)>,
    /// The scope's variables.
    pub variables: &'a [VariableSpec],
    /// What is wrong with these rows; rows counted from 0 within the chunk, in row order.
    pub problems: &'a [CellProblem],
}

impl<'a> Rows<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(self.sources.len(), |(_, c)| c.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<Column<'a>> {
        let (_, array) = self.columns.iter().find(|(n, _)| *n == name)?;
        let spec = self.variables.iter().find(|v| v.name == name);
        Some(Column { array, spec })
    }

    /// The text that a variable was read from in a row, where it was text.
    pub(super) fn text(&self, variable: &str, row: usize) -> Option<&'a str> {
        let (_, array) = self.texts.iter().find(|(n, _)| *n == variable)?;
        let texts = array.as_string_opt::<i32>()?;
        (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
    }

    /// The problems of one row.
    pub(super) fn problems_of(&self, row: usize) -> &'a [CellProblem] {
        let start = self.problems.partition_point(|p| p.row < row);
        let end = self.problems.partition_point(|p| p.row <= row);
        self.problems.get(start..end).unwrap_or_default()
    }
}

/// A variable's column, or that of exposed ids (which has no spec).
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    array: &'a ArrayRef,
    pub(super) spec: Option<&'a VariableSpec>,
}

impl Column<'_> {
    /// The value in a row; ids as [`Value::Uuid`].
    pub(super) fn value(&self, row: usize) -> Value {
        if row >= self.array.len() {
            return Value::Null;
        }
        let value = crate::value::cell(self.array.as_ref(), row);
        if value.is_blank() {
            return Value::Null;
        }
        if self.spec.is_none_or(|s| s.ty.base == BaseType::Uuid) { ids(value) } else { value }
    }

    /// How the variable is printed where it becomes text.
    pub(super) fn output(&self) -> Option<&Format> {
        self.spec.and_then(|s| s.output.as_ref())
    }

    /// The value as text: by the variable's output format, or the canonical one.
    pub(super) fn text(&self, row: usize) -> String {
        print(&self.value(row), self.output())
    }
}

/// A value as text.
pub(super) fn print(value: &Value, output: Option<&Format>) -> String {
    match (value, output) {
        (Value::List(items), Some(format)) => {
            items.iter().map(|i| format.print(i)).collect::<Vec<_>>().join("; ")
        }
        (Value::Null, _) => String::new(),
        (value, Some(format)) => format.print(value),
        (value, None) => value.to_string(),
    }
}

fn ids(value: Value) -> Value {
    match value {
        Value::Text(text) => Uuid::parse_str(&text).map_or(Value::Text(text), Value::Uuid),
        Value::List(items) => Value::List(items.into_iter().map(ids).collect()),
        other => other,
    }
}

/// What a value must be to be compared: a record's id, or the value of a field.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// The record's id.
    Id,
    /// A field.
    Field(FieldSchema),
}

impl Asked {
    /// The field `name` of type `ty`, or the id.
    pub(super) fn of(name: &str, ty: Option<FieldType>) -> Self {
        if name == crate::target::ID {
            return Asked::Id;
        }
        let ty = ty.unwrap_or(FieldType::Longtext);
        Asked::Field(FieldSchema {
            name: name.to_owned(),
            ty,
            required: false,
            unique: false,
            options: Vec::new(),
        })
    }

    /// Fits a value to be asked for; `Null` where it is blank.
    pub(super) fn fit(&self, value: Value) -> Result<Value, Problem> {
        let fitted = match (self, value) {
            (_, value) if value.is_blank() => return Ok(Value::Null),
            (Asked::Id, Value::Uuid(id)) => Value::Uuid(id),
            (Asked::Id, value) => {
                let text = value.to_string();
                Value::Uuid(Uuid::parse_str(&text).map_err(|_| Problem {
                    code: ProblemCode::NotAUuid,
                    name: crate::target::ID.to_owned(),
                    message: format!("`{text}` is not a record's id: a UUID is expected"),
                    text,
                })?)
            }
            (Asked::Field(field), value) => crate::value::fit(&value, field)?,
        };
        Ok(if fitted.is_blank() { Value::Null } else { fitted })
    }
}
