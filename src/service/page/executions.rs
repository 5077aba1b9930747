//! The executions of a connector.

use super::super::{ApiError, App};
use super::connector::{Head, known};
use super::session::Visitor;
use super::show::{Execution, Files};
use super::{Frame, PageError, page};
use crate::project::Project;
use crate::project::state::{ExecutionState, State};
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract::{self, Path, Query};
use axum::response::Response;
use serde::Deserialize;

const PAGE: usize = 50;
/// How far back a filter looks.
const BACK: i64 = 5_000;

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
    next: Option<String>,
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
    fn wants(&self, e: &crate::project::state::ExecutionRow) -> bool {
        let mode = match self.mode.as_str() {
            "live" => e.live,
            "dry" => !e.live,
            _ => true,
        };
        mode && (self.state.is_empty() || self.state == e.state.words())
    }
}

pub async fn list(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("Executions", &app, &visitor);
    let shown = app.with(move |state| of(frame, &visitor, &project, state, &name, filter)).await?;
    page(&shown)
}

fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    name: &str,
    filter: Filter,
) -> Result<ListPage, ApiError> {
    let connector = known(project, state, name)?;
    state.find_interrupted(SystemClock.now())?;
    let all = state.executions(Some(name), BACK)?;
    let older = all.into_iter().skip_while(|e| !filter.before.is_empty() && e.id != filter.before);
    let mut rows: Vec<_> = older
        .skip(usize::from(!filter.before.is_empty()))
        .filter(|e| filter.wants(e))
        .take(PAGE + 1)
        .collect();
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|e| e.id.clone());
    Ok(ListPage {
        frame,
        head: Head::of(state, &connector, "executions")?,
        lines: rows
            .into_iter()
            .map(|row| {
                let files = Files::of(&project.root().join(&row.folder));
                Line { execution: Execution::of(row), files }
            })
            .collect(),
        states: ExecutionState::ALL.iter().map(|s| (s.words(), s.words() == filter.state)).collect(),
        filter,
        next,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
    })
}
