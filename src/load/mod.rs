//! Match, map, decide: from typed rows to one [`RowDecision`] each and the writes they lead to.

mod decision;
mod engine;
mod mapping;
mod matching;
mod options;
mod rows;
mod workspace;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;

pub use decision::*;
pub use engine::{Decided, Provisional, Step};
pub use rows::Rows;

pub use crate::value::SourceRef;
