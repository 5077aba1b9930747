//! Types of variables and parameters, type aliases, formats, and functions' signatures.

use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::resolve::{self, module};
use super::scan;
use crate::diagnostic::{Code, Diagnostic, Severity, nearest};
use crate::sql::{self, Catalog, Column, Function, Table};
use crate::syntax::tree::{FormatRef, Literal, LiteralKind, Text, TypeRef};
use crate::text::Range;
use crate::value::{self, BaseType, DataType, Format, Split, column_type};
use salsa::Database;

/// What a written type stands for, with what an alias adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The type.
    pub ty: DataType,
    /// The alias's `split`.
    pub split: Option<Split>,
    /// The alias's formats.
    pub formats: Vec<Format>,
    /// The alias's output format.
    pub output: Option<Format>,
}

/// What an alias stands for, and what is wrong with it.
#[salsa::tracked]
pub fn alias<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (Option<Resolved>, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let Some(alias) = item.alias(db) else { return (None, faults) };
    if BaseType::from_name(&alias.name.text).is_some() {
        faults.push(
            Diagnostic::new(
                Code::ReservedName,
                item.span(db, alias.name.range),
                format!("`{}` is a type already", alias.name.text),
            )
            .here("built in")
            .help("choose another name"),
        );
    }
    // An alias stands for a built-in type: no chains, so no circles.
    let base = match alias.ty.name.segments.as_slice() {
        [one] => BaseType::from_name(&one.text),
        _ => None,
    };
    let Some(base) = base else {
        let name = alias.ty.name.text();
        let near =
            foreign_type(&name).or_else(|| nearest(&name, BaseType::ALL.into_iter().map(BaseType::name)));
        faults.push(
            Diagnostic::new(
                Code::UnknownType,
                item.span(db, alias.ty.name.range),
                format!("`{name}` is not a built-in type"),
            )
            .here("a named type stands for a built-in one")
            .help(near.map_or_else(types_help, |n| format!("did you mean `{n}`?"))),
        );
        return (None, faults);
    };
    let ty = DataType { base, array: alias.ty.array };
    let formats = formats(db, item, ty, &alias.formats, &mut faults);
    let output = alias.output.as_ref().and_then(|f| format(db, item, ty, f, &mut faults));
    let split = alias.split.as_ref().and_then(|s| split(db, item, ty, s, &mut faults));
    let _ = workspace;
    (Some(Resolved { ty, split, formats, output }), faults)
}

/// What a written type stands for, seen from the item's file.
pub fn resolve_type<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
    ty: &TypeRef,
    faults: &mut Vec<Diagnostic>,
) -> Option<Resolved> {
    if let [one] = ty.name.segments.as_slice()
        && let Some(base) = BaseType::from_name(&one.text)
    {
        let ty = DataType { base, array: ty.array };
        return Some(Resolved { ty, split: None, formats: Vec::new(), output: None });
    }
    if ty.name.segments.iter().all(|s| s.text.is_empty()) {
        return None;
    }
    let span = item.span(db, ty.name.range);
    match resolve::resolve(db, workspace, item.file(db), "type", &ty.name, span) {
        Ok(found) => {
            let mut resolved = alias(db, workspace, found).0.clone()?;
            resolved.ty.array |= ty.array;
            Some(resolved)
        }
        Err(None) => None,
        Err(Some(fault)) if fault.code == Code::AmbiguousName => {
            faults.push(fault);
            None
        }
        Err(Some(fault)) => {
            let name = ty.name.text();
            let near =
                foreign_type(&name).or_else(|| nearest(&name, BaseType::ALL.into_iter().map(BaseType::name)));
            let help = near
                .map(|n| format!("did you mean `{n}`?"))
                .or(fault.help.filter(|h| h.starts_with("did you mean")))
                .unwrap_or_else(types_help);
            faults.push(
                Diagnostic::new(Code::UnknownType, span, format!("there is no type `{name}`"))
                    .here("unknown type")
                    .help(help),
            );
            None
        }
    }
}

/// What other languages call our types.
fn foreign_type(name: &str) -> Option<&'static str> {
    match name.to_lowercase().as_str() {
        "text" | "str" | "varchar" | "char" | "longtext" => Some("string"),
        "int" | "integer" | "float" | "double" | "decimal" | "numeric" | "money" => Some("number"),
        "bool" | "checkbox" => Some("boolean"),
        "timestamp" | "time" => Some("datetime"),
        "phone" | "phonenumber" => Some("phone_number"),
        "mail" => Some("email"),
        "id" | "guid" => Some("uuid"),
        _ => None,
    }
}

fn types_help() -> String {
    let names: Vec<_> = BaseType::ALL.into_iter().map(BaseType::name).collect();
    format!("the types are {}", names.join(", "))
}

/// Reads formats; each that means nothing is a fault.
pub fn formats(
    db: &dyn Database,
    item: Item<'_>,
    ty: DataType,
    written: &[FormatRef],
    faults: &mut Vec<Diagnostic>,
) -> Vec<Format> {
    written.iter().filter_map(|f| format(db, item, ty, f, faults)).collect()
}

/// Reads one format.
pub fn format(
    db: &dyn Database,
    item: Item<'_>,
    ty: DataType,
    written: &FormatRef,
    faults: &mut Vec<Diagnostic>,
) -> Option<Format> {
    match Format::parse(ty.base, &written.text, written.quoted) {
        Ok(format) => Some(format),
        Err(error) => {
            faults.push(
                Diagnostic::new(Code::FormatWithoutMeaning, item.span(db, written.range), error.message)
                    .here(format!("not a format for {}", ty.base.name()))
                    .help(error.help),
            );
            None
        }
    }
}

/// Reads a `split`.
pub fn split(
    db: &dyn Database,
    item: Item<'_>,
    ty: DataType,
    written: &Text,
    faults: &mut Vec<Diagnostic>,
) -> Option<Split> {
    let fault = |message: String, here: &str, help: String| {
        Diagnostic::new(Code::BadSplit, item.span(db, written.range), message).here(here).help(help)
    };
    if !ty.array {
        faults.push(fault(
            format!("only an array can be split, and this is one {}", ty.base.name()),
            "nothing to split",
            format!("write `{}[]`, or leave `split` out", ty.base.name()),
        ));
        return None;
    }
    let split = Split::from_text(&written.value);
    if split.is_none() {
        faults.push(fault(
            format!("nothing can be split at \"{}\"", written.value),
            "not a separator",
            "the separators are \",\", \";\", \"|\", \"\\t\", \"{}\" and \"[]\"".to_owned(),
        ));
    }
    split
}

/// How a literal of a type is written.
pub fn literal_help(base: BaseType) -> &'static str {
    match base {
        BaseType::String => "write a text in quotes, such as \"EMEA\"",
        BaseType::Number => "write a number without quotes, such as 12.50",
        BaseType::Boolean => "write `true` or `false`",
        BaseType::Date => "write the day in quotes, such as \"2026-04-30\"",
        BaseType::Datetime => "write the time in quotes, such as \"2026-04-30 17:45\"",
        BaseType::Email => "write the address in quotes, such as \"a@example.com\"",
        BaseType::PhoneNumber => "write the number in quotes, with its country: \"+49 30 901820\"",
        BaseType::Uuid => "write the id in quotes, such as \"0190b1c6-6a4e-7c3b-8f2d-5e9a7b1c2d3e\"",
    }
}

/// A literal of the tree, as the values room reads it.
pub fn literal(literal: &Literal) -> value::Literal<'_> {
    match &literal.kind {
        LiteralKind::Text(t) => value::Literal::Text(t),
        LiteralKind::Number(n) => value::Literal::Number(n),
        LiteralKind::Boolean(b) => value::Literal::Boolean(*b),
    }
}

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
            && let Err(why) = value::literal_value(ty, literal(default), &resolved.formats)
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
