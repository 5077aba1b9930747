//! A step's part of the summary, counted row by row.

use super::summary::{Example, Reason, ReasonKind, StatusCounts, StepSummary};
use super::words::{answer_words, count_of, deciding, problem_words, source_words};
use crate::load::{Action, RowDecision};
use crate::plan::{LoadPlan, Outcome};
use std::collections::HashMap;

/// Counts the decisions of one step. Its size does not grow with the rows.
#[derive(Clone, Debug)]
pub struct StepTally {
    plan: LoadPlan,
    rows: u64,
    counts: StatusCounts,
    warnings: u64,
    reasons: HashMap<(ReasonKind, &'static str, String), (u64, Example)>,
}

impl StepTally {
    /// Nothing counted yet.
    pub fn new(plan: &LoadPlan) -> Self {
        Self {
            plan: plan.clone(),
            rows: 0,
            counts: StatusCounts::default(),
            warnings: 0,
            reasons: HashMap::new(),
        }
    }

    /// Counts a row; `parts` are the words for where it came from.
    pub fn add(&mut self, decision: &RowDecision, parts: &[String]) {
        self.rows += 1;
        self.counts.add(decision.action);
        self.warnings += u64::from(!decision.warnings.is_empty());
        let kinds = [(ReasonKind::Error, &decision.errors), (ReasonKind::Warning, &decision.warnings)];
        for (kind, problems) in kinds {
            for p in problems {
                self.count(kind, p.code.name(), p.name.clone(), decision, parts, || problem_words(p));
            }
        }
        if decision.action == Action::Skip && decision.errors.is_empty() {
            self.skipped(decision, parts);
        }
    }

    /// The step's part of the summary.
    pub fn summary(&self) -> StepSummary {
        let mut by_code: Vec<Reason> = self
            .reasons
            .iter()
            .map(|((kind, code, name), (count, example))| Reason {
                code: (*code).to_owned(),
                kind: *kind,
                name: name.clone(),
                count: *count,
                example: example.clone(),
            })
            .collect();
        by_code.sort_by(|a, b| (b.count, a.kind, &a.code, &a.name).cmp(&(a.count, b.kind, &b.code, &b.name)));
        StepSummary {
            name: self.plan.name.clone(),
            object: self.plan.object.clone(),
            scope: self.plan.scope.clone(),
            rows: self.rows,
            counts: self.counts,
            warnings: self.warnings,
            by_code,
        }
    }

    /// A row that a rule left out has no problem; the rule is the reason.
    fn skipped(&mut self, decision: &RowDecision, parts: &[String]) {
        let Some(answer) = deciding(decision) else { return };
        let found = match answer.outcome {
            Outcome::None => "no match",
            Outcome::One => "a match",
            Outcome::Many => "several matches",
            Outcome::Archived => "an archived match",
        };
        let name = format!("rule {}, {found}", answer.rule + 1);
        let message = format!(
            "{}: {} found, and the rule says {}",
            answer_words(&self.plan, answer),
            count_of(answer.candidates, "record"),
            answer.action.name()
        );
        self.count(ReasonKind::Skipped, answer.action.name(), name, decision, parts, || message);
    }

    fn count(
        &mut self,
        kind: ReasonKind,
        code: &'static str,
        name: String,
        decision: &RowDecision,
        parts: &[String],
        message: impl FnOnce() -> String,
    ) {
        self.reasons
            .entry((kind, code, name))
            .or_insert_with(|| {
                let source = source_words(decision.source, parts);
                (0, Example { row: decision.row, source, message: message() })
            })
            .0 += 1;
    }
}
