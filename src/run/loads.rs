//! Stage four: each load step goes through its scope chunk by chunk: decide, commit, record.

use super::chunks::Chunks;
use super::scribe::{Desk, Scribe};
use super::{Execution, LEFT_OUT, RunError};
use crate::load::{Action, Committed, Prepared, RowDecision, SourceRef, Step, settle};
use crate::plan::LoadPlan;
use crate::report::{DecisionEncoder, DecisionLog, DecisionWriter, LoggedDecisions, StepTally};
use crate::system::clock::Patience;
use crate::system::crash;
use crate::system::spool::{Spool, SpoolWriter};
use crate::target::{Begun, Chunk, ChunkKey, Claim, Receipt, Target, TargetError};
use crate::value::VariableSpec;
use crate::value::arrow::datatypes::{DataType as ArrowType, Field, Schema};
use std::sync::Arc;
use std::time::Duration;

/// How long a chunk waits for others who write to its target.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many chunks are committed together where nothing is to be written for them.
const TOGETHER: usize = 4;

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
        for load in &self.request.plan.loads {
            let scope = self.scopes.iter().find(|s| s.name == load.scope);
            self.request.progress.step(StepTally::new(load).summary(), scope.map_or(0, |s| s.output.rows()));
        }
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
            self.request.progress.step(summary.clone(), summary.rows);
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
    step: Step,
    /// Whether what it writes lasts.
    lasting: bool,
    /// Ids exposed by earlier steps over the same scope: (name, table).
    known: Vec<(String, Spool)>,
    next_chunk: u64,
    next_row: u64,
    /// Whether an interrupted worker may have committed the next chunk: it committed all before it.
    behind: bool,
    /// What became of the chunks that were decided and are not committed yet; nothing was to be written for
    /// them.
    waiting: Vec<Receipt>,
    /// How many chunks the scribe has not said of that they are logged.
    unheard: usize,
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
            behind: true,
            waiting: Vec::new(),
            unheard: 0,
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
        let size = execution.request.plan.connector.chunk.max(1) as usize;
        let preparer = self.step.preparer();
        let chunks = Chunks::of(self.load, scope, self.variables, &self.known, preparer, size)?;
        let rows = scope.output.rows();
        execution.stage(&format!("loading {}", self.load.name), Some(rows));
        let Some(chunks) = chunks else { return Ok(()) };
        let mut failure = None;
        // Once it failed or was stopped, the rest of the rows is still told.
        let (mut idle, mut left_out) = (after_failure, false);
        let mut chunks = chunks.ahead();
        while let Some(chunk) = chunks.next() {
            let chunk = chunk?;
            let count = chunk.rows().len() as u64;
            idle = idle || execution.stopped();
            if idle && !std::mem::replace(&mut left_out, true) {
                execution.request.progress.stage(LEFT_OUT, Some(rows));
            }
            let sources = chunk.rows().sources.clone();
            let done = if idle {
                chunks.leave_out();
                match self.commit_waiting(execution, scribe).await {
                    Ok(()) => {
                        let mut target = execution.target.lock().await;
                        self.leave(execution, scribe, target.as_mut(), &sources).await
                    }
                    failed => failed,
                }
            } else {
                self.chunk(execution, scribe, chunk).await
            };
            if let Err(error) = done {
                if matches!(error, RunError::Target(TargetError::TakenOver { .. })) {
                    return Err(error);
                }
                // Where the scribe itself failed, this fails again, and that is the end.
                let mut target = execution.target.lock().await;
                if self.leave(execution, scribe, target.as_mut(), &sources).await.is_err()
                    && scribe.told(self.not_decided(&sources)).is_err()
                {
                    return Err(error);
                }
                failure = failure.or(Some(error));
                idle = true;
            }
            self.next_chunk += 1;
            self.next_row += count;
            execution.request.progress.advance(self.next_row);
            if let Some(so_far) = scribe.so_far() {
                execution.request.progress.step(so_far, rows);
            }
        }
        let waited = self.commit_waiting(execution, scribe).await;
        failure.map_or(waited, Err)
    }

    /// Decides and writes one chunk, or takes over what was decided when it was committed before. A chunk of
    /// which nothing is written waits for the next ones to be committed with them: nobody waits for its log.
    async fn chunk(
        &mut self,
        execution: &Execution<'_>,
        scribe: &Scribe,
        chunk: Prepared,
    ) -> Result<(), RunError> {
        let mut target = execution.target.lock().await;
        let done = self.decide_and_write(execution, scribe, chunk, target.as_mut()).await;
        if done.is_err() {
            self.give_up(scribe, target.as_mut()).await;
        }
        done
    }

    async fn decide_and_write(
        &mut self,
        execution: &Execution<'_>,
        scribe: &Scribe,
        chunk: Prepared,
        target: &mut dyn Target,
    ) -> Result<(), RunError> {
        let key = self.key(execution);
        crash::point("before begin");
        // Another run into the same target has it for a few chunks at a time: wait for many of them, unless
        // somebody wants no more.
        let patience = Patience::new(PATIENCE);
        loop {
            match target.begin(key).await? {
                Begun::Open => {
                    self.behind = false;
                    break;
                }
                Begun::Committed(receipt) => {
                    self.commit(scribe, target, None).await?;
                    return scribe.earlier(key.number, receipt);
                }
                Begun::Busy if execution.stopped() => {
                    return self.leave(execution, scribe, target, &chunk.rows().sources).await;
                }
                Begun::Busy if !patience.is_over() => {}
                Begun::Busy => return Err(TargetError::busy(&execution.info.place).into()),
            }
        }
        let rows = chunk.rows().len() as u64;
        let mut decided = self.step.decide(target, chunk).await?;
        crash::point("decided");
        let at = execution.request.clock.now();
        if self.lasting {
            settle(&mut decided.decisions, Committed { chunk: key.number, at });
        }
        // While the scribe logs the decisions, the records are written; they are committed once both
        // are done.
        scribe.decided(decided.decisions, key.number)?;
        self.unheard += 1;
        let receipt = target
            .write(Chunk {
                key,
                at,
                first_row: self.next_row,
                rows,
                object: &self.load.object,
                new_options: &decided.new_options,
                writes: &decided.writes,
            })
            .await?;
        let quiet = decided.writes.is_empty() && decided.new_options.is_empty();
        if quiet && self.waiting.len() + 1 < TOGETHER {
            self.waiting.push(receipt);
            return Ok(());
        }
        self.commit(scribe, target, Some(receipt)).await
    }

    /// Commits the chunks that wait, and the one after them.
    async fn commit(
        &mut self,
        scribe: &Scribe,
        target: &mut dyn Target,
        last: Option<Receipt>,
    ) -> Result<(), RunError> {
        if self.waiting.is_empty() && last.is_none() {
            return Ok(());
        }
        while self.unheard > 0 {
            self.unheard -= 1;
            scribe.logged()?;
        }
        crash::point("logged");
        target.commit().await?;
        crash::point("committed");
        self.waiting.drain(..).chain(last).try_for_each(|receipt| scribe.committed(receipt))
    }

    /// Commits the chunks that wait.
    async fn commit_waiting(&mut self, execution: &Execution<'_>, scribe: &Scribe) -> Result<(), RunError> {
        let mut target = execution.target.lock().await;
        let done = self.commit(scribe, target.as_mut(), None).await;
        if done.is_err() {
            self.give_up(scribe, target.as_mut()).await;
        }
        done
    }

    /// Gives up what is open. Nothing was to be written for the chunks that wait, so that their rows are as
    /// they were decided. An error of the scribe is the one that led here, or is told by the next question.
    async fn give_up(&mut self, scribe: &Scribe, target: &mut dyn Target) {
        target.abandon().await;
        for _ in 0..std::mem::take(&mut self.unheard) {
            let _ = scribe.logged();
        }
        for receipt in self.waiting.drain(..) {
            let _ = scribe.committed(receipt);
        }
        let _ = scribe.abandoned();
    }

    /// The chunk in hand.
    fn key<'e>(&self, execution: &'e Execution<'_>) -> ChunkKey<'e>
    where
        'p: 'e,
    {
        ChunkKey { execution: &execution.request.execution, step: &self.load.name, number: self.next_chunk }
    }

    /// Leaves out a chunk that the run does not get to.
    async fn leave(
        &mut self,
        execution: &Execution<'_>,
        scribe: &Scribe,
        target: &mut dyn Target,
        sources: &[Option<SourceRef>],
    ) -> Result<(), RunError> {
        if self.behind {
            match target.committed(self.key(execution)).await? {
                Some(receipt) => return scribe.earlier(self.next_chunk, receipt),
                None => self.behind = false,
            }
        }
        scribe.told(self.not_decided(sources))
    }

    /// The rows of a chunk that the run did not get to.
    fn not_decided(&self, sources: &[Option<SourceRef>]) -> Vec<RowDecision> {
        (self.next_row + 1..)
            .zip(sources)
            .map(|(row, source)| RowDecision::of(row, *source, Action::Unprocessed))
            .collect()
    }
}
