//! Text to tree. Always a tree, plus what could not be read. The only room that knows pest.

pub mod tree;
