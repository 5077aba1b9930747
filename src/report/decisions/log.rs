//! The decisions of chunks that are about to be committed, so that a resumed execution reports them as
//! an undisturbed one does: the target keeps what was written, but not why.
//!
//! Frames, one a chunk, in one file a worker. A frame is on the disk before its chunk is committed, so
//! a committed chunk has one, in the file of the worker that committed it: the newest that has a frame
//! of that chunk, as a worker only begins a chunk that no earlier one has committed. A frame that was
//! cut off is of a chunk that was not.
//!
//! A frame is the magic, the step's number, the chunk's, the payload's length, 8 bytes of the
//! payload's SHA-256 (little-endian), then the payload: an Arrow IPC stream, LZ4.

use super::schema;
use crate::report::ReportError;
use crate::system::crash;
use crate::value::arrow::array::RecordBatch;
use crate::value::arrow::ipc::CompressionType;
use crate::value::arrow::ipc::reader::StreamReader;
use crate::value::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 4] = *b"SDL1";
const HEAD: usize = 4 + 4 + 8 + 8 + 8;
const PREFIX: &str = "decisions-";

/// Writes the frames of one worker.
#[derive(Debug)]
pub struct DecisionLog {
    file: File,
    path: PathBuf,
    frame: Vec<u8>,
}

impl DecisionLog {
    /// Starts the file of a new worker in `folder`, after those of earlier ones.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create(folder: &Path) -> Result<Self, ReportError> {
        let number = logs(folder)?.last().map_or(1, |(number, _)| number + 1);
        let path = folder.join(format!("{PREFIX}{number}.log"));
        let file = crash::write("create log")
            .and_then(|()| File::create_new(&path))
            .map_err(|e| ReportError::new(&path, e))?;
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| ReportError::new(folder, e))?;
        Ok(Self { file, path, frame: Vec::new() })
    }

    /// Adds a chunk; it is on the disk when this returns.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn append(&mut self, step: usize, chunk: u64, rows: &[RecordBatch]) -> Result<(), ReportError> {
        let failed = |e: &dyn std::fmt::Display| ReportError::new(&self.path, e);
        self.frame.clear();
        self.frame.resize(HEAD, 0);
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(|e| failed(&e))?;
        let mut writer = StreamWriter::try_new_with_options(&mut self.frame, &schema(), options)
            .map_err(|e| failed(&e))?;
        rows.iter()
            .try_for_each(|rows| writer.write(rows))
            .and_then(|()| writer.finish())
            .map_err(|e| failed(&e))?;
        drop(writer);
        let (head, payload) = self.frame.split_at_mut(HEAD);
        head[..4].copy_from_slice(&MAGIC);
        head[4..8].copy_from_slice(&(step as u32).to_le_bytes());
        head[8..16].copy_from_slice(&chunk.to_le_bytes());
        head[16..24].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        head[24..].copy_from_slice(&check(payload));
        let mut write = || {
            crash::write("write log")?;
            self.file.write_all(&self.frame)?;
            crash::write("sync log")?;
            self.file.sync_data()
        };
        write().map_err(|e| ReportError::new(&self.path, e))?;
        crash::point("log synced");
        Ok(())
    }
}

fn check(payload: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out.iter_mut().zip(Sha256::digest(payload)).for_each(|(o, b)| *o = b);
    out
}

/// The files of a folder, by number.
fn logs(folder: &Path) -> Result<Vec<(u64, PathBuf)>, ReportError> {
    let failed = |e: io::Error| ReportError::new(folder, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let number = name.strip_prefix(PREFIX).and_then(|n| n.strip_suffix(".log"));
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

/// What earlier workers of an execution decided: where each chunk's newest frame lies.
#[derive(Debug, Default)]
pub struct LoggedDecisions {
    frames: HashMap<(u32, u64), (PathBuf, u64)>,
}

impl LoggedDecisions {
    /// Reads the files in `folder`.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReportError> {
        let mut frames = HashMap::new();
        for (_, path) in logs(folder)? {
            let failed = |e: io::Error| ReportError::new(&path, e);
            let file = File::open(&path).map_err(failed)?;
            let length = file.metadata().map_err(failed)?.len();
            let mut reader = BufReader::new(file);
            let mut at = 0;
            while let Some(head) = Head::read(&mut reader).map_err(failed)? {
                let next = at + HEAD as u64 + head.length;
                if next > length {
                    break;
                }
                frames.insert((head.step, head.chunk), (path.clone(), at));
                reader.seek(SeekFrom::Start(next)).map_err(failed)?;
                at = next;
            }
        }
        Ok(Self { frames })
    }

    /// The rows of a chunk; none where no worker decided about it.
    ///
    /// # Errors
    /// Where the frame cannot be read.
    pub fn chunk(&self, step: usize, chunk: u64) -> Result<Option<Vec<RecordBatch>>, ReportError> {
        let Some((path, at)) = self.frames.get(&(step as u32, chunk)) else { return Ok(None) };
        let failed = |e: &dyn std::fmt::Display| ReportError::new(path, e);
        let mut file = File::open(path).map_err(|e| failed(&e))?;
        file.seek(SeekFrom::Start(*at)).map_err(|e| failed(&e))?;
        let head =
            Head::read(&mut file).map_err(|e| failed(&e))?.ok_or_else(|| failed(&"a frame is gone"))?;
        let mut payload = vec![0; usize::try_from(head.length).map_err(|e| failed(&e))?];
        file.read_exact(&mut payload).map_err(|e| failed(&e))?;
        if check(&payload) != head.check {
            return Err(failed(&format!("the decisions of chunk {chunk} are damaged")));
        }
        let reader = StreamReader::try_new(payload.as_slice(), None).map_err(|e| failed(&e))?;
        reader.collect::<Result<_, _>>().map(Some).map_err(|e| failed(&e))
    }
}

struct Head {
    step: u32,
    chunk: u64,
    length: u64,
    check: [u8; 8],
}

impl Head {
    /// None at the end, or where what follows is no frame.
    fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut head = [0; HEAD];
        match from.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let long = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&head[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let step = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let check = long(24).to_le_bytes();
        Ok((head[..4] == MAGIC).then(|| Self { step, chunk: long(8), length: long(16), check }))
    }
}
