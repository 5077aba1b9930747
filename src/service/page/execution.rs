//! An execution: how far it is, what it did, why rows were left out.

use super::super::progress::{follow, known};
use super::super::{ApiError, App};
use super::session::{Fields, Visitor};
use super::show::{self, Execution, Files, Part, Time, clear};
use super::{Frame, PageError, page};
use crate::project::Project;
use crate::project::state::{ExecutionRow, Role, State};
use crate::report::{ReasonKind, Summary, grouped};
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract::{self, Path};
use axum::response::{IntoResponse, Redirect, Response};

struct Stage {
    name: String,
    took: String,
    /// Of the longest, in hundredths of a percent.
    width: u64,
}

struct Step {
    name: String,
    object: String,
    scope: String,
    rows: String,
    warnings: u64,
    parts: Vec<Part>,
}

struct Why {
    kind: &'static str,
    code: String,
    about: String,
    step: String,
    count: String,
    example: String,
    source: String,
}

#[derive(Default)]
struct Done {
    stages: Vec<Stage>,
    steps: Vec<Step>,
    reasons: Vec<Why>,
    inputs: Vec<(String, String, String, String)>,
    scopes: Vec<(String, String, String)>,
    rejected: String,
    rejects: Vec<(String, String, String)>,
    notices: Vec<String>,
    target: String,
}

#[derive(Template)]
#[template(path = "execution.html")]
struct ExecutionPage {
    frame: Frame,
    execution: Execution,
    label: String,
    csrf: String,
    runs: bool,
    files: Files,
    summary: Option<Done>,
    started: Option<Time>,
    ended: Option<Time>,
    tab: &'static str,
}

/// The part of the page that moves.
#[derive(Template)]
#[template(path = "progress.html")]
struct ProgressPart {
    execution: Execution,
}

/// What people call the connector of an execution.
pub fn label_of(state: &State, row: &ExecutionRow) -> Result<String, ApiError> {
    Ok(state.connector(&row.connector)?.map_or_else(|| clear(&row.connector), |c| show::label(&c)))
}

pub async fn show(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("Execution", &app, &visitor);
    let shown = app.with(move |state| of(frame, &visitor, &project, state, &id)).await?;
    page(&shown)
}

fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    id: &str,
) -> Result<ExecutionPage, ApiError> {
    let row = known(state, id)?;
    let folder = project.root().join(&row.folder);
    Ok(ExecutionPage {
        frame,
        label: label_of(state, &row)?,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
        files: Files::of(&folder),
        summary: show::summary(&folder).filter(|_| row.state.ended()).map(|s| done(&s)),
        started: row.started_at.as_deref().map(Time::of),
        ended: row.ended_at.as_deref().map(Time::of),
        execution: Execution::of(row),
        tab: "overview",
    })
}

/// How far it is, told as long as it runs.
pub async fn stream(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let part = |row| {
        let part = ProgressPart { execution: Execution::of(row) };
        part.render().map(|html| html.trim().to_owned()).map_err(|_| ApiError::broken())
    };
    Ok(follow(app, id, part).await?)
}

/// How far it is; what the script asks for where it is not told.
pub async fn progress(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let row = app.with(move |state| known(state, &id)).await?;
    let ended = if row.state.ended() { "yes" } else { "no" };
    let part = page(&ProgressPart { execution: Execution::of(row) })?;
    Ok(([("x-ended", ended)], part).into_response())
}

pub async fn cancel(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Run)?;
    let asked = id.clone();
    app.with(move |state| {
        known(state, &asked)?;
        state.cancel(&asked, SystemClock.now()).map_err(ApiError::from)
    })
    .await?;
    let own = format!("/executions/{}", show::encode(&id));
    // Back to the list, where it was cancelled from there.
    let to = form.get("back").filter(|b| b.starts_with("/connectors/")).unwrap_or(&own);
    Ok(Redirect::to(to).into_response())
}

/// Lets an interrupted execution go on that was left to people.
pub async fn resume(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Run)?;
    let asked = id.clone();
    app.with(move |state| {
        known(state, &asked)?;
        state.take_up_again(&asked).map_err(ApiError::from)
    })
    .await?;
    Ok(Redirect::to(&format!("/executions/{}", show::encode(&id))).into_response())
}

fn done(summary: &Summary) -> Done {
    let longest = summary.stages.iter().map(|s| s.seconds).fold(0.001, f64::max);
    let stages = summary.stages.iter().map(|s| Stage {
        name: clear(&s.name),
        took: show::lasting(s.seconds),
        width: (s.seconds / longest * 10_000.0) as u64,
    });
    let steps = summary.steps.iter().map(|s| Step {
        name: clear(&s.name),
        object: clear(&s.object),
        scope: clear(&s.scope),
        rows: grouped(s.rows),
        warnings: s.warnings,
        parts: show::parts(&s.counts),
    });
    let reasons = summary.reasons().into_iter().take(20).map(|(step, r)| Why {
        kind: match r.kind {
            ReasonKind::Error => "error",
            ReasonKind::Skipped => "skipped",
            ReasonKind::Warning => "warning",
        },
        code: clear(&r.code.replace('_', " ")),
        about: clear(&r.name),
        step: clear(step),
        count: grouped(r.count),
        example: clear(&r.example.message),
        source: clear(&r.example.source),
    });
    Done {
        stages: stages.collect(),
        steps: steps.collect(),
        reasons: reasons.collect(),
        inputs: summary
            .inputs
            .iter()
            .map(|i| (clear(&i.file), clear(&i.table), grouped(i.rows), i.sha256.chars().take(12).collect()))
            .collect(),
        scopes: summary
            .scopes
            .iter()
            .map(|s| (clear(&s.name), grouped(s.rows), grouped(s.problems)))
            .collect(),
        rejected: if summary.rejected.count > 0 { grouped(summary.rejected.count) } else { String::new() },
        rejects: summary
            .rejected
            .examples
            .iter()
            .map(|r| (clear(&r.file), r.line.to_string(), clear(&r.reason)))
            .collect(),
        notices: summary.notices.iter().map(|n| clear(n)).collect(),
        target: clear(&format!("{} {}", summary.target.kind, summary.target.place)),
    }
}
