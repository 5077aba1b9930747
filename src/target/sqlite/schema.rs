//! Bringing declared objects about: what is missing is created, nothing is lost.

use super::storage::{column_type, decode, quoted};
use super::{Store, place::Place};
use crate::target::{ID, SchemaChange, TargetError};
use crate::value::{FieldSchema, FieldType, ObjectSchema, Value};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};
use std::collections::BTreeMap;

/// One change of the file.
enum Step<'a> {
    CreateObject(&'a ObjectSchema),
    AddField(&'a FieldSchema),
    /// From whole numbers to decimals: the column's values are rewritten as text.
    Rewrite(&'a FieldSchema),
    /// The values stay as they are.
    Retype,
    /// The same, and no two of them may be alike.
    Unique(&'a FieldSchema),
    AddOption(&'a FieldSchema, &'a str),
}

/// A step, the object it is about, and its sentence if it is worth one.
struct Planned<'a> {
    object: &'a ObjectSchema,
    step: Step<'a>,
    what: String,
}

/// The sentences of the steps that are worth one.
fn changes(steps: &[Planned<'_>]) -> Vec<SchemaChange> {
    steps
        .iter()
        .filter(|s| !s.what.is_empty())
        .map(|s| SchemaChange { object: s.object.name.clone(), what: s.what.clone() })
        .collect()
}

impl Store {
    pub(super) fn plan_now(&mut self, objects: &[ObjectSchema]) -> Result<Vec<SchemaChange>, TargetError> {
        let stored = load(&self.connection).map_err(|e| self.place.io(e))?;
        let steps = plan(&stored, objects)?;
        doubled(&self.connection, &self.place, &steps)?;
        Ok(changes(&steps))
    }

    pub(super) fn prepare_now(
        &mut self,
        objects: &[ObjectSchema],
        match_fields: &[(String, String)],
    ) -> Result<Vec<SchemaChange>, TargetError> {
        self.place.passes("create store")?;
        self.create_now()?;
        self.place.passes("change schema")?;
        let place = self.place.clone();
        let io = |e| place.io(e);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(io)?;
        let stored = load(&transaction).map_err(io)?;
        let steps = plan(&stored, objects)?;
        doubled(&transaction, &place, &steps)?;
        for step in &steps {
            apply(&transaction, step).map_err(io)?;
        }
        for (position, object) in objects.iter().enumerate() {
            describe(&transaction, object, position).map_err(io)?;
            for field in &object.fields {
                let matched = match_fields.iter().any(|(o, f)| *o == object.name && *f == field.name);
                // No UNIQUE: an archived record may share a value. The engine checks the others.
                if (field.unique || matched) && !field.ty.is_multiple() {
                    index(&transaction, &object.name, &field.name).map_err(io)?;
                }
            }
        }
        let changes = changes(&steps);
        let held = load(&transaction).map_err(io)?;
        self.place.passes("commit schema")?;
        transaction.commit().map_err(io)?;
        self.connection.flush_prepared_statement_cache();
        self.objects = held;
        Ok(changes)
    }

    pub(super) fn options_now(&self, object: &str, field: &str) -> Result<Vec<String>, TargetError> {
        let labels = || {
            self.connection
                .prepare_cached(
                    "SELECT label FROM _sconn_options WHERE object = ?1 AND field = ?2 ORDER BY position",
                )?
                .query_map([object, field], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()
        };
        labels().map_err(|e| self.place.io(e))
    }

    /// The object of that name, for people who ask by name.
    pub(super) fn known_object(&self, name: &str) -> Result<&ObjectSchema, TargetError> {
        self.object(name).ok_or_else(|| {
            let names: Vec<&str> = self.objects.iter().map(|o| o.name.as_str()).collect();
            no_such(&self.place, name, &names)
        })
    }
}

fn no_such(place: &Place, name: &str, names: &[&str]) -> TargetError {
    let hint = match (nearest(name, names), names) {
        (Some(near), _) => format!("did you mean \"{near}\"?"),
        (None, []) => "the store holds no objects yet; a live run creates them".to_owned(),
        (None, names) => format!("it holds: {}", names.join(", ")),
    };
    TargetError::Schema { object: name.to_owned(), cause: format!("{} holds no such object", place.0), hint }
}

/// The name most like `name`, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let lower = name.to_lowercase();
    names
        .iter()
        .map(|n| (strsim::jaro_winkler(&lower, &n.to_lowercase()), *n))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, n)| n)
}

/// What the file holds; nothing where it is empty.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<ObjectSchema>> {
    let mut options: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut statement = connection
        .prepare("SELECT object, field, label FROM _sconn_options ORDER BY object, field, position")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        options.entry((row.get(0)?, row.get(1)?)).or_default().push(row.get(2)?);
    }
    let mut objects: Vec<ObjectSchema> = connection
        .prepare("SELECT object, label FROM _sconn_objects ORDER BY position, object")?
        .query_map([], |r| Ok(ObjectSchema { name: r.get(0)?, label: r.get(1)?, fields: Vec::new() }))?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection
        .prepare("SELECT field, type, required, is_unique FROM _sconn_fields WHERE object = ?1 ORDER BY position, field")?;
    for object in &mut objects {
        let mut rows = statement.query([&object.name])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let json: String = row.get(1)?;
            let ty = serde_json::from_str(&json).map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(e))
            })?;
            let options = options.remove(&(object.name.clone(), name.clone())).unwrap_or_default();
            object.fields.push(FieldSchema { name, ty, required: row.get(2)?, unique: row.get(3)?, options });
        }
    }
    Ok(objects)
}

/// The steps from what is stored to what is declared.
fn plan<'a>(stored: &[ObjectSchema], declared: &'a [ObjectSchema]) -> Result<Vec<Planned<'a>>, TargetError> {
    let mut steps = Vec::new();
    for (at, object) in declared.iter().enumerate() {
        let others = stored.iter().chain(declared.iter().take(at));
        check_names(object, others.map(|o| o.name.as_str()), stored)?;
        let mut add = |step, what| steps.push(Planned { object, step, what });
        let held = stored.iter().find(|o| o.name == object.name);
        if held.is_none() {
            add(Step::CreateObject(object), "a new object".to_owned());
        }
        for field in &object.fields {
            let name = &field.name;
            let kept = held.and_then(|h| h.field(name));
            match kept {
                None if held.is_some() => add(Step::AddField(field), format!("a new field `{name}`")),
                Some(kept) if kept.ty != field.ty => {
                    let what = format!(
                        "`{name}` is {} so far, and becomes {}",
                        described(&kept.ty),
                        described(&field.ty)
                    );
                    match widening(&kept.ty, &field.ty) {
                        Widening::AsIs => add(Step::Retype, what),
                        Widening::Rewrite => add(Step::Rewrite(field), what),
                        Widening::Lossy => return Err(lossy(object, kept, field)),
                    }
                }
                _ => {}
            }
            if field.unique && kept.is_some_and(|k| !k.unique) {
                add(Step::Unique(field), String::new());
            }
            if field.ty.has_options() {
                let mut known: Vec<&str> =
                    kept.map(|k| k.options.iter().map(String::as_str).collect()).unwrap_or_default();
                for label in &field.options {
                    if !known.contains(&label.as_str()) {
                        known.push(label);
                        // A new field comes with its options; they are worth a sentence only later.
                        let what = format!("a new option `{label}` of `{name}`");
                        add(Step::AddOption(field, label), if kept.is_some() { what } else { String::new() });
                    }
                }
            }
        }
    }
    Ok(steps)
}

fn check_names<'a>(
    object: &ObjectSchema,
    mut others: impl Iterator<Item = &'a str>,
    stored: &[ObjectSchema],
) -> Result<(), TargetError> {
    let refuse = |cause: String| {
        Err(TargetError::Schema {
            object: object.name.clone(),
            cause,
            hint: "choose another API name".to_owned(),
        })
    };
    let name = &object.name;
    if name.is_empty() || starts_with(name, "_sconn") || starts_with(name, "sqlite_") || name.contains('\0') {
        return refuse(format!("an object cannot be named \"{name}\": the store uses such names itself"));
    }
    // SQLite takes names that differ only in case for one.
    if let Some(other) = others.find(|o| *o != name && o.eq_ignore_ascii_case(name)) {
        return refuse(format!("its name and that of object \"{other}\" differ only in case"));
    }
    let kept = stored.iter().filter(|o| o.name == *name).flat_map(|o| &o.fields);
    let mut seen: Vec<&str> = kept.map(|f| f.name.as_str()).collect();
    let stored_fields = seen.len();
    for field in &object.fields {
        let name = &field.name;
        let own = [ID, "_created_at", "_updated_at", "_archived", "_rowid_"];
        if own.iter().any(|o| o.eq_ignore_ascii_case(name))
            || starts_with(name, "_sconn")
            || name.is_empty()
            || name.contains('\0')
        {
            return refuse(format!("a field cannot be named \"{name}\": the store uses that name itself"));
        }
        if let Some(other) = seen.iter().find(|s| **s != name && s.eq_ignore_ascii_case(name)) {
            return refuse(format!("the names of its fields \"{other}\" and \"{name}\" differ only in case"));
        }
        if seen.iter().skip(stored_fields).any(|s| s == name) {
            return refuse(format!("it has two fields named \"{name}\""));
        }
        seen.push(name);
    }
    Ok(())
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

enum Widening {
    AsIs,
    Rewrite,
    Lossy,
}

/// What becomes of the stored values when a field's type changes.
fn widening(from: &FieldType, to: &FieldType) -> Widening {
    use FieldType::*;
    match (from, to) {
        (Dropdown | Radio | Status, Dropdown | Radio | Status)
        | (Checkboxes | Dynamictags, Checkboxes | Dynamictags)
        | (Rating, Integer)
        | (Text, Longtext)
        | (Email | Phonenumber | Timezone | Yesnomaybe | Dropdown | Radio | Status, Text | Longtext) => {
            Widening::AsIs
        }
        (Integer | Rating, Decimal) => Widening::Rewrite,
        _ => Widening::Lossy,
    }
}

/// Refuses to make a field unique that has a value in several records.
fn doubled(connection: &Connection, place: &Place, steps: &[Planned<'_>]) -> Result<(), TargetError> {
    for Planned { object, step, .. } in steps {
        let Step::Unique(field) = step else { continue };
        let column = quoted(&field.name);
        let sql = format!(
            "SELECT {column}, count(*) FROM {} WHERE _archived = 0 AND {column} IS NOT NULL
             GROUP BY 1 HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT 1",
            quoted(&object.name)
        );
        let read =
            |r: &Row<'_>| Ok((decode(&field.ty, r.get_ref(0)?).unwrap_or(Value::Null), r.get::<_, i64>(1)?));
        let found = connection.query_row(&sql, [], read).optional().map_err(|e| place.io(e))?;
        let Some((value, records)) = found else { continue };
        return Err(TargetError::Schema {
            object: object.name.clone(),
            cause: format!("`{}` is to be unique, and {records} records have `{value}` there", field.name),
            hint: "archive all but one of them with `sconn records archive`, or leave `unique` out"
                .to_owned(),
        });
    }
    Ok(())
}

fn described(ty: &FieldType) -> String {
    match ty {
        FieldType::Money { currency } => format!("money in {currency}"),
        FieldType::Relationship { object } => format!("relationship to {object}"),
        _ => ty.name().to_owned(),
    }
}

fn lossy(object: &ObjectSchema, stored: &FieldSchema, declared: &FieldSchema) -> TargetError {
    let (name, from, to) = (&stored.name, described(&stored.ty), described(&declared.ty));
    TargetError::Schema {
        object: object.name.clone(),
        cause: format!("field \"{name}\" is stored as {from} and declared as {to}; its values could be lost"),
        hint: format!("declare it as {from}, or add a field of another name as {to} and fill that one"),
    }
}

fn apply(connection: &Connection, planned: &Planned<'_>) -> rusqlite::Result<()> {
    let object = &planned.object.name;
    let table = quoted(object);
    match &planned.step {
        Step::CreateObject(schema) => {
            let fields: String = schema
                .fields
                .iter()
                .map(|f| format!(" {} {},", quoted(&f.name), column_type(&f.ty)))
                .collect();
            connection.execute_batch(&format!(
                "CREATE TABLE {table}(id TEXT PRIMARY KEY NOT NULL,{fields} _created_at TEXT NOT NULL, \
                 _updated_at TEXT NOT NULL, _archived INTEGER NOT NULL DEFAULT 0)"
            ))
        }
        Step::AddField(field) => connection.execute_batch(&format!(
            "ALTER TABLE {table} ADD COLUMN {} {}",
            quoted(&field.name),
            column_type(&field.ty)
        )),
        Step::Rewrite(field) => {
            let column = quoted(&field.name);
            let had_index = connection
                .prepare("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ?1")?
                .exists([index_name(object, &field.name)])?;
            let drop = quoted(&index_name(object, &field.name));
            // A column of whole numbers would turn "12.5" into a float: it must become text.
            connection.execute_batch(&format!(
                "DROP INDEX IF EXISTS {drop};
                 ALTER TABLE {table} ADD COLUMN _sconn_new TEXT;
                 UPDATE {table} SET _sconn_new = CAST({column} AS TEXT);
                 ALTER TABLE {table} DROP COLUMN {column};
                 ALTER TABLE {table} RENAME COLUMN _sconn_new TO {column};"
            ))?;
            if had_index { index(connection, object, &field.name) } else { Ok(()) }
        }
        Step::Retype | Step::Unique(_) => Ok(()),
        Step::AddOption(field, label) => add_option(connection, object, &field.name, label),
    }
}

/// Adds an option at the end, unless the field has it.
pub(super) fn add_option(
    connection: &Connection,
    object: &str,
    field: &str,
    label: &str,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO _sconn_options(object, field, label, position)
               SELECT ?1, ?2, ?3, coalesce(max(position) + 1, 0) FROM _sconn_options
               WHERE object = ?1 AND field = ?2
               ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute([object, field, label]).map(drop)
}

/// Writes down what was declared. Fields that no declaration has stay, after the declared ones.
fn describe(connection: &Connection, object: &ObjectSchema, position: usize) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO _sconn_objects(object, label, position) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET label = ?2, position = ?3",
        params![object.name, object.label, position as i64],
    )?;
    connection.execute(
        "UPDATE _sconn_fields SET position = position + 100000 WHERE object = ?1 AND position < 100000",
        [&object.name],
    )?;
    for (position, field) in object.fields.iter().enumerate() {
        let ty = serde_json::to_string(&field.ty)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        connection.execute(
            "INSERT INTO _sconn_fields(object, field, type, required, is_unique, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET type = ?3, required = ?4, is_unique = ?5, position = ?6",
            params![object.name, field.name, ty, field.required, field.unique, position as i64],
        )?;
    }
    Ok(())
}

fn index_name(object: &str, field: &str) -> String {
    // The length keeps `a_b`, `c` apart from `a`, `b_c`.
    format!("_sconn_by_{}_{object}_{field}", object.len())
}

fn index(connection: &Connection, object: &str, field: &str) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "CREATE INDEX IF NOT EXISTS {} ON {}({})",
        quoted(&index_name(object, field)),
        quoted(object),
        quoted(field)
    ))
}
