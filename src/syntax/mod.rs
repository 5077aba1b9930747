//! Text to tree. Always a tree, plus what could not be read. The only room that knows pest.

mod block;
mod braces;
mod entry;
mod errors;
mod escapes;
mod head;
mod opens;
mod parse;
mod reader;
mod scan;
mod setting;
mod split;
mod sql_text;
pub mod tree;

#[cfg(test)]
mod tests;

pub use parse::parse;
