//! The connectors of the project.

use super::super::{ApiError, App};
use super::messages::{self, Told};
use super::session::Visitor;
use super::show::{self, Badge, Execution, clear};
use super::{Frame, PageError, page};
use crate::life::{Standing, discover, known_plan, standing};
use crate::plan::Trigger;
use crate::project::Project;
use crate::project::state::State;
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
    queued: usize,
    /// The next slot of its schedule.
    next: Option<String>,
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
    page(&ListPage { frame: Frame::new("Connectors", &app, &visitor), lines, given_up })
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
        trigger: active.as_ref().map_or_else(String::new, |p| trigger(&p.connector.trigger)),
        version: connector.version,
        changed: changed.map(|changed| clear(&changed.words(&connector.file))),
        queued,
        next: next_slot,
        last: last.map(|row| Execution::of(project, row)),
        name: connector.name,
    })
}

/// What starts it, in words.
pub fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Spreadsheet => "a file that is handed in".to_owned(),
        Trigger::Webhook(_) => "a webhook".to_owned(),
        Trigger::Schedule(s) => format!("a schedule: {}", show::clear(&s.cron)),
    }
}
