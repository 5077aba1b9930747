//! Webhook events over the API.

use super::desk::{Answer, Desk, Service};
use serde_json::{Value, json};

const ORDERS: &str = r#"
connector orders {
  name    "Orders"
  trigger webhook { verify nothing }
  sample  "sample.csv"
}

object orders "Orders" {
  name: text required
  body: text
}

scope orders from input.webhooks {
  querystring: string required
  body:        string
}

load orders into orders {
  match name with querystring
  map {
    name <- querystring
    body <- body
  }
}
"#;
const EVENTS: &str = "/api/v1/connectors/orders/events";

/// Captured events of a connector that is not active.
pub fn captured(desk: &Desk, role: &str, count: usize) -> (Service, Vec<i64>) {
    desk.file("orders.sconn", ORDERS);
    desk.file("sample.csv", "timestamp,employee_id,querystring,body\n2024-01-01T00:00:00.000Z,,a=1,x\n");
    let service = desk.serve_as(role);
    let sent = (0..count).map(|n| {
        let headers = [("content-type", "text/plain"), ("x-user-id", "e7")];
        let answer = service.ask("POST", &format!("/hooks/orders?n={n}"), &headers, b"a body");
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["event"].as_i64().unwrap()
    });
    let ids = sent.collect();
    (service, ids)
}

fn post(service: &Service, what: &str, body: &Value) -> Answer {
    let path = format!("{EVENTS}/{what}");
    service.ask("POST", &path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

/// The events' ids and what became of them, the newest first.
fn states(service: &Service) -> Vec<(i64, String)> {
    let all = service.read(EVENTS);
    let all = all["events"].as_array().unwrap().iter();
    all.map(|e| (e["id"].as_i64().unwrap(), e["state"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn events_are_listed_a_page_at_a_time_and_shown_with_their_body() {
    let desk = Desk::new("");
    let (service, ids) = captured(&desk, "read", 3);
    let first = service.read(&format!("{EVENTS}?limit=2&state=captured"));
    let told: Vec<&Value> = first["events"].as_array().unwrap().iter().map(|e| &e["id"]).collect();
    assert_eq!((told, &first["next"]), (vec![&json!(ids[2]), &json!(ids[1])], &json!(ids[1])));
    let last = service.read(&format!("{EVENTS}?limit=2&before={}", ids[1]));
    assert_eq!((&last["events"][0]["id"], &last["next"]), (&json!(ids[0]), &Value::Null));
    assert!(last["events"][0].get("body").is_none() && last["events"][0]["bytes"] == 6, "{last}");
    assert_eq!(service.read(&format!("{EVENTS}?state=waiting"))["events"], json!([]));
    assert_eq!(service.read(&format!("/api/v1/events/{}", ids[0]))["body"], "a body");
    for (path, status) in [
        ("/api/v1/events/999", 404),
        ("/api/v1/events/x", 400),
        ("/api/v1/connectors/nothing/events", 404),
        (&format!("{EVENTS}?state=lost"), 400),
        (&format!("{EVENTS}?limit=501"), 400),
    ] {
        assert_eq!(service.get(path).status, status, "{path}");
    }
    for what in ["replay", "discard"] {
        assert_eq!(post(&service, what, &json!({"events": ids})).status, 403, "{what}");
    }
    assert!(states(&service).iter().all(|(_, state)| state == "captured"));
}

#[test]
fn events_are_tried_dry_run_live_once_and_discarded() {
    let desk = Desk::new("");
    let (service, ids) = captured(&desk, "run", 3);
    let tried = post(&service, "replay", &json!({"events": [ids[1]]}));
    assert_eq!(tried.status, 202, "{}", tried.text());
    let id = tried.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(tried.header("location"), format!("/api/v1/executions/{id}"));
    let dry = service.ended(&id);
    assert_eq!(
        (&dry["mode"], &dry["state"], &dry["steps"][0]["rows"]),
        (&json!("dry"), &json!("completed"), &json!(1))
    );
    assert_eq!(dry["triggered_by"], "run@example.com");
    assert!(
        states(&service).iter().all(|(_, state)| state == "captured"),
        "a dry run changes nothing of them"
    );
    // A list that came out empty does not mean all; and those that are named are asked when they came.
    for what in ["replay", "discard"] {
        let none = post(&service, what, &json!({"events": []}));
        assert_eq!((none.status, &none.json()["error"]), (422, &json!("which events?")), "{}", none.text());
        let late = post(&service, what, &json!({"events": ids, "since": "2100-01-01T00:00:00Z"}));
        assert_eq!(late.status, 422, "{}", late.text());
        assert!(late.text().contains("no such events of `orders` wait"), "{}", late.text());
    }
    assert!(states(&service).iter().all(|(_, state)| state == "captured"));
    let never = post(&service, "replay", &json!({"mode": "live"}));
    assert_eq!(never.status, 422, "{}", never.text());
    assert!(never.text().contains("never activated"), "{}", never.text());
    desk.ends(0, &["activate", "orders.sconn"]);
    let live = post(&service, "replay", &json!({"events": [ids[1]], "mode": "live"}));
    assert_eq!(live.status, 202, "{}", live.text());
    let live = service.ended(live.json()["id"].as_str().unwrap());
    assert_eq!(
        (&live["state"], &live["triggered_by"]),
        (&json!("completed"), &json!("run@example.com")),
        "{live}"
    );
    assert_eq!(service.read(&format!("/api/v1/events/{}", ids[1]))["execution"], live["id"]);
    let twice = post(&service, "replay", &json!({"events": [ids[1]], "mode": "live"}));
    assert_eq!(twice.status, 422, "each is in one execution: {}", twice.text());
    assert_eq!(post(&service, "discard", &json!({})).status, 422, "nothing is thrown away unsaid");
    assert_eq!(post(&service, "discard", &json!({"events": [999]})).status, 422);
    let gone = post(&service, "discard", &json!({"events": [ids[0], ids[1]]}));
    assert_eq!((gone.status, gone.json()), (200, json!({"discarded": 1, "already": 1})), "{}", gone.text());
    let expected = [(ids[2], "captured"), (ids[1], "batched"), (ids[0], "discarded")];
    assert_eq!(states(&service), expected.map(|(id, state)| (id, state.to_owned())));
    assert_eq!(
        post(&service, "discard", &json!({"since": "2999-01-01T00:00:00Z"})).status,
        422,
        "none came since"
    );
    let gone = post(&service, "discard", &json!({"all": true}));
    assert_eq!(gone.json(), json!({"discarded": 1, "already": 0}));
}
