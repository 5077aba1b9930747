//! `sconn outbox` and `sconn mail`: what is told of executions that ended.

use super::args::Format;
use super::{Exit, Failure, print, print_json, tell_result};
use crate::life::{no_project, send_now, test_mail, views};
use crate::project::Project;
use crate::project::state::{Message, MessageKind, MessageState, State, Touched};
use crate::report::visible;
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use clap::Subcommand;
use serde_json::json;

/// `sconn outbox`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sconn outbox list\n  sconn outbox send")]
pub struct Outbox {
    /// What to do.
    #[command(subcommand)]
    pub command: OutboxCommand,
}

/// The commands of `sconn outbox`.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// List messages, the newest first: what waits, what was sent within 30 days, what was given up.
    #[command(after_help = "Example:\n  sconn outbox list --format json")]
    List {
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = super::args::values::some::<i64>)]
        limit: i64,
        /// How they are shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show one message.
    #[command(after_help = "Example:\n  sconn outbox show msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")]
    Show {
        /// Its id.
        message: String,
        /// How it is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let a message that was not sent be tried at once; one that was given up has all its tries again.
    #[command(after_help = "Example:\n  sconn outbox retry msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")]
    Retry {
        /// Its id.
        message: String,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Take a message out: it is not sent any more.
    #[command(after_help = "Example:\n  sconn outbox discard msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c")]
    Discard {
        /// Its id.
        message: String,
        /// How the result is shown.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Send what is due, now. `sconn work` and `sconn serve` do it by themselves.
    #[command(after_help = "Example:\n  sconn outbox send")]
    Send,
}

/// `sconn mail`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sconn mail test you@example.com")]
pub struct Mail {
    /// What to do.
    #[command(subcommand)]
    pub command: MailCommand,
}

/// The commands of `sconn mail`.
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send a test e-mail at once, and tell what is wrong where that fails.
    #[command(after_help = "Example:\n  sconn mail test you@example.com")]
    Test {
        /// Whom to.
        address: String,
    },
}

pub(super) fn mail(command: &MailCommand) -> Result<Exit, Failure> {
    let MailCommand::Test { address } = command;
    test_mail(&Project::here()?, address)?;
    print(&format!("an e-mail to {address} was handed to the server\n"))?;
    Ok(Exit::Clean)
}

pub(super) fn outbox(command: OutboxCommand) -> Result<Exit, Failure> {
    let project = Project::here()?;
    let Some(mut state) = project.state()? else { return Err(no_project(project.root())) };
    match command {
        OutboxCommand::List { limit, format } => {
            let all = state.messages(None, limit)?;
            if format == Format::Json {
                return print_json(&all.into_iter().map(views::Message::from).collect::<Vec<_>>());
            }
            for message in &all {
                print(&format!("{}  {}  {}\n", message.id, message.execution, words(message)))?;
            }
            if all.is_empty() {
                print("the outbox is empty\n")?;
            }
        }
        OutboxCommand::Show { message, format } => {
            let message = state.message(&message)?.ok_or_else(|| unknown(&message))?;
            if format == Format::Json {
                return print_json(&views::MessageDetails::from(message));
            }
            print(&format!("{}\nexecution  {}\n{}\n", message.id, message.execution, words(&message)))?;
            print(&format!("tries      {}\n\n{}\n", message.attempts, visible(&content(&message))))?;
        }
        OutboxCommand::Retry { message, format } => {
            done(&message, state.retry_message(&message, SystemClock.now())?)?;
            let text = format!("{message} is sent by `sconn work`, `sconn serve` or `sconn outbox send`");
            return tell_result(format, &text, &json!({ "id": message, "retried": true }));
        }
        OutboxCommand::Discard { message, format } => {
            done(&message, state.discard_message(&message, SystemClock.now())?)?;
            let text = format!("{message} is not sent any more");
            return tell_result(format, &text, &json!({ "id": message, "discarded": true }));
        }
        OutboxCommand::Send => send_now(&project, None, &|line| say(line))?,
    }
    Ok(Exit::Clean)
}

/// That what was wished for a message is done, or why not.
fn done(id: &str, touched: Touched) -> Result<(), Failure> {
    match touched {
        Touched::Done => Ok(()),
        Touched::Unknown => Err(unknown(id)),
        Touched::Sent => Err(Failure::new(format!("{id} was sent"), "nothing is to be done")),
        Touched::Underway => Err(Failure::new(
            format!("{id} is being sent just now"),
            "see what becomes of it: sconn outbox list",
        )),
    }
}

fn unknown(id: &str) -> Failure {
    Failure::new(format!("there is no message {id}"), "`sconn outbox list` shows those there are")
}

/// What a message says, as people read it.
fn content(message: &Message) -> String {
    let value: serde_json::Value = serde_json::from_str(&message.payload).unwrap_or_default();
    match message.kind {
        MessageKind::Mail => {
            let text = |name: &str| value[name].as_str().unwrap_or_default();
            format!("{}\n\n{}", text("subject"), text("text"))
        }
        MessageKind::Hook => serde_json::to_string_pretty(&value).unwrap_or_default(),
    }
}

/// `you@example.com by e-mail: waiting until 2026-…, after 2 tries: …`
pub(super) fn words(message: &Message) -> String {
    let tries =
        if message.attempts == 1 { "1 try".to_owned() } else { format!("{} tries", message.attempts) };
    let stands = match message.state {
        MessageState::Sent => format!("sent {}", message.done_at.as_deref().unwrap_or_default()),
        MessageState::Waiting if message.attempts == 0 => "waiting".to_owned(),
        MessageState::Waiting => format!("waiting until {}, after {tries}", message.next_at),
        MessageState::GivenUp => format!("given up after {tries}"),
    };
    let why = message.last_error.as_ref().and_then(|e| e.lines().next()).map(|e| format!(": {e}"));
    let how = match message.kind {
        MessageKind::Mail => "e-mail",
        MessageKind::Hook => "request",
    };
    format!("{} by {how}: {stands}{}", message.recipient, why.unwrap_or_default())
}

/// A line of `sconn status`; empty where all was told.
pub(super) fn line(state: &State) -> Result<String, Failure> {
    Ok(match state.outbox_counts()? {
        (0, 0) => String::new(),
        (waiting, given_up) => {
            format!("outbox: {waiting} waiting, {given_up} given up; `sconn outbox list` shows them\n")
        }
    })
}
