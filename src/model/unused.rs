//! What is declared and never used.

use super::catalog::record_objects;
use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::query::{graph, mentions, reads, sql_text};
use super::resolve::{imports, module};
use super::scan;
use super::scope::is_for_people;
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::tree::{ItemKind, MappingSource, Path, TypeRef};
use crate::text::Range;
use salsa::Database;
use std::collections::HashSet;

/// The names that an item uses of other items: keyword and name as written, sorted, once each.
#[salsa::tracked]
fn uses<'db>(db: &'db dyn Database, item: Item<'db>) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let path = |keyword: &'static str, path: &Path| (keyword, path.text());
    let ty = |ty: &TypeRef| ("type", ty.name.text());
    match &item.node(db).kind {
        ItemKind::Load(load) => {
            found.extend(load.into.iter().map(|p| path("object", p)));
            found.extend(load.mappings.iter().filter_map(|m| match &m.source {
                MappingSource::Find { object, .. } => Some(path("object", object)),
                _ => None,
            }));
        }
        ItemKind::Object(object) => {
            let related = object.fields.iter().filter(|f| f.ty.text == "relationship");
            found.extend(related.filter_map(|f| f.argument.as_ref()).map(|p| path("object", p)));
        }
        ItemKind::Scope(scope) => found.extend(scope.variables.iter().map(|v| ty(&v.ty))),
        ItemKind::Param(param) => found.push(ty(&param.ty)),
        ItemKind::Function(function) => {
            found.push(ty(&function.returns));
            found.extend(function.parameters.iter().map(|p| ty(&p.ty)));
            let body = function.body.as_ref().map(|b| scan::calls(&b.text));
            found.extend(body.unwrap_or_default().into_iter().map(|c| ("fn", c)));
        }
        _ => {}
    }
    if let Some((sql, ..)) = sql_text(db, item) {
        found.extend(scan::calls(&sql).into_iter().map(|c| ("fn", c)));
        found.extend(
            mentions(db, item)
                .iter()
                .filter_map(|m| m.strip_prefix("records."))
                .map(|m| ("record", m.to_owned())),
        );
    }
    found.sort();
    found.dedup();
    found
}

/// The variables that a load step uses, with its scope.
#[salsa::tracked]
fn load_uses<'db>(db: &'db dyn Database, item: Item<'db>) -> (String, Vec<String>) {
    let Some(load) = item.load(db) else { return Default::default() };
    let mut names: Vec<String> = load.rules.iter().map(|r| r.variable.text.clone()).collect();
    for mapping in &load.mappings {
        match &mapping.source {
            MappingSource::Variable(name) => names.push(name.text.clone()),
            MappingSource::Concat { parts, .. } => names.extend(parts.iter().map(|p| p.text.clone())),
            MappingSource::Find { with, .. } => names.push(with.text.clone()),
            MappingSource::Literal(_) => {}
        }
    }
    names.sort();
    names.dedup();
    (load.from.as_ref().unwrap_or(&load.name).text.clone(), names)
}

/// Everything in a file that nothing uses.
#[salsa::tracked]
pub fn unused(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let mut faults = unused_imports(db, workspace, file);
    let loads: Vec<&(String, Vec<String>)> =
        items::of_kind(db, file, "load").map(|i| load_uses(db, i)).collect();
    let graph = graph(db, file);
    let mentioned: HashSet<&str> =
        graph.items.iter().flat_map(|i| mentions(db, *i)).map(String::as_str).collect();
    for scope in items::of_kind(db, file, "scope") {
        let name = scope.name(db);
        if name.is_empty() || is_for_people(name) {
            continue;
        }
        if loads.iter().all(|(scope, _)| scope != name) {
            if !mentioned.contains(format!("output.{name}").as_str()) {
                faults.push(
                    never(db, scope, Code::UnusedScope, format!("no load step reads the scope `{name}`"))
                        .help(format!(
                            "add `load {name} into …`; if it is for people, let its name end in `errors`; if \
                             only SQL reads it, make it a view"
                        )),
                );
            }
            continue;
        }
        faults.extend(unused_variables(db, scope).iter().cloned());
    }
    // Only when every block could be planned is it known what none of them reads.
    let all: Option<Vec<_>> = graph.items.iter().map(|i| reads(db, workspace, *i).as_ref()).collect();
    let Some(all) = all else { return faults };
    let table = |schema: &str, name: &str| {
        all.iter()
            .flat_map(|r| &r.tables)
            .filter(|t| t.schema == schema && t.name == name)
            .collect::<Vec<_>>()
    };
    // Its rows tell of all of a kind; which of them are looked for the SQL does not say beforehand.
    let listed = |name: &str| !table("meta", name).is_empty();
    for view in items::of_kind(db, file, "view").filter(|v| !v.name(db).is_empty()) {
        if table("", view.name(db)).is_empty() {
            faults.push(
                never(db, view, Code::UnusedView, format!("nothing reads the view `{}`", view.name(db)))
                    .help("read it in a scope, or leave it out"),
            );
        }
    }
    for param in items::of_kind(db, file, "param").filter(|p| !p.name(db).is_empty()) {
        let name = param.name(db);
        if !listed("parameters") && !all.iter().any(|r| r.parameters.contains(name)) {
            faults.push(
                never(db, param, Code::UnusedParam, format!("no SQL reads the parameter `{name}`"))
                    .help(format!("write `${name}` in SQL, or leave it out")),
            );
        }
    }
    for input in items::of_kind(db, file, "input").filter(|i| !i.name(db).is_empty()) {
        let found = table("input", input.name(db));
        if found.is_empty() {
            if listed("inputs") {
                continue;
            }
            faults.push(
                never(db, input, Code::UnusedInput, format!("nothing reads `input.{}`", input.name(db)))
                    .help("read it in a view or scope, or leave it out"),
            );
            continue;
        }
        // One that is read for its rows alone must have a column all the same.
        let counted = found.iter().all(|t| t.columns.is_empty());
        for column in input.input(db).into_iter().flat_map(|i| &i.columns).filter(|_| !counted) {
            if !found.iter().any(|t| t.columns.contains(&column.name.text)) {
                faults.push(
                    at(
                        db,
                        input,
                        column.name.range,
                        Code::UnusedColumn,
                        format!(
                            "no SQL reads the column `{}` of `input.{}`",
                            column.name.text,
                            input.name(db)
                        ),
                    )
                    .help("leave it out: columns that are not declared are ignored"),
                );
            }
        }
    }
    faults
}

/// Variables of a scope that none of its load steps uses. A query of its own: the scope's other text,
/// its SQL above all, changes more often than what is unused elsewhere.
#[salsa::tracked]
fn unused_variables<'db>(db: &'db dyn Database, scope: Item<'db>) -> Vec<Diagnostic> {
    let steps: Vec<_> = items::of_kind(db, scope.file(db), "load")
        .map(|i| load_uses(db, i))
        .filter(|(name, _)| name == scope.name(db))
        .collect();
    let used = |name: &String| steps.iter().any(|(_, names)| names.contains(name));
    let variables = scope.scope(db).into_iter().flat_map(|s| &s.variables);
    variables
        .filter(|v| v.required.is_none() && !v.name.text.is_empty() && !used(&v.name.text))
        .map(|v| {
            at(
                db,
                scope,
                v.name.range,
                Code::UnusedVariable,
                format!("no load step uses the variable `{}`", v.name.text),
            )
            .help("map it or match with it, or leave it out")
        })
        .collect()
}

fn unused_imports(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let used: HashSet<(&str, &str)> = items::items(db, file)
        .iter()
        .flat_map(|i| uses(db, *i))
        .map(|(keyword, name)| (*keyword, name.as_str()))
        .collect();
    let mut faults = Vec::new();
    for import in imports(db, workspace, file) {
        let module = module(db, import.file);
        let named = used.iter().any(|(keyword, name)| match (*keyword, name.split_once('.')) {
            ("record", _) => record_objects(db, workspace, file)
                .iter()
                .any(|o| o.file(db) == import.file && o.name(db) == name),
            (_, Some((first, _))) => first == module,
            (keyword, None) => {
                let own =
                    items::items(db, file).iter().any(|i| i.keyword(db) == keyword && i.name(db) == name);
                let theirs = items::items(db, import.file)
                    .iter()
                    .any(|i| i.keyword(db) == keyword && i.name(db) == name);
                theirs && !own
            }
        });
        if !named {
            let node = import.item.node(db);
            faults.push(
                at(
                    db,
                    import.item,
                    node.range,
                    Code::UnusedImport,
                    format!("nothing of `{}` is used", import.item.name(db)),
                )
                .help("leave the line out"),
            );
        }
    }
    faults
}

fn never(db: &dyn Database, item: Item<'_>, code: Code, message: String) -> Diagnostic {
    Diagnostic::new(code, item.name_span(db), message).here("never used")
}

fn at(db: &dyn Database, item: Item<'_>, range: Range, code: Code, message: String) -> Diagnostic {
    Diagnostic::new(code, item.span(db, range), message).here("never used")
}
