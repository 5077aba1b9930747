//! Stage four: each load step goes through its scope chunk by chunk: decide, commit, record.

use super::variables::{PROBLEMS, read_problems};
use super::{Execution, RunError};
use crate::load::{Action, Provisional, RowDecision, Rows, SourceRef, Step};
use crate::plan::LoadPlan;
use crate::report::{DecisionWriter, StepTally, source_words};
use crate::sql::ROW;
use crate::system::spool::{Spool, SpoolWriter};
use crate::target::Chunk;
use crate::value::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder};
use crate::value::arrow::datatypes::{DataType as ArrowType, Field, Int64Type, Schema};
use crate::value::{CellProblem, VariableSpec};
use std::sync::Arc;

/// The ids that a step exposed: a scratch table of one column, a row for each row of the scope.
struct Exposed {
    scope: String,
    name: String,
    spool: Spool,
}

impl Execution<'_> {
    pub(super) async fn run_loads(&mut self) -> Result<(), RunError> {
        let path = self.artefact("decisions", "decisions.parquet");
        let mut decisions = DecisionWriter::create(&path, &self.request.execution, &self.parts)?;
        let mut exposed: Vec<Exposed> = Vec::new();
        let provisional = Provisional::default();
        let mut failure = None;
        for load in &self.request.plan.loads {
            let mut run = StepRun::new(self, load, &exposed, &provisional)?;
            decisions.step(load)?;
            // A step after a failed one decides nothing, but its rows are told as not processed.
            let done = run.go(self, &mut decisions, failure.is_some()).await;
            self.steps.push(run.tally.summary());
            if let Some(spool) = run.finish(done.is_ok())? {
                exposed.push(spool);
            }
            self.stage_done(&format!("loading {}", load.name));
            failure = failure.or(done.err());
        }
        decisions.finish()?;
        failure.map_or(Ok(()), Err)
    }
}

struct StepRun<'p> {
    load: &'p LoadPlan,
    variables: &'p [VariableSpec],
    step: Step<'p>,
    tally: StepTally,
    exposed: Option<SpoolWriter>,
    /// Ids exposed by earlier steps over the same scope: (name, table).
    known: Vec<(String, Spool)>,
    next_chunk: u64,
    next_row: u64,
}

/// The rows of one chunk with everything that the load needs of them.
struct RowsOfChunk {
    values: RecordBatch,
    sources: Vec<Option<SourceRef>>,
    ids: Vec<(String, ArrayRef)>,
}

impl<'p> StepRun<'p> {
    fn new(
        execution: &Execution<'p>,
        load: &'p LoadPlan,
        exposed: &[Exposed],
        provisional: &Provisional,
    ) -> Result<Self, RunError> {
        let plan = execution.request.plan;
        let scope = plan.scopes().find(|s| s.name == load.scope).and_then(|s| s.scope.as_ref());
        let variables = scope.map_or(&[][..], |s| s.variables.as_slice());
        let writer = match &load.expose {
            Some(name) => {
                let schema = Schema::new(vec![Field::new(name, ArrowType::Utf8, true)]);
                let path = execution.folder.work().join(format!("exposed-{}.arrow", load.name));
                Some(SpoolWriter::create(&path, Arc::new(schema))?)
            }
            None => None,
        };
        let known = exposed
            .iter()
            .filter(|e| e.scope == load.scope)
            .map(|e| (e.name.clone(), e.spool.clone()))
            .collect();
        Ok(Self {
            load,
            variables,
            step: Step::new(load, variables, &plan.objects).with_provisional(provisional.clone()),
            tally: StepTally::new(load),
            exposed: writer,
            known,
            next_chunk: 0,
            next_row: 0,
        })
    }

    async fn go(
        &mut self,
        execution: &mut Execution<'_>,
        decisions: &mut DecisionWriter,
        after_failure: bool,
    ) -> Result<(), RunError> {
        let Some(scope) = execution.scopes.iter().find(|s| s.name == self.load.scope) else { return Ok(()) };
        let (output, values) = (scope.output.clone(), scope.variables.clone());
        execution.stage(&format!("loading {}", self.load.name), Some(output.rows()));
        let Some(values) = values else { return Ok(()) };
        let row_column = output.schema().index_of(ROW).ok();
        let size = execution.request.plan.connector.chunk.max(1) as usize;
        let mut rows = output.read_by(row_column.map(|i| vec![i]), size)?;
        let mut ids = self
            .known
            .iter()
            .map(|(name, spool)| Ok((name.clone(), spool.read_by(None, size)?)))
            .collect::<Result<Vec<_>, RunError>>()?;
        let mut failure = None;
        // Once it failed or was stopped, the rest of the rows is still told, as not processed.
        let mut idle = after_failure;
        // The tables have the same rows in the same order, so their chunks go together.
        for values in values.read_by(None, size)? {
            let values = values?;
            let sources = match rows.next() {
                Some(batch) => sources(&batch?),
                None => vec![None; values.num_rows()],
            };
            let mut of_chunk = Vec::new();
            for (name, reader) in &mut ids {
                if let Some(batch) = reader.next() {
                    of_chunk.push((name.clone(), batch?.column(0).clone()));
                }
            }
            let chunk = RowsOfChunk { values, sources, ids: of_chunk };
            idle = idle || execution.stopped();
            let made = if idle { Ok(self.unprocessed(&chunk)) } else { self.chunk(execution, &chunk).await };
            let made = made.unwrap_or_else(|e| {
                idle = true;
                failure = Some(e);
                self.unprocessed(&chunk)
            });
            self.record(execution, decisions, &made)?;
            self.expose(&made)?;
            self.next_row += made.len() as u64;
            execution.request.progress.advance(self.next_row);
        }
        failure.map_or(Ok(()), Err)
    }

    /// Decides and commits one chunk.
    async fn chunk(
        &mut self,
        execution: &Execution<'_>,
        chunk: &RowsOfChunk,
    ) -> Result<Vec<RowDecision>, RunError> {
        let problems = problems(&chunk.values)?;
        let mut columns: Vec<(&str, &ArrayRef)> = self
            .variables
            .iter()
            .enumerate()
            .map(|(i, v)| (v.name.as_str(), chunk.values.column(i)))
            .collect();
        columns.extend(chunk.ids.iter().map(|(n, a)| (n.as_str(), a)));
        let rows = Rows {
            first_row: self.next_row,
            sources: &chunk.sources,
            columns,
            variables: self.variables,
            problems: &problems,
        };
        let mut target = execution.target.lock().await;
        let mut decided = self.step.decide(target.as_mut(), &rows).await?;
        let writes = Chunk {
            execution: &execution.request.execution,
            step: &self.load.name,
            number: self.next_chunk,
            first_row: self.next_row,
            rows: chunk.values.num_rows() as u64,
            object: &self.load.object,
            new_options: &decided.new_options,
            writes: &decided.writes,
        };
        let receipt = target.commit(writes).await?;
        Step::settle(&mut decided, &receipt, self.next_chunk);
        self.next_chunk += 1;
        Ok(decided.decisions)
    }

    fn unprocessed(&self, chunk: &RowsOfChunk) -> Vec<RowDecision> {
        (self.next_row + 1..)
            .zip(&chunk.sources)
            .map(|(row, source)| RowDecision {
                row,
                source: *source,
                key: 0,
                rules: Vec::new(),
                decided_by: None,
                action: Action::Unprocessed,
                record: None,
                visible: false,
                fields: Vec::new(),
                errors: Vec::new(),
                warnings: Vec::new(),
                committed_chunk: None,
            })
            .collect()
    }

    fn record(
        &mut self,
        execution: &Execution<'_>,
        decisions: &mut DecisionWriter,
        made: &[RowDecision],
    ) -> Result<(), RunError> {
        for decision in made {
            self.tally.add(decision, &source_words(decision.source, &execution.parts));
            decisions.write(decision)?;
        }
        Ok(())
    }

    fn expose(&mut self, made: &[RowDecision]) -> Result<(), RunError> {
        let Some(writer) = &mut self.exposed else { return Ok(()) };
        let mut column = StringBuilder::new();
        made.iter().for_each(|d| column.append_option(d.record.map(|id| id.to_string())));
        let array: ArrayRef = Arc::new(column.finish());
        let batch =
            RecordBatch::try_new(writer.schema().clone(), vec![array]).map_err(|e| writer.error(e))?;
        Ok(writer.write(&batch)?)
    }

    fn finish(self, complete: bool) -> Result<Option<Exposed>, RunError> {
        let (Some(writer), Some(name)) = (self.exposed, &self.load.expose) else { return Ok(None) };
        let spool = writer.finish()?;
        Ok(complete.then(|| Exposed { scope: self.load.scope.clone(), name: name.clone(), spool }))
    }
}

/// Where the rows of a batch came from; its only column is [`ROW`].
fn sources(batch: &RecordBatch) -> Vec<Option<SourceRef>> {
    let Some(rows) = batch.columns().first().and_then(|c| c.as_primitive_opt::<Int64Type>()) else {
        return vec![None; batch.num_rows()];
    };
    (0..rows.len()).map(|i| rows.is_valid(i).then(|| SourceRef::unpack(rows.value(i)))).collect()
}

fn problems(rows: &RecordBatch) -> Result<Vec<CellProblem>, RunError> {
    let Some(column) = rows.column_by_name(PROBLEMS).and_then(|c| c.as_string_opt::<i32>()) else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    for row in (0..column.len()).filter(|i| column.is_valid(*i)) {
        all.extend(read_problems(column.value(row), row)?);
    }
    Ok(all)
}
