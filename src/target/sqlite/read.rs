//! Records for people: listing, counting, one by its id.

use super::Store;
use super::schema::nearest;
use super::storage::{decode, encode, quoted};
use crate::target::{ID, TargetError};
use crate::value::{FieldType, ObjectSchema, Value};
use rusqlite::types::Value as Sql;
use rusqlite::{Row, params_from_iter};
use uuid::Uuid;

/// A record with all that the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its id.
    pub id: Uuid,
    /// When it was created: RFC 3339, UTC.
    pub created_at: String,
    /// When it was last changed: RFC 3339, UTC.
    pub updated_at: String,
    /// Whether it is archived.
    pub archived: bool,
    /// All its fields, in declared order; `Null` where it is blank.
    pub fields: Vec<(String, Value)>,
}

/// What a filter comes to.
struct Where {
    sql: String,
    values: Vec<Sql>,
    /// Multi-select fields and the text wanted: compared after reading.
    joined: Vec<(String, String)>,
}

impl Store {
    /// Gives the records of an object, archived ones too, oldest first, until `limit` were given or
    /// `each` says false. Every `filter` (field, canonical text) must hold; empty text asks for
    /// blank. Besides the fields, `id`, `_archived`, `_created_at` and `_updated_at` can be asked.
    /// Returns how many were given.
    ///
    /// # Errors
    /// [`TargetError::Schema`] where there is no such object or field, [`TargetError::Io`].
    pub fn list(
        &self,
        object: &str,
        filter: &[(String, String)],
        limit: Option<u64>,
        each: impl FnMut(StoredRecord) -> bool,
    ) -> Result<u64, TargetError> {
        self.page(object, filter, None, limit, each)
    }

    /// The same, of the records that come after one of them.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn page(
        &self,
        object: &str,
        filter: &[(String, String)],
        after: Option<Uuid>,
        limit: Option<u64>,
        mut each: impl FnMut(StoredRecord) -> bool,
    ) -> Result<u64, TargetError> {
        let object = self.known_object(object)?;
        let Some(mut wanted) = self.filter(object, filter)? else { return Ok(0) };
        if let Some(after) = after {
            wanted.values.push(Sql::Text(after.to_string()));
            let and = if wanted.sql.is_empty() { "WHERE" } else { "AND" };
            let (object, number) = (quoted(&object.name), wanted.values.len());
            wanted.sql += &format!(" {and} _rowid_ > (SELECT _rowid_ FROM {object} WHERE id = ?{number})");
        }
        let sql = format!("{}{} ORDER BY _rowid_", select(object), wanted.sql);
        let io = |e| self.place.io(e);
        let mut statement = self.connection.prepare(&sql).map_err(io)?;
        let mut rows = statement.query(params_from_iter(&wanted.values)).map_err(io)?;
        let mut given = 0;
        while limit.is_none_or(|l| given < l) {
            let Some(row) = rows.next().map_err(io)? else { break };
            let record = self.stored(object, row)?;
            let fits = |(field, text): &(String, String)| {
                record.fields.iter().any(|(name, value)| name == field && value.to_string() == *text)
            };
            if wanted.joined.iter().all(fits) {
                given += 1;
                if !each(record) {
                    break;
                }
            }
        }
        Ok(given)
    }

    /// How many records [`Self::list`] would give without a limit.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn count(&self, object: &str, filter: &[(String, String)]) -> Result<u64, TargetError> {
        let schema = self.known_object(object)?;
        let Some(wanted) = self.filter(schema, filter)? else { return Ok(0) };
        if !wanted.joined.is_empty() {
            return self.list(object, filter, None, |_| true);
        }
        let sql = format!("SELECT count(*) FROM {}{}", quoted(object), wanted.sql);
        self.connection
            .query_row(&sql, params_from_iter(&wanted.values), |r| r.get::<_, i64>(0))
            .map(|n| n.max(0) as u64)
            .map_err(|e| self.place.io(e))
    }

    /// The record of that id.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub fn get(&self, object: &str, id: Uuid) -> Result<Option<StoredRecord>, TargetError> {
        let mut found = None;
        self.list(object, &[(ID.to_owned(), id.to_string())], Some(1), |record| {
            found = Some(record);
            false
        })?;
        Ok(found)
    }

    /// The filter as SQL; none where nothing can fit it.
    fn filter(
        &self,
        object: &ObjectSchema,
        filter: &[(String, String)],
    ) -> Result<Option<Where>, TargetError> {
        let mut conditions = Vec::new();
        let mut wanted = Where { sql: String::new(), values: Vec::new(), joined: Vec::new() };
        for (name, text) in filter {
            let ty = match name.as_str() {
                ID => FieldType::Relationship { object: object.name.clone() },
                "_archived" => FieldType::Checkbox,
                "_created_at" | "_updated_at" => FieldType::Text,
                _ => match object.field(name) {
                    Some(field) => field.ty.clone(),
                    None => return Err(no_field(object, name)),
                },
            };
            if text.is_empty() {
                conditions.push(format!("{} IS NULL", quoted(name)));
            } else if ty.is_multiple() {
                wanted.joined.push((name.clone(), text.clone()));
            } else {
                let Some(value) = read(&ty, text) else { return Err(no_value(object, name, &ty, text)) };
                let Ok(stored) = encode(&ty, &value) else { return Ok(None) };
                wanted.values.push(match stored {
                    rusqlite::types::ToSqlOutput::Owned(owned) => owned,
                    _ => Sql::Text(text.clone()),
                });
                conditions.push(format!("{} = ?{}", quoted(name), wanted.values.len()));
            }
        }
        if !conditions.is_empty() {
            wanted.sql = format!(" WHERE {}", conditions.join(" AND "));
        }
        Ok(Some(wanted))
    }

    fn stored(&self, object: &ObjectSchema, row: &Row<'_>) -> Result<StoredRecord, TargetError> {
        let io = |e| self.place.io(e);
        let id: String = row.get(0).map_err(io)?;
        let mut fields = Vec::with_capacity(object.fields.len());
        for (at, field) in object.fields.iter().enumerate() {
            let value = decode(&field.ty, row.get_ref(at + 4).map_err(io)?)
                .ok_or_else(|| self.place.unreadable(&object.name, &field.name, &id))?;
            fields.push((field.name.clone(), value));
        }
        Ok(StoredRecord {
            id: Uuid::parse_str(&id).map_err(|_| self.place.unreadable(&object.name, ID, &id))?,
            created_at: row.get(1).map_err(io)?,
            updated_at: row.get(2).map_err(io)?,
            archived: row.get(3).map_err(io)?,
            fields,
        })
    }
}

fn select(object: &ObjectSchema) -> String {
    let fields: String = object.fields.iter().map(|f| format!(", {}", quoted(&f.name))).collect();
    format!("SELECT id, _created_at, _updated_at, _archived{fields} FROM {}", quoted(&object.name))
}

/// A text that somebody typed, as a value of the field; none where it cannot be one.
fn read(ty: &FieldType, text: &str) -> Option<Value> {
    match ty {
        FieldType::Integer | FieldType::Rating | FieldType::Decimal | FieldType::Money { .. } => {
            rust_decimal::Decimal::from_str_exact(text).ok().map(Value::Number)
        }
        FieldType::Checkbox => text.parse().ok().map(Value::Boolean),
        FieldType::Date => text.parse().ok().map(Value::Date),
        FieldType::Datetime => text.parse().ok().map(Value::Datetime),
        FieldType::Relationship { .. } => Uuid::parse_str(text).ok().map(Value::Uuid),
        _ => Some(Value::Text(text.to_owned())),
    }
}

fn no_value(object: &ObjectSchema, name: &str, ty: &FieldType, text: &str) -> TargetError {
    TargetError::Schema {
        object: object.name.clone(),
        cause: format!("\"{text}\" is no value of \"{name}\", which is of type {}", ty.name()),
        hint: match ty {
            FieldType::Checkbox => "write true or false".into(),
            FieldType::Date => "write a day as 2024-03-04".into(),
            FieldType::Datetime => "write a time as 2024-03-04T10:00:00Z".into(),
            FieldType::Relationship { .. } => "write the id of a record".into(),
            _ => "write a number as 12.5".into(),
        },
    }
}

fn no_field(object: &ObjectSchema, name: &str) -> TargetError {
    let names: Vec<&str> = object.fields.iter().map(|f| f.name.as_str()).collect();
    TargetError::Schema {
        object: object.name.clone(),
        cause: format!("it has no field \"{name}\""),
        hint: match nearest(name, &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("its fields are: {}", names.join(", ")),
        },
    }
}
