//! The records of an old workbook's stream. The reader takes memory by what they claim and keeps every
//! sheet whole, so they are walked through first.

use super::Seen;
use super::cfb::{u16_at, u32_at};
use std::ops::Range;

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
                    let texts = Texts { pieces, at: 0 }.sizes();
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

/// The list of shared texts, which lies in one record and those that go on with it.
struct Texts<'a> {
    pieces: Vec<&'a [u8]>,
    at: usize,
}

impl Texts<'_> {
    /// The most bytes that each text can have as UTF-8; none where the list is not whole.
    fn sizes(mut self) -> Option<Vec<u32>> {
        self.pieces.reverse();
        let mut all = Vec::new();
        while !self.rest().is_empty() || self.next_piece() {
            if self.rest().is_empty() {
                // A piece without anything counts as a text without any for the reader.
                all.push(0);
                continue;
            }
            let units = u32::from(u16_at(self.rest(), 0)?);
            let flags = *self.rest().get(2)?;
            self.at += 3;
            let mut behind = 0;
            if flags & 8 != 0 {
                behind += 4 * usize::from(u16_at(self.rest(), 0)?);
                self.at += 2;
            }
            if flags & 4 != 0 {
                behind = behind.checked_add(u32_at(self.rest(), 0)? as usize)?;
                self.at += 4;
            }
            all.push(self.units(units, flags & 1 != 0)?);
            self.skip(behind)?;
        }
        Some(all)
    }

    /// Passes over a text's characters; each piece says anew whether they have two bytes.
    fn units(&mut self, mut left: u32, mut wide: bool) -> Option<u32> {
        let mut bytes = 0u32;
        loop {
            let width = if wide { 2 } else { 1 };
            let here = left.min((self.rest().len() / width) as u32);
            bytes += here * if wide { 3 } else { 2 };
            self.at += here as usize * width;
            left -= here;
            if left == 0 {
                return Some(bytes);
            }
            if !self.next_piece() {
                return None;
            }
            wide = self.rest().first()? & 1 != 0;
            self.at += 1;
        }
    }

    fn skip(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            if self.rest().is_empty() && !self.next_piece() {
                return None;
            }
            let here = left.min(self.rest().len());
            self.at += here;
            left -= here;
        }
        Some(())
    }

    fn rest(&self) -> &[u8] {
        self.pieces.last().and_then(|p| p.get(self.at..)).unwrap_or_default()
    }

    fn next_piece(&mut self) -> bool {
        self.pieces.pop();
        self.at = 0;
        !self.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
    }

    /// A workbook of sheets with these records.
    fn book(globals: &[Vec<u8>], sheets: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let head = [record(BEGIN, &[0, 6, 5, 0]), globals.concat()].concat();
        let mut at = head.len() + 8 * sheets.len() + 4;
        let (mut places, mut bodies) = (Vec::new(), Vec::new());
        for sheet in sheets {
            places.extend(record(SHEET, &(at as u32).to_le_bytes()));
            let body = [record(BEGIN, &[0, 6, 16, 0]), sheet.concat(), record(END, &[])].concat();
            at += body.len();
            bodies.extend(body);
        }
        [head, places, record(END, &[]), bodies].concat()
    }

    fn number(row: u16, column: u16) -> Vec<u8> {
        record(NUMBER, &[&row.to_le_bytes()[..], &column.to_le_bytes(), &[0; 10]].concat())
    }

    fn tamed(mut book: Vec<u8>) -> (Result<(), Fault>, Seen, Vec<u8>) {
        let mut seen = Seen::default();
        let done = tame(&mut book, 1 << 20, &mut seen);
        (done, seen, book)
    }

    #[test]
    fn what_the_reader_would_keep_in_memory_is_counted_before() {
        assert_eq!(tamed(book(&[], &[vec![number(0, 0), number(100, 100)]])).0, Ok(()));
        // Two cells at the corners of a sheet cost as much as all between them.
        assert_eq!(tamed(book(&[], &[vec![number(0, 0), number(65535, 255)]])).0, Err(Fault::TooLarge));
        let far = [&[0, 0, 0, 0][..], &[0; 6 * 3], &[2, 0]].concat();
        assert_eq!(tamed(book(&[], &[vec![record(NUMBERS, &far), number(6000, 0)]])).0, Err(Fault::TooLarge));
        // One long text in many cells.
        let texts = record(TEXTS, &[&[0; 8][..], &[0xE8, 3, 0], &[b'a'; 1000]].concat());
        let cell = |row: u8| record(SHARED_TEXT, &[row, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let sheet = |rows: u8| vec![(0..rows).map(cell).collect::<Vec<_>>()];
        assert_eq!(tamed(book(std::slice::from_ref(&texts), &sheet(200))).0, Ok(()));
        let several: Vec<_> = (0..4).flat_map(|_| sheet(200)).collect();
        assert_eq!(tamed(book(&[texts], &several)).0, Err(Fault::TooLarge));
    }

    #[test]
    fn claimed_sizes_and_formulas_are_taken_out() {
        let size = record(SIZE, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0xFF, 0xFF, 0, 0]);
        let formula = record(FORMULA, &[&[0; 20][..], &[3, 0, 0x1E, 1, 0]].concat());
        let (done, _, after) = tamed(book(&[], &[vec![size, formula]]));
        assert_eq!(done, Ok(()));
        let emptied = record(FORMULA, &[&[0; 22][..], &[0x1E, 1, 0]].concat());
        let small = record(SIZE, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(after, book(&[], &[vec![small, emptied]]));
    }

    #[test]
    fn formats_get_numbers_that_the_reader_knows() {
        let format = |n: u8| record(FORMAT, &[n, 0, 1, 0, 0, b'd']);
        let style = |n: u8| record(STYLE, &[[0, 0, n, 0], [0; 4]].concat());
        let made = |numbers: [u8; 3]| {
            book(
                &[format(numbers[0]), format(numbers[1]), style(14), style(numbers[1]), style(numbers[2])],
                &[],
            )
        };
        let (done, _, after) = tamed(made([164, 60, 60]));
        assert_eq!((done, after), (Ok(()), made([164, 165, 165])));
        assert_eq!(tamed(made([164, 41, 14])).2, made([164, 41, 14]));
    }

    #[test]
    fn merged_and_hidden_cells_are_seen_and_charts_are_not_looked_into() {
        let hidden_row = record(ROW, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0]);
        let hidden_column = record(COLUMNS, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        let chart = [record(BEGIN, &[0; 4]), record(MERGED, &[0; 2]), record(END, &[])].concat();
        for (records, merged, hidden) in [
            (vec![hidden_row], false, true),
            (vec![hidden_column], false, true),
            (vec![record(MERGED, &[0; 2])], true, false),
            (vec![chart, number(0, 0)], false, false),
        ] {
            let (done, seen, _) = tamed(book(&[], &[records]));
            assert_eq!((done, seen.merged, seen.hidden), (Ok(()), merged, hidden));
        }
    }

    #[test]
    fn broken_books_are_refused() {
        let good = book(&[], &[vec![number(0, 0)]]);
        for end in 1..good.len() {
            assert!(tamed(good[..end].to_vec()).0.is_err(), "{end} bytes of {}", good.len());
        }
        assert_eq!(tamed(book(&[record(PASSWORD, &[0; 2])], &[])).0, Err(Fault::Encrypted));
        let lost = record(SHARED_TEXT, &[0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
        assert!(matches!(tamed(book(&[], &[vec![lost]])).0, Err(Fault::Damaged(_))));
        let text = vec![record(FORMULA, &[4; 25]), record(FORMULA_TEXT, &[1; 9]), record(CONTINUE, &[0; 9])];
        assert_eq!(tamed(book(&[], &[text])).0, Err(Fault::LongText(0x0404 + 1)));
        // Both sheets in the same place.
        let mut twice = book(&[], &[vec![number(0, 0)], vec![]]);
        let first = twice[12..16].to_vec();
        twice[20..24].copy_from_slice(&first);
        assert!(matches!(tamed(twice).0, Err(Fault::Damaged(_))));
    }

    #[test]
    fn shared_texts_go_on_in_further_records() {
        let sizes = |pieces: Vec<&[u8]>| Texts { pieces, at: 0 }.sizes();
        assert_eq!(sizes(vec![&[2, 0, 0, b'a', b'b', 1, 0, 1, 0x42, 0x6F]]), Some(vec![4, 3]));
        // Four characters: two narrow, then two wide.
        assert_eq!(sizes(vec![&[4, 0, 0, b'a', b'b'], &[1, 1, 2, 3, 4]]), Some(vec![10]));
        // With formats behind, in the next record.
        assert_eq!(sizes(vec![&[1, 0, 8, 1, 0, b'a', 9], &[9, 9, 9, 0, 0, 0]]), Some(vec![2, 0]));
        assert_eq!(sizes(vec![&[4, 0, 0, b'a']]), None);
    }
}
