//! `report.xlsx`: the run, for people. Streamed: memory does not grow with the rows.

mod cells;
mod load;
mod overview;
mod styles;
mod tab;
mod tables;

use super::ReportError;
use super::part_file::{self, PartFile};
use super::summary::{RejectedLine, Summary};
use crate::plan::LoadPlan;
use crate::system::guard::guarded;
use crate::system::spool::Spool;
use crate::value::VariableSpec;
use rust_xlsxwriter::{DocProperties, Workbook};
use std::io::Write;
use std::path::Path;
use styles::Styles;
pub(super) use tab::TabNames;

/// What a sheet can hold, less the header.
const DATA_ROWS: u32 = 1_048_575;

/// What the workbook is made of.
pub struct ReportInput<'a> {
    /// What the first tab tells.
    pub summary: &'a Summary,
    /// The SQL's output tables, in order.
    pub scopes: &'a [ScopeTables<'a>],
    /// The load steps, in order.
    pub steps: &'a [StepTable<'a>],
    /// Input rows that could not be read; the first 1,000 are shown.
    pub rejected: &'a [RejectedLine],
    /// The words for the parts of the input: `prices.csv`, `book.xlsx!Sheet1`.
    pub parts: &'a [String],
}

/// One scope: what the SQL made and, unless it is for people only, what became of its variables.
pub struct ScopeTables<'a> {
    /// Its name.
    pub name: &'a str,
    /// The SQL's output. Columns whose names start with `__` are not shown; of those, `__row`
    /// (Int64, a packed [`crate::load::SourceRef`]) gives the column `Source`.
    pub output: &'a Spool,
    /// Its variables; none for an errors scope.
    pub variables: Option<VariablesTable<'a>>,
}

/// The resolved variables of a scope.
pub struct VariablesTable<'a> {
    /// What was asked for, in order.
    pub specs: &'a [VariableSpec],
    /// A column for each variable, named as it is, and `__problems`: a JSON list of
    /// [`crate::value::Problem`], or NULL. Its rows are those of the output, in the same order.
    pub values: &'a Spool,
}

/// One load step.
pub struct StepTable<'a> {
    /// What was to be done.
    pub plan: &'a LoadPlan,
    /// `decisions.parquet`.
    pub decisions: &'a Path,
}

/// Writes the workbook: `Summary`, `SQL Output <scope>`, `Variables <scope>`, `Load <step>`. The
/// file appears when it is complete; temporary files go into its folder.
///
/// # Errors
/// Where a spool or `decisions.parquet` cannot be read, or the file cannot be written.
pub fn write_workbook(path: &Path, input: &ReportInput<'_>) -> Result<(), ReportError> {
    // The library panics where it cannot write one of its temporary files: on a full disk.
    guarded(|| write_with_limit(path, input, DATA_ROWS))
        .unwrap_or_else(|e| Err(ReportError::new(path, plain(&e))))
}

/// What the system said, out of a panic's message.
fn plain(panic: &str) -> &str {
    let said = panic.split_once("message: \"").and_then(|(_, rest)| rest.split_once('"'));
    said.map_or(panic, |(text, _)| text)
}

/// The same with another number of data rows a tab.
pub(super) fn write_with_limit(path: &Path, input: &ReportInput<'_>, rows: u32) -> Result<(), ReportError> {
    let (part, mut file) = PartFile::create(path)?;
    let mut book = Book::new(path, input.parts, rows)?;
    book.workbook.use_zip_large_file(is_large(input));
    overview::write(&mut book, input)?;
    for scope in input.scopes {
        tables::sql_output(&mut book, scope)?;
    }
    for scope in input.scopes {
        if let Some(variables) = &scope.variables {
            tables::variables(&mut book, scope, variables)?;
        }
    }
    for step in input.steps {
        load::write(&mut book, step)?;
    }
    book.workbook.save_to_writer(&mut file).map_err(|e| ReportError::new(path, e))?;
    file.flush().map_err(|e| ReportError::new(path, e))?;
    drop(file);
    part.keep()
}

/// Whether a tab could be over 4 GiB before it is packed; only then zip64 marks are needed, which
/// not every program knows.
fn is_large(input: &ReportInput<'_>) -> bool {
    let spools = input.scopes.iter().flat_map(|s| [Some(s.output), s.variables.as_ref().map(|v| v.values)]);
    let cells = |s: &Spool| s.rows().min(u64::from(DATA_ROWS)) * s.schema().fields().len() as u64;
    spools.flatten().any(|s| part_file::size(s.path()) > 400 << 20 || cells(s) * 128 > 3 << 30)
        || input.steps.iter().any(|s| part_file::size(s.decisions) > 40 << 20)
}

/// The workbook in the making, and what all its tabs share.
struct Book<'a> {
    path: &'a Path,
    workbook: Workbook,
    styles: Styles,
    names: TabNames,
    parts: &'a [String],
    /// Data rows a tab can have.
    limit: u32,
}

impl<'a> Book<'a> {
    fn new(path: &'a Path, parts: &'a [String], limit: u32) -> Result<Self, ReportError> {
        let mut workbook = Workbook::new();
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        workbook.set_tempdir(folder).map_err(|e| ReportError::new(path, e))?;
        workbook.set_properties(&DocProperties::new().set_title("Run report").set_author("sconn"));
        Ok(Self { path, workbook, styles: Styles::new(), names: TabNames::default(), parts, limit })
    }

    fn failed(&self, cause: impl std::fmt::Display) -> ReportError {
        ReportError::new(self.path, cause)
    }
}
