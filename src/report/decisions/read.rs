//! Reads `decisions.parquet` back.

use super::{BATCH_ROWS, DECISIONS_VERSION, STEPS_KEY, StepRows, StoredField, VERSION_KEY};
use crate::load::{Action, Committed, FieldChange, RowDecision, SourceRef};
use crate::report::ReportError;
use crate::report::part_file::{self, Input};
use crate::value::Problem;
use crate::value::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use crate::value::arrow::datatypes::{Int32Type, Int64Type};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How many bytes of decisions are decoded at once, where a row has no more than on average.
const BATCH_BYTES: usize = 16 << 20;

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
        let reader = self.batches(name, 0, BATCH_ROWS)?;
        Ok(StepDecisions { reader, path: self.path.clone(), batch: None, next: 0 })
    }

    /// The rows of a step from one of them on, counted from 0; those before are not decoded.
    pub(super) fn batches(
        &self,
        step: &str,
        from: u64,
        rows: usize,
    ) -> Result<ParquetRecordBatchReader, ReportError> {
        let builder = open(&self.path)?;
        let groups: Vec<usize> = self
            .steps
            .iter()
            .filter(|s| s.name == step)
            .flat_map(|s| s.first_group..s.first_group + s.groups)
            .collect();
        let known = builder.metadata().row_groups();
        let longest = groups.iter().filter_map(|g| known.get(*g)).map(row_bytes).max().unwrap_or(1);
        builder
            .with_row_groups(groups)
            .with_offset(usize::try_from(from).unwrap_or(usize::MAX))
            .with_batch_size(rows.min(BATCH_BYTES / longest).max(1))
            .build()
            .map_err(|e| ReportError::new(&self.path, e))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// How many bytes a row of the group takes, on average.
fn row_bytes(group: &RowGroupMetaData) -> usize {
    (group.total_byte_size() / group.num_rows().max(1)).try_into().unwrap_or(1usize).max(1)
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
                let decision = read_row(&Row(batch, self.next))
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

/// The decisions of a batch that [`super::DecisionEncoder`] made.
///
/// # Errors
/// Where it is no such batch; the text says what is wrong.
pub fn decode(batch: &RecordBatch) -> Result<Vec<RowDecision>, String> {
    (0..batch.num_rows()).map(|row| read_row(&Row(batch, row))).collect()
}

/// One row of a batch, by column names; the file may come from elsewhere, so nothing is assumed.
pub(super) struct Row<'a>(pub(super) &'a RecordBatch, pub(super) usize);

impl Row<'_> {
    fn column(&self, name: &str) -> Result<&ArrayRef, String> {
        self.0.column_by_name(name).ok_or_else(|| format!("there is no column {name}"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        let column = self.column(name)?;
        let column = column.as_string_opt::<i32>().ok_or_else(|| format!("column {name} is no text"))?;
        Ok((!column.is_null(self.1)).then(|| column.value(self.1)))
    }

    pub(super) fn long(&self, name: &str) -> Result<Option<i64>, String> {
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

    pub(super) fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, String> {
        serde_json::from_str(self.text(name)?.unwrap_or("[]")).map_err(|e| format!("column {name}: {e}"))
    }
}

pub(super) fn read_row(row: &Row<'_>) -> Result<RowDecision, String> {
    let key = row.text("row_key")?.unwrap_or_default();
    let action = row.text("action")?.unwrap_or_default();
    let record = match row.text("record_id")? {
        Some(id) => Some(Uuid::parse_str(id).map_err(|e| format!("column record_id: {e}"))?),
        None => None,
    };
    let fields: Vec<StoredField> = row.json("fields")?;
    let errors: Vec<Problem> = row.json("errors")?;
    let committed = match (row.long("chunk")?, row.text("committed_at")?) {
        (Some(chunk), Some(at)) => Some(Committed {
            chunk: chunk as u64,
            at: at.parse().map_err(|e| format!("column committed_at: {e}"))?,
        }),
        _ => None,
    };
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
            .map(|f| FieldChange {
                after: f.after.unwrap_or_else(|| f.before.clone()),
                before: f.before,
                effect: f.effect,
                text: f.text,
            })
            .collect(),
        errors,
        warnings: row.json("warnings")?,
        committed,
    })
}
