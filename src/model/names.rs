//! Names that are taken, and names that are reserved.

use super::db::SourceFile;
use super::items::{self, Item};
use crate::diagnostic::{Code, Diagnostic};
use crate::syntax::tree::Name;
use salsa::Database;
use std::collections::HashMap;

/// Names of views that would hide a part of the catalog.
const RESERVED_QUERIES: [&str; 5] = ["input", "records", "meta", "output", "information_schema"];

/// Items of a file that have the name of another, and reserved ones.
#[salsa::tracked]
pub fn name_faults(db: &dyn Database, file: SourceFile) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut seen: HashMap<(&str, &str), Item<'_>> = HashMap::new();
    let mut connectors: Option<Item<'_>> = None;
    for item in items::items(db, file).iter().copied() {
        let name = item.name(db).as_str();
        let keyword = item.keyword(db);
        if keyword == "use" || name.is_empty() {
            continue;
        }
        if keyword == "connector" {
            match connectors {
                Some(first) => faults.push(
                    Diagnostic::new(
                        Code::SeveralConnectors,
                        item.name_span(db),
                        format!("a file describes one connector, and `{}` is the second", name),
                    )
                    .here("a second connector")
                    .label(first.name_span(db), "the first one")
                    .help("move it into a file of its own"),
                ),
                None => connectors = Some(item),
            }
            continue;
        }
        // Views and scopes are both made by SQL and read by name.
        let space = if keyword == "view" { "scope" } else { keyword };
        if let Some(first) = seen.get(&(space, name)) {
            faults.push(taken(
                db,
                item,
                format!("there is already a {} `{name}`", called(first.keyword(db))),
                *first,
            ));
        } else {
            seen.insert((space, name), item);
        }
        if space == "scope" && RESERVED_QUERIES.contains(&name) {
            faults.push(
                Diagnostic::new(
                    Code::ReservedName,
                    item.name_span(db),
                    format!("a {keyword} cannot be called `{name}`"),
                )
                .here("means something else in SQL")
                .help("choose another name"),
            );
        }
    }
    faults
}

/// Names within one item that are written twice: fields, columns, variables.
pub fn repeated<'a>(
    db: &dyn Database,
    item: Item<'_>,
    what: &str,
    names: impl IntoIterator<Item = &'a Name>,
) -> Vec<Diagnostic> {
    let mut seen: HashMap<&str, &Name> = HashMap::new();
    let mut faults = Vec::new();
    for name in names.into_iter().filter(|n| !n.text.is_empty()) {
        if let Some(first) = seen.get(name.text.as_str()) {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    item.span(db, name.range),
                    format!("there is already a {what} `{}`", name.text),
                )
                .here("written again")
                .label(item.span(db, first.range), "written here first")
                .help(match what {
                    "setting" => "leave one of the two out",
                    _ => "rename one of the two, or leave it out",
                }),
            );
        } else {
            seen.insert(&name.text, name);
        }
    }
    faults
}

fn taken(db: &dyn Database, item: Item<'_>, message: String, first: Item<'_>) -> Diagnostic {
    Diagnostic::new(Code::DuplicateName, item.name_span(db), message)
        .here("the name is taken")
        .label(first.name_span(db), "declared here first")
        .help("rename one of the two")
}

fn called(keyword: &str) -> &str {
    match keyword {
        "fn" => "function",
        "param" => "parameter",
        "load" => "load step",
        other => other,
    }
}
