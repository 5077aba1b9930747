//! Match, map, decide: from typed rows to one [`RowDecision`] each and the writes they lead to.

mod decision;
mod engine;
mod ids;
mod mapping;
mod matching;
mod options;
mod prepare;
mod rows;
mod settle;
mod shape;
mod workspace;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;

pub use decision::*;
pub use engine::{Decided, Step};
pub use ids::NewIds;
pub use prepare::{Prepared, Preparer};
pub use rows::Rows;
pub use settle::{refuse, settle};

pub use crate::value::SourceRef;
