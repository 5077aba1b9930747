//! What `sconn executions` takes.

use super::{Format, values};
use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

/// `sconn executions`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sconn executions list --connector vendor_prices\n  sconn executions show 20240304T101500Z-3f9a1c\n  sconn executions download 20240304T101500Z-3f9a1c report"
)]
pub struct Executions {
    /// What to do.
    #[command(subcommand)]
    pub command: ExecutionsCommand,
}

/// The commands of `sconn executions`.
#[derive(Debug, Subcommand)]
pub enum ExecutionsCommand {
    /// List executions, the newest first.
    #[command(after_help = "Example:\n  sconn executions list --connector vendor_prices")]
    List {
        /// Only those of this connector.
        #[arg(long, value_name = "NAME")]
        connector: Option<String>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = values::some::<i64>)]
        limit: i64,
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show one execution: how far it is, what it did, or why it waits.
    #[command(
        after_help = "Examples:\n  sconn executions show 20240304T101500Z-3f9a1c\n  sconn executions show 20240304T101500Z-3f9a1c --format json"
    )]
    Show {
        /// Its id.
        execution: String,
        /// How it is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Stop an execution: a running one after the chunk in hand; what was committed stays.
    #[command(after_help = "Example:\n  sconn executions cancel 20240304T101500Z-3f9a1c")]
    Cancel {
        /// Its id.
        execution: String,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Go on where an execution was interrupted: by a power cut, a crash, kill -9. Each row takes
    /// effect once.
    #[command(
        after_help = "Example:\n  sconn executions resume 20240304T101500Z-3f9a1c\n\nIt goes on with the connector, the input and the parameters that it began with."
    )]
    Resume {
        /// The execution's id, or the folder that was given with --out.
        execution: PathBuf,
        /// How the summary is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Whoever runs the queue started it: it says by the exit code where it is not its turn, and its end is told
        /// by that one.
        #[arg(long, hide = true)]
        from_queue: bool,
    },
    /// Run an execution's input again, with its parameters and its target: a new execution in the queue.
    #[command(
        after_help = "Examples:\n  sconn executions run-again 20240304T101500Z-3f9a1c\n  sconn executions run-again 20240304T101500Z-3f9a1c --mode dry\n\nA live run takes the version of its connector that is active, a dry run its file as it is now."
    )]
    RunAgain {
        /// Its id.
        execution: String,
        /// Whether records are written; as it was where not given.
        #[arg(long, value_enum)]
        mode: Option<Mode>,
        /// Who starts it: an e-mail address, to which the report is sent.
        #[arg(long, value_name = "ADDRESS", value_parser = values::email)]
        by: Option<String>,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Remove the files of executions that ended long ago; they stay in the list.
    #[command(
        after_help = "Example:\n  sconn executions prune --older-than 30d --dry-run\n\nWithout --older-than it is `executions` in [retention] of sconn.toml that counts."
    )]
    Prune {
        /// How long ago: 90s, 15m, 6h, 30d.
        #[arg(long, value_name = "TIME", value_parser = crate::project::parse_length)]
        older_than: Option<std::time::Duration>,
        /// Only say which.
        #[arg(long)]
        dry_run: bool,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Copy what an execution left: the SQL output is there while load steps still run.
    #[command(
        after_help = "Example:\n  sconn executions download 20240304T101500Z-3f9a1c report --to monday.xlsx"
    )]
    Download {
        /// The execution's id, or its folder.
        execution: PathBuf,
        /// What.
        #[arg(value_enum)]
        artefact: Artefact,
        /// Where to: a new name, or a folder that is there, which takes it under its own name. The current
        /// folder where not given.
        #[arg(long, value_name = "PATH")]
        to: Option<PathBuf>,
        /// Write over what is there.
        #[arg(long)]
        force: bool,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// Whether records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Nothing is written.
    Dry,
    /// Records are written.
    Live,
}

/// What can be downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Artefact {
    /// report.xlsx
    Report,
    /// sql-output.zip
    SqlOutput,
    /// decisions.parquet
    Decisions,
    /// summary.json
    Summary,
    /// The input files.
    Input,
}

impl From<Artefact> for crate::life::Artefact {
    fn from(artefact: Artefact) -> Self {
        match artefact {
            Artefact::Report => Self::Report,
            Artefact::SqlOutput => Self::SqlOutput,
            Artefact::Decisions => Self::Decisions,
            Artefact::Summary => Self::Summary,
            Artefact::Input => Self::Input,
        }
    }
}
