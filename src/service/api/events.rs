//! Webhook events: looked at, tried, run, thrown away.

use super::super::extract::{Body, Path, Query};
use super::super::{ApiError, App, Read, Run};
use super::executions::{Submitted, accepted};
use super::{Refused, RefusedBody, connector, examples, page_size, rest};
use crate::life::views::{EventDetails, EventHead, EventState, Mode};
use crate::life::{Known, Queued, choose_events, discard_events, process_events, replay_events};
use crate::project::state::{self, State as ProjectState};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Number;
use utoipa::{IntoParams, ToSchema};

/// A page of events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Events {
    /// The events, the newest first.
    pub events: Vec<EventHead>,
    /// The `before` of the next page; none on the last one.
    pub next: Option<i64>,
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Only those that this became of.
    state: Option<EventState>,
    /// Only those older than this event: `next` of the page before.
    before: Option<i64>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// List webhook events
#[utoipa::path(
    get, path = "/connectors/{name}/events", tag = "events",
    params(("name" = String, Path, description = "The connector", example = "orders"), Listing),
    responses((status = 200, description = "A page of them", body = Events, example = json!(examples::events())), Refused),
)]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Read,
    Path(name): Path<String>,
    Query(wanted): Query<Listing>,
) -> Result<Json<Events>, ApiError> {
    let limit = page_size(wanted.limit, 50, 500)?;
    let project = app.project().clone();
    let found = app.with(move |state| {
        connector(&project, state, &name)?;
        let only = wanted.state.map(state::EventState::from);
        Ok::<_, ApiError>(state.events(&name, only, wanted.before, limit + 1, EventHead::from)?)
    });
    let mut events = found.await?;
    let next = rest(&mut events, limit).map(|e| e.id);
    Ok(Json(Events { events, next }))
}

/// Look at one webhook event
#[utoipa::path(
    get, path = "/events/{id}", tag = "events",
    params(("id" = i64, Path, description = "The event", example = 17)),
    responses((status = 200, description = "The event", body = EventDetails, example = json!(examples::event())), Refused),
)]
pub(super) async fn show(
    State(app): State<App>,
    _caller: Read,
    Path(id): Path<i64>,
) -> Result<Json<EventDetails>, ApiError> {
    let found =
        app.with(move |state| state.event(id)?.ok_or_else(|| ApiError::missing("event", &id.to_string())));
    found.await.map(|event| Json(event.into()))
}

/// Reads ids; in JSON 17 may be written 17.0, and some programs know no other numbers.
fn ids<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<i64>>, D::Error> {
    let whole = |n: &Number| n.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64);
    let id =
        |n: Number| n.as_i64().or_else(|| whole(&n)).ok_or_else(|| D::Error::custom(format!("{n} is no id")));
    // Null is what a program sends that has none: it does not mean all.
    let given = Vec::<Number>::deserialize(from)?;
    given.into_iter().map(id).collect::<Result<_, _>>().map(Some)
}

/// What to run of a connector's events.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// Their ids; left out, all that wait or are captured. A list without any is refused.
    #[serde(deserialize_with = "ids")]
    #[schema(value_type = Vec<i64>)]
    events: Option<Vec<i64>>,
    /// Of these, only those that came since then.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Dry or live; dry where not said.
    mode: Option<Mode>,
}

/// Run webhook events
///
/// A dry run tries them with the connector's file as it is now, and they stay as they are. A live one
/// is of the active version, and takes them: each is in one live execution at most.
#[utoipa::path(
    post, path = "/connectors/{name}/events/replay", tag = "events",
    params(("name" = String, Path, description = "The connector", example = "orders")),
    request_body(content = Option<Replay>, example = json!({"events": [17, 18], "mode": "dry"})),
    responses(
        (status = 202, description = "It waits", headers(("Location" = String, description = "The execution")),
            body = Submitted, example = json!(examples::submitted())),
        RefusedBody,
        Refused,
    ),
)]
pub(super) async fn replay(
    State(app): State<App>,
    Run(caller): Run,
    Path(name): Path<String>,
    Body(wanted): Body<Replay>,
) -> Result<Response, ApiError> {
    // Whoever came out with no ids does not mean all.
    if wanted.events.as_ref().is_some_and(Vec::is_empty) {
        return Err(which_events(
            "give their ids in `events`; without `events` all are meant that wait or are captured",
        ));
    }
    let project = app.project().clone();
    let queued = app.with(move |state| {
        let known = connector(&project, state, &name)?;
        let events = choose_events(state, &name, wanted.events.as_deref(), wanted.since)?;
        if wanted.mode != Some(Mode::Live) {
            return Ok(replay_events(&project, state, &known, &events, caller.who().to_owned())?);
        }
        let own = project.state()?.ok_or_else(ApiError::broken)?;
        let mut known = Known::named(project, own, &name)?;
        Ok::<_, ApiError>(process_events(&mut known, &name, &events, caller.who())?)
    });
    queued.await.map(|id| (Queued::New(id), None)).and_then(accepted)
}

fn which_events(help: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "which events?", help)
}

/// What to throw away of a connector's events.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Discard {
    /// Their ids.
    #[serde(deserialize_with = "ids")]
    #[schema(value_type = Vec<i64>)]
    events: Option<Vec<i64>>,
    /// Those that came since then; without `events`, of all that wait or are captured.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// All that wait or are captured.
    all: bool,
}

/// What came of throwing events away.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DiscardedEvents {
    /// So many are thrown away now.
    pub discarded: usize,
    /// Of so many something had become already: they stay as they are.
    pub already: usize,
}

/// Throw webhook events away
///
/// Nothing runs for them any more. They stay listed for a while.
#[utoipa::path(
    post, path = "/connectors/{name}/events/discard", tag = "events",
    params(("name" = String, Path, description = "The connector", example = "orders")),
    request_body(content = Option<Discard>, example = json!({"events": [17, 18]})),
    responses(
        (status = 200, description = "What came of it", body = DiscardedEvents, example = json!(examples::discarded())),
        RefusedBody,
        Refused,
    ),
)]
pub(super) async fn discard(
    State(app): State<App>,
    _caller: Run,
    Path(name): Path<String>,
    Body(wanted): Body<Discard>,
) -> Result<Json<DiscardedEvents>, ApiError> {
    let named = wanted.events.as_ref().map(|events| !events.is_empty());
    if !named.unwrap_or(wanted.since.is_some() || wanted.all) {
        return Err(which_events("give their ids in `events`, a time in `since`, or \"all\": true"));
    }
    let project = app.project().clone();
    let done = app.with(move |state: &mut ProjectState| {
        connector(&project, state, &name)?;
        let events = choose_events(state, &name, wanted.events.as_deref(), wanted.since)?;
        Ok::<_, ApiError>(discard_events(state, &events)?)
    });
    let done = done.await?;
    Ok(Json(DiscardedEvents { discarded: done.gone, already: done.other }))
}
