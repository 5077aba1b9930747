//! From the checked model to the plan.

use super::items::{self, Item};
use super::mapping::mapped_objects;
use super::object::object_schema;
use super::project::Project;
use super::query::{self, Reads};
use super::scope::{is_for_people, variables};
use super::{catalog, connector, functions as callable, load, scan};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::plan::{
    ColumnPlan, FunctionPlan, LoadPlan, PLAN_VERSION, ParameterPlan, Plan, QueryPlan, ReadsPlan, ScopePlan,
    TablePlan,
};
use crate::sql::{self, Column, Function, TableRead};
use crate::text::{FileId, Range, Span};
use crate::value::{FieldType, ObjectSchema};

impl Project {
    /// Compiles the connector.
    ///
    /// # Errors
    /// Every diagnostic, where one of them is an error or there is no connector to run.
    pub fn plan(&self) -> Result<Plan, Vec<Diagnostic>> {
        let mut found = self.check();
        if found.iter().any(|d| d.severity == Severity::Error) {
            return Err(found);
        }
        let connector = self.root().and_then(|file| connector::connector_plan(self.parts().0, file));
        let Some(connector) = connector else {
            let start = Span::in_file(FileId(0), Range::new(0, 0));
            found.push(
                Diagnostic::new(
                    Code::NoConnector,
                    start,
                    "this file has no connector, so there is nothing to run",
                )
                .here("no `connector` in this file")
                .help("add `connector NAME { trigger spreadsheet }` at the top"),
            );
            return Err(found);
        };
        Ok(Plan {
            version: PLAN_VERSION,
            connector,
            parameters: parameters(self),
            inputs: self.inputs(),
            queries: queries(self),
            functions: functions(self),
            loads: loads(self),
            objects: objects(self),
        })
    }
}

/// The run parameters, in the order written.
fn parameters(project: &Project) -> Vec<ParameterPlan> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    items::of_kind(db, file, "param")
        .filter_map(|i| connector::check_param(db, workspace, i).0.clone())
        .collect()
}

/// Views and scopes, each after what it reads.
fn queries(project: &Project) -> Vec<QueryPlan> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    let graph = query::graph(db, file);
    let ordered = graph.order.iter().filter_map(|i| graph.items.get(*i).copied());
    ordered
        .filter_map(|item| {
            let (sql, range, _) = query::sql_text(db, item)?;
            let made = query::columns(db, workspace, item).as_deref().unwrap_or_default();
            let reads = query::reads(db, workspace, item).as_ref();
            let scope = (item.keyword(db) == "scope").then(|| ScopePlan {
                errors: is_for_people(item.name(db)),
                variables: variables(db, workspace, item).clone(),
            });
            Some(QueryPlan {
                name: item.name(db).clone(),
                columns: column_plans(&sql, made),
                sql,
                place: project.place(item, range),
                reads: reads.map(reads_plan).unwrap_or_default(),
                scope,
            })
        })
        .collect()
}

/// The columns that a query makes, each with how it comes about.
fn column_plans(sql: &str, made: &[Column]) -> Vec<ColumnPlan> {
    let from = sql::origins(sql, made);
    made.iter()
        .zip(from)
        .map(|(column, from)| ColumnPlan {
            name: column.name.clone(),
            ty: sql::type_words(&column.ty).to_owned(),
            from,
        })
        .collect()
}

fn reads_plan(reads: &Reads) -> ReadsPlan {
    let table = |t: &TableRead| TablePlan {
        name: if t.schema.is_empty() { t.name.clone() } else { format!("{}.{}", t.schema, t.name) },
        columns: t.columns.clone(),
    };
    ReadsPlan {
        tables: reads.tables.iter().map(table).collect(),
        parameters: reads.parameters.clone(),
        functions: reads.functions.clone(),
    }
}

/// The functions that the queries call, and those that they call in turn.
fn functions(project: &Project) -> Vec<FunctionPlan> {
    let (db, workspace) = project.parts();
    let Some(file) = project.root() else { return Vec::new() };
    let all = callable::functions(db, workspace, file);
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
    found.into_iter().map(function_plan).collect()
}

fn function_plan(function: Function) -> FunctionPlan {
    FunctionPlan {
        name: function.name,
        parameters: function.parameters.into_iter().map(|p| p.name).collect(),
        defaults: function.defaults,
        body: function.body,
        native: function.native,
    }
}

/// The load steps, in order.
fn loads(project: &Project) -> Vec<LoadPlan> {
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
fn objects(project: &Project) -> Vec<ObjectSchema> {
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
