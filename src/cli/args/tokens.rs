//! What `sconn tokens` takes.

use super::Format;
use super::values::{email, name};
use clap::{Subcommand, ValueEnum};

/// `sconn tokens`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  sconn tokens add ci --role run\n  sconn tokens list\n  sconn tokens remove ci"
)]
pub struct Tokens {
    /// What to do.
    #[command(subcommand)]
    pub command: TokensCommand,
}

/// The commands of `sconn tokens`.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token; it is shown only once. One of that name before is none any more.
    #[command(
        after_help = "Examples:\n  sconn tokens add ci --role run\n  sconn tokens add ann --role run --email ann@example.com"
    )]
    Add {
        /// What people call it.
        #[arg(value_parser = name)]
        name: String,
        /// What its holder may do.
        #[arg(long, value_enum, default_value_t = RoleArg::Read)]
        role: RoleArg,
        /// Its holder's e-mail address: reports of what they start are sent there.
        #[arg(long, value_name = "ADDRESS", value_parser = email)]
        email: Option<String>,
        /// How it is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// List the tokens.
    #[command(after_help = "Examples:\n  sconn tokens list\n  sconn tokens list --format json")]
    List {
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take a token back.
    #[command(after_help = "Example:\n  sconn tokens remove ci")]
    Remove {
        /// Its name.
        name: String,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
}

/// What a token's holder may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Look at everything.
    Read,
    /// Also start, cancel and resume executions.
    Run,
    /// Also activate and deactivate connectors.
    Admin,
}

impl From<RoleArg> for crate::project::state::Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Read => Self::Read,
            RoleArg::Run => Self::Run,
            RoleArg::Admin => Self::Admin,
        }
    }
}
