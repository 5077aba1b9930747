//! SQL blocks of views and scopes: in which order they are made, what each makes and reads, and what
//! is wrong with it.

use super::catalog::{base_catalog, input_tables};
use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::resolve::lacks_import;
use super::scan;
use crate::diagnostic::{Code, Diagnostic};
use crate::sql::{self, Catalog, Column, ColumnSource, Planning, Table, TableRead};
use crate::text::Range;
use salsa::Database;
use std::collections::{BTreeSet, HashMap};

/// The text that makes a view or scope, and where it stands; `SELECT *` for `from input.x`.
pub fn sql_text<'db>(db: &'db dyn Database, item: Item<'db>) -> Option<(String, Range, bool)> {
    if let Some(view) = item.view(db) {
        return Some((view.sql.text.clone(), view.sql.range, true));
    }
    let scope = item.scope(db)?;
    match (&scope.sql, &scope.from) {
        (Some(sql), _) => Some((sql.text.clone(), sql.range, true)),
        (None, Some(from)) => {
            let quoted: Vec<_> =
                from.segments.iter().map(|s| format!("\"{}\"", s.text.replace('"', "\"\""))).collect();
            Some((format!("SELECT * FROM {}", quoted.join(".")), from.range, false))
        }
        (None, None) => None,
    }
}

/// The names that a block may read, by a cheap look at its text.
#[salsa::tracked]
pub fn mentions<'db>(db: &'db dyn Database, item: Item<'db>) -> Vec<String> {
    sql_text(db, item).map(|(sql, ..)| scan::references(&sql)).unwrap_or_default()
}

/// The views and scopes of a file, and which reads which.
#[derive(Clone, Debug, PartialEq, Eq, salsa::SalsaValue)]
pub struct Graph<'db> {
    /// The views and scopes, in the order written.
    pub items: Vec<Item<'db>>,
    /// For each: the positions of those that it may read.
    pub reads: Vec<Vec<usize>>,
    /// Positions in an order in which each comes after what it reads.
    pub order: Vec<usize>,
    /// For each: the circle that it is part of, from itself back to itself.
    pub circles: Vec<Option<Vec<usize>>>,
}

/// Which view or scope of a file reads which.
#[salsa::tracked]
pub fn graph<'db>(db: &'db dyn Database, file: SourceFile) -> Graph<'db> {
    let all: Vec<Item<'db>> = items::items(db, file)
        .iter()
        .copied()
        .filter(|i| matches!(i.keyword(db), "view" | "scope"))
        .collect();
    let called = |item: Item<'db>| match item.keyword(db) {
        "scope" => format!("output.{}", item.name(db)),
        _ => item.name(db).clone(),
    };
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (i, item) in all.iter().enumerate() {
        places.entry(called(*item).to_ascii_lowercase()).or_default().push(i);
    }
    let reads: Vec<Vec<usize>> = all
        .iter()
        .map(|item| {
            let mentioned = mentions(db, *item).iter().filter_map(|m| places.get(&m.to_ascii_lowercase()));
            mentioned.flatten().copied().collect::<BTreeSet<usize>>().into_iter().collect()
        })
        .collect();
    let circles = (0..all.len()).map(|start| circle(start, &reads)).collect::<Vec<_>>();
    let order = order(&reads);
    Graph { items: all, reads, order, circles }
}

/// Each as early as it is written, but after what it reads.
fn order(reads: &[Vec<usize>]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut open: BTreeSet<usize> = (0..reads.len()).collect();
    while let Some(first) = open.first().copied() {
        let ready = |i: &&usize| reads.get(**i).into_iter().flatten().all(|r| r == *i || !open.contains(r));
        // A circle has no order; its diagnostics say so, and the rest goes on as written.
        let next = open.iter().find(ready).copied().unwrap_or(first);
        open.remove(&next);
        order.push(next);
    }
    order
}

/// The shortest way from one back to itself.
fn circle(start: usize, reads: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut paths = std::collections::VecDeque::from([vec![start]]);
    let mut seen = std::collections::HashSet::new();
    while let Some(path) = paths.pop_front() {
        let last = path.last().copied()?;
        for next in reads.get(last).into_iter().flatten().copied() {
            let mut path = path.clone();
            path.push(next);
            if next == start {
                return Some(path);
            }
            if seen.insert(next) {
                paths.push_back(path);
            }
        }
    }
    None
}

/// A block, planned as far as it goes. Nothing at all where what it reads is not known.
#[salsa::tracked]
pub fn block<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Planning {
    let file = item.file(db);
    let graph = graph(db, file);
    let Some(at) = graph.items.iter().position(|i| *i == item) else { return Planning::default() };
    if graph.circles.get(at).is_some_and(Option::is_some) {
        return Planning::default();
    }
    let Some((sql, ..)) = sql_text(db, item) else { return Planning::default() };
    let known = input_tables(db, workspace, file);
    let unknown_input = mentions(db, item).iter().filter_map(|m| m.strip_prefix("input.")).any(|name| {
        match known.iter().find(|t| t.name == name) {
            Some(table) => table.columns.is_none(),
            // The sample would tell, and nobody has looked at it yet.
            None => known.is_empty() && super::catalog::awaits_sample(db, workspace, file),
        }
    });
    if unknown_input {
        return Planning::default();
    }
    let mut catalog = base_catalog(db, workspace, file).clone();
    let table = |other: Item<'db>, columns: Vec<Column>| {
        let schema = if other.keyword(db) == "scope" { "output" } else { "" };
        Table { schema: schema.to_owned(), name: other.name(db).clone(), columns }
    };
    let reads = graph.reads.get(at).map(Vec::as_slice).unwrap_or_default();
    for other in reads.iter().filter_map(|i| graph.items.get(*i).copied()) {
        let Some(known) = columns(db, workspace, other).clone() else { return Planning::default() };
        push_new(&mut catalog, table(other, known));
    }
    let planning = sql::plan(&sql, &catalog);
    if planning.faults.iter().all(|f| f.code != Code::SqlUnknownTable) {
        return planning;
    }
    // What the text does not mention is there for its name only, for "did you mean".
    for other in graph.items.iter().copied().filter(|i| *i != item) {
        push_new(&mut catalog, table(other, Vec::new()));
    }
    sql::plan(&sql, &catalog)
}

/// Adds a table unless there is one of its name.
fn push_new(catalog: &mut Catalog, table: Table) {
    if catalog.tables.iter().all(|t| t.schema != table.schema || t.name != table.name) {
        catalog.tables.push(table);
    }
}

/// The columns that a block makes: all that later items see of it.
#[salsa::tracked]
pub fn columns<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Option<Vec<Column>> {
    block(db, workspace, item).planned.as_ref().map(|p| p.columns.clone())
}

/// The column of an input that a block's column is, unchanged, however many views it came through: the input's name
/// and the column's.
pub fn input_column<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
    column: &str,
) -> Option<(String, String)> {
    let ColumnSource { schema, table, column } =
        sources(db, workspace, item).iter().find(|(name, _)| name == column).map(|(_, s)| s.clone())?;
    let keyword = match schema.as_str() {
        "input" => return Some((table, column)),
        "" => "view",
        "output" => "scope",
        _ => return None,
    };
    let made = items::named(db, item.file(db), keyword, &table)?;
    input_column(db, workspace, made, &column)
}

/// Where a block's columns come from that come unchanged from somewhere.
#[salsa::tracked]
fn sources<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<(String, ColumnSource)> {
    let planned = block(db, workspace, item).planned.iter();
    let each = planned.flat_map(|p| p.columns.iter().zip(&p.sources));
    each.filter_map(|(column, source)| Some((column.name.clone(), source.clone()?))).collect()
}

/// What a block reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Tables with the columns needed.
    pub tables: Vec<TableRead>,
    /// Run parameters.
    pub parameters: Vec<String>,
    /// Functions, as called.
    pub functions: Vec<String>,
}

/// What a block reads; none where it could not be planned without fault.
#[salsa::tracked]
pub fn reads<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Option<Reads> {
    let planning = block(db, workspace, item);
    planning.planned.as_ref().filter(|_| planning.faults.is_empty()).map(|p| Reads {
        tables: p.tables.clone(),
        parameters: p.parameters.clone(),
        functions: p.functions.clone(),
    })
}

/// What is wrong with a block.
pub fn block_faults<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<Diagnostic> {
    let graph = graph(db, item.file(db));
    let at = graph.items.iter().position(|i| *i == item);
    if let Some(circle) = at.and_then(|at| graph.circles.get(at)?.as_ref()) {
        let names: Vec<_> =
            circle.iter().filter_map(|i| graph.items.get(*i)).map(|i| format!("`{}`", i.name(db))).collect();
        let mut fault = Diagnostic::new(
            Code::SqlCycle,
            item.name_span(db),
            format!("`{}` reads itself: {}", item.name(db), names.join(" reads ")),
        )
        .here("reads itself in the end")
        .help("take what they share into a view of its own");
        for other in circle.iter().filter_map(|i| graph.items.get(*i)).filter(|i| **i != item) {
            fault = fault.label(other.name_span(db), "on the way");
        }
        return vec![fault];
    }
    let Some((sql, place, written)) = sql_text(db, item) else { return Vec::new() };
    let lacks = lacks_import(db, workspace, item.file(db));
    // What may stand in an import that could not be read is told there.
    let told = |f: &sql::Fault| {
        let name = sql.get(f.range.start as usize..f.range.end as usize).unwrap_or_default();
        lacks
            && match f.code {
                Code::SqlUnknownTable => name.starts_with("records."),
                Code::SqlUnknownFunction => name.contains('.'),
                _ => false,
            }
    };
    let faults = block(db, workspace, item).faults.iter().filter(|f| !told(f));
    faults
        .map(|f| {
            let range = if written { f.range.shift(place.start) } else { place };
            Diagnostic::new(f.code, item.span(db, range), f.message.clone())
                .here(f.label.clone())
                .maybe_help(f.help.clone())
        })
        .collect()
}
