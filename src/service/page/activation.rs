//! The switch of a connector, and the question what becomes of what waits in its queue.

use super::super::{ApiError, App};
use super::connector::{Head, known, read};
use super::session::{Fields, Visitor};
use super::show::{Execution, clear};
use super::{Frame, PageError, page};
use crate::life::{Changed, Failure, Known, activate, changed, incomplete, no_project};
use crate::project::Project;
use crate::project::state::{Role, State};
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract::{self, Path};
use axum::response::{IntoResponse, Redirect, Response};

#[derive(Template)]
#[template(path = "activation.html")]
struct Prompt {
    frame: Frame,
    head: Head,
    queued: Vec<Execution>,
    edited: bool,
    missing: Vec<String>,
    errors: String,
}

/// Asks what becomes of the executions that would begin.
pub async fn prompt(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    visitor.caller.may(Role::Admin)?;
    let project = app.project().clone();
    let frame = Frame::new("Activate", &app, &visitor);
    let shown = app.with(move |state| of(frame, &project, state, &name)).await?;
    page(&shown)
}

fn of(frame: Frame, project: &Project, state: &mut State, name: &str) -> Result<Prompt, ApiError> {
    let connector = known(project, state, name)?;
    let (missing, errors) = match read(project, &connector) {
        Ok((loaded, plan)) => (incomplete(&loaded, &plan), String::new()),
        Err(errors) => (Vec::new(), clear(&errors)),
    };
    state.find_interrupted(SystemClock.now())?;
    Ok(Prompt {
        frame,
        edited: changed(project, &connector) == Some(Changed::Edited),
        queued: state.would_begin(name)?.into_iter().map(Execution::of).collect(),
        head: Head::of(state, &connector, "overview")?,
        missing,
        errors,
    })
}

/// What the form says.
struct Answer {
    /// Whether it is to be active.
    on: bool,
    /// The executions that were shown with the question.
    shown: Vec<String>,
    /// Those of them to cancel.
    cancel: Vec<String>,
}

pub async fn change(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Admin)?;
    let answer =
        Answer { on: form.get("to") == Some("on"), shown: form.all("shown"), cancel: form.all("cancel") };
    let project = app.project().clone();
    let back = format!("/connectors/{}", super::show::encode(&name));
    let asks = format!("{back}/activation");
    let done = app.with(move |state| switch(project, state, &name, &answer)).await?;
    Ok(Redirect::to(if done { &back } else { &asks }).into_response())
}

/// Switches; false where it must be asked first what becomes of the queue.
fn switch(project: Project, state: &mut State, name: &str, answer: &Answer) -> Result<bool, ApiError> {
    let connector = known(&project, state, name)?;
    if !answer.on {
        state.deactivate(name)?;
        return Ok(true);
    }
    state.find_interrupted(SystemClock.now())?;
    // What came in after the question was shown is asked about too.
    if state.would_begin(name)?.iter().any(|e| !answer.shown.contains(&e.id)) {
        return Ok(false);
    }
    let (loaded, plan) = read(&project, &connector).map_err(|errors| {
        Failure::new(format!("`{name}` cannot be activated: its file has errors"), clear(&errors))
    })?;
    let Some(own) = project.state()? else { return Err(no_project(project.root()).into()) };
    let file = project.root().join(&connector.file);
    let mut known = Known { project, state: own, name: connector.name, file };
    activate(&mut known, &loaded, &plan, |queued| {
        Ok(queued.iter().filter(|e| answer.cancel.contains(&e.id)).map(|e| e.id.clone()).collect())
    })?;
    Ok(true)
}
