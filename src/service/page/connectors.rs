//! The connectors of the project.

use super::super::{ApiError, App};
use super::messages::{self, Told};
use super::session::Visitor;
use super::show::{self, Badge, Time, clear};
use super::shown::{Execution, LATER};
use super::{Frame, PageError, followed};
use crate::life::{Standing, discover, known_plan, standing};
use crate::plan::{ConnectorPlan, Trigger};
use crate::project::Project;
use crate::project::state::State;
use crate::report::grouped;
use askama::Template;
use axum::extract;
use axum::response::Response;

struct Line {
    name: String,
    label: String,
    badge: Badge,
    trigger: String,
    version: Option<i64>,
    /// What became of its file.
    changed: Option<String>,
    /// How many wait; none is empty.
    queued: String,
    /// The next slot of its schedule.
    next: Option<Time>,
    last: Option<Execution>,
}

#[derive(Template)]
#[template(path = "connectors.html")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    /// How many messages were given up, and the newest of them.
    given_up: (i64, Vec<Told>),
}

pub async fn list(extract::State(app): extract::State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let project = app.project().clone();
    let (lines, given_up) = app
        .with(move |state| {
            let mut lines = Vec::new();
            discover(&project, state)?;
            for connector in state.connectors()? {
                let stands = standing(&project, state, connector)?;
                lines.push(line(&project, state, stands)?);
            }
            Ok::<_, ApiError>((lines, messages::given_up(&project, state)?))
        })
        .await?;
    let frame = Frame { every: Some(LATER), ..Frame::new("Connectors", &app, &visitor) };
    let shown = ListPage { frame, lines, given_up };
    followed(&shown, &shown.frame)
}

fn line(
    project: &Project,
    state: &State,
    Standing { connector, changed, queued, last, next_slot, .. }: Standing,
) -> Result<Line, ApiError> {
    let active = known_plan(state, &connector.name, connector.version)?;
    Ok(Line {
        label: show::label(&connector),
        badge: connector.status.into(),
        trigger: active.as_ref().map_or_else(String::new, |p| trigger(&p.connector)),
        version: connector.version,
        changed: changed.map(|changed| clear(&changed.words(&connector.file))),
        queued: if queued > 0 { grouped(queued as u64) } else { String::new() },
        next: next_slot.as_deref().map(Time::of),
        last: last.map(|row| Execution::of(project, state, row)).transpose()?,
        name: connector.name,
    })
}

/// What starts it, in words.
pub fn trigger(c: &ConnectorPlan) -> String {
    match &c.trigger {
        Trigger::Spreadsheet => "a file that is handed in".to_owned(),
        Trigger::Webhook(_) => "a webhook".to_owned(),
        Trigger::Schedule(s) => {
            let zone = s.timezone.as_deref().unwrap_or(&c.timezone);
            format!("a schedule: {} in {}", clear(&s.cron), clear(zone))
        }
    }
}
