//! What the command line takes.

mod events;
mod executions;
mod records;
mod tokens;
pub(super) mod values;

pub use events::{Events, EventsCommand, WhichEvents};
pub use executions::{Artefact, Executions, ExecutionsCommand, Mode};
pub use records::{Named, RecordFormat, Records, RecordsCommand, Schema, SchemaCommand, Which};
pub use tokens::{Tokens, TokensCommand};

use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Messy files become records: checked before, dry-run first, explained after.
#[derive(Debug, Parser)]
#[command(
    name = "sconn",
    version,
    about,
    after_help = "Examples:\n  sconn check\n  sconn run vendor_prices.sconn --input prices.csv\n  sconn run vendor_prices.sconn --input prices.csv --live\n  sconn records list products --filter sku=0870\n\nExit codes: 0 all is well, 1 findings or errored rows, 2 could not run."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour.
    #[arg(long, global = true, display_order = 900, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is wrong with connectors, without running them.
    #[command(
        after_help = "Examples:\n  sconn check\n  sconn check connectors/ --format concise\n\nReads .sconn files and the header of samples, nothing else: no network, no target."
    )]
    Check(Check),
    /// Show what a connector does: what it reads, how each column comes about, what it writes.
    #[command(
        after_help = "Examples:\n  sconn plan vendor_prices.sconn\n  sconn plan vendor_prices.sconn --format json"
    )]
    Plan(PlanArgs),
    /// Run a connector: a dry run, or a live one with --live.
    #[command(
        after_help = "Examples:\n  sconn run vendor_prices.sconn --input prices.csv\n  sconn run vendor_prices.sconn --input prices.csv --param region=APAC\n  sconn run fleet.sconn --input fleet.zip --live --target crm\n\nA dry run does everything but write. Ctrl-C stops after the chunk in hand, and so do SIGTERM and SIGHUP."
    )]
    Run(RunArgs),
    /// Let a connector run live: within a project (a folder with a sconn.toml).
    #[command(
        after_help = "Examples:\n  sconn activate vendor_prices.sconn\n  sconn activate vendor_prices --keep-queued\n\nNeeds a connector that checks without errors, a sample, and a load step."
    )]
    Activate(ActivateArgs),
    /// Stop a connector: what runs stops after the chunk in hand, what arrives is queued.
    #[command(after_help = "Example:\n  sconn deactivate vendor_prices")]
    Deactivate(DeactivateArgs),
    /// Show where the project's connectors stand.
    #[command(after_help = "Examples:\n  sconn status\n  sconn status vendor_prices --format json")]
    Status(StatusArgs),
    /// Show when a connector with a schedule comes due next.
    #[command(after_help = "Example:\n  sconn schedule nightly.sconn --count 10")]
    Schedule(ScheduleArgs),
    /// Put an execution into the queue; `sconn work` runs it.
    #[command(
        after_help = "Examples:\n  sconn submit vendor_prices.sconn --input prices.csv --live\n  sconn submit vendor_prices.sconn --input prices.csv --live --by you@example.com"
    )]
    Submit(RunArgs),
    /// Run what is in the queue, each execution in a process of its own.
    #[command(
        after_help = "Examples:\n  sconn work\n  sconn work --until-empty\n\nCtrl-C and SIGTERM let what runs end, within `drain` of sconn.toml."
    )]
    Work(WorkArgs),
    /// Serve the project over HTTP, and run its queue.
    #[command(
        after_help = "Examples:\n  sconn tokens add me --role admin\n  sconn serve\n  sconn serve --listen 9000\n  sconn serve --listen 0.0.0.0:8080"
    )]
    Serve(ServeArgs),
    /// Make, list and remove the tokens that the service asks for.
    Tokens(Tokens),
    /// Look at executions; cancel, resume, run again, download.
    Executions(Executions),
    /// Look at webhook events; try a connector on them, run them, throw them away.
    Events(Events),
    /// Look at what is still to be told of executions that ended; retry, discard.
    Outbox(super::outbox::Outbox),
    /// Try whether e-mails can be sent.
    Mail(super::outbox::Mail),
    /// Look at records of the embedded store, archive and unarchive them.
    #[command(
        after_help = "Examples:\n  sconn records list products\n  sconn records count products --filter sku=0870\n  sconn records export products --target crm > products.csv"
    )]
    Records(Records),
    /// Look at the objects of the embedded store.
    #[command(after_help = "Example:\n  sconn schema show")]
    Schema(Schema),
    /// Explain a diagnostic code.
    #[command(after_help = "Example:\n  sconn explain SC0101")]
    Explain {
        /// The code.
        code: String,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  sconn completions bash > /etc/bash_completion.d/sconn")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `sconn check`
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Files or folders; the current folder where none is given.
    pub paths: Vec<PathBuf>,
    /// How findings are shown.
    #[arg(long, value_enum, default_value_t = CheckFormat::Full)]
    pub format: CheckFormat,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// With the source around them.
    Full,
    /// One line each.
    Concise,
    /// As JSON.
    Json,
}

/// Text for people, JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// `sconn plan`
#[derive(Debug, clap::Args)]
pub struct PlanArgs {
    /// The connector's file, or its name in the project of the current folder.
    pub file: PathBuf,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `sconn run`
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The connector's file, or its name in the project of the current folder.
    pub file: PathBuf,
    /// An input file: CSV, TSV, Excel, or a ZIP of CSVs. May be given several times.
    #[arg(long, short, num_args = 1..)]
    pub input: Vec<PathBuf>,
    /// Write the records. Without it nothing is written.
    #[arg(long)]
    pub live: bool,
    /// A run parameter.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// The target: a name from sconn.toml, or the path of a SQLite file.
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Where the report and the other artefacts go.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How the summary is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Leave out report.xlsx; decisions.parquet and summary.json are made all the same.
    #[arg(long)]
    pub no_report: bool,
    /// Put a ' before cells of the SQL output that a spreadsheet could take for formulas.
    #[arg(long)]
    pub guard_formulas: bool,
    /// Who starts it: an e-mail address, to which the report is sent.
    #[arg(long, value_name = "ADDRESS", value_parser = values::email)]
    pub by: Option<String>,
}

/// `sconn serve`
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Where it listens: ADDRESS:PORT, or a port of this machine alone. Other machines reach it only where
    /// this is not the loopback address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = values::listen)]
    pub listen: std::net::SocketAddr,
    /// How many executions run at once; with 0 it runs none, and only queues what comes due.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = values::any::<usize>)]
    pub at_once: usize,
    /// How long running executions may go on once it is told to stop; `drain` of sconn.toml where not given.
    #[arg(long, value_name = "TIME", value_parser = crate::project::parse_wait)]
    pub drain: Option<std::time::Duration>,
    /// Print the API's description (OpenAPI 3.1) and end.
    #[arg(long)]
    pub openapi: bool,
}

/// `sconn activate`
#[derive(Debug, clap::Args)]
pub struct ActivateArgs {
    /// The connector's file, or its name in the project of the current folder.
    pub connector: PathBuf,
    /// Cancel the executions that are queued.
    #[arg(long, conflicts_with = "keep_queued")]
    pub cancel_queued: bool,
    /// Keep the executions that are queued: they begin.
    #[arg(long)]
    pub keep_queued: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `sconn deactivate`
#[derive(Debug, clap::Args)]
pub struct DeactivateArgs {
    /// The connector's file, or its name in the project of the current folder.
    pub connector: PathBuf,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `sconn status`
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// The connector's file, or its name; all where none is given.
    pub connector: Option<PathBuf>,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `sconn schedule`
#[derive(Debug, clap::Args)]
pub struct ScheduleArgs {
    /// The connector's file, or its name in the project of the current folder.
    pub connector: PathBuf,
    /// How many times.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = values::some::<u64>)]
    pub count: u64,
    /// How they are shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `sconn work`
#[derive(Debug, clap::Args)]
pub struct WorkArgs {
    /// End once nothing is left that can run.
    #[arg(long)]
    pub until_empty: bool,
    /// How many executions at once, over all connectors; with 0 it runs none, and only queues what comes due.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = values::any::<usize>)]
    pub at_once: usize,
}
