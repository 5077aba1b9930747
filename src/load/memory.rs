//! A target in memory, for the tests of this room.
#![allow(clippy::unwrap_used)]

use crate::target::*;
use crate::value::{ObjectSchema, Value};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Records by object and id, and how often it was asked.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) records: BTreeMap<(String, Uuid), Record>,
    pub(super) options: BTreeMap<(String, String), Vec<String>>,
    pub(super) finds: Vec<String>,
}

#[async_trait]
impl Target for Memory {
    fn info(&self) -> TargetInfo {
        TargetInfo { kind: "memory".into(), place: "memory".into(), mode: "live".into() }
    }

    async fn plan_schema(&mut self, _: &[ObjectSchema]) -> Result<Vec<SchemaChange>, TargetError> {
        Ok(Vec::new())
    }

    async fn prepare(
        &mut self,
        _: &[ObjectSchema],
        _: &[(String, String)],
    ) -> Result<Vec<SchemaChange>, TargetError> {
        Ok(Vec::new())
    }

    async fn options(&mut self, object: &str, field: &str) -> Result<Vec<String>, TargetError> {
        Ok(self.options.get(&(object.to_owned(), field.to_owned())).cloned().unwrap_or_default())
    }

    async fn find(&mut self, lookup: Lookup<'_>) -> Result<Vec<Vec<Arc<Record>>>, TargetError> {
        self.finds.push(format!("{}.{}", lookup.object, lookup.field));
        let has = |r: &Record, v: &Value| match lookup.field {
            ID => *v == Value::Uuid(r.id),
            field => r.value(field) == v,
        };
        let of = |v: &Value| {
            let mine = self.records.iter().filter(|((o, _), r)| o == lookup.object && has(r, v));
            mine.map(|(_, r)| Arc::new(r.clone())).collect()
        };
        Ok(lookup.values.iter().map(of).collect())
    }

    fn scan(&self, _: &ObjectSchema, _: &[String]) -> Result<Scan, TargetError> {
        Ok(Box::new(std::iter::empty()))
    }

    async fn write(&mut self, chunk: Chunk<'_>) -> Result<Receipt, TargetError> {
        for (field, label) in chunk.new_options {
            self.options.entry((chunk.object.to_owned(), field.clone())).or_default().push(label.clone());
        }
        for write in chunk.writes {
            let key = (chunk.object.to_owned(), write.id());
            match write {
                Write::Create(record) => {
                    self.records.insert(key, Record::clone(record));
                }
                Write::Update { fields, archived, .. } => {
                    let record = self.records.get_mut(&key).unwrap();
                    record.fields.extend(fields.clone());
                    record.archived = archived.unwrap_or(record.archived);
                }
            }
        }
        Ok(Receipt::default())
    }

    async fn claim(&mut self, _: &str, _: Option<i64>) -> Result<Claim, TargetError> {
        Ok(Claim { lasting: true })
    }

    async fn begin(&mut self, _: ChunkKey<'_>) -> Result<Begun, TargetError> {
        Ok(Begun::Open)
    }

    async fn committed(&mut self, _: ChunkKey<'_>) -> Result<Option<Receipt>, TargetError> {
        Ok(None)
    }

    async fn commit(&mut self) -> Result<(), TargetError> {
        Ok(())
    }

    async fn abandon(&mut self) {}
}
