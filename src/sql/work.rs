//! Plans at work: on threads of their own, batch by batch, within their time.

use super::failure::SqlError;
use crate::system::guard;
use crate::system::spool::SpoolError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::StreamExt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Hears of the rows made so far; says whether to go on.
pub(super) type Tick<'a> = &'a (dyn Fn(u64) -> bool + Send + Sync);

/// How a plan's work ended, where the plan did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All rows were made.
    Whole,
    /// Somebody wanted no more.
    Early,
}

/// Why a plan's work broke off.
pub(super) enum Broken {
    /// The engine says why.
    Engine(DataFusionError),
    /// The engine panicked, with these words.
    Panicked(String),
    /// What was made could not be kept.
    Kept(SpoolError),
}

impl From<DataFusionError> for Broken {
    fn from(error: DataFusionError) -> Self {
        Broken::Engine(error)
    }
}

impl From<SpoolError> for Broken {
    fn from(error: SpoolError) -> Self {
        Broken::Kept(error)
    }
}

impl From<ArrowError> for Broken {
    fn from(error: ArrowError) -> Self {
        Broken::Engine(error.into())
    }
}

/// Threads of the engine's own. A query that never yields would otherwise keep the clock, and with
/// it the time limit and a wish to stop, from being heard.
pub(super) struct Workers(Option<tokio::runtime::Runtime>);

impl Workers {
    pub(super) fn new() -> Result<Self, SqlError> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.enable_all().on_thread_start(guard::quiet).build();
        runtime.map(|r| Self(Some(r))).map_err(|e| SqlError::new(e.to_string()))
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }

    /// Does what a plan says; `take` gets each batch and may want no more.
    pub(super) async fn run(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: Arc<TaskContext>,
        tick: Tick<'_>,
        mut take: impl FnMut(RecordBatch) -> Result<ControlFlow<()>, Broken>,
    ) -> Result<Ended, Broken> {
        let (made, mut batches) = tokio::sync::mpsc::channel(2);
        let work = self.spawn(async move {
            let mut stream = match execute_stream(plan, context) {
                Ok(stream) => stream,
                Err(error) => {
                    let _ = made.send(Err(error)).await;
                    return;
                }
            };
            while let Some(batch) = stream.next().await {
                if made.send(batch).await.is_err() {
                    return;
                }
            }
        });
        // Whoever waits for this may give up at any point; the work then ends with it.
        let work = AbortOnDrop(work);
        let mut rows = 0;
        let mut beat = tokio::time::interval(Duration::from_millis(200));
        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                _ = beat.tick() => {
                    if tick(rows) {
                        continue;
                    }
                    return Ok(Ended::Early);
                }
            };
            let Some(batch) = batch else { break };
            let batch = batch?;
            rows += batch.num_rows() as u64;
            if take(batch)?.is_break() || !tick(rows) {
                return Ok(Ended::Early);
            }
        }
        // The channel also closes when the engine panics; what was made then is not all.
        work.finished().await.map(|()| Ended::Whole)
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl AbortOnDrop {
    async fn finished(mut self) -> Result<(), Broken> {
        (&mut self.0).await.map_err(|e| {
            let said = e.try_into_panic().map(|panic| guard::words(panic.as_ref()));
            Broken::Panicked(said.unwrap_or_default())
        })
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Whoever is still at work is past its limit; nobody waits for it.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The result's columns as they are kept: plain text for every kind of text.
pub(super) fn spool_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| {
            let ty = match f.data_type() {
                DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
                DataType::Dictionary(_, value) => value.as_ref().clone(),
                other => other.clone(),
            };
            Field::new(f.name(), ty, true)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch with the columns of [`spool_schema`].
pub(super) fn settle(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(c, f)| {
            if c.data_type() == f.data_type() {
                Ok(c.clone())
            } else {
                datafusion::arrow::compute::cast(c, f.data_type())
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}
