//! What the service says of itself: whether it is ready, and what is in its log.

use super::desk::Desk;
use super::slow::{open, rest};
use crate::common::project::{GOOD, eventually};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn however_many_ask_whether_it_is_ready_it_writes_once_a_moment() {
    let desk = Desk::new("");
    let service = desk.serve("0s");
    let state = desk.database();
    let beat = || state.query_row("SELECT at FROM heartbeat", [], |r| r.get::<_, String>(0)).unwrap();
    let beats: BTreeSet<String> = (0..40)
        .map(|_| {
            assert_eq!(service.get("/ready").status, 200);
            beat()
        })
        .collect();
    assert!(beats.len() < 20, "{beats:?}");
    eventually("it looks again", || service.get("/ready").status == 200 && !beats.contains(&beat()));
}

#[test]
fn over_a_newer_state_nothing_is_written() {
    let desk = Desk::new("");
    let service = desk.serve("0s");
    assert_eq!(service.get("/ready").json(), json!({"ready": true, "state": true, "disk": true}));
    desk.database().execute_batch("PRAGMA user_version = 99").unwrap();
    eventually("it is not ready", || service.get("/ready").status == 503);
    let layout = desk.database().query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0));
    assert_eq!(layout, Ok(99));
}

#[test]
fn what_a_stranger_asks_makes_no_long_lines() {
    let desk = Desk::new("");
    let service = desk.serve("0s");
    let (method, path) = ("M".repeat(60_000), format!("/{}", "p".repeat(30_000)));
    let answer = rest(open(
        &service,
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
    ));
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    eventually("it is in the log", || service.said().contains(" other \"/ppp"));
    let longest = service.said().lines().map(str::len).max().unwrap();
    assert!(longest < 700, "{longest}");
}

#[test]
fn what_keeps_the_queue_from_running_is_told_once_until_it_is_mended() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let told = || service.said().matches("error: the queue: ").count();
    let rename = |from: &str, to: &str| {
        desk.database().execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    };
    for times in 1..=2 {
        rename("outbox", "elsewhere");
        eventually("it is told", || told() == times);
        // Some turns more.
        std::thread::sleep(std::time::Duration::from_secs(2));
        assert_eq!(told(), times, "{}", service.said());
        rename("elsewhere", "outbox");
        let dry = service.submit("", GOOD);
        assert_eq!(service.ended(&dry)["state"], "completed");
    }
}
