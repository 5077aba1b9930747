//! The decisions of an execution, row by row: what was found, what was done, each field before and after.

use super::super::progress::known;
use super::super::{ApiError, App};
use super::asked::{Path, Query, asked_for};
use super::bar::class_of;
use super::decision::{Row, line};
use super::execution::label_of;
use super::session::Visitor;
use super::show::{self, Files, encode};
use super::shown::{self, Execution};
use super::{Frame, PageError, followed};
use crate::load::Action;
use crate::project::Project;
use crate::project::state::State;
use crate::report::{DecisionPage, DecisionReader, StatusCounts, Wanted, grouped};
use askama::Template;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;

const PAGE: usize = 50;
/// So many pages can be gone back, one by one.
const TRAIL: usize = 200;
/// Bytes of what a page shows of its rows; where they are long it ends early.
const PAGE_BYTES: usize = 2 << 20;

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
    /// Whether the page ends before it is full, since its rows are long.
    cut: bool,
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    /// Whether the search has to go on for more.
    stopped_early: bool,
}

impl Pages {
    /// Of a page that was found in a step of so many rows; `own` is its address without a place. Where a page
    /// begins depends on what those before it found, so their beginnings go along.
    fn of(own: &str, query: &Search, found: &DecisionPage, counts: &StatusCounts, rows: u64) -> Self {
        let before: Vec<u64> = query.before.split('.').filter_map(|b| b.parse().ok()).collect();
        let at = |from: u64, before: &[u64]| {
            let before: Vec<String> = before.iter().map(u64::to_string).collect();
            format!("{own}&from={from}&before={}", before.join("."))
        };
        // No address grows for ever.
        let mut behind: Vec<u64> = before.iter().copied().chain([query.from]).collect();
        behind.drain(..behind.len().saturating_sub(TRAIL));
        Self {
            position: position(found, query, counts, rows),
            cut: found.long,
            first: (query.from > 0).then(|| own.to_owned()),
            previous: before.split_last().map(|(last, rest)| at(*last, rest)),
            next: found.next.map(|from| at(from, &behind)),
            stopped_early: found.next.is_some() && found.rows.len() < PAGE && !found.long,
        }
    }
}

/// Which of a step's rows are on a page, and of how many where that is known.
fn position(found: &DecisionPage, query: &Search, counts: &StatusCounts, rows: u64) -> String {
    let (Some(first), Some(last)) = (found.rows.first(), found.rows.last()) else { return String::new() };
    let (first, last) = (first.decision.row, last.decision.row);
    let place = format!("rows {} to {} of {}", grouped(first), grouped(last), grouped(rows));
    let shown = found.rows.len() as u64;
    let of_outcome = counts.all().into_iter().find(|(name, n)| *name == query.outcome && *n >= shown);
    match of_outcome {
        Some((name, all)) if query.text.trim().is_empty() => {
            format!("{} of {} {name}, among {place}", grouped(shown), grouped(all))
        }
        _ if shown == last.saturating_sub(query.from) => place,
        _ => format!("found among {place}"),
    }
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
    let execution = Execution::of(project, state, row)?;
    let title = format!("Decisions: {}", execution.title(&label));
    let mut shown = DecisionsPage {
        frame: Frame { title, every: shown::every([&execution]), ..frame },
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
    let outcome =
        asked_for("outcome", &query.outcome, OUTCOMES.map(|(name, actions)| (name, (name, actions))))?;
    query.outcome = outcome.map_or("", |(name, _)| name).to_owned();
    let wanted = Wanted {
        step: query.step.clone(),
        actions: outcome.map(|(_, actions)| actions.to_vec()).unwrap_or_default(),
        text: query.text.trim().to_owned(),
        from: query.from,
        limit: PAGE,
    };
    let mut found = reader.page(&wanted)?;
    // Little is shown of each long value, but wide rows add up.
    let mut bytes = 0;
    let mut lines = Vec::with_capacity(found.rows.len());
    for shown in &found.rows {
        let line = line(shown);
        bytes += line.bytes();
        if bytes > PAGE_BYTES && !lines.is_empty() {
            break;
        }
        lines.push(line);
    }
    if let Some(next) = found.rows.get(lines.len()) {
        (found.next, found.long) = (Some(next.at), true);
        found.rows.truncate(lines.len());
    }
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
    shown.pages = Pages::of(&filtered, &query, &found, &counts, rows);
    shown.rows = lines;
    shown.query = query;
    Ok(shown)
}

/// The choices of the filter: the count of each, its name, its class, whether it is chosen.
fn outcomes(counts: &StatusCounts, chosen: &str) -> Vec<(String, &'static str, &'static str, bool)> {
    let all = counts.all().into_iter().filter(|(name, n)| *n > 0 || *name == chosen);
    all.map(|(name, n)| (grouped(n), name, class_of(name), name == chosen)).collect()
}
