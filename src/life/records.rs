//! Records of the embedded store, as they are asked for and shown.

use crate::target::sqlite::StoredRecord;
use crate::value::Value;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

/// The name of the filter for archived records.
const ARCHIVED: &str = "_archived";

/// Archived records are left out unless they are asked for.
pub fn without_archived(mut filters: Vec<(String, String)>) -> Vec<(String, String)> {
    if !filters.iter().any(|(field, _)| field == ARCHIVED) {
        filters.push((ARCHIVED.into(), "false".into()));
    }
    filters
}

/// A record as a JSON object, its fields in the order in which they are declared.
pub struct RecordJson<'a>(pub &'a StoredRecord);

impl Serialize for RecordJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.0.id)?;
        for (name, value) in &self.0.fields {
            map.serialize_entry(name, &json_of(value))?;
        }
        map.serialize_entry("_created_at", &self.0.created_at)?;
        map.serialize_entry("_updated_at", &self.0.updated_at)?;
        map.serialize_entry(ARCHIVED, &self.0.archived)?;
        map.end()
    }
}

/// A value as JSON; exact numbers stay text, so that no reader rounds them.
fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(b) => json!(b),
        Value::List(l) => l.iter().map(json_of).collect(),
        other => json!(other.to_string()),
    }
}
