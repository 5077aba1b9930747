//! A look at the beginning of a file: names, headers, some rows.

use super::delimited;
use super::errors::InputError;
use super::headers::{self, normalise_headers};
use super::parts::{self, Found, Kind};
use super::reader::header_texts;
use super::records::Record;
use super::workbook::{self, Book, Room};
use super::{InputFile, Limits, PROBE_ROWS, Part};
use crate::plan::{InputPlan, ReaderOptions};
use crate::value::sql_name;
use std::path::Path;

/// What a table of a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbedTable {
    /// The part; the first of them, where several feed the table.
    pub part: Part,
    /// For each column its SQL name and the header in the file.
    pub headers: Vec<(String, String)>,
    /// The first rows, up to [`PROBE_ROWS`]; empty cells are `None`, rows of another width left out.
    pub rows: Vec<Vec<Option<String>>>,
    /// The delimiter of a text file.
    pub delimiter: Option<char>,
}

/// Tables by their names, or why one cannot be read.
pub type Probed = Vec<(String, Result<ProbedTable, InputError>)>;

/// Looks at what a file has for each of `tables`, by the rules of [`super::read`]; where there are none, at each
/// of its parts by its own name, those without a header row left out.
///
/// # Errors
/// As [`super::read`]; what keeps a single table from being read is that table's.
pub fn probe(file: &Path, tables: &[InputPlan], limits: &Limits) -> Result<Probed, InputError> {
    let scratch = tempfile::tempdir().map_err(|e| InputError::io(Path::new("the temporary folder"), e))?;
    let mut notices = Vec::new();
    let found =
        parts::list(&[InputFile::from(file.to_path_buf())], scratch.path(), limits, &|| false, &mut notices)?;
    if !tables.is_empty() {
        let only = tables.len() == 1;
        return Ok(tables.iter().map(|t| (t.name.clone(), fed(&found, t, only, limits))).collect());
    }
    let mut probed = Vec::new();
    for part in &found {
        let looked = look(part, &ReaderOptions::default(), limits)?;
        probed.extend(looked.map(|(table, _)| (sql_name(&part.title), Ok(table))));
    }
    if probed.is_empty() {
        return Err(InputError::refused(&file.display().to_string(), "every sheet is empty"));
    }
    Ok(probed)
}

/// The table that an input reads. Whether the first part has its columns is left to whoever asks; the others must
/// have the same ones.
fn fed(found: &[Found], input: &InputPlan, only: bool, limits: &Limits) -> Result<ProbedTable, InputError> {
    let mut first: Option<ProbedTable> = None;
    for part in parts::feed(found, input, only)?.into_iter().filter_map(|i| found.get(i)) {
        let Some((table, line)) = look(part, &input.options, limits)? else {
            return Err(part.empty());
        };
        let texts: Vec<String> = table.headers.iter().map(|(_, header)| header.clone()).collect();
        if let Some(delimiter) = table.delimiter {
            delimited::check_delimiter(&part.shown(), &texts, delimiter, line, input.columns.as_deref())?;
        }
        match &first {
            None => first = Some(table),
            Some(first) => {
                let known: Vec<String> = first.headers.iter().map(|(_, header)| header.clone()).collect();
                // What the first one lacks is told of the first one.
                let Ok((known, _)) = headers::map(&part.shown(), &known, input.columns.as_deref()) else {
                    break;
                };
                let (here, _) = headers::map(&part.shown(), &texts, input.columns.as_deref())?;
                headers::same(&part.shown(), &here, known.iter().map(|c| c.name.as_str()))?;
            }
        }
    }
    first.ok_or_else(|| InputError::refused(&input.name, "nothing was read for this table"))
}

/// What a part looks like, and the line of its headers; none where it is a sheet without any.
fn look(
    found: &Found,
    options: &ReaderOptions,
    limits: &Limits,
) -> Result<Option<(ProbedTable, u64)>, InputError> {
    match &found.kind {
        Kind::Text { path } => text(found, path, options, limits).map(Some),
        Kind::Sheet { path, book } => sheet(found, path, *book, options, limits),
    }
}

fn table(found: &Found, headers: &[String], delimiter: Option<char>) -> ProbedTable {
    let names = normalise_headers(headers);
    ProbedTable {
        part: found.part.clone(),
        headers: names.into_iter().zip(headers.iter().map(|h| h.trim().to_owned())).collect(),
        rows: Vec::new(),
        delimiter,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn text(
    found: &Found,
    path: &Path,
    options: &ReaderOptions,
    limits: &Limits,
) -> Result<(ProbedTable, u64), InputError> {
    let mut opened = delimited::open(path, &found.shown(), options, limits)?;
    let mut table = table(found, &opened.headers, Some(char::from(opened.delimiter)));
    let mut record = Record::default();
    while table.rows.len() < PROBE_ROWS && opened.records.next(&mut record)? {
        if !record.is_blank() && record.fault.is_none() && record.len() == table.headers.len() {
            table.rows.push(record.strings().iter().map(|s| some(s)).collect());
        }
    }
    Ok((table, opened.header_line))
}

fn sheet(
    found: &Found,
    path: &Path,
    book: Book,
    options: &ReaderOptions,
    limits: &Limits,
) -> Result<Option<(ProbedTable, u64)>, InputError> {
    let mut probed: Option<(ProbedTable, u64)> = None;
    let from = u64::from(options.header.unwrap_or(1));
    let (mut room, mut held) = (Room::new(limits), 0);
    workbook::rows(path, &found.part.file, book, &found.title, &mut room, &mut |row| {
        if row.line < from {
            return Ok(true);
        }
        held += row.cells.iter().map(|(_, text)| text.len()).sum::<usize>();
        match &mut probed {
            None => probed = Some((table(found, &header_texts(row), None), row.line)),
            Some((table, _)) => {
                let width = table.headers.len();
                table.rows.push((0..width).map(|i| row.cell(i).and_then(some)).collect());
            }
        }
        // What is shown is kept in memory: of long rows fewer will do.
        let enough = held >= limits.max_row_bytes;
        Ok(!enough && probed.as_ref().is_none_or(|(t, _)| t.rows.len() < PROBE_ROWS))
    })?;
    Ok(probed)
}
