//! Writes down what was decided, on a thread of its own, while the next rows are decided about: the
//! log before a chunk is committed, then `decisions.parquet`, the counts, and the exposed ids.

use super::RunError;
use crate::load::{RowDecision, refuse};
use crate::plan::LoadPlan;
use crate::report::{
    DecisionEncoder, DecisionLog, DecisionWriter, LoggedDecisions, StepSummary, StepTally, decode,
};
use crate::system::crash;
use crate::system::spool::{Spool, SpoolWriter};
use crate::target::Receipt;
use crate::value::arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// What the scribe works with.
pub(super) struct Desk {
    pub(super) loads: Vec<LoadPlan>,
    pub(super) parts: Vec<String>,
    pub(super) encoder: DecisionEncoder,
    pub(super) file: DecisionWriter,
    /// Where chunks are written down before they are committed; none where nothing lasts.
    pub(super) log: Option<DecisionLog>,
    /// What interrupted workers of this execution wrote down.
    pub(super) earlier: LoggedDecisions,
}

enum Job {
    /// The decisions that follow are of this step.
    Step { number: usize, exposed: Option<Box<SpoolWriter>> },
    /// These are about to be committed as a chunk: log them, and say so.
    Decided { decisions: Vec<RowDecision>, chunk: u64 },
    /// The oldest of them were committed: record them.
    Committed(Receipt),
    /// The others were not; forget them.
    Abandoned,
    /// An earlier worker committed this chunk: record what it logged.
    Earlier { chunk: u64, receipt: Receipt },
    /// Record these; nothing is committed.
    Told(Vec<RowDecision>),
    /// The step is done: say what it came to.
    StepDone,
}

enum Reply {
    Logged,
    StepDone(Box<StepSummary>, Option<Spool>),
}

/// The one who asks. An error of the scribe is given to whoever asks next.
pub(super) struct Scribe {
    jobs: SyncSender<Job>,
    replies: Receiver<Result<Reply, RunError>>,
    /// What the step has come to, where that is news.
    so_far: Arc<Mutex<Option<StepSummary>>>,
    thread: JoinHandle<DecisionWriter>,
}

impl Scribe {
    pub(super) fn new(desk: Desk) -> Self {
        // A chunk on its way and one being written: memory stays bounded.
        let (jobs, to_do) = sync_channel(1);
        let (replies, replied) = channel();
        let so_far = Arc::new(Mutex::new(None));
        let news = so_far.clone();
        let thread = std::thread::spawn(move || {
            let mut work = Work { desk, step: None, pending: VecDeque::new(), news };
            for job in to_do {
                match work.act(job) {
                    Ok(None) => {}
                    Ok(Some(reply)) => drop(replies.send(Ok(reply))),
                    Err(error) => {
                        drop(replies.send(Err(error)));
                        break;
                    }
                }
            }
            work.desk.file
        });
        Self { jobs, replies: replied, so_far, thread }
    }

    fn ask(&self, job: Job) -> Result<(), RunError> {
        // It only stops listening after an error, which is then waiting.
        self.jobs.send(job).map_err(|_| self.replies.recv().ok().and_then(Result::err).unwrap_or_else(gone))
    }

    fn reply(&self) -> Result<Reply, RunError> {
        self.replies.recv().unwrap_or_else(|_| Err(gone()))
    }

    pub(super) fn step(&self, number: usize, exposed: Option<SpoolWriter>) -> Result<(), RunError> {
        self.ask(Job::Step { number, exposed: exposed.map(Box::new) })
    }

    /// Hands over the decisions of a chunk that is to be committed. [`Self::logged`] says when that
    /// may be done, then [`Self::committed`] or [`Self::abandoned`] what became of it.
    pub(super) fn decided(&self, decisions: Vec<RowDecision>, chunk: u64) -> Result<(), RunError> {
        self.ask(Job::Decided { decisions, chunk })
    }

    pub(super) fn logged(&self) -> Result<(), RunError> {
        self.reply().map(drop)
    }

    pub(super) fn committed(&self, receipt: Receipt) -> Result<(), RunError> {
        self.ask(Job::Committed(receipt))
    }

    pub(super) fn abandoned(&self) -> Result<(), RunError> {
        self.ask(Job::Abandoned)
    }

    pub(super) fn earlier(&self, chunk: u64, receipt: Receipt) -> Result<(), RunError> {
        self.ask(Job::Earlier { chunk, receipt })
    }

    pub(super) fn told(&self, decisions: Vec<RowDecision>) -> Result<(), RunError> {
        self.ask(Job::Told(decisions))
    }

    /// What the step has come to by what is recorded, where that is news: chunks on their way are not in it.
    pub(super) fn so_far(&self) -> Option<StepSummary> {
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the step came to, and the ids that it exposed.
    pub(super) fn step_done(&self) -> Result<(StepSummary, Option<Spool>), RunError> {
        self.ask(Job::StepDone)?;
        match self.reply()? {
            Reply::StepDone(summary, exposed) => Ok((*summary, exposed)),
            Reply::Logged => Err(gone()),
        }
    }

    /// Ends `decisions.parquet`.
    pub(super) fn finish(self) -> Result<(), RunError> {
        let Self { jobs, replies, thread, .. } = self;
        drop(jobs);
        let file = thread.join().map_err(|_| gone())?;
        match replies.try_iter().find_map(Result::err) {
            Some(error) => Err(error),
            None => Ok(file.finish()?),
        }
    }
}

/// The thread panicked, which is our mistake.
fn gone() -> RunError {
    RunError::Request {
        cause: "what was decided could not be written down".into(),
        hint: "what was committed stays; run the same input again, and report this".into(),
    }
}

struct StepWork {
    number: usize,
    tally: StepTally,
    exposed: Option<Box<SpoolWriter>>,
}

struct Work {
    desk: Desk,
    step: Option<StepWork>,
    /// Chunks of decisions that are logged and not yet committed, as they are and as they are stored.
    pending: VecDeque<(Vec<RowDecision>, Vec<RecordBatch>)>,
    /// Where whoever asks finds what the step has come to.
    news: Arc<Mutex<Option<StepSummary>>>,
}

impl Work {
    fn act(&mut self, job: Job) -> Result<Option<Reply>, RunError> {
        if let Job::Step { number, exposed } = job {
            let Some(load) = self.desk.loads.get(number) else { return Err(gone()) };
            self.desk.file.step(load)?;
            self.step = Some(StepWork { number, tally: StepTally::new(load), exposed });
            return Ok(None);
        }
        let Some(step) = &mut self.step else { return Err(gone()) };
        let Some(load) = self.desk.loads.get(step.number) else { return Err(gone()) };
        match job {
            Job::Step { .. } => {}
            Job::Decided { decisions, chunk } => {
                let rows = encode(&self.desk.encoder, load, &decisions)?;
                if let Some(log) = &mut self.desk.log {
                    log.append(step.number, chunk, &rows)?;
                }
                self.pending.push_back((decisions, rows));
                crash::point("chunk logged");
                return Ok(Some(Reply::Logged));
            }
            Job::Abandoned => self.pending.clear(),
            Job::Committed(receipt) => {
                let Some((mut decisions, mut rows)) = self.pending.pop_front() else { return Err(gone()) };
                if !receipt.refused.is_empty() {
                    refuse(&mut decisions, &receipt);
                    rows = encode(&self.desk.encoder, load, &decisions)?;
                }
                crash::point("before recording");
                self.record(&decisions, &rows)?;
                crash::point("recorded");
            }
            Job::Earlier { chunk, receipt } => {
                let (mut decisions, mut rows) = earlier(&self.desk.earlier, load, step.number, chunk)?;
                if !receipt.refused.is_empty() {
                    refuse(&mut decisions, &receipt);
                    rows = encode(&self.desk.encoder, load, &decisions)?;
                }
                self.record(&decisions, &rows)?;
            }
            Job::Told(decisions) => {
                let rows = encode(&self.desk.encoder, load, &decisions)?;
                self.record(&decisions, &rows)?;
            }
            Job::StepDone => {
                let Some(step) = self.step.take() else { return Err(gone()) };
                let exposed = step.exposed.map(|writer| writer.finish()).transpose()?;
                // The whole is told in the answer.
                self.news.lock().unwrap_or_else(PoisonError::into_inner).take();
                return Ok(Some(Reply::StepDone(Box::new(step.tally.summary()), exposed)));
            }
        }
        Ok(None)
    }

    fn record(&mut self, decisions: &[RowDecision], rows: &[RecordBatch]) -> Result<(), RunError> {
        let Some(step) = &mut self.step else { return Err(gone()) };
        for rows in rows {
            self.desk.file.write(rows)?;
        }
        for decision in decisions {
            step.tally.add(decision, &self.desk.parts);
        }
        *self.news.lock().unwrap_or_else(PoisonError::into_inner) = Some(step.tally.summary());
        if let Some(writer) = &mut step.exposed {
            let mut column = StringBuilder::new();
            decisions.iter().for_each(|d| column.append_option(d.record.map(|id| id.to_string())));
            let array: ArrayRef = Arc::new(column.finish());
            let batch =
                RecordBatch::try_new(writer.schema().clone(), vec![array]).map_err(|e| writer.error(e))?;
            writer.write(&batch)?;
        }
        Ok(())
    }
}

/// The decisions as they are stored. A commit waits for them, so two threads share a large chunk.
fn encode(
    encoder: &DecisionEncoder,
    load: &LoadPlan,
    decisions: &[RowDecision],
) -> Result<Vec<RecordBatch>, RunError> {
    const ALONE: usize = 500;
    if decisions.len() <= ALONE {
        return Ok(vec![encoder.encode(load, decisions)?]);
    }
    let (first, second) = decisions.split_at(decisions.len() / 2);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| encoder.encode(load, second));
        let first = encoder.encode(load, first)?;
        let second = other.join().map_err(|_| gone())??;
        Ok(vec![first, second])
    })
}

/// What an interrupted worker decided about a chunk that it committed: nothing is decided anew.
fn earlier(
    logged: &LoggedDecisions,
    load: &LoadPlan,
    step: usize,
    chunk: u64,
) -> Result<(Vec<RowDecision>, Vec<RecordBatch>), RunError> {
    let lost = |cause: &str| RunError::Request {
        cause: format!("chunk {chunk} of `{}` is committed, and {cause}", load.name),
        hint: "the records are as they should be; what is missing is the report of these rows. Run the same \
               input again: what was written is found unchanged"
            .into(),
    };
    let rows = logged
        .chunk(step, chunk)?
        .ok_or_else(|| lost("what was decided about its rows is not there any more"))?;
    let unreadable = |e: String| lost(&format!("its decisions cannot be read: {e}"));
    let parts = rows.iter().map(decode).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let decisions = parts.concat();
    Ok((decisions, rows))
}
