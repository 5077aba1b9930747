//! `decisions.parquet`: every decision of every step, one row each, for any Parquet tool.
//!
//! Version 3 (`sconn.decisions.version` in the file's key-value metadata). Columns:
//!
//! | column | type | content |
//! |---|---|---|
//! | `execution`, `step`, `scope` | text | what the row belongs to; steps stand in the order they ran |
//! | `row` | int64 | the row's number in the scope, from 1 |
//! | `source_file`, `source_part` | text, null | where it came from; the part is a sheet or an inner file |
//! | `source_line` | int64, null | line of a text file, row of a sheet; from 1 |
//! | `source_index` | int32, null | the number of the file and part among the execution's, from 0 |
//! | `row_key` | text | 16 hexadecimal digits, stable across runs of the same input |
//! | `action` | text | `created`, `updated`, `unchanged`, `unarchived`, `unarchived_and_updated`, `skipped`, `errored`, `not_processed` |
//! | `decided_by` | int32, null | number of the rule that decided, from 1 |
//! | `rule` | text, null | what that rule asked: `code = V001` |
//! | `candidates` | int64, null | how many records that rule found |
//! | `record_id` | text, null | the record; null where nobody else can see it (a dry run's new ones) |
//! | `fields` | text | JSON list of `{"field", "before", "after", "effect", "from", "text"}` |
//! | `errors`, `warnings` | text | JSON list of `{"code", "name", "text", "message"}` |
//! | `rules` | text | JSON list of every rule asked: `{"rule", "value", "candidates", "ids", "outcome", "action"}` |
//! | `chunk` | int64, null | the chunk it was committed in |
//! | `committed_at` | text, null | when that was, RFC 3339 |
//!
//! Values in JSON carry their type: `"null"`, `{"text": "a"}`, `{"number": "12.5"}`,
//! `{"boolean": true}`, `{"date": "2024-03-04"}`, `{"datetime": "…Z"}`, `{"uuid": "…"}`,
//! `{"list": […]}`. Numbers are text, so that no reader makes floats of them. In `fields` and `rules`,
//! `mapping` and `rule` count from 0, as the plan does.
//!
//! The id of a record that only this run knows (a dry run's new ones) is nowhere in the file: as a
//! value it is the text `(new record)`, among `ids` it is left out.
//!
//! The metadata key `sconn.decisions.steps` is a JSON list of `{"name", "scope", "rows",
//! "first_group", "groups"}`: which row groups hold which step.

mod encode;
mod hidden;
mod log;
mod page;
mod read;

pub use encode::DecisionEncoder;
pub use log::{DecisionLog, LoggedDecisions};
pub use page::{DecisionPage, Named, ShownDecision, Wanted};
pub use read::{DecisionReader, StepDecisions, decode};

use super::ReportError;
use super::part_file::{Output, PartFile};
use crate::load::FieldEffect;
use crate::plan::LoadPlan;
use crate::value::Value;
use crate::value::arrow::array::RecordBatch;
use crate::value::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The version of `decisions.parquet`.
pub const DECISIONS_VERSION: u32 = 3;

const VERSION_KEY: &str = "sconn.decisions.version";
const STEPS_KEY: &str = "sconn.decisions.steps";
/// Bounds what the writer holds in memory, together with the bytes.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 32 << 20;
const BATCH_ROWS: usize = 4_096;

const COLUMNS: [(&str, DataType, bool); 20] = [
    ("execution", DataType::Utf8, false),
    ("step", DataType::Utf8, false),
    ("scope", DataType::Utf8, false),
    ("row", DataType::Int64, false),
    ("source_file", DataType::Utf8, true),
    ("source_part", DataType::Utf8, true),
    ("source_line", DataType::Int64, true),
    ("source_index", DataType::Int32, true),
    ("row_key", DataType::Utf8, false),
    ("action", DataType::Utf8, false),
    ("decided_by", DataType::Int32, true),
    ("rule", DataType::Utf8, true),
    ("candidates", DataType::Int64, true),
    ("record_id", DataType::Utf8, true),
    ("fields", DataType::Utf8, false),
    ("errors", DataType::Utf8, false),
    ("warnings", DataType::Utf8, false),
    ("rules", DataType::Utf8, false),
    ("chunk", DataType::Int64, true),
    ("committed_at", DataType::Utf8, true),
];

fn schema() -> SchemaRef {
    Arc::new(Schema::new(
        COLUMNS.iter().map(|(name, ty, null)| Field::new(*name, ty.clone(), *null)).collect::<Vec<_>>(),
    ))
}

/// One mapped field, as it is read from the column `fields`.
#[derive(Deserialize)]
struct StoredField {
    #[serde(default)]
    before: Value,
    /// None where it is as before.
    #[serde(default)]
    after: Option<Value>,
    effect: FieldEffect,
    #[serde(default)]
    text: Option<String>,
}

/// What people call a mapped field, as it is read from the column `fields`.
#[derive(Deserialize)]
struct StoredName {
    field: String,
    /// Left out where it is one variable of the field's name.
    #[serde(default)]
    from: Option<Vec<String>>,
}

/// Which rows of the file belong to a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRows {
    /// The step.
    pub name: String,
    /// The scope it read.
    pub scope: String,
    /// Its rows.
    pub rows: u64,
    /// The first of its row groups.
    pub first_group: usize,
    /// How many row groups it has.
    pub groups: usize,
}

/// Writes `decisions.parquet` as the decisions are made. Memory is bounded; the file appears when
/// it is finished.
pub struct DecisionWriter {
    writer: ArrowWriter<Output>,
    part: PartFile,
    done: Vec<StepRows>,
}

impl DecisionWriter {
    /// Starts the file.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let (part, file) = PartFile::create(path)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .set_created_by("sconn".to_owned())
            .set_key_value_metadata(Some(vec![KeyValue::new(
                VERSION_KEY.to_owned(),
                DECISIONS_VERSION.to_string(),
            )]))
            .build();
        let writer =
            ArrowWriter::try_new(file, schema(), Some(properties)).map_err(|e| ReportError::new(path, e))?;
        Ok(Self { writer, part, done: Vec::new() })
    }

    /// The decisions that follow are of this step. A step is written in one go.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn step(&mut self, plan: &LoadPlan) -> Result<(), ReportError> {
        self.end_step()?;
        self.done.push(StepRows {
            name: plan.name.clone(),
            scope: plan.scope.clone(),
            rows: 0,
            first_group: self.writer.flushed_row_groups().len(),
            groups: 0,
        });
        Ok(())
    }

    /// Writes decisions of the current step, as [`DecisionEncoder::encode`] makes them.
    ///
    /// # Errors
    /// Where the disk is full, or no step was begun.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), ReportError> {
        let Some(done) = self.done.last_mut() else {
            return Err(ReportError::new(self.part.path(), "a decision before its step"));
        };
        done.rows += rows.num_rows() as u64;
        self.writer.write(rows).map_err(|e| ReportError::new(self.part.path(), e))
    }

    /// Ends the file; it is in its place then.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn finish(mut self) -> Result<(), ReportError> {
        self.end_step()?;
        let path = self.part.path().to_path_buf();
        let failed = |e: &dyn std::fmt::Display| ReportError::new(&path, e);
        let steps = serde_json::to_string(&self.done).map_err(|e| failed(&e))?;
        self.writer.append_key_value_metadata(KeyValue::new(STEPS_KEY.to_owned(), steps));
        let file = self.writer.into_inner().map_err(|e| failed(&e))?;
        file.into_inner().map_err(|e| failed(&e))?;
        self.part.keep()
    }

    /// Row groups never hold two steps, so that one step can be read alone.
    fn end_step(&mut self) -> Result<(), ReportError> {
        self.writer.flush().map_err(|e| ReportError::new(self.part.path(), e))?;
        let groups = self.writer.flushed_row_groups().len();
        if let Some(last) = self.done.last_mut() {
            last.groups = groups - last.first_group;
        }
        Ok(())
    }
}
