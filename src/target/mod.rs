//! Where records live. One trait, several targets; `recording` reads through and keeps writes to
//! itself, which is all that a dry run is.

mod recording;
pub mod sqlite;

pub use recording::Recording;

use crate::value::arrow::record_batch::RecordBatch;
use crate::value::{ObjectSchema, Value};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Fields by API name. The names of an object are shared by all its records.
pub type Fields = BTreeMap<Arc<str>, Value>;

/// One record as the target holds it. Blank fields may be left out of `fields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// Whether it is archived (soft-deleted).
    pub archived: bool,
    /// Its fields by API name, typed by the field: text-like fields and single options
    /// [`Value::Text`], numbers [`Value::Number`], checkbox [`Value::Boolean`], relationship
    /// [`Value::Uuid`], multi-select a [`Value::List`] of texts.
    pub fields: Fields,
}

impl Record {
    /// The value of a field; `Null` where it is blank.
    pub fn value(&self, field: &str) -> &Value {
        self.fields.get(field).unwrap_or(&Value::Null)
    }
}

/// The pseudo field that means a record's id, in look-ups and matching rules.
pub const ID: &str = "id";

/// A question for many values at once: which records of `object` have one of `values` in `field`?
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    /// The object.
    pub object: &'a str,
    /// The field, or [`ID`].
    pub field: &'a str,
    /// The values, distinct and none blank, typed as in [`Record::fields`].
    pub values: &'a [Value],
    /// Which fields the answer must carry.
    pub columns: &'a [String],
}

/// What to do with one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new record, with an id that the engine gave. Between the ids that one chunk creates lie no
    /// others, so that its first and its last name them all.
    Create(Arc<Record>),
    /// Changes some fields of a record, and possibly whether it is archived.
    Update {
        /// Its id.
        id: Uuid,
        /// The fields that change, with their new values; `Null` blanks one.
        fields: Fields,
        /// `Some(false)` takes the record out of the archive.
        archived: Option<bool>,
    },
}

impl Write {
    /// The record it is about.
    pub fn id(&self) -> Uuid {
        match self {
            Write::Create(record) => record.id,
            Write::Update { id, .. } => *id,
        }
    }
}

/// Which chunk: the key of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkKey<'a> {
    /// The execution's id.
    pub execution: &'a str,
    /// The load step's name.
    pub step: &'a str,
    /// The chunk's number within the step, from 0.
    pub number: u64,
}

/// One chunk of one step: all of it is written, or nothing.
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    /// Which one.
    pub key: ChunkKey<'a>,
    /// When it is written: the time of change of its records.
    pub at: Timestamp,
    /// First row of the scope that it covers, from 0.
    pub first_row: u64,
    /// How many rows of the scope it covers.
    pub rows: u64,
    /// The object that is written.
    pub object: &'a str,
    /// Options to add first: (field, label).
    pub new_options: &'a [(String, String)],
    /// The writes, in row order. Several may be about one record; they apply in order.
    pub writes: &'a [Write],
}

/// What became of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Writes that the target refused, by their index in the chunk, with its reason. The others
    /// of the chunk were committed.
    pub refused: Vec<(usize, String)>,
}

/// What [`Target::claim`] tells the worker that is to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whether what is committed lasts: records then exist for everyone, so that their ids may be
    /// told, and a resumed execution finds its chunks.
    pub lasting: bool,
}

/// What [`Target::begin`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The chunk is to be done: until it is committed or abandoned nobody else writes, so that what
    /// is found stays true.
    Open,
    /// It was committed before, by this worker or one that was interrupted; nothing is open.
    Committed(Receipt),
    /// Another program writes, and has for a while: ask again, or give up with [`TargetError::busy`].
    Busy,
}

/// What a target is, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// What kind: `sqlite`.
    pub kind: String,
    /// Where: a path or an address, without credentials.
    pub place: String,
    /// How it was used: `live` or `dry run`. For reports; nothing decides by it.
    pub mode: String,
}

/// One thing that [`Target::prepare`] changed, or would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The object.
    pub object: String,
    /// A few words, true of a live and a dry run: ``a new field `region` ``.
    pub what: String,
}

/// Why a target could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It cannot be opened, or is not ours.
    #[error("{place}: {cause}")]
    Open {
        /// The target's place.
        place: String,
        /// Why.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// The declared objects cannot be brought about without losing data.
    #[error("object {object}: {cause}")]
    Schema {
        /// The object.
        object: String,
        /// Why.
        cause: String,
        /// What to do.
        hint: String,
    },
    /// Another worker has taken the execution over: this one must write nothing more, no report
    /// either.
    #[error("{place}: another process has taken over execution {execution}")]
    TakenOver {
        /// The target's place.
        place: String,
        /// The execution.
        execution: String,
    },
    /// Reading or writing failed: locked, full, broken.
    #[error("{place}: {cause}")]
    Io {
        /// The target's place.
        place: String,
        /// Why.
        cause: String,
        /// What to do.
        hint: String,
    },
}

impl TargetError {
    /// Another program writes, and goes on with it.
    pub fn busy(place: &str) -> Self {
        TargetError::Io {
            place: place.to_owned(),
            cause: "the file is locked by another program".into(),
            hint: "wait until the other run or program is done with the file, then start again".into(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        match self {
            TargetError::Open { hint, .. }
            | TargetError::Schema { hint, .. }
            | TargetError::Io { hint, .. } => hint,
            TargetError::TakenOver { .. } => "the other process goes on with it; nothing is to be done here",
        }
    }
}

/// Gives batches of a scan, one after the other. Utf8 columns only (canonical text of the value,
/// NULL where blank) except: number fields `Decimal128`, checkbox `Boolean`, date `Date32`,
/// datetime `Timestamp(µs, UTC)`, as [`crate::value::field_column_type`] says.
pub type Scan = Box<dyn Iterator<Item = Result<RecordBatch, TargetError>> + Send>;

/// Where records are read and written.
#[async_trait]
pub trait Target: Send {
    /// What it is, for people.
    fn info(&self) -> TargetInfo;

    /// Brings the declared objects about: creates what is missing, adds fields and options.
    /// Refuses what would lose data. `match_fields` (object, field) get an index.
    ///
    /// # Errors
    /// [`TargetError::Schema`] where data would be lost, otherwise what the target said.
    async fn prepare(
        &mut self,
        objects: &[ObjectSchema],
        match_fields: &[(String, String)],
    ) -> Result<Vec<SchemaChange>, TargetError>;

    /// What [`Target::prepare`] would change, with the same refusals; writes nothing.
    ///
    /// # Errors
    /// As [`Target::prepare`].
    async fn plan_schema(&mut self, objects: &[ObjectSchema]) -> Result<Vec<SchemaChange>, TargetError>;

    /// The option labels that a field has now, in order.
    ///
    /// # Errors
    /// What the target said.
    async fn options(&mut self, object: &str, field: &str) -> Result<Vec<String>, TargetError>;

    /// Answers a look-up: for each value, in order, the records that have it (archived ones too),
    /// oldest first.
    ///
    /// # Errors
    /// What the target said.
    async fn find(&mut self, lookup: Lookup<'_>) -> Result<Vec<Vec<Arc<Record>>>, TargetError>;

    /// Reads the live (not archived) records of an object, oldest first: a column `id` where it is
    /// asked for, and the named fields.
    ///
    /// # Errors
    /// What the target said.
    fn scan(&self, object: &ObjectSchema, columns: &[String]) -> Result<Scan, TargetError>;

    /// Makes this the one worker that writes for the execution: a chunk of any other is refused from
    /// now on, even of one that was only asleep. `epoch` is the worker's, where somebody counts them: one
    /// that was asleep since before a newer one claimed is then refused here already.
    ///
    /// # Errors
    /// [`TargetError::TakenOver`] where a worker of a newer epoch has claimed it, otherwise what the target
    /// said.
    async fn claim(&mut self, execution: &str, epoch: Option<i64>) -> Result<Claim, TargetError>;

    /// Opens the transaction of a chunk, before its rows are decided about; where one is open already, it
    /// goes on with it: the chunks before are then committed together with this one.
    ///
    /// # Errors
    /// [`TargetError::TakenOver`] where another worker has claimed the execution, otherwise what the
    /// target said.
    async fn begin(&mut self, chunk: ChunkKey<'_>) -> Result<Begun, TargetError>;

    /// What a chunk came to that was committed before, by this worker or one that was interrupted. Unlike
    /// [`Target::begin`] it waits for nobody.
    ///
    /// # Errors
    /// What the target said.
    async fn committed(&mut self, chunk: ChunkKey<'_>) -> Result<Option<Receipt>, TargetError>;

    /// Writes the open chunk's records, with its journal entry and before-images; nobody sees them
    /// before [`Target::commit`].
    ///
    /// # Errors
    /// What the target said; the chunk is then to be abandoned.
    async fn write(&mut self, chunk: Chunk<'_>) -> Result<Receipt, TargetError>;

    /// Commits the open chunks: all that was written takes effect at once.
    ///
    /// # Errors
    /// What the target said; the chunk is then to be abandoned.
    async fn commit(&mut self) -> Result<(), TargetError>;

    /// Gives the open chunks up, where there are some; nothing of it is written.
    async fn abandon(&mut self);
}
