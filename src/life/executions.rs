//! Executions that there are: finding one, what it left, running it again.

use super::asked::{Key, Queued, queue_once};
use super::{Ask, Failure, plan_to_queue};
use crate::input::InputFile;
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, State};
use crate::run::given_inputs;
use crate::system::once::Once;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

    /// Its place in an execution's folder; none where it is not there.
    pub fn of(self, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(self.file())).filter(|path| path.exists())
    }

    /// Its place in the folder of an execution that the project knows.
    ///
    /// # Errors
    /// Where it is not there yet, never was, or is not there any more: says which of it.
    pub fn of_execution(
        self,
        project: &Project,
        state: &State,
        row: &ExecutionRow,
    ) -> Result<PathBuf, Failure> {
        let folder = kept_files(project, row)?;
        if let Some(path) = self.of(&folder) {
            return Ok(path);
        }
        let (id, file) = (&row.id, self.file());
        if !row.state.ended() {
            return Err(Failure::new(
                format!("{id} has no {file} yet: it is {}", row.state.words()),
                self.when(),
            ));
        }
        let summary = Artefact::Summary.of(&folder).is_some();
        let why = match (row.state, self) {
            (ExecutionState::Cancelled, _) if row.started_at.is_none() => "it was cancelled before it began",
            (ExecutionState::Failed, Artefact::Report) if summary => {
                "it ran with --no-report, or was ended at a limit"
            }
            (_, Artefact::Report) if summary => "it ran with --no-report",
            (ExecutionState::Cancelled, _) => "it was cancelled before there was one",
            (ExecutionState::Failed, _) => "it failed before there was one",
            _ => "it is not in its folder any more",
        };
        Err(Failure::new(format!("{id} has no {file}: {why}"), again(project, state, row)?))
    }
}

/// That an execution has not ended, so that somebody may go on with it.
///
/// # Errors
/// Where it has, with how its input is run again.
pub fn resumable(project: &Project, state: &State, row: &ExecutionRow) -> Result<(), Failure> {
    if !row.state.ended() {
        return Ok(());
    }
    Err(Failure::new(
        format!("{} is {}", row.id, row.state.words()),
        format!("only one that waits or was interrupted can be resumed; {}", again(project, state, row)?),
    ))
}

/// How the input of an execution is run again.
fn again(project: &Project, state: &State, row: &ExecutionRow) -> Result<String, Failure> {
    let known = state.connector(&row.connector)?;
    let file = known
        .map_or_else(|| "CONNECTOR.sconn".to_owned(), |c| project.root().join(c.file).display().to_string());
    let kept = kept_input(&project.root().join(&row.folder));
    let mut command = format!("sconn run {}", quoted(&file));
    if kept.is_empty() {
        command += " --input FILE";
    }
    for input in kept {
        command += &format!(" --input {}", quoted(&input.path.display().to_string()));
    }
    if row.live {
        command += " --live";
    }
    Ok(format!("run its input again: {command}"))
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
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

/// The folder with what an execution left.
///
/// # Errors
/// Where its files were removed.
pub fn kept_files(project: &Project, row: &ExecutionRow) -> Result<PathBuf, Failure> {
    match &row.files_gone_at {
        None => Ok(project.root().join(&row.folder)),
        Some(at) => Err(Failure::new(
            format!("the files of {} were removed at {at}", row.id),
            "run the input again where you still have it; `[retention]` in sconn.toml says how long files stay",
        )),
    }
}

/// The copies of its input files that an execution has kept, in the order in which they were given: that decides
/// which row is the last one. Each has the name of its copy, which no other has.
pub fn kept_input(folder: &Path) -> Vec<InputFile> {
    let mut files = given_input(folder);
    for file in &mut files {
        file.name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    }
    files
}

/// The same, with the names that they were given: what a run is given that is to come to the same.
pub fn given_input(folder: &Path) -> Vec<InputFile> {
    let entries = std::fs::read_dir(folder.join(Artefact::Input.file())).into_iter().flatten().flatten();
    let mut there: Vec<InputFile> =
        entries.map(|e| InputFile::new(e.path(), e.file_name().to_string_lossy().into_owned())).collect();
    there.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(given) = given_inputs(folder) else { return there };
    let mut files: Vec<InputFile> = Vec::new();
    for file in given {
        // Two files of one name and the same bytes have one copy.
        if there.iter().any(|t| t.path == file.path) && files.iter().all(|f| f.path != file.path) {
            files.push(file);
        }
    }
    files
}

/// Packs files into a ZIP at `to`: the same files make the same bytes, and it is as old as the newest of them, so
/// that whoever has a part of it may fetch the rest from another that was packed later.
///
/// # Errors
/// Where they cannot be read, or the disk is full.
pub fn pack(files: &[InputFile], to: &Path) -> Result<(), Failure> {
    let mut zip = zip::ZipWriter::new(BufWriter::new(Once::new(File::create(to)?)));
    let options = zip::write::SimpleFileOptions::default()
        .large_file(true)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut newest = SystemTime::UNIX_EPOCH;
    for InputFile { path, name, .. } in files {
        zip.start_file(name.as_str(), options).map_err(std::io::Error::from)?;
        let mut file = File::open(path)?;
        newest = newest.max(file.metadata()?.modified()?);
        std::io::copy(&mut file, &mut zip)?;
    }
    let mut file = zip.finish().map_err(std::io::Error::from)?;
    file.flush()?;
    Ok(file.get_ref().get_ref().set_modified(newest)?)
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
    let folder = kept_files(project, row)?;
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
        input: given_input(&folder),
        live,
        params: asked.params,
        target: asked.target,
        out: None,
        workbook: true,
        guard_formulas: asked.guard_formulas,
        triggered_by: by.to_owned(),
    };
    Ok((queue_once(plan, ask, key)?, notice))
}
