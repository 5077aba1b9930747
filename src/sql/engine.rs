//! Running queries: over scratch tables and records, into scratch tables, within limits.

use super::catalog::{Catalog, Function};
use super::check::{parameter_fields, to_plan};
use super::lineage::{self, Numbered, ROW};
use super::parse::Places;
use super::registry;
use super::tables::{Open, StreamTable};
use super::{expand, parse};
use crate::system::spool::{Spool, SpoolWriter};
use crate::text::Range;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, ScalarValue, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What a query may use.
#[derive(Clone, Debug)]
pub struct SqlLimits {
    /// Bytes of memory, beyond which sorts and aggregates spill to disk.
    pub memory: usize,
    /// How long one query may take.
    pub time: Duration,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self { memory: 2 << 30, time: Duration::from_secs(15 * 60) }
    }
}

/// Why a query failed while it ran.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct SqlError {
    /// The cause in the user's words.
    pub cause: String,
    /// Where in the block it is, as far as the engine tells.
    pub range: Option<Range>,
    /// What to do.
    pub hint: Option<String>,
}

impl SqlError {
    fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), range: None, hint: None }
    }
}

struct Entry {
    plain: Arc<dyn TableSource>,
    numbered: Option<Arc<dyn TableSource>>,
    input: bool,
    unique: bool,
}

/// An engine with the tables of one execution.
pub struct Engine {
    context: SessionContext,
    tables: BTreeMap<(String, String), Entry>,
    catalog: Catalog,
    parameters: Vec<ScalarValue>,
    limits: SqlLimits,
    workers: Workers,
}

/// Threads of the engine's own. A query that never yields would otherwise keep the clock, and with
/// it the time limit and a wish to stop, from being heard.
struct Workers(Option<tokio::runtime::Runtime>);

impl Workers {
    fn new() -> Result<Self, SqlError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.map(|r| Self(Some(r))).map_err(|e| SqlError::new(e.to_string()))
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
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

impl Engine {
    /// An engine that spills into `scratch`. Parameters are (name, value), bound as values.
    ///
    /// # Errors
    /// Where the engine cannot be set up.
    pub fn new(
        limits: SqlLimits,
        scratch: &Path,
        functions: Vec<Function>,
        parameters: Vec<(String, ScalarValue)>,
    ) -> Result<Self, SqlError> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![scratch.to_path_buf()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|e| SqlError::new(e.strip_backtrace()))?;
        let mut config = registry::config();
        // Hash joins cannot spill; under a memory limit a slower join beats a failing one.
        config.options_mut().optimizer.prefer_hash_join = false;
        let state = SessionStateBuilder::new_with_default_features()
            .with_config(config)
            .with_runtime_env(runtime)
            .build();
        let columns = parameters
            .iter()
            .map(|(name, value)| super::Column { name: name.clone(), ty: value.data_type() })
            .collect();
        Ok(Self {
            context: SessionContext::new_with_state(state),
            tables: BTreeMap::new(),
            catalog: Catalog { tables: Vec::new(), functions, parameters: columns },
            parameters: parameters.into_iter().map(|(_, v)| v).collect(),
            limits,
            workers: Workers::new()?,
        })
    }

    /// Adds an input table: each row has a place of its own, and they stand in that order.
    pub fn add_input(&mut self, name: &str, spool: &Spool) {
        self.add_spool("input", name, spool, true);
    }

    /// Adds the output of a query: rows keep their place in the input, but several may share one,
    /// and their order is the query's.
    pub fn add_output(&mut self, name: &str, spool: &Spool) {
        self.add_spool("output", name, spool, false);
    }

    fn add_spool(&mut self, schema: &str, name: &str, spool: &Spool, own_places: bool) {
        let source = |numbered| -> Arc<dyn TableSource> {
            let table = StreamTable::scratch(spool, numbered, own_places);
            provider_as_source(Arc::new(table) as Arc<dyn TableProvider>)
        };
        let numbered = spool.schema().index_of(ROW).is_ok().then(|| source(true));
        self.insert(schema, name, Entry { plain: source(false), numbered, input: true, unique: own_places });
    }

    /// Adds `records.NAME`; `open` reads the columns that a query needs.
    pub fn add_records(&mut self, name: &str, columns: &[(String, DataType)], open: Open) {
        let fields: Vec<Field> = columns.iter().map(|(n, t)| Field::new(n, t.clone(), true)).collect();
        let source = |numbered| -> Arc<dyn TableSource> {
            let table = StreamTable::records(fields.clone(), open.clone(), numbered);
            provider_as_source(Arc::new(table) as Arc<dyn TableProvider>)
        };
        self.insert(
            "records",
            name,
            Entry { plain: source(false), numbered: Some(source(true)), input: false, unique: true },
        );
    }

    /// Adds a small table that is in memory.
    ///
    /// # Errors
    /// Where the batch does not have the schema it says.
    pub fn add_batch(&mut self, schema: &str, name: &str, batch: RecordBatch) -> Result<(), SqlError> {
        let table = datafusion::datasource::MemTable::try_new(batch.schema(), vec![vec![batch]])
            .map_err(|e| SqlError::new(e.strip_backtrace()))?;
        let plain = provider_as_source(Arc::new(table) as Arc<dyn TableProvider>);
        self.insert(schema, name, Entry { plain, numbered: None, input: false, unique: false });
        Ok(())
    }

    fn insert(&mut self, schema: &str, name: &str, entry: Entry) {
        self.tables.insert((schema.to_owned(), name.to_owned()), entry);
    }

    /// Adds a view: it is planned now and becomes part of the queries that read it.
    ///
    /// # Errors
    /// Where it cannot be planned.
    pub fn add_view(&mut self, name: &str, sql: &str) -> Result<(), SqlError> {
        let plan = self.plan(sql)?;
        let view = provider_as_source(Arc::new(ViewTable::new(plan, None)) as Arc<dyn TableProvider>);
        self.insert("", name, Entry { plain: view, numbered: None, input: false, unique: false });
        Ok(())
    }

    fn plan(&self, sql: &str) -> Result<LogicalPlan, SqlError> {
        let places = Places::new(sql);
        let unfit = |f: super::Fault| SqlError { cause: f.message, range: Some(f.range), hint: f.help };
        let mut query = parse::query(sql, &places).map_err(unfit)?;
        let expanded = expand::expand(&mut query, &self.catalog, &places);
        if let Some(fault) = expanded.faults.into_iter().next() {
            return Err(unfit(fault));
        }
        let lookup = |schema: &str, name: &str| {
            self.tables.get(&(schema.to_owned(), name.to_owned())).map(|e| e.plain.clone())
        };
        let plan = to_plan(&query, &lookup, parameter_fields(&self.catalog)).map_err(|e| explain(&e))?;
        if self.parameters.is_empty() {
            return Ok(plan);
        }
        plan.with_param_values(self.parameters.clone()).map_err(|e| explain(&e))
    }

    /// Runs a query into a scratch table at `path`: its columns, then [`ROW`]. `tick` hears of the
    /// rows made so far; the query ends early where it says `false`.
    ///
    /// # Errors
    /// Where the query fails, takes too long, or the disk is full.
    pub async fn run(
        &self,
        sql: &str,
        path: &Path,
        tick: &(dyn Fn(u64) -> bool + Send + Sync),
    ) -> Result<Option<Spool>, SqlError> {
        let plan = self.plan(sql)?;
        let numbered = |name: &TableReference| {
            let key = (name.schema().unwrap_or("").to_owned(), name.table().to_owned());
            let entry = self.tables.get(&key)?;
            Some(Numbered { source: entry.numbered.clone()?, input: entry.input, unique: entry.unique })
        };
        let plan = lineage::trace(plan, &numbered).map_err(|e| explain(&e))?;
        let work = self.execute(plan, path, tick);
        match tokio::time::timeout(self.limits.time, work).await {
            Ok(done) => done,
            Err(_) => Err(SqlError {
                cause: format!("the query took longer than {} s", self.limits.time.as_secs()),
                range: None,
                hint: Some("make it do less, or raise the connector's `time_limit`".into()),
            }),
        }
    }

    async fn execute(
        &self,
        plan: LogicalPlan,
        path: &Path,
        tick: &(dyn Fn(u64) -> bool + Send + Sync),
    ) -> Result<Option<Spool>, SqlError> {
        let state = self.context.state();
        let physical = state.create_physical_plan(&plan).await.map_err(|e| explain(&e))?;
        let schema = spool_schema(&physical.schema());
        let (made, mut batches) = tokio::sync::mpsc::channel(2);
        let context = state.task_ctx();
        let work = self.workers.spawn(async move {
            let mut stream = match execute_stream(physical, context) {
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
        let mut writer =
            SpoolWriter::create(path, schema.clone()).map_err(|e| SqlError::new(e.to_string()))?;
        let mut rows = 0;
        let mut beat = tokio::time::interval(Duration::from_millis(200));
        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                _ = beat.tick() => {
                    if tick(rows) {
                        continue;
                    }
                    return Ok(None);
                }
            };
            let Some(batch) = batch else { break };
            let batch = batch.map_err(|e| explain(&e))?;
            rows += batch.num_rows() as u64;
            let batch = settle(&batch, &schema).map_err(|e| SqlError::new(e.to_string()))?;
            writer.write(&batch).map_err(|e| SqlError::new(e.to_string()))?;
            if !tick(rows) {
                return Ok(None);
            }
        }
        // The channel also closes when the engine panics; what was made then is not all.
        if work.await.is_err() {
            return Err(SqlError {
                hint: Some("this is a fault of the SQL engine: write the expression another way".into()),
                ..SqlError::new("the SQL engine broke off")
            });
        }
        writer.finish().map(Some).map_err(|e| SqlError::new(e.to_string()))
    }
}

/// The result's columns as they are kept: plain text for every kind of text.
fn spool_schema(schema: &SchemaRef) -> SchemaRef {
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

fn settle(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
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

/// A run-time error in the user's words.
fn explain(error: &DataFusionError) -> SqlError {
    let root = error.find_root();
    let text = root.strip_backtrace();
    let text = text
        .trim_start_matches("Execution error: ")
        .trim_start_matches("Arrow error: ")
        .trim_start_matches("External error: ")
        .trim_start_matches("Error during planning: ")
        .trim();
    let hint = match root {
        DataFusionError::ResourcesExhausted(_) => Some(
            "the query needs more memory than it may have: raise the connector's `memory`, or do less at once",
        ),
        _ if text.contains("No space left") => Some("free some space where executions are kept"),
        _ if text.starts_with("Cast error")
            || text.contains("Cannot cast")
            || text.contains("cast string") =>
        {
            Some(
                "a value does not fit: TRY_CAST gives NULL instead of failing, or clean it first with std.parse",
            )
        }
        _ if text.starts_with("Divide by zero") => Some("guard it: x / nullif(y, 0)"),
        _ => None,
    };
    SqlError {
        cause: cast_words(text).unwrap_or_else(|| text.lines().next().unwrap_or(text).to_owned()),
        range: None,
        hint: hint.map(str::to_owned),
    }
}

/// A text that a CAST could not take, without the engine's names of types.
fn cast_words(text: &str) -> Option<String> {
    let text = text.strip_prefix("Cast error: ").unwrap_or(text);
    let (value, ty) = text.strip_prefix("Cannot cast string '")?.rsplit_once("' to value of ")?;
    let kind = [
        ("Decimal", "an exact number"),
        ("Int", "an integer"),
        ("UInt", "an integer"),
        ("Float", "a number"),
        ("Date", "a date"),
        ("Timestamp", "a date and time"),
        ("Time", "a time of day"),
        ("Boolean", "true or false"),
    ];
    let (_, kind) = kind.iter().find(|(name, _)| ty.starts_with(name))?;
    let value: String = value.chars().take(80).collect();
    Some(format!("CAST: the text '{value}' is not {kind}"))
}

/// The typed value of a run parameter, for binding.
pub fn parameter(value: &crate::value::Value, ty: crate::value::DataType) -> ScalarValue {
    let column = crate::value::column_type(ty);
    let array = crate::value::to_array(&column, [value]);
    ScalarValue::try_from_array(&array, 0).unwrap_or(ScalarValue::Utf8(None))
}
