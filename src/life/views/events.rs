//! What programs are shown of webhook events.

use super::same_names;
use crate::project::state::{self, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// It came to an active connector: the window that it is in becomes an execution.
    Waiting,
    /// It came while the connector was not active: nothing runs for it by itself.
    Captured,
    /// It is in an execution.
    Batched,
    /// Somebody threw it away.
    Discarded,
}
same_names!(state::EventState, EventState { Waiting, Captured, Batched, Discarded });

/// A webhook event, but for its body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventHead {
    /// Its id.
    pub id: i64,
    /// The connector.
    pub connector: String,
    /// What became of it.
    pub state: EventState,
    /// The execution that it is in.
    pub execution: Option<String>,
    /// When it was taken, RFC 3339.
    pub received_at: String,
    /// The sender's id of it.
    pub key: Option<String>,
    /// Who sent it, as the sender says.
    pub employee_id: String,
    /// The query string, as it came.
    pub querystring: String,
    /// The content type, as it came.
    pub content_type: String,
    /// The bytes of its body.
    pub bytes: usize,
}

impl From<Event> for EventHead {
    fn from(e: Event) -> Self {
        Self {
            id: e.id,
            connector: e.connector,
            state: e.state.into(),
            execution: e.execution,
            received_at: e.received_at,
            key: e.key,
            employee_id: e.employee_id,
            querystring: e.querystring,
            content_type: e.content_type,
            bytes: e.body.len(),
        }
    }
}

/// A webhook event with its body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventDetails {
    /// The event.
    #[serde(flatten)]
    pub event: EventHead,
    /// The body, as it came.
    pub body: String,
}

impl From<Event> for EventDetails {
    fn from(e: Event) -> Self {
        let body = e.body.clone();
        Self { event: e.into(), body }
    }
}
