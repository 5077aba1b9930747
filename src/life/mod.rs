//! The life of connectors and executions: what is asked for, activation, the queue and what runs it.
//! The command line and the service both stand on this.

mod activation;
mod asked;
mod connector;
mod failure;
mod limits;
mod retention;
mod work;
mod worker;

pub use activation::{Known, activate, edited, incomplete, no_project};
pub use asked::{Ask, Asked, queue};
pub use connector::Connector;
pub use failure::{Failure, io_words};
pub use retention::{Removed, prune};
pub use work::Workers;
pub use worker::{Far, Hold, Worker};
