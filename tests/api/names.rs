//! What the command line tells programs has the names, the values and the shape that the API has for it: who knows
//! one knows the other.

use super::desk::{Desk, Service};
use super::events::captured;
use super::outbox::MAIL;
use crate::common::project::{GOOD, until};
use serde_json::{Value, json};

/// What is of use only on the machine itself.
const OF_THIS_MACHINE: [&str; 3] = ["epoch", "folder", "pid"];

/// One at `path` in the API's answer, and by the command line, are the same but for these fields. What changes by
/// itself is looked at again.
fn same(desk: &Desk, service: &Service, (path, at): (&str, &str), args: &[&str], but: &[&str]) -> Value {
    let read = || {
        let answer = service.read(path);
        answer.pointer(at).unwrap_or_else(|| panic!("{path}: {answer}")).clone()
    };
    let (api, line) = until("both are of one moment", || {
        let (before, line) = (read(), desk.json(args));
        (before == read()).then_some((before, line))
    });
    assert_eq!(without(&line, but), without(&api, but), "{args:?} and {path}");
    api
}

fn without(value: &Value, but: &[&str]) -> Value {
    match value {
        Value::Array(all) => all.iter().map(|one| without(one, but)).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !but.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[test]
fn an_execution_is_told_alike() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let errors = service.submit("name=bad.csv&param.region=APAC", "SKU,Price\nd,1\n,2\n");
    assert_eq!(service.ended(&errors)["state"], "completed_with_errors");
    let waits = service.submit("mode=live", GOOD);
    let stops = service.submit("mode=live", GOOD);
    let sql = "UPDATE executions SET state = 'running', stage = 'loading items', done = 1, total = 3,
               lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds'),
               cancel = 1, started_at = queued_at WHERE id = ?1";
    assert_eq!(desk.database().execute(sql, [&stops]).unwrap(), 1);
    for id in [&errors, &waits, &stops] {
        let path = format!("/api/v1/executions/{id}");
        let one = same(&desk, &service, (&path, ""), &["executions", "show", id], &OF_THIS_MACHINE);
        assert!(one["steps"].is_array() && one["waits"].is_string() == (id == &waits), "{one}");
    }
    let stops = service.execution(&stops);
    assert_eq!(
        (&stops["mode"], &stops["cancel_requested"], &stops["stage"]),
        (&json!("live"), &json!(true), &json!({ "name": "loading items", "done": 1, "total": 3 }))
    );
    let list = ["executions", "list"];
    same(&desk, &service, ("/api/v1/executions", "/executions"), &list, &OF_THIS_MACHINE);
}

#[test]
fn the_summary_is_of_the_execution() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let id = service.submit("name=bad.csv", "SKU,Price\nd,1\n,2\n");
    let (execution, summary) = (service.ended(&id), desk.summary(&id));
    for name in ["connector", "mode", "state", "failure"] {
        assert_eq!(summary[name], execution[name], "{name}");
    }
    assert_eq!(without(&summary["steps"], &["scope", "by_code"]), execution["steps"]);
    assert_eq!(service.read(&format!("/api/v1/executions/{id}/artefacts/summary")), summary);
}

#[test]
fn a_connector_is_told_alike() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let service = desk.serve_as("run");
    service.ended(&service.submit("mode=live", GOOD));
    let of = ("/api/v1/connectors", "/connectors");
    let all = same(&desk, &service, of, &["status"], &[]);
    assert_eq!(
        (&all[0]["status"], &all[0]["last_execution"]["mode"]),
        (&json!("Operational"), &json!("live"))
    );
}

#[test]
fn an_event_and_what_is_thrown_away_are_told_alike() {
    let desk = Desk::new("");
    let (service, ids) = captured(&desk, "run", 3);
    let path = "/api/v1/connectors/orders/events";
    let all = same(&desk, &service, (path, "/events"), &["events", "list", "orders"], &[]);
    assert_eq!((&all[0]["employee_id"], &all[0]["querystring"]), (&json!("e7"), &json!("n=2")));
    let show = ["events", "show", &ids[0].to_string()];
    same(&desk, &service, (&format!("/api/v1/events/{}", ids[0]), ""), &show, &[]);
    let json = [("content-type", "application/json")];
    let wanted = json!({ "events": [ids[0]] }).to_string();
    let api = service.ask("POST", &format!("{path}/discard"), &json, wanted.as_bytes()).json();
    let line = desk.json(&["events", "discard", "orders", &ids[1].to_string()]);
    assert_eq!((&line["discarded"], &line["already"]), (&json!(1), &json!(0)));
    assert_eq!(api, line);
}

#[test]
fn a_message_is_told_alike() {
    let desk = Desk::new(MAIL);
    let service = desk.serve_as("run");
    service.ended(&service.submit("", GOOD));
    service.until("/api/v1/outbox", |page| !page["messages"][0]["last_error"].is_null());
    let all = same(&desk, &service, ("/api/v1/outbox", "/messages"), &["outbox", "list"], &[]);
    let id = all[0]["id"].as_str().unwrap();
    let show = ["outbox", "show", id];
    let one = same(&desk, &service, (&format!("/api/v1/outbox/{id}"), ""), &show, &["content"]);
    // Where the project lies is for those on its machine alone.
    let own = desk.json(&show)["content"]["text"].as_str().unwrap().to_owned();
    let place = format!("{}/", desk.path().display());
    assert!(own.contains(&place) && own.contains("Shop"), "{own}");
    assert_eq!(one["content"]["text"], own.replace(&place, ""));
}
