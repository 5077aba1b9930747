//! The webhook events of a connector: looked at, tried in a dry run, thrown away.

use super::super::{ApiError, App};
use super::asked::{Path, Query};
use super::connector::{Head, known};
use super::session::{Fields, Visitor};
use super::show::{self, Badge, Time, clear};
use super::{Frame, PageError, page};
use crate::life::{Failure, choose_events, discard_events, replay_events};
use crate::project::state::{Event, EventState, Role};
use crate::report::grouped;
use askama::Template;
use axum::extract;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// So many are on a page, the newest first.
const PAGE: usize = 100;

struct Line {
    id: i64,
    at: Time,
    badge: Badge,
    execution: String,
    about: Vec<(&'static str, String)>,
    size: String,
    body: String,
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage {
    frame: Frame,
    head: Head,
    lines: Vec<Line>,
    states: Vec<(&'static str, bool)>,
    /// The state that is asked for; all of them where it is empty.
    only: &'static str,
    /// Of the older ones the newest comes before this event.
    older: Option<i64>,
    /// Whether there are newer ones.
    newer: bool,
    csrf: String,
    runs: bool,
}

#[derive(Deserialize)]
pub struct Filter {
    #[serde(default)]
    state: String,
    /// Only those that are older than this one.
    before: Option<i64>,
}

impl From<EventState> for Badge {
    fn from(state: EventState) -> Self {
        let class = match state {
            EventState::Waiting => "run",
            EventState::Captured => "setup",
            EventState::Batched => "good",
            EventState::Discarded => "off",
        };
        Self { class, words: state.words() }
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
    let (csrf, runs) = (visitor.csrf(), visitor.runs());
    let shown = app
        .with(move |state| {
            let connector = known(&project, state, &name)?;
            let only = EventState::ALL.into_iter().find(|s| s.words() == filter.state);
            // One more tells whether there are older ones.
            let mut lines = state.events(&name, only, filter.before, PAGE as i64 + 1, line)?;
            let more = lines.len() > PAGE;
            lines.truncate(PAGE);
            let head = Head::of(&project, state, &connector, "events")?;
            Ok::<_, ApiError>(EventsPage {
                frame: Frame { title: format!("Webhook events of {}", head.label), ..frame },
                head,
                only: only.map_or("", EventState::words),
                older: lines.last().filter(|_| more).map(|l| l.id),
                newer: filter.before.is_some(),
                lines,
                states: EventState::ALL.iter().map(|s| (s.words(), Some(*s) == only)).collect(),
                csrf,
                runs,
            })
        })
        .await?;
    page(&shown)
}

fn line(event: Event) -> Line {
    let about = [
        ("Key", event.key.unwrap_or_default()),
        ("Employee", event.employee_id),
        ("Query", event.querystring),
        ("Content type", event.content_type),
    ];
    Line {
        id: event.id,
        at: Time::of(&event.received_at),
        badge: event.state.into(),
        execution: event.execution.unwrap_or_default(),
        about: about.into_iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n, clear(&v))).collect(),
        size: grouped(event.body.len() as u64),
        body: clear(&event.body),
    }
}

/// Tries the chosen events in a dry run, or throws them away.
pub async fn change(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Run)?;
    let ids: Vec<i64> = form.all("event").iter().filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() {
        return Err(Failure::new("no event was chosen", "go back, and choose some").into());
    }
    let discards = form.get("do") == Some("discard");
    let project = app.project().clone();
    let back = format!("/connectors/{}/events", show::encode(&name));
    let begun = app
        .with(move |state| {
            let events = choose_events(state, &name, Some(&ids), None)?;
            if discards {
                discard_events(state, &events)?;
                return Ok(None);
            }
            let connector = known(&project, state, &name)?;
            Ok::<_, ApiError>(Some(replay_events(&project, state, &connector, &events, visitor.who)?))
        })
        .await?;
    let to = begun.map_or(back, |id: String| format!("/executions/{}", show::encode(&id)));
    Ok(Redirect::to(&to).into_response())
}
