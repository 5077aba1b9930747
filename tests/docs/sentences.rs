//! The table of docs/life.md: each sentence of the source document has a test that is there.

use std::collections::BTreeSet;
use std::path::Path;

const HEADING: &str = "\n## What the source document asks, and the tests\n";

/// The paths of all tests under a folder of sources, as `cargo test -- --exact` takes them.
fn tests_below(folder: &Path, modules: &[String], found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let root = modules.is_empty() && ["main", "lib"].contains(&name.as_str());
        let own = if root || name == "mod" { Vec::new() } else { vec![name] };
        let modules = [modules, &own].concat();
        if path.is_dir() {
            tests_below(&path, &modules, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            tests_in(&std::fs::read_to_string(&path).unwrap(), &modules, found);
        }
    }
}

/// The tests in a file; formatted as ours are, a module in it begins and ends at the margin.
fn tests_in(text: &str, modules: &[String], found: &mut BTreeSet<String>) {
    let (mut inner, mut is_test) = (None, false);
    for line in text.lines() {
        if let Some(module) = line.strip_prefix("mod ").and_then(|l| l.strip_suffix(" {")) {
            inner = Some(module.to_owned());
        } else if line == "}" {
            inner = None;
        }
        let line = line.trim_start();
        if line.starts_with("#[test]") {
            is_test = true;
        } else if is_test && let Some(function) = line.strip_prefix("fn ") {
            let name = function.split('(').next().unwrap().to_owned();
            let path: Vec<String> = modules.iter().cloned().chain(inner.clone()).chain([name]).collect();
            found.insert(path.join("::"));
            is_test = false;
        }
    }
}

/// Every test that there is.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["tests", "src"] {
        tests_below(Path::new(folder), &[], &mut found);
    }
    found
}

/// The rows of the tables in a text, their cells: heads and lines below them are left out.
fn table(text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_line = |l: &&str| l.starts_with("|---");
    let rows = lines.iter().enumerate().filter(|(at, line)| {
        line.starts_with('|') && !is_line(line) && !lines.get(at + 1).is_some_and(is_line)
    });
    rows.map(|(_, line)| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// What is wrong with a row's test; nothing where it names one that is there.
fn wrong(row: &[String], tests: &BTreeSet<String>) -> Option<String> {
    let [sentence, _, test] = row else { return Some(format!("not three cells: {row:?}")) };
    if sentence.is_empty() || test.is_empty() {
        return Some(format!("no sentence, or no test: {row:?}"));
    }
    let Some(path) = test.strip_prefix('`').and_then(|t| t.strip_suffix('`')).filter(|t| !t.contains('`'))
    else {
        return Some(format!("{sentence}: one test by its whole path, not {test}"));
    };
    if tests.contains(path) {
        return None;
    }
    if tests.iter().any(|t| t.starts_with(&format!("{path}::"))) {
        return Some(format!("{sentence}: `{path}` is a module: which of its tests?"));
    }
    let near = sconn::diagnostic::nearest(path, tests.iter().map(String::as_str));
    Some(format!("{sentence}: there is no test `{path}`; near it: {near:?}"))
}

#[test]
fn every_sentence_of_the_source_document_has_a_test_that_is_there() {
    let page = std::fs::read_to_string("docs/life.md").unwrap();
    let (_, section) = page.split_once(HEADING).unwrap();
    let (rows, tests) = (table(section.split("\n## ").next().unwrap()), tests());
    assert!(rows.len() >= 60, "{}", rows.len());
    let mut faults: Vec<String> = rows.iter().filter_map(|row| wrong(row, &tests)).collect();
    // And each that was written for a sentence stands beside it.
    let named: BTreeSet<&str> = rows.iter().map(|row| row[row.len() - 1].trim_matches('`')).collect();
    let own = tests.iter().filter(|t| t.starts_with("sentences::") && !named.contains(t.as_str()));
    faults.extend(own.map(|test| format!("`{test}` is beside no sentence")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_row_without_a_test_of_its_own_is_found() {
    let tests = tests();
    for there in [
        "docs::sentences::a_row_without_a_test_of_its_own_is_found",
        "life::before_a_connector_can_run_live_it_must_be_activated",
        "project::state::tests::a_connector_goes_through_the_four_statuses",
        "text::tests::lines_and_columns_count_characters_and_go_back",
    ] {
        assert!(tests.contains(there), "{there}");
    }
    for (row, said) in [
        ("| A | b | `docs::sentences::a_row_without_a_test_of_its_own_is_found` |", None),
        ("| A | b | |", Some("no test")),
        ("| | b | `docs::sentences::x` |", Some("no sentence")),
        ("| A | `docs::sentences::x` |", Some("not three cells")),
        ("| A | b | the same |", Some("whole path")),
        ("| A | b | `crash`, `zombie` |", Some("whole path")),
        ("| A | b | `docs::sentences` |", Some("is a module")),
        ("| A | b | `crash` |", Some("is a module")),
        (
            "| A | b | `state::tests::a_connector_goes_through_the_four_statuses` |",
            Some("near it: Some(\"project::state"),
        ),
        ("| A | b | `docs::sentences::table` |", Some("no test `docs::sentences::table`")),
    ] {
        let rows = table(&format!("| sentence | what | test |\n|---|---|---|\n{row}"));
        assert_eq!(rows.len(), 1, "{row}");
        let found = wrong(&rows[0], &tests);
        assert_eq!(found.is_some(), said.is_some(), "{row}: {found:?}");
        assert!(found.unwrap_or_default().contains(said.unwrap_or_default()), "{row}");
    }
}
