//! An execution: how far it is, what it did, why rows were left out.

use super::super::progress::known;
use super::super::{ApiError, App};
use super::asked::Path;
use super::bar::{self, Part};
use super::login::own_path;
use super::messages::{self, Told};
use super::session::{Fields, Visitor};
use super::show::{self, Files, Time, clear, cut};
use super::shown::{self, Execution};
use super::{Frame, PageError, followed};
use crate::life::{self, Cancel, TOO_LATE};
use crate::project::Project;
use crate::project::state::{ExecutionRow, ExecutionState, Role, State};
use crate::report::{Reason, ReasonKind, StepSummary, Summary, grouped, reasons};
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

/// So many reasons are shown, those that matter most.
const REASONS: usize = 20;

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
    /// How many rows have warnings; none is empty.
    warnings: String,
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

/// What the summary tells besides rows and reasons.
struct Done {
    stages: Vec<Stage>,
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
    steps: Vec<Step>,
    reasons: Vec<Why>,
    /// How many more reasons there are; none is empty.
    more_reasons: String,
    summary: Option<Done>,
    told: Vec<Told>,
    started: Option<Time>,
    ended: Option<Time>,
    tab: &'static str,
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
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &visitor, &project, state, &id)).await?;
    followed(&shown, &shown.frame)
}

fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    id: &str,
) -> Result<ExecutionPage, ApiError> {
    let row = known(state, id)?;
    let label = label_of(state, &row)?;
    let files = Files::of(project, &row);
    let summary = show::summary(&project.root().join(&row.folder)).filter(|_| row.state.ended());
    let (started, ended) = (row.started_at.as_deref().map(Time::of), row.ended_at.as_deref().map(Time::of));
    let execution = Execution::of(project, state, row)?;
    // What the state keeps stays when the files are removed.
    let done = summary.as_ref().map_or(&execution.steps, |s| &s.steps);
    let reasons = reasons(done);
    let more = reasons.len().saturating_sub(REASONS) as u64;
    Ok(ExecutionPage {
        frame: Frame { title: execution.title(&label), every: shown::every([&execution]), ..frame },
        label,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
        files,
        steps: done.iter().map(step).collect(),
        reasons: reasons.into_iter().take(REASONS).map(why).collect(),
        more_reasons: if more > 0 { grouped(more) } else { String::new() },
        summary: summary.map(|s| rest(project, &s)),
        told: messages::of(project, state, id)?,
        started,
        ended,
        tab: "overview",
        execution,
    })
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
        match life::cancel(state, &asked)? {
            Cancel::Asked(_) => Ok(()),
            Cancel::Ended(was) => Err(not_now(&asked, was, "nothing is to be done")),
            Cancel::TooLate => {
                let [what, help] = TOO_LATE;
                Err(ApiError::new(StatusCode::CONFLICT, what, help))
            }
        }
    })
    .await?;
    let own = format!("/executions/{}", show::encode(&id));
    // Back to the list, where it was cancelled from there.
    let to = form.get("back").map(own_path).filter(|b| b.starts_with("/connectors/")).unwrap_or(&own);
    Ok(Redirect::to(to).into_response())
}

/// That an execution is not in the state for what is asked, which somebody else may have changed meanwhile.
fn not_now(id: &str, was: ExecutionState, help: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, format!("{id} is {}", was.words()), help)
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
        state.find_interrupted(SystemClock.now())?;
        known(state, &asked)?;
        match state.take_up_again(&asked)? {
            Some(was) if was != ExecutionState::Interrupted => {
                Err(not_now(&asked, was, "only an interrupted execution can be resumed"))
            }
            _ => Ok(()),
        }
    })
    .await?;
    Ok(Redirect::to(&format!("/executions/{}", show::encode(&id))).into_response())
}

fn step(s: &StepSummary) -> Step {
    Step {
        name: clear(&s.name),
        object: clear(&s.object),
        scope: clear(&s.scope),
        rows: bar::count(s.rows, "row"),
        warnings: if s.warnings > 0 { grouped(s.warnings) } else { String::new() },
        parts: bar::parts(&s.counts),
    }
}

fn why((step, r): (&str, &Reason)) -> Why {
    Why {
        kind: match r.kind {
            ReasonKind::Error => "error",
            ReasonKind::Skipped => "skipped",
            ReasonKind::Warning => "warning",
        },
        code: clear(&r.code.replace('_', " ")),
        about: cut(&r.name),
        step: clear(step),
        count: grouped(r.count),
        example: cut(&r.example.message),
        source: cut(&r.example.source),
    }
}

fn rest(project: &Project, summary: &Summary) -> Done {
    let longest = summary.stages.iter().map(|s| s.seconds).fold(0.001, f64::max);
    let stages = summary.stages.iter().map(|s| Stage {
        name: clear(&s.name),
        took: show::lasting(s.seconds),
        width: (s.seconds / longest * 10_000.0) as u64,
    });
    Done {
        stages: stages.collect(),
        inputs: summary
            .inputs
            .iter()
            .map(|i| {
                (
                    clear(&i.file),
                    clear(&i.table),
                    bar::count(i.rows, "row"),
                    i.sha256.chars().take(12).collect(),
                )
            })
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
        notices: summary.notices.iter().map(|n| show::own(project, n)).collect(),
        target: show::own(project, &format!("{} {}", summary.target.kind, summary.target.place)),
    }
}
