//! Stage three: the columns of each scope become typed variables, before the first load step.

use super::{Execution, RunError, ScopeRun};
use crate::system::spool::{Spool, SpoolWriter};
use crate::value::arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use crate::value::arrow::datatypes::{DataType as ArrowType, Field, Schema};
use crate::value::{CellProblem, Problem, Resolver, Source, VariableSpec, column_type};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The column of a variables table that holds each row's problems.
pub(super) const PROBLEMS: &str = "__problems";

/// A problem as it stands in [`PROBLEMS`].
#[derive(Serialize, Deserialize)]
struct Stored {
    taken: bool,
    #[serde(flatten)]
    problem: Problem,
}

impl Execution<'_> {
    pub(super) fn resolve_variables(&mut self) -> Result<(), RunError> {
        let total: u64 = self.scopes.iter().map(|s| s.output.rows()).sum();
        self.stage("resolving variables", Some(total));
        let plan = self.request.plan;
        let mut before = 0;
        for query in plan.scopes() {
            let Some(scope) = query.scope.as_ref().filter(|s| !s.errors) else { continue };
            let Some(run) = self.scopes.iter_mut().find(|s| s.name == query.name) else { continue };
            let path = self.folder.scratch().join(format!("variables-{}.arrow", query.name));
            let rows = run.output.rows();
            let request = self.request;
            let tick = |n: u64| {
                request.progress.advance(before + n);
                !request.stop.asked()
            };
            if !resolve(run, &scope.variables, &path, &tick)? {
                break;
            }
            before += rows;
        }
        self.stage_done("resolving variables");
        Ok(())
    }
}

/// False where `tick` said to go no further.
fn resolve(
    run: &mut ScopeRun,
    specs: &[VariableSpec],
    path: &Path,
    tick: &dyn Fn(u64) -> bool,
) -> Result<bool, RunError> {
    let mut resolvers: Vec<Resolver> = specs.iter().map(Resolver::new).collect();
    if !survey(&run.output, specs, &mut resolvers, &|| tick(0))? {
        return Ok(false);
    }
    let mut fields: Vec<Field> = specs.iter().map(|s| Field::new(&s.name, column_type(s.ty), true)).collect();
    fields.push(Field::new(PROBLEMS, ArrowType::Utf8, true));
    let schema = Arc::new(Schema::new(fields));
    let mut writer = SpoolWriter::create(path, schema.clone())?;
    let mut done = 0;
    for batch in run.output.read(None)? {
        let batch = batch?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(specs.len() + 1);
        let mut problems: Vec<CellProblem> = Vec::new();
        for (spec, resolver) in specs.iter().zip(&resolvers) {
            let column = match &spec.source {
                Source::Column(name) => batch.column_by_name(name),
                Source::Literal(_) => None,
            };
            let resolved = resolver.resolve(column, batch.num_rows());
            columns.push(resolved.array);
            problems.extend(resolved.problems);
        }
        run.problems += problems.len() as u64;
        problems.sort_by_key(|p| p.row);
        columns.push(problem_column(problems, batch.num_rows()));
        let resolved = RecordBatch::try_new(schema.clone(), columns).map_err(|e| internal(path, &e))?;
        writer.write(&resolved)?;
        done += batch.num_rows() as u64;
        if !tick(done) {
            return Ok(false);
        }
    }
    run.variables = Some(writer.finish()?);
    Ok(true)
}

/// Days and months of a whole column are told apart before any of its values is. False where `tick` said to
/// go no further.
fn survey(
    output: &Spool,
    specs: &[VariableSpec],
    resolvers: &mut [Resolver],
    tick: &dyn Fn() -> bool,
) -> Result<bool, RunError> {
    if !resolvers.iter().any(Resolver::wants_survey) {
        return Ok(true);
    }
    for batch in output.read(None)? {
        let batch = batch?;
        if !tick() {
            return Ok(false);
        }
        for (spec, resolver) in specs.iter().zip(resolvers.iter_mut()).filter(|(_, r)| r.wants_survey()) {
            if let Source::Column(name) = &spec.source
                && let Some(column) = batch.column_by_name(name)
            {
                resolver.survey(column);
            }
        }
    }
    Ok(true)
}

fn problem_column(problems: Vec<CellProblem>, rows: usize) -> ArrayRef {
    let mut column = StringBuilder::new();
    let mut problems = problems.into_iter().peekable();
    for row in 0..rows {
        let mut of_row = Vec::new();
        while let Some(p) = problems.next_if(|p| p.row == row) {
            of_row.push(Stored { taken: p.taken, problem: p.problem });
        }
        if of_row.is_empty() {
            column.append_null();
        } else {
            column.append_option(serde_json::to_string(&of_row).ok());
        }
    }
    Arc::new(column.finish())
}

/// Undoes [`problem_column`] for one cell.
pub(super) fn read_problems(json: &str, row: usize) -> Result<Vec<CellProblem>, RunError> {
    let stored: Vec<Stored> = serde_json::from_str(json).map_err(|e| internal(Path::new(PROBLEMS), &e))?;
    Ok(stored.into_iter().map(|s| CellProblem { row, taken: s.taken, problem: s.problem }).collect())
}

/// A batch that does not have its own schema is our mistake, told like any other failure.
fn internal(path: &Path, cause: &dyn std::fmt::Display) -> RunError {
    RunError::Spool(crate::system::spool::SpoolError {
        path: path.display().to_string(),
        cause: cause.to_string(),
    })
}
