//! The pages of `docs/diagnostics/` against the registry, and their examples against the checker.

use sconn::diagnostic::{CODES, Code, Diagnostic, Severity};
use sconn::model::{Project, SampleFacts, SampleTable};
use sconn::system::files::Memory;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// An example of a page: the words of its fence, and the text.
struct Example {
    words: Vec<String>,
    text: String,
}

/// The examples of a page, in order.
fn examples(page: &str) -> Vec<Example> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(words) = line.strip_prefix("```sconn ") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
        let words = words.split_whitespace().map(str::to_owned).collect();
        found.push(Example { words, text: text.join("\n") + "\n" });
    }
    found
}

/// The files of an example: each starts with `# file: PATH`; one without is `prices.sconn`.
fn files(text: &str) -> Vec<(PathBuf, String)> {
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("# file: ") {
            files.push((path.trim().into(), String::new()));
            continue;
        }
        if files.is_empty() {
            files.push(("prices.sconn".into(), String::new()));
        }
        files.last_mut().unwrap().1.push_str(line);
    }
    files
}

/// What the lines `# sample TABLE: Header, Header` and `# sample unreadable: why` say of the sample.
fn sample(text: &str) -> SampleFacts {
    let mut tables = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.strip_prefix("# sample ").and_then(|l| l.split_once(": ")) else {
            continue;
        };
        if name == "unreadable" {
            return SampleFacts::Unreadable { message: rest.to_owned() };
        }
        let column = |header: &str| (header.to_lowercase().replace(' ', "_"), header.to_owned());
        let table = SampleTable {
            part: format!("{name}.csv"),
            header: None,
            headers: rest.split(", ").map(column).collect(),
            ambiguous_dates: Vec::new(),
        };
        tables.push((name.to_owned(), Ok(table)));
    }
    if tables.is_empty() { SampleFacts::NotGiven } else { SampleFacts::Given { tables } }
}

/// An example, and all that the checker finds in it.
fn checked(example: &Example) -> (Project, Vec<Diagnostic>) {
    let files = files(&example.text);
    let root = files[0].0.clone();
    let mut project = Project::load(&root, &Memory(BTreeMap::from_iter(files))).unwrap();
    project.set_sample(sample(&example.text));
    let found = project.check();
    (project, found)
}

/// The findings in words, for failing assertions.
fn listing(project: &Project, found: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in found {
        writeln!(out, "    {} {:?}: {}", d.code, d.severity, d.message).unwrap();
        for label in &d.labels {
            let text = project.text(label.span.file);
            let under = &text[label.span.range.start as usize..label.span.range.end as usize];
            let file = project.file_name(label.span.file);
            writeln!(out, "        {file} [{}] {}", under.replace('\n', "⏎"), label.text).unwrap();
        }
        writeln!(out, "        help: {}", d.help.as_deref().unwrap_or("-")).unwrap();
    }
    out
}

/// What is wrong with a page; empty where nothing is.
fn faults(code: Code) -> String {
    let mut out = String::new();
    let page = code.page();
    let title = format!("# {}: {}", code.id(), code.info().title);
    if page.lines().next() != Some(&title) {
        writeln!(out, "  the first line is not `{title}`").unwrap();
    }
    let examples = examples(page);
    let [fails, mended] = examples.as_slice() else {
        return out + "  there are not two examples\n";
    };
    if fails.words[0] != "fails" || mended.words != ["mended"] {
        writeln!(out, "  the examples are not one that fails and one that is mended").unwrap();
    }

    let (project, found) = checked(fails);
    let of_code = found.iter().any(|d| d.code == code);
    let others: BTreeSet<&str> = found
        .iter()
        .filter(|d| d.severity == Severity::Error && d.code != code)
        .map(|d| d.code.id())
        .collect();
    let told: BTreeSet<&str> = fails.words.iter().skip(2).map(String::as_str).collect();
    if !of_code || others != told {
        writeln!(out, "  the failing example, besides {told:?}:\n{}", listing(&project, &found)).unwrap();
    }

    let (project, found) = checked(mended);
    if found.iter().any(|d| d.severity >= Severity::Warning || d.code == code) {
        writeln!(out, "  the mended example:\n{}", listing(&project, &found)).unwrap();
    }
    out
}

#[test]
fn every_page_is_titled_and_its_examples_fail_and_pass_as_it_says() {
    let mut out = String::new();
    for code in CODES {
        let faults = faults(*code);
        if !faults.is_empty() {
            writeln!(out, "{code} ({code:?})\n{faults}").unwrap();
        }
    }
    assert!(out.is_empty(), "\n{out}");
}

#[test]
fn every_finding_of_the_examples_says_what_where_and_what_to_do() {
    let mut out = String::new();
    for code in CODES {
        for example in examples(code.page()) {
            let (project, found) = checked(&example);
            let poor = |d: &&Diagnostic| {
                d.message.is_empty()
                    || d.message.contains('\n')
                    || d.labels.iter().any(|l| l.text.is_empty())
                    || d.help.as_deref().is_none_or(str::is_empty)
            };
            let found: Vec<Diagnostic> = found.iter().filter(poor).cloned().collect();
            out += &listing(&project, &found);
        }
    }
    assert!(out.is_empty(), "\n{out}");
}

#[test]
fn the_folder_holds_the_pages_and_the_table_of_them() {
    let mut there: Vec<String> = fs::read_dir("docs/diagnostics")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    let mut wanted: Vec<String> = CODES.iter().map(|c| format!("{}.md", c.id())).collect();
    wanted.push("README.md".to_owned());
    wanted.sort();
    assert_eq!(there, wanted);

    let table = fs::read_to_string(Path::new("docs/diagnostics/README.md")).unwrap();
    let rows: Vec<&str> = table.lines().filter(|l| l.starts_with("| [SC")).collect();
    let wanted: Vec<String> = CODES
        .iter()
        .map(|c| {
            let info = c.info();
            let severity = format!("{:?}", info.severity).to_lowercase();
            format!("| [{0}]({0}.md) | {1} | {severity} |", info.id, info.title)
        })
        .collect();
    assert_eq!(rows, wanted, "docs/diagnostics/README.md");
}
