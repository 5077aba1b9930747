//! Stage two: the SQL makes scopes, and the ZIP of them is there before any record is written.

use super::{Execution, Packing, RunError, ScopeRun, SharedTarget};
use crate::load::SourceRef;
use crate::plan::{Plan, QueryPlan};
use crate::report::{ReportError, SqlOutputOptions, source_words, write_sql_output};
use crate::sql::{Batches, Column, Engine, Function, Open, Present, SqlError, meta};
use crate::system::spool::Spool;
use crate::value::arrow::datatypes::DataType as ArrowType;
use crate::value::{ObjectSchema, field_column_type};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

impl Execution<'_> {
    pub(super) async fn run_queries(&mut self) -> Result<(), RunError> {
        self.stage("running SQL", None);
        let done = self.make_scopes().await;
        self.must_own()?;
        // What the SQL made so far is there to be looked at, even when a later scope failed.
        self.begin_sql_output();
        if done.is_err() {
            let written = self.end_sql_output();
            done?;
            written?;
        }
        self.stage_done("running SQL");
        Ok(())
    }

    async fn make_scopes(&mut self) -> Result<(), RunError> {
        let plan = self.request.plan;
        let mut engine = self.engine().map_err(|e| setup_error(plan, e))?;
        for query in &plan.queries {
            if self.stopped() {
                return Ok(());
            }
            if query.scope.is_none() {
                engine.add_view(&query.name, &query.sql).map_err(|e| self.failed(query, e))?;
                continue;
            }
            self.request.progress.stage(&format!("running SQL: {}", query.name), None);
            let path = self.folder.scratch().join(format!("scope-{}.arrow", query.name));
            let request = self.request;
            let tick = |rows: u64| {
                request.progress.advance(rows);
                !request.stop.asked()
            };
            let Some(output) =
                engine.run(&query.sql, &path, &tick).await.map_err(|e| self.failed(query, e))?
            else {
                return Ok(());
            };
            engine.add_output(&query.name, &output);
            self.scopes.push(ScopeRun { name: query.name.clone(), output, variables: None, problems: 0 });
        }
        Ok(())
    }

    fn engine(&self) -> Result<Engine, SqlError> {
        let plan = self.request.plan;
        let parameters = plan
            .parameters
            .iter()
            .map(|p| {
                let value = self.parameters.get(&p.name).cloned().unwrap_or_default();
                (p.name.clone(), crate::sql::parameter(&value, p.ty))
            })
            .collect();
        let present = Present {
            started: self.request.started,
            zone: TimeZone::get(&plan.connector.timezone).unwrap_or(TimeZone::UTC),
        };
        let limits = self.request.sql.clone();
        let mut engine = Engine::new(limits, self.folder.scratch(), &present, functions(plan), parameters)?;
        for table in self.intake.iter().flat_map(|i| &i.tables) {
            engine.add_input(&table.name, &table.spool);
        }
        for object in &plan.objects {
            add_records(&mut engine, object, self.target.clone());
        }
        let inputs: Vec<(String, String, u64)> =
            self.inputs.iter().map(|i| (i.table.clone(), i.file.clone(), i.rows)).collect();
        let parameters: Vec<(String, String)> =
            self.parameters.iter().map(|(n, v)| (n.clone(), v.to_string())).collect();
        let facts = meta::ExecutionFacts {
            execution_id: self.request.execution.clone(),
            connector: plan.connector.name.clone(),
            trigger: "spreadsheet".into(),
            triggered_by: self.request.triggered_by.to_owned(),
            file_name: self.inputs.first().map(|i| i.file.clone()).unwrap_or_default(),
            mode: self.info.mode.clone(),
            started_at: self.request.started,
        };
        for (name, batch) in meta::batches(&facts, &parameters, &inputs)? {
            engine.add_batch("meta", name, batch)?;
        }
        Ok(engine)
    }

    /// A query's failure at its place in the sources, with the row of the input that it failed on.
    fn failed(&self, query: &QueryPlan, error: SqlError) -> RunError {
        let named = |view: &String| self.request.plan.queries.iter().find(|q| q.name == *view);
        let at_fault = error.view.as_ref().and_then(named).unwrap_or(query);
        let mut place = at_fault.place.clone();
        if let Some(range) = error.range {
            let before = at_fault.sql.get(..range.start as usize).unwrap_or_default();
            let lines = before.matches('\n').count() as u32;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u32;
            place.column = if lines == 0 { place.column + column } else { column + 1 };
            place.line += lines;
        }
        let row = error.row.map(|row| source_words(Some(SourceRef::unpack(row)), &self.parts));
        let cause = match row {
            Some(row) => format!("{} ({row})", error.cause),
            None => error.cause,
        };
        RunError::Sql { name: query.name.clone(), place, cause, hint: error.hint }
    }

    /// The ZIP is packed while variables are resolved.
    fn begin_sql_output(&mut self) {
        let path = self.artefact("sql_output", "sql-output.zip");
        let scopes: Vec<(String, Spool)> =
            self.scopes.iter().map(|s| (s.name.clone(), s.output.clone())).collect();
        let options = SqlOutputOptions { guard_formulas: self.request.guard_formulas };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let scopes: Vec<(&str, &Spool)> =
                scopes.iter().map(|(name, spool)| (name.as_str(), spool)).collect();
            write_sql_output(&path, &scopes, options, &|| stopped.load(Ordering::Relaxed))
        });
        self.packing = Some(Packing { thread, stop });
    }

    /// Waits until the ZIP is there, or it was asked to stop.
    pub(super) fn end_sql_output(&mut self) -> Result<(), RunError> {
        let Some(Packing { thread, stop }) = self.packing.take() else { return Ok(()) };
        while !thread.is_finished() && !self.stopped() {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(self.stopped(), Ordering::Relaxed);
        let packed = thread.join().unwrap_or_else(|_| {
            Err(ReportError::new(&self.folder.file("sql-output.zip"), "it could not be packed"))
        });
        if !matches!(packed, Ok(true)) {
            self.artefacts.remove("sql_output");
        }
        Ok(packed.map(drop)?)
    }
}

fn functions(plan: &Plan) -> Vec<Function> {
    plan.functions
        .iter()
        .map(|f| Function {
            name: f.name.clone(),
            // Types were checked before; a run only needs the names.
            parameters: f
                .parameters
                .iter()
                .map(|n| Column { name: n.clone(), ty: ArrowType::Utf8 })
                .collect(),
            defaults: f.defaults.clone(),
            returns: ArrowType::Utf8,
            body: f.body.clone(),
            native: f.native.clone(),
        })
        .collect()
}

fn add_records(engine: &mut Engine, object: &ObjectSchema, target: SharedTarget) {
    let mut columns = vec![("id".to_owned(), ArrowType::Utf8)];
    columns.extend(object.fields.iter().map(|f| (f.name.clone(), field_column_type(&f.ty))));
    columns.extend(["_created_at", "_updated_at"].map(|n| (n.to_owned(), meta::instant())));
    let schema = object.clone();
    let open: Open = Arc::new(move |columns: &[String]| {
        // Nothing is written while queries run; only another scan may be opening its connection.
        let target = loop {
            match target.try_lock() {
                Ok(target) => break target,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let scan = target.scan(&schema, columns).map_err(|e| e.to_string())?;
        Ok(Box::new(scan.map(|b| b.map_err(|e| e.to_string()))) as Batches)
    });
    engine.add_records(&object.name, &columns, open);
}

fn setup_error(plan: &Plan, error: SqlError) -> RunError {
    RunError::Request {
        cause: format!("the SQL engine of `{}` could not start: {}", plan.connector.name, error.cause),
        hint: error.hint.unwrap_or_default(),
    }
}
