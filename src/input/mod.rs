//! Files to tables: CSV and its kin, workbooks, ZIPs; encodings, headers, rows that cannot be read.
use crate::plan::InputPlan;
use crate::system::spool::Spool;
use std::path::{Path, PathBuf};
pub struct Intake {
    pub tables: Vec<IntakeTable>,
    pub parts: Vec<Part>,
    pub rejected: Vec<RejectedRow>,
    pub notices: Vec<Notice>,
    pub rejected_count: u64,
}
pub struct IntakeTable {
    pub name: String,
    pub spool: Spool,
    pub headers: Vec<(String, String)>,
    pub rows: u64,
    pub parts: Vec<u32>,
}
pub struct Part {
    pub file: String,
    pub inner: Option<String>,
    pub is_sheet: bool,
    pub rows: u64,
}
pub struct RejectedRow {
    pub part: u32,
    pub line: u64,
    pub cell: Option<String>,
    pub message: String,
    pub text: String,
}
pub struct Notice {
    pub message: String,
}
#[derive(Default)]
pub struct Limits {}
pub struct ProbedTable {
    pub name: String,
    pub part: String,
    pub headers: Vec<(String, String)>,
    pub rows: Vec<Vec<Option<String>>>,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct InputError {}
impl InputError {
    pub fn hint(&self) -> &str {
        ""
    }
}
pub fn read(
    _files: &[PathBuf],
    _tables: &[InputPlan],
    _scratch: &Path,
    _limits: &Limits,
    _progress: &dyn Fn(u64, u64),
    _stop: &dyn Fn() -> bool,
) -> Result<Intake, InputError> {
    Err(InputError {})
}
pub fn probe(_file: &Path, _limits: &Limits) -> Result<Vec<ProbedTable>, InputError> {
    Err(InputError {})
}
