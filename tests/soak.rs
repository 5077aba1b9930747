//! Mixed load with kills: files into a watched folder, webhooks, submitted files, while workers and the
//! service itself are killed. In the end the queue is empty, each row was loaded once, and nothing is left
//! behind, in memory or on the disk.
//!
//! `SCONN_SOAK_MINUTES=30 cargo test --test sconn soak -- --nocapture` for the long form.

use crate::common::project::{Project, SHOP, eventually, until};
use crate::common::service::Service;
use crate::hooks::serving::{post, rows as rows_of};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const HOOKS: &str = r#"
connector orders {
  name    "Orders"
  trigger webhook { batch 1s verify nothing }
  sample  "sample-hooks.csv"
}
object calls "Calls" { name: text required  body: text }
scope calls from input.webhooks { body: string required }
load calls into calls {
  match body with body
  map { name <- body  body <- body }
}
"#;

const SETTINGS: &str = "[watch.inbox]\nconnector = \"shop\"\nfolder = \"inbox\"\nsettle = \"1s\"\n";

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn count(file: &Path, sql: &str) -> i64 {
    let connection = Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    connection.query_row(sql, [], |r| r.get(0)).unwrap()
}

/// Open files and memory of its own, in MB.
fn takes(pid: u32) -> (usize, usize) {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let memory = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap_or("0");
    (files, memory.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn under_mixed_load_and_kills_everything_is_done_once_and_nothing_is_left_behind() {
    let minutes: f64 = std::env::var("SCONN_SOAK_MINUTES").map_or(0.2, |m| m.parse().unwrap());
    let desk = Project::with_shop(&SHOP.replace("chunk   2", "chunk   20"), SETTINGS);
    let path = desk.path();
    desk.file("orders.sconn", HOOKS);
    desk.file("sample-hooks.csv", "timestamp,employee_id,querystring,body\n2026-01-01T00:00:00Z,,,x\n");
    std::fs::create_dir(desk.at("inbox")).unwrap();
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.ends(0, &["activate", "orders.sconn"]);
    let state = path.join(".sconn/state.sqlite");
    let mut service = Service::start(path, &[]);
    let address = service.address;
    let (mut dice, mut sent, mut rows, mut killed) = (Dice(7), Vec::new(), 0, 0);
    let (mut early, mut most) = (None, (0, 0));
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut number = 0;
    while Instant::now() < end {
        number += 1;
        match dice.below(10) {
            0..6 => {
                let body = format!("call {number}");
                // One whose answer a kill took away may have been kept, or not.
                let answer =
                    post(address, "/hooks/orders", &[("content-type", "text/plain")], body.as_bytes());
                if answer.is_some_and(|a| a.status == 201) {
                    sent.push(body);
                }
            }
            6..8 => {
                let lines: String = (0..50).map(|i| format!("f{number}-{i}\n")).collect();
                desk.file("inbox/.new", &format!("SKU\n{lines}"));
                std::fs::rename(path.join("inbox/.new"), path.join(format!("inbox/{number}.csv"))).unwrap();
                rows += 50;
            }
            _ => {
                let lines: String = (0..200).map(|i| format!("s{number}-{i}\n")).collect();
                desk.file("list.csv", &format!("SKU\n{lines}"));
                desk.submit("list.csv");
                rows += 200;
            }
        }
        if number % 20 == 0 {
            let pid = "SELECT coalesce(max(pid), 0) FROM executions WHERE state = 'running'";
            let worker = count(&state, pid);
            // An execution that is killed again and again is left to people, so most kills are of the service.
            if worker > 0 && dice.below(4) == 0 {
                let _ = Command::new("kill").args(["-9", &worker.to_string()]).status();
                killed += 1;
            } else if dice.below(3) == 0 {
                service.kill();
                service = Service::start_at(&address.to_string(), path, &[], None);
                killed += 1;
                early = None;
            }
        }
        let now = takes(service.pid());
        early.get_or_insert(now);
        most = (most.0.max(now.0), most.1.max(now.1));
        std::thread::sleep(Duration::from_millis(50 + dice.below(250)));
    }
    drain(path, &state);

    let left = "SELECT count(*) FROM executions WHERE state NOT IN ('completed', 'completed with errors')";
    assert_eq!(count(&state, left), 0, "{:?}", states(&state));
    let store = path.join(".sconn/store.sqlite");
    assert_eq!(count(&store, "SELECT count(*) FROM items"), rows, "each row of each file, once");
    let twice: Vec<_> = calls(path).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "calls in more than one execution: {twice:?}");
    for body in &sent {
        let there = format!("SELECT count(*) FROM calls WHERE body = '{body}'");
        assert_eq!(count(&store, &there), 1, "{body} was answered 201");
    }
    // They go a moment after the end is told.
    eventually("no scratch files are left", || {
        let mut executions = std::fs::read_dir(path.join(".sconn/executions")).unwrap().map(Result::unwrap);
        !executions.any(|e| e.path().join(".work").exists())
    });
    assert_eq!(
        std::fs::read_dir(path.join("inbox"))
            .unwrap()
            .filter(|e| { e.as_ref().unwrap().file_type().unwrap().is_file() })
            .count(),
        0,
        "no file is left in the inbox"
    );
    assert!(most.0 < 200 && most.1 < 400, "the service had {} files open and {} MB", most.0, most.1);
    println!(
        "{minutes} minutes: {} executions, {rows} rows, {} calls answered 201, {killed} kills; the service had at most \
         {} files open and {} MB",
        count(&state, "SELECT count(*) FROM executions"),
        sent.len(),
        most.0,
        most.1,
    );
}

/// How many executions each call is in.
fn calls(path: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for execution in std::fs::read_dir(path.join(".sconn/executions")).unwrap() {
        for input in std::fs::read_dir(execution.unwrap().path().join("input")).unwrap() {
            let input = input.unwrap();
            if input.file_name().to_string_lossy().starts_with("webhooks-") {
                rows_of(&input.path())
                    .into_iter()
                    .for_each(|[.., body]| *found.entry(body).or_default() += 1);
            }
        }
    }
    found
}

fn states(state: &Path) -> BTreeMap<String, i64> {
    let connection = Connection::open(state).unwrap();
    let sql = "SELECT state || coalesce(' ' || failure, ''), count(*) FROM executions GROUP BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let all = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    all.map(Result::unwrap).collect()
}

/// Waits until nothing waits or runs any more; while it gets less, it goes on.
fn drain(path: &Path, state: &Path) {
    let open = || {
        let executions =
            "SELECT count(*) FROM executions WHERE state IN ('queued', 'running', 'interrupted')";
        let files = std::fs::read_dir(path.join("inbox")).unwrap();
        let files = files.filter(|e| e.as_ref().unwrap().path().extension().is_some()).count();
        let events = count(state, "SELECT count(*) FROM events WHERE state = 'waiting'");
        count(state, executions) + events + files as i64
    };
    let mut before = open();
    while before > 0 {
        before = until("it gets less", || Some(open()).filter(|now| *now < before));
    }
}
