//! Files to tables: CSV and its kin, workbooks, ZIPs; encodings, headers, rows that cannot be read.

mod archive;
mod delimited;
mod encoding;
mod errors;
mod headers;
mod parts;
mod probe;
mod reader;
mod records;
mod rejects;
mod sink;
mod workbook;

#[cfg(test)]
mod tests;

pub use errors::{InputError, InputPlace, Refusal};
pub use parts::check_given;
pub use probe::{Probed, ProbedTable, probe};
pub use reader::read;

use crate::system::foreign::Origin;
use crate::system::spool::Spool;
use crate::value::SourceRef;
use std::path::PathBuf;

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where its bytes lie: a copy that nobody changes meanwhile.
    pub path: PathBuf,
    /// As the user gave it: for messages, and for the name of its table.
    pub name: String,
    /// Who may write to its folder until it is copied.
    pub origin: Origin,
}

impl InputFile {
    /// A file of whoever hands it in.
    pub fn new(path: PathBuf, name: String) -> Self {
        Self { path, name, origin: Origin::Own }
    }
}

impl From<PathBuf> for InputFile {
    fn from(path: PathBuf) -> Self {
        Self::new(path.clone(), path.display().to_string())
    }
}

/// All that was read.
#[derive(Debug, Default)]
pub struct Intake {
    /// The tables, in the plan's order.
    pub tables: Vec<IntakeTable>,
    /// Every part that the files have; a row's source says which by its index.
    pub parts: Vec<Part>,
    /// Rows that could not be read, up to [`Limits::max_rejected_kept`].
    pub rejected: Vec<RejectedRow>,
    /// How many rows could not be read.
    pub rejected_total: u64,
    /// A CSV of all of them, in the scratch folder; none where every row could be read.
    pub rejected_file: Option<PathBuf>,
    /// What people should know.
    pub notices: Vec<Notice>,
}

/// A table on disk. All its columns are text; the last one, `__row`, is each row's packed
/// [`SourceRef`].
#[derive(Debug)]
pub struct IntakeTable {
    /// The table is `input.NAME`.
    pub name: String,
    /// Its rows.
    pub spool: Spool,
    /// For each column its SQL name and the header in the file; `""` where that was blank.
    pub headers: Vec<(String, String)>,
    /// How many rows it has.
    pub rows: u64,
    /// The parts it was read from, by their index in [`Intake::parts`], with the rows of each.
    pub parts: Vec<(usize, u64)>,
}

/// A file, a sheet of a workbook, or a file in a ZIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file as it was given.
    pub file: String,
    /// The sheet, or the file in the ZIP.
    pub inner: Option<String>,
    /// Whether it is a sheet: lines are rows and cells have names.
    pub is_sheet: bool,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Where it stands; the part is an index into [`Intake::parts`].
    pub source: SourceRef,
    /// The cell of a sheet: `C7`.
    pub cell: Option<String>,
    /// Why, for people.
    pub message: String,
    /// The first 200 characters of its text.
    pub text: String,
}

/// Something that people should know about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What, with the file's name.
    pub message: String,
}

/// What input may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Columns of a table.
    pub max_columns: usize,
    /// Bytes of a cell, as UTF-8.
    pub max_field_bytes: usize,
    /// Bytes of a row, as UTF-8.
    pub max_row_bytes: usize,
    /// Rejected rows that are kept in memory; all of them are in [`Intake::rejected_file`].
    pub max_rejected_kept: usize,
    /// How many times its packed size a file in a ZIP may have.
    pub zip_ratio: u64,
    /// The unpacked bytes from which `zip_ratio` counts.
    pub zip_ratio_from: u64,
    /// Unpacked bytes of a ZIP or workbook; also of all cells of a workbook, each counted where it stands.
    pub zip_total: u64,
    /// Files in a ZIP or workbook.
    pub zip_entries: usize,
    /// Bytes of memory that the texts which the cells of a zipped workbook share may need.
    pub workbook_memory: u64,
    /// Bytes of memory that an old workbook (`.xls`), which is read whole, may need.
    pub xls_memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_columns: 16_384,
            max_field_bytes: 16 << 20,
            max_row_bytes: 64 << 20,
            max_rejected_kept: 1_000,
            zip_ratio: 250,
            zip_ratio_from: 10 << 20,
            zip_total: 8 << 30,
            zip_entries: 10_000,
            workbook_memory: 128 << 20,
            xls_memory: 256 << 20,
        }
    }
}

/// How many rows of each part a probe shows at most.
pub const PROBE_ROWS: usize = 1000;
