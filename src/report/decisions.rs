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

use super::ReportError;
use super::part_file::{self, Input, Output, PartFile};
use super::words::{answer_words, deciding};
use crate::load::{Action, FieldChange, FieldEffect, RowDecision, SourceRef};
use crate::plan::LoadPlan;
use crate::value::arrow::array::{
    Array, ArrayRef, AsArray, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
};
use crate::value::arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use crate::value::{Problem, Value};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The version of `decisions.parquet`.
pub const DECISIONS_VERSION: u32 = 1;

const VERSION_KEY: &str = "sconn.decisions.version";
const STEPS_KEY: &str = "sconn.decisions.steps";
/// Bounds what the writer holds in memory, together with the bytes.
const GROUP_ROWS: usize = 50_000;
const GROUP_BYTES: usize = 32 << 20;
const BATCH_ROWS: usize = 4_096;
/// Stands for the id of a record that only this run knows.
const NEW_RECORD: &str = "(new record)";

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
    /// Starts the file. `parts` are the words for [`SourceRef::part`]: `prices.csv`,
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

/// The records of this run that nobody else can see: a dry run's new ones. Their ids differ from run
/// to run and lead nowhere, so they are not told, wherever they turn up in later rows and steps.
#[derive(Default)]
struct Hidden {
    /// The lower half of each id: half the memory, and as good as certain.
    ids: HashSet<u64>,
}

impl Hidden {
    fn has(&self, id: &Uuid) -> bool {
        self.ids.contains(&(id.as_u128() as u64))
    }

    fn in_value(&self, value: &Value) -> bool {
        matches!(value, Value::Uuid(id) if self.has(id))
    }

    /// The decision as it may be told.
    fn without<'d>(&mut self, decision: &'d RowDecision) -> Cow<'d, RowDecision> {
        if let (Some(id), false) = (decision.record, decision.visible) {
            self.ids.insert(id.as_u128() as u64);
        }
        let told = self.ids.is_empty()
            || !(decision.fields.iter().any(|f| self.in_value(&f.before) || self.in_value(&f.after))
                || decision
                    .rules
                    .iter()
                    .any(|r| self.in_value(&r.value) || r.ids.iter().any(|id| self.has(id))));
        if told {
            return Cow::Borrowed(decision);
        }
        let mut decision = decision.clone();
        let values = decision.fields.iter_mut().flat_map(|f| [&mut f.before, &mut f.after]);
        for value in values.chain(decision.rules.iter_mut().map(|r| &mut r.value)) {
            if self.in_value(value) {
                *value = Value::Text(NEW_RECORD.to_owned());
            }
        }
        decision.rules.iter_mut().for_each(|r| r.ids.retain(|id| !self.has(id)));
        Cow::Owned(decision)
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

/// Reads `decisions.parquet`, step by step.
#[derive(Clone, Debug)]
pub struct DecisionReader {
    path: PathBuf,
    steps: Vec<StepRows>,
}

impl DecisionReader {
    /// Opens the file and reads which steps it has.
    ///
    /// # Errors
    /// Where it cannot be read, or is of another version.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let builder = open(path)?;
        let metadata = builder.metadata().file_metadata().key_value_metadata();
        let value = |key: &str| {
            metadata.and_then(|m| m.iter().find(|kv| kv.key == key)).and_then(|kv| kv.value.as_deref())
        };
        let version = value(VERSION_KEY).unwrap_or("none");
        if version != DECISIONS_VERSION.to_string() {
            let cause = format!("{VERSION_KEY} is {version}; this sconn reads {DECISIONS_VERSION}");
            return Err(ReportError::new(path, cause));
        }
        let steps = serde_json::from_str(value(STEPS_KEY).unwrap_or("[]"))
            .map_err(|e| ReportError::new(path, format!("{STEPS_KEY}: {e}")))?;
        Ok(Self { path: path.to_path_buf(), steps })
    }

    /// The steps, in the order they ran.
    pub fn steps(&self) -> &[StepRows] {
        &self.steps
    }

    /// The decisions of a step, in the order they were written; none where the step did not run.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn step(&self, name: &str) -> Result<StepDecisions, ReportError> {
        let groups: Vec<usize> = self
            .steps
            .iter()
            .filter(|s| s.name == name)
            .flat_map(|s| s.first_group..s.first_group + s.groups)
            .collect();
        let reader = open(&self.path)?
            .with_row_groups(groups)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|e| ReportError::new(&self.path, e))?;
        Ok(StepDecisions { reader, path: self.path.clone(), batch: None, next: 0 })
    }
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<Input>, ReportError> {
    let file = part_file::open(path)?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| ReportError::new(path, e))
}

/// The decisions of one step, streamed. What was hidden when it was written (a provisional id)
/// comes back as none.
pub struct StepDecisions {
    reader: ParquetRecordBatchReader,
    path: PathBuf,
    batch: Option<RecordBatch>,
    next: usize,
}

impl Iterator for StepDecisions {
    type Item = Result<RowDecision, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = &self.batch
                && self.next < batch.num_rows()
            {
                let decision = read_row(batch, self.next)
                    .map_err(|cause| ReportError::new(&self.path, format!("row {}: {cause}", self.next)));
                self.next += 1;
                return Some(decision);
            }
            match self.reader.next()? {
                Ok(batch) => {
                    self.batch = Some(batch);
                    self.next = 0;
                }
                Err(e) => return Some(Err(ReportError::new(&self.path, e))),
            }
        }
    }
}

/// One row of a batch, by column names; the file may come from elsewhere, so nothing is assumed.
struct Row<'a>(&'a RecordBatch, usize);

impl Row<'_> {
    fn column(&self, name: &str) -> Result<&ArrayRef, String> {
        self.0.column_by_name(name).ok_or_else(|| format!("there is no column {name}"))
    }

    fn text(&self, name: &str) -> Result<Option<&str>, String> {
        let column = self.column(name)?;
        let column = column.as_string_opt::<i32>().ok_or_else(|| format!("column {name} is no text"))?;
        Ok((!column.is_null(self.1)).then(|| column.value(self.1)))
    }

    fn long(&self, name: &str) -> Result<Option<i64>, String> {
        let column = self.column(name)?;
        let column =
            column.as_primitive_opt::<Int64Type>().ok_or_else(|| format!("column {name} is no int64"))?;
        Ok((!column.is_null(self.1)).then(|| column.value(self.1)))
    }

    fn int(&self, name: &str) -> Result<Option<i32>, String> {
        let column = self.column(name)?;
        let column =
            column.as_primitive_opt::<Int32Type>().ok_or_else(|| format!("column {name} is no int32"))?;
        Ok((!column.is_null(self.1)).then(|| column.value(self.1)))
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, String> {
        serde_json::from_str(self.text(name)?.unwrap_or("[]")).map_err(|e| format!("column {name}: {e}"))
    }
}

fn read_row(batch: &RecordBatch, row: usize) -> Result<RowDecision, String> {
    let row = Row(batch, row);
    let key = row.text("row_key")?.unwrap_or_default();
    let action = row.text("action")?.unwrap_or_default();
    let record = match row.text("record_id")? {
        Some(id) => Some(Uuid::parse_str(id).map_err(|e| format!("column record_id: {e}"))?),
        None => None,
    };
    let fields: Vec<StoredField> = row.json("fields")?;
    let errors: Vec<Problem> = row.json("errors")?;
    let source = row.int("source_index")?.zip(row.long("source_line")?);
    Ok(RowDecision {
        row: row.long("row")?.unwrap_or_default() as u64,
        source: source.map(|(part, line)| SourceRef { part: part as u32, line: line as u64 }),
        key: u64::from_str_radix(key, 16).map_err(|e| format!("column row_key: {e}"))?,
        rules: row.json("rules")?,
        decided_by: row.int("decided_by")?.and_then(|r| usize::try_from(r - 1).ok()),
        action: Action::ALL
            .into_iter()
            .find(|a| a.name() == action)
            .ok_or_else(|| format!("column action: {action} is none"))?,
        record,
        visible: record.is_some(),
        fields: fields
            .into_iter()
            .map(|f| FieldChange { mapping: f.mapping, before: f.before, after: f.after, effect: f.effect })
            .collect(),
        errors,
        warnings: row.json("warnings")?,
        committed_chunk: row.long("chunk")?.map(|c| c as u64),
    })
}
