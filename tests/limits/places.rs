//! How many of a connector run at once, and what becomes of one that waits for its place.

use super::{Desk, LIVE, interrupted};
use crate::common::project::{Running, SHOP, eventually, locked};
use serde_json::Value;
use std::process::{Command, Stdio};

#[test]
fn a_run_waits_until_there_is_a_place_for_it() {
    let desk = Desk::new("");
    let first = desk.sleeps_at("committed", &LIVE);
    let mut second = desk.command(&LIVE);
    let mut second = Running(second.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut said = std::io::BufReader::new(second.0.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains("waiting until another execution of the connector has ended"), "{line}");
    // A dry run changes nothing, and waits for nobody.
    desk.ends(0, &["run", "shop.sconn", "--no-report", "--input", "good.csv"]);
    first.wake();
    assert_eq!(first.ends().0, Some(0));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut said, &mut rest).unwrap();
    assert_eq!(second.0.wait().unwrap().code(), Some(0), "{rest}");
    let counts = |row: &Value| row["state"].as_str().unwrap().to_owned();
    let all = desk.json(&["executions", "list"]);
    assert_eq!(all.as_array().unwrap().iter().map(counts).collect::<Vec<_>>(), vec!["completed"; 3]);
}

/// A live run that waits for its place, and its id.
fn waits(desk: &Desk, more: &[&str]) -> (Running, String) {
    let mut run = desk.command(&[&LIVE, more].concat());
    let mut run = Running(run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    // What it says further is read from the pipe, byte by byte.
    let (said, mut line) = (run.0.stderr.as_mut().unwrap(), Vec::new());
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        std::io::Read::read_exact(said, &mut byte).unwrap();
        line.push(byte[0]);
    }
    assert!(String::from_utf8_lossy(&line).contains("waiting until another execution"));
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    eventually("it is in the queue", || desk.folder(&id).join(".work/frozen.json").exists());
    (run, id)
}

/// A live run that sleeps in the middle; its lease does not end for a while.
fn sleeps(desk: &Desk) -> Running {
    let run = desk.sleeps_at("committed", &LIVE);
    let later = "UPDATE executions SET lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds')
                 WHERE state = ?1";
    desk.set(later, "running");
    run
}

/// Sends a process to sleep; not while it keeps the state locked.
fn stop(desk: &Desk, process: &Running) {
    eventually("it sleeps, and holds nothing", || {
        signal(process, "-STOP");
        std::thread::sleep(std::time::Duration::from_millis(50));
        let free =
            desk.database().execute_batch("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK").is_ok();
        if !free {
            process.wake();
        }
        free
    });
}

fn signal(process: &Running, name: &str) {
    assert!(Command::new("kill").args([name, &process.0.id().to_string()]).status().unwrap().success());
}

/// What a process shows, and how it ends.
fn shows(mut process: Running) -> (String, Option<i32>, String) {
    let mut shown = String::new();
    std::io::Read::read_to_string(&mut process.0.stdout.take().unwrap(), &mut shown).unwrap();
    let (code, said) = process.ends();
    (shown, code, said)
}

#[test]
fn a_run_that_waits_says_what_became_of_it() {
    let desk = Desk::new("");
    let first = sleeps(&desk);
    let (run, id) = waits(&desk, &["--format", "json"]);
    signal(&run, "-INT");
    let (shown, code, _) = shows(run);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((shown, code), (serde_json::json!({ "id": id, "cancelled": true }), Some(1)));
    // By somebody else.
    let (run, id) = waits(&desk, &[]);
    desk.ends(0, &["executions", "cancel", &id]);
    let (shown, code, said) = shows(run);
    assert_eq!((shown, code), (format!("{id} is cancelled; it had not begun\n"), Some(1)), "{said}");
    // It stays where it waits: whoever takes that for a failure runs the same again.
    let (run, id) = waits(&desk, &[]);
    desk.ends(0, &["deactivate", "shop"]);
    let (_, code, said) = shows(run);
    assert_eq!((code, desk.state(&id).as_str()), (Some(2), "queued"), "{said}");
    assert!(said.contains("activate it: sconn activate shop"), "{said}");
    let stays = format!("{id} stays in the queue; cancel it with: sconn executions cancel {id}");
    assert!(said.contains(&stays), "{said}");
    assert!(desk.folder(&id).join(".work/frozen.json").exists(), "it can begin");
    drop(first);
}

/// Its own process has the folder, and does not take it.
#[test]
fn an_execution_that_cannot_be_taken_keeps_no_other_of_its_connector_waiting() {
    let desk = Desk::new("");
    let first = sleeps(&desk);
    let (second, waits) = waits(&desk, &[]);
    stop(&desk, &second);
    first.wake();
    assert_eq!(first.ends().0, Some(0));
    let third = desk.submit("good.csv");
    let _work = desk.start(&["work"]);
    eventually("another comes first", || desk.state(&third) == "completed");
    assert_eq!(desk.state(&waits), "queued");
    second.wake();
    let (_, code, said) = shows(second);
    assert_eq!((code, desk.state(&waits).as_str()), (Some(0), "completed"), "{said}");
}

#[test]
fn how_many_run_at_once_is_what_the_active_version_says() {
    let desk = Desk::new("");
    let begun = interrupted(&desk);
    desk.file("shop.sconn", &SHOP.replace("chunk   2", "chunk   2\n  concurrency 2"));
    desk.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    let beside = sleeps(&desk);
    let waits = desk.submit("good.csv");
    let _work = desk.start(&["work", "--at-once", "4"]);
    eventually("both others run", || [&begun, &waits].iter().all(|id| desk.state(id) == "completed"));
    beside.wake();
    assert_eq!(beside.ends().0, Some(0), "nobody waited for its end");
}

#[test]
fn a_run_that_waits_can_be_cancelled_and_holds_nothing() {
    let desk = Desk::new("");
    let first = desk.sleeps_at("committed", &LIVE);
    let (second, _) = waits(&desk, &[]);
    signal(&second, "-INT");
    let (shown, code, _) = shows(second);
    assert_eq!(code, Some(1));
    assert!(shown.contains("is cancelled; it had not begun"), "{shown}");
    first.wake();
    assert_eq!(first.ends().0, Some(0));
    assert_eq!(desk.json(&["executions", "list"])[0]["state"], "cancelled");
    // Where nothing may run, it is said before anything is queued.
    desk.file("shop.sconn", &SHOP.replace("chunk   2", "chunk   2\n  concurrency 0"));
    desk.ends(0, &["activate", "shop.sconn"]);
    let refused = desk.ends(2, &LIVE).stderr;
    assert!(
        refused.contains("its `concurrency` is 0") && refused.contains("sconn submit shop.sconn"),
        "{refused}"
    );
    assert_eq!(desk.json(&["executions", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_run_that_has_just_come_into_the_queue_is_left_to_its_own_process() {
    let desk = Desk::new("");
    // In the queue, and what it is asked is not kept yet.
    let run = desk.sleeps_at("registered", &LIVE);
    let mut work = desk.command(&["work", "--until-empty"]);
    let mut work = Running(work.stderr(Stdio::null()).spawn().unwrap());
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    let log = desk.folder(&id).join("worker.log");
    eventually("the queue came by", || log.exists());
    // And again, half a second later.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let row = desk.execution(&id);
    assert_eq!((&row["state"], &row["epoch"], &row["failure"]), (&"queued".into(), &0.into(), &Value::Null));
    run.wake();
    assert_eq!(run.ends().0, Some(0));
    assert!(work.0.wait().unwrap().success());
    assert_eq!((desk.state(&id).as_str(), desk.items()), ("completed", 5));
}

#[test]
fn a_run_that_waits_for_its_target_can_be_cancelled() {
    let desk = Desk::new("");
    let run = desk.sleeps_at("claimed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    let store = locked(desk.at(".sconn/store.sqlite"));
    run.wake();
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    desk.ends(0, &["executions", "cancel", &id]);
    // The store stays locked all the while.
    assert_eq!(run.ends().0, Some(1));
    store.execute_batch("ROLLBACK").unwrap();
    assert_eq!(desk.execution(&id)["state"], "cancelled");
    assert_eq!((&desk.summary(&id)["steps"][0]["counts"]["not_processed"], desk.items()), (&5.into(), 0));
}
