//! The one integration test binary: linking the engine once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod common;
mod docs;
mod examples;
