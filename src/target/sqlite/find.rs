//! Look-ups: many values in few questions.

use super::Store;
use super::storage::{decode, encode, part_size, quoted};
use crate::target::{Fields, ID, Lookup, Record, TargetError};
use crate::value::{FieldSchema, FieldType, Value};
use rusqlite::types::{Null, ToSqlOutput, Value as Sql, ValueRef};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// A stored value, as far as look-ups can ask for one.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Whole(i64),
    Text(String),
}

/// A record and its place in the order of age.
type Found = (i64, Arc<Record>);

impl Store {
    pub(super) fn find_now(&self, lookup: &Lookup<'_>) -> Result<Vec<Vec<Arc<Record>>>, TargetError> {
        let nothing = || vec![Vec::new(); lookup.values.len()];
        let Some(object) = self.object(lookup.object) else { return Ok(nothing()) };
        let id_type = FieldType::Relationship { object: object.name.clone() };
        let asked =
            if lookup.field == ID { Some(&id_type) } else { object.field(lookup.field).map(|f| &f.ty) };
        let Some(ty) = asked else { return Ok(nothing()) };
        let columns: Vec<&FieldSchema> = lookup.columns.iter().filter_map(|c| object.field(c)).collect();

        // Two values may be stored alike: which values each key answers.
        let mut answers: HashMap<Key, Vec<usize>> = HashMap::with_capacity(lookup.values.len());
        let mut bound = Vec::with_capacity(lookup.values.len());
        for (at, value) in lookup.values.iter().enumerate() {
            // A value that the field cannot hold is in no record.
            let Ok(stored) = encode(ty, value) else { continue };
            let Some(key) = key(&stored) else { continue };
            let places = answers.entry(key).or_default();
            if places.is_empty() {
                bound.push(stored);
            }
            places.push(at);
        }

        let mut found: Vec<Vec<Found>> = lookup.values.iter().map(|_| Vec::new()).collect();
        let mut left = bound.as_slice();
        while !left.is_empty() {
            let size = part_size(left.len());
            let (part, rest) = left.split_at(size.min(left.len()));
            left = rest;
            let sql = question(&object.name, lookup.field, &columns, size);
            self.ask(&sql, part, size, &object.name, lookup.field, &columns, |key, record| {
                for at in answers.get(&key).into_iter().flatten() {
                    if let Some(records) = found.get_mut(*at) {
                        records.push(record.clone());
                    }
                }
            })?;
        }
        Ok(found
            .into_iter()
            .map(|mut records| {
                records.sort_by_key(|(age, _)| *age);
                records.into_iter().map(|(_, record)| record).collect()
            })
            .collect())
    }

    #[allow(clippy::too_many_arguments)]
    fn ask(
        &self,
        sql: &str,
        values: &[ToSqlOutput<'_>],
        size: usize,
        object: &str,
        field: &str,
        columns: &[&FieldSchema],
        mut each: impl FnMut(Key, Found),
    ) -> Result<(), TargetError> {
        let io = |e| self.place.io(e);
        let mut statement = self.connection.prepare_cached(sql).map_err(io)?;
        for at in 0..size {
            match values.get(at) {
                Some(value) => statement.raw_bind_parameter(at + 1, value),
                None => statement.raw_bind_parameter(at + 1, Null),
            }
            .map_err(io)?;
        }
        let names: Vec<Arc<str>> = columns.iter().map(|c| c.name.as_str().into()).collect();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(io)? {
            let key = match row.get_ref(0).map_err(io)? {
                ValueRef::Integer(n) => Key::Whole(n),
                ValueRef::Text(t) => Key::Text(String::from_utf8_lossy(t).into_owned()),
                _ => continue,
            };
            let age: i64 = row.get(1).map_err(io)?;
            let id: String = row.get(2).map_err(io)?;
            let archived: bool = row.get(3).map_err(io)?;
            let mut fields = Fields::new();
            for (at, (column, name)) in columns.iter().zip(&names).enumerate() {
                let value = decode(&column.ty, row.get_ref(at + 4).map_err(io)?)
                    .ok_or_else(|| self.place.unreadable(object, &column.name, &id))?;
                if value != Value::Null {
                    fields.insert(name.clone(), value);
                }
            }
            let id = Uuid::parse_str(&id).map_err(|_| self.place.unreadable(object, field, &id))?;
            each(key, (age, Arc::new(Record { id, archived, fields })));
        }
        Ok(())
    }
}

fn question(object: &str, field: &str, columns: &[&FieldSchema], size: usize) -> String {
    let mut sql = format!("SELECT {}, _rowid_, id, _archived", quoted(field));
    for column in columns {
        sql.push_str(", ");
        sql.push_str(&quoted(&column.name));
    }
    sql.push_str(&format!(" FROM {} WHERE {} IN (?", quoted(object), quoted(field)));
    sql.push_str(&",?".repeat(size.saturating_sub(1)));
    sql.push(')');
    sql
}

fn key(stored: &ToSqlOutput<'_>) -> Option<Key> {
    match stored {
        ToSqlOutput::Owned(Sql::Integer(n)) => Some(Key::Whole(*n)),
        ToSqlOutput::Owned(Sql::Text(t)) => Some(Key::Text(t.clone())),
        ToSqlOutput::Borrowed(ValueRef::Text(t)) => Some(Key::Text(String::from_utf8_lossy(t).into_owned())),
        _ => None,
    }
}
