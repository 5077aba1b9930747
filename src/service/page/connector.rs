//! A connector: its flow, its settings, its versions, whether it is active.

use super::super::{ApiError, App};
use super::connectors::trigger;
use super::session::Visitor;
use super::show::{self, Badge, Execution, Time, clear};
use super::{Frame, PageError, flow, page};
use crate::diagnostic::render::concise;
use crate::life::{Changed, Connector, Failure, changed, discover, incomplete, known_plan};
use crate::plan::{Address, ConnectorPlan, NotifyWhen, Plan, Trigger};
use crate::project::Project;
use crate::project::state::{ConnectorState, State};
use crate::report::grouped;
use askama::Template;
use axum::extract::{self, Path};
use axum::response::Response;

/// What all pages of a connector show at their head.
pub struct Head {
    pub name: String,
    pub label: String,
    pub badge: Badge,
    pub active: bool,
    /// The tab that is shown.
    pub tab: &'static str,
    pub queued: usize,
    /// Whether it has webhook events to show.
    pub webhook: bool,
}

impl Head {
    pub fn of(state: &State, connector: &ConnectorState, tab: &'static str) -> Result<Self, ApiError> {
        Ok(Self {
            name: connector.name.clone(),
            label: show::label(connector),
            badge: connector.status.into(),
            active: connector.status.runs(),
            tab,
            queued: state.queued(&connector.name)?.len(),
            webhook: !state.events(&connector.name, None, None, 1, drop)?.is_empty()
                || known_plan(state, &connector.name, connector.version)?
                    .is_some_and(|p| matches!(p.connector.trigger, Trigger::Webhook(_))),
        })
    }
}

/// The connector of that name, as the project knows it.
pub fn known(project: &Project, state: &mut State, name: &str) -> Result<ConnectorState, ApiError> {
    if let Some(connector) = state.connector(name)? {
        return Ok(connector);
    }
    discover(project, state)?;
    state.connector(name)?.ok_or_else(|| ApiError::missing("connector", name))
}

/// A connector's file as it is now: its plan, or what is wrong with it.
pub fn read(project: &Project, connector: &ConnectorState) -> Result<(Connector, Plan), String> {
    let told = |f: Failure| format!("{}\n{}", f.what, f.hint.unwrap_or_default());
    let loaded = Connector::load(&project.root().join(&connector.file)).map_err(told)?;
    match loaded.plan() {
        Ok(plan) => Ok((loaded, plan)),
        Err(findings) => Err(concise(&findings, &loaded)),
    }
}

/// The plan of a connector's file, to begin an execution of it.
pub fn plan_now(project: &Project, connector: &ConnectorState) -> Result<Plan, Failure> {
    read(project, connector).map(|(_, plan)| plan).map_err(|errors| {
        Failure::new(format!("`{}` cannot run: its file has errors", connector.name), clear(&errors))
    })
}

struct Version {
    number: i64,
    at: Time,
    active: bool,
}

#[derive(Template)]
#[template(path = "connector.html")]
struct ConnectorPage {
    frame: Frame,
    head: Head,
    description: String,
    file: String,
    edited: bool,
    missing: Vec<String>,
    errors: String,
    flow: String,
    flow_words: String,
    counts_of: Option<Execution>,
    settings: Vec<(&'static str, String)>,
    parameters: Vec<(String, String, String)>,
    versions: Vec<Version>,
}

pub async fn show(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let shown = app.with(move |state| of(frame, &project, state, &name)).await?;
    page(&shown)
}

fn of(frame: Frame, project: &Project, state: &mut State, name: &str) -> Result<ConnectorPage, ApiError> {
    let connector = known(project, state, name)?;
    let now = read(project, &connector);
    let (missing, errors) = match &now {
        Ok((loaded, plan)) => (incomplete(loaded, plan), String::new()),
        Err(errors) => (Vec::new(), clear(errors)),
    };
    // Where the file has errors, what runs live is shown.
    let plan = match now {
        Ok((_, plan)) => Some(plan),
        Err(_) => known_plan(state, &connector.name, connector.version)?,
    };
    let rows = state.executions(Some(name), 50)?;
    let last = rows.into_iter().find_map(|row| {
        let summary = show::summary(&project.root().join(&row.folder))?;
        Some((Execution::of(row), summary))
    });
    let head = Head::of(state, &connector, "overview")?;
    let versions = state.versions(name)?.into_iter();
    Ok(ConnectorPage {
        frame: Frame { title: head.label.clone(), ..frame },
        edited: changed(project, &connector) == Some(Changed::Edited),
        description: clear(
            plan.as_ref().and_then(|p| p.connector.description.as_deref()).unwrap_or_default(),
        ),
        file: clear(&connector.file),
        missing,
        errors,
        flow: plan.as_ref().map(|p| flow::picture(p, last.as_ref().map(|l| &l.1))).unwrap_or_default(),
        flow_words: plan.as_ref().map(|p| clear(&flow::words(p))).unwrap_or_default(),
        counts_of: last.map(|l| l.0),
        settings: plan.as_ref().map(|p| settings(&p.connector)).unwrap_or_default(),
        parameters: plan.iter().flat_map(|p| &p.parameters).map(parameter).collect(),
        versions: versions
            .map(|(number, at)| Version {
                number,
                at: Time::of(&at),
                active: head.active && connector.version == Some(number),
            })
            .collect(),
        head,
    })
}

fn parameter(p: &crate::plan::ParameterPlan) -> (String, String, String) {
    let default = p.default.as_ref().map_or("must be given".to_owned(), |v| clear(&v.to_string()));
    (p.name.clone(), p.ty.to_string(), default)
}

fn settings(c: &ConnectorPlan) -> Vec<(&'static str, String)> {
    let when = match c.notify.when {
        NotifyWhen::Always => "after every live run",
        NotifyWhen::Errors => "after live runs with errors",
        NotifyWhen::Failure => "after live runs that fail",
    };
    let told = c.on_end.as_ref().map(|address| match address {
        Address::Url(url) => clear(url),
        Address::Secret(name) => format!("the address in the secret {}", clear(name)),
    });
    let all = [
        ("Started by", Some(trigger(&c.trigger))),
        ("Sample", c.sample.as_deref().map(clear)),
        ("Rows a commit", Some(grouped(c.chunk))),
        (
            "Runs at once",
            Some(c.concurrency.map_or("1".to_owned(), |n| match n {
                0 => "0: its queue is held".to_owned(),
                n => n.to_string(),
            })),
        ),
        ("Time zone", Some(c.timezone.clone())),
        ("Memory of SQL", c.memory.map(|b| format!("{} MiB", grouped(b >> 20)))),
        ("Time of a query", c.time_limit.map(|s| show::lasting(s as f64))),
        ("E-mail", (!c.notify.to.is_empty()).then(|| format!("{} {when}", clear(&c.notify.to.join(", "))))),
        ("Told at the end", told),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
