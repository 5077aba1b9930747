//! The typed rows of a chunk, and how single values are taken from them.

use super::SourceRef;
use crate::value::arrow::array::{Array, ArrayRef, AsArray};
use crate::value::{
    BaseType, CellProblem, FieldSchema, FieldType, Problem, ProblemCode, Value, VariableSpec,
};
use std::sync::Arc;
use uuid::Uuid;

/// The typed rows of one chunk, as variable resolution gave them.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The first row's number in the scope, from 0.
    pub first_row: u64,
    /// Where each row came from.
    pub sources: Vec<Option<SourceRef>>,
    /// The variables by name, typed as [`crate::value::column_type`] says, and exposed ids (text).
    pub columns: Vec<(String, ArrayRef)>,
    /// The columns of text that variables were read from, by the variable's name.
    pub texts: Vec<(String, ArrayRef)>,
    /// The scope's variables.
    pub variables: Arc<[VariableSpec]>,
    /// What is wrong with these rows; rows counted from 0 within the chunk, in row order.
    pub problems: Vec<CellProblem>,
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(self.sources.len(), |(_, c)| c.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<Column<'_>> {
        let (_, array) = self.columns.iter().find(|(n, _)| n == name)?;
        let spec = self.variables.iter().find(|v| v.name == name);
        Some(Column { array, spec })
    }

    /// The text that a variable was read from in a row, where it was text.
    pub(super) fn text(&self, variable: &str, row: usize) -> Option<&str> {
        let (_, array) = self.texts.iter().find(|(n, _)| n == variable)?;
        let texts = array.as_string_opt::<i32>()?;
        (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
    }

    /// The problems of one row.
    pub(super) fn problems_of(&self, row: usize) -> &[CellProblem] {
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

    /// The value as text: by the variable's output format, or the canonical one.
    pub(super) fn text(&self, row: usize) -> String {
        let value = self.value(row);
        self.spec.map_or_else(|| value.to_string(), |s| s.print(&value))
    }

    /// The value for a field of that type, or for the record's id: a field of text takes it as it is
    /// printed, to write it and to compare it.
    pub(super) fn value_for(&self, row: usize, field: Option<&FieldType>) -> Value {
        match (field, self.spec) {
            (Some(FieldType::Text | FieldType::Longtext), Some(spec)) if spec.output.is_some() => {
                Value::Text(self.text(row))
            }
            _ => self.value(row),
        }
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

    /// Fits the value of a row to be asked for; `Null` where it is blank.
    pub(super) fn fit(&self, column: Column<'_>, row: usize) -> Result<Value, Problem> {
        let field = match self {
            Asked::Id => None,
            Asked::Field(field) => Some(&field.ty),
        };
        let fitted = match (self, column.value_for(row, field)) {
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
            (Asked::Field(field), value) => crate::value::fit(value, field)?,
        };
        Ok(if fitted.is_blank() { Value::Null } else { fitted })
    }
}
