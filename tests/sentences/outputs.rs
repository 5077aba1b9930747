//! What the source document says of dry runs and of what runs leave.

use crate::common::project::opened;
use crate::common::{Output, sconn_in};
use crate::outputs::{column, read_by_others, rows, tab, texts};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::LazyLock;

/// A bit of everything: SQL that changes rows, typed variables, two steps, two rules, a look-up, people's table.
const STOCK: &str = r#"
connector stock {
  name    "Stock"
  trigger spreadsheet
  sample  "sample.csv"
  chunk   2
}

object makers "Makers" {
  name: text required
  code: text unique
}

object items "Items" {
  name:  text required
  sku:   text unique
  price: decimal
  maker: relationship makers
}

input list {
  sku:   "SKU"
  title: "Title"
  maker: "Maker"
  price: "Price"
}

scope makers {
  sql { SELECT DISTINCT upper(trim(maker)) AS code FROM input.list WHERE maker <> 'nobody' }
  code: string required
}

scope items {
  sql { SELECT sku, title, upper(trim(maker)) AS maker, price FROM input.list }
  sku:   string required
  title: string required
  maker: string
  price: number format "1,234.56"
}

scope price_errors {
  sql { SELECT sku, price FROM input.list WHERE price = 'n/a' }
}

load makers into makers {
  match code with code
  map {
    name <- code
    code <- code
  }
}

load items into items {
  match sku with sku {
    none     next_rule_ignore_previous
    archived do_not_upload
  }
  match name with title
  map {
    name  <- title
    sku   <- sku
    price <- price overwrite
    maker <- find makers by code with maker overwrite
  }
}
"#;

/// What is there before: an item that will be archived, and two of one name.
const SEED: &str = "\
SKU,Title,Maker,Price
S1,Anvil,acme,1
S2,Bolt,acme,2
S3,Old,acme,3
T1,Twin,acme,4
T2,Twin,acme,5
";

/// Something of every outcome. One column is not declared, one row cannot be read.
const LIST: &str = "\
SKU,Title,Maker,Price,Colour
S1,Anvil, acme,\"1,500.50\",red
S2,Bolt,Acme,2,red
S3,Old,acme,9,red
N1,New,bolt,7,red
N2,Twin,acme,8,red
,No key,acme,9,red
N4,Priceless,acme,n/a,red
N5,Orphan,nobody,5,red
short,row
";

fn ends(folder: &Path, code: i32, args: &[&str]) -> Output {
    let done = sconn_in(folder, args);
    assert_eq!(done.code, code, "{args:?}: {}{}", done.stdout, done.stderr);
    done
}

/// A folder with the connector; no project, so that nothing needs activating.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("stock.sconn", STOCK), ("sample.csv", SEED), ("list.csv", LIST)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The CSVs in a ZIP, in its order.
pub fn csvs(zip: &Path) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
    let mut all = Vec::new();
    for number in 0..zip.len() {
        let mut file = zip.by_index(number).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        all.push((file.name().unwrap().into_owned(), text));
    }
    all
}

/// Every row of every table of a store, the program's own too.
fn dump(store: &Path) -> Vec<String> {
    let store = opened(store);
    let mut names = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").unwrap();
    let names: Vec<String> = names.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for name in names {
        let mut table = store.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let width = table.column_count();
        let mut found = table.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let cells: Vec<String> = (0..width).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
            all.push(format!("{name}|{}", cells.join("|")));
        }
    }
    all
}

/// A dry run, and then a live one, of one list over one store.
struct Both {
    /// The store before, after the dry run, and after the live one.
    stores: [Vec<String>; 3],
    /// Whether the store's file was the same to the byte after the dry run.
    same_bytes: bool,
    /// What each left, as others read it.
    dry: Value,
    live: Value,
}

static BOTH: LazyLock<Both> = LazyLock::new(|| {
    let desk = desk();
    let folder = desk.path();
    let store = folder.join("store.sqlite");
    let to = ["--target", "./store.sqlite"];
    // The first list is matched by its key alone.
    let seed = STOCK.replace("none     next_rule_ignore_previous", "").replace("match name with title", "");
    std::fs::write(folder.join("seed.sconn"), seed).unwrap();
    ends(
        folder,
        0,
        &[&["run", "seed.sconn", "--input", "sample.csv", "--live", "--no-report"], &to[..]].concat(),
    );
    let old = ends(folder, 0, &[&["records", "export", "items", "--filter", "sku=S3"], &to[..]].concat());
    let old = old.stdout.lines().nth(1).unwrap().split(',').next().unwrap();
    ends(folder, 0, &[&["records", "archive", "items", old], &to[..]].concat());
    let run = ["run", "stock.sconn", "--input", "list.csv"];
    let (before, bytes) = (dump(&store), std::fs::read(&store).unwrap());
    ends(folder, 1, &[&run[..], &to, &["--out", "dry"]].concat());
    let same_bytes = std::fs::read(&store).unwrap() == bytes;
    let dry = dump(&store);
    ends(folder, 1, &[&run[..], &to, &["--out", "live", "--live"]].concat());
    Both {
        stores: [before, dry, dump(&store)],
        same_bytes,
        dry: read_by_others(&folder.join("dry")),
        live: read_by_others(&folder.join("live")),
    }
});

/// The cells of a tab, their values and types, row by row.
fn cells(tab: &Value) -> Vec<Vec<Value>> {
    rows(tab).iter().map(|row| row.as_array().unwrap().clone()).collect()
}

/// The texts of a column; nothing where a cell is empty.
fn told<'a>(read: &'a Value, name: &str, header: &str) -> Vec<&'a str> {
    column(tab(read, name), header).iter().map(|c| c["value"].as_str().unwrap_or_default()).collect()
}

/// Every text of a tab.
fn all_texts(tab: &Value) -> Vec<String> {
    let cells = cells(tab).into_iter().flatten();
    cells.filter_map(|c| c["value"].as_str().map(str::to_owned)).collect()
}

/// Dry Run: executes the full SmartConnector flow, including SQL processing, variable resolution, matching, and mapping,
/// without writing anything.
#[test]
fn a_dry_run_executes_sql_resolution_matching_and_mapping_in_full() {
    let dry = &BOTH.dry;
    assert_eq!(told(dry, "SQL Output makers", "code"), ["ACME", "BOLT"], "SQL: trimmed, upper case, once");
    let variables = tab(dry, "Variables items");
    assert_eq!(
        *column(variables, "price")[0],
        json!({ "value": 1500.5, "type": "n" }),
        "resolved from a text"
    );
    assert_eq!(
        told(dry, "Load items", "Rule"),
        [
            "1: sku = S1 → one → update_current",
            "1: sku = S2 → one → update_current",
            "1: sku = S3 → archived → do_not_upload",
            "2: name = New → none → create_new",
            "2: name = Twin → many → do_not_upload",
            "",
            "2: name = Priceless → none → create_new",
            "2: name = Orphan → none → create_new",
        ],
        "each row was matched against the records that are there"
    );
    assert_eq!(told(dry, "Load items", "price")[0], "1 → 1500.5", "mapped: before and after");
    assert_eq!(told(dry, "Load items", "maker")[3], "(new record)", "of a maker that this run would create");
}

/// Dry Run: Does not create, update, or modify any Records.
#[test]
fn a_dry_run_creates_updates_and_modifies_no_record() {
    let [before, dry, live] = &BOTH.stores;
    assert!(before.len() > 10, "{before:#?}");
    assert_eq!(before, dry);
    assert!(BOTH.same_bytes, "the file is the same to the byte");
    assert_ne!(before, live, "the live run of the same list does write");
}

/// Dry Run: Produces the same XLS output report as a live run, so you can inspect exactly what would have happened.
#[test]
fn a_dry_run_produces_the_same_report_as_a_live_run() {
    let (dry, live) = (&BOTH.dry, &BOTH.live);
    let names = |read: &Value| -> Vec<String> {
        read["tabs"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(dry), names(live));
    assert_eq!(names(dry).len(), 8);
    for name in names(dry) {
        let (dry, live) = (tab(dry, &name), tab(live, &name));
        for of in ["header", "frozen", "filter", "size"] {
            assert_eq!(dry[of], live[of], "{name}: {of}");
        }
        let id = texts(&live["header"]).iter().position(|h| *h == "Record id");
        for (number, (was, is)) in cells(dry).into_iter().zip(cells(live)).enumerate() {
            if name == "Summary" {
                assert_eq!(summary_row(&was), summary_row(&is), "row {}", number + 1);
                continue;
            }
            let created = is.last().is_some_and(|status| status["value"] == "created");
            for (column, (was, is)) in was.iter().zip(&is).enumerate() {
                let what = format!("{name}, row {}, column {}: {was} {is}", number + 2, column + 1);
                // Records that the live run created have ids.
                if created && Some(column) == id {
                    assert!(was["value"].is_null() && is["value"].is_string(), "{what}");
                } else if was["value"] == "(new record)" {
                    assert!(new_makers().contains(&is["value"]), "{what}");
                } else {
                    assert_eq!(was, is, "{what}");
                }
            }
        }
    }
    assert_eq!(new_makers().len(), 1);
}

/// The ids of the makers that the live run created.
fn new_makers() -> Vec<Value> {
    let load = tab(&BOTH.live, "Load makers");
    let ids = column(load, "Record id").into_iter().zip(column(load, "Status"));
    ids.filter(|(_, status)| status["value"] == "created").map(|(id, _)| id["value"].clone()).collect()
}

/// A row of the tab `Summary` without what a live run says otherwise: its mode and what that makes of verbs, times, its
/// id, where it lies.
fn summary_row(row: &[Value]) -> Vec<Value> {
    let mut values: Vec<Value> = row.iter().map(|c| c["value"].clone()).collect();
    if values[1].as_str().is_some_and(|label| ["Started", "Ended", "Execution"].contains(&label)) {
        values[2] = Value::Null;
    }
    for value in &mut values {
        if let Some(text) = value.as_str() {
            let text = text
                .replace("DRY RUN: nothing was written", "MODE")
                .replace("LIVE RUN", "MODE")
                .replace("would be created", "were created")
                .replace("dry/", "live/");
            // How long a stage took.
            let time = text.ends_with(" s") && text.starts_with(|c: char| c.is_ascii_digit());
            *value = if time { "TIME".into() } else { text.into() };
        }
    }
    values
}

/// Dry Run: Accepts any compatible input file, not just the reference or sample file used during setup.
#[test]
fn a_dry_run_accepts_any_compatible_input_file() {
    let desk = desk();
    let folder = desk.path();
    let file = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let outcome = |input: &str| -> (String, Value) {
        let out = format!("out of {input}");
        ends(folder, 0, &["run", "stock.sconn", "--input", input, "--out", &out, "--no-report"]);
        let summary = std::fs::read(folder.join(&out).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        (csvs(&folder.join(&out).join("sql-output.zip"))[1].1.clone(), summary["steps"][1]["counts"].clone())
    };
    // The same rows as the sample, in other forms: order of columns, spelling of headers, delimiter, encoding.
    let sample = outcome("sample.csv");
    assert_eq!((&sample.1["created"], &sample.1["updated"]), (&4.into(), &1.into()), "two have one name");
    let other: String = SEED
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{};x;{};{};{}\r\n", cells[3], cells[2], cells[0].to_lowercase(), cells[1])
        })
        .collect();
    file("other.txt", &other.replace("s1", "S1").replace("s2", "S2").replace("s3", "S3").replace(";t", ";T"));
    file("tabs.tsv", &SEED.replace(',', "\t"));
    let utf16: Vec<u8> = format!("\u{feff}{SEED}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(folder.join("utf16.csv"), utf16).unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in SEED.lines().enumerate() {
        for (column, cell) in line.split(',').enumerate() {
            match cell.parse::<f64>() {
                Ok(number) => sheet.write(row as u32, column as u16, number).unwrap(),
                Err(_) => sheet.write(row as u32, column as u16, cell).unwrap(),
            };
        }
    }
    book.save(folder.join("book.xlsx")).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.join("packed.zip")).unwrap());
    zip.start_file("anything.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(SEED.as_bytes()).unwrap();
    zip.finish().unwrap();
    for input in ["other.txt", "tabs.tsv", "utf16.csv", "book.xlsx", "packed.zip"] {
        assert_eq!(outcome(input), sample, "{input}");
    }
    // Other rows, and more of them than the sample has.
    let many: String = (0..500).map(|i| format!("M{i},Many {i},acme,{i}\n")).collect();
    file("many.csv", &format!("SKU,Title,Maker,Price\n{many}"));
    assert_eq!(outcome("many.csv").1["created"], 500);
    // One that is not compatible is refused, and says what it lacks.
    file("else.csv", "SKU,Title,Maker\na,b,c\n");
    let refused = ends(folder, 2, &["run", "stock.sconn", "--input", "else.csv", "--no-report"]);
    assert!(refused.stderr.contains("Price"), "{}", refused.stderr);
}

/// Dry Run: The output report will surface any configuration issues, type mismatches, or unexpected row failures before
/// they affect live data.
#[test]
fn the_report_of_a_dry_run_surfaces_configuration_issues_type_mismatches_and_row_failures() {
    let dry = &BOTH.dry;
    let summary = all_texts(tab(dry, "Summary"));
    let says = |text: &str| assert!(summary.iter().any(|t| t.contains(text)), "{text}: {summary:#?}");
    // A column that the connector does not declare; a key of a relationship that no record has.
    says("columns that are not declared are left out: `Colour`");
    says("no record of `makers` has `NOBODY` in `code`");
    // Of types.
    says("price: \"n/a\" is not a number written like 1,234.56");
    assert!(told(dry, "Variables items", "Problems")[6].contains("\"n/a\" is not a number"));
    // Of rows: not to be read, without a value that is required.
    says("the row has 2 cells, fewer than the header's 5");
    says("sku: a value is required, and there is none");
    assert_eq!(BOTH.stores[0], BOTH.stores[1], "before they affect live data");
}

/// XLS Output Report: Output tables with names ending in errors are not passed through to variable mapping.
#[test]
fn output_tables_whose_names_end_in_errors_are_not_passed_on() {
    let tabs = BOTH.dry["tabs"].as_array().unwrap();
    let of: Vec<&str> = tabs
        .iter()
        .map(|t| t["name"].as_str().unwrap())
        .filter(|name| name.ends_with("price_errors"))
        .collect();
    assert_eq!(of, ["SQL Output price_errors"], "the SQL's output is all there is of it");
    assert_eq!(told(&BOTH.dry, "SQL Output price_errors", "sku"), ["N4"]);
    // Nor can a load step ask for it.
    let desk = desk();
    for name in ["price_errors", "errors"] {
        let loaded = STOCK
            .replace("scope price_errors", &format!("scope {name}"))
            .replace("load makers into", &format!("load makers from {name} into"));
        std::fs::write(desk.path().join("loaded.sconn"), loaded).unwrap();
        let told = ends(desk.path(), 1, &["check", "loaded.sconn"]).stdout;
        assert!(told.contains("its name ends in `errors`"), "{told}");
    }
}

/// XLS Output Report: Each row shows exactly what the SmartConnector attempted to do and what the outcome was, including
/// created, updated, skipped, errored, and any warnings.
#[test]
fn each_row_of_a_load_step_shows_what_was_attempted_and_what_the_outcome_was() {
    for read in [&BOTH.dry, &BOTH.live] {
        let load = tab(read, "Load items");
        let candidates: Vec<Option<i64>> =
            column(load, "Candidates").iter().map(|c| c["value"].as_i64()).collect();
        assert_eq!(
            candidates,
            [Some(1), Some(1), Some(1), Some(0), Some(2), None, Some(0), Some(0)],
            "how many records the rule found"
        );
        assert_eq!(
            told(read, "Load items", "Status"),
            ["updated", "unchanged", "skipped", "created", "skipped", "errored", "created", "created"]
        );
        assert_eq!(told(read, "Load items", "Source")[5], "list.csv:7");
        assert_eq!(
            (told(read, "Load items", "name")[0], told(read, "Load items", "price")[0]),
            ("Anvil (unchanged)", "1 → 1500.5")
        );
        assert_eq!(told(read, "Load items", "Errors")[5], "sku: a value is required, and there is none");
        assert_eq!(told(read, "Load items", "Errors").iter().filter(|e| !e.is_empty()).count(), 1);
        assert_eq!(told(read, "Load items", "Warnings").iter().filter(|w| !w.is_empty()).count(), 2);
    }
}

/// XLS Output Report: Rows that failed validation, could not be matched, or produced warnings are all visible here.
#[test]
fn rows_that_failed_could_not_be_matched_or_warned_are_all_visible() {
    let live = &BOTH.live;
    let names = told(live, "SQL Output items", "title");
    let at = |title: &str| names.iter().position(|n| *n == title).unwrap();
    let shown = |title: &str, header: &str| told(live, "Load items", header)[at(title)];
    assert_eq!(shown("No key", "Status"), "errored", "failed validation");
    assert!(shown("No key", "Errors").contains("a value is required"));
    assert_eq!((shown("Twin", "Status"), shown("Twin", "name")), ("skipped", ""), "could not be matched");
    assert_eq!(shown("Twin", "Rule"), "2: name = Twin → many → do_not_upload");
    assert!(shown("Orphan", "Warnings").contains("no record of `makers` has `NOBODY`"));
    assert_eq!((shown("Priceless", "price"), shown("Priceless", "Status")), ("(left alone)", "created"));
    assert!(shown("Priceless", "Warnings").contains("\"n/a\" is not a number"));
}

/// Run Outputs: Every run, whether dry or live, generates artifacts you can use to review and troubleshoot what happened.
#[test]
fn every_run_dry_or_live_or_failed_leaves_its_report_and_its_sql_output() {
    let desk = desk();
    let failing = STOCK.replace("SELECT sku, price FROM", "SELECT sku, CAST(price AS INT) AS price FROM");
    std::fs::write(desk.path().join("failing.sconn"), failing).unwrap();
    for (number, (connector, code)) in [("stock.sconn", 1), ("failing.sconn", 2)].into_iter().enumerate() {
        for mode in [&[][..], &["--live"]] {
            let out = format!("out{number}{}", mode.len());
            ends(
                desk.path(),
                code,
                &[&["run", connector, "--input", "list.csv", "--out", &out], mode].concat(),
            );
            for (artefact, to) in [("report", "copy.xlsx"), ("sql-output", "copy.zip")] {
                ends(desk.path(), 0, &["executions", "download", &out, artefact, "--to", to, "--force"]);
            }
            let names: Vec<String> =
                csvs(&desk.path().join("copy.zip")).into_iter().map(|(name, _)| name).collect();
            let all = ["makers.csv", "items.csv", "price_errors.csv"];
            // What the SQL had made before it failed.
            assert_eq!(names, if code == 1 { &all[..] } else { &all[..2] }, "{out}");
        }
    }
}
