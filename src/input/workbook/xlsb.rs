//! Binary workbooks (`.xlsb`) are rewritten once before they are read. The reader passes over kinds of
//! cells that other programs write: cells that stand next to the one before and so have no column,
//! errors that a formula gave, texts with formats of their own. And it trusts each record's length.

use super::zipped::Held;
use super::{Seen, damaged};
use crate::input::Limits;
use crate::input::archive::{self, Archive, Entry};
use crate::input::errors::InputError;
use crate::system::once::Once;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const ROW: u16 = 0x00;
const ERROR: u16 = 0x03;
const TEXT: u16 = 0x06;
const FORMULA_ERROR: u16 = 0x0B;
const SHARED_TEXT: u16 = 0x13;
const SHORT: std::ops::RangeInclusive<u16> = 0x0C..=0x12;
const FORMATTED_TEXT: u16 = 0x3E;
const COLUMNS: u16 = 0x3C;
const MERGED: u16 = 0xB0;
/// How far the kind of a cell without a column is from that of the same cell with one.
const SHORT_TO_CELL: u16 = 0x0B;
const MAX_ROWS: u32 = 1 << 20;

/// Writes a copy with the parts that are read, all cells in the kinds that the reader knows.
pub(super) fn rewrite(
    zip: &mut Archive<'_>,
    list: &[Entry],
    shown: &str,
    copy: &Path,
    limits: &Limits,
    held: &mut Held<'_>,
    seen: &mut Seen,
) -> Result<(), InputError> {
    let failed = |e: &dyn std::fmt::Display| InputError::io(copy, e);
    let file = File::create(copy).map_err(|e| failed(&e))?;
    let mut out = ZipWriter::new(BufWriter::new(Once::new(file)));
    for entry in list {
        let lower = entry.name.to_ascii_lowercase();
        let is_sheet = lower.starts_with("xl/worksheets/") && lower.ends_with(".bin");
        let is_records = is_sheet
            || ["xl/workbook.bin", "xl/styles.bin", "xl/sharedstrings.bin"].contains(&lower.as_str());
        if !is_records && lower != "xl/_rels/workbook.bin.rels" {
            continue;
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(entry.size > 1 << 30);
        out.start_file(&entry.name, options).map_err(|e| failed(&e))?;
        let mut records = Records { pending: Vec::new(), max: limits.max_field_bytes };
        let mut texts = 0;
        let mut sheet = Sheet { column: None, made: Vec::new(), seen };
        let inside = |e: InputError| e.inside(Some(&entry.name));
        archive::stream(zip, entry, shown, &mut |piece| {
            if !is_records {
                return out.write_all(piece).map_err(|e| failed(&e));
            }
            records
                .feed(piece, &mut |kind, data, raw| {
                    if !is_sheet {
                        texts += u64::from(kind == SHARED_TEXT);
                        sheet.made.extend_from_slice(raw);
                        return Ok(());
                    }
                    sheet.record(kind, data, raw)
                })
                .map_err(|fault| inside(fault.told(shown, limits)))?;
            out.write_all(&sheet.made).map_err(|e| failed(&e))?;
            sheet.made.clear();
            held.add(std::mem::take(&mut texts) * Held::TEXT, entry)
        })?;
        if !records.pending.is_empty() {
            return Err(inside(damaged(shown, "it ends within a record")));
        }
    }
    let mut file = out.finish().map_err(|e| failed(&e))?;
    file.flush().map_err(|e| failed(&e))
}

enum Fault {
    Damaged(&'static str),
    TooLong,
}

impl Fault {
    fn told(self, shown: &str, limits: &Limits) -> InputError {
        match self {
            Fault::Damaged(cause) => damaged(shown, cause),
            Fault::TooLong => {
                let limit = limits.max_field_bytes;
                let cause =
                    format!("a cell has more than {limit} bytes, the limit of one cell (max_field_bytes)");
                InputError::limit(shown, cause)
            }
        }
    }
}

/// Takes a record: its kind, its content, and both with the head.
type Each<'a> = dyn FnMut(u16, &[u8], &[u8]) -> Result<(), Fault> + 'a;

/// Splits a part into records, however its bytes come.
struct Records {
    pending: Vec<u8>,
    max: usize,
}

impl Records {
    /// Gives each whole record to `each`.
    fn feed(&mut self, piece: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        self.pending.extend_from_slice(piece);
        let mut at = 0;
        while let Some(rest) = self.pending.get(at..)
            && let Some((kind, head, length)) = head(rest)
        {
            if length > self.max {
                return Err(Fault::TooLong);
            }
            let Some(raw) = rest.get(..head + length) else { break };
            each(kind, raw.get(head..).unwrap_or_default(), raw)?;
            at += raw.len();
        }
        self.pending.drain(..at);
        Ok(())
    }
}

/// A record's kind, the bytes of its head, and those of its content; none where the head is not whole.
fn head(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let mut kind = u16::from(*bytes.first()?);
    let mut at = 1;
    if kind & 0x80 != 0 {
        kind = (kind & 0x7F) | (u16::from(*bytes.get(1)? & 0x7F) << 7);
        at = 2;
    }
    let mut length = 0;
    for i in 0..4 {
        let byte = *bytes.get(at)?;
        at += 1;
        length |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some((kind, at, length))
}

/// The cells of one sheet, on their way to the copy.
struct Sheet<'a> {
    /// The column of the cell before, in this row.
    column: Option<u32>,
    made: Vec<u8>,
    seen: &'a mut Seen,
}

impl Sheet<'_> {
    fn record(&mut self, kind: u16, data: &[u8], raw: &[u8]) -> Result<(), Fault> {
        let short = Fault::Damaged("a record is too short");
        match kind {
            ROW => {
                let Some(row) = number(data) else { return Err(short) };
                if row >= MAX_ROWS {
                    return Err(Fault::Damaged("a row is beyond the last one that a sheet can have"));
                }
                self.column = None;
                self.seen.hidden |= data.get(11).is_some_and(|flags| flags & 0x10 != 0);
            }
            COLUMNS => self.seen.hidden |= data.get(16).is_some_and(|flags| flags & 1 != 0),
            MERGED => self.seen.merged = true,
            _ if SHORT.contains(&kind) => {
                let column = self.column.map_or(0, |c| c.saturating_add(1));
                self.column = Some(column);
                let cell = [&column.to_le_bytes(), data].concat();
                return self.cell(kind - SHORT_TO_CELL, &cell);
            }
            FORMATTED_TEXT => {
                self.column = number(data);
                // The byte says which formats follow the text; the text is all that is wanted.
                let (Some(before), Some(text)) = (data.get(..8), data.get(9..)) else { return Err(short) };
                return self.cell(TEXT, &[before, text].concat());
            }
            0x01..=FORMULA_ERROR => {
                self.column = number(data);
                return self.cell(if kind == FORMULA_ERROR { ERROR } else { kind }, data);
            }
            _ => {}
        }
        self.made.extend_from_slice(raw);
        Ok(())
    }

    /// Writes a cell that is as long as its kind needs.
    fn cell(&mut self, kind: u16, data: &[u8]) -> Result<(), Fault> {
        let needed = match kind {
            0x01 => 8,
            0x03 | 0x04 | 0x0A => 9,
            0x05 | 0x09 => 16,
            _ => 12,
        };
        if data.len() < needed {
            return Err(Fault::Damaged("a cell is too short"));
        }
        self.made.push(kind as u8);
        let mut length = data.len();
        loop {
            let byte = (length & 0x7F) as u8;
            length >>= 7;
            self.made.push(if length == 0 { byte } else { byte | 0x80 });
            if length == 0 {
                break;
            }
        }
        self.made.extend_from_slice(data);
        Ok(())
    }
}

fn number(data: &[u8]) -> Option<u32> {
    data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn rewritten(bytes: &[u8], piece: usize) -> (Vec<(u16, Vec<u8>)>, Seen) {
        let mut seen = Seen::default();
        let mut sheet = Sheet { column: None, made: Vec::new(), seen: &mut seen };
        let mut records = Records { pending: Vec::new(), max: 1000 };
        for piece in bytes.chunks(piece) {
            records.feed(piece, &mut |k, d, r| sheet.record(k, d, r)).ok().unwrap();
        }
        assert!(records.pending.is_empty());
        let (mut all, mut at, made) = (Vec::new(), 0, sheet.made);
        while let Some((kind, head, length)) = head(&made[at..]) {
            all.push((kind, made[at + head..at + head + length].to_vec()));
            at += head + length;
        }
        (all, seen)
    }

    #[test]
    fn every_kind_of_cell_becomes_one_that_the_reader_knows() {
        let mut bytes = vec![0x00, 12];
        bytes.extend([4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10]);
        // An error that a formula gave, in column 2, then a short text beside it.
        bytes.extend([0x0B, 13, 2, 0, 0, 0, 0, 0, 0, 0, 0x2A, 0, 0, 9, 9]);
        bytes.extend([0x11, 10, 0, 0, 0, 0, 1, 0, 0, 0, b'x', 0]);
        // A formatted text in column 7, with its formats.
        bytes.extend([0x3E, 21, 7, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, b'y', 0, 1, 0, 0, 0, 0, 0]);
        bytes.extend([0xB0, 0x01, 0]);
        for piece in [1, 2, 7, 1000] {
            let (all, seen) = rewritten(&bytes, piece);
            assert!(seen.hidden && seen.merged);
            assert_eq!(all[1], (0x03, vec![2, 0, 0, 0, 0, 0, 0, 0, 0x2A, 0, 0, 9, 9]));
            assert_eq!(all[2], (0x06, vec![3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, b'x', 0]));
            assert_eq!(all[3].0, 0x06);
            assert_eq!(all[3].1[..14], [7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, b'y', 0]);
            assert_eq!(all.len(), 5);
        }
    }

    #[test]
    fn false_lengths_are_faults() {
        let mut seen = Seen::default();
        let mut sheet = Sheet { column: None, made: Vec::new(), seen: &mut seen };
        let mut records = Records { pending: Vec::new(), max: 1000 };
        let huge = records.feed(&[0x06, 0xFF, 0xFF, 0xFF, 0x7F], &mut |k, d, r| sheet.record(k, d, r));
        assert!(matches!(huge, Err(Fault::TooLong)));
        assert!(matches!(sheet.record(0x05, &[0; 12], &[]), Err(Fault::Damaged(_))));
        assert!(matches!(sheet.record(ROW, &[0, 0, 0x10, 0], &[]), Err(Fault::Damaged(_))));
    }
}
