//! The outbox: what is told of executions that ended.

use super::super::error::without;
use super::super::extract::{Path, Query};
use super::super::{ApiError, App, Read, Run};
use super::{Refused, examples, execution, page_size, rest};
use crate::life::views::{Message, MessageDetails, MessageState};
use crate::project::Project;
use crate::project::state::{self, Touched, WantedMessages};
use crate::system::clock::{Clock, SystemClock};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A message as it is told here: where the project lies on its machine is left out.
fn details(project: &Project, message: state::Message) -> MessageDetails {
    let mail = message.kind == state::MessageKind::Mail;
    let mut told = MessageDetails::from(message);
    if let (true, Some(text)) = (mail, told.content["text"].as_str()) {
        told.content["text"] = without(project.root(), text).into();
    }
    told
}

/// A page of messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Messages {
    /// The messages, the newest first.
    pub messages: Vec<Message>,
    /// The `before` of the next page; none on the last one.
    pub next: Option<String>,
}

/// Which messages to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Only those of this execution.
    execution: Option<String>,
    /// Only those that stand like this.
    state: Option<MessageState>,
    /// Only those older than this message: `next` of the page before.
    before: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// The message of that id, or 404.
fn known(state: &state::State, id: &str) -> Result<state::Message, ApiError> {
    state.message(id)?.ok_or_else(|| ApiError::missing("message", id))
}

/// List messages
///
/// What waits, what was sent within 30 days, what was given up.
#[utoipa::path(
    get, path = "/outbox", tag = "outbox", params(Listing),
    responses((status = 200, description = "A page of them", body = Messages, example = json!(examples::messages())), Refused),
)]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Read,
    Query(wanted): Query<Listing>,
) -> Result<Json<Messages>, ApiError> {
    let limit = page_size(wanted.limit, 50, 500)?;
    let found = app.with(move |state| {
        if let Some(of) = &wanted.execution {
            execution(state, of)?;
        }
        if let Some(before) = &wanted.before {
            known(state, before)?;
        }
        let filter = WantedMessages {
            execution: wanted.execution.as_deref(),
            state: wanted.state.map(state::MessageState::from),
            before: wanted.before.as_deref(),
        };
        Ok::<_, ApiError>(state.outbox(filter, limit + 1)?)
    });
    let mut messages: Vec<Message> = found.await?.into_iter().map(Message::from).collect();
    let next = rest(&mut messages, limit).map(|m| m.id.clone());
    Ok(Json(Messages { messages, next }))
}

/// Look at one message
#[utoipa::path(
    get, path = "/outbox/{id}", tag = "outbox",
    params(("id" = String, Path, description = "The message", example = "msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")),
    responses((status = 200, description = "The message", body = MessageDetails, example = json!(examples::message())), Refused),
)]
pub(super) async fn show(
    State(app): State<App>,
    _caller: Read,
    Path(id): Path<String>,
) -> Result<Json<MessageDetails>, ApiError> {
    let project = app.project().clone();
    let message = app.with(move |state| known(state, &id)).await?;
    Ok(Json(details(&project, message)))
}

/// Try to send a message again
///
/// It is tried at once; one that was given up has all its tries again.
#[utoipa::path(
    post, path = "/outbox/{id}/retry", tag = "outbox",
    params(("id" = String, Path, description = "The message", example = "msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")),
    responses(
        (status = 200, description = "It is tried soon", body = MessageDetails, example = json!(examples::message())),
        (status = 409, description = "It was sent, or is on its way", body = ApiError, example = json!({"error": "the message was sent", "help": "nothing is to be done"})),
        Refused,
    ),
)]
pub(super) async fn retry(
    State(app): State<App>,
    _caller: Run,
    Path(id): Path<String>,
) -> Result<Json<MessageDetails>, ApiError> {
    let project = app.project().clone();
    let now = app.with(move |state| {
        known(state, &id)?;
        done(&id, state.retry_message(&id, SystemClock.now())?)?;
        known(state, &id)
    });
    Ok(Json(details(&project, now.await?)))
}

/// That what was wished for a message is done.
///
/// # Errors
/// Why it is not.
pub(in crate::service) fn done(id: &str, touched: Touched) -> Result<(), ApiError> {
    let refused = |what, help| Err(ApiError::new(StatusCode::CONFLICT, what, help));
    match touched {
        Touched::Done => Ok(()),
        Touched::Unknown => Err(ApiError::missing("message", id)),
        Touched::Sent => refused("the message was sent", "nothing is to be done"),
        Touched::Underway => refused("the message is being sent just now", "look at it again in a moment"),
    }
}

/// Take a message out
///
/// It is not sent any more. The answer is what it was.
#[utoipa::path(
    post, path = "/outbox/{id}/discard", tag = "outbox",
    params(("id" = String, Path, description = "The message", example = "msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")),
    responses(
        (status = 200, description = "It is out", body = MessageDetails, example = json!(examples::message())),
        (status = 409, description = "It was sent, and stays to be looked up, or is on its way", body = ApiError, example = json!({"error": "the message was sent", "help": "nothing is to be done"})),
        Refused,
    ),
)]
pub(super) async fn discard(
    State(app): State<App>,
    _caller: Run,
    Path(id): Path<String>,
) -> Result<Json<MessageDetails>, ApiError> {
    let project = app.project().clone();
    let gone = app.with(move |state| {
        let message = known(state, &id)?;
        done(&id, state.discard_message(&id, SystemClock.now())?)?;
        Ok::<_, ApiError>(message)
    });
    Ok(Json(details(&project, gone.await?)))
}
