//! The outbox: what is told of executions that ended.

use super::super::error::without;
use super::super::extract::{Path, Query};
use super::super::{ApiError, App, Read, Run};
use super::{Refused, examples, execution, page_size, rest};
use crate::project::Project;
use crate::project::state::{self, Touched, WantedMessages};
use crate::system::clock::{Clock, SystemClock};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// By e-mail.
    Mail,
    /// By an HTTP request.
    Hook,
}
super::same_names!(state::MessageKind, MessageKind { Mail, Hook });

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// It is still to be sent.
    Waiting,
    /// It was taken.
    Sent,
    /// It was tried often enough, or refused for good.
    GivenUp,
}
super::same_names!(state::MessageState, MessageState { Waiting, Sent, GivenUp });

/// A message, but for what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Message {
    /// Its id, the same at every try.
    pub id: String,
    /// How it is told.
    pub kind: MessageKind,
    /// Where it stands.
    pub state: MessageState,
    /// The execution that ended.
    pub execution: String,
    /// Whom: an e-mail address, a web address, or the secret that holds one.
    pub recipient: String,
    /// When it was entered, RFC 3339.
    pub created_at: String,
    /// When it is tried next, or was meant to be.
    pub next_at: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was sent or given up.
    pub done_at: Option<String>,
}

impl From<state::Message> for Message {
    fn from(m: state::Message) -> Self {
        Self {
            id: m.id,
            kind: m.kind.into(),
            state: m.state.into(),
            execution: m.execution,
            recipient: m.recipient,
            created_at: m.created_at,
            next_at: m.next_at,
            attempts: m.attempts,
            last_error: m.last_error,
            done_at: m.done_at,
        }
    }
}

/// A message with what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MessageDetails {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// What it says: of an e-mail `subject`, `text` and the name of what is attached, of a request its body.
    pub content: Value,
}

impl MessageDetails {
    /// Where the project lies on its machine is left out.
    fn of(project: &Project, m: state::Message) -> Self {
        let said: Value = serde_json::from_str(&m.payload).unwrap_or_default();
        let own = |text: &Value| text.as_str().map(|text| without(project.root(), text));
        let content = match m.kind {
            state::MessageKind::Hook => said,
            state::MessageKind::Mail => {
                json!({"subject": said["subject"], "text": own(&said["text"]), "attachment": said["attach"][1]})
            }
        };
        Self { message: m.into(), content }
    }
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
    Ok(Json(MessageDetails::of(&project, message)))
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
    Ok(Json(MessageDetails::of(&project, now.await?)))
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
    Ok(Json(MessageDetails::of(&project, gone.await?)))
}
