//! A decision for people: what became of a row, each field before and after, and why. What somebody else wrote
//! is cut before anything else is done with it: a cell may hold megabytes.

use super::bar::class_of;
use super::show::{Time, clear, cut};
use crate::load::FieldChange;
use crate::report::{Named, ShownDecision, grouped, problem_words};
use crate::value::{Problem, Value};

/// So many changes of a row are seen at once; its details have them all.
const CHANGES: usize = 8;
/// So many fields, rules or problems of a row are shown; the file has them all.
const DETAILS: usize = 300;

/// A field, before and after.
pub struct FieldLine {
    pub name: String,
    pub before: String,
    pub after: String,
    pub effect: String,
    pub from: String,
    pub text: String,
}

/// A rule that was asked.
pub struct RuleLine {
    pub number: usize,
    pub asked: String,
    pub candidates: String,
    pub outcome: &'static str,
    pub action: String,
    pub decided: bool,
}

/// A row and what became of it.
pub struct Row {
    pub number: String,
    pub source: String,
    pub status: &'static str,
    pub class: &'static str,
    pub record: String,
    pub changes: Vec<FieldLine>,
    /// How many more there are.
    pub more_changes: usize,
    pub fields: Vec<FieldLine>,
    /// How many fields, rules and problems are not shown.
    pub left_out: usize,
    pub rules: Vec<RuleLine>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
    /// The number of the chunk in which it was committed, and when.
    pub committed: Option<(String, Time)>,
}

/// A decision, as much of it as a page shows.
pub fn line(shown: &ShownDecision) -> Row {
    let d = &shown.decision;
    let all = || d.fields.iter().zip(&shown.fields);
    let changed = || all().filter(|(f, _)| f.before != f.after);
    let rules = d.rules.iter().take(DETAILS).map(|r| {
        let decided = d.decided_by == Some(r.rule);
        let asked = shown.rule.as_deref().filter(|_| decided);
        RuleLine {
            number: r.rule + 1,
            asked: asked.map_or_else(|| value(&r.value), cut),
            candidates: grouped(r.candidates),
            outcome: r.outcome.name(),
            action: r.action.name().replace('_', " "),
            decided,
        }
    });
    let words = |problems: &[Problem]| -> Vec<String> {
        problems.iter().take(DETAILS).map(|p| cut(&problem_words(p))).collect()
    };
    let lengths = [d.fields.len(), d.rules.len(), d.errors.len(), d.warnings.len()];
    Row {
        number: grouped(d.row),
        source: cut(&shown.source),
        status: d.action.status(),
        class: class_of(d.action.status()),
        record: d.record.map(|id| id.to_string()).unwrap_or_default(),
        changes: changed().take(CHANGES).map(field).collect(),
        more_changes: changed().skip(CHANGES).count(),
        fields: all().take(DETAILS).map(field).collect(),
        left_out: lengths.map(|n| n.saturating_sub(DETAILS)).iter().sum(),
        rules: rules.collect(),
        errors: words(&d.errors),
        warnings: words(&d.warnings),
        committed: d.committed.map(|c| (grouped(c.chunk), Time::of(&c.at.to_string()))),
    }
}

fn field((f, named): (&FieldChange, &Named)) -> FieldLine {
    FieldLine {
        name: clear(&named.name),
        before: value(&f.before),
        after: value(&f.after),
        effect: f.effect.name().replace('_', " "),
        from: cut(&named.from.join(", ")),
        text: f.text.as_deref().map(cut).unwrap_or_default(),
    }
}

/// A value for people; no value is told apart from empty text by the template.
fn value(value: &Value) -> String {
    match value {
        // A long one is not copied first.
        Value::Text(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

impl FieldLine {
    /// About how many bytes of the page it takes.
    fn bytes(&self) -> usize {
        const MARKUP: usize = 150;
        let texts = [&self.name, &self.before, &self.after, &self.from, &self.text];
        MARKUP + texts.map(String::len).iter().sum::<usize>()
    }
}

impl Row {
    /// The rule that decided.
    pub fn decided(&self) -> Option<&RuleLine> {
        self.rules.iter().rev().find(|r| r.decided)
    }

    /// About how many bytes of the page it takes.
    pub fn bytes(&self) -> usize {
        const MARKUP: usize = 1000;
        let fields = self.changes.iter().chain(&self.fields).map(FieldLine::bytes).sum::<usize>();
        let problems = self.errors.iter().chain(&self.warnings).map(|p| p.len() + 50).sum::<usize>();
        let rules = self.rules.iter().map(|r| r.asked.len() + 150).sum::<usize>();
        MARKUP + fields + problems + rules
    }
}
