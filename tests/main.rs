//! The one integration test binary: linking the engine once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod architecture;
mod cli;
mod common;
mod crash;
mod diagnostics;
mod docs;
mod examples;
mod faults;
mod hostile;
mod life;
mod limits;
mod mutations;
mod outputs;
mod trials;
mod zombie;
