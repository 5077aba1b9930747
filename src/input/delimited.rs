//! CSV and its kin, record by record: true line numbers with any mix of line ends, quotes that never
//! close, and limits that hold before memory is used.

use super::Limits;
use super::encoding::{self, Coding};
use super::errors::InputError;
use crate::plan::{InputColumnPlan, ReaderOptions};
use std::io::Read;
use std::path::Path;

const CHUNK: usize = 1 << 18;
/// In the order in which a tie is decided.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A record's cells as they stand in the file, quotes resolved.
#[derive(Default)]
pub(super) struct Record {
    data: Vec<u8>,
    ends: Vec<usize>,
    /// The line on which it starts, from 1.
    pub line: u64,
}

impl Record {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// All cells one after the other; checks once that they are text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.data).ok()
    }

    /// Where a cell lies in [`Record::text`].
    pub fn span(&self, i: usize) -> Option<std::ops::Range<usize>> {
        let end = *self.ends.get(i)?;
        let start = if i == 0 { 0 } else { *self.ends.get(i - 1)? };
        Some(start..end)
    }

    pub fn cell<'a>(&self, text: &'a str, i: usize) -> Option<&'a str> {
        text.get(self.span(i)?)
    }

    /// Whether there is nothing in it but white space.
    pub fn is_blank(&self) -> bool {
        self.data.iter().all(u8::is_ascii_whitespace)
    }

    pub fn has_nul(&self) -> bool {
        self.data.contains(&0)
    }

    /// How many bytes it keeps room for.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.data.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    pub fn strings(&self) -> Vec<String> {
        let text = self.text().unwrap_or_default();
        (0..self.len()).map(|i| self.cell(text, i).unwrap_or_default().to_owned()).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At a cell's first byte.
    Start,
    Plain,
    Quoted,
    /// After a quote inside a quoted cell: its end, or half of `""`.
    Closing,
}

/// Splits UTF-8 into records.
pub(super) struct Records<'a> {
    input: Box<dyn Read + 'a>,
    shown: String,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    delimiter: u8,
    line: u64,
    after_cr: bool,
    ended: bool,
    limits: Limits,
    /// Bytes taken from the decoded file.
    pub taken: u64,
}

impl<'a> Records<'a> {
    pub fn new(input: Box<dyn Read + 'a>, shown: &str, delimiter: u8, limits: &Limits) -> Self {
        Self {
            input,
            shown: shown.to_owned(),
            buffer: vec![0; CHUNK],
            at: 0,
            end: 0,
            delimiter,
            line: 1,
            after_cr: false,
            ended: false,
            limits: limits.clone(),
            taken: 0,
        }
    }

    /// How many bytes it keeps room for.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.buffer.capacity()
    }

    fn fill(&mut self) -> Result<bool, InputError> {
        loop {
            match self.input.read(&mut self.buffer) {
                Ok(n) => {
                    self.at = 0;
                    self.end = n;
                    self.taken += n as u64;
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(encoding::read_error(&self.shown, e)),
            }
        }
    }

    /// Puts the next record into `record`; false at the end. Lines without anything are passed over.
    ///
    /// # Errors
    /// A quote that never closes, a limit, an invalid byte, the file system.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, InputError> {
        record.data.clear();
        record.ends.clear();
        if self.ended {
            return Ok(false);
        }
        let mut state = State::Start;
        let mut quote_line = self.line;
        let mut started = false;
        record.line = self.line;
        loop {
            if self.at == self.end && !self.fill()? {
                self.ended = true;
                if state == State::Quoted {
                    return Err(InputError::refused(&self.shown, "a quote (\") opens here and never closes")
                        .at_line(quote_line)
                        .with_hint("close the quote, or write a quote inside a cell as \"\""));
                }
                if started {
                    record.ends.push(record.data.len());
                }
                return Ok(started);
            }
            let Some(window) = self.buffer.get(self.at..self.end) else { return Ok(false) };
            // Ordinary bytes go over in one piece.
            let plain = match state {
                State::Quoted => {
                    window.iter().position(|b| matches!(b, b'"' | b'\n' | b'\r')).unwrap_or(window.len())
                }
                State::Plain => {
                    let d = self.delimiter;
                    window.iter().position(|b| *b == d || *b == b'\n' || *b == b'\r').unwrap_or(window.len())
                }
                State::Start | State::Closing => 0,
            };
            if plain > 0 {
                record.data.extend_from_slice(window.get(..plain).unwrap_or_default());
                self.at += plain;
                self.after_cr = false;
                self.check_size(record)?;
                continue;
            }
            let Some(byte) = window.first().copied() else { continue };
            self.at += 1;
            let second_half = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            let breaks = (byte == b'\n' && !second_half) || byte == b'\r';
            match state {
                State::Quoted => {
                    if byte == b'"' {
                        state = State::Closing;
                    } else {
                        record.data.push(byte);
                        self.line += u64::from(breaks);
                        self.check_size(record)?;
                    }
                }
                State::Closing if byte == b'"' => {
                    record.data.push(b'"');
                    self.check_size(record)?;
                    state = State::Quoted;
                }
                _ if byte == self.delimiter => {
                    started = true;
                    record.ends.push(record.data.len());
                    if record.ends.len() >= self.limits.max_columns {
                        return Err(self.too_wide(record.line));
                    }
                    state = State::Start;
                }
                _ if byte == b'\n' || byte == b'\r' => {
                    self.line += u64::from(breaks);
                    if started {
                        record.ends.push(record.data.len());
                        return Ok(true);
                    }
                    record.line = self.line;
                }
                State::Start if byte == b'"' => {
                    started = true;
                    quote_line = self.line;
                    state = State::Quoted;
                }
                _ => {
                    started = true;
                    record.data.push(byte);
                    state = State::Plain;
                }
            }
        }
    }

    fn check_size(&self, record: &Record) -> Result<(), InputError> {
        let start = record.ends.last().copied().unwrap_or_default();
        let limit = self.limits.max_field_bytes;
        if record.data.len() - start > limit {
            let cause =
                format!("a cell has more than {limit} bytes, the limit of one cell (max_field_bytes)");
            return Err(InputError::limit(&self.shown, cause)
                .at_line(record.line)
                .with_hint("is a quote missing or one too many near this line?"));
        }
        let limit = self.limits.max_row_bytes;
        if record.data.len() > limit {
            let cause = format!("a row has more than {limit} bytes, the limit of one row (max_row_bytes)");
            return Err(InputError::limit(&self.shown, cause).at_line(record.line));
        }
        Ok(())
    }

    fn too_wide(&self, line: u64) -> InputError {
        let limit = self.limits.max_columns;
        InputError::limit(
            &self.shown,
            format!("a row has more than {limit} columns, the limit (max_columns)"),
        )
        .at_line(line)
        .with_hint("is the delimiter the right one? Leave out the columns that are not needed")
    }
}

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
    if record.has_nul() {
        return Err(InputError::refused(shown, "a header has a NUL character in it").at_line(record.line));
    }
    let mut headers = record.strings();
    if let Some(first) = headers.first_mut() {
        *first = first.trim_start_matches('\u{FEFF}').to_owned();
    }
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
            even += usize::from(*width.get_or_insert(record.len()) == record.len());
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
