//! Finding the expression that made a query fail. Only after it has failed: the query runs again
//! with its suspects tamed but for one, without writing anything, until the one is found.

use super::engine::Engine;
use super::failure::{Failing, SqlError, explain, explain_with, shape};
use super::parse;
use super::places::Places;
use super::relations::bare_names;
use super::suspects::{Suspect, suspects, tame, witness};
use super::work::{Broken, Tick};
use crate::text::Range;
use crate::value::arrow::array::{Array, AsArray};
use crate::value::arrow::datatypes::Int64Type;
use datafusion::common::DataFusionError;
use datafusion::sql::sqlparser::ast::Query;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How often a failed query is run again at most.
const MAX_RUNS: usize = 40;

/// What was found.
pub(super) struct Blame {
    view: Option<String>,
    range: Range,
    /// A value that it fails on and the row that has it: the first of the input.
    witness: Option<(String, Option<i64>)>,
}

impl Blame {
    /// The error, with what was found.
    pub(super) fn tell(self, error: &DataFusionError) -> SqlError {
        let told = explain(error);
        let (cause, row) = match self.witness {
            Some((value, row)) => (explain_with(error, &value).unwrap_or(told.cause), row),
            None => (told.cause, None),
        };
        SqlError { cause, view: self.view, range: Some(self.range), row, hint: told.hint }
    }
}

/// A text that may hold the culprit.
struct Block<'a> {
    view: Option<&'a str>,
    places: Places<'a>,
    query: Query,
    suspects: Vec<Suspect>,
}

/// Runs queries again, as often as it may.
struct Search<'a> {
    engine: &'a Engine,
    failing: Failing,
    shape: String,
    tick: Tick<'a>,
    runs: usize,
}

impl Engine {
    /// Finds which expression of a failed query, or of the views that it reads, is at fault.
    pub(super) async fn blame(
        &self,
        sql: &str,
        query: Query,
        error: &DataFusionError,
        failing: Failing,
        tick: Tick<'_>,
    ) -> Option<Blame> {
        let mut search = Search { engine: self, failing, shape: shape(error), tick, runs: 0 };
        let block = search.block(self.blocks(sql, query, failing)).await?;
        let culprit = search.culprit(&block).await?;
        Some(Blame {
            view: block.view.map(str::to_owned),
            range: block.places.expression(&culprit.expr)?,
            witness: search.witness(&block, culprit).await,
        })
    }

    /// The views that a query reads, each before what reads it, and the query; those with suspects.
    fn blocks<'a>(&'a self, sql: &'a str, query: Query, failing: Failing) -> Vec<Block<'a>> {
        let ours = |name: &str| self.catalog.functions.iter().any(|f| f.name == name && f.body.is_some());
        let mut wanted = bare_names(&query);
        let mut blocks = vec![(None, sql, query)];
        for (name, text) in self.views.iter().rev().filter(|(_, text)| *text != sql) {
            if !wanted.contains(name) {
                continue;
            }
            if let Ok(query) = parse::query(text, &Places::new(text)) {
                wanted.extend(bare_names(&query));
                blocks.push((Some(name.as_str()), text, query));
            }
        }
        blocks
            .into_iter()
            .rev()
            .map(|(view, text, query)| {
                let suspects = suspects(&query, failing, &ours);
                Block { view, places: Places::new(text), query, suspects }
            })
            .filter(|b| !b.suspects.is_empty())
            .collect()
    }
}

impl Search<'_> {
    /// The block at fault: the first that fails by itself; what it reads has been cleared before.
    async fn block<'a>(&mut self, mut blocks: Vec<Block<'a>>) -> Option<Block<'a>> {
        let last = blocks.pop()?;
        for block in blocks {
            if self.fails(&block, block.query.clone()).await? {
                return Some(block);
            }
        }
        Some(last)
    }

    async fn culprit<'s>(&mut self, block: &'s Block<'_>) -> Option<&'s Suspect> {
        if let [only] = block.suspects.as_slice() {
            return Some(only);
        }
        // Gentle ones change nothing else: without them it runs, and with one of them it fails.
        let gentle: BTreeSet<usize> = block.suspects.iter().filter(|s| s.gentle).map(|s| s.at).collect();
        let tamed = tame(&block.query, self.failing, &|at| gentle.contains(&at));
        if !gentle.is_empty() && !self.fails(block, tamed).await? {
            if gentle.len() == 1 {
                return block.suspects.iter().find(|s| s.gentle);
            }
            for suspect in block.suspects.iter().filter(|s| s.gentle) {
                let others = tame(&block.query, self.failing, &|at| at != suspect.at && gentle.contains(&at));
                if self.fails(block, others).await? {
                    return Some(suspect);
                }
            }
            return None;
        }
        // The others give nothing but NULL once tamed, so what is around them or reads them falls
        // silent too: all that are needed for the failure are found, and the outermost is told.
        let mut needed: Vec<&Suspect> = Vec::new();
        for suspect in block.suspects.iter().filter(|s| !s.gentle) {
            let trial = tame(&block.query, self.failing, &|at| at == suspect.at || gentle.contains(&at));
            if !self.fails(block, trial).await? {
                needed.push(suspect);
            }
        }
        let makes_values = needed.iter().any(|s| !s.filters);
        needed.retain(|s| !makes_values || !s.filters);
        let around = |a: &Suspect, b: &Suspect| a.span.start <= b.span.start && b.span.end <= a.span.end;
        needed.iter().find(|s| needed.iter().all(|other| around(s, other))).copied()
    }

    /// Whether a query fails in the same way; none where there is no time to look any further.
    async fn fails(&mut self, block: &Block<'_>, query: Query) -> Option<bool> {
        match self.run(block, query, |_| ControlFlow::Continue(())).await? {
            Err(Broken::Engine(error)) => Some(shape(&error) == self.shape),
            _ => Some(false),
        }
    }

    /// The first row of the input on which a cast fails, and the text there.
    async fn witness(&mut self, block: &Block<'_>, culprit: &Suspect) -> Option<(String, Option<i64>)> {
        let query = witness(&block.query, culprit)?;
        let mut found = None;
        let _ = self
            .run(block, query, |batch| {
                if batch.num_rows() == 0 {
                    return ControlFlow::Continue(());
                }
                let row = batch.column(1).as_primitive::<Int64Type>();
                let row = row.is_valid(0).then(|| row.value(0));
                found = Some((crate::value::cell(batch.column(0).as_ref(), 0).to_string(), row));
                ControlFlow::Break(())
            })
            .await?;
        found
    }

    async fn run(
        &mut self,
        block: &Block<'_>,
        query: Query,
        mut take: impl FnMut(crate::value::arrow::array::RecordBatch) -> ControlFlow<()>,
    ) -> Option<Result<(), Broken>> {
        self.runs += 1;
        if self.runs > MAX_RUNS || !(self.tick)(0) {
            return None;
        }
        // A query that cannot be planned once it is tamed tells nothing.
        let Ok(plan) = self.engine.traced(query, &block.places) else { return Some(Ok(())) };
        let physical = match self.engine.physical(&plan).await {
            Ok(physical) => physical,
            Err(error) => return Some(Err(error)),
        };
        let tick = self.tick;
        Some(self.engine.work(physical, &|_| tick(0), |batch| Ok(take(batch))).await.map(|_| ()))
    }
}
