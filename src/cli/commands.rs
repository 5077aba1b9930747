//! Every command and each of its options is on the page of all commands, and tells programs what it tells
//! people.
#![allow(clippy::unwrap_used)]

use super::args::Args;
use clap::{Command, CommandFactory};

/// What prints no result: a page, a script, the log of what goes on, or nothing that a program needs.
const NO_RESULT: [&str; 6] = ["explain", "completions", "serve", "work", "mail test", "outbox send"];

/// The commands that do something, with their names: `executions list`.
fn all(command: &Command, name: &str, to: &mut Vec<(String, Command)>) {
    let mut none = true;
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        none = false;
        all(sub, format!("{name} {}", sub.get_name()).trim(), to);
    }
    if none {
        to.push((name.to_owned(), command.clone()));
    }
}

fn commands() -> Vec<(String, Command)> {
    let mut found = Vec::new();
    let mut whole = Args::command();
    whole.build();
    all(&whole, "", &mut found);
    assert!(found.len() > 30, "{}", found.len());
    found
}

#[test]
fn every_command_and_option_is_on_the_page_of_commands() {
    let page = std::fs::read_to_string("docs/commands.md").unwrap();
    let mut missing = Vec::new();
    let mut places = Vec::new();
    for (name, command) in commands() {
        let heading = format!("\n### `sconn {name}");
        let Some(at) = page.find(&format!("{heading}`")).or_else(|| page.find(&format!("{heading} "))) else {
            missing.push(name);
            continue;
        };
        places.push(name.clone());
        let section = page[at + 1..].split("\n### ").next().unwrap().split("\n## ").next().unwrap();
        for argument in command.get_arguments().filter(|a| !a.is_hide_set() && !a.is_global_set()) {
            let shown = match (argument.get_long(), argument.get_value_names()) {
                (Some("help" | "version"), _) => continue,
                (Some(long), _) => format!("`--{long}"),
                // Where it may be given several times, the page says `ID…`.
                (None, names) => names.unwrap_or_default().first().unwrap().trim_end_matches('S').to_owned(),
            };
            if !section.contains(&shown) {
                missing.push(format!("{name}: {shown}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/commands.md lacks {missing:#?}");
    let headings = page.lines().filter_map(|l| l.strip_prefix("### `sconn "));
    for heading in headings {
        let known = places.iter().any(|p| heading.starts_with(p.as_str()));
        assert!(known, "docs/commands.md has a command that there is not: {heading}");
    }
}

#[test]
fn what_prints_a_result_prints_it_for_programs_too() {
    for (name, command) in commands() {
        let format = command.get_arguments().find(|a| a.get_long() == Some("format"));
        let values: Vec<String> = format
            .map(|f| f.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect())
            .unwrap_or_default();
        let json = values.iter().any(|v| v == "json");
        assert_eq!(json, !NO_RESULT.contains(&name.as_str()), "{name}: --format {values:?}");
    }
}
