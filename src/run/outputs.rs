//! The end: the summary and the workbook, whatever the run came to.

use super::{Execution, REPORTING, RunError};
use crate::report::{ReportInput, RunState, ScopeTables, StepTable, Summary, VariablesTable, write_workbook};
use crate::system::crash;

impl Execution<'_> {
    /// Writes what is left to write. A failure of the run is in the summary; a failure to write the
    /// report makes the run a failed one.
    pub(super) async fn finish(
        mut self,
        state: RunState,
        failure: Option<RunError>,
    ) -> Result<Summary, RunError> {
        let mut failure = failure.map(|e| told(&e));
        let mut state = state;
        if self.request.workbook
            && let Err(error) = self.workbook(state, failure.clone())
        {
            failure = Some(match failure {
                Some(first) => format!("{first}\nThe report could not be written either: {error}"),
                None => told(&error),
            });
            state = RunState::Failed;
        }
        crash::point("reported");
        self.must_own()?;
        let path = self.artefact("summary", "summary.json");
        let summary = self.summary(state, failure.clone());
        let Err(error) = summary.write(&path) else {
            crash::point("summed up");
            return Ok(summary);
        };
        // It can still be told, with all that was done before.
        self.artefacts.remove("summary");
        let error = RunError::from(error);
        let failure = match failure {
            Some(first) => format!("{first}\nThe summary could not be written either: {error}"),
            None => told(&error),
        };
        Ok(self.summary(RunState::Failed, Some(failure)))
    }

    fn workbook(&mut self, state: RunState, failure: Option<String>) -> Result<(), RunError> {
        self.stage(REPORTING, None);
        let path = self.artefact("report", "report.xlsx");
        let decisions = self.folder.file("decisions.parquet");
        let plan = self.request.plan;
        let summary = self.summary(state, failure);
        let scopes: Vec<ScopeTables<'_>> = self
            .scopes
            .iter()
            .map(|run| ScopeTables {
                name: &run.name,
                output: &run.output,
                variables: run.variables.as_ref().and_then(|values| {
                    let query = plan.scopes().find(|q| q.name == run.name)?;
                    Some(VariablesTable { specs: &query.scope.as_ref()?.variables, values })
                }),
            })
            .collect();
        // Steps that were never begun have no decisions.
        let begun = self.steps.iter().map(|s| s.name.as_str()).collect::<Vec<_>>();
        let steps: Vec<StepTable<'_>> = plan
            .loads
            .iter()
            .filter(|l| begun.contains(&l.name.as_str()) && decisions.exists())
            .map(|l| StepTable { plan: l, decisions: &decisions })
            .collect();
        let written = write_workbook(
            &path,
            &ReportInput {
                summary: &summary,
                scopes: &scopes,
                steps: &steps,
                rejected: &self.rejected_lines,
                parts: &self.parts,
            },
        );
        if let Err(error) = written {
            self.artefacts.remove("report");
            return Err(error.into());
        }
        self.stage_done(REPORTING);
        Ok(())
    }
}

/// An error and its hint in one text.
fn told(error: &RunError) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\n{hint}"))
}
