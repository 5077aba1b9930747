//! An execution that is followed while it runs.

use super::desk::{Desk, Service};
use super::long_run;
use super::slow::open;
use crate::common::project::{GOOD, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;

/// The events of a stream: their name and what they tell.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|b| b.contains("data: "));
    blocks
        .map(|block| {
            let of = |name: &str| block.lines().find_map(|l| l.strip_prefix(name)).unwrap();
            (of("event: ").to_owned(), serde_json::from_str(of("data: ")).unwrap())
        })
        .collect()
}

/// Follows an execution, and has heard of it.
fn listen(service: &Service, id: &str) -> BufReader<TcpStream> {
    let request = format!(
        "GET /api/v1/executions/{id}/progress HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        service.token
    );
    let mut stream = BufReader::new(open(service, request.as_bytes()));
    let mut line = String::new();
    while !line.starts_with("data: ") {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "it ended");
    }
    stream
}

#[test]
fn an_execution_is_followed_until_it_has_ended() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let service = desk.serve_as("run");
    let id = long_run(&service, 6_000);
    let path = format!("/api/v1/executions/{id}/progress");
    let told = service.get(&path);
    assert_eq!((told.status, told.header("content-type")), (200, "text/event-stream"));
    let events = events(&told.text());
    let (last, before) = events.split_last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["state"]), ("ended", &json!("completed")), "{}", last.1);
    assert!(!before.is_empty(), "it was in the middle");
    for (name, execution) in before {
        assert_eq!((name.as_str(), &execution["id"]), ("progress", &json!(id)));
        assert!(execution["ended_at"].is_null(), "{execution}");
    }
    assert!(before.windows(2).all(|w| w[0].1 != w[1].1), "only what is new is told");
    let shown = service.execution(&id);
    for name in ["id", "state", "steps", "ended_at"] {
        assert_eq!(last.1[name], shown[name], "it is what looking at it gives");
    }
    // One that has ended already says so at once.
    let after = self::events(&service.get(&path).text());
    assert_eq!(after.as_slice(), std::slice::from_ref(last));
    assert_eq!(service.get("/api/v1/executions/nothing/progress").status, 404);
}

#[test]
fn who_follows_and_goes_away_leaves_nothing_and_who_stays_holds_nothing_up() {
    let desk = Desk::new("[serve]\nconnections = 1\n");
    let token = desk.token("run", "run");
    let mut service = desk.serve("1d");
    service.token = token;
    // Its connector is not active: nothing ends it.
    let waits = service.submit("mode=live", GOOD);
    for _ in 0..3 {
        drop(listen(&service, &waits));
        assert_eq!(service.get("/health").text(), "ok\n", "the only connection is free again");
    }
    let mut stays = listen(&service, &waits);
    service.terminate();
    assert!(service.wait().success(), "{}", service.said());
    let mut rest = String::new();
    while stays.read_line(&mut rest).is_ok_and(|n| n > 0) {}
    assert!(!rest.contains("event: ended"), "{rest}");
}

/// What is answered to one who wants to follow an execution.
fn asks(service: &Service, id: &str) -> u16 {
    let request = format!(
        "GET /api/v1/executions/{id}/progress HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\r\n",
        service.token
    );
    let mut line = String::new();
    BufReader::new(open(service, request.as_bytes())).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_token_follows_only_so_many_at_once_and_all_together_leave_connections_to_others() {
    let desk = Desk::new("[serve]\nconnections = 40\n");
    let other = desk.token("other", "read");
    let mut service = desk.serve_as("run");
    let waits = service.submit("mode=live", GOOD);
    let mut own: Vec<_> = (0..8).map(|_| listen(&service, &waits)).collect();
    let told = service.get(&format!("/api/v1/executions/{waits}/progress"));
    assert_eq!(
        (told.status, &told.json()["error"]),
        (429, &json!("the token `run` follows 8 executions already"))
    );
    assert!(told.json()["help"].as_str().unwrap().contains("GET /api/v1/executions/{id}"));
    // Ten connections are a quarter of all.
    let run = std::mem::replace(&mut service.token, other);
    let others = [listen(&service, &waits), listen(&service, &waits)];
    let told = service.get(&format!("/api/v1/executions/{waits}/progress"));
    assert_eq!(told.status, 429, "{}", told.text());
    assert!(
        told.json()["error"].as_str().unwrap().starts_with("10 executions are followed"),
        "{}",
        told.text()
    );
    assert_eq!(service.get("/health").text(), "ok\n");
    drop(others);
    service.token = run;
    own.pop();
    eventually("who went away leaves a place", || asks(&service, &waits) == 200);
}

#[test]
fn a_stream_ends_with_its_token() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let waits = service.submit("mode=live", GOOD);
    for taken_back in [&["tokens", "remove", "reader"][..], &["tokens", "add", "reader", "--role", "read"]] {
        let mut reader = desk.serve("0s");
        reader.token = desk.token("reader", "read");
        let mut stream = listen(&reader, &waits);
        desk.ends(0, taken_back);
        let mut rest = String::new();
        while stream.read_line(&mut rest).unwrap() > 0 && !rest.ends_with("\r\n0\r\n") {}
        assert!(!rest.contains("event: "), "it ends: {rest}");
    }
}
