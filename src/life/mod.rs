//! The life of connectors and executions: what is asked for, activation, the queue and what runs it.
//! The command line and the service both stand on this.

mod activation;
mod asked;
mod cancel;
mod changed;
mod connector;
mod cut_off;
mod declared;
mod events;
mod executions;
mod failure;
pub mod hooks;
mod limits;
mod out;
mod post;
mod records;
mod replay;
mod retention;
mod schedule;
mod standing;
mod stands;
mod told;
mod triggers;
mod unkept;
pub mod views;
mod watch;
mod work;
mod worker;

pub use crate::input::InputFile;
pub use activation::{
    Activated, Known, activate, connector_file, incomplete, known_plan, no_project, waiting, would_begin,
};
pub use asked::{Ask, Asked, GivenUp, Key, Queued, queue, queue_once};
pub use cancel::{Cancel, TOO_LATE, cancel};
pub use changed::{Changed, active_version, changed, must_declare, plan_of_file, plan_to_queue};
pub use connector::{Connector, connector_files};
pub use declared::discover;
pub use events::{Samples, choose_events, process_events, sample_events};
pub use executions::{
    Artefact, find_execution, given_input, kept_files, kept_input, pack, resumable, run_again,
};
pub use failure::{Failure, io_words};
pub use out::keep_others_files;
pub use post::{Post, send_now, test_mail};
pub use records::{RecordJson, without_archived};
pub use replay::{Discarded, discard_events, replay_events};
pub use retention::{Removed, prune};
pub use schedule::{Due, Schedule};
pub use standing::{Standing, standing, unknown};
pub use stands::{percent, steps, waits, winds_up};
pub use told::{all_unheard, unheard};
pub use triggers::{Told, next_slots};
pub use unkept::end_unkept;
pub use work::{FOR_PEOPLE, NOT_NOW, Workers, end_cancelled};
pub use worker::{Far, Hold, Turn, Worker};
