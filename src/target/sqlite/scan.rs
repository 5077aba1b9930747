//! Streaming an object's records, on a connection of its own, so that it may go to another thread.

use super::place::Place;
use super::storage::{decode, quoted};
use super::{Store, open};
use crate::target::{ID, Scan, TargetError};
use crate::value::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use crate::value::arrow::record_batch::RecordBatch;
use crate::value::{FieldType, ObjectSchema, Value, field_column_type, to_array};
use rusqlite::{Connection, OpenFlags};
use std::sync::Arc;

/// Records of one batch.
const BATCH: usize = 8192;

impl Store {
    pub(super) fn scan_now(&self, object: &ObjectSchema, columns: &[String]) -> Result<Scan, TargetError> {
        let (Some(path), Some(held)) = (&self.path, self.object(&object.name)) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let connection = open::connect(path, &self.place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let begin = || {
            connection.busy_timeout(self.busy_timeout)?;
            // One transaction: the batches show one moment, whatever is written meanwhile.
            connection.execute_batch("PRAGMA mmap_size = 268435456; BEGIN")
        };
        begin().map_err(|e| self.place.io(e))?;

        let mut read = Vec::new();
        let mut fields = Vec::new();
        for name in columns {
            let declared = object.field(name).map(|f| f.ty.clone());
            // The store's own columns are read like fields of these types.
            let own = match name.as_str() {
                ID => Some(FieldType::Text),
                "_created_at" | "_updated_at" => Some(FieldType::Datetime),
                _ => None,
            };
            let ty = own.as_ref().or(declared.as_ref()).map_or(DataType::Utf8, field_column_type);
            fields.push(Field::new(name, ty, true));
            let stored = own.or_else(|| held.field(name).map(|f| f.ty.clone()));
            read.push((name.clone(), stored));
        }
        let list: String = read
            .iter()
            .map(
                |(name, stored)| {
                    if stored.is_some() { format!(", {}", quoted(name)) } else { ", NULL".into() }
                },
            )
            .collect();
        let sql = format!(
            "SELECT _rowid_, id{list} FROM {} WHERE _rowid_ > ?1 AND _archived = 0 ORDER BY _rowid_ LIMIT {BATCH}",
            quoted(&object.name)
        );
        Ok(Box::new(Batches {
            connection,
            place: self.place.clone(),
            object: object.name.clone(),
            sql,
            schema: Arc::new(Schema::new(fields)),
            columns: read,
            after: i64::MIN,
            done: false,
        }))
    }
}

struct Batches {
    connection: Connection,
    place: Place,
    object: String,
    sql: String,
    schema: SchemaRef,
    /// Each column and its stored type; none where the store does not have it.
    columns: Vec<(String, Option<FieldType>)>,
    /// The last row that was given.
    after: i64,
    done: bool,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, TargetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.read();
        if !matches!(batch, Ok(Some(_))) {
            self.done = true;
        }
        batch.transpose()
    }
}

impl Batches {
    fn read(&mut self) -> Result<Option<RecordBatch>, TargetError> {
        let io = |e| self.place.io(e);
        let mut values: Vec<Vec<Value>> = self.columns.iter().map(|_| Vec::new()).collect();
        let mut rows_read = 0;
        let mut last = self.after;
        {
            let mut statement = self.connection.prepare_cached(&self.sql).map_err(io)?;
            let mut rows = statement.query([self.after]).map_err(io)?;
            while let Some(row) = rows.next().map_err(io)? {
                last = row.get(0).map_err(io)?;
                rows_read += 1;
                for (at, ((name, ty), into)) in self.columns.iter().zip(&mut values).enumerate() {
                    let Some(ty) = ty else {
                        into.push(Value::Null);
                        continue;
                    };
                    let value = decode(ty, row.get_ref(at + 2).map_err(io)?);
                    match value {
                        Some(value) => into.push(value),
                        None => {
                            let id: String = row.get(1).map_err(io)?;
                            return Err(self.place.unreadable(&self.object, name, &id));
                        }
                    }
                }
            }
        }
        self.after = last;
        if rows_read < BATCH {
            self.done = true;
        }
        if rows_read == 0 {
            return Ok(None);
        }
        let arrays =
            self.schema.fields().iter().zip(&values).map(|(f, v)| to_array(f.data_type(), v)).collect();
        let options =
            crate::value::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows_read));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map(Some).map_err(|e| {
            self.place.broken(format!("records of {} cannot be read: {e}", self.object), "report this")
        })
    }
}
