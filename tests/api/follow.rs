//! An execution that is followed while it runs.

use super::desk::{Desk, Service};
use super::long_run;
use super::slow::open;
use crate::common::project::GOOD;
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
    let id = long_run(&service, 2_000);
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
