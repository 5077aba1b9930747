//! The executions of a connector.

use super::super::{ApiError, App};
use super::asked::{Path, Query};
use super::connector::{Head, known};
use super::session::Visitor;
use super::show::{self, Execution, Files};
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
    fn wanted<'a>(&'a self, connector: &'a str) -> Wanted<'a> {
        Wanted {
            connector: Some(connector),
            state: ExecutionState::ALL.into_iter().find(|s| s.words() == self.state),
            live: match self.mode.as_str() {
                "live" => Some(true),
                "dry" => Some(false),
                _ => None,
            },
            before: Some(self.before.as_str()).filter(|b| !b.is_empty()),
        }
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
    filter: Filter,
) -> Result<ListPage, ApiError> {
    let connector = known(project, state, name)?;
    state.find_interrupted(SystemClock.now())?;
    // One more tells whether there are older ones.
    let mut rows = state.history(filter.wanted(name), PAGE as i64 + 1)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|e| e.id.clone());
    let line = |row| Line { files: Files::of(project, &row), execution: Execution::of(project, row) };
    let lines: Vec<Line> = rows.into_iter().map(line).collect();
    let head = Head::of(project, state, &connector, "executions")?;
    let title = format!("Executions of {}", head.label);
    Ok(ListPage {
        frame: Frame { title, every: show::every(lines.iter().map(|l| &l.execution)), ..frame },
        head,
        lines,
        states: ExecutionState::ALL.iter().map(|s| (s.words(), s.words() == filter.state)).collect(),
        filter,
        next,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
    })
}
