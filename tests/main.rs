//! The one integration test binary: linking the engine once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod architecture;
mod cli;
mod common;
mod crash;
mod diagnostics;
mod docs;
mod examples;
mod hostile;
mod life;
mod mutations;
mod outputs;
mod page;
