//! What the stages before the load came to. It is on the disk before the first chunk is written: once
//! records have changed, the same SQL could give other rows, so a resumed execution does not run it
//! again.

use super::{Execution, RunError, ScopeRun};
use crate::report::{InputSummary, RejectedLine, StageTime};
use crate::system::crash;
use crate::system::folder::{ExecutionFolder, sync};
use crate::system::spool::Spool;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FILE: &str = "checkpoint.json";

#[derive(Serialize, Deserialize)]
struct Checkpoint {
    stages: Vec<StageTime>,
    inputs: Vec<InputSummary>,
    parts: Vec<String>,
    rejected: u64,
    rejected_lines: Vec<RejectedLine>,
    notices: Vec<String>,
    artefacts: BTreeMap<String, String>,
    scopes: Vec<Scope>,
}

#[derive(Serialize, Deserialize)]
struct Scope {
    name: String,
    rows: u64,
    /// Files, from the folder of what workers leave.
    output: String,
    variables: Option<String>,
    problems: u64,
}

impl Execution<'_> {
    pub(super) fn save_checkpoint(&self) -> Result<(), RunError> {
        let file = |spool: &Spool| {
            let name = spool.path().strip_prefix(self.folder.work()).unwrap_or(spool.path());
            name.to_string_lossy().into_owned()
        };
        let mut scopes = Vec::new();
        crash::point("sync tables");
        for scope in &self.scopes {
            let mut spools = std::iter::once(&scope.output).chain(&scope.variables);
            spools.try_for_each(|s| sync(s.path()))?;
            scopes.push(Scope {
                name: scope.name.clone(),
                rows: scope.output.rows(),
                output: file(&scope.output),
                variables: scope.variables.as_ref().map(file),
                problems: scope.problems,
            });
        }
        let checkpoint = Checkpoint {
            stages: self.stages.clone(),
            inputs: self.inputs.clone(),
            parts: self.parts.clone(),
            rejected: self.rejected,
            rejected_lines: self.rejected_lines.clone(),
            notices: self.notices.clone(),
            artefacts: self.artefacts.clone(),
            scopes,
        };
        let text = serde_json::to_string(&checkpoint).map_err(|e| broken(&e))?;
        // Another worker may have committed chunks meanwhile, and the SQL have read what it wrote.
        self.must_own()?;
        Ok(self.folder.save(FILE, &text)?)
    }

    /// Takes up what an interrupted worker left; false where it had not got that far.
    pub(super) fn load_checkpoint(&mut self) -> Result<bool, RunError> {
        let Some(text) = ExecutionFolder::saved(self.folder.root(), FILE)? else { return Ok(false) };
        let saved: Checkpoint = serde_json::from_str(&text).map_err(|e| broken(&e))?;
        let spool = |name: &str, rows| Spool::open(&self.folder.work().join(name), rows);
        for scope in &saved.scopes {
            let variables = scope.variables.as_ref().map(|name| spool(name, scope.rows)).transpose()?;
            let output = spool(&scope.output, scope.rows)?;
            self.scopes.push(ScopeRun {
                name: scope.name.clone(),
                output,
                variables,
                problems: scope.problems,
            });
        }
        self.stages = saved.stages;
        self.inputs = saved.inputs;
        self.parts = saved.parts;
        self.rejected = saved.rejected;
        self.rejected_lines = saved.rejected_lines;
        self.notices = saved.notices;
        self.artefacts = saved.artefacts;
        Ok(true)
    }
}

fn broken(cause: &dyn std::fmt::Display) -> RunError {
    RunError::Request {
        cause: format!("what the interrupted execution had done cannot be read: {cause}"),
        hint: "run its input again: what was written already is found unchanged".into(),
    }
}
