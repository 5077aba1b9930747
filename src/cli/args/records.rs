//! What `sconn records` and `sconn schema` take.

use super::{Format, values};
use clap::{Subcommand, ValueEnum};

/// `sconn records`
#[derive(Debug, clap::Args)]
pub struct Records {
    /// What to do.
    #[command(subcommand)]
    pub command: RecordsCommand,
}

/// Which records, and where.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The object's API name.
    pub object: String,
    /// Only records whose field has this value, an empty one for none; all filters must hold.
    /// Archived records are left out, unless `_archived=true` asks for them.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub filter: Vec<String>,
    /// The target: a name from sconn.toml, or the path of a SQLite file.
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
}

/// Records by their ids.
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The object.
    pub object: String,
    /// The records' ids.
    #[arg(required = true)]
    pub ids: Vec<uuid::Uuid>,
    /// The target: a name from sconn.toml, or the path of a SQLite file.
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// The commands of `sconn records`.
#[derive(Debug, Subcommand)]
pub enum RecordsCommand {
    /// List records.
    #[command(
        after_help = "Examples:\n  sconn records list products --limit 10\n  sconn records list products --filter origin='price list' --filter listed=\n  sconn records list products --filter _archived=true --format json"
    )]
    List {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = values::some::<u64>)]
        limit: u64,
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = RecordFormat::Table)]
        format: RecordFormat,
    },
    /// Show one record.
    #[command(
        after_help = "Example:\n  sconn records get products 01a20a45-c3f9-756f-bce6-3d47399954e0\n\n`sconn records list` shows the ids."
    )]
    Get {
        /// The object.
        object: String,
        /// The record's id.
        id: uuid::Uuid,
        /// The target: a name from sconn.toml, or the path of a SQLite file.
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// How it is shown.
        #[arg(long, value_enum, default_value_t = RecordFormat::Table)]
        format: RecordFormat,
    },
    /// Count records.
    #[command(
        after_help = "Examples:\n  sconn records count products\n  sconn records count products --filter active=true"
    )]
    Count {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Write all records to standard output.
    #[command(
        after_help = "Examples:\n  sconn records export products > products.csv\n  sconn records export products --format json"
    )]
    Export {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// How they are written.
        #[arg(long, value_enum, default_value_t = RecordFormat::Csv)]
        format: RecordFormat,
    },
    /// Archive records: they stay, but are left out.
    #[command(after_help = "Example:\n  sconn records archive products 01a20a45-c3f9-756f-bce6-3d47399954e0")]
    Archive(Named),
    /// Take records out of the archive.
    #[command(
        after_help = "Example:\n  sconn records unarchive products 01a20a45-c3f9-756f-bce6-3d47399954e0"
    )]
    Unarchive(Named),
}

/// `sconn schema`
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// What to do.
    #[command(subcommand)]
    pub command: SchemaCommand,
}

/// The commands of `sconn schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Show the objects that a target has, in the language.
    #[command(
        after_help = "Examples:\n  sconn schema show > crm.sconn\n  sconn schema show --target crm --format json"
    )]
    Show {
        /// The target: a name from sconn.toml, or the path of a SQLite file.
        #[arg(long, value_name = "NAME")]
        target: Option<String>,
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}
