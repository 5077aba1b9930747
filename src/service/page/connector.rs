//! A connector: its flow, its settings, its versions, whether it is active.

use super::super::error::without;
use super::super::{ApiError, App};
use super::asked::Path;
use super::connectors::trigger;
use super::session::Visitor;
use super::show::{self, Badge, Time, clear};
use super::shown::{Execution, LATER};
use super::{Frame, PageError, flow, followed};
use crate::diagnostic::render::concise;
use crate::life::{
    Changed, Connector, Failure, changed, discover, incomplete, known_plan, must_declare, next_slots,
};
use crate::plan::{Address, ConnectorPlan, Missed, NotifyWhen, Plan, Trigger, Verify};
use crate::project::Project;
use crate::project::state::{ConnectorState, State};
use crate::report::grouped;
use askama::Template;
use axum::extract;
use axum::response::Response;

/// What all pages of a connector show at their head.
pub struct Head {
    pub name: String,
    pub label: String,
    pub badge: Badge,
    pub active: bool,
    /// The tab that is shown.
    pub tab: &'static str,
    /// How many wait; none is empty.
    pub queued: String,
    /// Whether it has webhook events to show.
    pub webhook: bool,
}

impl Head {
    pub fn of(
        project: &Project,
        state: &State,
        connector: &ConnectorState,
        tab: &'static str,
    ) -> Result<Self, ApiError> {
        // Until it is activated its file says what it will be.
        let plan = match known_plan(state, &connector.name, connector.version)? {
            Some(plan) => Some(plan.connector),
            None => Connector::declared(&project.root().join(&connector.file)).ok().flatten(),
        };
        let queued = state.queued(&connector.name)?.len() as u64;
        Ok(Self {
            name: connector.name.clone(),
            label: show::label(connector),
            badge: connector.status.into(),
            active: connector.status.runs(),
            tab,
            queued: if queued > 0 { grouped(queued) } else { String::new() },
            webhook: plan.is_some_and(|p| matches!(p.trigger, Trigger::Webhook(_)))
                || !state.events(&connector.name, None, None, 1, drop)?.is_empty(),
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

/// Why a connector's file cannot be taken.
pub enum Unfit {
    /// It has errors, or is not there.
    Errors(String),
    /// It declares another connector.
    Renamed(Failure),
}

impl Unfit {
    /// What is wrong with it.
    pub fn words(&self) -> String {
        match self {
            Unfit::Errors(errors) => clear(errors),
            Unfit::Renamed(Failure { what, hint, .. }) => {
                clear(&format!("{what}\n{}", hint.as_deref().unwrap_or_default()))
            }
        }
    }

    /// That it keeps a connector from what was asked: `cannot` run, say.
    pub fn keeps(self, name: &str, cannot: &str) -> Failure {
        match self {
            Unfit::Errors(errors) => {
                Failure::new(format!("`{name}` cannot {cannot}: its file has errors"), clear(&errors))
            }
            Unfit::Renamed(failure) => failure,
        }
    }
}

/// A connector's file as it is now: its plan, or what is wrong with it.
pub fn read(project: &Project, connector: &ConnectorState) -> Result<(Connector, Plan), Unfit> {
    let wrong = |errors: &str| Unfit::Errors(without(project.root(), errors));
    let loaded = Connector::load(&project.root().join(&connector.file))
        .map_err(|f| wrong(&format!("{}\n{}", f.what, f.hint.unwrap_or_default())))?;
    let plan = loaded.plan().map_err(|findings| wrong(&concise(&findings, &loaded)))?;
    must_declare(&connector.file, &plan.connector.name, &connector.name).map_err(Unfit::Renamed)?;
    Ok((loaded, plan))
}

/// The plan of a connector's file, to begin an execution of it.
pub fn plan_now(project: &Project, connector: &ConnectorState) -> Result<Plan, Failure> {
    read(project, connector).map(|(_, plan)| plan).map_err(|unfit| unfit.keeps(&connector.name, "run"))
}

/// What became of a connector's file, as its pages tell it.
#[derive(Clone, Copy)]
pub struct File {
    /// It differs from the version that was activated last.
    pub edited: bool,
    /// It declares another connector.
    pub renamed: bool,
    /// It is not there any more.
    pub gone: bool,
}

impl File {
    pub fn of(project: &Project, connector: &ConnectorState) -> Self {
        let changed = changed(project, connector);
        let is = |what| changed == Some(what);
        Self { edited: is(Changed::Edited), renamed: is(Changed::Renamed), gone: is(Changed::Gone) }
    }
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
    now: File,
    missing: Vec<String>,
    errors: String,
    flow: String,
    flow_words: String,
    counts_of: Option<Execution>,
    settings: Vec<(&'static str, String)>,
    /// The next slot of its schedule.
    next: Option<Time>,
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
    followed(&shown, &shown.frame)
}

fn of(frame: Frame, project: &Project, state: &mut State, name: &str) -> Result<ConnectorPage, ApiError> {
    let connector = known(project, state, name)?;
    let now = read(project, &connector);
    let (missing, errors) = match &now {
        Ok((loaded, plan)) => (incomplete(loaded, plan), String::new()),
        Err(unfit) => (Vec::new(), unfit.words()),
    };
    // Where the file cannot be taken, what runs live is shown.
    let plan = match now {
        Ok((_, plan)) => Some(plan),
        Err(_) => known_plan(state, &connector.name, connector.version)?,
    };
    let rows = state.executions(Some(name), 50)?;
    let last = rows.into_iter().find_map(|row| {
        let summary = show::summary(&project.root().join(&row.folder))?;
        Some((row, summary))
    });
    let head = Head::of(project, state, &connector, "overview")?;
    let versions = state.versions(name)?.into_iter();
    Ok(ConnectorPage {
        frame: Frame { title: head.label.clone(), every: Some(LATER), ..frame },
        now: File::of(project, &connector),
        description: clear(
            plan.as_ref().and_then(|p| p.connector.description.as_deref()).unwrap_or_default(),
        ),
        file: clear(&connector.file),
        missing: missing.iter().map(|m| show::own(project, m)).collect(),
        errors,
        flow: plan.as_ref().map(|p| flow::picture(p, last.as_ref().map(|l| &l.1))).unwrap_or_default(),
        flow_words: plan.as_ref().map(|p| clear(&flow::words(p))).unwrap_or_default(),
        counts_of: last.map(|(row, _)| Execution::of(project, state, row)).transpose()?,
        next: next_slots(state)?.remove(name).as_deref().map(Time::of),
        settings: plan.as_ref().map(|p| settings(project, &p.connector)).unwrap_or_default(),
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

/// Where a webhook takes requests, whose, and for how long they are gathered.
fn webhook(project: &Project, c: &ConnectorPlan) -> [Option<String>; 3] {
    let Trigger::Webhook(hook) = &c.trigger else { return [None, None, None] };
    let window = match (hook.batch.unwrap_or(1), hook.count) {
        (0, _) => "each request by itself".to_owned(),
        (seconds, None) => format!("what comes within {seconds} s runs together"),
        (seconds, Some(count)) => format!("what comes within {seconds} s, at most {count}, runs together"),
    };
    let verify = match (hook.verify, &hook.secret) {
        (Verify::Nothing, _) => "nothing: anybody may send".to_owned(),
        (verify, Some(secret)) => format!("{}, with the secret {}", verify.name(), clear(secret)),
        (verify, None) => verify.name().to_owned(),
    };
    [Some(format!("{}/hooks/{}", project.url().unwrap_or_default(), c.name)), Some(window), Some(verify)]
}

fn settings(project: &Project, c: &ConnectorPlan) -> Vec<(&'static str, String)> {
    let [address, window, verify] = webhook(project, c);
    let when = match c.notify.when {
        NotifyWhen::Always => "after every live run",
        NotifyWhen::Errors => "after live runs with errors",
        NotifyWhen::Failure => "after live runs that fail",
    };
    let told = c.on_end.as_ref().map(|address| match address {
        Address::Url(url) => clear(url),
        Address::Secret(name) => format!("the address in the secret {}", clear(name)),
    });
    let missed = match &c.trigger {
        Trigger::Schedule(s) => Some(match s.missed {
            Missed::RunOnce => "run once".to_owned(),
            Missed::RunAll => "run, each".to_owned(),
            Missed::Skip => "are left out".to_owned(),
        }),
        _ => None,
    };
    let all = [
        ("Started by", Some(trigger(c))),
        ("Missed times", missed),
        ("Address", address),
        ("Window", window),
        ("Senders show", verify),
        ("Sample", c.sample.as_deref().map(clear)),
        ("Rows a chunk", Some(grouped(c.chunk))),
        (
            "Concurrent executions",
            Some(c.concurrency.map_or("1".to_owned(), |n| match n {
                0 => "0: its queue is held".to_owned(),
                n => n.to_string(),
            })),
        ),
        ("Time zone of values", Some(clear(&c.timezone))),
        ("Memory of SQL", c.memory.map(|b| format!("{} MiB", grouped(b >> 20)))),
        ("Time of a query", c.time_limit.map(|s| show::lasting(s as f64))),
        ("E-mail", (!c.notify.to.is_empty()).then(|| format!("{} {when}", clear(&c.notify.to.join(", "))))),
        ("Told at the end", told),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
