//! What the rows of a chunk bring, worked out before any of them is decided about. It depends on nothing
//! but the rows, so that another thread can do it while the chunk before is decided and written.

use super::mapping::{Incoming, Mapping};
use super::matching::Key;
use super::rows::Rows;
use super::shape::{Shape, problem};
use super::{Action, RowDecision};
use crate::value::{Problem, ProblemCode, Value};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::Arc;

/// Prepares the chunks of one step; its own or another thread's.
#[derive(Clone)]
pub struct Preparer {
    pub(super) shape: Arc<Shape>,
}

/// A chunk of rows, ready to be decided about.
pub struct Prepared {
    pub(super) rows: Rows,
    /// By rule, then by row.
    pub(super) keys: Vec<Vec<Key>>,
    /// By row.
    pub(super) ahead: VecDeque<RowAhead>,
}

/// One row.
pub(super) struct RowAhead {
    /// The decision as far as the row alone decides it: who it is, and what is wrong with its variables.
    pub(super) decision: RowDecision,
    /// By mapping; none where the value is lost, or found by asking the target.
    pub(super) fitted: Vec<Option<Fitted>>,
}

/// A mapping's value of one row, and the text that it was read from where that differs.
pub(super) struct Fitted {
    pub(super) value: Result<Value, Problem>,
    pub(super) text: Option<String>,
}

impl Prepared {
    /// Rows that nothing will be decided about.
    pub fn left_out(rows: Rows) -> Self {
        Self { rows, keys: Vec::new(), ahead: VecDeque::new() }
    }

    /// The rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }
}

impl Preparer {
    /// Prepares a chunk.
    pub fn prepare(&self, rows: Rows) -> Prepared {
        let count = rows.len();
        let keys: Vec<Vec<Key>> = self.shape.rules.iter().map(|r| r.keys(&rows, count)).collect();
        let incoming: Vec<Incoming<'_>> = self.shape.mappings.iter().map(|m| m.columns(&rows)).collect();
        let ahead = (0..count)
            .map(|row| RowAhead {
                decision: self.begun(&rows, &keys, row),
                fitted: self.fitted(&rows, &incoming, row),
            })
            .collect();
        drop(incoming);
        Prepared { rows, keys, ahead }
    }

    fn fitted(&self, rows: &Rows, incoming: &[Incoming<'_>], row: usize) -> Vec<Option<Fitted>> {
        let fitted = |(mapping, incoming): (&Mapping, &Incoming<'_>)| {
            if mapping.find.is_some() || mapping.lost(rows, row) {
                return None;
            }
            let value = mapping.own_value(incoming, row);
            let text = value.as_ref().ok().and_then(|v| mapping.text(rows, row, v));
            Some(Fitted { value, text })
        };
        self.shape.mappings.iter().zip(incoming).map(fitted).collect()
    }

    fn begun(&self, rows: &Rows, keys: &[Vec<Key>], row: usize) -> RowDecision {
        let source = rows.sources.get(row).copied().flatten();
        let mut decision = RowDecision::of(rows.first_row + row as u64 + 1, source, Action::Error);
        decision.key = self.row_key(rows, keys, row);
        self.variable_problems(rows, row, &mut decision);
        decision
    }

    /// Required variables fail the row; problems of the others are warnings.
    fn variable_problems(&self, rows: &Rows, row: usize, decision: &mut RowDecision) {
        let problems = rows.problems_of(row);
        for found in problems {
            let name = found.problem.name.as_str();
            if !found.taken && (name.is_empty() || self.shape.required.iter().any(|r| r == name)) {
                decision.errors.push(found.problem.clone());
            } else if self.shape.used.contains(name) || name.is_empty() {
                decision.warnings.push(found.problem.clone());
            }
        }
        for name in &self.shape.required {
            let said = problems.iter().any(|p| !p.taken && p.problem.name == *name);
            if !said && rows.column(name).is_some_and(|c| c.value(row).is_blank()) {
                let message = format!("`{name}` is required and empty");
                decision.errors.push(problem(ProblemCode::Required, name, "", message));
            }
        }
    }

    /// A hash of the step and the values that identify the row: those it is matched on, as far as they
    /// are its own. The id that an earlier step exposed differs from run to run; a row that is matched
    /// on nothing else is identified by all its variables.
    fn row_key(&self, rows: &Rows, keys: &[Vec<Key>], row: usize) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.shape.plan.name.as_bytes());
        let mut enter = |kind: u8, text: &str| {
            // The length keeps `ab`, `c` apart from `a`, `bc`.
            hash.update([kind]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        let own = |variable: &str| rows.variables.iter().any(|v| v.name == variable);
        let mut own_keys =
            self.shape.rules.iter().zip(keys).filter(|(rule, _)| own(&rule.plan.variable)).peekable();
        if own_keys.peek().is_none() {
            for variable in rows.variables.iter() {
                let value = rows.column(&variable.name).map_or(Value::Null, |c| c.value(row));
                enter(3, &value.to_string());
            }
        }
        for (_, keys) in own_keys {
            match keys.get(row) {
                Some(Key::Value(Value::Text(text))) => enter(1, text),
                Some(Key::Value(value)) => enter(1, &value.to_string()),
                Some(Key::Lost(problem)) => enter(2, &problem.text),
                Some(Key::Blank) | None => enter(0, ""),
            }
        }
        hash.finalize().iter().take(8).fold(0u64, |key, byte| (key << 8) | u64::from(*byte))
    }
}
