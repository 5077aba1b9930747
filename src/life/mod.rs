//! The life of connectors and executions: what is asked for, activation, the queue and what runs it.
//! The command line and the service both stand on this.

mod activation;
mod asked;
mod connector;
mod executions;
mod failure;
mod records;
mod standing;
mod work;
mod worker;

pub use crate::input::InputFile;
pub use activation::{Known, activate, edited, incomplete, no_project};
pub use asked::{Ask, Asked, Key, Queued, queue, queue_once};
pub use connector::Connector;
pub use executions::{Artefact, find_execution, kept_input, pack, run_again};
pub use failure::{Failure, io_words};
pub use records::{RecordJson, without_archived};
pub use standing::{Standing, discover, standing};
pub use work::Workers;
pub use worker::{Far, Worker};
