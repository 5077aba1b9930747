//! The switch of a connector, and the question what becomes of what waits in its queue.

use super::super::{ApiError, App};
use super::asked::Path;
use super::connector::{Head, known, read};
use super::session::{Fields, Visitor};
use super::show::{self, Execution, clear};
use super::{Frame, PageError, page};
use crate::life::{
    Changed, Failure, Known, activate, changed, incomplete, kept_input, no_project, would_begin,
};
use crate::project::Project;
use crate::project::state::{ExecutionRow, Role, State};
use askama::Template;
use axum::extract;
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};

/// So many are listed to be chosen from; the others go with all.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "activation.html")]
struct Prompt {
    frame: Frame,
    head: Head,
    /// What would begin: its files, and it.
    queued: Vec<(String, Execution)>,
    /// How many there are; more than are shown one by one.
    all: usize,
    /// What tells them from any others.
    shown: String,
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
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &project, state, &name)).await?;
    page(&shown)
}

fn of(frame: Frame, project: &Project, state: &mut State, name: &str) -> Result<Prompt, ApiError> {
    let connector = known(project, state, name)?;
    let (missing, errors) = match read(project, &connector) {
        Ok((loaded, plan)) => (incomplete(&loaded, &plan), String::new()),
        Err(errors) => (Vec::new(), clear(&errors)),
    };
    let mut queued = would_begin(project, state, name)?;
    let (all, shown) = (queued.len(), digest(&queued));
    queued.truncate(MOST);
    let line = |row: ExecutionRow| {
        let files = kept_input(&project.root().join(&row.folder)).into_iter().map(|f| clear(&f.name));
        (files.collect::<Vec<_>>().join(", "), Execution::of(project, row))
    };
    let head = Head::of(project, state, &connector, "overview")?;
    Ok(Prompt {
        frame: Frame { title: format!("Activate {}", head.label), ..frame },
        edited: changed(project, &connector) == Some(Changed::Edited),
        queued: queued.into_iter().map(line).collect(),
        all,
        shown,
        head,
        missing: missing.iter().map(|m| show::own(project, m)).collect(),
        errors,
    })
}

/// A word for executions, however many: another one with them, and it is another word.
fn digest(executions: &[ExecutionRow]) -> String {
    let ids: Vec<_> = executions.iter().map(|e| e.id.as_str()).collect();
    Sha256::digest(ids.join(" ")).iter().map(|b| format!("{b:02x}")).collect()
}

/// What the form says.
struct Answer {
    /// Whether it is to be active.
    on: bool,
    /// The executions that the question was about.
    shown: String,
    /// Those of them to cancel.
    cancel: Cancel,
}

enum Cancel {
    All,
    These(Vec<String>),
}

impl Answer {
    fn cancels(&self, id: &str) -> bool {
        match &self.cancel {
            Cancel::All => true,
            Cancel::These(chosen) => chosen.iter().any(|c| c == id),
        }
    }
}

pub async fn change(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Admin)?;
    let cancel =
        if form.get("first") == Some("all") { Cancel::All } else { Cancel::These(form.all("cancel")) };
    let shown = form.get("shown").unwrap_or_default().to_owned();
    let answer = Answer { on: form.get("to") == Some("on"), shown, cancel };
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
    // What came in after the question was shown is asked about too.
    let begin = would_begin(&project, state, name)?;
    if !begin.is_empty() && digest(&begin) != answer.shown {
        return Ok(false);
    }
    let (loaded, plan) = read(&project, &connector).map_err(|errors| {
        Failure::new(format!("`{name}` cannot be activated: its file has errors"), clear(&errors))
    })?;
    let Some(own) = project.state()? else { return Err(no_project(project.root()).into()) };
    let file = project.root().join(&connector.file);
    let mut known = Known { project, state: own, name: connector.name, file };
    activate(&mut known, &loaded, &plan, |queued| {
        Ok(queued.iter().filter(|e| answer.cancels(&e.id)).map(|e| e.id.clone()).collect())
    })?;
    Ok(true)
}
