//! The outside world behind traits, and scratch files.
pub mod files;
pub mod spool;
