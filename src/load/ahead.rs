//! What the rows of a chunk bring, worked out before any of them is decided about. It depends on
//! nothing but the row, so two threads share it; only what asks the target goes row by row.

use super::mapping::{Incoming, Mapping};
use super::matching::{Key, Rule};
use super::rows::Rows;
use crate::value::{Problem, Value};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// Chunks smaller than this are not worth a second thread.
const ALONE: usize = 256;

/// A mapping's value of one row, and the text that it was read from where that differs.
pub(super) type Fitted = (Result<Value, Problem>, Option<String>);

/// One row.
pub(super) struct RowAhead {
    /// The row's key.
    pub(super) key: u64,
    /// By mapping; none where the value is lost, or found by asking the target.
    pub(super) fitted: Vec<Option<Fitted>>,
}

/// What all rows are made from.
pub(super) struct Ahead<'a> {
    pub(super) step: &'a str,
    pub(super) rules: &'a [Rule<'a>],
    pub(super) keys: &'a [Vec<Key>],
    pub(super) mappings: &'a [Mapping<'a>],
    pub(super) incoming: &'a [Incoming<'a>],
    pub(super) rows: &'a Rows<'a>,
}

impl Ahead<'_> {
    /// Every row, in order.
    pub(super) fn all(&self, count: usize) -> Vec<RowAhead> {
        let part = |rows: Range<usize>| rows.map(|row| self.row(row)).collect::<Vec<_>>();
        if count < ALONE {
            return part(0..count);
        }
        std::thread::scope(|scope| {
            let second = scope.spawn(|| part(count / 2..count));
            let mut all = part(0..count / 2);
            match second.join() {
                Ok(second) => all.extend(second),
                // It only fails by our mistake, which is then told as any other is.
                Err(panic) => std::panic::resume_unwind(panic),
            }
            all
        })
    }

    fn row(&self, row: usize) -> RowAhead {
        let fitted = |(mapping, incoming): (&Mapping<'_>, &Incoming<'_>)| {
            if mapping.find.is_some() || mapping.lost(self.rows, row) {
                return None;
            }
            let value = mapping.own_value(incoming, row);
            let text = value.as_ref().ok().and_then(|v| mapping.text(self.rows, row, v));
            Some((value, text))
        };
        RowAhead { key: self.key(row), fitted: self.mappings.iter().zip(self.incoming).map(fitted).collect() }
    }

    /// A hash of the step and the values that identify the row: those it is matched on, as far as they
    /// are its own. The id that an earlier step exposed differs from run to run; a row that is matched
    /// on nothing else is identified by all its variables.
    fn key(&self, row: usize) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.step.as_bytes());
        let mut enter = |kind: u8, text: &str| {
            // The length keeps `ab`, `c` apart from `a`, `bc`.
            hash.update([kind]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        let own = |rule: &Rule<'_>| self.rows.variables.iter().any(|v| v.name == rule.plan.variable);
        let mut own_keys = self.rules.iter().zip(self.keys).filter(|(rule, _)| own(rule)).peekable();
        if own_keys.peek().is_none() {
            for variable in self.rows.variables {
                let value = self.rows.column(&variable.name).map_or(Value::Null, |c| c.value(row));
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
