//! The checked model: what the sources say, resolved and checked, kept up to date edit by edit.
//! The only user of salsa.
//!
//! Every check is a pure query that returns its value and its diagnostics together. Signatures (an
//! object's schema, a block's columns, a scope's variables) are queries of their own that carry no
//! spans: an edit that leaves them as they are stops there.

mod catalog;
mod compile;
mod connector;
mod db;
mod functions;
mod input;
mod items;
mod load;
mod mapping;
mod names;
mod object;
mod project;
mod query;
mod resolve;
mod rules;
mod sample;
mod scan;
mod scope;
mod setting_values;
mod settings;
mod source;
mod types;
mod unused;

#[cfg(test)]
mod tests;

pub use project::{Project, SAVE_AS_UTF8};
pub use sample::{NoTable, SampleFacts, SampleTable};
