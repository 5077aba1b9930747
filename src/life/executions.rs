//! Executions that there are: finding one, what it left, running it again.

use super::asked::{Key, Queued, queue_once};
use super::{Ask, Failure, plan_to_queue};
use crate::input::InputFile;
use crate::project::Project;
use crate::project::state::{ExecutionRow, State};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What an execution leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artefact {
    /// The report.
    Report,
    /// What the SQL came to.
    SqlOutput,
    /// What was decided about each row.
    Decisions,
    /// What it did, in short.
    Summary,
    /// The input files.
    Input,
}

impl Artefact {
    /// Every one.
    pub const ALL: [Artefact; 5] =
        [Artefact::Report, Artefact::SqlOutput, Artefact::Decisions, Artefact::Summary, Artefact::Input];

    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Artefact::Report => "report",
            Artefact::SqlOutput => "sql-output",
            Artefact::Decisions => "decisions",
            Artefact::Summary => "summary",
            Artefact::Input => "input",
        }
    }

    /// Its name in the execution's folder.
    pub fn file(self) -> &'static str {
        match self {
            Artefact::Report => "report.xlsx",
            Artefact::SqlOutput => "sql-output.zip",
            Artefact::Decisions => "decisions.parquet",
            Artefact::Summary => "summary.json",
            Artefact::Input => "input",
        }
    }

    /// When it is there.
    pub fn when(self) -> &'static str {
        match self {
            Artefact::SqlOutput => "it is there as soon as the SQL has run",
            Artefact::Input => "it is there once the execution has begun",
            _ => "it is there at the end",
        }
    }

    /// Its place in an execution's folder.
    ///
    /// # Errors
    /// Where it is not there yet, or not any more.
    pub fn of(self, folder: &Path) -> Result<PathBuf, Failure> {
        let path = folder.join(self.file());
        if path.exists() {
            return Ok(path);
        }
        let execution = folder.file_name().unwrap_or(folder.as_os_str()).display().to_string();
        Err(Failure::new(format!("{execution} has no {} yet", self.file()), self.when()))
    }
}

/// The execution of that id.
///
/// # Errors
/// Where there is none.
pub fn find_execution(state: &State, id: &str) -> Result<ExecutionRow, Failure> {
    state.execution(id)?.ok_or_else(|| {
        Failure::new(format!("there is no execution {id}"), "`sconn executions list` shows those there are")
    })
}

/// The copies of its input files that an execution has kept, by name.
pub fn kept_input(folder: &Path) -> Vec<InputFile> {
    let entries = std::fs::read_dir(folder.join(Artefact::Input.file())).into_iter().flatten().flatten();
    let mut files: Vec<InputFile> = entries
        .map(|e| InputFile { path: e.path(), name: e.file_name().to_string_lossy().into_owned() })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Packs files into a ZIP at `to`.
///
/// # Errors
/// Where they cannot be read, or the disk is full.
pub fn pack(files: &[InputFile], to: &Path) -> Result<(), Failure> {
    let mut zip = zip::ZipWriter::new(BufWriter::new(File::create(to)?));
    let options = zip::write::SimpleFileOptions::default().large_file(true);
    for InputFile { path, name } in files {
        zip.start_file(name.as_str(), options).map_err(std::io::Error::from)?;
        std::io::copy(&mut File::open(path)?, &mut zip)?;
    }
    zip.finish().map_err(std::io::Error::from)?.flush()?;
    Ok(())
}

/// Puts an execution into the queue that has the input, the parameters and the target of one that there
/// was. It is `live` as that one was, where nothing is said. Gives what is to be said of its connector's file
/// besides.
///
/// # Errors
/// Where its connector is not known or has errors, or its input is not kept any more.
pub fn run_again(
    project: &Project,
    state: &State,
    row: &ExecutionRow,
    live: Option<bool>,
    by: &str,
    key: Option<&Key>,
) -> Result<(Queued, Option<String>), Failure> {
    let folder = project.root().join(&row.folder);
    if !folder.join(Artefact::Input.file()).is_dir() {
        return Err(Failure::new(
            format!("the input of {} is not kept any more", row.id),
            "hand the file in again",
        ));
    }
    let known = state.connector(&row.connector)?;
    let known = known.ok_or_else(|| {
        let what = format!("the project knows no connector `{}` any more", row.connector);
        Failure::new(what, "activate it again")
    })?;
    let live = live.unwrap_or(row.live);
    let (plan, notice) = plan_to_queue(project, state, &known, live)?;
    let asked = state.submission(&row.id)?;
    let ask = Ask {
        file: project.root().join(&known.file),
        input: kept_input(&folder),
        live,
        params: asked.params,
        target: asked.target,
        out: None,
        workbook: true,
        guard_formulas: false,
        triggered_by: by.to_owned(),
    };
    Ok((queue_once(plan, ask, key)?, notice))
}
