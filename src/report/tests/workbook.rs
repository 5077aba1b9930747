use super::sample::{Run, spool, strings, summary};
use crate::report::workbook::write_with_limit;
use crate::report::*;
use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use std::path::PathBuf;

fn book(run: &Run, limit: u32) -> Xlsx<std::io::BufReader<std::fs::File>> {
    let path = run.folder.path().join("report.xlsx");
    run.input(|input| write_with_limit(&path, input, limit)).unwrap();
    // Only looked at by people: SCONN_SAMPLE_REPORT=/tmp/report.xlsx keeps the sample.
    if let Some(keep) = option_env!("SCONN_SAMPLE_REPORT") {
        std::fs::copy(&path, keep).unwrap();
    }
    open_workbook(&path).unwrap()
}

fn tab(run: &Run, name: &str) -> Range<Data> {
    book(run, 1_000_000).worksheet_range(name).unwrap()
}

fn column(range: &Range<Data>, header: &str) -> usize {
    (0..range.width())
        .find(|c| range[(0, *c)] == Data::String(header.into()))
        .unwrap_or_else(|| panic!("{header}"))
}

fn texts(range: &Range<Data>, header: &str) -> Vec<String> {
    let column = column(range, header);
    (1..range.height()).map(|r| range[(r, column)].to_string()).collect()
}

#[test]
fn the_tabs_are_named_after_scopes_and_steps() {
    let run = Run::new();
    assert_eq!(
        book(&run, 1_000_000).sheet_names(),
        [
            "Summary",
            "SQL Output products",
            "SQL Output price_errors",
            "Variables products",
            "Load vendors",
            "Load products"
        ]
    );
}

#[test]
fn sql_output_cells_are_typed_only_where_nothing_is_lost() {
    let run = Run::new();
    let range = tab(&run, "SQL Output products");
    let at = |row: u32, name: &str| range[(row as usize, column(&range, name))].clone();
    assert_eq!(at(1, "sku"), Data::String("0870".into()));
    assert_eq!(at(2, "sku"), Data::String("=1+1".into()));
    assert_eq!(at(1, "count"), Data::Float(7.0));
    assert_eq!(at(1, "ratio"), Data::Float(0.5));
    assert_eq!(at(2, "ratio"), Data::String("NaN".into()));
    assert_eq!(at(3, "ratio"), Data::String("0.30000000000000004".into()));
    assert_eq!(at(1, "big"), Data::String("123456789012345678901234567890123456.78".into()));
    assert_eq!(at(2, "big"), Data::Float(1.5));
    assert!(matches!(at(1, "seen"), Data::DateTime(d) if (d.as_f64() - 45_355.416_666_666).abs() < 1e-6));
    assert_eq!(at(2, "seen"), Data::String("2024-03-04T10:00:00.5Z".into()));
    assert_eq!(at(1, "note"), Data::String("a\\u{0001}b\\u{202e}".into()));
    let long = at(3, "note").to_string();
    assert_eq!(long.chars().count(), 32_767);
    assert!(long.ends_with("x … (cut, 40000 characters)"));
    assert_eq!(texts(&range, "Source"), ["prices.csv:2", "prices.csv:3", ""]);
    assert!((0..range.width()).all(|c| !range[(0, c)].to_string().starts_with("__")));
}

#[test]
fn variables_show_the_value_its_source_where_it_differs_and_the_problem() {
    let run = Run::new();
    let range = tab(&run, "Variables products");
    let headers: Vec<_> = (0..range.width()).map(|c| range[(0, c)].to_string()).collect();
    assert_eq!(headers[..6], ["Row", "Source", "sku", "sku source", "price", "price source"]);
    assert_eq!(headers.last().unwrap(), "Problems");
    assert_eq!(range[(1, 0)], Data::Float(1.0));
    assert_eq!(texts(&range, "sku source"), ["", "", ""]);
    assert_eq!(range[(1, column(&range, "price"))], Data::Float(1234.5));
    assert_eq!(texts(&range, "price source"), ["1,234.50", "n/a", ""]);
    assert_eq!(range[(1, column(&range, "active"))], Data::Bool(true));
    assert_eq!(texts(&range, "active source"), ["Yes", "No", ""]);
    assert!(matches!(&range[(1, column(&range, "listed"))], Data::DateTime(d) if d.as_f64() == 45_355.0));
    assert_eq!(texts(&range, "listed source"), ["04/03/2024", "", ""]);
    assert_eq!(texts(&range, "origin"), ["price list"; 3]);
    assert_eq!(
        texts(&range, "Problems"),
        ["", "price: expected a number such as 1,234.56 (found \"n/a\")", ""]
    );
}

#[test]
fn load_tabs_show_the_rule_the_fields_and_the_status() {
    let run = Run::new();
    let range = tab(&run, "Load vendors");
    let headers: Vec<_> = (0..range.width()).map(|c| range[(0, c)].to_string()).collect();
    assert_eq!(
        headers,
        [
            "Row",
            "Source",
            "Rule",
            "Candidates",
            "Record id",
            "name",
            "price",
            "listed",
            "tags",
            "Errors",
            "Warnings",
            "Status"
        ]
    );
    assert_eq!(
        texts(&range, "Status"),
        ["created", "updated", "unchanged", "skipped", "errored", "unarchived and updated", "not processed"]
    );
    assert_eq!(
        texts(&range, "Rule")[..2],
        ["2: name = Bolt, M8 → none → create_new", "1: sku = A-002 → one → update_current"]
    );
    assert_eq!(
        texts(&range, "name")[..3],
        ["=HYPERLINK(\"http://x\",\"Bolt\")", "Nut (kept: not blank)", "Washer (unchanged)"]
    );
    assert_eq!(range[(1, column(&range, "price"))], Data::Float(1234.5));
    assert_eq!(texts(&range, "price")[1..3], ["2 → 2.25", "0.1 (left alone)"]);
    assert_eq!(texts(&range, "listed")[1], "(blank) → 2024-03-05");
    assert_eq!(texts(&range, "tags")[1], "new → new; sale (options added)");
    assert_eq!(texts(&range, "Errors")[4], "sku is required and the cell is empty");
    assert_eq!(texts(&range, "Record id")[3], "");
    assert_eq!(texts(&range, "Source")[3], "book.xlsx!Sheet1:5");
}

#[test]
fn a_long_table_goes_on_in_another_tab() {
    let run = Run::new();
    let mut book = book(&run, 100);
    assert_eq!(book.sheet_names()[5..], ["Load products", "Load products (2)", "Load products (3)"]);
    let first = book.worksheet_range("Load products").unwrap();
    let last = book.worksheet_range("Load products (3)").unwrap();
    assert_eq!((first.height(), last.height()), (101, 41));
    assert_eq!(first[(0, 0)], last[(0, 0)]);
    assert_eq!(last[(40, 0)], Data::Float(240.0));
}

#[test]
fn the_summary_tab_tells_what_the_terminal_tells() {
    let run = Run::new();
    let range = tab(&run, "Summary");
    let all: Vec<String> = range.used_cells().map(|c| c.2.to_string()).collect();
    for wanted in [
        "Vendor price list",
        "DRY RUN: nothing was written   ·   completed with errors",
        "2026-03-04 10:02:05 UTC   (2 min 5 s)",
        "Total",
        "sku: required",
        "2 rows of the input could not be read",
        "the row has 7 cells, the header has 9",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ] {
        assert!(all.iter().any(|t| t == wanted), "{wanted}: {all:#?}");
    }
}

#[test]
fn an_unwritable_folder_is_told_with_a_hint_and_nothing_is_left() {
    let run = Run::new();
    let path = PathBuf::from("/no/such/folder/report.xlsx");
    let error = run.input(|input| write_workbook(&path, input)).unwrap_err();
    assert!(error.path.ends_with("report.xlsx") && error.hint.contains("create it"), "{error:?}");
    book(&run, 100);
    let left: Vec<_> = std::fs::read_dir(run.folder.path())
        .unwrap()
        .map(|f| f.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".part"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn tab_names_are_ones_that_excel_takes() {
    use crate::report::workbook::TabNames;
    let mut names = TabNames::default();
    assert_eq!(names.give("SQL Output a/b[c]", 1), "SQL Output a_b_c_");
    assert_eq!(names.give("sql output A/B[C]", 1), "sql output A_B_C_~2");
    let long = "Variables a_scope_with_a_very_long_name";
    assert_eq!(names.give(long, 1), "Variables a_scope_with_a_very_l");
    assert_eq!(names.give(&format!("{long}_too"), 1), "Variables a_scope_with_a_very~2");
    assert_eq!(names.give(long, 12), "Variables a_scope_with_a_v (12)");
    assert_eq!(names.give("'quoted'", 1), "quoted");
    for wanted in ["😀".repeat(40), String::new(), "'''".into()] {
        let name = names.give(&wanted, 1);
        assert!(!name.is_empty() && name.encode_utf16().count() <= 31, "{name}");
    }
}

#[test]
fn a_failed_run_without_rows_has_a_workbook_too() {
    let folder = tempfile::tempdir().unwrap();
    let empty =
        spool(&folder.path().join("e.arrow"), &[vec![("sku", strings(&[])), ("__row", strings(&[]))]]);
    let mut summary = summary(vec![]);
    summary.label = String::new();
    summary.state = RunState::Failed;
    summary.failure = Some("line\n".repeat(20_000));
    summary.started = "yesterday".into();
    let path = folder.path().join("report.xlsx");
    let scopes = [ScopeTables {
        name: "vendors",
        output: &empty,
        variables: Some(VariablesTable { specs: &[], values: &empty }),
    }];
    let input = ReportInput { summary: &summary, scopes: &scopes, steps: &[], rejected: &[], parts: &[] };
    write_workbook(&path, &input).unwrap();
    let mut book: Xlsx<_> = open_workbook(&path).unwrap();
    assert_eq!(book.sheet_names(), ["Summary", "SQL Output vendors", "Variables vendors"]);
    let output = book.worksheet_range("SQL Output vendors").unwrap();
    assert_eq!((output.height(), output[(0, 0)].clone()), (1, Data::String("sku".into())));
    // A `__row` that is no packed place gives no place, and does no harm.
    assert_eq!(output[(0, 1)], Data::String("Source".into()));
}

#[test]
fn more_columns_than_a_sheet_has_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..16_400).map(|i| format!("c{i}")).collect();
    let columns = names.iter().map(|n| (n.as_str(), strings(&[Some("v")]))).collect();
    let wide = spool(&folder.path().join("w.arrow"), &[columns]);
    let path = folder.path().join("report.xlsx");
    let scopes = [ScopeTables { name: "wide", output: &wide, variables: None }];
    let summary = summary(vec![]);
    let input = ReportInput { summary: &summary, scopes: &scopes, steps: &[], rejected: &[], parts: &[] };
    write_workbook(&path, &input).unwrap();
    let mut book: Xlsx<_> = open_workbook(&path).unwrap();
    let output = book.worksheet_range("SQL Output wide").unwrap();
    assert_eq!(output.width(), 16_384);
    assert_eq!(output[(0, 16_383)], Data::String("… 17 more columns (see sql-output.zip)".into()));
    assert_eq!(
        (output[(1, 16_382)].clone(), output[(1, 16_383)].clone()),
        (Data::String("v".into()), Data::Empty)
    );
}
