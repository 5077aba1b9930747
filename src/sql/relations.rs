//! The tables that a query names.

use super::catalog::{Catalog, Fault, Table};
use super::places::Places;
use super::registry;
use crate::diagnostic::{Code, nearest};
use crate::text::Range;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, Spanned, Visit, Visitor};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Table names that neither the catalog nor a WITH of the query has.
pub(super) fn unknown_tables(query: &Query, catalog: &Catalog, places: &Places<'_>) -> Vec<Fault> {
    let names = Relations::of(query);
    names
        .used
        .iter()
        .filter_map(|name| {
            let parts: Vec<String> = name.0.iter().filter_map(|p| p.as_ident()).map(normal).collect();
            let (schema, table) = match parts.as_slice() {
                [table] if names.with.contains(table) => return None,
                [table] => ("", table.as_str()),
                [schema, table] => (schema.as_str(), table.as_str()),
                _ => ("?", ""),
            };
            if catalog.tables.iter().any(|t| t.schema == schema && t.name == table) {
                return None;
            }
            let written = parts.join(".");
            // A function that makes rows (`generate_series`) also stands where a table stands.
            if registry::makes_rows(&written) {
                return None;
            }
            let range = places.range(name.span()).or_else(|| places.find(&written));
            Some(unknown_table(&written, range.unwrap_or_else(|| places.whole()), catalog))
        })
        .collect()
}

fn unknown_table(written: &str, range: Range, catalog: &Catalog) -> Fault {
    if is_file(written) {
        return Fault {
            code: Code::SqlForbiddenFunction,
            range,
            message: format!("SQL cannot read `{written}`"),
            label: "a file or an address".into(),
            help: Some("hand files in as input: declare an `input` and pass the file with --input".into()),
        };
    }
    let all: Vec<String> = catalog.tables.iter().map(Table::full_name).collect();
    // `prices` for `input.prices` is the commonest slip, nearer than any spelling.
    let bare = all.iter().find(|n| n.rsplit('.').next() == Some(written)).map(String::as_str);
    let near = bare.or_else(|| nearest(written, all.iter().map(String::as_str)));
    let help = match near {
        None if written == "dual" => "leave FROM out: `SELECT 1 AS n` makes one row".into(),
        Some(n) => format!("did you mean `{n}`?"),
        None if all.is_empty() => "no tables are known here: declare an `input` or an `object`".into(),
        None => format!("there are: {}", all.iter().take(12).cloned().collect::<Vec<_>>().join(", ")),
    };
    Fault {
        code: Code::SqlUnknownTable,
        range,
        message: format!("there is no table `{written}`"),
        label: "unknown table".into(),
        help: Some(help),
    }
}

/// Whether a table's name is a file's or an address, or a function's that reads one.
fn is_file(written: &str) -> bool {
    const ENDS: [&str; 8] = [".csv", ".tsv", ".txt", ".json", ".parquet", ".xlsx", ".xls", ".zip"];
    let lower = written.to_lowercase();
    written.contains(['/', '\\']) || lower.starts_with("read_") || ENDS.iter().any(|e| lower.ends_with(e))
}

/// A name as the planner takes it.
fn normal(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The tables that a query reads, and those that it makes for itself.
#[derive(Default)]
struct Relations {
    used: Vec<ObjectName>,
    with: BTreeSet<String>,
}

impl Relations {
    fn of(query: &Query) -> Self {
        let mut names = Self::default();
        let _ = query.visit(&mut names);
        names
    }
}

/// The bare names that a query reads: its views, among others.
pub(super) fn bare_names(query: &Query) -> BTreeSet<String> {
    let names = Relations::of(query).used;
    names.iter().filter(|n| n.0.len() == 1).filter_map(|n| n.0[0].as_ident().map(normal)).collect()
}

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(with) = &query.with {
            self.with.extend(with.cte_tables.iter().map(|c| normal(&c.alias.name)));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        self.used.push(relation.clone());
        ControlFlow::Continue(())
    }
}
