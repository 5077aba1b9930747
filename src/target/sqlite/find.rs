//! Look-ups: many values in few questions.

use super::Store;
use super::storage::{decode, encode, part_size, quoted};
use crate::target::{Fields, ID, Lookup, Record, TargetError};
use crate::value::{FieldSchema, FieldType, Value};
use rusqlite::types::{Null, ToSqlOutput, Value as Sql, ValueRef};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Which of the values that are asked for each stored value answers, by their number.
#[derive(Default)]
struct Answers {
    whole: HashMap<i64, usize>,
    texts: HashMap<String, usize>,
    /// Values that are stored like an earlier one: (the earlier one's number, its own).
    alike: Vec<(usize, usize)>,
}

impl Answers {
    /// Enters a value; whether it is the first that is stored like that. None where no record can have it.
    fn enter(&mut self, stored: &ToSqlOutput<'_>, at: usize) -> Option<bool> {
        let first = match stored {
            ToSqlOutput::Borrowed(ValueRef::Integer(n)) | ToSqlOutput::Owned(Sql::Integer(n)) => {
                *self.whole.entry(*n).or_insert(at)
            }
            ToSqlOutput::Borrowed(ValueRef::Text(t)) => {
                self.text(std::str::from_utf8(t).ok()?.to_owned(), at)
            }
            ToSqlOutput::Owned(Sql::Text(t)) => self.text(t.clone(), at),
            _ => return None,
        };
        if first != at {
            self.alike.push((first, at));
        }
        Some(first == at)
    }

    fn text(&mut self, text: String, at: usize) -> usize {
        *self.texts.entry(text).or_insert(at)
    }

    fn of(&self, stored: ValueRef<'_>) -> Option<usize> {
        match stored {
            ValueRef::Integer(n) => self.whole.get(&n).copied(),
            ValueRef::Text(t) => self.texts.get(std::str::from_utf8(t).ok()?).copied(),
            _ => None,
        }
    }
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

        let mut answers = Answers::default();
        let mut bound = Vec::with_capacity(lookup.values.len());
        for (at, value) in lookup.values.iter().enumerate() {
            // A value that the field cannot hold is in no record.
            let Ok(stored) = encode(ty, value) else { continue };
            if answers.enter(&stored, at) == Some(true) {
                bound.push(stored);
            }
        }

        let mut found: Vec<Vec<Found>> = lookup.values.iter().map(|_| Vec::new()).collect();
        let mut left = bound.as_slice();
        while !left.is_empty() {
            let size = part_size(left.len());
            let (part, rest) = left.split_at(size.min(left.len()));
            left = rest;
            let sql = question(&object.name, lookup.field, &columns, size);
            self.ask(&sql, part, size, &object.name, lookup.field, &columns, |stored, record| {
                if let Some(records) = answers.of(stored).and_then(|at| found.get_mut(at)) {
                    records.push(record);
                }
            })?;
        }
        for (first, own) in answers.alike {
            let same = found.get(first).cloned().unwrap_or_default();
            if let Some(records) = found.get_mut(own) {
                *records = same;
            }
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
        mut each: impl FnMut(ValueRef<'_>, Found),
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
            let age: i64 = row.get(1).map_err(io)?;
            let id = row.get_ref(2).and_then(|id| Ok(id.as_str()?)).map_err(io)?;
            let archived: bool = row.get(3).map_err(io)?;
            let mut fields = Fields::new();
            for (at, (column, name)) in columns.iter().zip(&names).enumerate() {
                let value = decode(&column.ty, row.get_ref(at + 4).map_err(io)?)
                    .ok_or_else(|| self.place.unreadable(object, &column.name, id))?;
                if value != Value::Null {
                    fields.insert(name.clone(), value);
                }
            }
            let id = Uuid::parse_str(id).map_err(|_| self.place.unreadable(object, field, id))?;
            each(row.get_ref(0).map_err(io)?, (age, Arc::new(Record { id, archived, fields })));
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
