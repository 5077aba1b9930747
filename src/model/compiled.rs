//! What the plan's compiler takes from the model, without salsa.

use super::items::{self, Item};
use super::mapping::mapped_objects;
use super::object::object_schema;
use super::project::Project;
use super::query::{self, Reads};
use super::scope::{is_for_people, variables};
use super::{catalog, connector, load, scan, types};
use crate::plan::{ConnectorPlan, LoadPlan, ParameterPlan, Place};
use crate::sql::{Column, Function};
use crate::value::{FieldType, ObjectSchema, VariableSpec};

/// A view or scope.
pub struct Query {
    /// Its name.
    pub name: String,
    /// Its SQL.
    pub sql: String,
    /// Where the SQL starts.
    pub place: Place,
    /// The columns that it makes.
    pub columns: Vec<Column>,
    /// What it reads, in words.
    pub reads: Vec<String>,
    /// For a scope: whether it is for people only, and its variables.
    pub scope: Option<(bool, Vec<VariableSpec>)>,
}

/// The connector's settings.
pub fn connector(project: &Project) -> Option<ConnectorPlan> {
    connector::connector_plan(project.parts().0, project.root()?)
}

/// The run parameters, in the order written.
pub fn parameters(project: &Project) -> Vec<ParameterPlan> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    items::of_kind(db, file, "param")
        .filter_map(|i| connector::check_param(db, workspace, i).0.clone())
        .collect()
}

/// Views and scopes, each after what it reads.
pub fn queries(project: &Project) -> Vec<Query> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    let graph = query::graph(db, file);
    let ordered = graph.order.iter().filter_map(|i| graph.items.get(*i).copied());
    ordered
        .filter_map(|item| {
            let (sql, range, _) = query::sql_text(db, item)?;
            let scope = item.keyword(db) == "scope";
            let reads = query::reads(db, workspace, item).as_ref();
            Some(Query {
                name: item.name(db).clone(),
                sql,
                place: project.place(item, range),
                columns: query::columns(db, workspace, item).clone().unwrap_or_default(),
                reads: reads.map(in_words).unwrap_or_default(),
                scope: scope.then(|| (is_for_people(item.name(db)), variables(db, workspace, item).clone())),
            })
        })
        .collect()
}

/// `input.prices(sku, unit_price)`, `$region`, `text.code()`.
fn in_words(reads: &Reads) -> Vec<String> {
    let tables = reads.tables.iter().map(|t| {
        let name = if t.schema.is_empty() { t.name.clone() } else { format!("{}.{}", t.schema, t.name) };
        if t.columns.is_empty() { name } else { format!("{name}({})", t.columns.join(", ")) }
    });
    let parameters = reads.parameters.iter().map(|p| format!("${p}"));
    let functions = reads.functions.iter().map(|f| format!("{f}()"));
    tables.chain(parameters).chain(functions).collect()
}

/// The functions that the queries call, and those that they call in turn.
pub fn functions(project: &Project) -> Vec<Function> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    let all = types::functions(db, workspace, file);
    let graph = query::graph(db, file);
    let mut open: Vec<String> = graph
        .items
        .iter()
        .filter_map(|i| query::reads(db, workspace, *i).as_ref())
        .flat_map(|r| r.functions.iter().cloned())
        .collect();
    open.reverse();
    let mut found: Vec<Function> = Vec::new();
    while let Some(name) = open.pop() {
        if found.iter().any(|f| f.name == name) {
            continue;
        }
        if let Some(function) = all.iter().find(|f| f.name == name) {
            open.extend(function.body.as_deref().map(scan::calls).unwrap_or_default());
            found.push(function.clone());
        }
    }
    found
}

/// The load steps, in order.
pub fn loads(project: &Project) -> Vec<LoadPlan> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    items::of_kind(db, file, "load")
        .filter_map(|item| {
            let mut plan = load::check_load(db, workspace, item).0.clone()?;
            plan.place = project.place(item, item.node(db).range);
            Some(plan)
        })
        .collect()
}

/// The objects that are loaded, found or read, and those that their relationships point to.
pub fn objects(project: &Project) -> Vec<ObjectSchema> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    let mut open: Vec<Item<'_>> = Vec::new();
    for item in items::of_kind(db, file, "load") {
        open.extend(mapped_objects(db, workspace, item));
    }
    let graph = query::graph(db, file);
    let read = graph.items.iter().filter_map(|i| query::reads(db, workspace, *i).as_ref());
    let names: Vec<&str> =
        read.flat_map(|r| &r.tables).filter(|t| t.schema == "records").map(|t| t.name.as_str()).collect();
    let records = catalog::record_objects(db, workspace, file);
    open.extend(records.iter().copied().filter(|o| names.contains(&o.name(db).as_str())));
    open.reverse();
    let mut found: Vec<ObjectSchema> = Vec::new();
    while let Some(item) = open.pop() {
        let schema = object_schema(db, workspace, item);
        if found.iter().any(|f| f.name == schema.name) {
            continue;
        }
        found.push(schema.clone());
        let related = item.object(db).into_iter().flat_map(|o| &o.fields).filter_map(|f| f.argument.as_ref());
        let points = schema.fields.iter().any(|f| matches!(f.ty, FieldType::Relationship { .. }));
        if points {
            open.extend(related.filter_map(|path| {
                let span = item.span(db, path.range);
                super::resolve::resolve(db, workspace, item.file(db), "object", path, span).ok()
            }));
        }
    }
    found
}
