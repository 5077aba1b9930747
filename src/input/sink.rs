//! Rows to batches to a spool.

use super::IntakeTable;
use super::errors::InputError;
use super::headers::Mapped;
use crate::system::spool::SpoolWriter;
use crate::value::SourceRef;
use crate::value::arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use crate::value::arrow::datatypes::{DataType, Field, Schema};
use std::path::Path;
use std::sync::Arc;

const BATCH_ROWS: usize = 8192;
/// Long before the 2 GiB that a string column can hold.
const BATCH_BYTES: usize = 64 << 20;

/// A table that is being spooled.
pub(super) struct Sink {
    name: String,
    columns: Vec<(String, String)>,
    builders: Vec<StringBuilder>,
    sources: Int64Builder,
    schema: Arc<Schema>,
    writer: SpoolWriter,
    missing: Vec<String>,
    waiting: usize,
    bytes: usize,
    pub rows: u64,
}

impl Sink {
    pub fn create(
        name: &str,
        columns: &[Mapped],
        missing: &[String],
        path: &Path,
    ) -> Result<Self, InputError> {
        let mut fields: Vec<Field> =
            columns.iter().map(|c| Field::new(&c.name, DataType::Utf8, true)).collect();
        fields.push(Field::new("__row", DataType::Int64, false));
        let schema = Arc::new(Schema::new(fields));
        let writer = SpoolWriter::create(path, schema.clone()).map_err(|e| InputError::io(path, e.cause))?;
        Ok(Self {
            name: name.to_owned(),
            columns: columns.iter().map(|c| (c.name.clone(), c.header.clone())).collect(),
            builders: columns.iter().map(|_| StringBuilder::new()).collect(),
            sources: Int64Builder::new(),
            schema,
            writer,
            missing: missing.to_vec(),
            waiting: 0,
            bytes: 0,
            rows: 0,
        })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Adds a row; `cell` gives the text of the table's column of that index. True after a batch.
    pub fn push<'a>(
        &mut self,
        source: SourceRef,
        mut cell: impl FnMut(usize) -> Option<&'a str>,
    ) -> Result<bool, InputError> {
        for (i, builder) in self.builders.iter_mut().enumerate() {
            match cell(i) {
                Some(text) if !text.is_empty() && !self.missing.iter().any(|m| m == text) => {
                    self.bytes += text.len();
                    builder.append_value(text);
                }
                _ => builder.append_null(),
            }
        }
        self.sources.append_value(source.pack());
        self.waiting += 1;
        self.rows += 1;
        if self.waiting >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush()?;
            return Ok(true);
        }
        Ok(false)
    }

    fn flush(&mut self) -> Result<(), InputError> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut arrays: Vec<ArrayRef> =
            self.builders.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef).collect();
        arrays.push(Arc::new(self.sources.finish()));
        let batch = RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(|e| InputError::refused(&self.name, e.to_string()))?;
        self.writer.write(&batch).map_err(|e| InputError::io(Path::new(&e.path), e.cause))?;
        self.waiting = 0;
        self.bytes = 0;
        Ok(())
    }

    pub fn finish(mut self) -> Result<IntakeTable, InputError> {
        self.flush()?;
        let spool = self.writer.finish().map_err(|e| InputError::io(Path::new(&e.path), e.cause))?;
        Ok(IntakeTable { name: self.name, spool, headers: self.columns, rows: self.rows, parts: Vec::new() })
    }
}
