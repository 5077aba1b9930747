//! Scratch tables on disk: batches go out once and come back as often as asked, so that memory does
//! not grow with the input.

use super::crash::{self, Disk};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::reader::FileReader;
use datafusion::arrow::ipc::writer::FileWriter;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

/// Why a spool could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct SpoolError {
    /// The scratch file.
    pub path: String,
    /// Why; `No space left on device` among others.
    pub cause: String,
}

fn error(path: &Path, cause: impl std::fmt::Display) -> SpoolError {
    // Arrow and the system put words of their own around the reason.
    let cause = cause.to_string();
    let plain = cause.strip_prefix("Io error: ").unwrap_or(&cause);
    let plain = plain.split(" (os error ").next().unwrap_or(plain);
    SpoolError { path: path.display().to_string(), cause: plain.to_owned() }
}

/// A table on disk, as an Arrow IPC file.
#[derive(Clone, Debug)]
pub struct Spool {
    path: PathBuf,
    schema: SchemaRef,
    rows: u64,
}

impl Spool {
    /// A spool that was finished by an earlier process.
    ///
    /// # Errors
    /// Where there is none at `path`, or it is not whole.
    pub fn open(path: &Path, rows: u64) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(|e| error(path, e))?;
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(|e| error(path, e))?;
        Ok(Self { path: path.to_path_buf(), schema: reader.schema(), rows })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Reads it from the start; `columns` by index, all where none are given.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn read(&self, columns: Option<Vec<usize>>) -> Result<SpoolReader, SpoolError> {
        let file = File::open(&self.path).map_err(|e| error(&self.path, e))?;
        let reader = FileReader::try_new(BufReader::new(file), columns).map_err(|e| error(&self.path, e))?;
        Ok(SpoolReader { reader, path: self.path.clone() })
    }

    /// Reads it in batches of exactly `rows` rows, the last one excepted, however it was written.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn read_by(&self, columns: Option<Vec<usize>>, rows: usize) -> Result<SpoolChunks, SpoolError> {
        Ok(SpoolChunks { reader: self.read(columns)?, rows: rows.max(1), waiting: None })
    }
}

/// Reads a spool in batches of one size.
pub struct SpoolChunks {
    reader: SpoolReader,
    rows: usize,
    /// What is left of the last batch.
    waiting: Option<RecordBatch>,
}

impl SpoolChunks {
    fn chunk(&mut self) -> Result<Option<RecordBatch>, SpoolError> {
        let mut pieces = Vec::new();
        let mut missing = self.rows;
        while missing > 0 {
            let Some(batch) = self.waiting.take().map(Ok).or_else(|| self.reader.next()).transpose()? else {
                break;
            };
            let take = missing.min(batch.num_rows());
            if take < batch.num_rows() {
                self.waiting = Some(batch.slice(take, batch.num_rows() - take));
            }
            missing -= take;
            if take > 0 {
                pieces.push(batch.slice(0, take));
            }
        }
        match pieces.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one.clone())),
            several => {
                let schema = several[0].schema();
                concat_batches(&schema, several).map(Some).map_err(|e| error(&self.reader.path, e))
            }
        }
    }
}

impl Iterator for SpoolChunks {
    type Item = Result<RecordBatch, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.chunk().transpose()
    }
}

/// Reads a spool batch by batch.
pub struct SpoolReader {
    reader: FileReader<BufReader<File>>,
    path: PathBuf,
}

impl Iterator for SpoolReader {
    type Item = Result<RecordBatch, SpoolError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.next().map(|r: Result<RecordBatch, ArrowError>| r.map_err(|e| error(&self.path, e)))
    }
}

/// What the table is of: `scope` of `scope-items.arrow`.
fn kind(path: &Path) -> String {
    let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    name.split('-').next().unwrap_or_default().to_owned()
}

/// Writes a spool.
pub struct SpoolWriter {
    writer: FileWriter<BufWriter<Disk>>,
    path: PathBuf,
    schema: SchemaRef,
    rows: u64,
}

impl SpoolWriter {
    /// Starts a spool at `path`.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn create(path: &Path, schema: SchemaRef) -> Result<Self, SpoolError> {
        let kind = kind(path);
        let file = crash::write(&format!("create {kind} table"))
            .and_then(|()| File::create(path))
            .map_err(|e| error(path, e))?;
        let file = Disk::new(file, format!("write {kind} table"));
        let writer = FileWriter::try_new(BufWriter::with_capacity(1 << 20, file), &schema)
            .map_err(|e| error(path, e))?;
        Ok(Self { writer, path: path.to_path_buf(), schema, rows: 0 })
    }

    /// Its columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// An error about this spool.
    pub fn error(&self, cause: impl std::fmt::Display) -> SpoolError {
        error(&self.path, cause)
    }

    /// Adds a batch of the spool's schema.
    ///
    /// # Errors
    /// Where the disk is full or the schema differs.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SpoolError> {
        self.rows += batch.num_rows() as u64;
        self.writer.write(batch).map_err(|e| error(&self.path, e))
    }

    /// Ends it; only then can it be read.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn finish(mut self) -> Result<Spool, SpoolError> {
        self.writer.finish().map_err(|e| error(&self.path, e))?;
        crash::point(&format!("finished {} table", kind(&self.path)));
        let Self { path, schema, rows, .. } = self;
        Ok(Spool { path, schema, rows })
    }
}
