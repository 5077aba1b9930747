//! SQL: planning blocks over known schemas before a run, and running them. The only user of
//! DataFusion (but for its arrow, which is everybody's).

mod catalog;
mod check;
mod conversions;
mod engine;
mod expand;
mod lineage;
mod locate;
pub mod meta;
pub mod native;
mod origins;
mod parse;
mod registry;
mod tables;

pub use catalog::{Catalog, Column, Fault, Function, Planned, Planning, Table, TableRead, type_words};
pub use check::plan;
pub use engine::{Engine, SqlError, SqlLimits, parameter};
pub use lineage::ROW;
pub use origins::origins;
pub use tables::{Batches, Open};

#[cfg(test)]
mod tests;
