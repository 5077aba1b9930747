//! The tables of `meta`: what a run tells its SQL about itself.

use super::catalog::{Column, Table};
use super::failure::SqlError;
use crate::value::arrow::array::RecordBatch;
use crate::value::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use crate::value::{Value, to_array};
use std::sync::Arc;

/// `meta.current_execution`, `meta.parameters` and `meta.inputs`, with their columns in order.
pub fn meta_tables() -> Vec<Table> {
    let table = |name: &str, columns: Vec<(&str, DataType)>| Table {
        schema: "meta".to_owned(),
        name: name.to_owned(),
        columns: columns.into_iter().map(|(n, ty)| Column { name: n.to_owned(), ty }).collect(),
    };
    let text = || DataType::Utf8;
    vec![
        table(
            "current_execution",
            vec![
                ("execution_id", text()),
                ("connector", text()),
                ("trigger", text()),
                ("triggered_by", text()),
                ("file_name", text()),
                ("is_dry_run", DataType::Boolean),
                ("started_at", instant()),
            ],
        ),
        table("parameters", vec![("name", text()), ("value", text())]),
        table("inputs", vec![("name", text()), ("file", text()), ("rows", DataType::Int64)]),
    ]
}

/// The column type of an instant.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// What an execution tells its SQL about itself: the row of `meta.current_execution`.
#[derive(Clone, Debug)]
pub struct ExecutionFacts {
    /// The execution's id.
    pub execution_id: String,
    /// The connector's API name.
    pub connector: String,
    /// `spreadsheet`, `webhook` or `schedule`.
    pub trigger: String,
    /// Who started it; empty where nobody did.
    pub triggered_by: String,
    /// The first input file.
    pub file_name: String,
    /// `live` or `dry run`.
    pub mode: String,
    /// When it began.
    pub started_at: jiff::Timestamp,
}

/// The rows of the `meta` tables. Parameters are (name, value), inputs (table, file, rows).
///
/// # Errors
/// Never for tables as [`meta_tables`] declares them.
pub fn batches(
    facts: &ExecutionFacts,
    parameters: &[(String, String)],
    inputs: &[(String, String, u64)],
) -> Result<Vec<(&'static str, RecordBatch)>, SqlError> {
    let text = |v: &str| Value::Text(v.to_owned());
    let execution = vec![vec![
        text(&facts.execution_id),
        text(&facts.connector),
        text(&facts.trigger),
        text(&facts.triggered_by),
        text(&facts.file_name),
        Value::Boolean(facts.mode != "live"),
        Value::Datetime(facts.started_at),
    ]];
    let parameters = parameters.iter().map(|(n, v)| vec![text(n), text(v)]).collect();
    let inputs =
        inputs.iter().map(|(n, f, rows)| vec![text(n), text(f), Value::Number((*rows).into())]).collect();
    let rows: [Vec<Vec<Value>>; 3] = [execution, parameters, inputs];
    let names = ["current_execution", "parameters", "inputs"];
    meta_tables()
        .iter()
        .zip(names)
        .zip(rows)
        .map(|((table, name), rows)| Ok((name, batch(table, &rows)?)))
        .collect()
}

fn batch(table: &Table, rows: &[Vec<Value>]) -> Result<RecordBatch, SqlError> {
    let fields: Vec<Field> = table.columns.iter().map(|c| Field::new(&c.name, c.ty.clone(), true)).collect();
    let columns =
        table.columns.iter().enumerate().map(|(i, c)| to_array(&c.ty, rows.iter().map(|r| &r[i]))).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|e| SqlError::new(e.to_string()))
}
