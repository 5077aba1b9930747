//! Rows that cannot be read: all of them go to a CSV, the first ones are kept to be shown.

use super::errors::InputError;
use super::{Limits, Part, RejectedRow};
use crate::system::crash::{self, Disk};
use crate::value::SourceRef;
use std::fs::File;
use std::path::{Path, PathBuf};

const HEADER: [&str; 6] = ["file", "part", "line", "cell", "reason", "text"];
/// Characters of a row's text that are kept in memory.
const KEPT_TEXT: usize = 200;

/// Takes the rows that cannot be read. Its file is made with the first of them.
pub(super) struct Rejects {
    kept: Vec<RejectedRow>,
    total: u64,
    limit: usize,
    path: PathBuf,
    writer: Option<csv::Writer<Disk>>,
}

/// What became of them.
pub(super) struct Rejected {
    pub kept: Vec<RejectedRow>,
    pub total: u64,
    pub file: Option<PathBuf>,
}

impl Rejects {
    pub fn new(scratch: &Path, limits: &Limits) -> Self {
        let path = scratch.join("rejected.csv");
        Self { kept: Vec::new(), total: 0, limit: limits.max_rejected_kept, path, writer: None }
    }

    /// Adds a row; `text` is all that it says, as far as that is known.
    pub fn add(
        &mut self,
        part: &Part,
        source: SourceRef,
        cell: Option<String>,
        message: String,
        text: &str,
    ) -> Result<(), InputError> {
        self.total += 1;
        let failed = |e: csv::Error| InputError::io(&self.path, e);
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let file = crash::write("create rejected.csv")
                    .and_then(|()| File::create(&self.path))
                    .map_err(|e| InputError::io(&self.path, e))?;
                let file = Disk::new(file, "write rejected.csv".into());
                let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 16).from_writer(file);
                writer.write_record(HEADER).map_err(failed)?;
                self.writer.insert(writer)
            }
        };
        let (inner, cell_name) =
            (part.inner.as_deref().unwrap_or_default(), cell.as_deref().unwrap_or_default());
        let line = source.line.to_string();
        writer.write_record([part.file.as_str(), inner, &line, cell_name, &message, text]).map_err(failed)?;
        if self.kept.len() < self.limit {
            let text = text.chars().take(KEPT_TEXT).collect();
            self.kept.push(RejectedRow { source, cell, message, text });
        }
        Ok(())
    }

    /// Ends the file.
    pub fn finish(self) -> Result<Rejected, InputError> {
        let file = match self.writer {
            Some(mut writer) => {
                writer.flush().map_err(|e| InputError::io(&self.path, e))?;
                Some(self.path)
            }
            None => None,
        };
        Ok(Rejected { kept: self.kept, total: self.total, file })
    }
}
