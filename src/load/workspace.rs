//! The records of the step's object as they would be by now: what the target answered, with what
//! the rows of this chunk have changed so far on top.

use crate::target::{Fields, ID, Lookup, Record, Target, TargetError};
use crate::value::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A field that records are looked up by; its number among the workspace's slots.
pub(super) type Slot = usize;

/// What one chunk knows about the records of its object.
pub(super) struct Workspace<'s> {
    object: &'s str,
    /// Which fields every record here carries.
    columns: &'s [String],
    slots: Vec<SlotState<'s>>,
    records: HashMap<Uuid, Arc<Record>>,
}

struct SlotState<'s> {
    field: &'s str,
    /// What the target answered, by the value asked for.
    answered: HashMap<Value, Vec<Uuid>>,
    /// Records that got a value in this chunk, oldest first.
    gained: HashMap<Value, Vec<Uuid>>,
}

impl<'s> Workspace<'s> {
    /// An empty one; `fields` are the slots, in order.
    pub(super) fn new(object: &'s str, columns: &'s [String], fields: &'s [String]) -> Self {
        let slots = fields
            .iter()
            .map(|field| SlotState { field, answered: HashMap::new(), gained: HashMap::new() })
            .collect();
        Self { object, columns, slots, records: HashMap::new() }
    }

    /// Whether the target has been asked for that value.
    pub(super) fn knows(&self, slot: Slot, value: &Value) -> bool {
        self.slots.get(slot).is_none_or(|s| s.answered.contains_key(value))
    }

    /// Asks the target for those of `values` that it was not asked for yet, in one question.
    pub(super) async fn fetch(
        &mut self,
        target: &mut dyn Target,
        slot: Slot,
        values: Vec<Value>,
    ) -> Result<(), TargetError> {
        let Some(state) = self.slots.get_mut(slot) else { return Ok(()) };
        let mut seen = HashSet::with_capacity(values.len());
        let mut asked: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            if !value.is_blank() && !state.answered.contains_key(&value) && seen.insert(value.clone()) {
                asked.push(value);
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let lookup =
            Lookup { object: self.object, field: state.field, values: &asked, columns: self.columns };
        let mut answers = target.find(lookup).await?.into_iter();
        for value in asked {
            let found = answers.next().unwrap_or_default();
            state.answered.insert(value, found.iter().map(|r| r.id).collect());
            for record in found {
                // A record that this chunk has changed stays as it is here.
                self.records.entry(record.id).or_insert(record);
            }
        }
        Ok(())
    }

    /// The records that have `value` now, archived ones too: those the target knows first, oldest
    /// first, then those that got the value in this chunk. The value must have been fetched.
    pub(super) fn find(&self, slot: Slot, value: &Value) -> Vec<Arc<Record>> {
        let Some(state) = self.slots.get(slot) else { return Vec::new() };
        let known = state.answered.get(value).map_or(&[][..], Vec::as_slice);
        let gained = state.gained.get(value).map_or(&[][..], Vec::as_slice);
        let mut found: Vec<Arc<Record>> = Vec::with_capacity(known.len() + gained.len());
        for (at, id) in known.iter().chain(gained).enumerate() {
            let Some(record) = self.records.get(id) else { continue };
            // Only what was gained can repeat: a record that lost the value and got it again.
            let repeated = at >= known.len() && found.iter().any(|r| r.id == *id);
            if !repeated && has(record, state.field, value) {
                found.push(record.clone());
            }
        }
        found
    }

    /// Adds a record that a row creates.
    pub(super) fn create(&mut self, record: Arc<Record>) {
        self.put(record, None);
    }

    /// Changes a record; `fields` are those that change.
    pub(super) fn update(&mut self, id: Uuid, fields: &Fields, unarchive: bool) {
        let Some(mut record) = self.records.get(&id).map(|r| Record::clone(r)) else { return };
        let before = self.records.get(&id).cloned();
        for (field, value) in fields {
            if value.is_blank() {
                record.fields.remove(field.as_ref());
            } else {
                record.fields.insert(field.clone(), value.clone());
            }
        }
        if unarchive {
            record.archived = false;
        }
        self.put(Arc::new(record), before.as_deref());
    }

    fn put(&mut self, record: Arc<Record>, before: Option<&Record>) {
        for state in &mut self.slots {
            let value =
                if state.field == ID { Value::Uuid(record.id) } else { record.value(state.field).clone() };
            let same = before.is_some_and(|b| has(b, state.field, &value));
            if !same && !value.is_blank() {
                state.gained.entry(value).or_default().push(record.id);
            }
        }
        self.records.insert(record.id, record);
    }
}

fn has(record: &Record, field: &str, value: &Value) -> bool {
    if field == ID {
        matches!(value, Value::Uuid(id) if *id == record.id)
    } else {
        record.value(field) == value
    }
}
