//! SQL: planning blocks over known schemas before a run, and running them. The only user of
//! DataFusion (but for its arrow, which is everybody's).

mod blame;
mod calls;
mod catalog;
mod check;
mod conversions;
mod correlated;
mod dialect;
mod engine;
mod expand;
mod failure;
mod functions;
mod lineage;
mod locate;
pub mod meta;
mod misread;
pub mod native;
mod origins;
mod parse;
mod places;
mod registry;
mod relations;
mod shares;
mod sources;
mod string_agg;
mod suspects;
mod tables;
mod turns;
mod words;
mod work;

pub use catalog::{
    Catalog, Column, ColumnSource, Fault, Function, Planned, Planning, Table, TableRead, type_words,
};
pub use check::plan;
pub use engine::{Engine, Present, SqlLimits, parameter};
pub use failure::SqlError;
pub use lineage::{ROW, reserved};
pub use origins::origins;
pub use tables::{Batches, Open};

#[cfg(test)]
mod tests;
