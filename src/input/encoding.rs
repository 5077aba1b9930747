//! Bytes to UTF-8: which encoding a file has, and decoding it as a stream.

use super::errors::InputError;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, WINDOWS_1252};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const CHUNK: usize = 1 << 18;
const SAMPLE: u64 = 1 << 20;

/// How a file's bytes become text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    encoding: &'static Encoding,
    bom: u64,
    guess: bool,
}

impl Coding {
    /// The encoding's name, where it is a guess.
    pub fn guessed(self) -> Option<&'static str> {
        self.guess.then(|| self.encoding.name())
    }
}

/// A byte that has no meaning in the file's encoding. Travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[error("the byte 0x{byte:02X} is not valid {encoding}")]
pub(super) struct InvalidByte {
    pub line: u64,
    pub column: u64,
    pub byte: u8,
    pub encoding: &'static str,
}

impl InvalidByte {
    fn into_error(self, shown: &str) -> InputError {
        InputError::refused(shown, self.to_string())
            .at_line(self.line)
            .at_column(self.column)
            .with_hint("save the file as UTF-8, or declare its encoding")
    }
}

/// Turns a read error into an input error, with the place where a byte is invalid.
pub(super) fn read_error(shown: &str, e: io::Error) -> InputError {
    let text = e.to_string();
    match e.into_inner().map(|inner| inner.downcast::<InvalidByte>()) {
        Some(Ok(invalid)) => invalid.into_error(shown),
        _ => InputError::io(Path::new(shown), text),
    }
}

/// Finds the encoding: a byte order mark, what is declared, strict UTF-8, then a guess.
///
/// # Errors
/// Where the label is unknown, the file is UTF-16 without a mark, or damaged UTF-8.
pub(super) fn detect(path: &Path, shown: &str, declared: Option<&str>) -> Result<Coding, InputError> {
    let io = |e: io::Error| InputError::io(Path::new(shown), e);
    let mut file = File::open(path).map_err(io)?;
    let mut head = Vec::new();
    (&mut file).take(4096).read_to_end(&mut head).map_err(io)?;
    if let Some((encoding, length)) = Encoding::for_bom(&head) {
        let coding = Coding { encoding, bom: length as u64, guess: false };
        if encoding == UTF_8 {
            file.seek(SeekFrom::Start(coding.bom)).map_err(io)?;
            if let Some(bad) = scan_utf8(&mut file).map_err(io)? {
                return Err(bad.invalid.into_error(shown));
            }
        }
        return Ok(coding);
    }
    if let Some(label) = declared {
        let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            InputError::refused(shown, format!("`{label}` is not the name of an encoding"))
                .with_hint("use a name such as `utf-8`, `windows-1252` or `iso-8859-2`")
        })?;
        if encoding == UTF_8 {
            file.seek(SeekFrom::Start(0)).map_err(io)?;
            if let Some(bad) = scan_utf8(&mut file).map_err(io)? {
                return Err(bad.invalid.into_error(shown));
            }
        }
        return Ok(Coding { encoding, bom: 0, guess: false });
    }
    if looks_like_utf16(&head) {
        return Err(InputError::refused(shown, "this is UTF-16 without a byte order mark")
            .with_hint("save the file as UTF-8, or declare its encoding: `utf-16le` or `utf-16be`"));
    }
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    match scan_utf8(&mut file).map_err(io)? {
        None => Ok(Coding { encoding: UTF_8, bom: 0, guess: false }),
        // Letters that are right in UTF-8 come before: a guess would garble them all.
        Some(bad) if bad.letters_before > 0 => Err(bad.invalid.into_error(shown)),
        Some(bad) => {
            file.seek(SeekFrom::Start(bad.offset.saturating_sub(SAMPLE / 2))).map_err(io)?;
            let mut sample = Vec::new();
            (&mut file).take(SAMPLE).read_to_end(&mut sample).map_err(io)?;
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(&sample, true);
            Ok(Coding { encoding: detector.guess(None, Utf8Detection::Deny), bom: 0, guess: true })
        }
    }
}

fn looks_like_utf16(head: &[u8]) -> bool {
    if head.len() < 4 {
        return false;
    }
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    let half = head.len() / 2;
    let (even, odd) = (nuls(0), nuls(1));
    (even * 3 > half && odd * 10 < half) || (odd * 3 > half && even * 10 < half)
}

struct BadUtf8 {
    invalid: InvalidByte,
    offset: u64,
    letters_before: u64,
}

/// The first place that is not UTF-8.
fn scan_utf8(file: &mut File) -> io::Result<Option<BadUtf8>> {
    let mut buffer = vec![0u8; CHUNK];
    let (mut kept, mut offset) = (0usize, 0u64);
    let mut place = Tracker::default();
    let mut letters = 0u64;
    loop {
        let n = read_some(file, buffer.get_mut(kept..).unwrap_or_default())?;
        let filled = kept + n;
        let bytes = buffer.get(..filled).unwrap_or_default();
        let (good, bad) = match std::str::from_utf8(bytes) {
            Ok(_) => (filled, false),
            Err(e) => (e.valid_up_to(), e.error_len().is_some() || n == 0),
        };
        let valid = bytes.get(..good).unwrap_or_default();
        place.pass(valid);
        if letters == 0 && !valid.is_ascii() {
            letters = 1;
        }
        offset += good as u64;
        if bad {
            let byte = bytes.get(good).copied().unwrap_or_default();
            let (line, column) = place.place(valid);
            let invalid = InvalidByte { line, column, byte, encoding: "UTF-8" };
            return Ok(Some(BadUtf8 { invalid, offset, letters_before: letters }));
        }
        if n == 0 {
            return Ok(None);
        }
        buffer.copy_within(good..filled, 0);
        kept = filled - good;
    }
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Lines passed so far; the column is only worked out for the last chunk's text.
#[derive(Default)]
struct Tracker {
    breaks: u64,
    carried: u64,
    ended_cr: bool,
    before: u64,
}

impl Tracker {
    fn pass(&mut self, text: &[u8]) {
        self.before = self.carried;
        let mut last = None;
        for (i, b) in text.iter().enumerate() {
            if *b == b'\n' {
                if !(i == 0 && self.ended_cr || i > 0 && text.get(i - 1) == Some(&b'\r')) {
                    self.breaks += 1;
                }
                last = Some(i);
            } else if *b == b'\r' {
                self.breaks += 1;
                last = Some(i);
            }
        }
        if let Some(b) = text.last() {
            self.ended_cr = *b == b'\r';
        }
        self.carried = match last {
            Some(i) => characters(text.get(i + 1..).unwrap_or_default()),
            None => self.carried + characters(text),
        };
    }

    fn place(&self, _text: &[u8]) -> (u64, u64) {
        (self.breaks + 1, self.carried + 1)
    }
}

fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|b| **b & 0xC0 != 0x80).count() as u64
}

/// Reads a file as UTF-8, whatever its encoding.
pub(super) fn open(path: &Path, coding: Coding) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(coding.bom))?;
    if coding.encoding == UTF_8 {
        return Ok(Box::new(file));
    }
    Ok(Box::new(Decoding {
        inner: file,
        encoding: coding.encoding,
        decoder: coding.encoding.new_decoder_without_bom_handling(),
        input: vec![0; CHUNK],
        input_at: 0,
        input_end: 0,
        output: vec![0; CHUNK * 3 + 16],
        output_at: 0,
        output_end: 0,
        ended: false,
        place: Tracker::default(),
    }))
}

struct Decoding {
    inner: File,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    input_at: usize,
    input_end: usize,
    output: Vec<u8>,
    output_at: usize,
    output_end: usize,
    ended: bool,
    place: Tracker,
}

impl Decoding {
    fn invalid(&self, byte: u8) -> io::Error {
        let (line, column) = self.place.place(&[]);
        let encoding = self.encoding.name();
        io::Error::new(io::ErrorKind::InvalidData, InvalidByte { line, column, byte, encoding })
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.input_at == self.input_end {
            self.input_end = read_some(&mut self.inner, &mut self.input)?;
            self.input_at = 0;
        }
        let last = self.input_end == 0;
        let mut source = self.input.get(self.input_at..self.input_end).unwrap_or_default();
        // The decoder gives these five bytes to control characters; the encoding does not have them.
        let hole = (self.encoding == WINDOWS_1252)
            .then(|| source.iter().position(|b| matches!(b, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)))
            .flatten();
        if let Some(at) = hole {
            if at == 0 {
                return Err(self.invalid(source.first().copied().unwrap_or_default()));
            }
            source = source.get(..at).unwrap_or_default();
        }
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(source, &mut self.output, last);
        let bad = match result {
            DecoderResult::Malformed(length, after) => {
                let back = usize::from(length) + usize::from(after);
                Some(source.get(read.saturating_sub(back)).copied().unwrap_or_default())
            }
            _ => None,
        };
        self.input_at += read;
        self.output_at = 0;
        self.output_end = written;
        self.place.pass(self.output.get(..written).unwrap_or_default());
        if let Some(byte) = bad {
            return Err(self.invalid(byte));
        }
        self.ended = last && matches!(result, DecoderResult::InputEmpty);
        Ok(())
    }
}

impl Read for Decoding {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.output_at == self.output_end {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let mut ready = self.output.get(self.output_at..self.output_end).unwrap_or_default();
        let n = ready.read(out)?;
        self.output_at += n;
        Ok(n)
    }
}
