//! What was told of executions that ended, and to whom.

use super::super::api::done;
use super::super::{ApiError, App};
use super::PageError;
use super::asked::Path;
use super::session::{Fields, Visitor};
use super::show::{self, Badge, Time, clear};
use crate::life::Failure;
use crate::project::Project;
use crate::project::state::{Message, MessageKind, MessageState, Role, State, WantedMessages};
use crate::system::clock::{Clock, SystemClock};
use axum::extract;
use axum::response::{IntoResponse, Redirect, Response};

/// So many are shown of one execution.
const MOST: i64 = 50;

/// A message.
pub struct Told {
    pub id: String,
    pub execution: String,
    /// Whom.
    pub to: String,
    pub how: &'static str,
    pub badge: Badge,
    /// What the time below is.
    pub since: &'static str,
    pub at: Time,
    pub tries: i64,
    /// What went wrong last.
    pub why: String,
    /// Whether it is still to be sent, or could be.
    pub open: bool,
}

/// What was told of an execution.
pub fn of(project: &Project, state: &State, execution: &str) -> Result<Vec<Told>, ApiError> {
    Ok(state.messages(Some(execution), MOST)?.into_iter().map(|m| told(project, m)).collect())
}

/// How many messages were given up, and the newest of them.
pub fn given_up(project: &Project, state: &State) -> Result<(i64, Vec<Told>), ApiError> {
    let (_, count) = state.outbox_counts()?;
    let newest = if count == 0 {
        Vec::new()
    } else {
        state.outbox(WantedMessages { state: Some(MessageState::GivenUp), ..Default::default() }, 5)?
    };
    Ok((count, newest.into_iter().map(|m| told(project, m)).collect()))
}

fn told(project: &Project, message: Message) -> Told {
    let (class, since, at) = match message.state {
        MessageState::Sent => ("good", "at", message.done_at),
        MessageState::Waiting if message.attempts == 0 => ("setup", "since", Some(message.created_at)),
        MessageState::Waiting => ("warn", "next try at", Some(message.next_at)),
        MessageState::GivenUp => ("bad", "at", message.done_at),
    };
    Told {
        badge: Badge { class, words: message.state.words() },
        how: match message.kind {
            MessageKind::Mail => "e-mail",
            MessageKind::Hook => "request",
        },
        to: clear(&message.recipient),
        since,
        at: Time::of(&at.unwrap_or_default()),
        tries: message.attempts,
        why: show::own(project, message.last_error.as_deref().unwrap_or_default()),
        open: message.state != MessageState::Sent,
        id: message.id,
        execution: message.execution,
    }
}

/// Lets a message be tried again, or takes it out.
pub async fn change(
    extract::State(app): extract::State<App>,
    visitor: Visitor,
    Path((id, message)): Path<(String, String)>,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), Role::Run)?;
    let discards = form.get("do") == Some("discard");
    let execution = id.clone();
    app.with(move |state| {
        let known = state.message(&message)?.filter(|m| m.execution == execution);
        let known = known.ok_or_else(|| ApiError::missing("message", &message))?;
        if known.state == MessageState::Sent {
            return Err(Failure::new("it was sent meanwhile", "nothing is to be done").into());
        }
        let now = SystemClock.now();
        let touched =
            if discards { state.discard_message(&message, now) } else { state.retry_message(&message, now) };
        done(&message, touched?)
    })
    .await?;
    Ok(Redirect::to(&format!("/executions/{}", show::encode(&id))).into_response())
}
