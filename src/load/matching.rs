//! Asking the matching rules of one row.

use super::RuleAnswer;
use super::options::FieldOptions;
use super::rows::{Asked, Column, Rows};
use super::workspace::{Slot, Workspace};
use crate::plan::{MatchAction, Outcome, RulePlan};
use crate::target::{Record, Target, TargetError};
use crate::value::{Problem, Value};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

/// A matching rule, ready to be asked.
pub(super) struct Rule {
    pub(super) plan: RulePlan,
    pub(super) asked: Asked,
    pub(super) slot: Slot,
    /// Whether the field has options and the step adds none: no record can have a label that it does not know.
    pub(super) fixed: bool,
}

/// The value that a rule asks for on one row.
pub(super) enum Key {
    /// None: the rule finds nothing.
    Blank,
    /// It could not be read: the row fails where the rule is asked.
    Lost(Problem),
    /// A value, fitted to the field.
    Value(Value),
}

impl Rule {
    /// The values of every row of the chunk.
    pub(super) fn keys(&self, rows: &Rows, count: usize) -> Vec<Key> {
        let column = rows.column(&self.plan.variable);
        (0..count).map(|row| self.key(rows, column, row)).collect()
    }

    fn key(&self, rows: &Rows, column: Option<Column<'_>>, row: usize) -> Key {
        let lost = |p: &&crate::value::CellProblem| !p.taken && p.problem.name == self.plan.variable;
        if let Some(problem) = rows.problems_of(row).iter().find(lost) {
            return Key::Lost(problem.problem.clone());
        }
        match column.map_or(Ok(Value::Null), |c| self.asked.fit(c, row)) {
            Ok(Value::Null) => Key::Blank,
            Ok(value) => Key::Value(value),
            Err(problem) => Key::Lost(problem),
        }
    }
}

/// What the rules said about a row.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) answers: Vec<RuleAnswer>,
    /// The rule that decided, what it says, and the records it found that the action is about.
    pub(super) decided: Option<(usize, MatchAction, Vec<Arc<Record>>)>,
    /// Why the row fails.
    pub(super) error: Option<Problem>,
}

/// Asks the rules one after the other. A rule's values are looked up for this row and all later
/// ones at once, and only when a row gets to the rule.
pub(super) async fn ask(
    rules: &[Rule],
    options: &FieldOptions,
    keys: &[Vec<Key>],
    row: usize,
    workspace: &mut Workspace<'_>,
    target: &mut dyn Target,
) -> Result<Verdict, TargetError> {
    let mut verdict = Verdict::default();
    // The records found so far; none means that no rule has narrowed them yet.
    let mut so_far: Option<HashSet<Uuid>> = None;
    for (number, rule) in rules.iter().enumerate() {
        let column = keys.get(number).map_or(&[][..], Vec::as_slice);
        let (value, mut found) = match column.get(row) {
            Some(Key::Lost(problem)) => {
                verdict.error = Some(problem.clone());
                return Ok(verdict);
            }
            Some(Key::Value(value)) => {
                if !workspace.knows(rule.slot, value) {
                    let later = column.iter().skip(row).filter_map(|k| match k {
                        Key::Value(v) => Some(v.clone()),
                        _ => None,
                    });
                    workspace.fetch(target, rule.slot, later.collect()).await?;
                }
                let found = workspace.find(rule.slot, value);
                // As with any value that does not fit: a record made of this row would be without it, and never
                // be found again.
                let unknown = options.get(&rule.plan.field).filter(|_| rule.fixed && found.is_empty());
                if let Some(problem) = unknown.and_then(|o| o.lacks(&rule.plan.field, value)) {
                    verdict.error = Some(problem);
                    return Ok(verdict);
                }
                (value.clone(), found)
            }
            Some(Key::Blank) | None => (Value::Null, Vec::new()),
        };
        if let Some(so_far) = &so_far {
            found.retain(|r| so_far.contains(&r.id));
        }
        if found.iter().any(|r| !r.archived) {
            found.retain(|r| !r.archived);
        }
        let (outcome, action) = match found.as_slice() {
            [] => (Outcome::None, rule.plan.none),
            [first, ..] if first.archived => (Outcome::Archived, rule.plan.archived),
            [_] => (Outcome::One, rule.plan.one),
            _ => (Outcome::Many, rule.plan.many),
        };
        verdict.answers.push(RuleAnswer {
            rule: number,
            value,
            candidates: found.len() as u64,
            ids: found.iter().take(5).map(|r| r.id).collect(),
            outcome,
            action,
        });
        let last = number + 1 == rules.len();
        match action {
            MatchAction::NextRule if !last => {
                // A rule that found nothing does not narrow what the rules before it found.
                if !found.is_empty() {
                    so_far = Some(found.iter().map(|r| r.id).collect());
                }
            }
            MatchAction::NextRuleIgnorePrevious if !last => so_far = None,
            // The checker refuses a last rule that falls through; leave the row out.
            a if a.falls_through() => verdict.decided = Some((number, MatchAction::DoNotUpload, found)),
            a => {
                verdict.decided = Some((number, a, found));
                break;
            }
        }
    }
    Ok(verdict)
}
