//! What `sconn tokens` takes.

use clap::{Subcommand, ValueEnum};

/// `sconn tokens`
#[derive(Debug, clap::Args)]
pub struct Tokens {
    /// What to do.
    #[command(subcommand)]
    pub command: TokensCommand,
}

/// The commands of `sconn tokens`.
#[derive(Debug, Subcommand)]
pub enum TokensCommand {
    /// Make a token; it is shown only once. One of that name before is none any more.
    #[command(after_help = "Example:\n  sconn tokens add ci --role run")]
    Add {
        /// What people call it.
        name: String,
        /// What its holder may do.
        #[arg(long, value_enum, default_value_t = RoleArg::Read)]
        role: RoleArg,
        /// Its holder's e-mail address: reports of what they start are sent there.
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
    },
    /// List the tokens.
    List,
    /// Take a token back.
    Remove {
        /// Its name.
        name: String,
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
