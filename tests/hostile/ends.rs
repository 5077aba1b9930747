//! SQL that fails, runs that are stopped, and folders with an earlier run in them.

use super::{Desk, assert_says, failure};
use crate::common::{counts, sconn, sql};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The names of the files in a ZIP.
fn inside(path: &std::path::Path) -> Vec<String> {
    let archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut names: Vec<String> =
        archive.file_names_raw().map(|n| String::from_utf8(n.to_vec()).unwrap()).collect();
    names.sort();
    names
}

#[test]
fn sql_that_fails_while_it_runs() {
    let desk = Desk::new();
    let scope = "scope items from input.list {";
    let failing = desk.variant(
        scope,
        "scope first from input.list { sku: string }\n\n\
         scope items {\n  sql {\n    SELECT sku, kind, CAST(price AS DECIMAL(10, 2)) AS price\n    \
         FROM input.list\n  }",
    );
    let file = desk.file("list.csv", "SKU,Unit Price\na,1\nb,two\n");
    for more in [&[][..], &["--live"][..]] {
        let run = desk.with(&failing, &[&file], more);
        assert_eq!(run.code, 2, "{}", run.stderr);
        let text = std::fs::read_to_string(&failing).unwrap();
        let (line, column) =
            text.lines().enumerate().find_map(|(at, l)| Some((at + 1, l.find("CAST(")? + 1))).unwrap();
        assert_says(
            &failure(&run),
            &[
                &format!("scope `items` failed at {failing}:{line}:{column}: "),
                "the text 'two' is not an exact number (list.csv:3)",
                "TRY_CAST gives NULL",
            ],
        );
        // What was made before is there to be looked at.
        assert_eq!(inside(&run.out.join("sql-output.zip")), ["first.csv"]);
        assert!(run.out.join("report.xlsx").exists());
        assert!(!run.out.join("decisions.parquet").exists());
    }
    assert!(!desk.has_store(), "SQL that fails leaves the target as it was");
}

#[test]
fn sql_that_fails_in_a_view_points_into_the_view() {
    let desk = Desk::new();
    let failing = desk.variant(
        "scope items from input.list {",
        "view priced = sql {\n  SELECT sku, kind,\n    10 / CAST(price AS INT) AS price FROM input.list\n}\n\n\
         scope items {\n  sql { SELECT * FROM priced }",
    );
    let file = desk.file("list.csv", "SKU,Unit Price\na,1\nb,0\n");
    let run = desk.with(&failing, &[&file], &[]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    let text = std::fs::read_to_string(&failing).unwrap();
    let line = text.lines().position(|l| l.contains("10 / CAST(")).unwrap() + 1;
    assert_says(
        &failure(&run),
        &[
            &format!("scope `items` failed at {failing}:{line}:5: "),
            "something is divided by zero",
            "nullif(y, 0)",
        ],
    );
}

#[test]
fn the_clock_of_the_sql_is_the_start_of_the_execution() {
    let desk = Desk::new();
    let connector = desk.file(
        "clock.sconn",
        "connector clock {\n trigger spreadsheet\n timezone \"Pacific/Kiritimati\"\n}\n\
         scope one { sql { SELECT count(*) AS n FROM meta.current_execution WHERE date_trunc('microsecond', now()) = started_at } }\n\
         scope two { sql { SELECT date_trunc('microsecond', now()) AS moment FROM output.one WHERE n = 1 } }\n\
         scope three { sql { SELECT t.moment FROM output.two t CROSS JOIN meta.current_execution e\n\
         WHERE t.moment = e.started_at AND current_date = CAST(now() + INTERVAL '14 hours' AS DATE) } }\n",
    );
    let run = desk.with(&connector, &[], &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let rows: Vec<_> = run.summary["scopes"].as_array().unwrap().iter().map(|s| s["rows"].clone()).collect();
    assert_eq!(rows, [1, 1, 1]);
}

#[test]
fn sql_that_takes_too_long() {
    let desk = Desk::new();
    let connector = desk.file(
        "slow.sconn",
        "connector slow {\n trigger spreadsheet\n time_limit 1s\n}\n\
         scope numbers {\n sql {\n SELECT count(*) AS n FROM generate_series(1, 1000000) a\n \
         JOIN generate_series(1, 1000000) b ON a.value < b.value * 2\n }\n}\n",
    );
    let run = desk.with(&connector, &[], &[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert_says(
        &failure(&run),
        &["scope `numbers` failed at ", "slow.sconn:6:", "the query took longer than 1 s", "`time_limit`"],
    );
}

#[test]
fn a_series_without_end_is_read_only_as_far_as_it_is_asked_for() {
    let desk = Desk::new();
    let connector = desk.file(
        "series.sconn",
        "connector series {\n trigger spreadsheet\n}\n\
         scope numbers { sql { SELECT value FROM generate_series(1, 1000000000000) LIMIT 5 } }\n",
    );
    let run = desk.with(&connector, &[], &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.summary["scopes"][0]["rows"], 5);
}

#[test]
fn a_folder_with_an_earlier_run_in_it() {
    let desk = Desk::new();
    let out = desk.at("out");
    let store = desk.at("store.sqlite");
    let go = |file: &str, format: &str| {
        let (out, store) = (out.to_str().unwrap(), store.to_str().unwrap());
        sconn(&["run", &desk.list(), "--input", file, "--out", out, "--target", store, "--format", format])
    };
    let file = desk.file("list.csv", "SKU,Unit Price\na,x\n");
    assert_eq!(go(&file, "text").code, 0);
    assert!(out.join("decisions.parquet").exists());
    // The file has changed; it keeps its name all the same.
    desk.file("list.csv", "SKU,Unit Price\na,1\nb,y\n");
    let second = go(&file, "text");
    assert_says(&second.stdout, &["e.g. list.csv:3: price"]);
    // A run that fails does not pass an earlier one's outputs for its own.
    desk.file("list.csv", "SKU\n");
    let third = go(&file, "json");
    assert_eq!(third.code, 2);
    assert_says(&third.stderr, &["error: ", "there is no column `Unit Price`"]);
    assert!(!out.join("decisions.parquet").exists() && !out.join("sql-output.zip").exists());
    assert!(out.join("report.xlsx").exists() && out.join("summary.json").exists());
    let leftover: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with('.') || n == "work")
        .collect();
    assert!(leftover.is_empty(), "{leftover:?}");
}

#[test]
fn ctrl_c_stops_after_the_chunk_in_hand() {
    let desk = Desk::new();
    let rows: String = (0..8000).map(|i| format!("K{i},{i}.5\n")).collect();
    let file = desk.file("list.csv", format!("SKU,Unit Price\n{rows}"));
    let out = desk.at("out");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sconn"))
        .args(["run", &desk.list(), "--input", &file, "--live", "--target"])
        .arg(desk.at("store.sqlite"))
        .arg("--out")
        .arg(&out)
        .env("NO_COLOR", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("loading items") {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended before it loaded anything");
    }
    std::thread::sleep(Duration::from_millis(150));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    let mut shown = String::new();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{shown}{rest}");
    assert!(!rest.contains("panicked"), "{rest}");
    assert_says(&rest, &["stopping after the chunk in hand"]);
    assert_says(&shown, &["List: cancelled (live run)", "not reached"]);

    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["state"], "cancelled");
    let count = |name: &str| summary["steps"][0]["counts"][name].as_u64().unwrap();
    let (created, left) = (count("created"), count("not_processed"));
    assert!(created > 0 && left > 0 && created + left == 8000, "{created} + {left}");
    assert_eq!(sql(desk.path(), "SELECT count(*) FROM items"), [created.to_string()]);
    // Whole chunks of five, one after the other.
    assert_eq!(
        sql(
            desk.path(),
            "SELECT count(*), sum(creates), max(chunk), min(rows), max(rows) FROM _sconn_journal"
        ),
        [format!("{}|{created}|{}|5|5", created / 5, created / 5 - 1)]
    );
    // The report says of each row whether it was done.
    let book = std::fs::File::open(out.join("report.xlsx")).unwrap();
    let mut book = zip::ZipArchive::new(book).unwrap();
    let statuses: usize = (1..=book.len())
        .filter_map(|n| {
            let mut xml = String::new();
            book.by_name(&format!("xl/worksheets/sheet{n}.xml")).ok()?.read_to_string(&mut xml).unwrap();
            // The tab of the load step.
            xml.contains(">Candidates<").then(|| xml.matches(">not processed<").count())
        })
        .sum();
    assert_eq!(statuses as u64, left);
    // The next run does the rest.
    let again = desk.with(&desk.list(), &[&file], &["--live", "--no-report"]);
    assert_eq!(counts(&again, "items"), [left, 0, created, 0, 0, 0, 0]);
}

/// Sends Ctrl-C once the command tells of a stage; what it said on standard output.
fn stopped_at(
    desk: &Desk,
    file: &str,
    stage: &str,
    more: &[&str],
) -> (Option<i32>, String, serde_json::Value) {
    let out = desk.at(&format!("out {stage}"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_sconn"))
        .args(["run", &desk.list(), "--input", file, "--target"])
        .arg(desk.at("store.sqlite"))
        .arg("--out")
        .arg(&out)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with(stage) {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it ended before it came to {stage}");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let (mut rest, mut shown) = (String::new(), String::new());
    told.read_to_string(&mut rest).unwrap();
    child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    assert!(!rest.contains("panicked") && !rest.contains("error:"), "{rest}");
    assert!(out.join("report.xlsx").exists(), "{stage}: {rest}");
    let left: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with('.'))
        .collect();
    assert_eq!(left, [""; 0], "{stage}");
    let summary = serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
    (child.wait().unwrap().code(), shown, summary)
}

#[test]
fn ctrl_c_is_heard_in_every_stage() {
    let desk = Desk::new();
    let rows: String = (0..20_000).map(|i| format!("K{i},{i}.5\n")).collect();
    let file = desk.file("list.csv", format!("SKU,Unit Price\n{rows}"));
    let mut created = 0;
    for stage in ["reading input", "running SQL", "resolving variables"] {
        let (code, shown, summary) = stopped_at(&desk, &file, stage, &["--live"]);
        assert_eq!((code, &summary["state"]), (Some(1), &"cancelled".into()), "{stage}: {shown}");
        assert_says(&shown, &["List: cancelled (live run)\n"]);
        // On a slow machine it may have come to its first chunks; the summary knows of them.
        created += summary["steps"][0]["counts"]["created"].as_u64().unwrap_or(0);
        if desk.has_store() {
            assert_eq!(sql(desk.path(), "SELECT count(*) FROM items"), [created.to_string()], "{stage}");
        }
    }
    // Once every row is done there is nothing to stop: the report is finished, and the run is complete.
    let short = desk.file("short.csv", "SKU,Unit Price\na,1\n");
    let (code, shown, summary) = stopped_at(&desk, &short, "writing the report", &["--live"]);
    assert_eq!((code, &summary["state"]), (Some(0), &"completed".into()), "{shown}");
    assert_eq!(sql(desk.path(), "SELECT count(*) FROM items"), [(created + 1).to_string()]);
}
