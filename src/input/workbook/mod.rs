//! Workbooks, cell by cell: nothing is held but the shared texts and one row.

mod biff;
mod cfb;
mod text;
mod xls;
mod xlsb;
mod zipped;

use super::errors::InputError;
use super::{Limits, Notice};
use crate::system::guard::guarded;
use calamine::{DataRef, Reader, Sheet, SheetType, SheetVisible, Xls, XlsError, Xlsb, Xlsx, open_workbook};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use text::{Text, reference, text};

pub(super) use xls::check as check_old;
pub(super) use zipped::check as check_zipped;

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

/// Characters of a cell at most, as UTF-16 counts them: more than this no spreadsheet program writes.
const LONGEST_CELL: usize = 32_767;

/// What the cells of one workbook may hold together: a text that many of them share is in the file but once.
pub(super) struct Room {
    left: u64,
    limit: u64,
}

impl Room {
    pub fn new(limits: &Limits) -> Self {
        Self { left: limits.zip_total, limit: limits.zip_total }
    }
}

/// What is told of a workbook's form.
#[derive(Clone, Copy, Default)]
struct Seen {
    merged: bool,
    hidden: bool,
}

impl Seen {
    fn tell(self, shown: &str, notices: &mut Vec<Notice>) {
        if self.merged {
            let message =
                format!("{shown}: there are merged cells; their value stands in the first cell only");
            notices.push(Notice { message });
        }
        if self.hidden {
            let message = format!("{shown}: hidden rows and columns are read like the others");
            notices.push(Notice { message });
        }
    }
}

fn damaged(shown: &str, cause: impl std::fmt::Display) -> InputError {
    InputError::refused(shown, format!("the workbook is damaged ({cause})"))
        .with_hint("open it in a spreadsheet program and save it again")
}

/// The reader of workbooks may panic on damaged ones; that is a refusal, not a crash.
fn guard<T>(shown: &str, work: impl FnOnce() -> Result<T, InputError>) -> Result<T, InputError> {
    guarded(work).unwrap_or_else(|_| Err(damaged(shown, "it cannot be read")))
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
    rows(path, shown, book, sheet, &mut Room::new(&Limits::default()), &mut |_| {
        blank = false;
        Ok(false)
    })?;
    Ok(blank)
}

/// Gives each row that is not blank to `each`, in order, until it says false. `room` is that of its workbook.
///
/// # Errors
/// A damaged sheet, cells beyond the limits; what `each` returns.
pub(super) fn rows(
    path: &Path,
    shown: &str,
    book: Book,
    sheet: &str,
    room: &mut Room,
    each: &mut dyn FnMut(&SheetRow) -> Result<bool, InputError>,
) -> Result<(), InputError> {
    let mut gather = Gather { row: SheetRow::default(), bytes: 0, room, each, shown, sheet };
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

struct Gather<'a> {
    row: SheetRow,
    bytes: usize,
    room: &'a mut Room,
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
        if value.len() > LONGEST_CELL && value.encode_utf16().count() > LONGEST_CELL {
            let cause =
                format!("the cell has more than {LONGEST_CELL} characters, the most that a spreadsheet has");
            let hint = "take it out, or save the sheet as CSV";
            let place = cell_name(column, line);
            return Err(InputError::limit(self.shown, cause)
                .inside(Some(self.sheet))
                .at_cell(place)
                .with_hint(hint));
        }
        // One long shared text may stand in every cell.
        self.bytes += value.len();
        let limit = Limits::default().max_row_bytes;
        if self.bytes > limit {
            let cause = format!("a row has more than {limit} bytes, the limit of one row (max_row_bytes)");
            return Err(InputError::limit(self.shown, cause).inside(Some(self.sheet)).at_line(line));
        }
        let Some(left) = self.room.left.checked_sub(value.len() as u64) else {
            let limit = self.room.limit;
            let cause = format!("up to here, the workbook's cells have more than {limit} bytes (zip_total)");
            return Err(InputError::limit(self.shown, cause)
                .inside(Some(self.sheet))
                .at_line(line)
                .with_hint("split the workbook, or save its sheets as CSV"));
        };
        self.room.left = left;
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
