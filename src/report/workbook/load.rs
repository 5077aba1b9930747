//! The tabs `Load <step>`: what was attempted with each row, and what became of it.

use super::cells::{self, Content};
use super::styles::{Tone, color};
use super::tab::{Header, Tab};
use super::{Book, StepTable};
use crate::load::{Action, FieldChange, FieldEffect, RowDecision};
use crate::plan::LoadPlan;
use crate::report::words::{deciding, problems_words, rule_words, source_words};
use crate::report::{DecisionReader, ReportError};
use crate::value::Value;

const BEFORE_FIELDS: [&str; 5] = ["Row", "Source", "Rule", "Candidates", "Record id"];
const AFTER_FIELDS: [&str; 3] = ["Errors", "Warnings", "Status"];

pub(super) fn write(book: &mut Book<'_>, step: &StepTable<'_>) -> Result<(), ReportError> {
    let plan = step.plan;
    let mut headers: Vec<_> = BEFORE_FIELDS.iter().map(|h| Header::side(h)).collect();
    headers.extend(plan.mappings.iter().map(|m| Header::data(&m.field.name)));
    headers.extend(AFTER_FIELDS.iter().map(|h| Header::side(h)));
    let mut tab = Tab::begin(book, &format!("Load {}", plan.name), headers, 2, color::GREEN)?;
    let mut line = Vec::new();
    for decision in DecisionReader::open(step.decisions)?.step(&plan.name)? {
        row(&mut line, plan, &decision?, book.parts);
        tab.row(book, &line)?;
    }
    tab.finish(book)
}

fn row(line: &mut Vec<(Content, Tone)>, plan: &LoadPlan, decision: &RowDecision, parts: &[String]) {
    line.clear();
    line.push((cells::count(decision.row), Tone::Muted));
    line.push((cells::text(source_words(decision.source, parts)), Tone::Muted));
    line.push((cells::text(rule_words(plan, decision)), Tone::Plain));
    line.push((deciding(decision).map_or(Content::Blank, |a| cells::count(a.candidates)), Tone::Plain));
    let id = decision.record.filter(|_| decision.visible).map(|id| id.to_string());
    line.push((id.map_or(Content::Blank, cells::text), Tone::Muted));
    for mapping in 0..plan.mappings.len() {
        let change = decision.fields.get(mapping);
        line.push(change.map_or((Content::Blank, Tone::Plain), |c| field(decision.action, c)));
    }
    let tone = |some: bool, tone| if some { tone } else { Tone::Plain };
    line.push((
        cells::text(problems_words(&decision.errors)),
        tone(!decision.errors.is_empty(), Tone::Errored),
    ));
    line.push((
        cells::text(problems_words(&decision.warnings)),
        tone(!decision.warnings.is_empty(), Tone::Warning),
    ));
    line.push((cells::text(decision.action.status()), Tone::of(decision.action)));
}

/// One field: the value where the record is new, `before → after` where it changed, the value and a
/// mark where it was left.
fn field(action: Action, change: &FieldChange) -> (Content, Tone) {
    let writes =
        matches!(action, Action::Create | Action::Update | Action::UnarchiveAndUpdate | Action::Unarchive);
    let marked = |value: &Value, mark: &str| {
        let shown = value.to_string();
        let space = if shown.is_empty() { "" } else { " " };
        (cells::text(format!("{shown}{space}({mark})")), Tone::Muted)
    };
    let changed = |mark: &str| {
        if action == Action::Create && mark.is_empty() {
            return (
                cells::value(&change.after),
                if change.after.is_blank() { Tone::Plain } else { Tone::Created },
            );
        }
        let shown = if action == Action::Create {
            format!("{}{mark}", change.after)
        } else {
            format!("{} → {}{mark}", or_blank(&change.before), or_blank(&change.after))
        };
        (cells::text(shown), if writes { Tone::of(action) } else { Tone::Muted })
    };
    match change.effect {
        FieldEffect::Written => changed(""),
        FieldEffect::MergedOptions => changed(" (options added)"),
        FieldEffect::CreatedOption => changed(" (new option)"),
        FieldEffect::Unchanged if change.after.is_blank() => (Content::Blank, Tone::Plain),
        FieldEffect::Unchanged => marked(&change.after, "unchanged"),
        FieldEffect::KeptNotBlank => marked(&change.after, "kept: not blank"),
        FieldEffect::KeptNull if change.after.is_blank() => (Content::Blank, Tone::Plain),
        FieldEffect::KeptNull => marked(&change.after, "kept: no new value"),
        FieldEffect::LeftAlone if action == Action::Error && change.after.is_blank() => {
            let text = change.text.as_deref().filter(|t| !t.is_empty());
            (text.map_or(Content::Blank, |t| cells::text(format!("{t} (not written)"))), Tone::Muted)
        }
        FieldEffect::LeftAlone => {
            let (content, _) = marked(&change.after, "left alone");
            (content, Tone::Warning)
        }
    }
}

fn or_blank(value: &Value) -> String {
    if value.is_blank() { "(blank)".to_owned() } else { value.to_string() }
}
