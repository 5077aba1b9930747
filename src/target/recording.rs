//! Reads through to a target and keeps writes to itself. All that a dry run is.

use super::sqlite::Store;
use super::{
    Begun, Chunk, ChunkKey, Claim, ID, Lookup, Receipt, Record, Scan, SchemaChange, Target, TargetError,
    TargetInfo, Write,
};
use crate::value::{ObjectSchema, Value};
use async_trait::async_trait;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// A target that answers as if it had been written, while `base` is only read.
pub struct Recording {
    base: Box<dyn Target>,
    /// The records that were created, and whole copies of those that were changed.
    overlay: Store,
    objects: Vec<ObjectSchema>,
    /// Objects of which the overlay holds changed records of `base`.
    changed: BTreeSet<String>,
}

impl Recording {
    /// Records what is written to `base`, in a file in `scratch` that goes away with it.
    ///
    /// # Errors
    /// [`TargetError::Open`] where no file can be made in `scratch`.
    pub fn new(base: Box<dyn Target>, scratch: &Path) -> Result<Self, TargetError> {
        let overlay = Store::scratch(scratch)?;
        Ok(Self { base, overlay, objects: Vec::new(), changed: BTreeSet::new() })
    }

    /// Copies the records that the chunk changes into the overlay, as far as they are only in `base`.
    async fn take_over(&mut self, chunk: &Chunk<'_>) -> Result<(), TargetError> {
        let Some(object) = self.objects.iter().find(|o| o.name == chunk.object) else { return Ok(()) };
        let updated: BTreeSet<Uuid> =
            chunk.writes.iter().filter(|w| matches!(w, Write::Update { .. })).map(Write::id).collect();
        let ids: Vec<Value> = updated.into_iter().map(Value::Uuid).collect();
        let held =
            self.overlay.find(Lookup { object: chunk.object, field: ID, values: &ids, columns: &[] }).await?;
        let missing: Vec<Value> =
            ids.into_iter().zip(held).filter(|(_, found)| found.is_empty()).map(|(id, _)| id).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let columns: Vec<String> = object.fields.iter().map(|f| f.name.clone()).collect();
        let found = self
            .base
            .find(Lookup { object: chunk.object, field: ID, values: &missing, columns: &columns })
            .await?;
        let records: Vec<&Record> = found.iter().flatten().map(Arc::as_ref).collect();
        if records.is_empty() {
            return Ok(());
        }
        self.overlay.adopt(chunk, &records)?;
        self.changed.insert(chunk.object.to_owned());
        Ok(())
    }

    /// Takes the records out that the overlay has in a newer version.
    async fn hide_changed(
        &mut self,
        object: &str,
        answers: &mut [Vec<Arc<Record>>],
    ) -> Result<(), TargetError> {
        if !self.changed.contains(object) {
            return Ok(());
        }
        let ids: BTreeSet<Uuid> = answers.iter().flatten().map(|r| r.id).collect();
        let ids: Vec<Value> = ids.into_iter().map(Value::Uuid).collect();
        let newer = self.overlay.find(Lookup { object, field: ID, values: &ids, columns: &[] }).await?;
        let newer: HashSet<Uuid> = newer.iter().flatten().map(|r| r.id).collect();
        for records in answers {
            records.retain(|r| !newer.contains(&r.id));
        }
        Ok(())
    }
}

#[async_trait]
impl Target for Recording {
    fn info(&self) -> TargetInfo {
        TargetInfo { mode: "dry run".into(), ..self.base.info() }
    }

    async fn prepare(
        &mut self,
        objects: &[ObjectSchema],
        match_fields: &[(String, String)],
    ) -> Result<Vec<SchemaChange>, TargetError> {
        let changes = self.base.plan_schema(objects).await?;
        self.overlay.prepare(objects, match_fields).await?;
        self.objects = objects.to_vec();
        Ok(changes)
    }

    async fn plan_schema(&mut self, objects: &[ObjectSchema]) -> Result<Vec<SchemaChange>, TargetError> {
        self.base.plan_schema(objects).await
    }

    async fn options(&mut self, object: &str, field: &str) -> Result<Vec<String>, TargetError> {
        let mut labels = self.base.options(object, field).await?;
        let known: HashSet<String> = labels.iter().cloned().collect();
        let own = self.overlay.options(object, field).await?;
        labels.extend(own.into_iter().filter(|l| !known.contains(l)));
        Ok(labels)
    }

    async fn find(&mut self, lookup: Lookup<'_>) -> Result<Vec<Vec<Arc<Record>>>, TargetError> {
        let mut answers = self.base.find(lookup.clone()).await?;
        self.hide_changed(lookup.object, &mut answers).await?;
        let own = self.overlay.find(lookup).await?;
        for (answer, own) in answers.iter_mut().zip(own) {
            answer.extend(own);
        }
        Ok(answers)
    }

    /// Only what `base` holds: records are scanned before the first load step writes any.
    fn scan(&self, object: &ObjectSchema, columns: &[String]) -> Result<Scan, TargetError> {
        self.base.scan(object, columns)
    }

    /// Nobody else will ever see what is written here: the ids of its records mean nothing.
    async fn claim(&mut self, execution: &str, epoch: Option<i64>) -> Result<Claim, TargetError> {
        self.overlay.claim(execution, epoch).await?;
        Ok(Claim { lasting: false })
    }

    async fn begin(&mut self, chunk: ChunkKey<'_>) -> Result<Begun, TargetError> {
        self.overlay.begin(chunk).await
    }

    async fn committed(&mut self, chunk: ChunkKey<'_>) -> Result<Option<Receipt>, TargetError> {
        self.overlay.committed(chunk).await
    }

    async fn write(&mut self, chunk: Chunk<'_>) -> Result<Receipt, TargetError> {
        self.take_over(&chunk).await?;
        self.overlay.write(chunk).await
    }

    async fn commit(&mut self) -> Result<(), TargetError> {
        self.overlay.commit().await
    }

    async fn abandon(&mut self) {
        self.overlay.abandon().await;
    }
}
