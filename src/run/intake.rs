//! Stage one: the input files are kept, hashed and read into scratch tables.

use super::{Execution, RunError, freeze};
use crate::input::{self, InputFile, Part, RejectedRow};
use crate::report::{InputSummary, RejectedLine};
use crate::system::crash;
use std::collections::BTreeMap;
use std::path::Path;

impl Execution<'_> {
    pub(super) fn take_in(&mut self) -> Result<(), RunError> {
        self.stage("reading input", None);
        let request = self.request;
        if request.files.is_empty() && !request.plan.inputs.is_empty() {
            return Err(RunError::Request {
                cause: "the connector reads input, and no file was given".into(),
                hint: "hand in one or more files: --input FILE".into(),
            });
        }
        // What is read is the kept copy: the file itself may change while the run goes on.
        let kept = freeze(request, self.folder, &self.info)?;
        crash::point("frozen");
        let files: Vec<InputFile> =
            kept.iter().map(|k| InputFile::new(k.path.clone(), k.name.clone())).collect();
        let hashes: BTreeMap<&str, &str> =
            kept.iter().map(|k| (k.name.as_str(), k.sha256.as_str())).collect();
        let intake = if files.is_empty() {
            input::Intake::default()
        } else {
            let progress = |done, _| request.progress.advance(done);
            let scratch = self.folder.scratch();
            input::read(&files, &request.plan.inputs, scratch, &request.input, &progress, &|| self.stopped())?
        };
        self.parts = intake.parts.iter().map(|p| part_words(p, request.files)).collect();
        self.rejected = intake.rejected_total;
        self.rejected_lines =
            intake.rejected.iter().take(1000).map(|r| rejected_line(r, &self.parts)).collect();
        for table in &intake.tables {
            for &(part, rows) in &table.parts {
                let Some(p) = intake.parts.get(part) else { continue };
                self.inputs.push(InputSummary {
                    file: self.parts.get(part).cloned().unwrap_or_default(),
                    sha256: hashes.get(p.file.as_str()).map(|h| (*h).to_owned()).unwrap_or_default(),
                    rows,
                    table: format!("input.{}", table.name),
                });
            }
        }
        self.notices.extend(intake.notices.iter().map(|n| n.message.clone()));
        self.artefacts.insert("input".into(), self.folder.file("input").display().to_string());
        if let Some(made) = &intake.rejected_file {
            self.must_own()?;
            let path = self.folder.keep(made, "rejected.csv")?;
            self.artefacts.insert("rejected".into(), path.display().to_string());
        }
        self.intake = Some(intake);
        self.stage_done("reading input");
        Ok(())
    }
}

/// What reports call a part: the file's name alone, its path where two files share a name.
fn part_words(part: &Part, files: &[InputFile]) -> String {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
    let own = name(Path::new(&part.file)).unwrap_or_else(|| part.file.clone());
    let shared =
        files.iter().filter(|f| name(Path::new(&f.name)).as_deref() == Some(own.as_str())).count() > 1;
    let file = if shared { part.file.clone() } else { own };
    part.inner.as_ref().map_or(file.clone(), |inner| format!("{file}!{inner}"))
}

fn rejected_line(row: &RejectedRow, parts: &[String]) -> RejectedLine {
    RejectedLine {
        file: parts.get(row.source.part as usize).cloned().unwrap_or_default(),
        line: row.source.line,
        reason: match &row.cell {
            Some(cell) => format!("cell {cell}: {}", row.message),
            None => row.message.clone(),
        },
    }
}
