//! Writing the open chunk: options, before-images, records and the journal entry.

use super::storage::{decode, encode, now, quoted, time};
use super::{Store, place::Place, schema};
use crate::target::{Chunk, Fields, ID, Receipt, Record, TargetError, Write};
use crate::value::{ObjectSchema, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use uuid::Uuid;

/// What one write came to.
enum Outcome {
    Written,
    Refused(String),
}

impl Store {
    pub(super) fn write_now(&self, chunk: &Chunk<'_>) -> Result<Receipt, TargetError> {
        let place = &self.place;
        let io = |e| place.io(e);
        let object = self.known(chunk.object)?;
        self.place.passes("write options")?;
        for (field, label) in chunk.new_options {
            schema::add_option(&self.connection, chunk.object, field, label).map_err(io)?;
        }
        self.place.passes("write records")?;
        let mut refused = Vec::new();
        let mut created = Vec::new();
        let at = time(chunk.at);
        let writer = Writer { connection: &self.connection, place, object, chunk, at: &at };
        let insert = insert_sql(object);
        for (seq, write) in chunk.writes.iter().enumerate() {
            let outcome = match write {
                Write::Create(record) => {
                    let outcome = writer.insert(&insert, record)?;
                    if let Outcome::Written = outcome {
                        created.push(record.id);
                    }
                    outcome
                }
                Write::Update { id, fields, archived } => writer.update(seq, *id, fields, *archived)?,
            };
            if let Outcome::Refused(reason) = outcome {
                refused.push((seq, reason));
            }
        }
        let receipt = Receipt { refused };
        self.place.passes("write journal")?;
        self.enter(chunk, &created, &receipt, &at).map_err(io)?;
        Ok(receipt)
    }

    /// Takes over records as they are in another target, without journal or before-images, into the
    /// open chunk.
    ///
    /// # Errors
    /// [`TargetError`]
    pub(crate) fn adopt(&self, chunk: &Chunk<'_>, records: &[&Record]) -> Result<(), TargetError> {
        let object = self.known(chunk.object)?;
        let insert = insert_sql(object);
        let at = time(chunk.at);
        let writer = Writer { connection: &self.connection, place: &self.place, object, chunk, at: &at };
        for record in records {
            if let Outcome::Refused(reason) = writer.insert(&insert, record)? {
                let cause = format!("record {} of {} cannot be kept: {reason}", record.id, object.name);
                return Err(self.place.broken(cause, "mend that record in the target"));
            }
        }
        Ok(())
    }

    /// The object of a chunk, which must have been prepared.
    fn known(&self, object: &str) -> Result<&ObjectSchema, TargetError> {
        self.object(object).ok_or_else(|| TargetError::Schema {
            object: object.to_owned(),
            cause: format!("{} holds no such object", self.place.0),
            hint: "prepare the target before it is written".to_owned(),
        })
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
    connection: &'a Connection,
    place: &'a Place,
    object: &'a ObjectSchema,
    chunk: &'a Chunk<'a>,
    at: &'a str,
}

impl Writer<'_> {
    /// One statement for all records of an object: fields that a record does not have are NULL.
    fn insert(&self, sql: &str, record: &Record) -> Result<Outcome, TargetError> {
        let Record { id, archived, fields } = record;
        if let Some(unknown) = fields.keys().find(|f| self.object.field(f).is_none()) {
            return Ok(Outcome::Refused(no_field(unknown)));
        }
        let io = |e| self.place.io(e);
        let mut statement = self.connection.prepare_cached(sql).map_err(io)?;
        for (at, field) in self.object.fields.iter().enumerate() {
            match encode(&field.ty, fields.get(field.name.as_str()).unwrap_or(&Value::Null)) {
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
        fields: &Fields,
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
        self.connection
            .prepare_cached(sql)
            .and_then(|mut s| {
                s.execute(params![
                    chunk.key.execution,
                    chunk.key.step,
                    chunk.key.number as i64,
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
        let mut statement = self.connection.prepare_cached(&sql).map_err(io)?;
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
    fn image(&self, id: Uuid, fields: &Fields) -> Result<Option<String>, TargetError> {
        let io = |e| self.place.io(e);
        let mut sql = "SELECT _archived".to_owned();
        for name in fields.keys() {
            sql.push_str(", ");
            sql.push_str(&quoted(name));
        }
        sql.push_str(&format!(" FROM {} WHERE {ID} = ?1", quoted(&self.object.name)));
        let mut statement = self.connection.prepare_cached(&sql).map_err(io)?;
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
            image.insert(name.to_string(), json);
        }
        Ok(Some(serde_json::json!({ "fields": image, "archived": archived }).to_string()))
    }
}

fn no_field(name: &str) -> String {
    format!("the object has no field \"{name}\"")
}
