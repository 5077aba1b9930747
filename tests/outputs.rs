//! What a run leaves, read by other people's programs: the report by openpyxl, the decisions by DuckDB.

use crate::common::{Run, run, sql};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What reads and hears in the tests; each at the version that they were written with.
const LIBRARIES: [&str; 5] =
    ["openpyxl==3.1.5", "duckdb==2.0.1", "aiosmtpd==1.4.6", "jsonschema==4.26.0", "trustme==1.2.1"];

/// A Python that has the libraries of all tests, in a virtual environment beside the build's other files.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tmp-python");
        let python = home.join("bin/python");
        let complete = || {
            let asked = Command::new(&python)
                .args(["-c", "import openpyxl, duckdb, aiosmtpd, jsonschema, trustme"])
                .output();
            asked.is_ok_and(|o| o.status.success())
        };
        if !complete() {
            let must = |command: &mut Command, mend: &str| {
                let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}: {mend}"));
                let said = format!(
                    "{}{}",
                    String::from_utf8_lossy(&done.stdout),
                    String::from_utf8_lossy(&done.stderr)
                );
                assert!(done.status.success(), "{command:?} failed: {mend}\n{said}");
            };
            must(
                Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home),
                "install Python's venv: apt-get install python3-venv",
            );
            must(
                Command::new(&python).args(["-m", "pip", "install", "-q"]).args(LIBRARIES),
                "they come from the Python package index: is there a network?",
            );
        }
        python
    })
}

/// What the two libraries say of a run's folder.
pub fn read_by_others(out: &Path) -> Value {
    let out = Command::new(python()).arg("tests/outputs/read.py").arg(out).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn read(run: &Run) -> Value {
    read_by_others(&run.out)
}

fn vendor_prices(dir: &Path, live: bool) -> Run {
    run(
        dir,
        "examples/vendor_prices/vendor_prices.sconn",
        &["examples/vendor_prices/samples/prices.csv"],
        live,
    )
}

pub fn tab<'a>(read: &'a Value, name: &str) -> &'a Value {
    let tabs = read["tabs"].as_array().unwrap();
    tabs.iter().find(|t| t["name"] == name).unwrap_or_else(|| panic!("no tab {name}"))
}

pub fn rows(tab: &Value) -> &[Value] {
    tab["rows"].as_array().unwrap()
}

pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap_or_default()).collect()
}

/// The cells of a column.
pub fn column<'a>(tab: &'a Value, header: &str) -> Vec<&'a Value> {
    let at = texts(&tab["header"]).iter().position(|h| *h == header).unwrap_or_else(|| panic!("{header}"));
    rows(tab).iter().map(|r| &r[at]).collect()
}

/// The cell of a column in the row where another column has a value.
fn cell<'a>(tab: &'a Value, key: &str, value: &str, header: &str) -> &'a Value {
    let at = column(tab, key).iter().position(|c| c["value"] == value).unwrap_or_else(|| panic!("{value}"));
    column(tab, header)[at]
}

#[test]
fn the_report_has_its_tabs_and_every_row() {
    let dir = tempfile::tempdir().unwrap();
    for live in [false, true] {
        let run = vendor_prices(dir.path(), live);
        let read = read(&run);
        let names: Vec<&str> =
            read["tabs"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "Summary",
                "SQL Output vendors",
                "SQL Output products",
                "SQL Output price_errors",
                "Variables vendors",
                "Variables products",
                "Load vendors",
                "Load products",
            ]
        );
        for name in &names[1..] {
            let tab = tab(&read, name);
            let frozen = if name.starts_with("SQL") { "A2" } else { "C2" };
            assert_eq!(tab["frozen"], frozen, "{name}");
            assert_eq!(tab["filter"], tab["size"], "{name}: the filter is on every row and column");
            let scope = name.rsplit(' ').next().unwrap();
            let scopes = run.summary["scopes"].as_array().unwrap();
            let of_scope = scopes.iter().find(|s| s["name"] == scope).unwrap();
            assert_eq!(rows(tab).len() as u64, of_scope["rows"].as_u64().unwrap(), "{name}");
        }
        for name in &names[6..] {
            let header = texts(&tab(&read, name)["header"]);
            assert_eq!(header[..5], ["Row", "Source", "Rule", "Candidates", "Record id"], "{name}");
            assert_eq!(header[header.len() - 3..], ["Errors", "Warnings", "Status"], "{name}");
        }
        // Each step's statuses are its counts.
        for step in run.summary["steps"].as_array().unwrap() {
            let load = tab(&read, &format!("Load {}", step["name"].as_str().unwrap()));
            assert_eq!(rows(load).len() as u64, step["rows"].as_u64().unwrap());
            for status in ["created", "updated", "unchanged", "skipped", "errored"] {
                let shown = column(load, "Status").iter().filter(|c| c["value"] == status).count() as u64;
                assert_eq!(shown, step["counts"][status].as_u64().unwrap(), "{status}");
            }
            let errored = column(load, "Errors").iter().filter(|c| !c["value"].is_null()).count() as u64;
            assert_eq!(errored, step["counts"]["errored"].as_u64().unwrap());
            let warned = column(load, "Warnings").iter().filter(|c| !c["value"].is_null()).count() as u64;
            assert_eq!(warned, step["warnings"].as_u64().unwrap());
        }
    }
}

#[test]
fn cells_of_the_report_are_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let read = read(&vendor_prices(dir.path(), false));
    let all = read["tabs"].as_array().unwrap().iter().flat_map(rows).flat_map(|r| r.as_array().unwrap());
    assert!(all.clone().all(|c| c["type"] != "f"), "a cell is a formula");
    let link = "=HYPERLINK(\"x\")";
    let links: Vec<_> = all.filter(|c| c["value"] == link).collect();
    assert!(links.len() >= 3 && links.iter().all(|c| c["type"] == "s"), "{links:?}");

    let read_as = |sku: &str, header: &str| cell(tab(&read, "Variables products"), "sku", sku, header);
    let json = |value: Value, ty: &str| serde_json::json!({ "value": value, "type": ty });
    assert_eq!(*read_as("0870", "sku"), json("0870".into(), "s"));
    assert_eq!(*read_as("0870", "price"), json(1199.into(), "n"));
    assert_eq!(*read_as("0870", "price source"), json("1,199.00".into(), "s"));
    assert_eq!(*read_as("0870", "active"), json(true.into(), "b"));
    assert_eq!(*read_as("0870", "listed"), json("2024-01-15".into(), "d"));
    assert_eq!(*read_as("00012", "listed"), json("2024-01-31".into(), "d"));
    assert_eq!(*read_as("00012", "listed source"), json("31/01/2024".into(), "s"));
    // A spreadsheet would lose the last digit of 2^53 + 1.
    assert_eq!(*read_as("Q-4", "price"), json("9007199254740993".into(), "s"));
    for text in ["SEPT2", "1E2", "00012"] {
        assert_eq!(*read_as(text, "sku"), json(text.into(), "s"));
    }
    // What did not fit is told beside its row.
    assert!(read_as("ACM-8", "price")["value"].is_null());
    assert!(read_as("ACM-8", "Problems")["value"].as_str().unwrap().contains("12.345,00"));
    // In the load tab a new record's values are typed too.
    let load = tab(&read, "Load products");
    assert_eq!(*cell(load, "sku", "0870", "price"), json(1199.into(), "n"));
    assert_eq!(*cell(load, "sku", "0870", "listed"), json("2024-01-15".into(), "d"));
    assert_eq!(cell(load, "sku", "0870", "Source")["value"], "prices.csv:3");
}

#[test]
fn record_ids_are_shown_once_the_records_are_there() {
    let dir = tempfile::tempdir().unwrap();
    // Dry, live, and dry once the records are there.
    for (live, shown_of) in [(false, "nothing"), (true, "created"), (false, "unchanged")] {
        let read = read(&vendor_prices(dir.path(), live));
        for step in ["vendors", "products"] {
            let load = tab(&read, &format!("Load {step}"));
            let ids = column(load, "Record id");
            for (id, status) in ids.iter().zip(column(load, "Status")) {
                let there = status["value"] == shown_of;
                assert_eq!(id["value"].is_string(), there, "{step}, live {live}: {id}, {status}");
            }
            let mut shown: Vec<&str> = ids.iter().filter_map(|i| i["value"].as_str()).collect();
            let mut decided: Vec<&str> = read["ids"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|r| r[0] == step)
                .filter_map(|r| r[2].as_str())
                .collect();
            shown.sort_unstable();
            decided.sort_unstable();
            assert_eq!(shown, decided, "the report and the decisions name the same records");
            if shown_of != "nothing" {
                assert_eq!(shown, sql(dir.path(), &format!("SELECT id FROM {step} ORDER BY id")));
            }
        }
    }
}

#[test]
fn the_csvs_of_the_sql_output_are_the_tabs() {
    let dir = tempfile::tempdir().unwrap();
    let examples: [(&str, &str, &[&str]); 3] = [
        (
            "vendor_prices/vendor_prices.sconn",
            "vendor_prices/samples/prices.csv",
            &["vendors.csv", "products.csv", "price_errors.csv"],
        ),
        (
            "orders_workbook/orders.sconn",
            "orders_workbook/samples/orders.xlsx",
            &["orders.csv", "order_lines.csv", "line_errors.csv"],
        ),
        (
            "fleet/fleet.sconn",
            "fleet/samples/fleet.zip",
            &["airlines.csv", "airports.csv", "manufacturers.csv", "planes.csv", "airport_name_errors.csv"],
        ),
    ];
    for (connector, sample, expected) in examples {
        let done = run(dir.path(), &format!("examples/{connector}"), &[&format!("examples/{sample}")], false);
        let read = read(&done);
        assert_eq!(texts(&read["csvs"]), expected);
        assert_eq!(read["differences"], serde_json::json!([]), "{connector}");
    }
}

#[test]
fn decisions_add_up_to_the_summary() {
    let dir = tempfile::tempdir().unwrap();
    // Dry, live, and live once more.
    for live in [false, true, true] {
        let run = vendor_prices(dir.path(), live);
        let read = read(&run);
        for step in run.summary["steps"].as_array().unwrap() {
            let count = |rows: &Value, actions: &[&str]| -> u64 {
                let rows = rows.as_array().unwrap().iter();
                rows.filter(|r| r[0] == step["name"] && actions.contains(&r[1].as_str().unwrap()))
                    .map(|r| r[2].as_u64().unwrap())
                    .sum()
            };
            for (status, actions) in [
                ("created", &["created"][..]),
                ("updated", &["updated"]),
                ("unchanged", &["unchanged"]),
                ("unarchived", &["unarchived", "unarchived_and_updated"]),
                ("skipped", &["skipped"]),
                ("errored", &["errored"]),
                ("not_processed", &["not_processed"]),
            ] {
                let decided = count(&read["actions"], actions);
                assert_eq!(decided, step["counts"][status].as_u64().unwrap(), "{}: {status}", step["name"]);
            }
            let created = step["counts"]["created"].as_u64().unwrap();
            assert_eq!(count(&read["with_id"], &["created"]), if live { created } else { 0 });
        }
        let columns: Vec<&str> =
            read["columns"].as_array().unwrap().iter().map(|c| c[0].as_str().unwrap()).collect();
        assert_eq!(columns[..4], ["execution", "step", "scope", "row"]);
    }
}

#[test]
fn the_sql_output_is_there_before_the_load_steps_end() {
    let dir = tempfile::tempdir().unwrap();
    let run = vendor_prices(dir.path(), true);
    let made = |file: &str| std::fs::metadata(run.out.join(file)).unwrap().modified().unwrap();
    assert!(made("sql-output.zip") <= made("decisions.parquet"));
    assert!(made("decisions.parquet") <= made("report.xlsx"));
    assert!(made("report.xlsx") <= made("summary.json"));
}

#[test]
fn texts_that_are_hard_to_show_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hard.csv");
    let long = "L".repeat(300);
    let header = "Vendor Code,Vendor Name,SKU,Unit Price,Active,Listed On,Updated At,Tags";
    let rows = [
        ("ZW\u{200b}SP", "1"),
        ("\u{202e}cba\u{202c}", "2"),
        ("שלום", "3"),
        ("two\nlines", "4"),
        ("東京文具株式会社東京文具株式会社", "5"),
        ("\t+1", "6"),
        (long.as_str(), "7"),
    ];
    let lines: Vec<String> =
        rows.iter().map(|(sku, price)| format!("V,Vendor,\"{sku}\",{price},,,,")).collect();
    std::fs::write(&file, format!("{header}\n{}\n", lines.join("\n"))).unwrap();
    let done = run(dir.path(), "examples/vendor_prices/vendor_prices.sconn", &[file.to_str().unwrap()], true);
    let read = read(&done);
    let load = tab(&read, "Load products");
    let skus: Vec<&str> = column(load, "sku").iter().filter_map(|c| c["value"].as_str()).collect();
    assert_eq!(
        skus,
        [
            "ZW\\u{200b}SP",
            "\\u{202e}cba\\u{202c}",
            "שלום",
            "two\nlines",
            "東京文具株式会社東京文具株式会社",
            "\t+1",
            &format!("{long} (not written)"),
        ]
    );
    // What is wrong with a long text is in sight, beside a part of the text.
    let errors: Vec<&str> = column(load, "Errors").iter().filter_map(|c| c["value"].as_str()).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].chars().count() < 200 && errors[0].contains("has 300 characters"), "{errors:?}");
    // A text of two lines has two lines; one of wide characters has the room it needs.
    let at = texts(&load["header"]).iter().position(|h| *h == "sku").unwrap();
    assert_eq!(load["wrapped"][3][at], true);
    assert_eq!(load["wrapped"][2][at], false);
    assert!(load["widths"][at].as_f64().unwrap() >= 32.0, "{}", load["widths"]);
    // The ZIP has every text as it is.
    let stored = sql(dir.path(), "SELECT sku FROM products WHERE price = 1 OR price = 2 ORDER BY price");
    assert_eq!(stored, ["ZW\u{200b}SP", "\u{202e}cba\u{202c}"]);
}

#[test]
fn the_names_of_tabs_are_ones_that_spreadsheets_take() {
    let dir = tempfile::tempdir().unwrap();
    let scope =
        |n: u32| format!("scope a_scope_whose_name_is_rather_long_{n} from input.list {{ sku: string }}\n");
    let connector = dir.path().join("long.sconn");
    let head = "connector long { trigger spreadsheet }\ninput list { sku: \"SKU\" }\n";
    std::fs::write(&connector, format!("{head}{}{}{}", scope(1), scope(2), scope(3))).unwrap();
    let list = dir.path().join("list.csv");
    std::fs::write(&list, "SKU\na\n").unwrap();
    let done = run(dir.path(), connector.to_str().unwrap(), &[list.to_str().unwrap()], false);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    let read = read(&done);
    let names: Vec<String> =
        read["tabs"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_lowercase()).collect();
    assert_eq!(names.len(), 7);
    assert!(names.iter().all(|n| n.chars().count() <= 31), "{names:?}");
    assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 7, "{names:?}");
}

/// Excel makes a row as high as its text; others show what the file says.
#[test]
fn a_row_with_a_text_of_several_lines_is_high_enough_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let connector = dir.path().join("notes.sconn");
    std::fs::write(
        &connector,
        "connector notes { name \"Notes\" trigger spreadsheet }\n\
         object notes \"Notes\" { name: text required  note: longtext }\n\
         input list { sku: \"SKU\"  note: \"Note\" }\n\
         scope notes from input.list { sku: string required  note: string }\n\
         load notes into notes { match name with sku  map { name <- sku  note <- note } }\n",
    )
    .unwrap();
    let list = dir.path().join("list.csv");
    std::fs::write(&list, "SKU,Note\na,\"one\ntwo\nthree\"\nb,one\n").unwrap();
    let run = run(dir.path(), connector.to_str().unwrap(), &[list.to_str().unwrap()], false);
    let mut book = zip::ZipArchive::new(std::fs::File::open(run.out.join("report.xlsx")).unwrap()).unwrap();
    let mut high = 0;
    for number in 0..book.len() {
        let mut part = book.by_index(number).unwrap();
        if part.name().unwrap().starts_with("xl/worksheets/sheet") {
            let mut sheet = String::new();
            std::io::Read::read_to_string(&mut part, &mut sheet).unwrap();
            let row =
                |n: u32| sheet.split(&format!("<row r=\"{n}\"")).nth(1).and_then(|r| r.split('>').next());
            let three = row(2).is_some_and(|r| r.contains("ht=\"45\""));
            high += usize::from(three && !row(3).unwrap().contains("ht="));
        }
    }
    assert_eq!(high, 3, "the tabs of the SQL output, of the variables and of the load step");
}
