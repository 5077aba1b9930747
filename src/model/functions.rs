//! `fn` items: their signatures, and which functions SQL may call.

use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::resolve::{self, module};
use super::scan;
use super::types::{literal, literal_help, resolve_type};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::sql::{self, Catalog, Column, Function, Table};
use crate::syntax::tree::{Literal, LiteralKind};
use crate::text::Range;
use crate::value::{self, BaseType, DataType, column_type};
use jiff::tz::TimeZone;
use salsa::Database;

/// A literal as SQL writes it.
fn sql_literal(literal: &Literal) -> String {
    match &literal.kind {
        LiteralKind::Text(t) => format!("'{}'", t.replace('\'', "''")),
        LiteralKind::Number(n) => n.clone(),
        LiteralKind::Boolean(b) => b.to_string(),
    }
}

/// What a function looks like from outside, and what is wrong with its signature.
#[salsa::tracked]
pub fn function<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (Option<Function>, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let Some(function) = item.function(db) else { return (None, faults) };
    faults.extend(super::names::repeated(db, item, "parameter", function.parameters.iter().map(|p| &p.name)));
    let mut parameters = Vec::new();
    let mut defaults = Vec::new();
    for parameter in &function.parameters {
        let resolved = resolve_type(db, workspace, item, &parameter.ty, &mut faults);
        let ty = resolved.as_ref().map_or(DataType::one(BaseType::String), |r| r.ty);
        if let (Some(default), Some(resolved)) = (&parameter.default, &resolved)
            && let Err(why) =
                value::literal_value(ty, literal(default), None, &resolved.formats, &TimeZone::UTC)
        {
            faults.push(
                Diagnostic::new(Code::LiteralDoesNotFit, item.span(db, default.range), why)
                    .here(format!("not of type {ty}"))
                    .help(literal_help(ty.base)),
            );
        }
        parameters.push(Column { name: parameter.name.text.clone(), ty: column_type(ty) });
        defaults.push(parameter.default.as_ref().map(sql_literal));
    }
    let returns = resolve_type(db, workspace, item, &function.returns, &mut faults)
        .map_or(DataType::one(BaseType::String), |r| r.ty);
    let file = item.file(db);
    let native = function.body.is_none();
    if native && !file.library(db) {
        faults.push(
            Diagnostic::new(
                Code::SqlUnknownFunction,
                item.span(db, function.name.range),
                format!("the engine has no function `{}`", function.name.text),
            )
            .here("only the standard library declares native functions")
            .help("give it a body: `fn name(s: string): string = sql { … }`"),
        );
    }
    let function = Function {
        name: function.name.text.clone(),
        parameters,
        defaults,
        returns: column_type(returns),
        body: function.body.as_ref().map(|b| b.text.clone()),
        native: native.then(|| format!("{}_{}", module(db, file), function.name.text)),
    };
    (Some(function), faults)
}

/// The functions that SQL in a file may call, by the names it may use: those of the file by their own,
/// imported ones as `module.name` and, where only one import has the name, bare.
///
/// One whose body is faulty gives NULL: its own diagnostics say why, its callers need not.
#[salsa::tracked]
pub fn functions(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Function> {
    collect(db, workspace, file, true)
}

/// The same with every body as it is.
#[salsa::tracked]
fn raw_functions(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Function> {
    collect(db, workspace, file, false)
}

fn collect(db: &dyn Database, workspace: Workspace, file: SourceFile, mended: bool) -> Vec<Function> {
    let mend = |item: Item<'_>, function: Option<Function>| {
        let mut function = function.filter(|f| !f.name.is_empty())?;
        let faulty =
            |item| function_faults(db, workspace, item).iter().any(|f| f.severity == Severity::Error);
        if mended && !item.file(db).library(db) && faulty(item) {
            function.body = Some("NULL".to_owned());
        }
        Some(function)
    };
    let mut found: Vec<Function> = Vec::new();
    let own: Vec<Item<'_>> = items::of_kind(db, file, "fn").collect();
    for item in &own {
        found.extend(mend(*item, function(db, workspace, *item).0.clone()));
    }
    let imported = resolve::imports(db, workspace, file);
    for import in imported {
        for item in items::of_kind(db, import.file, "fn") {
            let Some(exported) = mend(item, exported(db, workspace, item)) else { continue };
            let bare = item.name(db);
            let only =
                imported.iter().filter(|i| items::named(db, i.file, "fn", bare).is_some()).count() == 1;
            if only && own.iter().all(|o| o.name(db) != bare) {
                found.push(Function { name: bare.clone(), ..exported.clone() });
            }
            found.push(exported);
        }
    }
    // What imported functions call in turn, so that their bodies can be expanded.
    for other in resolve::reachable(db, workspace, file) {
        if *other != file && imported.iter().all(|i| i.file != *other) {
            found
                .extend(items::of_kind(db, *other, "fn").filter_map(|f| mend(f, exported(db, workspace, f))));
        }
    }
    let mut names = std::collections::HashSet::new();
    found.retain(|f| names.insert(f.name.clone()));
    found
}

/// A function as other files call it: under its module, its body's calls of its neighbours likewise.
fn exported<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Option<Function> {
    let file = item.file(db);
    let mut function = function(db, workspace, item).0.clone()?;
    let module = module(db, file);
    let neighbours: Vec<&str> = items::of_kind(db, file, "fn").map(|i| i.name(db).as_str()).collect();
    function.name = format!("{module}.{}", function.name);
    function.body = function.body.map(|b| scan::qualify_calls(&b, module, &neighbours));
    Some(function)
}

/// What is wrong with a function: its signature and its body.
#[salsa::tracked]
pub fn function_faults<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<Diagnostic> {
    let (signature, faults) = function(db, workspace, item);
    let mut faults = faults.clone();
    let (Some(signature), Some(tree)) = (signature, item.function(db)) else { return faults };
    let Some(body) = &tree.body else { return faults };
    let all = raw_functions(db, workspace, item.file(db));
    if let Some(circle) = scan::circle(&signature.name, all) {
        faults.push(
            Diagnostic::new(
                Code::SqlCycle,
                item.span(db, tree.name.range),
                format!("functions that call each other: {}", circle.join(" → ")),
            )
            .here("calls itself in the end")
            .help("a function is pasted into its caller, so it cannot call itself"),
        );
        return faults;
    }
    const BEFORE: &str = "SELECT ";
    let sql = format!("{BEFORE}{}\n AS result FROM arguments", body.text);
    let arguments =
        Table { schema: String::new(), name: "arguments".to_owned(), columns: signature.parameters.clone() };
    let no_arguments = signature.parameters.is_empty();
    let sql = if no_arguments { format!("{BEFORE}{}\n AS result", body.text) } else { sql };
    let catalog = Catalog {
        tables: if no_arguments { Vec::new() } else { vec![arguments] },
        functions: all.clone(),
        parameters: Vec::new(),
    };
    for fault in sql::plan(&sql, &catalog).faults {
        let clip = |at: u32| at.saturating_sub(BEFORE.len() as u32).min(body.text.len() as u32);
        let range = Range { start: clip(fault.range.start), end: clip(fault.range.end) };
        faults.push(
            Diagnostic::new(fault.code, item.span(db, range.shift(body.range.start)), fault.message)
                .here(fault.label)
                .maybe_help(fault.help),
        );
    }
    faults
}
