//! Writing chunks: journal entry, options, before-images and records in one transaction.

use super::storage::{decode, encode, now, quoted};
use super::{Store, place::Place, schema};
use crate::target::{Chunk, ID, Receipt, Record, TargetError, Write};
use crate::value::{ObjectSchema, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What one write came to.
enum Outcome {
    Written,
    Refused(String),
}

impl Store {
    pub(super) fn commit_now(&mut self, chunk: &Chunk<'_>) -> Result<Receipt, TargetError> {
        let place = self.place.clone();
        let io = |e| place.io(e);
        let object =
            self.objects.iter().find(|o| o.name == chunk.object).ok_or_else(|| TargetError::Schema {
                object: chunk.object.to_owned(),
                cause: format!("{} holds no such object", place.0),
                hint: "prepare the target before it is written".to_owned(),
            })?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(io)?;
        let at = now();
        if !enter(&transaction, chunk, &at).map_err(io)? {
            return Ok(Receipt { visible: true, refused: Vec::new() });
        }
        for (field, label) in chunk.new_options {
            schema::add_option(&transaction, chunk.object, field, label).map_err(io)?;
        }
        let mut refused = Vec::new();
        let mut created = Vec::new();
        let writer = Writer { transaction: &transaction, place: &place, object, chunk, at: &at };
        let insert = insert_sql(object);
        for (seq, write) in chunk.writes.iter().enumerate() {
            let outcome = match write {
                Write::Create { id, fields } => {
                    let outcome = writer.insert(&insert, *id, fields, false)?;
                    if let Outcome::Written = outcome {
                        created.push((seq, *id));
                    }
                    outcome
                }
                Write::Update { id, fields, archived } => writer.update(seq, *id, fields, *archived)?,
            };
            if let Outcome::Refused(reason) = outcome {
                refused.push((seq, reason));
            }
        }
        writer.note_created(&created).map_err(io)?;
        if !refused.is_empty() {
            let creates = created.len();
            let updates = chunk.writes.len() - refused.len() - creates;
            recount(&transaction, chunk, creates, updates).map_err(io)?;
        }
        transaction.commit().map_err(io)?;
        Ok(Receipt { visible: true, refused })
    }

    /// Takes over records as they are in another target, without journal or before-images.
    ///
    /// # Errors
    /// [`TargetError`]; then none is taken over.
    pub(crate) fn adopt(&mut self, object: &str, records: &[&Record]) -> Result<(), TargetError> {
        let place = self.place.clone();
        let io = |e| place.io(e);
        let Some(object) = self.objects.iter().find(|o| o.name == object) else { return Ok(()) };
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(io)?;
        let insert = insert_sql(object);
        let at = now();
        let chunk = Chunk {
            execution: "",
            step: "",
            number: 0,
            first_row: 0,
            rows: 0,
            object: &object.name,
            new_options: &[],
            writes: &[],
        };
        let writer = Writer { transaction: &transaction, place: &place, object, chunk: &chunk, at: &at };
        for record in records {
            if let Outcome::Refused(reason) =
                writer.insert(&insert, record.id, &record.fields, record.archived)?
            {
                let cause = format!("record {} of {} cannot be kept: {reason}", record.id, object.name);
                return Err(place.broken(cause, "mend that record in the target"));
            }
        }
        transaction.commit().map_err(io)
    }

    /// Archives a record, or takes it out of the archive. Whether there is such a record.
    ///
    /// # Errors
    /// [`TargetError::Schema`] where there is no such object, [`TargetError::Io`].
    pub fn set_archived(&mut self, object: &str, id: Uuid, archived: bool) -> Result<bool, TargetError> {
        let table = quoted(&self.known_object(object)?.name);
        // A record that already is as asked keeps its time of change.
        let sql = format!(
            "UPDATE {table} SET _updated_at = iif(_archived = ?2, _updated_at, ?3), _archived = ?2 WHERE id = ?1"
        );
        self.connection
            .execute(&sql, params![id.to_string(), archived, now()])
            .map(|changed| changed > 0)
            .map_err(|e| self.place.io(e))
    }
}

/// Enters the chunk into the journal; whether it was not there yet.
fn enter(connection: &Connection, chunk: &Chunk<'_>, at: &str) -> rusqlite::Result<bool> {
    let creates = chunk.writes.iter().filter(|w| matches!(w, Write::Create { .. })).count();
    let sql =
        "INSERT INTO _sconn_journal(execution, step, chunk, first_row, rows, creates, updates, committed_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let entered = connection.prepare_cached(sql)?.execute(params![
        chunk.execution,
        chunk.step,
        chunk.number as i64,
        chunk.first_row as i64,
        chunk.rows as i64,
        creates as i64,
        (chunk.writes.len() - creates) as i64,
        at
    ])?;
    Ok(entered > 0)
}

fn recount(
    connection: &Connection,
    chunk: &Chunk<'_>,
    creates: usize,
    updates: usize,
) -> rusqlite::Result<()> {
    let sql = "UPDATE _sconn_journal SET creates = ?4, updates = ?5
               WHERE execution = ?1 AND step = ?2 AND chunk = ?3";
    connection
        .execute(
            sql,
            params![chunk.execution, chunk.step, chunk.number as i64, creates as i64, updates as i64],
        )
        .map(drop)
}

fn insert_sql(object: &ObjectSchema) -> String {
    let mut sql = format!("INSERT INTO {}(id, _created_at, _updated_at, _archived", quoted(&object.name));
    for field in &object.fields {
        sql.push_str(", ");
        sql.push_str(&quoted(&field.name));
    }
    sql.push_str(") VALUES (?1, ?2, ?2, ?3");
    for at in 0..object.fields.len() {
        sql.push_str(&format!(", ?{}", at + 4));
    }
    sql.push(')');
    sql
}

struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    place: &'a Place,
    object: &'a ObjectSchema,
    chunk: &'a Chunk<'a>,
    at: &'a str,
}

impl Writer<'_> {
    /// One statement for all records of an object: fields that a record does not have are NULL.
    fn insert(
        &self,
        sql: &str,
        id: Uuid,
        fields: &BTreeMap<String, Value>,
        archived: bool,
    ) -> Result<Outcome, TargetError> {
        if let Some(unknown) = fields.keys().find(|f| self.object.field(f).is_none()) {
            return Ok(Outcome::Refused(no_field(unknown)));
        }
        let io = |e| self.place.io(e);
        let mut statement = self.transaction.prepare_cached(sql).map_err(io)?;
        for (at, field) in self.object.fields.iter().enumerate() {
            match encode(&field.ty, fields.get(&field.name).unwrap_or(&Value::Null)) {
                Ok(value) => statement.raw_bind_parameter(at + 4, value).map_err(io)?,
                Err(reason) => return Ok(Outcome::Refused(format!("field \"{}\": {reason}", field.name))),
            }
        }
        statement.raw_bind_parameter(1, id.to_string()).map_err(io)?;
        statement.raw_bind_parameter(2, self.at).map_err(io)?;
        statement.raw_bind_parameter(3, archived).map_err(io)?;
        statement.raw_execute().map_err(io)?;
        Ok(Outcome::Written)
    }

    fn update(
        &self,
        seq: usize,
        id: Uuid,
        fields: &BTreeMap<String, Value>,
        archived: Option<bool>,
    ) -> Result<Outcome, TargetError> {
        let mut values = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            let Some(field) = self.object.field(name) else { return Ok(Outcome::Refused(no_field(name))) };
            match encode(&field.ty, value) {
                Ok(stored) => values.push((field, stored)),
                Err(reason) => return Ok(Outcome::Refused(format!("field \"{name}\": {reason}"))),
            }
        }
        let Some(image) = self.image(id, fields)? else {
            return Ok(Outcome::Refused(format!("record {id} is not there any more")));
        };
        let io = |e| self.place.io(e);
        let sql = "INSERT INTO _sconn_before(execution, step, chunk, seq, object, record_id, image)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let id = id.to_string();
        let chunk = self.chunk;
        self.transaction
            .prepare_cached(sql)
            .and_then(|mut s| {
                s.execute(params![
                    chunk.execution,
                    chunk.step,
                    chunk.number as i64,
                    seq as i64,
                    chunk.object,
                    id,
                    image
                ])
            })
            .map_err(io)?;

        let mut sql = format!(
            "UPDATE {} SET _updated_at = ?2, _archived = coalesce(?3, _archived)",
            quoted(&self.object.name)
        );
        for (at, (field, _)) in values.iter().enumerate() {
            sql.push_str(&format!(", {} = ?{}", quoted(&field.name), at + 4));
        }
        sql.push_str(" WHERE id = ?1");
        let mut statement = self.transaction.prepare_cached(&sql).map_err(io)?;
        statement.raw_bind_parameter(1, id).map_err(io)?;
        statement.raw_bind_parameter(2, self.at).map_err(io)?;
        statement.raw_bind_parameter(3, archived).map_err(io)?;
        for (at, (_, value)) in values.iter().enumerate() {
            statement.raw_bind_parameter(at + 4, value).map_err(io)?;
        }
        statement.raw_execute().map_err(io)?;
        Ok(Outcome::Written)
    }

    /// The record's values, before they change, of the fields that do; none where there is no such
    /// record. `{"fields": {NAME: VALUE, …}, "archived": BOOL}`, values as in the columns, options of
    /// a multi-select field as an array.
    fn image(&self, id: Uuid, fields: &BTreeMap<String, Value>) -> Result<Option<String>, TargetError> {
        let io = |e| self.place.io(e);
        let mut sql = "SELECT _archived".to_owned();
        for name in fields.keys() {
            sql.push_str(", ");
            sql.push_str(&quoted(name));
        }
        sql.push_str(&format!(" FROM {} WHERE {ID} = ?1", quoted(&self.object.name)));
        let mut statement = self.transaction.prepare_cached(&sql).map_err(io)?;
        let mut rows = statement.query([id.to_string()]).map_err(io)?;
        let Some(row) = rows.next().map_err(io)? else { return Ok(None) };
        let archived: bool = row.get(0).map_err(io)?;
        let mut image = serde_json::Map::new();
        for (at, name) in fields.keys().enumerate() {
            let Some(field) = self.object.field(name) else { continue };
            let stored = row.get_ref(at + 1).map_err(io)?;
            let value = decode(&field.ty, stored)
                .ok_or_else(|| self.place.unreadable(&self.object.name, name, &id.to_string()))?;
            let json = match (stored, value) {
                (_, Value::Null) => serde_json::Value::Null,
                (ValueRef::Integer(n), _) => n.into(),
                (_, Value::List(labels)) => labels.iter().map(ToString::to_string).collect(),
                (_, other) => other.to_string().into(),
            };
            image.insert(name.clone(), json);
        }
        Ok(Some(serde_json::json!({ "fields": image, "archived": archived }).to_string()))
    }

    /// Before-images of created records: only that they were not there. Many rows a statement.
    fn note_created(&self, created: &[(usize, Uuid)]) -> rusqlite::Result<()> {
        let mut left = created;
        while !left.is_empty() {
            // Rows cannot be filled up: take a part that is full.
            let size = match left.len() {
                100.. => 100,
                10.. => 10,
                _ => 1,
            };
            let (part, rest) = left.split_at(size);
            left = rest;
            let mut sql =
                "INSERT INTO _sconn_before(execution, step, chunk, seq, object, record_id, image) VALUES "
                    .to_owned();
            for at in 0..size {
                let comma = if at == 0 { "" } else { "," };
                sql.push_str(&format!("{comma}(?1,?2,?3,?{},?4,?{},NULL)", 2 * at + 5, 2 * at + 6));
            }
            let mut statement = self.transaction.prepare_cached(&sql)?;
            statement.raw_bind_parameter(1, self.chunk.execution)?;
            statement.raw_bind_parameter(2, self.chunk.step)?;
            statement.raw_bind_parameter(3, self.chunk.number as i64)?;
            statement.raw_bind_parameter(4, self.chunk.object)?;
            for (at, (seq, id)) in part.iter().enumerate() {
                statement.raw_bind_parameter(2 * at + 5, *seq as i64)?;
                statement.raw_bind_parameter(2 * at + 6, id.to_string())?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }
}

fn no_field(name: &str) -> String {
    format!("the object has no field \"{name}\"")
}
