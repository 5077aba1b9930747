//! A look at the beginning of a file: names, headers, some rows.

use super::delimited::{self, Record};
use super::errors::InputError;
use super::headers::normalise_headers;
use super::parts::{self, Found, Kind};
use super::reader::header_texts;
use super::workbook::{self, Room};
use super::{InputFile, Limits, PROBE_ROWS, Part};
use crate::plan::ReaderOptions;
use crate::value::sql_name;
use std::path::Path;

/// What a part of a file looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbedTable {
    /// The part.
    pub part: Part,
    /// The table's name that follows from the sheet's or file's.
    pub name: String,
    /// For each column its SQL name and the header in the file.
    pub headers: Vec<(String, String)>,
    /// The first rows, up to [`PROBE_ROWS`]; empty cells are `None`, rows of another width left out.
    pub rows: Vec<Vec<Option<String>>>,
    /// The delimiter of a text file.
    pub delimiter: Option<char>,
}

/// Looks at a file's parts; parts without a header row are left out.
///
/// # Errors
/// As [`super::read`].
pub fn probe(file: &Path, limits: &Limits) -> Result<Vec<ProbedTable>, InputError> {
    let scratch = tempfile::tempdir().map_err(|e| InputError::io(Path::new("the temporary folder"), e))?;
    let mut notices = Vec::new();
    let found =
        parts::list(&[InputFile::from(file.to_path_buf())], scratch.path(), limits, &|| false, &mut notices)?;
    let mut tables = Vec::new();
    for part in &found {
        let probed = match &part.kind {
            Kind::Text { path } => Some(text(part, path, limits)?),
            Kind::Sheet { .. } => sheet(part, limits)?,
        };
        tables.extend(probed);
    }
    if tables.is_empty() {
        return Err(InputError::refused(&file.display().to_string(), "every sheet is empty"));
    }
    Ok(tables)
}

fn table(found: &Found, headers: &[String], delimiter: Option<char>) -> ProbedTable {
    let names = normalise_headers(headers);
    ProbedTable {
        part: found.part.clone(),
        name: sql_name(&found.title),
        headers: names.into_iter().zip(headers.iter().map(|h| h.trim().to_owned())).collect(),
        rows: Vec::new(),
        delimiter,
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn text(found: &Found, path: &Path, limits: &Limits) -> Result<ProbedTable, InputError> {
    let mut opened = delimited::open(path, &found.shown(), &ReaderOptions::default(), limits)?;
    let mut table = table(found, &opened.headers, Some(char::from(opened.delimiter)));
    let mut record = Record::default();
    while table.rows.len() < PROBE_ROWS && opened.records.next(&mut record)? {
        if !record.is_blank() && record.len() == table.headers.len() {
            table.rows.push(record.strings().iter().map(|s| some(s)).collect());
        }
    }
    Ok(table)
}

fn sheet(found: &Found, limits: &Limits) -> Result<Option<ProbedTable>, InputError> {
    let Kind::Sheet { path, book } = &found.kind else { return Ok(None) };
    let mut probed: Option<ProbedTable> = None;
    let (mut room, mut held) = (Room::new(limits), 0);
    workbook::rows(path, &found.part.file, *book, &found.title, &mut room, &mut |row| {
        held += row.cells.iter().map(|(_, text)| text.len()).sum::<usize>();
        match &mut probed {
            None => probed = Some(table(found, &header_texts(row), None)),
            Some(table) => {
                let width = table.headers.len();
                table.rows.push((0..width).map(|i| row.cell(i).and_then(some)).collect());
            }
        }
        // What is shown is kept in memory: of long rows fewer will do.
        let enough = held >= limits.max_row_bytes;
        Ok(!enough && probed.as_ref().is_none_or(|t| t.rows.len() < PROBE_ROWS))
    })?;
    Ok(probed)
}
