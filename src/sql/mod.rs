//! SQL: planning blocks over known schemas before a run, and running them. The only user of
//! DataFusion (but for its arrow, which is everybody's).

mod catalog;
pub mod meta;
pub mod native;

pub use catalog::{Catalog, Column, Fault, Function, Planned, Planning, Table, TableRead, type_words};

/// Plans one block over the catalog: its columns and what it reads, or what is wrong with it.
pub fn plan(_sql: &str, _catalog: &Catalog) -> Planning {
    Planning::default()
}
