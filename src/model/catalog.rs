//! What the SQL of a file may name, apart from its own views and scopes.

use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::object::object_schema;
use super::resolve::imports;
use super::sample::SampleFacts;
use super::{functions, types};
use crate::sql::{Catalog, Column, Table};
use crate::syntax::tree::SettingValue;
use crate::text::FileId;
use crate::value::arrow::datatypes::DataType as ArrowType;
use crate::value::{BaseType, DataType, column_type, field_column_type};
use salsa::Database;

/// An input table and its columns; none where nobody knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTable {
    /// The table is `input.NAME`.
    pub name: String,
    /// Its columns' SQL names.
    pub columns: Option<Vec<String>>,
}

/// The input tables of a file.
#[salsa::tracked]
pub fn input_tables(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<InputTable> {
    let sample = workspace.sample(db);
    let root = file.id(db) == FileId(0);
    let mut tables: Vec<InputTable> = Vec::new();
    for item in items::of_kind(db, file, "input") {
        let Some(input) = item.input(db) else { continue };
        let columns = if input.columns.is_empty() {
            let table = sample.table(&input.name.text).filter(|_| root).and_then(|t| t.as_ref().ok());
            table.map(|t| t.headers.iter().map(|(name, _)| name.clone()).collect())
        } else {
            Some(input.columns.iter().map(|c| c.name.text.clone()).collect())
        };
        if tables.iter().all(|t| t.name != input.name.text) {
            tables.push(InputTable { name: input.name.text.clone(), columns });
        }
    }
    if let Some((_, name, columns)) = handed_in(db, file) {
        if tables.iter().all(|t| t.name != name) {
            let columns = Some(columns.iter().map(|c| (*c).to_owned()).collect());
            tables.push(InputTable { name: name.to_owned(), columns });
        }
    } else if tables.is_empty() && root {
        tables.extend(sample.tables().map(|(name, t)| InputTable {
            name: name.to_owned(),
            columns: Some(t.headers.iter().map(|(name, _)| name.clone()).collect()),
        }));
    }
    tables
}

/// The trigger that makes its input by itself, the one table that this is, and its columns.
pub fn handed_in(
    db: &dyn Database,
    file: SourceFile,
) -> Option<(&'static str, &'static str, &'static [&'static str])> {
    match trigger(db, file).as_deref()? {
        "webhook" => Some(("webhook", "webhooks", &["timestamp", "employee_id", "querystring", "body"])),
        "schedule" => Some(("schedule", "schedule", &["schedule_trigger_time"])),
        _ => None,
    }
}

/// Columns of those tables that hold an instant, always written in the one way that can be read in one way only.
pub const INSTANTS: &[&str] = &["timestamp", "schedule_trigger_time"];

/// Whether the connector has a sample that could not be looked at.
pub fn awaits_sample(db: &dyn Database, workspace: Workspace, file: SourceFile) -> bool {
    let named = super::connector::connector_plan(db, file).is_some_and(|c| c.sample.is_some());
    file.id(db) == FileId(0) && named && !matches!(workspace.sample(db), SampleFacts::Given { .. })
}

/// The connector's trigger, where the file says one.
#[salsa::tracked]
pub fn trigger(db: &dyn Database, file: SourceFile) -> Option<String> {
    let connector = items::of_kind(db, file, "connector").next()?.connector(db)?;
    let setting = connector.settings.iter().find(|s| s.name.text == "trigger")?;
    match setting.values.first()? {
        SettingValue::Word(word) => Some(word.text.clone()),
        _ => None,
    }
}

/// The objects that a file may read as `records.NAME`: its own, and imported ones that only one
/// import has.
#[salsa::tracked]
pub fn record_objects<'db>(db: &'db dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Item<'db>> {
    let mut found: Vec<Item<'db>> = Vec::new();
    for item in items::of_kind(db, file, "object") {
        if found.iter().all(|f| f.name(db) != item.name(db)) {
            found.push(item);
        }
    }
    let imported = imports(db, workspace, file);
    let own = found.len();
    for import in imported {
        for item in items::of_kind(db, import.file, "object") {
            let name = item.name(db);
            let having =
                imported.iter().filter(|i| items::named(db, i.file, "object", name).is_some()).count();
            let mine = found.iter().take(own).any(|f| f.name(db) == name);
            if having == 1 && !mine && item.nth(db) == 0 {
                found.push(item);
            }
        }
    }
    found
}

/// Everything but the file's own views and scopes.
#[salsa::tracked]
pub fn base_catalog(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Catalog {
    let mut tables: Vec<Table> = Vec::new();
    for table in input_tables(db, workspace, file) {
        let columns = table.columns.iter().flatten();
        tables.push(Table {
            schema: "input".to_owned(),
            name: table.name.clone(),
            columns: columns.map(|c| Column { name: c.clone(), ty: ArrowType::Utf8 }).collect(),
        });
    }
    for item in record_objects(db, workspace, file) {
        let schema = object_schema(db, workspace, *item);
        let mut columns = vec![Column { name: "id".to_owned(), ty: ArrowType::Utf8 }];
        columns.extend(
            schema.fields.iter().map(|f| Column { name: f.name.clone(), ty: field_column_type(&f.ty) }),
        );
        for at in ["_created_at", "_updated_at"] {
            columns.push(Column { name: at.to_owned(), ty: crate::sql::meta::instant() });
        }
        tables.push(Table { schema: "records".to_owned(), name: schema.name.clone(), columns });
    }
    tables.extend(crate::sql::meta::meta_tables());
    Catalog {
        tables,
        functions: functions::functions(db, workspace, file).clone(),
        parameters: parameters(db, workspace, file).clone(),
    }
}

/// The run parameters of a file with their types.
#[salsa::tracked]
pub fn parameters(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Column> {
    let mut found: Vec<Column> = Vec::new();
    for item in items::of_kind(db, file, "param") {
        let Some(param) = item.param(db) else { continue };
        let ty = types::resolve_type(db, workspace, item, &param.ty, &mut Vec::new())
            .map_or(DataType::one(BaseType::String), |r| r.ty);
        if found.iter().all(|f| f.name != param.name.text) {
            found.push(Column { name: param.name.text.clone(), ty: column_type(ty) });
        }
    }
    found
}
