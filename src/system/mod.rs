//! The outside world behind traits, the folder of an execution, scratch tables, secrets, signals, folders that others
//! write to, and where tests let the process die.

pub mod clock;
pub mod crash;
pub mod files;
pub mod folder;
pub mod foreign;
pub mod guard;
pub mod machine;
pub mod once;
pub mod say;
pub mod secrets;
pub mod signals;
pub mod spool;
pub mod stop;
