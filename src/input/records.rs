//! The records of CSV and its kin: true line numbers with any mix of line ends, quotes that never close or
//! close too early, and limits that hold before memory is used.

use super::Limits;
use super::encoding;
use super::errors::InputError;
use std::io::Read;

const CHUNK: usize = 1 << 18;

/// A record's cells as they stand in the file, quotes resolved.
#[derive(Default)]
pub(super) struct Record {
    data: Vec<u8>,
    ends: Vec<usize>,
    /// The line on which it starts, from 1.
    pub line: u64,
    /// What is amiss with its quotes. It is then that one line as it stands in the file, in one cell.
    pub fault: Option<Fault>,
}

impl Record {
    fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
        self.fault = None;
    }

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

/// Quotes that do not say where a cell ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The cell, from 0.
    pub cell: usize,
    /// The line on which the quote stands.
    line: u64,
    kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FaultKind {
    /// A cell's quote closes on this line, and there is text after it.
    Closes(u64),
    /// A cell without quotes has one inside, and the row on this line had a fault: it may be the rest of it.
    Follows(u64),
}

impl Fault {
    /// One sentence: what is wrong, under these headers.
    pub fn cause(&self, headers: &[String]) -> String {
        let header = headers.get(self.cell).map(|h| format!(" (`{}`)", h.trim())).unwrap_or_default();
        let at = format!("cell {}{header}", self.cell + 1);
        match self.kind {
            FaultKind::Closes(line) if line == self.line => {
                format!("{at}: there is text after the closing quote (\")")
            }
            FaultKind::Closes(line) => format!(
                "{at}: the quote (\") that opens on line {} closes on line {line}, with text after it",
                self.line
            ),
            FaultKind::Follows(line) => {
                format!(
                    "{at}: there is a quote (\") in it, and this may be the rest of the row of line {line}"
                )
            }
        }
    }

    /// What to do.
    pub fn mend(&self) -> String {
        match self.kind {
            FaultKind::Closes(line) if line == self.line => "write a quote inside a cell as \"\"".to_owned(),
            FaultKind::Closes(_) => "close the quote, or write a quote inside a cell as \"\"".to_owned(),
            FaultKind::Follows(line) => format!("mend line {line} first"),
        }
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
    /// At blanks after the end of a quoted cell.
    Closed,
}

/// Splits UTF-8 into records.
pub(super) struct Records<'a> {
    input: Box<dyn Read + 'a>,
    shown: String,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Where the record begins in the buffer, and what of it was in those before.
    start: usize,
    earlier: Vec<u8>,
    /// Bytes that were read again after a fault.
    again: u64,
    delimiter: u8,
    line: u64,
    after_cr: bool,
    ended: bool,
    limits: Limits,
    /// Cells of a row, once that is known.
    pub width: Option<usize>,
    /// The line of the last row with a fault, until what follows cannot be the rest of it.
    doubt: Option<u64>,
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
            start: 0,
            earlier: Vec::new(),
            again: 0,
            delimiter,
            line: 1,
            after_cr: false,
            ended: false,
            limits: limits.clone(),
            width: None,
            doubt: None,
            taken: 0,
        }
    }

    /// How many bytes it keeps room for.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.buffer.capacity() + self.earlier.capacity()
    }

    fn fill(&mut self) -> Result<bool, InputError> {
        if let Some(begun) = self.buffer.get(self.start..self.end) {
            self.earlier.extend_from_slice(begun);
        }
        // After a record that was read again it is of that one's length.
        if self.buffer.len() != CHUNK {
            self.buffer = vec![0; CHUNK];
        }
        (self.start, self.at, self.end) = (0, 0, 0);
        loop {
            match self.input.read(&mut self.buffer) {
                Ok(n) => {
                    self.end = n;
                    self.taken += n as u64;
                    return Ok(n > 0);
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(encoding::read_error(&self.shown, e)),
            }
        }
    }

    /// Marks where a record begins.
    fn begin(&mut self, record: &mut Record) {
        self.start = self.at;
        if !self.earlier.is_empty() {
            self.earlier = Vec::new();
        }
        record.line = self.line;
    }

    /// Puts the next record into `record`; false at the end. Lines without anything are passed over. A record
    /// whose quotes are at fault is the line on which it begins, and reading goes on with the line below.
    ///
    /// # Errors
    /// A quote that never closes, a limit, an invalid byte, the file system.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, InputError> {
        record.clear();
        if self.ended {
            return Ok(false);
        }
        self.begin(record);
        if let Some(fault) = self.split(record)? {
            self.give_up(record, fault)?;
            // Above the header there are no rows. The rest of a row ends with its quote.
            let rest = matches!(fault.kind, FaultKind::Follows(_));
            self.doubt = self.width.filter(|_| !rest).map(|_| record.line);
            return Ok(true);
        }
        if record.len() > 0 && self.width == Some(record.len()) {
            self.doubt = None;
        }
        Ok(record.len() > 0)
    }

    /// Cell by cell, up to the end of the record or a fault; no cell at the end of the file.
    fn split(&mut self, record: &mut Record) -> Result<Option<Fault>, InputError> {
        let mut state = State::Start;
        let mut quote_line = self.line;
        let mut started = false;
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
                return Ok(None);
            }
            let Some(window) = self.buffer.get(self.at..self.end) else { return Ok(None) };
            // Ordinary bytes go over in one piece.
            let plain = match state {
                State::Quoted => {
                    window.iter().position(|b| matches!(b, b'"' | b'\n' | b'\r')).unwrap_or(window.len())
                }
                State::Plain => {
                    let d = self.delimiter;
                    window.iter().position(|b| *b == d || *b == b'\n' || *b == b'\r').unwrap_or(window.len())
                }
                State::Start | State::Closing | State::Closed => 0,
            };
            if plain > 0 {
                let piece = window.get(..plain).unwrap_or_default();
                if let Some(line) = self.doubt.filter(|_| state == State::Plain && piece.contains(&b'"')) {
                    let cell = record.ends.len();
                    return Ok(Some(Fault { cell, line: self.line, kind: FaultKind::Follows(line) }));
                }
                record.data.extend_from_slice(piece);
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
                        return Ok(None);
                    }
                    self.begin(record);
                }
                State::Closing | State::Closed if matches!(byte, b' ' | b'\t') => state = State::Closed,
                State::Closing | State::Closed => {
                    let cell = record.ends.len();
                    return Ok(Some(Fault { cell, line: quote_line, kind: FaultKind::Closes(self.line) }));
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

    /// Makes the record the line on which it begins, and goes back to the end of that.
    fn give_up(&mut self, record: &mut Record, fault: Fault) -> Result<(), InputError> {
        self.again += (self.earlier.len() + self.at - self.start) as u64;
        if self.again > self.taken + self.limits.max_row_bytes as u64 {
            let cause = "too much lies between quotes (\") that open here and in rows above, and close amiss";
            return Err(InputError::refused(&self.shown, cause)
                .at_line(record.line)
                .with_hint("write a quote inside a cell as \"\""));
        }
        if self.earlier.is_empty() {
            self.at = self.start;
        } else {
            let mut whole = std::mem::take(&mut self.earlier);
            whole.extend_from_slice(self.buffer.get(..self.end).unwrap_or_default());
            (self.at, self.end, self.buffer) = (0, whole.len(), whole);
        }
        record.clear();
        record.fault = Some(fault);
        (self.line, self.after_cr) = (record.line, false);
        loop {
            let window = self.buffer.get(self.at..self.end).unwrap_or_default();
            let ends = window.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let piece = window.get(..ends.unwrap_or(window.len())).unwrap_or_default();
            record.data.extend_from_slice(piece);
            self.at += piece.len();
            self.check_row(record)?;
            if ends.is_some() {
                self.after_cr = self.buffer.get(self.at) == Some(&b'\r');
                self.at += 1;
                self.line += 1;
                break;
            }
            self.start = self.at;
            if !self.fill()? {
                self.ended = true;
                break;
            }
        }
        record.ends.push(record.data.len());
        Ok(())
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
        self.check_row(record)
    }

    fn check_row(&self, record: &Record) -> Result<(), InputError> {
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
