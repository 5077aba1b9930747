//! What runs again after which edit.

use super::*;

/// How often each query ran: `block`, `columns`, …
fn ran(project: &Project) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in project.executed() {
        let name = entry.split('(').next().unwrap_or_default().to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn checked() -> Project {
    let project = project(PRICES, &[]);
    project.executed();
    assert_eq!(listing(&project), "");
    let first = ran(&project);
    assert_eq!(first.get("block"), Some(&4), "{first:?}");
    project
}

fn edit(project: &mut Project, path: &str, from: &str, to: &str) -> BTreeMap<String, usize> {
    let text = if path == "crm.sconn" { CRM } else { PRICES };
    assert!(text.contains(from), "{from}");
    assert!(project.set_text(Path::new(path), &text.replacen(from, to, 1)));
    ran(project);
    assert_eq!(listing(project), "");
    ran(project)
}

fn count(ran: &BTreeMap<String, usize>, query: &str) -> usize {
    ran.get(query).copied().unwrap_or(0)
}

#[test]
fn an_edit_in_one_block_rechecks_that_block_only() {
    let mut project = checked();
    let ran =
        edit(&mut project, "prices.sconn", "WHERE c.unit_price IS NOT NULL", "WHERE c.unit_price <> ''");
    assert_eq!(count(&ran, "block"), 1, "{ran:?}");
    assert_eq!(count(&ran, "check_scope"), 1, "{ran:?}");
    for untouched in
        ["check_load", "check_object", "object_schema", "graph", "base_catalog", "unused", "function"]
    {
        assert_eq!(count(&ran, untouched), 0, "{untouched}: {ran:?}");
    }
}

#[test]
fn a_comment_at_the_top_rechecks_nothing() {
    let mut project = checked();
    let ran = edit(&mut project, "prices.sconn", "## Weekly", "# A word before.\n\n## Weekly");
    assert_eq!(ran.keys().map(String::as_str).collect::<Vec<_>>(), ["items", "parse"], "{ran:?}");
}

#[test]
fn a_field_type_rechecks_the_object_and_what_reads_it() {
    let mut project = checked();
    let ran = edit(&mut project, "crm.sconn", "origin: text", "origin: longtext");
    assert_eq!(count(&ran, "check_object"), 1, "{ran:?}");
    assert_eq!(count(&ran, "check_load"), 1, "only the step into products: {ran:?}");
    assert_eq!(count(&ran, "block"), 0, "records.products has the same columns: {ran:?}");
}

#[test]
fn the_same_text_again_runs_nothing() {
    let mut project = checked();
    assert!(project.set_text(Path::new("prices.sconn"), PRICES));
    project.check();
    assert_eq!(ran(&project), BTreeMap::new());
    assert!(!project.set_text(Path::new("nowhere.sconn"), ""));
}
