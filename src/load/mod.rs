//! Match, map, decide: from typed rows to one [`RowDecision`] each and the writes they lead to.

mod decision;

pub use decision::*;
