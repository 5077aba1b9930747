//! The executions of a connector.

use super::super::{ApiError, App};
use super::asked::{Path, Query, asked_for};
use super::connector::{Head, known};
use super::session::Visitor;
use super::show::{Files, encode};
use super::shown::{self, Execution, LATER};
use super::{Frame, PageError, followed};
use crate::project::Project;
use crate::project::state::{ExecutionState, State, Wanted};
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract;
use axum::response::Response;
use serde::Deserialize;

const PAGE: usize = 50;

pub struct Line {
    pub execution: Execution,
    pub files: Files,
}

#[derive(Template)]
#[template(path = "executions.html")]
struct ListPage {
    frame: Frame,
    head: Head,
    lines: Vec<Line>,
    states: Vec<(&'static str, bool)>,
    filter: Filter,
    /// Whether one of them changes by itself.
    moves: bool,
    /// This very page.
    here: String,
    /// The page of the newest ones, where this is another, and of the older ones, where there are some.
    newest: Option<String>,
    older: Option<String>,
    csrf: String,
    runs: bool,
}

#[derive(Clone, Deserialize)]
pub struct Filter {
    #[serde(default)]
    state: String,
    #[serde(default)]
    mode: String,
    /// Only those that are older than this one.
    #[serde(default)]
    before: String,
}

impl Filter {
    /// The page that this leads to, from another execution on.
    fn page(&self, name: &str, before: &str) -> String {
        let asked = [("state", self.state.as_str()), ("mode", &self.mode), ("before", before)];
        let asked: Vec<String> = asked
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        let mark = if asked.is_empty() { "" } else { "?" };
        format!("/connectors/{}/executions{mark}{}", encode(name), asked.join("&"))
    }

    /// What it asks for; it is in the page's own words afterwards.
    fn wanted<'a>(&'a mut self, state: &State, connector: &'a str) -> Result<Wanted<'a>, ApiError> {
        let of_state = asked_for("state", &self.state, ExecutionState::ALL.map(|s| (s.words(), s)))?;
        self.state = of_state.map_or("", ExecutionState::words).to_owned();
        let live = asked_for("mode", &self.mode, [("live", true), ("dry", false)])?;
        let before = Some(self.before.as_str()).filter(|b| !b.is_empty());
        if let Some(before) = before {
            state.execution(before)?.ok_or_else(|| ApiError::missing("execution", before))?;
        }
        Ok(Wanted { connector: Some(connector), state: of_state, live, before })
    }
}

pub async fn list(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &visitor, &project, state, &name, filter)).await?;
    followed(&shown, &shown.frame)
}

fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    name: &str,
    mut filter: Filter,
) -> Result<ListPage, ApiError> {
    let connector = known(project, state, name)?;
    state.find_interrupted(SystemClock.now())?;
    // One more tells whether there are older ones.
    let mut rows = state.history(filter.wanted(state, name)?, PAGE as i64 + 1)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|e| e.id.clone());
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let files = Files::of(project, &row);
        lines.push(Line { files, execution: Execution::of(project, state, row)? });
    }
    // What begins elsewhere is seen on the first page.
    let first = filter.before.is_empty();
    let every = shown::every(lines.iter().map(|l| &l.execution)).or(first.then_some(LATER));
    let head = Head::of(project, state, &connector, "executions")?;
    let title = format!("Executions of {}", head.label);
    Ok(ListPage {
        frame: Frame { title, every, ..frame },
        head,
        states: ExecutionState::ALL.iter().map(|s| (s.words(), s.words() == filter.state)).collect(),
        moves: lines.iter().any(|l| l.execution.moves()),
        lines,
        here: filter.page(name, &filter.before),
        newest: (!first).then(|| filter.page(name, "")),
        older: next.map(|next| filter.page(name, &next)),
        filter,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
    })
}
