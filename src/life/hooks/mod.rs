//! Webhooks: which connectors take requests, from whom, and how a request is kept.

mod content;
mod doors;
mod inbox;
mod sender;

pub use content::{Kind, Malformed};
pub use doors::{Doors, Hook};
pub use inbox::{Full, Inbox};
pub use sender::{Refusal, bearer};
