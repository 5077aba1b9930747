//! The records of an old workbook's stream. The reader takes memory by what they claim and keeps every
//! sheet whole, so they are walked through first.

#[cfg(test)]
mod tests;
mod texts;

use super::Seen;
use super::cfb::{u16_at, u32_at};
use std::ops::Range;
use texts::Texts;

const FORMULA: u16 = 0x0006;
const END: u16 = 0x000A;
const PASSWORD: u16 = 0x002F;
const CONTINUE: u16 = 0x003C;
const COLUMNS: u16 = 0x007D;
const SHEET: u16 = 0x0085;
const NUMBERS: u16 = 0x00BD;
const FORMATTED_TEXT: u16 = 0x00D6;
const MERGED: u16 = 0x00E5;
const STYLE: u16 = 0x00E0;
const TEXTS: u16 = 0x00FC;
const SHARED_TEXT: u16 = 0x00FD;
const SIZE: u16 = 0x0200;
const NUMBER: u16 = 0x0203;
const TEXT: u16 = 0x0204;
const BOOLEAN_OR_ERROR: u16 = 0x0205;
const FORMULA_TEXT: u16 = 0x0207;
const ROW: u16 = 0x0208;
const SHORT_NUMBER: u16 = 0x027E;
const FORMAT: u16 = 0x041E;
const BEGIN: u16 = 0x0809;

/// Bytes that the reader needs for a cell, for each place in the rectangle around all cells of a sheet
/// (twice, while it is read), and for each place in the one around all formulas.
const CELL: u64 = 64;
const PLACE: u64 = 64;
const FORMULA_PLACE: u64 = 24;
/// What the reader makes of a formula that was emptied.
const FORMULA_WORDS: u64 = 96;

/// Why a workbook is not handed to the reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Damaged(&'static str),
    Encrypted,
    /// It needs more memory than the limit.
    TooLarge,
    /// A formula's text in this row goes on in a second record, which the reader passes over.
    LongText(u64),
}

const CUT_OFF: Fault = Fault::Damaged("it ends within a record");

/// Walks through the stream, and takes out of it what would make the reader take memory for nothing:
/// the sheets' claimed sizes and the formulas, of which only the results are read.
pub(super) fn tame(stream: &mut [u8], limit: u64, seen: &mut Seen) -> Result<(), Fault> {
    let mut walk = Walk { stream, cost: 0, limit, texts: Vec::new(), seen };
    let length = walk.stream.len() as u64;
    // The stream itself, and the file that it lies in.
    walk.spend(2 * length)?;
    let mut sheets = walk.globals()?;
    sheets.sort_unstable();
    let mut end = 0;
    for start in sheets {
        // Else one sheet could stand for thousands.
        if start < end {
            return Err(Fault::Damaged("two of its sheets are in the same place"));
        }
        end = walk.sheet(start)?;
    }
    Ok(())
}

struct Walk<'a> {
    stream: &'a mut [u8],
    cost: u64,
    limit: u64,
    /// The most bytes that each shared text can have as UTF-8.
    texts: Vec<u32>,
    seen: &'a mut Seen,
}

impl Walk<'_> {
    fn spend(&mut self, bytes: u64) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(bytes);
        if self.cost > self.limit { Err(Fault::TooLarge) } else { Ok(()) }
    }

    /// The record at a place: its kind and where its content lies.
    fn record(&self, at: usize) -> Result<(u16, Range<usize>), Fault> {
        let head = u16_at(self.stream, at).zip(u16_at(self.stream, at + 2));
        let (kind, length) = head.ok_or(CUT_OFF)?;
        let content = at + 4..at + 4 + usize::from(length);
        if content.end > self.stream.len() { Err(CUT_OFF) } else { Ok((kind, content)) }
    }

    /// The contents of the records that go on with the one that ends at a place.
    fn continued(&self, mut at: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        while let Ok((CONTINUE, content)) = self.record(at) {
            at = content.end;
            all.push(content);
        }
        all
    }

    /// Reads what holds for the whole workbook; gives the sheets' places.
    fn globals(&mut self) -> Result<Vec<usize>, Fault> {
        let (mut at, mut sheets) = (0, Vec::new());
        let mut formats = Formats::default();
        loop {
            let (kind, content) = self.record(at)?;
            at = content.end;
            match kind {
                END => break,
                PASSWORD => return Err(Fault::Encrypted),
                SHEET => sheets.push(u32_at(self.stream, content.start).ok_or(CUT_OFF)? as usize),
                TEXTS => {
                    // Two counts come first, which nobody needs.
                    let first = (content.start + 8).min(content.end)..content.end;
                    let pieces = std::iter::once(first).chain(self.continued(content.end));
                    let pieces = pieces.filter_map(|p| self.stream.get(p)).collect();
                    let texts = Texts::of(pieces).sizes();
                    self.texts = texts.ok_or(Fault::Damaged("its list of texts is not whole"))?;
                    let bytes: u64 = self.texts.iter().map(|t| u64::from(*t) + 32).sum();
                    self.spend(bytes)?;
                }
                FORMAT => formats.own.push(content.start),
                STYLE => formats.uses.push(content.start + 2),
                _ => {}
            }
        }
        formats.renumber(self.stream);
        Ok(sheets)
    }

    /// Walks through a sheet; gives the place of its end.
    fn sheet(&mut self, start: usize) -> Result<usize, Fault> {
        let (mut at, mut depth) = (start, 0usize);
        let (mut cells, mut formulas) = (Area::default(), Area::default());
        let mut formula_row = 0;
        loop {
            let (kind, content) = self.record(at)?;
            at = content.end;
            match kind {
                BEGIN => depth += 1,
                END if depth <= 1 => break,
                END => depth -= 1,
                // A chart within the sheet.
                _ if depth > 1 => {}
                SIZE => self.forget_size(content),
                ROW => self.seen.hidden |= self.bit(&content, 12, 0x20),
                COLUMNS => self.seen.hidden |= self.bit(&content, 8, 1),
                MERGED => self.seen.merged = true,
                NUMBER | BOOLEAN_OR_ERROR | SHORT_NUMBER => self.cell(&content, &mut cells, 0)?,
                NUMBERS => {
                    let count = content.len().saturating_sub(6) / 6;
                    self.cell(&content, &mut cells, 0)?;
                    cells.widen(count as u64);
                    self.spend(CELL * count as u64)?;
                }
                TEXT | FORMATTED_TEXT => self.cell(&content, &mut cells, 3 * content.len() as u64)?,
                SHARED_TEXT => {
                    let text = u32_at(self.stream, content.start + 6).ok_or(CUT_OFF)?;
                    let size = self.texts.get(text as usize).copied();
                    let size = size.ok_or(Fault::Damaged("a cell has a text that is not there"))?;
                    self.cell(&content, &mut cells, u64::from(size))?;
                }
                FORMULA => {
                    formula_row = u16_at(self.stream, content.start).unwrap_or_default();
                    self.cell(&content, &mut cells, FORMULA_WORDS)?;
                    self.cell(&content, &mut formulas, 0)?;
                    if let Some(length) = self.stream.get_mut(content.start + 20..content.start + 22) {
                        length.fill(0);
                    }
                }
                FORMULA_TEXT => {
                    self.spend(6 * content.len() as u64)?;
                    if matches!(self.record(at), Ok((CONTINUE, _))) {
                        return Err(Fault::LongText(u64::from(formula_row) + 1));
                    }
                }
                _ => {}
            }
        }
        self.spend(cells.places().saturating_mul(PLACE))?;
        self.spend(formulas.places().saturating_mul(FORMULA_PLACE))?;
        Ok(at)
    }

    /// Counts a cell with so many bytes of text, which the reader copies once.
    fn cell(&mut self, content: &Range<usize>, area: &mut Area, text: u64) -> Result<(), Fault> {
        let place = u16_at(self.stream, content.start).zip(u16_at(self.stream, content.start + 2));
        area.add(place.ok_or(CUT_OFF)?);
        self.spend(CELL + 2 * text)
    }

    fn bit(&self, content: &Range<usize>, at: usize, bit: u8) -> bool {
        self.stream.get(content.clone()).and_then(|c| c.get(at)).is_some_and(|flags| flags & bit != 0)
    }

    /// The sheet claims a size; the reader makes room for it at once.
    fn forget_size(&mut self, content: Range<usize>) {
        let Some(size) = self.stream.get_mut(content) else { return };
        let one: &[u8] = match size.len() {
            10 => &[0, 0, 1, 0, 0, 0, 1, 0],
            14 | 16 => &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0],
            _ => return,
        };
        if let Some(claimed) = size.get_mut(..one.len()) {
            claimed.copy_from_slice(one);
        }
    }
}

/// The number formats: where their numbers stand, and where styles use them.
#[derive(Default)]
struct Formats {
    own: Vec<usize>,
    uses: Vec<usize>,
}

impl Formats {
    /// The reader knows a workbook's own formats by the numbers that the standard sets aside for them.
    /// Other programs use those between, and their days would be read as numbers.
    fn renumber(&self, stream: &mut [u8]) {
        let used: Vec<u16> = self.own.iter().filter_map(|at| u16_at(stream, *at)).collect();
        let mut free = (164..=382).filter(|n| !used.contains(n));
        for number in used.iter().filter(|n| matches!(n, 50..=62 | 67..=163 | 383..)) {
            let Some(other) = free.next() else { return };
            for at in self.own.iter().chain(&self.uses) {
                if u16_at(stream, *at) == Some(*number)
                    && let Some(bytes) = stream.get_mut(*at..at + 2)
                {
                    bytes.copy_from_slice(&other.to_le_bytes());
                }
            }
        }
    }
}

/// The rectangle around cells.
#[derive(Default)]
struct Area {
    rows: Option<(u64, u64)>,
    columns: (u64, u64),
    last: u64,
}

impl Area {
    fn add(&mut self, (row, column): (u16, u16)) {
        let (row, column) = (u64::from(row), u64::from(column));
        self.last = column;
        let Some((top, bottom)) = self.rows else {
            (self.rows, self.columns) = (Some((row, row)), (column, column));
            return;
        };
        self.rows = Some((top.min(row), bottom.max(row)));
        self.columns = (self.columns.0.min(column), self.columns.1.max(column));
    }

    /// The cell that was added last has `count` beside it, itself included.
    fn widen(&mut self, count: u64) {
        self.columns.1 = self.columns.1.max(self.last + count.saturating_sub(1));
    }

    fn places(&self) -> u64 {
        let Some((top, bottom)) = self.rows else { return 0 };
        (bottom - top + 1) * (self.columns.1 - self.columns.0 + 1)
    }
}
