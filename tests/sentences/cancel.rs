//! What the source document says of canceling a run. It is asked by another process here; `crash` asks at every
//! point that a run passes.

use super::{id, list, newest, prices};
use crate::common::command_in;
use crate::common::project::{Project, Running, SHOP, eventually, opened, until};
use crate::trials::{at_once, passed};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const ROWS: usize = 4_000;

/// An active shop with a long list: two thousand chunks.
fn shop() -> Project {
    let project = Project::with_shop(SHOP, "");
    project.file("long.csv", &list(ROWS));
    project.ends(0, &["activate", "shop.sconn"]);
    project
}

const LIVE: [&str; 5] = ["run", "shop.sconn", "--input", "long.csv", "--live"];

/// Starts a live run that sleeps at a point and writes down those that it passes; gives it once it sleeps.
fn asleep(project: &Project, point: &str) -> (Running, String) {
    let mut command = project.command(&LIVE);
    command.env("SCONN_POINTS", project.at("points")).env("SCONN_SLEEP_AT", point);
    let mut run = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let stat = format!("/proc/{}/stat", run.0.id());
    eventually(point, || {
        assert!(run.0.try_wait().unwrap().is_none(), "it ended before {point}");
        std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
    });
    (run, id(&newest(project)))
}

/// Waits for its end after it was cancelled; gives its code. What it did not do any more is told by the points that
/// it passed, and how long that took hangs on the machine; a query that is cancelled here would never end.
fn ends(run: &mut Running, what: &str) -> Option<i32> {
    until(what, || run.0.try_wait().unwrap()).code()
}

fn steps(project: &Project, id: &str) -> Vec<Value> {
    project.summary(id)["steps"].as_array().unwrap().clone()
}

/// From when the run was told to stop it begins no chunk more, and what is committed was begun before. Gives how many
/// chunks that is.
fn assert_at_most_the_chunk_in_hand(project: &Project, id: &str, what: &str) -> usize {
    let passed = passed(&project.at("points"));
    let told = passed.iter().position(|(name, _)| name == "told to stop");
    let told = told.unwrap_or_else(|| panic!("{what}: it was not told to stop"));
    let count = |part: &[(String, bool)], name: &str| part.iter().filter(|(n, _)| n == name).count();
    // It may just have looked whether it should stop.
    let begun = count(&passed[told..], "before begin");
    assert!(begun <= 1, "{what}: {begun} chunks were begun after it was told to stop");
    let commits = count(&passed[told..], "committed");
    assert!(commits <= 1, "{what}: {commits} commits after it was told to stop");
    let chunks = chunks(&project.at(".sconn/store.sqlite"), id);
    let all = count(&passed, "before begin");
    assert!(chunks <= all && all < ROWS / 2, "{what}: {chunks} chunks committed, {all} begun");
    chunks
}

/// How many chunks of an execution are committed.
fn chunks(store: &Path, id: &str) -> usize {
    count(store, "_sconn_journal", &format!("WHERE execution = '{id}'"))
}

fn items(store: &Path) -> usize {
    count(store, "items", "")
}

/// How many rows a table has; none where the store does not have it yet.
fn count(store: &Path, table: &str, of: &str) -> usize {
    let store = opened(store);
    if !store.table_exists(None, table).unwrap() {
        return 0;
    }
    let sql = format!("SELECT count(*) FROM {table} {of}");
    store.query_row(&sql, [], |r| r.get::<_, i64>(0)).unwrap() as usize
}

/// Canceling a Run: Cancellation stops further processing but does not undo what has already been done.
#[test]
fn cancellation_stops_further_processing_and_undoes_nothing() {
    let project = shop();
    let (mut run, id) = asleep(&project, "committed#3");
    let before = prices(&project);
    assert_eq!(before.len(), 6, "three chunks of two rows");
    project.ends(0, &["executions", "cancel", &id]);
    run.wake();
    assert_eq!(ends(&mut run, "created"), Some(1));
    let after = prices(&project);
    assert!(before.iter().all(|item| after.contains(item)), "what was done stays");
    let chunks = assert_at_most_the_chunk_in_hand(&project, &id, "created");
    assert_eq!(after.len(), 2 * chunks, "whole chunks");
    let counts = &steps(&project, &id)[0]["counts"];
    assert_eq!(counts["created"].as_u64().unwrap() as usize, after.len());
    assert_eq!(counts["not_processed"].as_u64().unwrap() as usize, ROWS - after.len());
    // Nor does it go on later.
    project.work();
    assert_eq!((project.state(&id).as_str(), prices(&project)), ("cancelled", after));
}

/// Of chunks for which nothing is written up to four are committed together: those that wait are told as done.
#[test]
fn chunks_that_wait_to_be_committed_together_are_not_lost_when_it_is_cancelled() {
    let project = shop();
    project.ends(0, &[&LIVE[..], &["--no-report"]].concat());
    let all = prices(&project);
    for time in [5, 6, 7, 8] {
        let point = format!("decided#{time}");
        std::fs::remove_file(project.at("points")).unwrap_or_default();
        let (mut run, id) = asleep(&project, &point);
        project.ends(0, &["executions", "cancel", &id]);
        run.wake();
        assert_eq!(ends(&mut run, &point), Some(1));
        let chunks = assert_at_most_the_chunk_in_hand(&project, &id, &point);
        assert!(chunks >= time, "{point}: {chunks}");
        let counts = &steps(&project, &id)[0]["counts"];
        assert_eq!(counts["unchanged"].as_u64().unwrap() as usize, 2 * chunks, "{point}");
        assert_eq!(counts["not_processed"].as_u64().unwrap() as usize, ROWS - 2 * chunks, "{point}");
    }
    assert_eq!(prices(&project), all);
}

/// Canceling a Run: A run can be canceled at any time. Here from another process, at each stage.
#[test]
fn a_run_is_cancelled_by_another_process_at_each_of_its_stages() {
    let points = [
        "frozen",
        "read",
        "planned",
        "queried",
        "resolved",
        "packed",
        "checkpoint",
        "prepared",
        "step begun",
        "before begin#2",
        "decided#2",
        "logged#2",
        "committed#2",
    ];
    at_once(&points, |point| {
        let project = shop();
        let store = project.at(".sconn/store.sqlite");
        let (mut run, id) = asleep(&project, point);
        let stage = project.execution(&id)["stage"].clone();
        let cancelled = project.ends(0, &["executions", "cancel", &id]);
        assert!(cancelled.stdout.contains(&id), "{point} {stage}: {}", cancelled.stdout);
        run.wake();
        assert_eq!(ends(&mut run, point), Some(1), "{point}");
        assert_eq!(project.state(&id), "cancelled", "{point}");
        let chunks = assert_at_most_the_chunk_in_hand(&project, &id, point);
        assert_eq!(items(&store), 2 * chunks, "{point}: nothing but what was committed");
        for step in steps(&project, &id) {
            let told = |name: &str| step["counts"][name].as_u64().unwrap() as usize;
            assert_eq!((told("created"), told("not_processed")), (2 * chunks, ROWS - 2 * chunks), "{point}");
        }
        assert!(project.folder(&id).join("report.xlsx").is_file(), "{point}");
        assert_eq!(project.status(), "Operational", "a run that was cancelled says nothing of its connector");
    });
}

/// Canceling a Run: A run can be canceled at any time. A query that makes no row for hours is left too.
#[test]
fn a_query_that_would_take_hours_is_left_when_it_is_cancelled_by_another_process() {
    let endless = [
        // 64,000,000,000 pairs of rows, and not one of them wanted; no side of the join is large.
        "SELECT a.sku, a.price FROM input.list a JOIN (SELECT b.sku || c.sku AS both FROM input.list b, input.list c) d \
         ON a.sku || d.both = 'never' || d.both",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) \
         SELECT CAST(count(*) AS VARCHAR) AS sku, '1' AS price FROM n",
    ];
    at_once(&endless, |sql| {
        let project = Project::new("");
        let scope = "scope items from input.list {";
        assert!(SHOP.contains(scope));
        project.file("shop.sconn", &SHOP.replace(scope, &format!("scope items {{\n  sql {{ {sql} }}")));
        project.file("good.csv", crate::common::project::GOOD);
        project.file("long.csv", &list(ROWS));
        project.ends(0, &["activate", "shop.sconn"]);
        let mut run = project.start(&LIVE);
        let id = until("it is at its SQL", || {
            let all = project.executions();
            let at = all.first().and_then(|e| e["stage"]["name"].as_str()).unwrap_or_default();
            at.starts_with("running SQL").then(|| id(&all[0]))
        });
        // Nothing of it comes by itself meanwhile.
        std::thread::sleep(Duration::from_secs(2));
        assert!(run.0.try_wait().unwrap().is_none() && project.state(&id) == "running", "{sql}");
        project.ends(0, &["executions", "cancel", &id]);
        assert_eq!(ends(&mut run, sql), Some(1));
        assert_eq!(project.state(&id), "cancelled", "{sql}");
        assert!(steps(&project, &id).is_empty(), "{sql}: it came to no load step");
        assert!(project.folder(&id).join("report.xlsx").is_file(), "{sql}");
    });
}

/// Canceling a Run: A run can be canceled at any time. Once all rows are done there is nothing left to cancel, and one
/// that was cancelled already tells what it did.
#[test]
fn while_the_report_is_written_there_is_nothing_left_to_cancel_and_the_report_is_whole() {
    let writing = "create report.xlsx";
    let project = shop();
    project.file("long.csv", &list(100));
    let (mut run, id) = asleep(&project, writing);
    // It tells how far it is twice a second, and sleeps: whoever asks may not know yet that it is too late.
    let asked = || {
        let asked = project.sconn(&["executions", "cancel", &self::id(&newest(&project))]);
        assert!(asked.code == 0 || asked.stderr.contains("it is too late to cancel it"), "{}", asked.stderr);
    };
    asked();
    run.wake();
    assert_eq!(ends(&mut run, writing), Some(0));
    assert_eq!(project.execution(&id)["cancel_requested"], false, "it was not stopped");
    assert_eq!((project.state(&id).as_str(), project.count("items")), ("completed", 100));
    assert_eq!(told(&project, &id, "created"), 100);

    // Of one that was cancelled before, the report is made as well.
    let mut command = command_in(project.path(), &LIVE);
    command.env("SCONN_STOP_AT", "committed#3").env("SCONN_SLEEP_AT", writing);
    project.file("long.csv", &list(200));
    let mut run = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let stat = format!("/proc/{}/stat", run.0.id());
    eventually("it writes its report", || {
        std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
    });
    let id = self::id(&newest(&project));
    asked();
    run.wake();
    assert_eq!(ends(&mut run, writing), Some(1));
    assert_eq!(project.state(&id), "cancelled");
    let left = steps(&project, &id)[0]["counts"]["not_processed"].as_u64().unwrap() as usize;
    assert!(left >= 100, "{left} of 200 rows were not done");
    assert_eq!(told(&project, &id, "not processed"), left, "the report says which");
}

/// How many rows have that status in the report's tab of the load step.
fn told(project: &Project, id: &str, status: &str) -> usize {
    let statuses = crate::trials::files::statuses(&project.folder(id).join("report.xlsx"), "items").unwrap();
    statuses.iter().filter(|s| *s == status).count()
}
