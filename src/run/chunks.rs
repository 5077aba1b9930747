//! The rows of a step's scope, chunk by chunk: read and prepared on a thread of their own, while the chunk
//! before is decided and written.

use super::variables::{PROBLEMS, read_problems};
use super::{RunError, ScopeRun};
use crate::load::{Prepared, Preparer, Rows, SourceRef};
use crate::plan::{LoadPlan, MappingSource};
use crate::sql::ROW;
use crate::system::spool::{Spool, SpoolChunks};
use crate::value::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use crate::value::arrow::datatypes::{DataType as ArrowType, Int64Type, Schema};
use crate::value::{CellProblem, Source, VariableSpec};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Reads and prepares chunks.
pub(super) struct Chunks {
    values: SpoolChunks,
    scope: SpoolChunks,
    /// Ids that earlier steps exposed, by name.
    ids: Vec<(String, SpoolChunks)>,
    variables: Arc<[VariableSpec]>,
    preparer: Preparer,
    next_row: u64,
    /// Whether the rows are only told any more, and nothing is decided about them.
    left_out: Arc<AtomicBool>,
}

impl Chunks {
    /// The chunks of a step, of `size` rows each; none where its scope has no variables. `exposed` are the
    /// ids that earlier steps exposed, by name.
    ///
    /// # Errors
    /// Where a scratch table cannot be read.
    pub(super) fn of(
        load: &LoadPlan,
        scope: &ScopeRun,
        variables: &[VariableSpec],
        exposed: &[(String, Spool)],
        preparer: Preparer,
        size: usize,
    ) -> Result<Option<Self>, RunError> {
        let Some(values) = &scope.variables else { return Ok(None) };
        let columns = scope_columns(load, variables, scope.output.schema());
        let ids = exposed.iter().map(|(name, spool)| Ok((name.clone(), spool.read_by(None, size)?)));
        Ok(Some(Self {
            values: values.read_by(None, size)?,
            scope: scope.output.read_by(Some(columns), size)?,
            ids: ids.collect::<Result<_, RunError>>()?,
            variables: variables.into(),
            preparer,
            next_row: 0,
            left_out: Arc::default(),
        }))
    }

    /// Moves the work to a thread of its own, one chunk ahead.
    pub(super) fn ahead(self) -> Ahead {
        let (out, chunks) = sync_channel(1);
        let left_out = self.left_out.clone();
        let thread = std::thread::spawn(move || {
            for chunk in self {
                // Nobody wants more once the step has failed.
                if out.send(chunk).is_err() {
                    break;
                }
            }
        });
        Ahead { chunks, thread: Some(thread), left_out }
    }
}

impl Iterator for Chunks {
    type Item = Result<Prepared, RunError>;

    // The tables have the same rows in the same order, so their chunks go together.
    fn next(&mut self) -> Option<Self::Item> {
        let values = self.values.next()?;
        let read = || {
            let values = values?;
            let scope = self.scope.next().transpose()?;
            let count = values.num_rows();
            let first_row = self.next_row;
            self.next_row += count as u64;
            if self.left_out.load(Ordering::Relaxed) {
                let sources = sources(scope.as_ref(), count);
                return Ok(Prepared::left_out(Rows { first_row, sources, ..Rows::default() }));
            }
            let mut columns: Vec<(String, ArrayRef)> = Vec::new();
            for (at, variable) in self.variables.iter().enumerate() {
                columns.push((variable.name.clone(), values.column(at).clone()));
            }
            for (name, reader) in &mut self.ids {
                if let Some(batch) = reader.next() {
                    columns.push((name.clone(), batch?.column(0).clone()));
                }
            }
            let rows = Rows {
                first_row,
                sources: sources(scope.as_ref(), count),
                columns,
                texts: texts(&self.variables, scope.as_ref()),
                variables: self.variables.clone(),
                problems: problems(&values)?,
            };
            Ok(self.preparer.prepare(rows))
        };
        Some(read())
    }
}

/// Chunks that another thread prepares.
pub(super) struct Ahead {
    chunks: Receiver<Result<Prepared, RunError>>,
    thread: Option<JoinHandle<()>>,
    left_out: Arc<AtomicBool>,
}

impl Ahead {
    /// Nothing is decided about the rows from here on.
    pub(super) fn leave_out(&self) {
        self.left_out.store(true, Ordering::Relaxed);
    }
}

impl Iterator for Ahead {
    type Item = Result<Prepared, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(chunk) = self.chunks.recv() {
            return Some(chunk);
        }
        // It ends with its chunks, or by our mistake, which is then told as any other is.
        if let Err(panic) = self.thread.take()?.join() {
            std::panic::resume_unwind(panic);
        }
        None
    }
}

/// The columns of the scope's own table that are needed beside its variables: [`ROW`], and those that
/// variables are read from.
fn scope_columns(load: &LoadPlan, variables: &[VariableSpec], schema: &Schema) -> Vec<usize> {
    let read = load.mappings.iter().filter_map(|m| match &m.source {
        MappingSource::Variable(name) => variables.iter().find(|v| v.name == *name),
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

/// The texts that the variables were read from.
fn texts(variables: &[VariableSpec], scope: Option<&RecordBatch>) -> Vec<(String, ArrayRef)> {
    let Some(scope) = scope else { return Vec::new() };
    let column = |v: &VariableSpec| match &v.source {
        Source::Column(name) => Some((v.name.clone(), scope.column_by_name(name)?.clone())),
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
