//! Workbooks, cell by cell: nothing is held but the shared texts and one row.

use super::archive::{self, Entry};
use super::errors::InputError;
use super::{Limits, Notice};
use crate::system::guard::guarded;
use calamine::{
    Data, DataRef, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsb, Xlsx,
    open_workbook,
};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The form of a workbook, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Book {
    Xlsx,
    Xlsb,
    Xls,
}

/// A row with something in it.
#[derive(Default)]
pub(super) struct SheetRow {
    /// The row's number, from 1.
    pub line: u64,
    /// Column from 0 and text, by column; cells without text are left out.
    pub cells: Vec<(usize, String)>,
    /// The first cell that cannot be read: column and why.
    pub bad: Option<(usize, String)>,
    /// Columns with numbers of more than 15 digits.
    pub long_numbers: Vec<usize>,
}

impl SheetRow {
    pub fn cell(&self, column: usize) -> Option<&str> {
        let at = self.cells.binary_search_by_key(&column, |(c, _)| *c).ok()?;
        self.cells.get(at).map(|(_, text)| text.as_str())
    }
}

/// `C7` of column 2 and line 7.
pub(super) fn cell_name(column: usize, line: u64) -> String {
    let (mut letters, mut n) = (Vec::new(), column + 1);
    while n > 0 {
        letters.push(char::from(b'A' + ((n - 1) % 26) as u8));
        n = (n - 1) / 26;
    }
    letters.iter().rev().chain(line.to_string().chars().collect::<Vec<_>>().iter()).collect()
}

fn damaged(shown: &str, cause: impl std::fmt::Display) -> InputError {
    InputError::refused(shown, format!("the workbook is damaged ({cause})"))
        .with_hint("open it in a spreadsheet program and save it again")
}

/// The reader of workbooks may panic on damaged ones; that is a refusal, not a crash.
fn guard<T>(shown: &str, work: impl FnOnce() -> Result<T, InputError>) -> Result<T, InputError> {
    guarded(work).unwrap_or_else(|_| Err(damaged(shown, "it cannot be read")))
}

/// Whether bytes hold `needle`.
fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    position(bytes, needle).is_some()
}

fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.iter().position(|b| *b == first)?;
        if bytes.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The digits after each ` name="`; the largest number of them.
fn largest(bytes: &[u8], attribute: &[u8]) -> u64 {
    let (mut most, mut from) = (0, 0);
    while let Some(at) = bytes.get(from..).and_then(|rest| position(rest, attribute)) {
        from += at + attribute.len();
        let digits = bytes.get(from..).unwrap_or_default().iter().skip_while(|b| matches!(b, b'"' | b'\''));
        let number = digits
            .take_while(|b| b.is_ascii_digit())
            .fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
        most = most.max(number);
    }
    most
}

/// Checks a zipped workbook before it is opened: every part is unpacked once, counted and thrown away.
///
/// # Errors
/// Encryption, DOCTYPE, bombs, and numbers that would make the reader take memory without end.
pub(super) fn check_zip(
    path: &Path,
    shown: &str,
    limits: &Limits,
    notices: &mut Vec<Notice>,
) -> Result<Book, InputError> {
    let mut zip = archive::open(path, shown)?;
    let list = archive::entries(&mut zip, shown, limits)?;
    let mut seen = Seen::default();
    for entry in list.iter().filter(|e| !e.is_dir) {
        let lower = entry.name.to_ascii_lowercase();
        // Held in memory by the reader, in full.
        let held = ["sharedstrings", "styles.", "workbook.", "theme"].iter().any(|n| lower.contains(n));
        if held && entry.size > limits.workbook_memory {
            let cause = format!(
                "it has more than {} bytes to keep in memory (workbook_memory)",
                limits.workbook_memory
            );
            return Err(InputError::limit(shown, cause).inside(Some(&entry.name)));
        }
        let xml = lower.ends_with(".xml") || lower.ends_with(".rels");
        scan(&mut zip, entry, shown, xml, limits.max_field_bytes, &mut seen)?;
    }
    if seen.merged {
        let message = format!("{shown}: there are merged cells; their value stands in the first cell only");
        notices.push(Notice { message });
    }
    if seen.hidden {
        let message = format!("{shown}: hidden rows and columns are read like the others");
        notices.push(Notice { message });
    }
    let binary = list.iter().any(|e| e.name.eq_ignore_ascii_case("xl/workbook.bin"));
    Ok(if binary { Book::Xlsb } else { Book::Xlsx })
}

#[derive(Default)]
struct Seen {
    merged: bool,
    hidden: bool,
}

fn scan(
    zip: &mut archive::Archive,
    entry: &Entry,
    shown: &str,
    xml: bool,
    max_text: usize,
    seen: &mut Seen,
) -> Result<(), InputError> {
    const OVERLAP: usize = 64;
    let refuse = |cause: &str| Err(InputError::refused(shown, cause).inside(Some(&entry.name)));
    let is_sheet = entry.name.contains("worksheets/");
    let is_strings = entry.name.to_ascii_lowercase().ends_with("sharedstrings.xml");
    let mut window: Vec<u8> = Vec::new();
    let mut first = true;
    let mut run = 0usize;
    archive::stream(zip, entry, shown, &mut |piece| {
        if !xml {
            return Ok(());
        }
        if std::mem::take(&mut first)
            && (piece.starts_with(&[0xFF, 0xFE]) || piece.starts_with(&[0xFE, 0xFF]))
        {
            return refuse("a part of the workbook is UTF-16, which no spreadsheet program writes");
        }
        // The reader holds what stands between two `<` in memory.
        run = match piece.iter().rposition(|b| *b == b'<') {
            Some(at) => piece.len() - at,
            None => run + piece.len(),
        };
        if run > max_text {
            let cause =
                format!("a cell has more than {max_text} bytes, the limit of one cell (max_field_bytes)");
            return Err(InputError::limit(shown, cause).inside(Some(&entry.name)));
        }
        window.extend_from_slice(piece);
        if holds(&window, b"<!DOCTYPE") || holds(&window, b"<!ENTITY") {
            return refuse("a part of the workbook has a DOCTYPE, which no spreadsheet program writes");
        }
        // The reader makes room for as many as these numbers say.
        if is_strings && largest(&window, b"uniqueCount=") > entry.size {
            return refuse("the workbook says that it has more texts than fit into it");
        }
        if is_sheet {
            if largest(&window, b" si=") > 1 << 20 {
                return refuse("the workbook numbers its formulas beyond a million");
            }
            seen.merged |= holds(&window, b"<mergeCell ");
            seen.hidden |= !seen.hidden && holds(&window, b" hidden=\"1\"");
        }
        let keep = window.len().saturating_sub(OVERLAP);
        window.drain(..keep);
        Ok(())
    })
}

/// Checks a workbook of the old form before it is opened.
///
/// # Errors
/// Encryption; an old workbook with a new one's name.
pub(super) fn check_cfb(path: &Path, shown: &str, ending: &str) -> Result<(), InputError> {
    let wanted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut file = File::open(path).map_err(|e| InputError::io(path, e))?;
    let mut window = Vec::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let n = file.read(&mut buffer).map_err(|e| InputError::io(path, e))?;
        if n == 0 {
            break;
        }
        window.extend_from_slice(buffer.get(..n).unwrap_or_default());
        if holds(&window, &wanted) {
            return Err(encrypted(shown));
        }
        let keep = window.len().saturating_sub(wanted.len());
        window.drain(..keep);
    }
    if ending != "xls" {
        return Err(InputError::refused(
            shown,
            format!("this is an old workbook (.xls), not a .{ending} file"),
        )
        .with_hint("give it the ending .xls, or save it as .xlsx"));
    }
    Ok(())
}

fn encrypted(shown: &str) -> InputError {
    InputError::refused(shown, "the workbook is encrypted").with_hint("save it without a password")
}

fn open_xlsx(path: &Path, shown: &str) -> Result<Xlsx<BufReader<File>>, InputError> {
    open_workbook(path).map_err(|e: calamine::XlsxError| damaged(shown, e))
}

fn open_xlsb(path: &Path, shown: &str) -> Result<Xlsb<BufReader<File>>, InputError> {
    open_workbook(path).map_err(|e: calamine::XlsbError| damaged(shown, e))
}

fn open_xls(path: &Path, shown: &str) -> Result<Xls<BufReader<File>>, InputError> {
    open_workbook(path).map_err(|e: XlsError| match e {
        XlsError::Password => encrypted(shown),
        other => damaged(shown, other),
    })
}

/// The names of the sheets that hold cells, and whether each is hidden.
pub(super) fn sheets(path: &Path, shown: &str, book: Book) -> Result<Vec<(String, bool)>, InputError> {
    let pick = |all: &[Sheet]| -> Vec<(String, bool)> {
        all.iter()
            .filter(|s| s.typ == SheetType::WorkSheet)
            .map(|s| (s.name.clone(), s.visible != SheetVisible::Visible))
            .collect()
    };
    guard(shown, || {
        Ok(match book {
            Book::Xlsx => pick(open_xlsx(path, shown)?.sheets_metadata()),
            Book::Xlsb => pick(open_xlsb(path, shown)?.sheets_metadata()),
            Book::Xls => pick(open_xls(path, shown)?.sheets_metadata()),
        })
    })
}

/// Whether a sheet has no text at all.
pub(super) fn is_blank(path: &Path, shown: &str, book: Book, sheet: &str) -> Result<bool, InputError> {
    let mut blank = true;
    rows(path, shown, book, sheet, &mut |_| {
        blank = false;
        Ok(false)
    })?;
    Ok(blank)
}

/// Gives each row that is not blank to `each`, in order, until it says false.
///
/// # Errors
/// A damaged sheet; what `each` returns.
pub(super) fn rows(
    path: &Path,
    shown: &str,
    book: Book,
    sheet: &str,
    each: &mut dyn FnMut(&SheetRow) -> Result<bool, InputError>,
) -> Result<(), InputError> {
    let mut gather = Gather { row: SheetRow::default(), bytes: 0, each, shown, sheet };
    let bad = |e: String| damaged(shown, e).inside(Some(sheet));
    guard(shown, || {
        match book {
            Book::Xlsx => {
                let mut xlsx = open_xlsx(path, shown)?;
                let mut cells = xlsx.worksheet_cells_reader(sheet).map_err(|e| bad(e.to_string()))?;
                while let Some(c) = cells.next_cell_with_formula_metadata().map_err(|e| bad(e.to_string()))? {
                    let bare = c.formula.is_some() && c.value == DataRef::Empty;
                    if !gather.cell(c.pos, if bare { Text::NoResult } else { text(&c.value) })? {
                        return Ok(());
                    }
                }
            }
            Book::Xlsb => {
                let mut xlsb = open_xlsb(path, shown)?;
                let mut cells = xlsb.worksheet_cells_reader(sheet).map_err(|e| bad(e.to_string()))?;
                while let Some(c) = cells.next_cell().map_err(|e| bad(e.to_string()))? {
                    if !gather.cell(c.get_position(), text(c.get_value()))? {
                        return Ok(());
                    }
                }
            }
            Book::Xls => {
                let range = open_xls(path, shown)?.worksheet_range(sheet).map_err(|e| bad(e.to_string()))?;
                let (top, left) = range.start().unwrap_or_default();
                for (row, column, value) in range.used_cells() {
                    let at = (top + row as u32, left + column as u32);
                    if !gather.cell(at, text(&reference(value)))? {
                        return Ok(());
                    }
                }
            }
        }
        gather.end().map(drop)
    })
}

fn reference(value: &Data) -> DataRef<'_> {
    match value {
        Data::Int(v) => DataRef::Int(*v),
        Data::Float(v) => DataRef::Float(*v),
        Data::String(v) => DataRef::SharedString(v),
        Data::Bool(v) => DataRef::Bool(*v),
        Data::DateTime(v) => DataRef::DateTime(*v),
        Data::DateTimeIso(v) => DataRef::DateTimeIso(v.clone()),
        Data::DurationIso(v) => DataRef::DurationIso(v.clone()),
        Data::Error(v) => DataRef::Error(v.clone()),
        _ => DataRef::Empty,
    }
}

struct Gather<'a> {
    row: SheetRow,
    bytes: usize,
    each: &'a mut dyn FnMut(&SheetRow) -> Result<bool, InputError>,
    shown: &'a str,
    sheet: &'a str,
}

impl Gather<'_> {
    fn cell(&mut self, (row, column): (u32, u32), text: Text) -> Result<bool, InputError> {
        let (line, column) = (u64::from(row) + 1, column as usize);
        if line != self.row.line {
            if line < self.row.line {
                return Err(self.disorder(line));
            }
            if !self.end()? {
                return Ok(false);
            }
            self.row.line = line;
        }
        let value = match text {
            Text::Empty => return Ok(true),
            Text::Is(value) => value,
            Text::Long(value) => {
                self.row.long_numbers.push(column);
                value
            }
            Text::NoResult => {
                let why =
                    "the formula has no stored result; open the file in a spreadsheet program and save it";
                self.row.bad.get_or_insert((column, why.to_owned()));
                return Ok(true);
            }
            Text::Bad(why) => {
                self.row.bad.get_or_insert((column, why));
                return Ok(true);
            }
        };
        if self.row.cells.last().is_some_and(|(c, _)| *c >= column) {
            return Err(self.disorder(line));
        }
        if value.contains('\0') {
            self.row.bad.get_or_insert((column, "there is a NUL character in the cell".to_owned()));
        }
        // One long shared text may stand in every cell.
        self.bytes += value.len();
        let limit = Limits::default().max_row_bytes;
        if self.bytes > limit {
            let cause = format!("a row has more than {limit} bytes, the limit of one row (max_row_bytes)");
            return Err(InputError::limit(self.shown, cause).inside(Some(self.sheet)).at_line(line));
        }
        self.row.cells.push((column, value));
        Ok(true)
    }

    fn disorder(&self, line: u64) -> InputError {
        damaged(self.shown, "its cells are not in order").inside(Some(self.sheet)).at_line(line)
    }

    fn end(&mut self) -> Result<bool, InputError> {
        let some = self.row.bad.is_some() || self.row.cells.iter().any(|(_, t)| !t.trim().is_empty());
        let go_on = !some || (self.each)(&self.row)?;
        self.row.cells.clear();
        self.row.long_numbers.clear();
        self.row.bad = None;
        self.bytes = 0;
        Ok(go_on)
    }
}

enum Text {
    Empty,
    Is(String),
    /// A number of more digits than spreadsheets keep.
    Long(String),
    NoResult,
    Bad(String),
}

fn text(value: &DataRef<'_>) -> Text {
    match value {
        DataRef::Empty => Text::Empty,
        DataRef::String(s) if s.is_empty() => Text::Empty,
        DataRef::String(s) => Text::Is(s.clone()),
        DataRef::SharedString("") => Text::Empty,
        DataRef::SharedString(s) => Text::Is((*s).to_owned()),
        DataRef::Int(n) => number(n.to_string()),
        DataRef::Float(n) if !n.is_finite() => Text::Bad(format!("`{n}` is not a number")),
        DataRef::Float(n) if *n == 0.0 => Text::Is("0".to_owned()),
        // The shortest text that gives the same number back; never with an exponent.
        DataRef::Float(n) => number(n.to_string()),
        DataRef::Bool(b) => Text::Is(b.to_string()),
        DataRef::DateTime(d) => date(d),
        DataRef::DateTimeIso(s) => Text::Is(s.trim_end_matches('Z').to_owned()),
        DataRef::DurationIso(s) => Text::Is(s.clone()),
        DataRef::Error(e) => Text::Bad(format!("the cell has the error {e}")),
    }
}

fn number(text: String) -> Text {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    let significant = if text.contains('.') { digits } else { digits.trim_end_matches('0') };
    if significant.len() > 15 { Text::Long(text) } else { Text::Is(text) }
}

fn date(value: &ExcelDateTime) -> Text {
    let serial = value.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return Text::Bad(format!("the date number {serial} is outside the years 1900 to 9999"));
    }
    if value.is_duration() {
        let seconds = (serial * 86_400.0).round() as u64;
        return Text::Is(format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    }
    let (year, month, day, h, m, s, ms) = value.to_ymd_hms_milli();
    if (year, month, day) == (1900, 2, 29) {
        return Text::Bad("the date is 29 February 1900 (number 60), which never was".to_owned());
    }
    let time = format!("{h:02}:{m:02}:{s:02}");
    let time = if ms == 0 { time } else { format!("{time}.{ms:03}") };
    let midnight = (h, m, s, ms) == (0, 0, 0, 0);
    // Below one it is a time of day, in both epochs; day zero of 1904 is a date.
    if serial < 1.0 && !midnight {
        return Text::Is(time);
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    Text::Is(if midnight { day } else { format!("{day}T{time}") })
}
