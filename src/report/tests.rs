#![allow(clippy::unwrap_used, clippy::expect_used)]

mod decisions;
mod outputs;
mod sample;
mod workbook;
