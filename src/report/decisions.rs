//! `decisions.parquet`: every decision of every step, one row each, for any Parquet tool.
//!
//! Version 1 (`sconn.decisions.version` in the file's key-value metadata). Columns:
//!
//! | column | type | content |
//! |---|---|---|
//! | `execution`, `step`, `scope` | text | what the row belongs to; steps stand in the order they ran |
//! | `row` | int64 | the row's number in the scope, from 1 |
//! | `source_file`, `source_part` | text, null | where it came from; the part is a sheet or an inner file |
//! | `source_line` | int64, null | line of a text file, row of a sheet; from 1 |
//! | `source_index` | int32, null | the number of the file and part among the execution's, from 0 |
//! | `row_key` | text | 16 hexadecimal digits, stable across runs of the same input |
//! | `action` | text | `create`, `update`, `unchanged`, `unarchive`, `unarchive_and_update`, `skip`, `error`, `unprocessed` |
//! | `decided_by` | int32, null | number of the rule that decided, from 1 |
//! | `rule` | text, null | what that rule asked: `code = V001` |
//! | `candidates` | int64, null | how many records that rule found |
//! | `record_id` | text, null | the record; null where nobody else can see it (a dry run's new ones) |
//! | `fields` | text | JSON list of `{"field", "mapping", "before", "after", "effect"}` |
//! | `errors`, `warnings` | text | JSON list of `{"code", "name", "text", "message"}` |
//! | `rules` | text | JSON list of every rule asked: `{"rule", "value", "candidates", "ids", "outcome", "action"}` |
//! | `chunk` | int64, null | the chunk it was committed in |
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

mod hidden;
mod read;

pub use read::{DecisionReader, StepDecisions};

use super::ReportError;
use super::part_file::{Output, PartFile};
use super::words::{answer_words, deciding};
use crate::load::{FieldEffect, RowDecision};
use crate::plan::LoadPlan;
use crate::value::Value;
use crate::value::arrow::array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use crate::value::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hidden::Hidden;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The version of `decisions.parquet`.
pub const DECISIONS_VERSION: u32 = 1;

const VERSION_KEY: &str = "sconn.decisions.version";
const STEPS_KEY: &str = "sconn.decisions.steps";
/// Bounds what the writer holds in memory, together with the bytes.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 32 << 20;
const BATCH_ROWS: usize = 4_096;

const COLUMNS: [(&str, DataType, bool); 19] = [
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
];

fn schema() -> SchemaRef {
    Arc::new(Schema::new(
        COLUMNS.iter().map(|(name, ty, null)| Field::new(*name, ty.clone(), *null)).collect::<Vec<_>>(),
    ))
}

/// One mapped field, as it stands in the column `fields`.
#[derive(Serialize, Deserialize)]
struct StoredField {
    field: String,
    mapping: usize,
    before: Value,
    after: Value,
    effect: FieldEffect,
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
    execution: String,
    parts: Vec<String>,
    step: Option<LoadPlan>,
    done: Vec<StepRows>,
    rows: Columns,
    hidden: Hidden,
}

impl DecisionWriter {
    /// Starts the file. `parts` are the words for [`crate::load::SourceRef`]'s part: `prices.csv`,
    /// `book.xlsx!Sheet1`.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn create(path: &Path, execution: &str, parts: &[String]) -> Result<Self, ReportError> {
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
        Ok(Self {
            writer,
            part,
            execution: execution.to_owned(),
            parts: parts.to_vec(),
            step: None,
            done: Vec::new(),
            rows: Columns::default(),
            hidden: Hidden::default(),
        })
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
        self.step = Some(plan.clone());
        Ok(())
    }

    /// Writes one decision of the current step.
    ///
    /// # Errors
    /// Where the disk is full, or no step was begun.
    pub fn write(&mut self, decision: &RowDecision) -> Result<(), ReportError> {
        let (Some(plan), Some(done)) = (&self.step, self.done.last_mut()) else {
            return Err(ReportError::new(self.part.path(), "a decision before its step"));
        };
        done.rows += 1;
        let decision = self.hidden.without(decision);
        self.rows.add(&self.execution, plan, &self.parts, &decision);
        if self.rows.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
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

    fn flush(&mut self) -> Result<(), ReportError> {
        if self.rows.len() == 0 {
            return Ok(());
        }
        let failed = |e: &dyn std::fmt::Display| ReportError::new(self.part.path(), e);
        let batch = self.rows.batch().map_err(|e| failed(&e))?;
        self.writer.write(&batch).map_err(|e| failed(&e))
    }

    /// Row groups never hold two steps, so that one step can be read alone.
    fn end_step(&mut self) -> Result<(), ReportError> {
        self.flush()?;
        self.writer.flush().map_err(|e| ReportError::new(self.part.path(), e))?;
        let groups = self.writer.flushed_row_groups().len();
        if let Some(last) = self.done.last_mut() {
            last.groups = groups - last.first_group;
        }
        Ok(())
    }
}

/// The columns of the batch that is being filled.
#[derive(Default)]
struct Columns {
    text: [StringBuilder; 13],
    row: Int64Builder,
    line: Int64Builder,
    index: Int32Builder,
    decided_by: Int32Builder,
    candidates: Int64Builder,
    chunk: Int64Builder,
}

impl Columns {
    fn len(&self) -> usize {
        use crate::value::arrow::array::ArrayBuilder;
        self.row.len()
    }

    fn add(&mut self, execution: &str, plan: &LoadPlan, parts: &[String], d: &RowDecision) {
        let [ex, step, scope, file, part, key, action, rule, record, fields, errors, warnings, rules] =
            &mut self.text;
        ex.append_value(execution);
        step.append_value(&plan.name);
        scope.append_value(&plan.scope);
        self.row.append_value(d.row as i64);
        let place = d.source.and_then(|s| parts.get(s.part as usize)).map(|p| split_part(p));
        file.append_option(place.map(|p| p.0));
        part.append_option(place.and_then(|p| p.1));
        self.line.append_option(d.source.map(|s| s.line as i64));
        self.index.append_option(d.source.map(|s| s.part as i32));
        key.append_value(format!("{:016x}", d.key));
        action.append_value(d.action.name());
        let answer = deciding(d);
        self.decided_by.append_option(d.decided_by.map(|r| r as i32 + 1));
        rule.append_option(answer.map(|a| answer_words(plan, a)));
        self.candidates.append_option(answer.map(|a| a.candidates as i64));
        record.append_option(d.record.filter(|_| d.visible).map(|id| id.to_string()));
        fields.append_value(json(&stored_fields(plan, d)));
        errors.append_value(json(&d.errors));
        warnings.append_value(json(&d.warnings));
        rules.append_value(json(&d.rules));
        self.chunk.append_option(d.committed_chunk.map(|c| c as i64));
    }

    fn batch(&mut self) -> Result<RecordBatch, crate::value::arrow::error::ArrowError> {
        let [ex, step, scope, file, part, key, action, rule, record, fields, errors, warnings, rules] =
            self.text.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let columns: Vec<ArrayRef> = vec![
            ex,
            step,
            scope,
            Arc::new(self.row.finish()),
            file,
            part,
            Arc::new(self.line.finish()),
            Arc::new(self.index.finish()),
            key,
            action,
            Arc::new(self.decided_by.finish()),
            rule,
            Arc::new(self.candidates.finish()),
            record,
            fields,
            errors,
            warnings,
            rules,
            Arc::new(self.chunk.finish()),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}

/// Serialising these plain types cannot fail; an empty list stands in all the same.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "[]".to_owned())
}

fn stored_fields(plan: &LoadPlan, decision: &RowDecision) -> Vec<StoredField> {
    decision
        .fields
        .iter()
        .map(|f| StoredField {
            field: plan.mappings.get(f.mapping).map(|m| m.field.name.clone()).unwrap_or_default(),
            mapping: f.mapping,
            before: f.before.clone(),
            after: f.after.clone(),
            effect: f.effect,
        })
        .collect()
}

/// `book.xlsx!Sheet1` is the file `book.xlsx` and its part `Sheet1`. A `!` in a file's own name is
/// told apart by the ending before it.
fn split_part(part: &str) -> (&str, Option<&str>) {
    const CONTAINERS: [&str; 7] = [".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".zip", ".xlam"];
    part.match_indices('!')
        .map(|(at, _)| (&part[..at], &part[at + 1..]))
        .find(|(file, _)| CONTAINERS.iter().any(|c| file.to_lowercase().ends_with(c)))
        .map_or((part, None), |(file, inner)| (file, Some(inner)))
}
