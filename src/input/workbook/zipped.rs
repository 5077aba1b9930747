//! Zipped workbooks (`.xlsx`, `.xlsm`, `.xlsb`) before they are opened.

use super::{Book, Seen, xlsb};
use crate::input::archive::{self, Entry};
use crate::input::errors::InputError;
use crate::input::{Limits, Notice};
use std::path::{Path, PathBuf};

/// Checks a zipped workbook before it is opened: every part is unpacked once, counted and thrown away.
/// Gives its form and the path to read it from: the binary form is read from a copy, made at `copy`.
///
/// # Errors
/// Encryption, DOCTYPE, bombs, and numbers that would make the reader take memory without end.
pub(in crate::input) fn check(
    path: &Path,
    shown: &str,
    copy: &Path,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
    notices: &mut Vec<Notice>,
) -> Result<(Book, PathBuf), InputError> {
    let mut zip = archive::open(path, shown, stop)?;
    let list = archive::entries(&mut zip, shown, limits)?;
    let binary = list.iter().any(|e| e.name.eq_ignore_ascii_case("xl/workbook.bin"));
    let mut seen = Seen::default();
    let mut held = Held { bytes: 0, limit: limits.workbook_memory, shown };
    for entry in list.iter().filter(|e| !e.is_dir) {
        let lower = entry.name.to_ascii_lowercase();
        if ["sharedstrings", "styles.", "workbook.", "theme"].iter().any(|n| lower.contains(n)) {
            held.add(entry.size, entry)?;
        }
        let xml = lower.ends_with(".xml") || lower.ends_with(".rels");
        if xml || !binary {
            scan(&mut zip, entry, shown, xml, limits.max_field_bytes, &mut held, &mut seen)?;
        }
    }
    let read_from = if binary {
        xlsb::rewrite(&mut zip, &list, shown, copy, limits, &mut held, &mut seen)?;
        copy
    } else {
        path
    };
    seen.tell(shown, notices);
    Ok((if binary { Book::Xlsb } else { Book::Xlsx }, read_from.to_path_buf()))
}

/// What the reader keeps in memory: parts in full, and each shared text with some room around it.
pub(super) struct Held<'a> {
    bytes: u64,
    limit: u64,
    shown: &'a str,
}

impl Held<'_> {
    /// Bytes for a text beside its own.
    pub(super) const TEXT: u64 = 64;
    /// The same for a tag of a list of texts; a text has four.
    const TAG: u64 = Self::TEXT / 4;

    pub(super) fn add(&mut self, bytes: u64, entry: &Entry) -> Result<(), InputError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= self.limit {
            return Ok(());
        }
        let limit = self.limit;
        let cause = format!("its texts need more than {limit} bytes of memory (workbook_memory)");
        Err(InputError::limit(self.shown, cause)
            .inside(Some(&entry.name))
            .with_hint("split the workbook, or save its sheets as CSV, which is read row by row"))
    }
}

fn scan(
    zip: &mut archive::Archive<'_>,
    entry: &Entry,
    shown: &str,
    xml: bool,
    max_text: usize,
    held: &mut Held<'_>,
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
        if is_strings {
            let tags = piece.iter().filter(|b| **b == b'<').count() as u64;
            held.add(tags * Held::TAG, entry)?;
            if largest(&window, b"uniqueCount") > entry.size {
                return refuse("the workbook says that it has more texts than fit into it");
            }
        }
        if is_sheet {
            if largest(&window, b"si") > 1 << 20 {
                return refuse("the workbook numbers its formulas beyond a million");
            }
            let any = |signs: &[&[u8]]| signs.iter().any(|s| holds(&window, s));
            seen.merged |= !seen.merged && any(&[b"<mergeCell ", b":mergeCell "]);
            seen.hidden |= !seen.hidden && any(&[b" hidden=\"1\"", b" hidden=\"true\""]);
        }
        let keep = window.len().saturating_sub(OVERLAP);
        window.drain(..keep);
        Ok(())
    })
}

/// Whether bytes hold `needle`.
pub(super) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
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

/// The largest number that an attribute of this name has.
fn largest(bytes: &[u8], name: &[u8]) -> u64 {
    let (mut most, mut from) = (0, 0);
    while let Some(at) = bytes.get(from..).and_then(|rest| position(rest, name)) {
        let start = from + at;
        from = start + name.len();
        let begins = start.checked_sub(1).and_then(|b| bytes.get(b)).is_some_and(u8::is_ascii_whitespace);
        let rest = bytes.get(from..).unwrap_or_default().trim_ascii_start();
        let Some(value) = rest.strip_prefix(b"=").filter(|_| begins) else { continue };
        let digits = value.trim_ascii_start().iter().skip_while(|b| matches!(b, b'"' | b'\''));
        let number = digits
            .take_while(|b| b.is_ascii_digit())
            .fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0')));
        most = most.max(number);
    }
    most
}
