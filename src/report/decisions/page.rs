//! A page of decisions for people: found by streaming through a step. Memory holds the page and one
//! batch, however many rows there are.

use super::read::{DecisionReader, Row, read_row};
use super::{BATCH_ROWS, StoredName};
use crate::load::{Action, RowDecision};
use crate::report::ReportError;
use crate::report::words::problem_words;

/// How many rows are looked at for one page; a search that finds little goes on from there.
const LOOK_AT: u64 = 200_000;
/// And how many bytes of them: a cell may hold megabytes.
const LOOK_AT_BYTES: usize = 128 << 20;
/// How many bytes of decisions a page keeps.
const KEEP_BYTES: usize = 16 << 20;

/// Which decisions are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The step.
    pub step: String,
    /// Only those with one of these actions; all where none is named.
    pub actions: Vec<Action>,
    /// Only those with this text in what a person sees of them, whatever its case.
    pub text: String,
    /// From which of the step's rows on, counted from 0.
    pub from: u64,
    /// At most so many.
    pub limit: usize,
}

/// Some decisions, and where the next ones begin.
#[derive(Debug, Default)]
pub struct DecisionPage {
    /// The decisions.
    pub rows: Vec<ShownDecision>,
    /// From where to go on; none where every row was looked at.
    pub next: Option<u64>,
    /// Whether it ends before it is full, since its decisions are long.
    pub long: bool,
}

/// A decision with the words that the file keeps for it.
#[derive(Debug)]
pub struct ShownDecision {
    /// Which of the step's rows it is, counted from 0.
    pub at: u64,
    /// The decision.
    pub decision: RowDecision,
    /// Where the row came from: `prices.csv:12`; empty where that is not known.
    pub source: String,
    /// What the rule that decided asked: `code = V001`.
    pub rule: Option<String>,
    /// The name of each field, in the order of the decision's.
    pub fields: Vec<Named>,
}

/// A field by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The field.
    pub name: String,
    /// The variables that it was mapped from.
    pub from: Vec<String>,
}

impl DecisionReader {
    /// The decisions of a step that are wanted, as many as fit the page: fewer than asked for where they are long.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn page(&self, wanted: &Wanted) -> Result<DecisionPage, ReportError> {
        let rows = self.steps().iter().find(|s| s.name == wanted.step).map_or(0, |s| s.rows);
        let needle = wanted.text.to_lowercase();
        let failed = |cause: &dyn std::fmt::Display| ReportError::new(self.path(), cause);
        let mut page = DecisionPage::default();
        let mut at = wanted.from;
        let end = rows.min(at.saturating_add(LOOK_AT));
        let (mut looked, mut kept) = (0, 0);
        for batch in self.batches(&wanted.step, wanted.from, BATCH_ROWS.min(wanted.limit.max(64)))? {
            let batch = batch.map_err(|e| failed(&e))?;
            for row in 0..batch.num_rows() {
                let full = page.rows.len() == wanted.limit || kept >= KEEP_BYTES;
                if full || at >= end || looked >= LOOK_AT_BYTES {
                    page.next = (at < rows).then_some(at);
                    page.long = kept >= KEEP_BYTES && page.rows.len() < wanted.limit;
                    return Ok(page);
                }
                at += 1;
                let row = Row(&batch, row);
                let action = row.text("action").map_err(|e| failed(&e))?.unwrap_or_default();
                if !wanted.actions.is_empty() && !wanted.actions.iter().any(|a| a.name() == action) {
                    continue;
                }
                let bytes = row.bytes().map_err(|e| failed(&e))?;
                looked += bytes;
                if !needle.is_empty() && !row.may_hold(&needle).map_err(|e| failed(&e))? {
                    continue;
                }
                let shown = ShownDecision::of(at - 1, &row).map_err(|e| failed(&e))?;
                if needle.is_empty() || shown.holds(&needle) {
                    page.rows.push(shown);
                    kept += bytes;
                }
            }
        }
        Ok(page)
    }
}

impl Row<'_> {
    /// How long its texts are, those that have no limit of their own.
    fn bytes(&self) -> Result<usize, String> {
        ["fields", "errors", "warnings", "rules"]
            .into_iter()
            .map(|column| Ok(self.text(column)?.map_or(0, str::len)))
            .sum()
    }

    /// Whether the text may be in it: a cheap look before its JSON is read.
    fn may_hold(&self, needle: &str) -> Result<bool, String> {
        // What JSON writes in another way is left to the closer look.
        if needle.contains(|c: char| c == '"' || c == '\\' || c.is_control()) {
            return Ok(true);
        }
        // Words that pages make of several columns.
        if needle.contains([':', '!', ';', '=']) {
            return Ok(true);
        }
        for column in ["fields", "errors", "warnings", "record_id", "source_file", "source_part", "rules"] {
            if self.text(column)?.is_some_and(|text| text.to_lowercase().contains(needle)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl ShownDecision {
    fn of(at: u64, row: &Row<'_>) -> Result<Self, String> {
        let file = row.text("source_file")?.map(|file| match row.text("source_part") {
            Ok(Some(part)) => format!("{file}!{part}"),
            _ => file.to_owned(),
        });
        let source = match (file, row.long("source_line")?) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (None, Some(line)) => format!("line {line}"),
            _ => String::new(),
        };
        let names: Vec<StoredName> = row.json("fields")?;
        Ok(Self {
            at,
            decision: read_row(row)?,
            source,
            rule: row.text("rule")?.map(str::to_owned),
            fields: names
                .into_iter()
                .map(|n| Named { from: n.from.unwrap_or_else(|| vec![n.field.clone()]), name: n.field })
                .collect(),
        })
    }

    fn holds(&self, needle: &str) -> bool {
        let has = |text: &str| text.to_lowercase().contains(needle);
        let d = &self.decision;
        has(&self.source)
            || d.record.is_some_and(|id| has(&id.to_string()))
            || self.rule.as_deref().is_some_and(has)
            || self.fields.iter().any(|f| has(&f.name))
            || d.fields.iter().any(|f| {
                has(&f.before.to_string()) || has(&f.after.to_string()) || f.text.as_deref().is_some_and(has)
            })
            || d.errors.iter().chain(&d.warnings).any(|p| has(&problem_words(p)) || has(p.code.name()))
    }
}
