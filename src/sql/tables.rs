//! Tables of a run: scratch tables on disk and records read through from the target.

use super::lineage::{PLACE, ROW};
use crate::system::spool::Spool;
use async_trait::async_trait;
use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::TableType;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, expressions};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use std::fmt::Debug;
use std::sync::Arc;

/// Reads batches of some columns of a table from the start.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, String>> + Send>;

/// Starts reading: the columns by name; `Err` says why not, in the user's words.
pub type Open = Arc<dyn Fn(&[String]) -> Result<Batches, String> + Send + Sync>;

/// A table whose batches come from [`Open`], with or without its row numbers.
pub(super) struct StreamTable {
    schema: SchemaRef,
    open: Open,
    numbered: bool,
    /// Row numbers grow from row to row: where they are read, no sort is needed for them.
    sorted: bool,
    /// The column whose numbers are counted here; otherwise the table brings its own [`ROW`] alone.
    count: Option<&'static str>,
}

impl Debug for StreamTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamTable").field("schema", &self.schema).finish()
    }
}

impl StreamTable {
    /// A scratch table; its last column is [`ROW`]. An input table is `sorted` by it; the output of
    /// a query is in the query's order, which [`PLACE`] tells.
    pub(super) fn scratch(spool: &Spool, numbered: bool, sorted: bool) -> Self {
        let all = spool.schema().clone();
        let own: Vec<Field> = all
            .fields()
            .iter()
            .filter(|f| f.name() != ROW)
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect();
        let spool = spool.clone();
        let open: Open = Arc::new(move |columns: &[String]| {
            let indices = columns
                .iter()
                .map(|c| spool.schema().index_of(c).map_err(|e| e.to_string()))
                .collect::<Result<Vec<_>, _>>()?;
            let reader = spool.read(Some(indices)).map_err(|e| e.to_string())?;
            Ok(Box::new(reader.map(|b| b.map_err(|e| e.to_string()))) as Batches)
        });
        let (numbers, count): (&[&str], _) =
            if sorted { (&[ROW], None) } else { (&[ROW, PLACE], Some(PLACE)) };
        Self { sorted, ..Self::new(own, open, if numbered { numbers } else { &[] }, count) }
    }

    /// Records of an object, oldest first.
    pub(super) fn records(columns: Vec<Field>, open: Open, numbered: bool) -> Self {
        Self::new(columns, open, if numbered { &[ROW] } else { &[] }, Some(ROW))
    }

    fn new(mut columns: Vec<Field>, open: Open, numbers: &[&str], count: Option<&'static str>) -> Self {
        columns.extend(numbers.iter().map(|name| Field::new(*name, DataType::Int64, true)));
        let numbered = !numbers.is_empty();
        Self { schema: Arc::new(Schema::new(columns)), open, numbered, sorted: true, count }
    }
}

#[async_trait]
impl TableProvider for StreamTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(p) => Arc::new(self.schema.project(p)?),
            None => self.schema.clone(),
        };
        let partition = Partition { schema: schema.clone(), open: self.open.clone(), count: self.count };
        let ordering = (self.numbered && self.sorted)
            .then(|| schema.index_of(ROW).ok())
            .flatten()
            .map(|i| PhysicalSortExpr {
                expr: Arc::new(expressions::Column::new(ROW, i)),
                options: SortOptions { descending: false, nulls_first: false },
            })
            .and_then(|s| LexOrdering::new([s]));
        Ok(Arc::new(StreamingTableExec::try_new(
            schema,
            vec![Arc::new(partition)],
            None,
            ordering,
            false,
            limit,
        )?))
    }
}

struct Partition {
    schema: SchemaRef,
    open: Open,
    count: Option<&'static str>,
}

impl Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Partition").field("schema", &self.schema).finish()
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let names: Vec<String> = schema.fields().iter().map(|f| f.name().clone()).collect();
        let asked: Vec<String> = names.iter().filter(|n| self.count != Some(n)).cloned().collect();
        let count = self.count;
        let batches = (self.open)(&asked);
        let mut next = 0i64;
        let out = schema.clone();
        let external = |e: String| DataFusionError::External(e.into());
        let stream: Batches = match batches {
            Ok(batches) => batches,
            Err(e) => Box::new(std::iter::once(Err(e))),
        };
        let stream = stream.map(move |batch| {
            let batch = batch.map_err(external)?;
            let first = next;
            next += batch.num_rows() as i64;
            let columns = names
                .iter()
                .map(|name| match batch.column_by_name(name) {
                    Some(c) => Ok(c.clone()),
                    None if count == Some(name) => {
                        Ok(Arc::new(Int64Array::from_iter_values(first..next)) as _)
                    }
                    None => Err(DataFusionError::Internal(format!("the table lacks its column {name}"))),
                })
                .collect::<Result<Vec<_>>>()?;
            let options =
                datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(out.clone(), columns, &options)?)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::iter(stream)))
    }
}
