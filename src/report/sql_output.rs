//! `sql-output.zip`: one CSV for each output table, exact.

use super::ReportError;
use super::part_file::{self, Output, PartFile};
use super::words::exact;
use crate::system::spool::Spool;
use crate::value::arrow::datatypes::Schema;
use std::io::Write;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// How the CSVs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqlOutputOptions {
    /// Puts a `'` before every text that a spreadsheet could take for a formula. Off: cells are
    /// exact.
    pub guard_formulas: bool,
}

/// Writes one `<scope>.csv` for each scope: UTF-8, commas, LF, columns whose names start with `__`
/// left out, no value as an empty cell. The file appears when it is complete; false where `stop` said that it
/// is not wanted any more.
///
/// # Errors
/// Where a spool cannot be read or the file cannot be written.
pub fn write_sql_output(
    path: &Path,
    scopes: &[(&str, &Spool)],
    options: SqlOutputOptions,
    stop: &dyn Fn() -> bool,
) -> Result<bool, ReportError> {
    let (part, file) = PartFile::create(path)?;
    let mut zip = ZipWriter::new(file);
    for (name, spool) in scopes {
        // A CSV is rarely larger than four times its spool; only then zip64 marks are needed, which
        // older readers do not know.
        let large = part_file::size(spool.path()) > 1 << 30;
        // The fastest level: CSVs shrink to a seventh at any, and people wait for this file.
        let settings = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .large_file(large);
        zip.start_file(format!("{}.csv", entry_name(name)), settings)
            .map_err(|e| ReportError::new(path, e))?;
        if !write_csv(path, &mut zip, spool, options, stop)? {
            return Ok(false);
        }
    }
    let mut file = zip.finish().map_err(|e| ReportError::new(path, e))?;
    file.flush().map_err(|e| ReportError::new(path, e))?;
    drop(file);
    part.keep().map(|()| true)
}

/// The columns that people see: all but those whose names start with `__`.
pub(super) fn shown_columns(schema: &Schema) -> Vec<usize> {
    schema.fields().iter().enumerate().filter(|(_, f)| !f.name().starts_with("__")).map(|(i, _)| i).collect()
}

fn write_csv(
    path: &Path,
    zip: &mut ZipWriter<Output>,
    spool: &Spool,
    options: SqlOutputOptions,
    stop: &dyn Fn() -> bool,
) -> Result<bool, ReportError> {
    let columns = shown_columns(spool.schema());
    let failed = |e: csv::Error| ReportError::new(path, e);
    // The ZIP compresses what it is given; small pieces would make that slow.
    let mut out = csv::WriterBuilder::new().buffer_capacity(1 << 18).from_writer(zip);
    let guard = |text: String| if options.guard_formulas { guarded(text) } else { text };
    if !columns.is_empty() {
        out.write_record(columns.iter().map(|c| guard(spool.schema().field(*c).name().clone())))
            .map_err(failed)?;
        let mut record = csv::StringRecord::new();
        for batch in spool.read(Some(columns)).map_err(|e| ReportError::new(path, e))? {
            let batch = batch.map_err(|e| ReportError::new(path, e))?;
            if stop() {
                return Ok(false);
            }
            for row in 0..batch.num_rows() {
                record.clear();
                for column in batch.columns() {
                    let text = exact(column.as_ref(), row).to_string();
                    // Numbers are no formulas, whatever they start with.
                    let is_number = column.data_type().is_numeric();
                    record.push_field(&if is_number { text } else { guard(text) });
                }
                out.write_record(&record).map_err(failed)?;
            }
        }
    }
    out.flush().map(|()| true).map_err(|e| ReportError::new(path, e))
}

/// A scope's name is an identifier; whatever it is, it stays a plain file name.
fn entry_name(scope: &str) -> String {
    scope.chars().map(|c| if matches!(c, '/' | '\\' | ':') || c.is_control() { '_' } else { c }).collect()
}

/// With a `'` before what a spreadsheet could take for a formula, also after spaces.
fn guarded(text: String) -> String {
    let start = text.trim_start_matches(' ').chars().next();
    if matches!(start, Some('=' | '+' | '-' | '@' | '\t' | '\r')) { format!("'{text}") } else { text }
}
