//! What `sconn events` takes.

use super::{Format, values};
use crate::system::clock::{Clock, SystemClock};
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// `sconn events`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sconn events list orders\n  sconn events sample orders --to orders.csv\n  sconn events replay orders"
)]
pub struct Events {
    /// What to do.
    #[command(subcommand)]
    pub command: EventsCommand,
}

/// Which events of a connector.
#[derive(Debug, clap::Args)]
pub struct WhichEvents {
    /// The connector's file, or its name in the project of the current folder.
    pub connector: PathBuf,
    /// The events' ids; all of which nothing became yet where none is given.
    #[arg(value_parser = values::event)]
    pub ids: Vec<i64>,
    /// Of those of which nothing became yet, only what came at or after this time: 2026-11-30T06:30:00Z,
    /// 2026-11-30 (in UTC), or how long ago: 30m, 6h, 2d.
    #[arg(long, value_name = "TIME", conflicts_with = "ids", value_parser = since)]
    pub since: Option<jiff::Timestamp>,
}

fn since(text: &str) -> Result<jiff::Timestamp, String> {
    values::moment(text, SystemClock.now())
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EventStateArg {
    /// It waits for its window to end.
    Waiting,
    /// It came while the connector was not active.
    Captured,
    /// It is in an execution.
    Batched,
    /// It was thrown away.
    Discarded,
}

impl From<EventStateArg> for crate::project::state::EventState {
    fn from(state: EventStateArg) -> Self {
        match state {
            EventStateArg::Waiting => Self::Waiting,
            EventStateArg::Captured => Self::Captured,
            EventStateArg::Batched => Self::Batched,
            EventStateArg::Discarded => Self::Discarded,
        }
    }
}

/// The commands of `sconn events`.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List the events of a connector, the newest first.
    #[command(after_help = "Example:\n  sconn events list orders --state captured")]
    List {
        /// The connector's file, or its name in the project of the current folder.
        connector: PathBuf,
        /// Only those of this state.
        #[arg(long, value_enum)]
        state: Option<EventStateArg>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = values::some::<i64>)]
        limit: i64,
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show one event with its body.
    #[command(after_help = "Example:\n  sconn events show 17")]
    Show {
        /// Its id.
        #[arg(value_parser = values::event)]
        event: i64,
        /// How it is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Run a connector on events: a dry run, after which they are as they were.
    #[command(
        after_help = "Examples:\n  sconn events replay orders\n  sconn events replay orders 17 18\n  sconn events replay orders --live\n\nWith --live they become an execution in the queue, and are in no other one."
    )]
    Replay {
        /// Which.
        #[command(flatten)]
        which: WhichEvents,
        /// Put them into the queue, as an execution that writes records.
        #[arg(long)]
        live: bool,
        /// Leave out report.xlsx.
        #[arg(long, conflicts_with = "live")]
        no_report: bool,
        /// Who starts it: an e-mail address, to which the report is sent.
        #[arg(long, value_name = "ADDRESS", value_parser = values::email)]
        by: Option<String>,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write events as a sample file, to develop a connector on.
    #[command(after_help = "Example:\n  sconn events sample orders --to orders.csv")]
    Sample {
        /// Which.
        #[command(flatten)]
        which: WhichEvents,
        /// Where to.
        #[arg(long, value_name = "PATH")]
        to: PathBuf,
        /// Write over what is there.
        #[arg(long)]
        force: bool,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Throw events away of which nothing became yet.
    #[command(
        after_help = "Examples:\n  sconn events discard orders 17\n  sconn events discard orders --all"
    )]
    Discard {
        /// Which.
        #[command(flatten)]
        which: WhichEvents,
        /// All of which nothing became yet.
        #[arg(long, conflicts_with_all = ["ids", "since"])]
        all: bool,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}
