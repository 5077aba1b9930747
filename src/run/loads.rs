//! Stage four: each load step goes through its scope chunk by chunk: decide, commit, record.

use super::scribe::{Desk, Scribe};
use super::variables::{PROBLEMS, read_problems};
use super::{Execution, RunError};
use crate::load::{Action, Committed, RowDecision, Rows, SourceRef, Step, settle};
use crate::plan::{LoadPlan, MappingSource};
use crate::report::{DecisionEncoder, DecisionLog, DecisionWriter, LoggedDecisions};
use crate::sql::ROW;
use crate::system::crash;
use crate::system::spool::{Spool, SpoolWriter};
use crate::target::{Begun, Chunk, ChunkKey, Claim, Receipt, Target, TargetError};
use crate::value::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use crate::value::arrow::datatypes::{DataType as ArrowType, Field, Int64Type, Schema};
use crate::value::{CellProblem, Source, VariableSpec};
use jiff::SignedDuration;
use std::sync::Arc;

/// How long a chunk waits for others who write to its target.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// The ids that a step exposed: a scratch table of one column, a row for each row of the scope.
struct Exposed {
    scope: String,
    name: String,
    spool: Spool,
}

impl Execution<'_> {
    pub(super) async fn run_loads(&mut self) -> Result<(), RunError> {
        let (id, epoch) = (&self.request.execution, self.request.epoch);
        let Claim { lasting } = self.target.lock().await.claim(id, epoch).await?;
        let path = self.artefact("decisions", "decisions.parquet");
        let hide = (!lasting).then_some(self.ids);
        let scribe = Scribe::new(Desk {
            loads: self.request.plan.loads.clone(),
            parts: self.parts.clone(),
            encoder: DecisionEncoder::new(&self.request.execution, &self.parts, hide),
            file: DecisionWriter::create(&path)?,
            earlier: LoggedDecisions::open(self.folder.work())?,
            log: lasting.then(|| DecisionLog::create(self.folder.work())).transpose()?,
        });
        let mut exposed: Vec<Exposed> = Vec::new();
        let mut failure = None;
        for (number, load) in self.request.plan.loads.iter().enumerate() {
            let mut run = StepRun::new(self, number, load, &exposed, lasting);
            scribe.step(number, run.expose(self)?)?;
            crash::point("step begun");
            // A step after a failed one decides nothing, but its rows are told as not processed.
            let done = run.go(self, &scribe, failure.is_some()).await;
            if let Err(RunError::Target(TargetError::TakenOver { .. })) = done {
                return done;
            }
            let (summary, spool) = scribe.step_done()?;
            self.steps.push(summary);
            if let (Some(spool), Some(name)) = (spool, &load.expose)
                && done.is_ok()
            {
                exposed.push(Exposed { scope: load.scope.clone(), name: name.clone(), spool });
            }
            self.stage_done(&format!("loading {}", load.name));
            crash::point("step done");
            failure = failure.or(done.err());
        }
        crash::point("steps done");
        // What failed may have failed because another worker was at its files: this is not for its place.
        self.must_own()?;
        scribe.finish()?;
        failure.map_or(Ok(()), Err)
    }
}

struct StepRun<'p> {
    load: &'p LoadPlan,
    variables: &'p [VariableSpec],
    step: Step<'p>,
    /// Whether what it writes lasts.
    lasting: bool,
    /// Ids exposed by earlier steps over the same scope: (name, table).
    known: Vec<(String, Spool)>,
    next_chunk: u64,
    next_row: u64,
}

/// The rows of one chunk with everything that the load needs of them.
struct RowsOfChunk {
    values: RecordBatch,
    /// The scope's own columns that are needed: [`ROW`], and those that variables are read from.
    scope: Option<RecordBatch>,
    sources: Vec<Option<SourceRef>>,
    ids: Vec<(String, ArrayRef)>,
}

impl<'p> StepRun<'p> {
    fn new(
        execution: &Execution<'p>,
        number: usize,
        load: &'p LoadPlan,
        exposed: &[Exposed],
        lasting: bool,
    ) -> Self {
        let plan = execution.request.plan;
        let scope = plan.scopes().find(|s| s.name == load.scope).and_then(|s| s.scope.as_ref());
        let variables = scope.map_or(&[][..], |s| s.variables.as_slice());
        let known = exposed
            .iter()
            .filter(|e| e.scope == load.scope)
            .map(|e| (e.name.clone(), e.spool.clone()))
            .collect();
        Self {
            load,
            variables,
            step: Step::new(load, number, variables, &plan.objects, execution.ids),
            lasting,
            known,
            next_chunk: 0,
            next_row: 0,
        }
    }

    /// Where the ids go that it exposes.
    fn expose(&self, execution: &Execution<'_>) -> Result<Option<SpoolWriter>, RunError> {
        let Some(name) = &self.load.expose else { return Ok(None) };
        let schema = Schema::new(vec![Field::new(name, ArrowType::Utf8, true)]);
        let path = execution.folder.scratch().join(format!("exposed-{}.arrow", self.load.name));
        Ok(Some(SpoolWriter::create(&path, Arc::new(schema))?))
    }

    async fn go(
        &mut self,
        execution: &mut Execution<'_>,
        scribe: &Scribe,
        after_failure: bool,
    ) -> Result<(), RunError> {
        let Some(scope) = execution.scopes.iter().find(|s| s.name == self.load.scope) else { return Ok(()) };
        let (output, values) = (scope.output.clone(), scope.variables.clone());
        execution.stage(&format!("loading {}", self.load.name), Some(output.rows()));
        let Some(values) = values else { return Ok(()) };
        let size = execution.request.plan.connector.chunk.max(1) as usize;
        let mut scope = output.read_by(Some(self.scope_columns(output.schema())), size)?;
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
            let scope = scope.next().transpose()?;
            let sources = sources(scope.as_ref(), values.num_rows());
            let mut of_chunk = Vec::new();
            for (name, reader) in &mut ids {
                if let Some(batch) = reader.next() {
                    of_chunk.push((name.clone(), batch?.column(0).clone()));
                }
            }
            let chunk = RowsOfChunk { values, scope, sources, ids: of_chunk };
            idle = idle || execution.stopped();
            let done = if idle {
                scribe.told(self.not_decided(&chunk))
            } else {
                self.chunk(execution, scribe, &chunk).await
            };
            if let Err(error) = done {
                if matches!(error, RunError::Target(TargetError::TakenOver { .. })) {
                    return Err(error);
                }
                // Where the scribe itself failed, this fails again, and that is the end.
                if scribe.told(self.not_decided(&chunk)).is_err() {
                    return Err(error);
                }
                failure = Some(error);
                idle = true;
            }
            self.next_chunk += 1;
            self.next_row += chunk.values.num_rows() as u64;
            execution.request.progress.advance(self.next_row);
        }
        failure.map_or(Ok(()), Err)
    }

    /// The columns of the scope's own table that are needed beside its variables.
    fn scope_columns(&self, schema: &Schema) -> Vec<usize> {
        let read = self.load.mappings.iter().filter_map(|m| match &m.source {
            MappingSource::Variable(name) => self.variables.iter().find(|v| v.name == *name),
            _ => None,
        });
        let names = read.filter_map(|v| match &v.source {
            Source::Column(name) => Some(name.as_str()),
            Source::Literal(_) => None,
        });
        let text = |i: &usize| *schema.field(*i).data_type() == ArrowType::Utf8;
        let mut columns: Vec<usize> = names.filter_map(|n| schema.index_of(n).ok()).filter(text).collect();
        columns.extend(schema.index_of(ROW).ok());
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Decides and commits one chunk, or takes over what was decided when it was committed before.
    async fn chunk(
        &mut self,
        execution: &Execution<'_>,
        scribe: &Scribe,
        chunk: &RowsOfChunk,
    ) -> Result<(), RunError> {
        let key = ChunkKey {
            execution: &execution.request.execution,
            step: &self.load.name,
            number: self.next_chunk,
        };
        let mut target = execution.target.lock().await;
        let target = target.as_mut();
        crash::point("before begin");
        // Another run into the same target has it for one chunk at a time: wait for many of them, unless
        // somebody wants no more.
        let since = execution.request.clock.now();
        loop {
            match target.begin(key).await? {
                Begun::Open => break,
                Begun::Committed(receipt) => return scribe.earlier(key.number, receipt),
                Begun::Busy if execution.stopped() => return scribe.told(self.not_decided(chunk)),
                Begun::Busy if execution.request.clock.now() < since + PATIENCE => {}
                Begun::Busy => return Err(TargetError::busy(&execution.info.place).into()),
            }
        }
        match self.decide_and_write(execution, scribe, chunk, key, target).await {
            Ok(receipt) => scribe.committed(receipt),
            Err(error) => {
                target.abandon().await;
                // An error of the scribe is this one, or is told by the next question.
                let _ = scribe.abandoned();
                Err(error)
            }
        }
    }

    async fn decide_and_write(
        &mut self,
        execution: &Execution<'_>,
        scribe: &Scribe,
        chunk: &RowsOfChunk,
        key: ChunkKey<'_>,
        target: &mut dyn Target,
    ) -> Result<Receipt, RunError> {
        let problems = problems(&chunk.values)?;
        let named = |(i, v): (usize, &'p VariableSpec)| (v.name.as_str(), chunk.values.column(i));
        let mut columns: Vec<(&str, &ArrayRef)> = self.variables.iter().enumerate().map(named).collect();
        columns.extend(chunk.ids.iter().map(|(n, a)| (n.as_str(), a)));
        let rows = Rows {
            first_row: self.next_row,
            sources: &chunk.sources,
            columns,
            texts: texts(self.variables, chunk.scope.as_ref()),
            variables: self.variables,
            problems: &problems,
        };
        let mut decided = self.step.decide(target, &rows).await?;
        crash::point("decided");
        let at = execution.request.clock.now();
        if self.lasting {
            settle(&mut decided.decisions, Committed { chunk: key.number, at });
        }
        // While the scribe logs the decisions, the records are written; they are committed once both
        // are done.
        scribe.decided(decided.decisions, key.number)?;
        let written = target
            .write(Chunk {
                key,
                at,
                first_row: self.next_row,
                rows: chunk.values.num_rows() as u64,
                object: &self.load.object,
                new_options: &decided.new_options,
                writes: &decided.writes,
            })
            .await;
        scribe.logged()?;
        let receipt = written?;
        crash::point("logged");
        target.commit().await?;
        crash::point("committed");
        Ok(receipt)
    }

    /// The rows of a chunk that the run did not get to.
    fn not_decided(&self, chunk: &RowsOfChunk) -> Vec<RowDecision> {
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
                committed: None,
            })
            .collect()
    }
}

/// The texts that the variables were read from.
fn texts<'a>(variables: &'a [VariableSpec], scope: Option<&'a RecordBatch>) -> Vec<(&'a str, &'a ArrayRef)> {
    let Some(scope) = scope else { return Vec::new() };
    let column = |v: &'a VariableSpec| match &v.source {
        Source::Column(name) => Some((v.name.as_str(), scope.column_by_name(name)?)),
        Source::Literal(_) => None,
    };
    variables.iter().filter_map(column).collect()
}

/// Where the rows of a chunk came from.
fn sources(scope: Option<&RecordBatch>, rows: usize) -> Vec<Option<SourceRef>> {
    let places = scope.and_then(|s| s.column_by_name(ROW)).and_then(|c| c.as_primitive_opt::<Int64Type>());
    let Some(places) = places else { return vec![None; rows] };
    (0..places.len()).map(|i| places.is_valid(i).then(|| SourceRef::unpack(places.value(i)))).collect()
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
