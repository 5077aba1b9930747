//! The outbox over the API.

use super::desk::Desk;
use crate::common::project::GOOD;
use serde_json::{Value, json};

/// A mail server that nobody answers for.
pub const MAIL: &str =
    "[mail]\nserver = \"127.0.0.1\"\nport = 1\ntls = \"none\"\nfrom = \"sconn@example.com\"\n";

#[test]
fn messages_are_listed_shown_tried_again_and_taken_out() {
    let desk = Desk::new(MAIL);
    let reader = desk.token("reader", "read");
    let mut service = desk.serve_as("run");
    let ids: Vec<String> = (0..3).map(|_| service.submit("", GOOD)).collect();
    for id in &ids {
        service.ended(id);
    }
    // Whoever began them is told, which fails.
    let all = service.until("/api/v1/outbox", |page| {
        let all = page["messages"].as_array().unwrap();
        all.len() == 3 && all.iter().all(|m| !m["last_error"].is_null())
    });
    let all = all["messages"].as_array().unwrap().clone();
    let name = |m: &Value| m["id"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    let mut page = service.read("/api/v1/outbox?limit=2&state=waiting");
    loop {
        seen.extend(page["messages"].as_array().unwrap().iter().map(name));
        let Some(next) = page["next"].as_str() else { break };
        page = service.read(&format!("/api/v1/outbox?limit=2&state=waiting&before={next}"));
    }
    assert_eq!(seen, all.iter().map(name).collect::<Vec<_>>(), "each once, in order");
    assert!(all.is_sorted_by_key(|m| std::cmp::Reverse(m["created_at"].as_str().unwrap())), "{all:?}");
    let of = service.read(&format!("/api/v1/outbox?execution={}", ids[1]));
    assert_eq!(
        (of["messages"].as_array().unwrap().len(), &of["messages"][0]["execution"]),
        (1, &json!(ids[1]))
    );
    assert_eq!(service.read("/api/v1/outbox?state=sent")["messages"], json!([]));
    let one = name(&of["messages"][0]);
    let path = format!("/api/v1/outbox/{one}");
    let shown = service.read(&path);
    assert_eq!((&shown["kind"], &shown["recipient"]), (&json!("mail"), &json!("run@example.com")));
    assert!(shown["content"]["text"].as_str().unwrap().contains("Shop"), "{shown}");
    assert_eq!(shown["content"]["attachment"], format!("report-{}.xlsx", ids[1]));
    assert!(shown["content"].get("attach").is_none(), "where it lies is not told: {shown}");
    // Nor is that of the project, of which the summary in it tells.
    let root = desk.path().canonicalize().unwrap().display().to_string();
    assert!(!shown.to_string().contains(&root), "{shown}");
    let again = service.post(&format!("{path}/retry"));
    assert_eq!((again.status, &again.json()["state"]), (200, &json!("waiting")), "{}", again.text());
    service.until(&path, |m| m["attempts"].as_i64() > shown["attempts"].as_i64());
    let out = service.post(&format!("{path}/discard"));
    assert_eq!((out.status, &out.json()["id"]), (200, &json!(one)), "{}", out.text());
    for (method, of) in
        [("GET", path.clone()), ("POST", format!("{path}/retry")), ("POST", format!("{path}/discard"))]
    {
        assert_eq!(service.ask(method, &of, &[], b"").status, 404, "{method} {of}");
    }
    let left = desk.ends(0, &["outbox", "list", "--format", "json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&left).unwrap().as_array().unwrap().len(), 2);
    let other = format!("/api/v1/outbox/{}", seen.iter().find(|id| **id != one).unwrap());
    service.token = reader;
    assert_eq!(service.get(&other).status, 200);
    for what in ["retry", "discard"] {
        assert_eq!(service.post(&format!("{other}/{what}")).status, 403);
    }
    let missing = ["/api/v1/outbox/msg_x", "/api/v1/outbox?before=msg_x", "/api/v1/outbox?execution=x"];
    assert_eq!(missing.map(|path| service.get(path).status), [404; 3]);
}

#[test]
fn a_message_that_was_sent_is_not_sent_again() {
    let desk = Desk::new(MAIL);
    let service = desk.serve_as("run");
    service.ended(&service.submit("", GOOD));
    let page = service.until("/api/v1/outbox", |p| !p["messages"][0]["last_error"].is_null());
    let id = page["messages"][0]["id"].as_str().unwrap();
    let state = desk.database();
    let done = state.execute("UPDATE outbox SET state = 'sent', done_at = created_at WHERE id = ?1", [id]);
    assert_eq!(done.unwrap(), 1);
    let again = service.post(&format!("/api/v1/outbox/{id}/retry"));
    assert_eq!((again.status, &again.json()["error"]), (409, &json!("the message was sent")));
    assert_eq!(service.post(&format!("/api/v1/outbox/{id}/discard")).status, 409);
    assert_eq!(service.read(&format!("/api/v1/outbox/{id}"))["state"], "sent", "it can be looked up");
}
