//! Many events, and kill -9 among them: each that was answered 2xx is in exactly one execution.
//!
//! `SCONN_HOOK_EVENTS=100000 cargo test --test sconn hooks::load -- --nocapture` for the long form.

use super::Desk;
use super::serving::{post, rows};
use crate::common::project::{eventually, until};
use crate::common::service::Service;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

const SENDERS: usize = 16;

#[test]
fn every_event_that_was_answered_2xx_is_in_exactly_one_execution_whatever_is_killed() {
    let events: usize = std::env::var("SCONN_HOOK_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let kills = (events / 400).clamp(4, 40);
    let desk = Desk::active("verify nothing batch 1s count 400");
    let service = Mutex::new(desk.serve());
    let address = service.lock().unwrap().address;
    // Another process makes executions of them at the same time; it runs none.
    let queues = ["work", "--at-once", "0"];
    let work = Mutex::new(desk.start(&queues));
    let (next, taken, sending) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(true));
    let sure: Mutex<HashSet<usize>> = Mutex::default();
    let since = Instant::now();
    std::thread::scope(|threads| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                threads.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= events {
                            return;
                        }
                        send(address, n, &sure);
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        threads.spawn(|| {
            for kill in 1..=kills {
                let at = events * kill / (kills + 1);
                while taken.load(Ordering::Relaxed) < at && sending.load(Ordering::Relaxed) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                // What batches beside it is killed as well.
                let mut work = work.lock().unwrap();
                *work = desk.start(&queues);
                let mut service = service.lock().unwrap();
                service.kill();
                *service = Service::start_at(&address.to_string(), desk.path(), &["--at-once", "0"], None);
            }
        });
        for sender in senders {
            sender.join().unwrap();
        }
        sending.store(false, Ordering::Relaxed);
    });
    let took = since.elapsed().as_secs_f64();
    eventually("no event waits", || waiting(&desk) == 0);
    drop(work);
    let found = in_executions(&desk);
    let sure = sure.into_inner().unwrap();
    let lost: Vec<&usize> = sure.iter().filter(|n| !found.contains_key(*n)).collect();
    let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    assert!(lost.is_empty(), "answered 2xx, and in no execution: {lost:?}");
    assert!(twice.is_empty(), "in more than one execution, or twice in one: {twice:?}");
    assert!(sure.len() > events / 2, "{} of {events} were answered", sure.len());
    println!(
        "{events} events in {took:.1} s, {kills} kills: {} answered 2xx, {} in executions, none twice",
        sure.len(),
        found.len()
    );
}

/// Every other event has an id, and is sent until it is answered; the others are sent once: without an id
/// nobody can tell whether the one before was taken.
fn send(address: std::net::SocketAddr, n: usize, sure: &Mutex<HashSet<usize>>) {
    let (key, body) = (format!("k{n}"), format!("{{\"n\": {n}}}"));
    let mut headers = vec![("content-type", "application/json")];
    let again = n.is_multiple_of(2);
    if again {
        headers.push(("idempotency-key", key.as_str()));
    }
    let taken = || {
        let answer = post(address, "/hooks/orders", &headers, body.as_bytes());
        let taken = answer.is_some_and(|a| matches!(a.status, 200 | 201));
        (taken || !again).then_some(taken)
    };
    if until("an event that may be sent again is taken", taken) {
        sure.lock().unwrap().insert(n);
    }
}

fn waiting(desk: &Desk) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE state = 'waiting'";
    desk.database().query_row(sql, [], |r| r.get(0)).unwrap()
}

/// How often each event is in an execution's input.
fn in_executions(desk: &Desk) -> HashMap<usize, usize> {
    let mut found = HashMap::new();
    let state = desk.database();
    let mut all = state.prepare("SELECT folder FROM executions").unwrap();
    let folders = all.query_map([], |r| r.get::<_, String>(0)).unwrap().map(|r| r.unwrap());
    for folder in folders {
        for file in std::fs::read_dir(desk.at(&folder).join("input")).unwrap() {
            for row in rows(&file.unwrap().path()) {
                let body: serde_json::Value = serde_json::from_str(&row[3]).unwrap();
                *found.entry(usize::try_from(body["n"].as_u64().unwrap()).unwrap()).or_default() += 1;
            }
        }
    }
    found
}
