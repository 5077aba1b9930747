//! What an execution was asked, kept until it ends, so that it can be resumed as it began.

use super::{Request, RunError};
use crate::input::{InputError, InputFile};
use crate::plan::Plan;
use crate::system::folder::{ExecutionFolder, FROZEN, FolderError};
use crate::target::TargetInfo;
use crate::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The version of the file; an execution is resumed by the version that began it.
const VERSION: u32 = 3;

/// What is kept of the order and the names in which the input files were given: the folder with their copies
/// has neither.
pub const INPUTS: &str = "inputs.json";

/// A line of it.
#[derive(Serialize, Deserialize)]
struct Given {
    /// The copy's name.
    file: String,
    /// As the user gave it.
    name: String,
}

/// The kept copies of an execution's input files in the order in which they were given, each with the name that
/// it was given; none where that is not known.
pub fn given_inputs(root: &Path) -> Option<Vec<InputFile>> {
    let text = ExecutionFolder::saved_for_good(root, INPUTS)?;
    let given: Vec<Given> = serde_json::from_str(&text).ok()?;
    let input = root.join("input");
    Some(given.into_iter().map(|g| InputFile::new(input.join(g.file), g.name)).collect())
}

/// An execution as it was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Frozen {
    version: u32,
    /// Its id.
    pub execution: String,
    /// The plan.
    pub plan: Plan,
    /// The parameters that were given.
    pub parameters: BTreeMap<String, Value>,
    /// When it began.
    pub started: Timestamp,
    /// The kept copies of its input files.
    pub files: Vec<KeptFile>,
    /// The target.
    pub target: TargetInfo,
    /// The folder that relative paths are counted from.
    pub here: PathBuf,
    /// Where its artefacts go, as it was said.
    pub folder: PathBuf,
    /// The same from the root of the file system.
    pub lies: PathBuf,
    /// The root of the project that counts it, from the root of the file system; none where it is on its own.
    pub project: Option<PathBuf>,
    /// Whether a workbook is made.
    pub workbook: bool,
    /// Whether cells of the SQL output are guarded against formulas.
    pub guard_formulas: bool,
    /// Who or what started it.
    pub triggered_by: String,
}

/// What every version keeps.
#[derive(Deserialize)]
struct Known {
    version: u32,
    execution: String,
}

/// A copy of an input file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Where the copy lies.
    pub path: PathBuf,
    /// As the user gave it.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
}

/// Keeps copies of the input files and all that an execution is asked, without running it.
///
/// # Errors
/// Where an input file cannot be read, the folder not be written, or it was asked to stop.
pub fn freeze(
    request: &Request<'_>,
    folder: &ExecutionFolder,
    target: &TargetInfo,
) -> Result<Vec<KeptFile>, RunError> {
    let given: Vec<PathBuf> = request.files.iter().map(|f| f.path.clone()).collect();
    crate::input::check_given(&given)?;
    let mut kept = Vec::with_capacity(request.files.len());
    for InputFile { path, name, origin } in request.files {
        let stop = || request.stop.asked();
        let (path, sha256) = folder.keep_input(path, *origin, &stop).map_err(|e| match e.cause.kind() {
            ErrorKind::Interrupted => RunError::Input(InputError::Stopped),
            _ => e.into(),
        })?;
        kept.push(KeptFile { path, name: name.clone(), sha256 });
    }
    let copy = |k: &KeptFile| k.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let given: Vec<Given> = kept.iter().map(|k| Given { file: copy(k), name: k.name.clone() }).collect();
    folder.save_for_good(INPUTS, &serde_json::to_string(&given).unwrap_or_default())?;
    Frozen::save(request, folder, kept.clone(), target)?;
    Ok(kept)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

impl Frozen {
    /// What is kept in the folder of an execution that was interrupted; none where there is nothing
    /// to resume.
    ///
    /// # Errors
    /// Where it cannot be read, or was written by another version.
    pub fn load(root: &Path) -> Result<Option<Self>, RunError> {
        let Some(text) = ExecutionFolder::saved(root, FROZEN)? else { return Ok(None) };
        let unreadable = |cause: String| RunError::Request {
            cause: format!("the interrupted execution in {} cannot be resumed: {cause}", root.display()),
            hint: "run its input again: what was written already is found unchanged".into(),
        };
        let known: Known = serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
        if known.version != VERSION {
            return Err(unreadable("it was begun by another version of sconn".into()));
        }
        let frozen: Self = serde_json::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
        Ok(Some(frozen.found_in(root)))
    }

    /// The id of the execution that can be resumed in a folder, whichever version began it; none where there is none.
    pub fn execution_in(root: &Path) -> Option<String> {
        let text = ExecutionFolder::saved(root, FROZEN).ok()??;
        serde_json::from_str::<Known>(&text).ok().map(|known| known.execution)
    }

    /// Of a project that was moved or copied since, everything that lay in it lies where it is now: an execution of
    /// a copy must not touch what is the original's.
    fn found_in(mut self, root: &Path) -> Self {
        let (Ok(now), there) = (std::path::absolute(root), self.lies.canonicalize()) else { return self };
        if there.is_ok_and(|there| now.canonicalize().is_ok_and(|now| now == there)) {
            return self;
        }
        let (from, to) = self.moved(&now).unwrap_or_else(|| (self.lies.clone(), now.clone()));
        self.folder = now;
        self.moves(&from, &to);
        self
    }

    /// Where its project lay and lies, where its folder lies in it as it did.
    fn moved(&self, now: &Path) -> Option<(PathBuf, PathBuf)> {
        let from = self.project.as_ref()?;
        let within = self.lies.strip_prefix(from).ok()?;
        let to = now.ends_with(within).then(|| now.ancestors().nth(within.components().count()))??;
        Some((from.clone(), to.to_path_buf()))
    }

    /// What lay below `from` lies below `to`.
    pub fn moves(&mut self, from: &Path, to: &Path) {
        let found =
            |path: &Path| path.strip_prefix(from).map_or_else(|_| path.to_path_buf(), |rest| to.join(rest));
        for file in &mut self.files {
            file.path = found(&file.path);
        }
        self.target.place = found(Path::new(&self.target.place)).display().to_string();
        self.here = found(&self.here);
        self.lies = found(&self.lies);
        self.project = self.project.as_deref().map(found);
    }

    /// Whether one of its paths is counted from the folder where it began.
    pub fn needs_here(&self) -> bool {
        let files = self.files.iter().map(|f| f.path.as_path());
        files.chain([self.folder.as_path(), Path::new(&self.target.place)]).any(Path::is_relative)
    }

    /// The files to read.
    pub fn inputs(&self) -> Vec<InputFile> {
        self.files.iter().map(|f| InputFile::new(f.path.clone(), f.name.clone())).collect()
    }

    /// Whether the kept copies are what they were.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check_inputs(&self) -> Result<(), RunError> {
        for file in &self.files {
            if crate::system::folder::sha256(&file.path)? != file.sha256 {
                return Err(RunError::Request {
                    cause: format!("{} has changed since it was handed in", file.path.display()),
                    hint: "an execution is only resumed with the input it began with; run the new one as an execution of its own".into(),
                });
            }
        }
        Ok(())
    }

    /// It begins only now, after it waited: at that time, and maybe with another plan. Said before it
    /// begins, so that it begins once however often it is interrupted.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn begins(&mut self, folder: &ExecutionFolder, at: Timestamp, plan: Plan) -> Result<(), FolderError> {
        self.started = at;
        self.plan = plan;
        self.write(folder)
    }

    fn write(&self, folder: &ExecutionFolder) -> Result<(), FolderError> {
        folder.save(FROZEN, &serde_json::to_string(self).unwrap_or_default())
    }

    /// Keeps what an execution is asked.
    fn save(
        request: &Request<'_>,
        folder: &ExecutionFolder,
        files: Vec<KeptFile>,
        target: &TargetInfo,
    ) -> Result<(), FolderError> {
        let frozen = Self {
            version: VERSION,
            execution: request.execution.clone(),
            plan: request.plan.clone(),
            parameters: request.parameters.clone(),
            started: request.started,
            files,
            target: target.clone(),
            here: request.here.to_path_buf(),
            folder: folder.root().to_path_buf(),
            lies: absolute(folder.root()),
            project: request.project.map(absolute),
            workbook: request.workbook,
            guard_formulas: request.guard_formulas,
            triggered_by: request.triggered_by.to_owned(),
        };
        frozen.write(folder)
    }
}
