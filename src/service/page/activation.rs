//! The switch of a connector, and the question what becomes of what waits in its queue.

use super::super::{ApiError, App};
use super::asked::Path;
use super::connector::{File, Head, known, read};
use super::session::{Fields, Visitor};
use super::show::{self, clear};
use super::shown::Execution;
use super::{Frame, PageError, page};
use crate::life::{Known, activate, incomplete, kept_input, no_project, would_begin};
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, Role, State};
use crate::report::grouped;
use askama::Template;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};

/// So many are listed to be chosen from; the others go with all.
const MOST: usize = 200;

/// One that would begin.
struct Line {
    files: String,
    execution: Execution,
    /// Whether it was chosen to be cancelled.
    chosen: bool,
    /// Whether it came in after the question was asked.
    new: bool,
}

#[derive(Template)]
#[template(path = "activation.html")]
struct Prompt {
    frame: Frame,
    head: Head,
    /// What would begin.
    queued: Vec<Line>,
    /// How many there are, which may be more than are shown one by one, and how many more.
    all: String,
    more: String,
    /// What tells them from any others, and where the last of them stands in the queue.
    shown: String,
    last: String,
    /// What is to be known before the question is answered once more.
    again: String,
    now: File,
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
    let shown = app
        .with(move |state| {
            let connector = known(&project, state, &name)?;
            let begin = would_begin(&project, state, &name)?;
            of(frame, &project, state, &connector, begin, None)
        })
        .await?;
    page(&shown)
}

/// The question, for the first time or, after something changed meanwhile, once more.
fn of(
    frame: Frame,
    project: &Project,
    state: &State,
    connector: &ConnectorState,
    mut begin: Vec<ExecutionRow>,
    answer: Option<&Answer>,
) -> Result<Prompt, ApiError> {
    let (missing, errors) = match read(project, connector) {
        Ok((loaded, plan)) => (incomplete(&loaded, &plan), String::new()),
        Err(unfit) => (Vec::new(), unfit.words()),
    };
    let new = |row: &ExecutionRow| answer.is_some_and(|a| place(row) > a.last);
    let again = match begin.iter().filter(|row| new(row)).count() {
        _ if answer.is_none() => String::new(),
        0 => "What waits has changed meanwhile.".to_owned(),
        n => format!("{} more came in meanwhile.", grouped(n as u64)),
    };
    let (all, shown) = (begin.len(), digest(&begin));
    let last = begin.last().map(place).unwrap_or_default();
    begin.truncate(MOST);
    let more = (all - begin.len()) as u64;
    let mut queued = Vec::with_capacity(begin.len());
    for row in begin {
        let files = kept_input(&project.root().join(&row.folder)).into_iter().map(|f| clear(&f.name));
        queued.push(Line {
            files: files.collect::<Vec<_>>().join(", "),
            // Ticks stay; that all were to be cancelled is asked again.
            chosen: answer.is_some_and(|a| matches!(&a.cancel, Cancel::These(ids) if ids.contains(&row.id))),
            new: new(&row),
            execution: Execution::of(project, state, row)?,
        });
    }
    let head = Head::of(project, state, connector, "activation")?;
    Ok(Prompt {
        frame: Frame { title: format!("Activate {}", head.label), ..frame },
        now: File::of(project, connector),
        queued,
        all: grouped(all as u64),
        more: if more > 0 { grouped(more) } else { String::new() },
        shown,
        last,
        again,
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

/// Where an execution stands in the queue.
fn place(row: &ExecutionRow) -> String {
    format!("{} {}", row.queued_at, row.id)
}

/// What the form says.
struct Answer {
    /// Whether it is to be active.
    on: bool,
    /// The executions that the question was about.
    shown: String,
    /// Where the last of them stands in the queue.
    last: String,
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
    let field = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let on = match form.get("to") {
        Some("on") => true,
        Some("off") => false,
        _ => {
            let what = "it is not said whether the connector is to be active";
            let help = "go back, reload the page, and send it again";
            return Err(ApiError::new(StatusCode::BAD_REQUEST, what, help).into());
        }
    };
    let answer = Answer { on, shown: field("shown"), last: field("last"), cancel };
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let back = format!("/connectors/{}", show::encode(&name));
    Ok(match app.with(move |state| switch(frame, project, state, &name, &answer)).await? {
        Switched::Done => Redirect::to(&back).into_response(),
        Switched::Asks => Redirect::to(&format!("{back}/activation")).into_response(),
        Switched::AsksAgain(prompt) => (StatusCode::CONFLICT, page(&*prompt)?).into_response(),
    })
}

/// What became of an answer.
enum Switched {
    Done,
    /// It must be asked first what becomes of the queue.
    Asks,
    /// The answer was to another question: what waits has changed meanwhile.
    AsksAgain(Box<Prompt>),
}

fn switch(
    frame: Frame,
    project: Project,
    state: &mut State,
    name: &str,
    answer: &Answer,
) -> Result<Switched, ApiError> {
    let connector = known(&project, state, name)?;
    if !answer.on {
        state.deactivate(name)?;
        return Ok(Switched::Done);
    }
    // What came in after the question was shown is asked about too.
    let begin = would_begin(&project, state, name)?;
    if !begin.is_empty() && digest(&begin) != answer.shown {
        if answer.shown.is_empty() {
            return Ok(Switched::Asks);
        }
        let prompt = of(frame, &project, state, &connector, begin, Some(answer))?;
        return Ok(Switched::AsksAgain(Box::new(prompt)));
    }
    let (loaded, plan) =
        read(&project, &connector).map_err(|unfit| unfit.keeps(&connector.name, "be activated"))?;
    let Some(own) = project.state()? else { return Err(no_project(project.root()).into()) };
    let file = project.root().join(&connector.file);
    let mut known = Known { project, state: own, name: connector.name, file };
    activate(&mut known, &loaded, &plan, |queued| {
        Ok(queued.iter().filter(|e| answer.cancels(&e.id)).map(|e| e.id.clone()).collect())
    })?;
    Ok(Switched::Done)
}
