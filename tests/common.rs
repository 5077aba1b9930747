//! Running the command as a user does, and looking at what it leaves.

pub mod project;
pub mod service;

use rusqlite::types::ValueRef;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a command came to.
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `sconn` with these arguments, in the repository's folder.
pub fn sconn(args: &[&str]) -> Output {
    sconn_in(Path::new("."), args)
}

/// The program that is tested: the one that was just built, unless another is named.
pub fn program() -> PathBuf {
    std::env::var_os("SCONN_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_sconn").into(), PathBuf::from)
}

/// Runs `sconn` with these arguments in a folder.
pub fn sconn_in(dir: &Path, args: &[&str]) -> Output {
    output_of(command_in(dir, args))
}

/// `sconn` with these arguments in a folder.
pub fn command_in(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.current_dir(dir).env("NO_COLOR", "1").env("COLUMNS", "100").args(args);
    command
}

/// Runs a command to its end; one that was killed has the code -1.
pub fn output_of(mut command: Command) -> Output {
    let out = command.output().unwrap();
    Output {
        code: out.status.code().unwrap_or(-1),
        stdout: String::from_utf8(out.stdout).unwrap(),
        stderr: String::from_utf8(out.stderr).unwrap(),
    }
}

/// A run and what it left in its folder.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub out: std::path::PathBuf,
    pub summary: Value,
}

/// Runs a connector into `dir/out-N`, on the store `dir/store.sqlite`.
pub fn run(dir: &Path, connector: &str, inputs: &[&str], live: bool) -> Run {
    run_with(dir, connector, inputs, if live { &["--live"] } else { &[] })
}

/// The same with more arguments.
pub fn run_with(dir: &Path, connector: &str, inputs: &[&str], more: &[&str]) -> Run {
    let n = std::fs::read_dir(dir).unwrap().count();
    let out = dir.join(format!("out-{n}"));
    let store = dir.join("store.sqlite");
    let mut args =
        vec!["run", connector, "--target", store.to_str().unwrap(), "--out", out.to_str().unwrap()];
    for input in inputs {
        args.extend(["--input", input]);
    }
    args.extend(more);
    let done = sconn(&args);
    let summary = std::fs::read(out.join("summary.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or(Value::Null);
    Run { code: done.code, stdout: done.stdout, stderr: done.stderr, out, summary }
}

/// `sconn check --format concise`: (exit code, findings).
pub fn check(path: &str) -> (i32, String) {
    let out = sconn(&["check", path, "--format", "concise"]);
    let findings = out.stdout.lines().filter(|l| l.contains("[SC")).map(|l| format!("{l}\n")).collect();
    (out.code, findings)
}

fn step<'a>(run: &'a Run, name: &str) -> &'a Value {
    let steps = run.summary["steps"].as_array();
    steps
        .and_then(|s| s.iter().find(|s| s["name"] == name))
        .unwrap_or_else(|| panic!("no step {name}: {}", run.stderr))
}

/// Created, updated, unchanged, unarchived, skipped, errored, not processed.
pub fn counts(run: &Run, name: &str) -> [u64; 7] {
    let counts = &step(run, name)["counts"];
    ["created", "updated", "unchanged", "unarchived", "skipped", "errored", "not_processed"]
        .map(|c| counts[c].as_u64().unwrap())
}

/// `kind code name count` of each reason, sorted.
pub fn reasons(run: &Run, name: &str) -> Vec<String> {
    let mut all: Vec<String> = step(run, name)["by_code"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            let text = |k: &str| r[k].as_str().unwrap().to_owned();
            format!("{} {} {} {}", text("kind"), text("code"), text("name"), r["count"])
        })
        .collect();
    all.sort();
    all
}

/// The rows of a query over the store, cells joined by `|`: read by SQLite itself.
pub fn sql(dir: &Path, query: &str) -> Vec<String> {
    let store = project::opened(dir.join("store.sqlite"));
    let mut statement = store.prepare(query).unwrap();
    let width = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cells: Vec<String> = (0..width)
            .map(|i| match row.get_ref(i).unwrap() {
                ValueRef::Null => "NULL".into(),
                ValueRef::Integer(n) => n.to_string(),
                ValueRef::Real(n) => n.to_string(),
                ValueRef::Text(t) => String::from_utf8(t.to_vec()).unwrap(),
                ValueRef::Blob(b) => format!("{b:?}"),
            })
            .collect();
        all.push(cells.join("|"));
    }
    all
}
