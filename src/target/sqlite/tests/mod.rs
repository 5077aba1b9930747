//! The store on real files, and the recording around it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod claims;
mod dry_runs;
mod opening;
mod reading;
mod schema;
mod writing;

use super::Store;
use crate::target::Fields;
use crate::target::{
    Begun, Chunk, ChunkKey, Claim, ID, Lookup, Receipt, Record, Recording, Target, TargetError, Write,
};
use crate::value::{FieldSchema, FieldType, ObjectSchema, Value, field_column_type};
use proptest::prelude::*;
use rusqlite::Connection;
use rust_decimal::Decimal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Calls on the store wait for another program no longer than that.
fn impatient(store: &mut Store, timeout: Duration) {
    store.busy_timeout = timeout;
    store.connection.busy_timeout(timeout).unwrap();
}

fn field(name: &str, ty: FieldType) -> FieldSchema {
    FieldSchema { name: name.into(), ty, required: false, unique: false, options: Vec::new() }
}

fn choice(name: &str, ty: FieldType, options: &[&str]) -> FieldSchema {
    FieldSchema { options: options.iter().map(|o| (*o).to_owned()).collect(), ..field(name, ty) }
}

fn object(name: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema { name: name.into(), label: name.to_uppercase(), fields }
}

fn people() -> ObjectSchema {
    object(
        "people",
        vec![
            FieldSchema { unique: true, ..field("email", FieldType::Email) },
            field("name", FieldType::Text),
            field("age", FieldType::Integer),
            field("balance", FieldType::Decimal),
            choice("tags", FieldType::Dynamictags, &["old"]),
            choice("stage", FieldType::Status, &["new", "won"]),
        ],
    )
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn labels(labels: &[&str]) -> Value {
    Value::List(labels.iter().map(|l| text(l)).collect())
}

fn fields(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().map(|(n, v)| ((*n).into(), v.clone())).collect()
}

fn create(id: u128, pairs: &[(&str, Value)]) -> Write {
    Write::Create(Arc::new(Record { id: Uuid::from_u128(id), archived: false, fields: fields(pairs) }))
}

fn update(id: u128, pairs: &[(&str, Value)], archived: Option<bool>) -> Write {
    Write::Update { id: Uuid::from_u128(id), fields: fields(pairs), archived }
}

fn chunk<'a>(number: u64, writes: &'a [Write]) -> Chunk<'a> {
    let key = ChunkKey { execution: "e1", step: "load people", number };
    let at = jiff::Timestamp::UNIX_EPOCH;
    Chunk { key, at, first_row: 0, rows: 9, object: "people", new_options: &[], writes }
}

/// Begins a chunk and commits it, as a run does; what was committed before is left.
async fn commit(target: &mut dyn Target, chunk: Chunk<'_>) -> Result<Receipt, TargetError> {
    target.claim(chunk.key.execution, None).await?;
    match target.begin(chunk.key).await? {
        Begun::Committed(receipt) => return Ok(receipt),
        Begun::Open => {}
        Begun::Busy => return Err(TargetError::busy("the store")),
    }
    let written = match target.write(chunk).await {
        Ok(receipt) => target.commit().await.map(|()| receipt),
        Err(error) => Err(error),
    };
    if written.is_err() {
        target.abandon().await;
    }
    written
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

fn store(path: &Path) -> Store {
    let mut store = Store::open(path).unwrap();
    wait(store.prepare(&[people()], &[("people".into(), "name".into())])).unwrap();
    store
}

fn find(target: &mut dyn Target, field: &str, values: &[Value], columns: &[&str]) -> Vec<Vec<Arc<Record>>> {
    let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    wait(target.find(Lookup { object: "people", field, values, columns: &columns })).unwrap()
}

fn ids(records: &[Arc<Record>]) -> Vec<u128> {
    records.iter().map(|r| r.id.as_u128()).collect()
}

fn plain<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |r| r.get(0)).unwrap()
}

fn sentences(changes: Vec<crate::target::SchemaChange>) -> Vec<String> {
    changes.into_iter().map(|c| c.what).collect()
}
