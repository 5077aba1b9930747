//! The decisions of an execution, row by row: what was found, what was done, each field before and after.

use super::super::progress::known;
use super::super::{ApiError, App};
use super::asked::{Path, Query};
use super::execution::label_of;
use super::session::Visitor;
use super::show::{self, Execution, Files, clear, encode};
use super::{Frame, PageError, followed};
use crate::load::Action;
use crate::project::Project;
use crate::project::state::State;
use crate::report::{
    DecisionPage, DecisionReader, ShownDecision, StatusCounts, Wanted, grouped, problem_words,
};
use crate::value::Value;
use askama::Template;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;

const PAGE: usize = 50;
/// So many pages can be gone back, one by one.
const TRAIL: usize = 200;

/// What can be asked for: what people call it, and the actions it stands for.
const OUTCOMES: [(&str, &[Action]); 7] = [
    ("created", &[Action::Create]),
    ("updated", &[Action::Update]),
    ("unchanged", &[Action::Unchanged]),
    ("unarchived", &[Action::Unarchive, Action::UnarchiveAndUpdate]),
    ("skipped", &[Action::Skip]),
    ("errored", &[Action::Error]),
    ("not processed", &[Action::Unprocessed]),
];

#[derive(Clone, Deserialize)]
pub struct Search {
    #[serde(default)]
    step: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    from: u64,
    /// Where the pages before this one began: `0.50.120`.
    #[serde(default)]
    before: String,
}

struct FieldLine {
    name: String,
    before: String,
    after: String,
    changes: bool,
    effect: String,
    from: String,
    text: String,
}

struct RuleLine {
    number: usize,
    asked: String,
    candidates: String,
    outcome: &'static str,
    action: String,
    decided: bool,
}

struct Row {
    number: String,
    source: String,
    status: &'static str,
    class: &'static str,
    record: String,
    changes: Vec<FieldLine>,
    fields: Vec<FieldLine>,
    rules: Vec<RuleLine>,
    errors: Vec<String>,
    warnings: Vec<String>,
    committed: String,
}

struct StepTab {
    name: String,
    rows: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "decisions.html")]
struct DecisionsPage {
    frame: Frame,
    execution: Execution,
    label: String,
    csrf: String,
    runs: bool,
    files: Files,
    tab: &'static str,
    steps: Vec<StepTab>,
    outcomes: Vec<(String, &'static str, &'static str, bool)>,
    query: Search,
    rows: Vec<Row>,
    pages: Pages,
}

/// Where a page of decisions lies among the others.
#[derive(Default)]
struct Pages {
    /// `rows 51 to 100 of 3,322`.
    position: String,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    /// Whether the search has to go on for more.
    stopped_early: bool,
}

impl Pages {
    /// Of a page that was found in a step of so many rows; `own` is its address without a place. Where a page
    /// begins depends on what those before it found, so their beginnings go along.
    fn of(own: &str, query: &Search, found: &DecisionPage, rows: u64) -> Self {
        let before: Vec<u64> = query.before.split('.').filter_map(|b| b.parse().ok()).collect();
        let at = |from: u64, before: &[u64]| {
            let before: Vec<String> = before.iter().map(u64::to_string).collect();
            format!("{own}&from={from}&before={}", before.join("."))
        };
        // No address grows for ever.
        let mut behind: Vec<u64> = before.iter().copied().chain([query.from]).collect();
        behind.drain(..behind.len().saturating_sub(TRAIL));
        Self {
            position: position(found, query.from, rows),
            first: (query.from > 0).then(|| own.to_owned()),
            previous: before.split_last().map(|(last, rest)| at(*last, rest)),
            next: found.next.map(|from| at(from, &behind)),
            stopped_early: found.next.is_some() && found.rows.len() < PAGE,
        }
    }
}

/// Which of a step's rows are on a page that begins after so many.
fn position(found: &DecisionPage, after: u64, rows: u64) -> String {
    let (Some(first), Some(last)) = (found.rows.first(), found.rows.last()) else { return String::new() };
    let (first, last) = (first.decision.row, last.decision.row);
    let which =
        if found.rows.len() as u64 == last.saturating_sub(after) { "rows" } else { "found among rows" };
    format!("{which} {} to {} of {}", grouped(first), grouped(last), grouped(rows))
}

pub async fn show(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(query): Query<Search>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &visitor, &project, state, &id, query)).await?;
    followed(&shown, &shown.frame)
}

fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    id: &str,
    mut query: Search,
) -> Result<DecisionsPage, ApiError> {
    let row = known(state, id)?;
    let folder = project.root().join(&row.folder);
    let file = folder.join("decisions.parquet");
    let label = label_of(state, &row)?;
    let files = Files::of(project, &row);
    let execution = Execution::of(project, row);
    let title = format!("Decisions: {}", execution.title(&label));
    let mut shown = DecisionsPage {
        frame: Frame { title, every: show::every([&execution]), ..frame },
        label,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
        files,
        tab: "decisions",
        execution,
        steps: Vec::new(),
        outcomes: Vec::new(),
        query: query.clone(),
        rows: Vec::new(),
        pages: Pages::default(),
    };
    if !file.is_file() {
        return Ok(shown);
    }
    let reader = DecisionReader::open(&file)?;
    let steps = reader.steps();
    if !steps.iter().any(|s| s.name == query.step) {
        query.step = steps.first().map(|s| s.name.clone()).unwrap_or_default();
    }
    let wanted = Wanted {
        step: query.step.clone(),
        actions: OUTCOMES
            .iter()
            .find(|(n, _)| *n == query.outcome)
            .map(|(_, a)| a.to_vec())
            .unwrap_or_default(),
        text: query.text.trim().to_owned(),
        from: query.from,
        limit: PAGE,
    };
    let found = reader.page(&wanted)?;
    let counts = show::summary(&folder)
        .and_then(|s| s.steps.into_iter().find(|s| s.name == query.step).map(|s| s.counts))
        .unwrap_or_default();
    let own = format!("/executions/{}/decisions?step={}", encode(id), encode(&query.step));
    let filtered = format!("{own}&outcome={}&text={}", encode(&query.outcome), encode(&query.text));
    shown.steps = steps
        .iter()
        .map(|s| StepTab { name: s.name.clone(), rows: grouped(s.rows), here: s.name == query.step })
        .collect();
    shown.outcomes = outcomes(&counts, &query.outcome);
    let rows = steps.iter().find(|s| s.name == query.step).map_or(0, |s| s.rows);
    shown.pages = Pages::of(&filtered, &query, &found, rows);
    shown.rows = found.rows.iter().map(line).collect();
    shown.query = query;
    Ok(shown)
}

/// The choices of the filter: the count of each, its name, its class, whether it is chosen.
fn outcomes(counts: &StatusCounts, chosen: &str) -> Vec<(String, &'static str, &'static str, bool)> {
    let all = counts.all().into_iter().filter(|(name, n)| *n > 0 || *name == chosen);
    all.map(|(name, n)| (grouped(n), name, show::class_of(name), name == chosen)).collect()
}

fn line(shown: &ShownDecision) -> Row {
    let d = &shown.decision;
    let fields = || {
        d.fields.iter().zip(&shown.fields).map(|(f, named)| FieldLine {
            name: clear(&named.name),
            before: value(&f.before),
            after: value(&f.after),
            changes: f.before != f.after,
            effect: f.effect.name().replace('_', " "),
            from: clear(&named.from.join(", ")),
            text: f.text.as_deref().map(clear).unwrap_or_default(),
        })
    };
    let rules = d.rules.iter().map(|r| {
        let decided = d.decided_by == Some(r.rule);
        let asked = shown.rule.clone().filter(|_| decided);
        RuleLine {
            number: r.rule + 1,
            asked: asked.map_or_else(|| value(&r.value), |a| clear(&a)),
            candidates: grouped(r.candidates),
            outcome: r.outcome.name(),
            action: r.action.name().replace('_', " "),
            decided,
        }
    });
    let words = |problems: &[crate::value::Problem]| -> Vec<String> {
        problems.iter().map(|p| clear(&problem_words(p))).collect()
    };
    Row {
        number: grouped(d.row),
        source: clear(&shown.source),
        status: d.action.status(),
        class: show::class_of(d.action.status()),
        record: d.record.map(|id| id.to_string()).unwrap_or_default(),
        changes: fields().filter(|f| f.changes).collect(),
        fields: fields().collect(),
        rules: rules.collect(),
        errors: words(&d.errors),
        warnings: words(&d.warnings),
        committed: d.committed.map(|c| format!("chunk {}, {}", c.chunk, c.at)).unwrap_or_default(),
    }
}

/// A value for people; no value is told apart from empty text by the template.
fn value(value: &Value) -> String {
    show::shortened(&clear(&value.to_string()), 300)
}

impl Row {
    /// The rule that decided.
    fn decided(&self) -> Option<&RuleLine> {
        self.rules.iter().rev().find(|r| r.decided)
    }
}
