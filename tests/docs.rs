//! What the pages say is so: every block of code in them is run, and the tables that list what the
//! program writes are held against what it writes.

mod blocks;
mod pages;
mod picture;
mod sentences;
mod service;
mod shown;

use blocks::{Block, blocks};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the examples in it, as somebody has who has just cloned the project.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new("examples"), &folder.path().join("examples"));
    folder
}

/// Copies a folder; what runs left in it stays behind.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        if path.is_dir() {
            if name != ".sconn" {
                copy(&path, &to.join(name));
            }
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn sconn(folder: &Path, arguments: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sconn"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

/// Runs every block of a page, in order, in one folder. What is wrong, one text each.
fn run_page(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap_or_else(|e| panic!("{page}: {e}"));
    let place = workplace();
    let mut reader = Reader {
        root: place.path().to_path_buf(),
        folder: place.path().to_path_buf(),
        said: String::new(),
        script: String::new(),
        wrong: Vec::new(),
    };
    // The page of an example is read in the example's folder.
    if let Some(folder) = Path::new(page).parent().filter(|f| f.starts_with("examples")) {
        reader.folder = reader.root.join(folder);
    }
    for block in blocks(&text) {
        let before = reader.wrong.len();
        reader.block(&block);
        for wrong in &mut reader.wrong[before..] {
            *wrong = format!("{page}:{}: {wrong}", block.line);
        }
    }
    if !reader.script.is_empty() {
        let place = workplace();
        let run = service::run(&reader.script, place.path());
        reader.wrong.extend(run.err().map(|e| format!("{page}: {e}")));
    }
    reader.wrong
}

struct Reader {
    root: PathBuf,
    folder: PathBuf,
    /// What the last command said.
    said: String,
    /// What is left for a real shell.
    script: String,
    wrong: Vec<String>,
}

impl Reader {
    fn block(&mut self, block: &Block) {
        let (language, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        match (language, rest.trim()) {
            ("text", "shown") => self.must(shown::is_shown(&block.text, &self.said)),
            ("text" | "mermaid", "") => {}
            ("sconn", "") => self.whole(&block.text, false),
            ("sconn", "fails") => self.whole(&block.text, true),
            ("sconn", "fragment") => self.fragment(&block.text),
            ("sh", "") => {
                block.text.lines().fold(0, |exits, line| self.line(line.trim(), exits));
            }
            ("sh", "service") => self.script += &block.text,
            ("csv", name) if !name.is_empty() => {
                std::fs::write(self.folder.join(name), &block.text).unwrap();
            }
            ("json", "") => self.must(serde_json::from_str::<Value>(&block.text).map_err(|e| e.to_string())),
            ("toml", name) => {
                self.must(toml::from_str::<toml::Table>(&block.text).map_err(|e| e.to_string()));
                if !name.is_empty() {
                    std::fs::write(self.folder.join(name), &block.text).unwrap();
                }
            }
            ("sql", "") => {
                let planning = sconn::sql::plan(&block.text, &sconn::sql::Catalog::default());
                let broken = planning.faults.iter().find(|f| f.code == sconn::diagnostic::Code::SqlSyntax);
                self.must(broken.map_or(Ok(()), |f| Err(f.message.clone())));
            }
            _ => self.wrong.push(format!("a block of a kind that nothing runs: ```{}", block.info)),
        }
    }

    fn must<T>(&mut self, result: Result<T, String>) {
        self.wrong.extend(result.err());
    }

    /// A whole file: it must check without errors, or with one where it is shown as a mistake. It stays
    /// under the name that its first line gives it, for blocks below.
    fn whole(&mut self, text: &str, fails: bool) {
        let name = text.lines().next().and_then(|l| l.strip_prefix("# file: "));
        let path = self.folder.join(name.unwrap_or("unnamed.sconn").trim());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let folder = self.folder.clone();
        let arguments = ["check", path.to_str().unwrap(), "--format", "json"].map(str::to_owned);
        let output = sconn(&folder, &arguments);
        let findings: Value = match serde_json::from_slice(&output.stdout) {
            Ok(findings) => findings,
            Err(e) => return self.wrong.push(format!("`sconn check` gave no JSON ({e}): {}", told(&output))),
        };
        let errors: Vec<&Value> =
            findings.as_array().into_iter().flatten().filter(|f| f["severity"] == "error").collect();
        match (errors.is_empty(), fails) {
            (true, true) => self.wrong.push("this is to show a mistake, and has none".into()),
            (false, false) => self.wrong.push(format!("this file has errors: {errors:#?}")),
            _ => {}
        }
    }

    fn fragment(&mut self, text: &str) {
        let tree = sconn::syntax::parse(text);
        self.wrong.extend(tree.errors.iter().map(|e| format!("cannot be read: {} ({})", e.message, e.label)));
    }

    /// One line of a shell block; gives the exit code that the next line is to have.
    fn line(&mut self, line: &str, exits: i32) -> i32 {
        let (command, comment) = line.split_once('#').map_or((line, ""), |(c, r)| (c.trim(), r.trim()));
        let said = comment.strip_prefix("exits ").and_then(|n| n.split([':', ' ', ',']).next()?.parse().ok());
        if command.is_empty() {
            return said.unwrap_or(0);
        }
        let words = words(command);
        let first: Vec<&str> = words.iter().map(String::as_str).collect();
        match first.as_slice() {
            ["mkdir", folder] => std::fs::create_dir_all(self.folder.join(folder)).unwrap(),
            ["cd", folder] => {
                self.folder = self.folder.join(folder).canonicalize().unwrap_or_else(|_| self.root.clone());
            }
            ["sconn", ..] => self.command(command, &words[1..], said.unwrap_or(exits)),
            ["cargo", "run", "--", ..] => self.command(command, &words[3..], said.unwrap_or(exits)),
            // Would run this very test.
            ["cargo", "test"] => {}
            _ => self.wrong.push(format!("a command that nothing runs: {command}")),
        }
        0
    }

    fn command(&mut self, command: &str, arguments: &[String], exits: i32) {
        let output = sconn(&self.folder, arguments);
        if output.status.code() != Some(exits) {
            self.wrong.push(format!("`{command}` should exit with {exits}: {}", told(&output)));
        }
        self.said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    }
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{:?}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The words of a command; quotes keep spaces, `\` at the end of a line is not known.
fn words(command: &str) -> Vec<String> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => out.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

/// The keys of a JSON value, lists as `[]`: `steps[].counts.created`.
fn keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|i| keys(i, &format!("{path}[]"), found)),
        _ => {}
    }
}

/// The first cells of a table, without their backticks: that of the section with this heading.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let section = text.split("\n## ").find(|s| s.starts_with(heading)).unwrap_or_else(|| panic!("{heading}"));
    let cells = section.lines().filter_map(|l| l.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|c| c.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}
