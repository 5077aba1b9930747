//! Match, map, decide: from typed rows to one [`RowDecision`] each and the writes they lead to.

mod decision;
mod engine;
mod mapping;
mod matching;
mod options;
mod rows;
mod workspace;

pub use decision::*;
pub use engine::{Decided, Provisional, Step};
pub use rows::Rows;
