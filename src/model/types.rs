//! Types of variables and parameters, type aliases and formats.

use super::db::Workspace;
use super::items::Item;
use super::resolve;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::syntax::tree::{FormatRef, Literal, LiteralKind, Text, TypeRef};
use crate::value::{self, BaseType, DataType, Format, Split};
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
