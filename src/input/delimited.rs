//! Text files: encoding, delimiter, header row.

use super::Limits;
use super::encoding::{self, Coding};
use super::errors::InputError;
use super::records::{Record, Records};
use crate::plan::{InputColumnPlan, ReaderOptions};
use std::io::Read;
use std::path::Path;

/// In the order in which a tie is decided.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// An opened text file, past its header row.
pub(super) struct Opened {
    pub records: Records<'static>,
    pub headers: Vec<String>,
    pub header_line: u64,
    pub delimiter: u8,
    /// The encoding, where it is a guess.
    pub guessed: Option<&'static str>,
}

/// Opens a text file: encoding, delimiter, header row.
///
/// # Errors
/// An empty file, a form that is not text, what [`Records::next`] refuses.
pub(super) fn open(
    path: &Path,
    shown: &str,
    options: &ReaderOptions,
    limits: &Limits,
) -> Result<Opened, InputError> {
    let coding = encoding::detect(path, shown, options.encoding.as_deref())?;
    let delimiter = match options.delimiter {
        Some(c) if c.is_ascii() && !matches!(c, '"' | '\n' | '\r') => c as u8,
        Some(c) => {
            return Err(InputError::refused(shown, format!("`{c}` cannot be a delimiter"))
                .with_hint("use one ASCII character such as `,` or `;`"));
        }
        None if is_tabbed(shown) => b'\t',
        None => guess_delimiter(path, shown, coding, options.header, limits)?,
    };
    let mut records = records(path, shown, coding, delimiter, limits)?;
    let mut record = Record::default();
    loop {
        if !records.next(&mut record)? {
            return Err(match options.header {
                Some(n) if n > 1 => {
                    InputError::refused(shown, format!("there is no header row at or after line {n}"))
                }
                _ => InputError::refused(shown, "the file is empty").with_hint("a header row is needed"),
            });
        }
        if record.line >= u64::from(options.header.unwrap_or(1)) && !record.is_blank() {
            break;
        }
    }
    if let Some(fault) = record.fault {
        let shown_delimiter = char::from(delimiter).escape_default();
        let hint = format!("{}; or is the delimiter another one than `{shown_delimiter}`?", fault.mend());
        return Err(InputError::refused(shown, fault.cause(&[])).at_line(record.line).with_hint(hint));
    }
    if record.has_nul() {
        return Err(InputError::refused(shown, "a header has a NUL character in it").at_line(record.line));
    }
    let mut headers = record.strings();
    if let Some(first) = headers.first_mut() {
        *first = first.trim_start_matches('\u{FEFF}').to_owned();
    }
    records.width = Some(headers.len());
    Ok(Opened { records, headers, header_line: record.line, delimiter, guessed: coding.guessed() })
}

fn records(
    path: &Path,
    shown: &str,
    coding: Coding,
    delimiter: u8,
    limits: &Limits,
) -> Result<Records<'static>, InputError> {
    let input = encoding::open(path, coding).map_err(|e| InputError::io(Path::new(shown), e))?;
    Ok(Records::new(input, shown, delimiter, limits))
}

fn is_tabbed(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".tsv") || lower.ends_with(".tab")
}

/// The delimiter that splits the first rows into the most columns, evenly.
fn guess_delimiter(
    path: &Path,
    shown: &str,
    coding: Coding,
    header: Option<u32>,
    limits: &Limits,
) -> Result<u8, InputError> {
    let input = encoding::open(path, coding).map_err(|e| InputError::io(Path::new(shown), e))?;
    let mut sample = Vec::new();
    // An invalid byte is told when the file is read.
    let _ = input.take(1 << 16).read_to_end(&mut sample);
    Ok(likely_delimiter(&sample, header, limits))
}

fn likely_delimiter(sample: &[u8], header: Option<u32>, limits: &Limits) -> u8 {
    let mut best = (0usize, 0usize, b',');
    for delimiter in DELIMITERS {
        let mut records = Records::new(Box::new(sample), "", delimiter, limits);
        let mut record = Record::default();
        let (mut width, mut rows, mut even) = (None, 0usize, 0usize);
        while rows < 30 && matches!(records.next(&mut record), Ok(true)) {
            if record.line < u64::from(header.unwrap_or(1)) || record.is_blank() {
                continue;
            }
            rows += 1;
            // Of a header with faulty quotes the cells before the fault tell the delimiter.
            let cells = record.fault.map_or(record.len(), |fault| fault.cell + 1);
            even += usize::from(*width.get_or_insert(cells) == cells && record.fault.is_none());
        }
        let width = width.unwrap_or(0);
        if width < 2 {
            continue;
        }
        let score = (even * 100 / rows.max(1), width, delimiter);
        if (score.0, score.1) > (best.0, best.1) {
            best = score;
        }
    }
    best.2
}

/// That the header row of a table with several declared columns is not split by its delimiter.
///
/// # Errors
/// Where it is one cell that another delimiter would split.
pub(super) fn check_delimiter(
    file: &str,
    headers: &[String],
    now: char,
    line: u64,
    declared: Option<&[InputColumnPlan]>,
) -> Result<(), InputError> {
    let [only] = headers else { return Ok(()) };
    if declared.map_or(0, <[_]>::len) < 2 {
        return Ok(());
    }
    let count = |d: u8| only.bytes().filter(|b| *b == d).count();
    let others = DELIMITERS.into_iter().filter(|d| char::from(*d) != now && count(*d) > 0);
    let Some(best) = others.max_by_key(|d| count(*d)) else { return Ok(()) };
    let likely = if best == b'\t' { "\\t (a tab)".to_owned() } else { char::from(best).to_string() };
    let cause = format!("with the delimiter `{}` the header row is one single column", now.escape_default());
    Err(InputError::refused(file, cause)
        .at_line(line)
        .with_hint(format!("the delimiter seems to be `{likely}`")))
}
