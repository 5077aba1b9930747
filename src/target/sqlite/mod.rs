//! The embedded store: one SQLite file, one table per object, readable by plain SQL.
//!
//! SQLite blocks, and the async functions call it directly: a run has its own thread.

mod find;
mod journal;
mod open;
mod place;
mod read;
mod scan;
mod schema;
mod storage;
#[cfg(test)]
mod tests;
mod write;

pub use read::StoredRecord;

use super::{
    Begun, Chunk, ChunkKey, Claim, Lookup, Receipt, Record, Scan, SchemaChange, Target, TargetError,
    TargetInfo,
};
use crate::value::ObjectSchema;
use async_trait::async_trait;
use place::Place;
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A store of records in one SQLite file.
///
/// Objects and fields that it does not have read as empty, so that a dry run can ask it about what
/// a live run would only create.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    place: Place,
    /// The file; none where the store is an empty stand-in for a file that does not exist.
    path: Option<PathBuf>,
    busy_timeout: Duration,
    /// What the store holds, as of opening or the last `prepare`.
    objects: Vec<ObjectSchema>,
    /// The execution that it writes for, and which of its workers this is.
    claimed: Option<(String, i64)>,
    /// The file to create once it is prepared; the store is an empty stand-in until then.
    create_at: Option<PathBuf>,
    /// Removes a scratch file; after `connection`, so that it is closed first.
    _scratch: Option<tempfile::TempPath>,
}

impl Store {
    /// The objects that it holds, with their fields and options.
    ///
    /// # Errors
    /// [`TargetError::Io`]
    pub fn objects(&self) -> Result<Vec<ObjectSchema>, TargetError> {
        schema::load(&self.connection).map_err(|e| self.place.io(e))
    }

    fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.objects.iter().find(|o| o.name == name)
    }
}

#[async_trait]
impl Target for Store {
    fn info(&self) -> TargetInfo {
        TargetInfo { kind: "sqlite".into(), place: self.place.0.clone(), mode: "live".into() }
    }

    async fn prepare(
        &mut self,
        objects: &[ObjectSchema],
        match_fields: &[(String, String)],
    ) -> Result<Vec<SchemaChange>, TargetError> {
        self.prepare_now(objects, match_fields)
    }

    async fn plan_schema(&mut self, objects: &[ObjectSchema]) -> Result<Vec<SchemaChange>, TargetError> {
        self.plan_now(objects)
    }

    async fn options(&mut self, object: &str, field: &str) -> Result<Vec<String>, TargetError> {
        self.options_now(object, field)
    }

    async fn find(&mut self, lookup: Lookup<'_>) -> Result<Vec<Vec<Arc<Record>>>, TargetError> {
        self.find_now(&lookup)
    }

    fn scan(&self, object: &ObjectSchema, columns: &[String]) -> Result<Scan, TargetError> {
        self.scan_now(object, columns)
    }

    async fn claim(&mut self, execution: &str, epoch: Option<i64>) -> Result<Claim, TargetError> {
        self.claim_now(execution, epoch)
    }

    async fn begin(&mut self, chunk: ChunkKey<'_>) -> Result<Begun, TargetError> {
        self.begin_now(chunk)
    }

    async fn committed(&mut self, chunk: ChunkKey<'_>) -> Result<Option<Receipt>, TargetError> {
        self.entry(chunk)
    }

    async fn write(&mut self, chunk: Chunk<'_>) -> Result<Receipt, TargetError> {
        self.write_now(&chunk)
    }

    async fn commit(&mut self) -> Result<(), TargetError> {
        self.place.passes("commit chunk")?;
        self.connection.execute_batch("COMMIT").map_err(|e| self.place.io(e))
    }

    async fn abandon(&mut self) {
        self.abandon_now();
    }
}
