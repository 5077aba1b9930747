//! The tables of `meta`: what a run tells its SQL about itself.

use super::catalog::{Column, Table};
use crate::value::arrow::datatypes::{DataType, TimeUnit};

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
