//! `sconn`: messy files become records, by a declarative connector that is checked before it runs,
//! dry-run by the same code that runs it live, and explained row by row.
//!
//! The rooms and what each may use are in `docs/architecture.md`; a test holds them.

pub mod cli;
pub mod diagnostic;
pub mod input;
pub mod library;
pub mod life;
pub mod load;
pub mod model;
pub mod notify;
pub mod plan;
pub mod project;
pub mod report;
pub mod run;
pub mod service;
pub mod sql;
pub mod syntax;
pub mod system;
pub mod target;
pub mod text;
pub mod value;
