//! The webhook events of a connector: looked at, tried in a dry run, thrown away.

use super::super::{ApiError, App};
use super::asked::{Path, Query, asked_for};
use super::connector::{Head, known};
use super::session::{Fields, Visitor};
use super::show::{self, Badge, Time, clear, shortened};
use super::shown::LATER;
use super::{Frame, PageError, followed, page};
use crate::life::{Discarded, choose_events, discard_events, replay_events};
use crate::project::Project;
use crate::project::state::{Event, EventState, Role, State};
use crate::report::grouped;
use askama::Template;
use axum::extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

/// So many are on a page, the newest first.
const PAGE: usize = 100;
/// So many characters of a body.
const BODY: usize = 10_000;

struct Line {
    id: i64,
    at: Time,
    badge: Badge,
    execution: String,
    about: Vec<(&'static str, String)>,
    size: String,
    body: String,
    /// Whether there is more of the body than is shown.
    cut: bool,
    /// Whether it is chosen.
    chosen: bool,
    /// Whether nothing became of it yet, so that it can be thrown away.
    open: bool,
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
    /// What became of what was asked, where that has to be said.
    said: String,
    /// Whether one of them can be thrown away.
    discards: bool,
    csrf: String,
    runs: bool,
}

#[derive(Clone, Deserialize)]
pub struct Filter {
    #[serde(default)]
    state: String,
    /// Only those that are older than this one.
    before: Option<i64>,
}

impl Filter {
    /// The page of these.
    fn page(&self, name: &str) -> String {
        let before = self.before.map(|b| format!("before={b}"));
        let state = (!self.state.is_empty()).then(|| format!("state={}", show::encode(&self.state)));
        let asked: Vec<String> = state.into_iter().chain(before).collect();
        let mark = if asked.is_empty() { "" } else { "?" };
        format!("/connectors/{}/events{mark}{}", show::encode(name), asked.join("&"))
    }
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
    let shown = app
        .with(move |state| of(frame, &visitor, &project, state, &name, &filter, (String::new(), &[])))
        .await?;
    followed(&shown, &shown.frame)
}

/// The events, with what is to be said of those that were chosen.
fn of(
    frame: Frame,
    visitor: &Visitor,
    project: &Project,
    state: &mut State,
    name: &str,
    filter: &Filter,
    (said, chosen): (String, &[i64]),
) -> Result<EventsPage, ApiError> {
    let connector = known(project, state, name)?;
    let only = asked_for("state", &filter.state, EventState::ALL.map(|s| (s.words(), s)))?;
    // One more tells whether there are older ones.
    let mut lines = state.events(name, only, filter.before, PAGE as i64 + 1, line)?;
    let more = lines.len() > PAGE;
    lines.truncate(PAGE);
    lines.iter_mut().for_each(|l| l.chosen = chosen.contains(&l.id));
    let head = Head::of(project, state, &connector, "events")?;
    let newer = filter.before.is_some();
    Ok(EventsPage {
        frame: Frame {
            title: format!("Webhook events of {}", head.label),
            // What is said, and what is chosen, would be gone with the next look.
            every: (!newer && said.is_empty()).then_some(LATER),
            ..frame
        },
        head,
        only: only.map_or("", EventState::words),
        older: lines.last().filter(|_| more).map(|l| l.id),
        newer,
        discards: lines.iter().any(|l| l.open),
        lines,
        states: EventState::ALL.iter().map(|s| (s.words(), Some(*s) == only)).collect(),
        said,
        csrf: visitor.csrf(),
        runs: visitor.runs(),
    })
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
        body: clear(&shortened(&event.body, BODY)),
        cut: event.body.chars().nth(BODY).is_some(),
        chosen: false,
        open: event.state.open(),
    }
}

/// Tries the chosen events in a dry run, or throws them away.
pub async fn change(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(filter): Query<Filter>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Run)?;
    let ids: Vec<i64> = form.all("event").iter().filter_map(|id| id.parse().ok()).collect();
    let discards = form.get("do") == Some("discard");
    let project = app.project().clone();
    let frame = Frame::new("", &app, &visitor);
    let begun = app
        .with(move |state| {
            let said = if ids.is_empty() {
                "No event was chosen.".to_owned()
            } else {
                let events = choose_events(state, &name, Some(&ids), None)?;
                if !discards {
                    let connector = known(&project, state, &name)?;
                    let id = replay_events(&project, state, &connector, &events, visitor.who.clone())?;
                    return Ok(Ok(format!("/executions/{}", show::encode(&id))));
                }
                let done = discard_events(state, &events)?;
                if done.other == 0 {
                    return Ok(Ok(filter.page(&name)));
                }
                left(done)
            };
            of(frame, &visitor, &project, state, &name, &filter, (said, &ids)).map(Err)
        })
        .await?;
    Ok(match begun {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(said) => (StatusCode::UNPROCESSABLE_ENTITY, page(&said)?).into_response(),
    })
}

/// That something had become of events already, so that they were not thrown away.
fn left(Discarded { gone, other }: Discarded) -> String {
    let gone = match gone {
        0 => "None was discarded".to_owned(),
        n => format!("{} discarded", if n == 1 { "One was".to_owned() } else { format!("{n} were") }),
    };
    let stay = if other == 1 { "one, which stays".to_owned() } else { format!("{other}, which stay") };
    format!("{gone}: something had become already of {stay}.")
}
