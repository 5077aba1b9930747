//! The one integration test binary: linking the engine once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod active;
mod after;
mod api;
mod architecture;
mod cli;
mod common;
mod crash;
mod diagnostics;
mod docs;
mod examples;
mod faults;
mod folders;
mod hooks;
mod hostile;
mod life;
mod limits;
mod memory;
mod mutations;
mod outputs;
mod page;
mod plain;
mod queue;
mod say;
mod sentences;
mod soak;
mod tell;
mod trials;
mod triggers;
mod zombie;
