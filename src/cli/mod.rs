//! The command line: arguments, one file per command, exit codes.

mod args;
mod check;
#[cfg(test)]
mod commands;
mod copy;

mod events;
mod executions;
mod findings;
mod life;
mod outbox;
mod plan;
mod progress;
mod records;
mod run;
mod schedule;
mod schema;
mod serve;
mod tokens;
mod work;

pub(crate) use crate::life::{Failure, io_words};
use crate::report::visible;
use crate::system::say::say_on;
use args::{Args, Color, Command};
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// What a command comes to.
pub(crate) enum Exit {
    /// All is well.
    Clean,
    /// There are findings, or rows with errors.
    Findings,
    /// The command could not do its work.
    Failed,
    /// It is not the execution's turn; only whoever runs the queue asks.
    NotNow,
    /// It cannot begin until somebody mends what hinders it; only whoever runs the queue asks.
    ForPeople,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => ExitCode::SUCCESS,
            Exit::Findings => ExitCode::from(1),
            Exit::Failed => ExitCode::from(2),
            Exit::NotNow => ExitCode::from(crate::life::NOT_NOW),
            Exit::ForPeople => ExitCode::from(crate::life::FOR_PEOPLE),
        }
    }
}

/// `error: …`, and below it `help: …`.
fn tell(failure: &Failure, color: bool) {
    let painted = |code: &str, word: &str| {
        if color { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.into() }
    };
    let mut text = format!("{} {}\n", painted("31", "error:"), visible(&failure.what));
    for (number, line) in failure.hint.iter().flat_map(|h| h.lines()).enumerate() {
        let mark = if number == 0 { painted("36", "help:") } else { "     ".to_owned() };
        text.push_str(&format!("  {mark} {}\n", visible(line)));
    }
    say_on(text);
}

/// Columns where nothing says how many there are, and the most that are used: longer lines read badly.
const WIDTH: usize = 100;
const WIDEST: usize = 120;

/// How a command shows things.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// Colour on standard output.
    pub(crate) out_color: bool,
    /// Colour on standard error.
    pub(crate) err_color: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
}

impl Look {
    fn new(color: Color) -> Self {
        let quiet = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let on = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !quiet,
        };
        let told = std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok());
        let real = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = told.filter(|w| *w > 0).or_else(real).unwrap_or(WIDTH);
        Self {
            out_color: on(std::io::stdout().is_terminal()),
            err_color: on(std::io::stderr().is_terminal()),
            width: width.clamp(40, WIDEST),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { Exit::Failed.into() } else { Exit::Clean.into() };
        }
    };
    let look = Look::new(args.color);
    match dispatch(args.command, look) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&failure, look.err_color);
            Exit::Failed.into()
        }
    }
}

/// Reads the arguments. What is wrong with them, and the help, are told in the colour that they ask for.
fn parse() -> Result<Args, clap::Error> {
    let given: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let asked = |color: &str| {
        let apart = |pair: &[String]| matches!(pair, [flag, value] if flag == "--color" && value == color);
        given.windows(2).any(apart) || given.contains(&format!("--color={color}"))
    };
    let color = match () {
        () if asked("never") => ColorChoice::Never,
        () if asked("always") => ColorChoice::Always,
        () => ColorChoice::Auto,
    };
    let mut command = Args::command().color(color);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|e| e.format(&mut command))
}

fn dispatch(command: Command, look: Look) -> Result<Exit, Failure> {
    match command {
        Command::Check(args) => check::check(&args, look),
        Command::Plan(args) => plan::plan(&args, look),
        Command::Run(args) => run::run(args, look),
        Command::Activate(args) => life::activate(&args, look),
        Command::Deactivate(args) => life::deactivate(&args),
        Command::Status(args) => life::status(&args),
        Command::Schedule(args) => schedule::schedule(&args, look),
        Command::Submit(args) => work::submit(args, look),
        Command::Work(args) => work::work(&args, look),
        Command::Serve(args) => serve::serve(&args),
        Command::Tokens(args) => tokens::tokens(args.command),
        Command::Executions(args) => executions::executions(args.command, look),
        Command::Events(args) => events::events(args.command, look),
        Command::Outbox(args) => outbox::outbox(args.command),
        Command::Mail(args) => outbox::mail(&args.command),
        Command::Records(args) => records::records(args.command),
        Command::Schema(args) => schema::schema(args.command),
        Command::Explain { code } => check::explain(&code),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "sconn", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Clean)
        }
    }
}

/// Prints to standard output; a reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output cannot be written: {}", io_words(&e)), ""))
        }
        _ => Ok(()),
    }
}

/// Prints what a command came to, for programs.
pub(crate) fn print_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<Exit, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|e| Failure::new(e.to_string(), ""))?;
    print(&format!("{json}\n"))?;
    Ok(Exit::Clean)
}

/// Prints the id of an execution that was queued. Where that cannot be done it is queued all the same, and must not
/// be thought to be none.
pub(crate) fn tell_queued(format: args::Format, id: &str) -> Result<Exit, Failure> {
    let told = tell_result(format, id, &serde_json::json!({ "id": id }));
    told.map_err(|e| Failure::new(format!("{id} is queued; only that could not be told: {}", e.what), ""))
}

/// Prints what a command came to: as text for people, or as JSON for programs.
pub(crate) fn tell_result(
    format: args::Format,
    text: &str,
    json: &serde_json::Value,
) -> Result<Exit, Failure> {
    match format {
        args::Format::Text => print(&format!("{text}\n")).map(|()| Exit::Clean),
        args::Format::Json => print_json(json),
    }
}
