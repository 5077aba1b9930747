//! Running queries: over scratch tables and records, into scratch tables, within limits.

use super::blame::Blame;
use super::catalog::{Catalog, Function};
use super::check::{parameter_fields, to_plan};
use super::failure::{SqlError, broke_off, explain, failing};
use super::lineage::{self, Numbered, ROW};
use super::places::Places;
use super::registry;
use super::shares::Shares;
use super::tables::{Open, StreamTable};
use super::turns;
use super::work::{Broken, Ended, Tick, Workers, settle, spool_schema};
use super::{expand, parse};
use crate::system::spool::{Spool, SpoolWriter};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use datafusion::common::{ScalarValue, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::ast::Query;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
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

/// Bytes of memory that a thread of a query should have.
const PARTITION: usize = 32 << 20;

/// Bytes of memory for each row of a batch: with the default memory far more than it takes.
const ROW_ROOM: usize = 16 << 10;

/// What the present is to the queries of one execution.
#[derive(Clone, Debug)]
pub struct Present {
    /// `now()`: when the execution started.
    pub started: jiff::Timestamp,
    /// Whose calendar and clock `current_date` and `current_time` are of.
    pub zone: jiff::tz::TimeZone,
}

impl Present {
    /// The zone by a name that the engine knows.
    fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or(registry::UTC)
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
    state: SessionState,
    tables: BTreeMap<(String, String), Entry>,
    /// The texts of the views, in the order they were added.
    pub(super) views: Vec<(String, String)>,
    pub(super) catalog: Catalog,
    parameters: Vec<ScalarValue>,
    limits: SqlLimits,
    workers: Workers,
}

impl Engine {
    /// An engine that spills into `scratch`. Parameters are (name, value), bound as values.
    ///
    /// # Errors
    /// Where the engine cannot be set up.
    pub fn new(
        limits: SqlLimits,
        scratch: &Path,
        present: &Present,
        functions: Vec<Function>,
        parameters: Vec<(String, ScalarValue)>,
    ) -> Result<Self, SqlError> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![scratch.to_path_buf()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(Shares::new(limits.memory)))
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(|e| SqlError::new(e.strip_backtrace()))?;
        let config = registry::config();
        // Little memory is not cut into parts too small to sort a batch in. With a single part the
        // engine would take hash joins again, whatever it prefers.
        let partitions = config.target_partitions().min(limits.memory / PARTITION).max(2);
        let rows = config.batch_size().min(limits.memory / ROW_ROOM).max(512);
        let mut config = config.with_target_partitions(partitions).with_batch_size(rows);
        let options = config.options_mut();
        // What a sort keeps back for merging it cannot get while the sort before it still merges.
        options.execution.sort_spill_reservation_bytes = 0;
        let mut state = registry::state(config, runtime, present.zone());
        // The date and time functions become literals of this instant when a query is optimised.
        state.execution_props_mut().query_execution_start_time =
            datafusion::arrow::temporal_conversions::timestamp_us_to_datetime(
                present.started.as_microsecond(),
            )
            .map(|t| t.and_utc());
        let columns = parameters
            .iter()
            .map(|(name, value)| super::Column { name: name.clone(), ty: value.data_type() })
            .collect();
        Ok(Self {
            state,
            tables: BTreeMap::new(),
            views: Vec::new(),
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
        let places = Places::new(sql);
        let plan = self.plan(parse::query(sql, &places)?, &places)?;
        let view = provider_as_source(Arc::new(ViewTable::new(plan, None)) as Arc<dyn TableProvider>);
        self.insert("", name, Entry { plain: view, numbered: None, input: false, unique: false });
        self.views.push((name.to_owned(), sql.to_owned()));
        Ok(())
    }

    fn plan(&self, mut query: Query, places: &Places<'_>) -> Result<LogicalPlan, SqlError> {
        let expanded = expand::expand(&mut query, &self.catalog, places);
        if let Some(fault) = expanded.faults.into_iter().next() {
            return Err(fault.into());
        }
        let lookup = |schema: &str, name: &str| {
            self.tables.get(&(schema.to_owned(), name.to_owned())).map(|e| e.plain.clone())
        };
        let plan = to_plan(&query, &self.state, &lookup, parameter_fields(&self.catalog))
            .map_err(|e| explain(&e))?;
        if self.parameters.is_empty() {
            return Ok(plan);
        }
        plan.with_param_values(self.parameters.clone()).map_err(|e| explain(&e))
    }

    /// Plans a query with its rows' origin in it.
    pub(super) fn traced(&self, query: Query, places: &Places<'_>) -> Result<LogicalPlan, SqlError> {
        let plan = self.plan(query, places)?;
        let numbered = |name: &TableReference| {
            let key = (name.schema().unwrap_or("").to_owned(), name.table().to_owned());
            let entry = self.tables.get(&key)?;
            Some(Numbered { source: entry.numbered.clone()?, input: entry.input, unique: entry.unique })
        };
        lineage::trace(plan, &numbered).map_err(|e| explain(&e))
    }

    pub(super) async fn physical(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, Broken> {
        Ok(turns::keep(self.state.create_physical_plan(plan).await?)?)
    }

    pub(super) async fn work(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        tick: Tick<'_>,
        take: impl FnMut(RecordBatch) -> Result<ControlFlow<()>, Broken>,
    ) -> Result<Ended, Broken> {
        self.workers.run(plan, self.state.task_ctx(), tick, take).await
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
        let places = Places::new(sql);
        let query = parse::query(sql, &places)?;
        let plan = self.traced(query.clone(), &places)?;
        let work = self.execute(plan, path, tick);
        match tokio::time::timeout(self.limits.time, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Broken::Engine(error))) => {
                // Looking for the place may take as long as the query might have.
                let search = async {
                    match failing(&error) {
                        Some(what) => self.blame(sql, query, &error, what, tick).await,
                        None => None,
                    }
                };
                let blame = tokio::time::timeout(self.limits.time, search).await.ok().flatten();
                Err(blame.map_or_else(|| explain(&error), |b: Blame| b.tell(&error)))
            }
            Ok(Err(Broken::Panicked(said))) => Err(broke_off(&said)),
            Ok(Err(Broken::Kept(error))) => Err(SqlError {
                hint: Some("make sure there is room on the disk, or choose another folder with --out".into()),
                ..SqlError::new(error.to_string())
            }),
            Err(_) => Err(SqlError {
                hint: Some("make it do less, or raise the connector's `time_limit`".into()),
                ..SqlError::new(format!("the query took longer than {} s", self.limits.time.as_secs()))
            }),
        }
    }

    async fn execute(&self, plan: LogicalPlan, path: &Path, tick: Tick<'_>) -> Result<Option<Spool>, Broken> {
        let physical = self.physical(&plan).await?;
        let schema = spool_schema(&physical.schema());
        let mut writer = SpoolWriter::create(path, schema.clone())?;
        let ended = self
            .work(physical, tick, |batch| {
                writer.write(&settle(&batch, &schema)?)?;
                Ok(ControlFlow::Continue(()))
            })
            .await?;
        match ended {
            Ended::Whole => Ok(Some(writer.finish()?)),
            Ended::Early => Ok(None),
        }
    }
}

/// The typed value of a run parameter, for binding.
pub fn parameter(value: &crate::value::Value, ty: crate::value::DataType) -> ScalarValue {
    let column = crate::value::column_type(ty);
    let array = crate::value::to_array(&column, [value]);
    ScalarValue::try_from_array(&array, 0).unwrap_or(ScalarValue::Utf8(None))
}
