//! Parameters, targets, folders, disks.

use super::{Desk, assert_says, failure};
use crate::common::project::{locked, opened};
use crate::common::{counts, sconn, sql};
use std::process::Command;

fn good(desk: &Desk) -> String {
    desk.file("good.csv", "SKU,Unit Price,Kind\n0870,1.50,new\nSEPT2,2.50,used\n")
}

#[test]
fn parameters_that_are_unknown_or_do_not_fit() {
    let desk = Desk::new();
    let file = good(&desk);
    for (param, expected) in [
        ("leats=1", &["error: the connector has no parameter `leats`", "did you mean `least`?"]),
        ("least=many", &["error: the parameter `least` cannot be \"many\"", "not a number"]),
        ("least", &["error: `least` is no parameter", "--param NAME=VALUE"]),
    ] {
        let run = desk.with(&desk.list(), &[&file], &["--live", "--param", param]);
        assert_eq!(run.code, 2);
        assert_says(&run.stderr, expected);
        assert!(!run.out.exists() && !desk.has_store());
    }
}

/// Runs live on another target: (exit code, what it said).
fn live_on(desk: &Desk, target: &str) -> (i32, String) {
    let out = desk.at("elsewhere");
    let run = sconn(&[
        "run",
        &desk.list(),
        "--input",
        &good(desk),
        "--live",
        "--target",
        target,
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    (run.code, format!("{}{}", run.stdout, run.stderr))
}

#[test]
fn targets_that_are_none() {
    let desk = Desk::new();
    desk.file("sconn.toml", "[targets.crm]\nsqlite = \"crm.sqlite\"\n");
    let (code, said) = live_on(&desk, "crn");
    assert_eq!(code, 2);
    assert_says(&said, &["error: there is no target `crn`", "did you mean `crm`?"]);
    // Without a project a live run needs no activation.
    std::fs::remove_file(desk.at("sconn.toml")).unwrap();

    let text = desk.file("notes.txt", "this is no database, and it is longer than a header\n".repeat(20));
    let before = std::fs::read(&text).unwrap();
    let (code, said) = live_on(&desk, &text);
    assert_eq!(code, 2);
    assert_says(&said, &["notes.txt: the file is not a SQLite database", "name another file"]);
    assert_eq!(std::fs::read(&text).unwrap(), before);

    let theirs = desk.at("theirs.sqlite");
    opened(&theirs).execute_batch("CREATE TABLE t(a)").unwrap();
    let before = std::fs::read(&theirs).unwrap();
    let (code, said) = live_on(&desk, theirs.to_str().unwrap());
    assert_eq!(code, 2);
    assert_says(&said, &["theirs.sqlite: the file is a SQLite database of another program"]);
    assert_eq!(std::fs::read(&theirs).unwrap(), before);

    let (code, said) = live_on(&desk, &format!("{text}/store.sqlite"));
    assert_eq!(code, 2);
    assert_says(&said, &["notes.txt", "choose another --target"]);
}

#[test]
fn a_target_that_another_program_holds() {
    let desk = Desk::new().filled();
    let before = desk.dump();
    let other = locked(desk.at("store.sqlite"));
    let file = desk.file("next.csv", "SKU,Unit Price\nc,3\n");
    let live = desk.live(&desk.list(), &[&file]);
    assert_eq!(live.code, 2);
    assert_says(&failure(&live), &["store.sqlite: the file is locked by another program", "wait until"]);
    // Reading is not in anybody's way.
    assert_eq!(counts(&desk.with(&desk.list(), &[&file], &[]), "items"), [1, 0, 0, 0, 0, 0, 0]);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(desk.dump(), before);
}

#[test]
fn a_change_of_the_schema_that_would_lose_data() {
    let desk = Desk::new().filled();
    let before = desk.dump();
    let changed =
        super::LIST.replace("price: decimal", "price: date").replace("price: number\n", "price: date\n");
    let changed = desk.file("changed.sconn", changed);
    for more in [&[][..], &["--live"][..]] {
        let run = desk.with(&changed, &[&good(&desk)], more);
        assert_eq!(run.code, 2);
        assert_says(
            &failure(&run),
            &[
                "object items: field \"price\" is stored as decimal and declared as date",
                "add a field of another name",
            ],
        );
        assert_eq!(desk.dump(), before);
    }
}

#[test]
fn an_output_folder_that_cannot_be_made() {
    let desk = Desk::new();
    let taken = desk.file("taken", "a file");
    let store = desk.at("store.sqlite");
    for (out, cause) in
        [(taken.clone(), "this is a file, not a folder"), (format!("{taken}/out"), "taken/out: ")]
    {
        let store = store.to_str().unwrap();
        let args = [
            "run",
            &desk.list(),
            "--input",
            &good(&desk),
            "--live",
            "--target",
            store,
            "--out",
            out.as_str(),
        ];
        let run = sconn(&args);
        assert_eq!(run.code, 2);
        assert_says(&run.stderr, &["error: ", cause, "choose another folder with --out"]);
        assert!(!run.stderr.contains("panicked"));
        assert!(!desk.has_store());
        assert_eq!(std::fs::read(&taken).unwrap(), b"a file");
    }
}

/// Runs live with a limit on how large a file may become, in KiB: what a quota does, and much like what
/// a full disk does.
fn run_with_quota(desk: &Desk, file: &str, kib: u32) -> (i32, String, serde_json::Value) {
    let out = desk.at("quota");
    let done = Command::new("sh")
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kib * 2))
        .args(["sh", env!("CARGO_BIN_EXE_sconn"), "run", &desk.list(), "--input", file, "--live"])
        .arg("--target")
        .arg(desk.at("store.sqlite"))
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    assert!(!said.contains("panicked"), "{said}");
    let summary = std::fs::read(out.join("summary.json")).unwrap();
    (done.status.code().unwrap(), said, serde_json::from_slice(&summary).unwrap())
}

#[test]
fn a_full_disk_leaves_whole_chunks() {
    let desk = Desk::new();
    let rows: String = (0..5000).map(|i| format!("K{i},{i}.5\n")).collect();
    let file = desk.file("list.csv", format!("SKU,Unit Price\n{rows}"));
    let (code, said, summary) = run_with_quota(&desk, &file, 1024);
    assert_eq!(code, 2, "{said}");
    assert_eq!(summary["state"], "failed");
    assert_says(summary["failure"].as_str().unwrap(), &["store.sqlite: ", "nothing half-written is left"]);
    let created = summary["steps"][0]["counts"]["created"].as_u64().unwrap();
    let left = summary["steps"][0]["counts"]["not_processed"].as_u64().unwrap();
    assert!(created > 0 && left > 0 && created + left == 5000, "{created} + {left}");
    assert_eq!(sql(desk.path(), "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(sql(desk.path(), "SELECT count(*) FROM items"), [created.to_string()]);
    assert_eq!(sql(desk.path(), "SELECT sum(creates) FROM _sconn_journal"), [created.to_string()]);
    // With room again, the same file completes it.
    let again = desk.with(&desk.list(), &[&file], &["--live", "--no-report"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
    assert_eq!(counts(&again, "items"), [5000 - created, 0, created, 0, 0, 0, 0]);
}

#[test]
fn a_disk_that_is_full_before_the_run_begins_leaves_no_store() {
    let desk = Desk::new();
    let rows: String = (0..20_000).map(|i| format!("K{i},{i}.5\n")).collect();
    let file = desk.file("list.csv", format!("SKU,Unit Price\n{rows}"));
    let (code, said, summary) = run_with_quota(&desk, &file, 64);
    assert_eq!(code, 2, "{said}");
    assert_says(summary["failure"].as_str().unwrap(), &["list.csv: ", "make sure there is room on the disk"]);
    assert!(!desk.has_store());
}
