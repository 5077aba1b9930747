//! The checker against small sources, each with one thing wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod incremental;
mod items;
mod loads;
mod sql;

use super::{Project, SampleFacts, SampleTable};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::plan::Automations;
use crate::system::files::Memory;
use std::collections::BTreeMap;
use std::path::Path;

/// The brief's connector.
pub const PRICES: &str = include_str!("tests/vendor_prices.sconn");
/// The brief's objects.
pub const CRM: &str = include_str!("tests/crm.sconn");

/// A connector in memory: `prices.sconn`, with `crm.sconn` beside it and other files.
pub fn project(source: &str, others: &[(&str, &str)]) -> Project {
    let mut files =
        BTreeMap::from([("prices.sconn".into(), source.to_owned()), ("crm.sconn".into(), CRM.to_owned())]);
    files.extend(others.iter().map(|(path, text)| ((*path).into(), (*text).to_owned())));
    Project::load(Path::new("prices.sconn"), &Memory(files)).unwrap()
}

/// The brief's connector with one thing changed.
pub fn changed(from: &str, to: &str) -> Project {
    assert!(PRICES.contains(from), "not in the fixture: {from}");
    project(&PRICES.replacen(from, to, 1), &[])
}

/// The brief's connector with one thing changed in its objects.
pub fn changed_crm(from: &str, to: &str) -> Project {
    assert!(CRM.contains(from), "not in the fixture: {from}");
    project(PRICES, &[("crm.sconn", &CRM.replacen(from, to, 1))])
}

/// The text under a diagnostic's label.
pub fn under(project: &Project, diagnostic: &Diagnostic, label: usize) -> String {
    let span = diagnostic.labels[label].span;
    project.text(span.file)[span.range.start as usize..span.range.end as usize].to_owned()
}

/// Everything found, in one line each, for failing assertions.
pub fn listing(project: &Project) -> String {
    let found = project.check();
    let line = |d: &Diagnostic| {
        format!("{} {:?} [{}] {} / {:?}", d.code, d.code, under(project, d, 0), d.message, d.help)
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Exactly one error (or, where `code` is none, one finding of that code): its code, the text at its
/// place, and a part of its message or help.
#[track_caller]
pub fn only(project: &Project, code: Code, at: &str, says: &str) {
    let severity = code.info().severity;
    let found: Vec<_> = project.check().into_iter().filter(|d| d.severity == severity).collect();
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    assert_eq!(codes, [code], "\n{}", listing(project));
    check_one(project, &found[0], at, says);
}

/// The first finding of a code, among others.
#[track_caller]
pub fn among(project: &Project, code: Code, at: &str, says: &str) {
    let found = project.check().into_iter().find(|d| d.code == code);
    let found = found.unwrap_or_else(|| panic!("no {code:?} in\n{}", listing(project)));
    check_one(project, &found, at, says);
}

#[track_caller]
fn check_one(project: &Project, found: &Diagnostic, at: &str, says: &str) {
    assert_eq!(under(project, found, 0), at, "\n{}", listing(project));
    let words =
        format!("{} {} {}", found.message, found.labels[0].text, found.help.as_deref().unwrap_or_default());
    assert!(words.contains(says), "`{says}` is not in: {words}");
}

/// A sample of the brief's file.
pub fn sample(headers: &[&str], ambiguous: &[&str]) -> SampleFacts {
    SampleFacts::Given {
        tables: vec![(
            "prices".into(),
            Ok(SampleTable {
                part: "prices.csv".into(),
                header: None,
                headers: headers.iter().map(|h| (crate::value::sql_name(h), (*h).to_owned())).collect(),
                ambiguous_dates: ambiguous.iter().map(|a| (*a).to_owned()).collect(),
            }),
        )],
    }
}

/// The headers of the brief's file.
pub const HEADERS: [&str; 9] = [
    "Vendor Code",
    "Vendor Name",
    "Vendor Email",
    "SKU",
    "Unit Price",
    "Active",
    "Listed On",
    "Updated At",
    "Tags",
];

#[test]
fn the_brief_is_clean_and_compiles() {
    let mut project = project(PRICES, &[]);
    assert_eq!(listing(&project), "");
    project.set_sample(sample(&HEADERS, &[]));
    assert_eq!(listing(&project), "");
    let plan = project.plan().unwrap();
    let names: Vec<_> = plan.queries.iter().map(|q| q.name.as_str()).collect();
    assert_eq!(names, ["cleaned", "vendors", "products", "price_errors"]);
    let products = &plan.queries[2];
    let records = products.reads.tables.iter().find(|t| t.name == "records.products").unwrap();
    assert_eq!(records.columns, ["name", "sku"]);
    let from: Vec<_> = products.columns.iter().map(|c| (c.name.as_str(), c.from.as_str())).collect();
    assert_eq!(from[0], ("vendor_code", "c.*"));
    assert_eq!(*from.last().unwrap(), ("known", "r.name IS NOT NULL"));
    assert!(products.sql.contains("QUALIFY"));
    let scope = products.scope.as_ref().unwrap();
    assert!(!scope.errors && scope.variables.len() == 7);
    assert!(plan.queries[3].scope.as_ref().unwrap().errors);
    assert_eq!(plan.queries[1].reads.parameters, ["region"]);
    assert_eq!(plan.functions.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["text.code"]);
    assert_eq!(plan.objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["vendors", "products"]);
    assert_eq!(
        plan.loads[0].place.line,
        62 + PRICES.lines().position(|l| l.starts_with("load vendors")).unwrap() as u32 - 61
    );
    assert_eq!(plan.loads[1].expose.as_deref(), Some("product_id"));
    assert_eq!(plan.loads[0].rules[0].archived, crate::plan::MatchAction::UnarchiveAndUpdate);
    assert_eq!(plan.loads[0].rules[1].none, crate::plan::MatchAction::CreateNew);
    assert_eq!(plan.loads[0].automations, Automations::None);
    assert_eq!(plan.connector.label, "Vendor price list");
    assert_eq!(plan.parameters[0].default, Some(crate::value::Value::Text("EMEA".into())));
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<crate::plan::Plan>(&json).unwrap(), plan);
}

#[test]
fn the_plan_in_words_tells_what_is_read_made_and_written() {
    let text =
        changed("  expose product_id", "  after { automations new }\n  expose product_id").plan().unwrap();
    assert_eq!(text.loads[1].automations, Automations::New);
    let text = crate::plan::describe(&text);
    for told in [
        "vendor_email  <- \"Vendor Email\"  optional",
        "records.products  in SQL    name, sku",
        "records.products  to match  sku",
        "records.vendors   to find   code",
        "records.vendors   to match  code, email",
        "$region  string  \"EMEA\" where not given",
        "  reads cleaned(vendor_name, vendor_email, code), $region",
        "    email   text  min(vendor_email)",
        "tags    string[]  from tags        split at \";\"",
        "price   number    from unit_price  written as \"1,234.56\"",
        "  text.code(s) = ",
        "  rule 2: records whose email is the row's email",
        "    archived  unarchive_and_update",
        "vendor  <- find vendors by code with vendor  relationship  only_update_blank",
        "  exposes each row's record id as product_id",
        "  automations run for new records",
        "  vendors   name, code, email, region",
    ] {
        assert!(text.contains(told), "{told}\n\n{text}");
    }
}

#[test]
fn a_file_without_a_connector_has_no_plan_and_says_so() {
    let found = project("object a { name: text }\n", &[]).plan().unwrap_err();
    assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), [Code::NoConnector]);
}

#[test]
fn errors_keep_the_plan_from_being_made_and_warnings_do_not() {
    assert!(changed("email  <- email ", "emial <- email ").plan().is_err());
    let unused = project(&format!("{PRICES}\nparam nobody: number = 3\n"), &[]);
    assert!(unused.plan().is_ok());
    assert!(unused.check().iter().all(|d| d.severity == Severity::Warning));
}

#[test]
fn the_sample_is_found_beside_the_connector() {
    let project = project(PRICES, &[]);
    let (path, inputs) = project.sample_path().unwrap();
    assert_eq!(path, Path::new("samples/prices.csv"));
    assert_eq!(inputs[0].columns.as_ref().unwrap().len(), 9);
}
