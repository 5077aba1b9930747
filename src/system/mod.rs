//! The outside world behind traits, the folder of an execution, and scratch tables.

pub mod clock;
pub mod files;
pub mod folder;
pub mod guard;
pub mod spool;
