//! What programs are shown of what is told of executions that ended.

use super::same_names;
use crate::project::state;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// How something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// By e-mail.
    Mail,
    /// By an HTTP request.
    Hook,
}
same_names!(state::MessageKind, MessageKind { Mail, Hook });

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
same_names!(state::MessageState, MessageState { Waiting, Sent, GivenUp });

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

impl From<state::Message> for MessageDetails {
    fn from(m: state::Message) -> Self {
        let said: Value = serde_json::from_str(&m.payload).unwrap_or_default();
        let content = match m.kind {
            state::MessageKind::Hook => said,
            // Where the attachment lies on this machine is left out.
            state::MessageKind::Mail => {
                json!({"subject": said["subject"], "text": said["text"], "attachment": said["attach"][1]})
            }
        };
        Self { message: m.into(), content }
    }
}
