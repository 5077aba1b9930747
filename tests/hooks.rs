//! Webhooks: what comes in over HTTP, from whom, what is kept of it, and the executions it becomes.

mod load;
pub mod serving;

use crate::common::project::{Project, eventually, locked, opened, until};
use crate::common::service::Service;
use serde_json::Value;
use serving::{Answer, signed};
use std::ops::Deref;
use std::path::PathBuf;

/// A connector of webhooks; `trigger` stands in the braces of its trigger.
fn connector(trigger: &str) -> String {
    format!(
        r#"
connector orders {{
  name    "Orders"
  trigger webhook {{ {trigger} }}
  sample  "sample.csv"
}}

object orders "Orders" {{
  name: text required
  body: longtext
}}

scope orders {{
  sql {{ SELECT querystring AS name, body FROM input.webhooks }}
  name: string required
  body: string
}}

load orders into orders {{
  match name with name
  map {{
    name <- name
    body <- body
  }}
}}
"#
    )
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3";

/// A project with one webhook.
struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    fn new(trigger: &str) -> Self {
        let desk = Self(Project::new(""));
        desk.file("orders.sconn", &connector(trigger));
        desk.file("sample.csv", "timestamp,employee_id,querystring,body\n2024-01-01T00:00:00.000Z,,a=1,{}\n");
        desk
    }

    fn active(trigger: &str) -> Self {
        let desk = Self::new(trigger);
        desk.ends(0, &["activate", "orders.sconn"]);
        desk
    }

    /// Serves the project without running what is queued.
    fn serve(&self) -> Service {
        Service::start(self.path(), &["--at-once", "0"])
    }

    /// The states of the connector's events, the oldest first.
    fn events(&self) -> Vec<String> {
        let all = self.json(&["events", "list", "orders"]);
        let states = all.as_array().unwrap().iter().map(|e| e["state"].as_str().unwrap().to_owned());
        states.rev().collect()
    }

    /// The executions, the newest first, once there are so many.
    fn queued(&self, count: usize) -> Vec<Value> {
        until("there are so many executions", || Some(self.0.executions()).filter(|all| all.len() >= count))
    }

    /// The rows of an execution's input.
    fn input(&self, execution: &Value) -> Vec<[String; 4]> {
        let folder = self.at(execution["folder"].as_str().unwrap()).join("input");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        serving::rows(&files.remove(0))
    }

    fn records(&self) -> Vec<String> {
        let store = self.at(".sconn/store.sqlite");
        let store = opened(store);
        let mut all = store.prepare("SELECT name || ' ' || body FROM orders ORDER BY 1").unwrap();
        all.query_map([], |r| r.get(0)).unwrap().map(|r| r.unwrap()).collect()
    }
}

fn json_post(service: &Service, path: &str, body: &str) -> Answer {
    service.post(path, &[("content-type", "application/json")], body.as_bytes())
}

#[test]
fn a_webhook_is_kept_inactive_while_sample_payloads_are_captured_without_a_live_run() {
    let desk = Desk::new("verify nothing");
    // Only its trigger is there yet: that is enough to capture with.
    let whole = std::fs::read_to_string(desk.at("orders.sconn")).unwrap();
    desk.file("orders.sconn", "connector orders { trigger webhook { verify nothing } }\nscope broken {");
    let service = desk.serve();
    for n in 0..2 {
        let answer = json_post(&service, &format!("/hooks/orders?n={n}"), "{\"a\": \"x, \\\"y\\\"\"}");
        assert_eq!((answer.status, answer.json()["event"].as_i64()), (201, Some(n + 1)), "{}", answer.body);
    }
    assert_eq!(desk.events(), ["captured", "captured"]);
    assert!(desk.ends(0, &["status"]).stdout.contains("orders  Setup in Progress"));
    let shown = desk.ends(0, &["events", "show", "2"]).stdout;
    assert!(shown.contains("query        n=1") && shown.contains("{\"a\": \"x, \\\"y\\\"\"}"), "{shown}");
    // A connector is developed on them.
    let lost = desk.ends(2, &["events", "sample", "orders", "--to", "orders.sconn"]).stderr;
    assert!(lost.contains("orders.sconn: it is there already") && lost.contains("--force"), "{lost}");
    desk.ends(0, &["events", "sample", "orders", "--to", "sample.csv", "--force"]);
    desk.file("orders.sconn", &whole);
    desk.ends(0, &["check", "orders.sconn"]);
    let dry = desk.ends(0, &["events", "replay", "orders.sconn", "2", "--no-report"]);
    assert!(dry.stdout.contains('1'), "{}", dry.stdout);
    assert_eq!(desk.events(), ["captured", "captured"], "a dry run changes nothing of them");
    let runs = desk.queued(1);
    assert_eq!((runs.len(), runs[0]["mode"].as_str()), (1, Some("dry")));
    assert_eq!(desk.input(&runs[0])[0][2], "n=1");
}

#[test]
fn what_arrived_while_inactive_is_not_processed_retroactively_but_can_be_on_purpose() {
    let desk = Desk::active("verify nothing count 1");
    desk.ends(0, &["deactivate", "orders"]);
    let service = desk.serve();
    for n in 0..3 {
        assert_eq!(json_post(&service, &format!("/hooks/orders?n={n}"), "{}").status, 201);
    }
    desk.ends(0, &["activate", "orders"]);
    assert_eq!(json_post(&service, "/hooks/orders?n=3", "{}").status, 201);
    let runs = desk.queued(1);
    assert_eq!(desk.events(), ["captured", "captured", "captured", "batched"]);
    assert_eq!(desk.input(&runs[0])[0][2], "n=3");
    // Somebody says what becomes of the others.
    assert!(desk.ends(0, &["events", "discard", "orders", "1"]).stdout.contains("1 events are discarded"));
    let by = "ann@example.com";
    let id = desk.ends(0, &["events", "replay", "orders", "--live", "--by", by]).stdout.trim().to_owned();
    assert_eq!(desk.events(), ["discarded", "batched", "batched", "batched"]);
    desk.ends(0, &["work", "--until-empty"]);
    let ran = desk.json(&["executions", "show", &id]);
    assert_eq!((ran["state"].as_str(), ran["triggered_by"].as_str()), (Some("completed"), Some(by)));
    assert_eq!(desk.records(), ["n=1 {}", "n=2 {}", "n=3 {}"]);
    // Nothing becomes of one event twice.
    let again = desk.ends(2, &["events", "replay", "orders", "2", "--live"]);
    assert!(again.stderr.contains("event 2 is batched, in execution"), "{}", again.stderr);
    let thrown = desk.ends(1, &["events", "discard", "orders", "2"]);
    assert!(thrown.stdout.contains("of 1 something became already"), "{}", thrown.stdout);
    assert_eq!(desk.queued(2).len(), 2);
}

#[test]
fn executions_queued_by_a_webhook_are_listed_before_it_is_active_again() {
    let desk = Desk::active("verify nothing batch 1s");
    let service = desk.serve();
    assert_eq!(json_post(&service, "/hooks/orders?n=1", "{}").status, 201);
    desk.ends(0, &["deactivate", "orders"]);
    // It came while the connector was active: its window still ends in an execution, which waits.
    let id = desk.queued(1)[0]["id"].as_str().unwrap().to_owned();
    desk.ends(0, &["work", "--until-empty"]);
    assert_eq!(desk.json(&["executions", "show", &id])["state"], "queued");
    assert!(desk.ends(2, &["activate", "orders"]).stderr.contains(&id));
    desk.ends(0, &["activate", "orders", "--keep-queued"]);
    desk.ends(0, &["work", "--until-empty"]);
    assert_eq!(desk.records(), ["n=1 {}"]);
}

#[test]
fn a_window_becomes_one_execution_whose_input_is_kept_to_the_letter_and_can_be_run_again() {
    let desk = Desk::active("verify nothing batch 1h count 5");
    let service = Service::start(desk.path(), &[]);
    let form = "a=1&b=%C3%A9+x";
    let parts = "--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\none\r\n--x--\r\n";
    let sent = [
        ("application/json", " {\"a\":\t\"x, \\\"y\\\"; é\"}\r\n "),
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=x", parts),
        ("application/xml", "<a>\n  <b>1</b>\n</a>\n"),
        ("text/plain", "=1+1;\t\"quoted\"\n\nend"),
    ];
    for (n, (kind, body)) in sent.iter().enumerate() {
        let headers = [("content-type", *kind), ("x-user-id", "e7")];
        assert_eq!(
            service.post(&format!("/hooks/orders?n={n}&x=%20"), &headers, body.as_bytes()).status,
            201
        );
    }
    let run = until("it ends", || {
        let run = desk.queued(1).remove(0);
        run["ended_at"].is_string().then_some(run)
    });
    assert_eq!((run["state"].as_str(), run["triggered_by"].as_str()), (Some("completed"), Some("webhook")));
    for (n, row) in desk.input(&run).iter().enumerate() {
        assert!(row[0].parse::<jiff::Timestamp>().is_ok(), "{row:?}");
        assert_eq!(row[1..], ["e7".to_owned(), format!("n={n}&x=%20"), sent[n].1.to_owned()]);
    }
    let expected: Vec<String> =
        sent.iter().enumerate().map(|(n, (_, body))| format!("n={n}&x=%20 {body}")).collect();
    assert_eq!(desk.records(), expected, "the records have the bodies to the letter");
    let copy = desk.at("again");
    let id = run["id"].as_str().unwrap();
    desk.ends(0, &["executions", "download", id, "input", "--to", copy.to_str().unwrap()]);
    let file = std::fs::read_dir(&copy).unwrap().next().unwrap().unwrap().path();
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("webhooks-") && name.ends_with(".csv"), "{name}");
    desk.ends(0, &["run", "orders.sconn", "--input", file.to_str().unwrap(), "--no-report"]);
}

#[test]
fn a_signed_webhook_takes_signed_requests_within_300_seconds_and_an_id_once() {
    let desk = Desk::active("secret secret(\"ORDERS\") batch 1h");
    desk.file(".sconn/secrets/ORDERS", &format!("{KEY}\n{NEW}\n"));
    let service = desk.serve();
    let now = jiff::Timestamp::now().as_second();
    let send = |key: &str, id: &str, at: i64, body: &str, sent: &str| {
        let headers = signed(key, id, at, body);
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        headers.push(("content-type", "application/json"));
        service.post("/hooks/orders", &headers, sent.as_bytes())
    };
    // Row 54 of the hostile corpus: a bad signature, or 301 seconds away.
    assert_eq!(send(KEY, "a", now, "{}", "{ }").status, 401);
    assert_eq!(send("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "a", now, "{}", "{}").status, 401);
    assert_eq!(send(KEY, "a", now - 301, "{}", "{}").status, 401);
    // The clock goes on while the test runs: some more than 301.
    assert_eq!(send(KEY, "a", now + 400, "{}", "{}").status, 401);
    let unsigned = json_post(&service, "/hooks/orders", "{}");
    assert_eq!(unsigned.status, 401);
    assert!(unsigned.body.contains("`webhook-id` is missing"), "{}", unsigned.body);
    assert_eq!(desk.events(), [""; 0]);
    // Both secrets count while one takes the other's place.
    let first = send(KEY, "a", now, "{}", "{}");
    assert_eq!((first.status, first.json()["known"].as_bool()), (201, Some(false)), "{}", first.body);
    assert_eq!(send(NEW, "b", now - 200, "{}", "{}").status, 201);
    // Row 55: an id that comes again is the same event, also signed anew.
    for at in [now, now + 5] {
        let again = send(KEY, "a", at, "{}", "{}");
        assert_eq!((again.status, again.json()["event"].as_i64()), (200, first.json()["event"].as_i64()));
    }
    assert_eq!(desk.events(), ["waiting", "waiting"]);
    assert!(!service.said().contains("MfKQ"), "{}", service.said());
}

#[test]
fn a_token_lets_in_and_a_webhook_without_its_secret_lets_nobody_in() {
    let desk = Desk::active("secret secret(\"ORDERS\") verify token batch 1h");
    let service = desk.serve();
    let send = |name: &str, value: &str| {
        service.post("/hooks/orders", &[(name, value), ("content-type", "text/plain")], b"x").status
    };
    assert_eq!(send("x-api-key", ""), 503, "there is no secret yet");
    eventually("it is told", || service.said().contains("there is no secret `ORDERS`"));
    desk.file(".sconn/secrets/ORDERS", "s3cret\n");
    eventually("the secret is known", || send("x-api-key", "s3cret") == 201);
    assert_eq!(send("authorization", "Bearer s3cret"), 201);
    assert_eq!((send("x-api-key", "s3cre"), send("x-api-key", ""), send("x", "s3cret")), (401, 401, 401));
    assert_eq!(desk.events().len(), 2);
}

#[test]
fn hostile_requests_are_refused_and_nothing_of_them_is_kept() {
    let desk = Desk::active("verify nothing batch 1h");
    desk.file("sconn.toml", "[hooks]\nwait = \"3s\"\n");
    desk.file("sheet.sconn", "connector sheet { trigger spreadsheet }\n");
    let service = desk.serve();
    let json = ("content-type", "application/json");
    let post = |path: &str, headers: &[(&str, &str)], body: &[u8]| service.post(path, headers, body);
    // One that is no webhook is told as one that is not there.
    let (none, sheet) = (post("/hooks/nothing", &[json], b"{}"), post("/hooks/sheet", &[json], b"{}"));
    assert_eq!((none.status, sheet.status), (404, 404));
    assert_eq!(none.body.replace("nothing", "X"), sheet.body.replace("sheet", "X"));
    assert_eq!(service.raw(b"GET /hooks/orders HTTP/1.1\r\nhost: x\r\n\r\n").status, 405);
    // Rows 56 and 57: oversized, a gzip bomb, a slow body; a wrong content type.
    let large = vec![b' '; (256 << 10) + 1];
    assert_eq!(post("/hooks/orders", &[("content-type", "text/plain")], &large).status, 413);
    assert_eq!(post("/hooks/orders", &[("content-type", "text/plain")], &large[1..]).status, 201);
    let mut chunked = b"POST /hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n\
        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    chunked.extend(b"40001\r\n");
    chunked.extend(&large);
    chunked.extend(b"\r\n0\r\n\r\n");
    assert_eq!(service.raw(&chunked).status, 413);
    let gzip = [json, ("content-encoding", "gzip")];
    assert_eq!(post("/hooks/orders", &gzip, b"\x1f\x8b\x08\x00").status, 415);
    let slow = b"POST /hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nslow";
    assert_eq!(service.raw(slow).status, 408);
    for kind in ["application/octet-stream", "image/png", "text/plain; charset=latin1"] {
        assert_eq!(post("/hooks/orders", &[("content-type", kind)], b"x").status, 415, "{kind}");
    }
    assert_eq!(post("/hooks/orders", &[], b"x").status, 415, "no content type");
    let file = "--x\r\ncontent-disposition: form-data; name=\"a\"; filename=\"a.exe\"\r\n\r\nMZ\r\n--x--\r\n";
    let multipart = ("content-type", "multipart/form-data; boundary=x");
    assert_eq!(post("/hooks/orders", &[multipart], file.as_bytes()).status, 415);
    assert_eq!(post("/hooks/orders", &[multipart], b"--y\r\nnonsense").status, 400);
    let query = "q".repeat(4097);
    assert_eq!(post(&format!("/hooks/orders?{query}"), &[json], b"{}").status, 414);
    assert_eq!(post(&format!("/hooks/orders?{}", &query[1..]), &[json], b"{}").status, 201);
    let bad = post("/hooks/orders", &[json], b"{\"a\": 1,\n \"b\" 2}");
    assert_eq!(bad.status, 400);
    assert!(bad.body.contains("line 2 column 6"), "{}", bad.body);
    assert_eq!(post("/hooks/orders", &[json], b"\"\xFF\"").status, 400);
    let deep = "[".repeat(10_000);
    assert_eq!(post("/hooks/orders", &[json], deep.as_bytes()).status, 400);
    let long = "k".repeat(300);
    assert_eq!(post("/hooks/orders", &[json, ("idempotency-key", &long)], b"{}").status, 400);
    // What is kept of the headers is no way around the limit of the body.
    for (name, rest) in [("x-user-id", ""), ("content-type", "text/plain; x=")] {
        let told = |length: usize| {
            let value = format!("{rest}{}", "u".repeat(length - rest.len()));
            let kind = ("content-type", "text/plain");
            let headers = if name == kind.0 { vec![(name, &*value)] } else { vec![kind, (name, &*value)] };
            post("/hooks/orders?of=headers", &headers, b"x")
        };
        let long = told(257);
        assert_eq!(long.status, 400, "{name}");
        assert!(long.body.contains(&format!("the header `{name}` has 257 characters; 256 are taken")));
        assert_eq!(told(256).status, 201, "{name}");
    }
    // No content at all is one: what counts may stand in the query string.
    assert_eq!(post("/hooks/orders?only=this", &[], b"").status, 201);
    assert_eq!(desk.events(), ["waiting"; 5]);
}

/// Each as its sender wrote it: an id that was left out would let an event in twice.
#[test]
fn headers_are_utf_8_and_what_is_not_is_refused_by_its_name() {
    let desk = Desk::active("verify nothing batch 1h");
    let service = desk.serve();
    let post = |name: &str, value: &[u8]| {
        let head = format!("POST /hooks/orders HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{name}: ");
        let rest = b"\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\nx";
        service.raw(&[head.as_bytes(), value, rest].concat())
    };
    let first = post("idempotency-key", "Müller-1".as_bytes());
    let again = post("idempotency-key", "Müller-1".as_bytes());
    assert_eq!((first.status, again.status), (201, 200), "{}", again.body);
    assert_eq!(desk.json(&["events", "show", "1"])["key"], "Müller-1");
    let sent = post("x-user-id", "Jürgen".as_bytes());
    assert_eq!(sent.status, 201, "{}", sent.body);
    let id = sent.json()["event"].to_string();
    assert_eq!(desk.json(&["events", "show", &id])["employee_id"], "Jürgen");
    // So many characters, not bytes.
    assert_eq!(post("x-user-id", "ü".repeat(256).as_bytes()).status, 201);
    assert_eq!(post("idempotency-key", "ü".repeat(256).as_bytes()).status, 201);
    assert_eq!(post("x-user-id", "ü".repeat(257).as_bytes()).status, 400);
    for name in ["x-user-id", "idempotency-key", "webhook-id"] {
        let refused = post(name, b"M\xFCller");
        assert_eq!(refused.status, 400, "{name}: {}", refused.body);
        assert_eq!(refused.json()["error"], format!("the header `{name}` is not UTF-8 text"));
    }
    assert_eq!(desk.events().len(), 4);
    let nowhere = post_to(&service, "/hooks/h%FF");
    assert_eq!(nowhere.status, 400, "{}", nowhere.body);
    assert_eq!(nowhere.json()["error"], "the address is not UTF-8 text");
}

fn post_to(service: &Service, path: &str) -> Answer {
    service.post(path, &[("content-type", "text/plain")], b"x")
}

#[test]
fn what_waited_in_a_window_is_asked_about_before_its_connector_is_active_again() {
    let desk = Desk::active("verify nothing batch 1h");
    let service = desk.serve();
    assert_eq!(json_post(&service, "/hooks/orders?n=1", "{}").status, 201);
    drop(service);
    assert_eq!(desk.events(), ["waiting"]);
    desk.ends(0, &["deactivate", "orders"]);
    let asked = desk.ends(2, &["activate", "orders"]).stderr;
    assert!(asked.contains("1 execution would begin or go on once `orders` is active"), "{asked}");
    assert_eq!((desk.events(), desk.executions().len()), (vec!["batched".to_owned()], 1));
    desk.ends(0, &["activate", "orders", "--cancel-queued"]);
    assert_eq!(desk.executions()[0]["state"], "cancelled");
}

#[test]
fn all_that_waits_in_windows_is_cancelled_where_that_is_said() {
    let desk = Desk::active("verify nothing batch 1h count 1");
    let waiting: Vec<String> = (0..45)
        .map(|n| format!("('orders', '2026-11-26T00:00:00.000Z', '', 'n={n}', 'text/plain', 'x', 'waiting')"))
        .collect();
    let sql = format!(
        "INSERT INTO events(connector, received_at, employee, querystring, content_type, body, state) VALUES {}",
        waiting.join(", ")
    );
    desk.ends(0, &["deactivate", "orders"]);
    desk.database().execute(&sql, []).unwrap();
    desk.ends(0, &["activate", "orders", "--cancel-queued"]);
    let all = desk.executions();
    assert_eq!(all.len(), 45);
    assert!(all.iter().all(|e| e["state"] == "cancelled"), "{all:?}");
    assert!(desk.events().iter().all(|state| state == "batched"));
    desk.ends(0, &["work", "--until-empty"]);
    assert!(!desk.at(".sconn/store.sqlite").exists(), "nothing ran");
}

#[test]
fn events_that_no_version_can_run_any_more_do_not_keep_a_connector_inactive() {
    let desk = Desk::active("verify nothing batch 1h");
    desk.ends(0, &["deactivate", "orders"]);
    let sql = "INSERT INTO events(connector, received_at, employee, querystring, content_type, body, state)
               VALUES ('orders', '2026-11-26T00:00:00.000Z', '', 'n=1', 'text/plain', 'x', 'waiting')";
    desk.database().execute(sql, []).unwrap();
    desk.database().execute("UPDATE versions SET plan = 'of another sconn'", []).unwrap();
    let told = desk.ends(2, &["activate", "orders"]).stderr;
    assert!(told.contains("the webhook events of `orders` that wait cannot be queued: version 1"), "{told}");
    assert!(
        told.contains("sconn events discard orders --all") && !told.contains("activate it again"),
        "{told}"
    );
    desk.ends(0, &["events", "sample", "orders", "--to", "kept.csv"]);
    desk.ends(0, &["events", "discard", "orders", "--all"]);
    desk.ends(0, &["activate", "orders"]);
}

#[test]
fn a_limit_above_the_usual_one_holds_for_forms_in_parts_too() {
    let desk = Desk::active("verify nothing batch 1h");
    desk.file("sconn.toml", "[hooks]\nbody = \"4MiB\"\n");
    let service = desk.serve();
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    let form = |bytes: usize| {
        let part = "x".repeat(bytes);
        format!("--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n{part}\r\n--x--\r\n")
    };
    let taken = service.post("/hooks/orders", &multipart, form(3 << 20).as_bytes());
    assert_eq!(taken.status, 201, "{}", taken.body);
    let shown = desk.json(&["events", "show", &taken.json()["event"].to_string()]);
    assert!(shown["body"] == form(3 << 20), "it is kept to the letter");
    let large = service.post("/hooks/orders", &multipart, form(4 << 20).as_bytes());
    assert_eq!(large.status, 413, "{}", large.body);
    let told = large.json();
    assert_eq!(told["error"], format!("the body has more than {} bytes", 4 << 20));
    assert!(told["help"].as_str().unwrap().contains("`body` in the section [hooks]"), "{told}");
    assert_eq!(desk.events(), ["waiting"]);
}

#[test]
fn what_the_disk_cannot_take_is_told_to_come_again() {
    let desk = Desk::active("verify nothing batch 1h");
    desk.file("sconn.toml", "[hooks]\nqueue = \"2KiB\"\n");
    let service = desk.serve();
    assert_eq!(json_post(&service, "/hooks/orders", "{}").status, 201);
    // Somebody else writes, and goes on: what comes in meanwhile waits, until there is no more room.
    let other = locked(desk.at(".sconn/state.sqlite"));
    let waiting: Vec<Answer> = std::thread::scope(|threads| {
        let sending: Vec<_> =
            (0..12).map(|_| threads.spawn(|| json_post(&service, "/hooks/orders", "{}"))).collect();
        eventually("some are refused", || sending.iter().filter(|s| s.is_finished()).count() >= 6);
        other.execute_batch("COMMIT").unwrap();
        sending.into_iter().map(|s| s.join().unwrap()).collect()
    });
    let kept = waiting.iter().filter(|a| a.status == 201).count();
    assert!((1..=6).contains(&kept), "{kept}");
    for refused in waiting.iter().filter(|a| a.status != 201) {
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    }
    assert_eq!(desk.events().len(), kept + 1);
}

#[test]
fn killed_at_any_point_an_event_that_was_taken_is_in_exactly_one_execution() {
    // (where it dies, whether the sender may have had an answer)
    for (point, answered) in
        [("events taken", false), ("events kept", false), ("events prepared", true), ("events queued", true)]
    {
        let desk = Desk::active("verify nothing batch 1h count 1");
        let service = Service::start_at("127.0.0.1:0", desk.path(), &["--at-once", "0"], Some(point));
        let send = |service: &Service| {
            let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
            service.try_post("/hooks/orders", &headers, b"{}")
        };
        let first = send(&service).map(|a| a.status);
        // Where it may have one, it has none if the service died in the moment before.
        assert!(first.is_none_or(|status| answered && status == 201), "{point}: {first:?}");
        service.wait();
        let service = desk.serve();
        let again = send(&service).unwrap();
        assert_eq!(again.status, if point == "events taken" { 201 } else { 200 }, "{point}");
        let runs = desk.queued(1);
        assert_eq!((runs.len(), desk.input(&runs[0]).len()), (1, 1), "{point}");
        assert_eq!(desk.events(), ["batched"], "{point}");
        // Work that nobody knows of is cleared away.
        let folders = std::fs::read_dir(desk.at(".sconn/executions")).unwrap().count();
        assert_eq!(folders, 1, "{point}");
    }
}

#[test]
fn a_window_that_cannot_be_queued_leaves_nothing_and_is_queued_once_it_can() {
    let desk = Desk::active("verify nothing batch 1s");
    // The store is no database: an execution cannot be prepared.
    let store = desk.file(".sconn/store.sqlite", "this is no database, whatever its name says");
    let service = desk.serve();
    assert_eq!(json_post(&service, "/hooks/orders?n=1", "{}").status, 201);
    let told = "orders  its webhook events cannot be queued";
    eventually("it is told", || service.said().contains(told));
    // It is tried again each turn, and each time nothing is left of it.
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(service.said().matches(told).count(), 1, "the same is told once");
    std::fs::remove_file(&store).unwrap();
    let runs = desk.queued(1);
    assert_eq!((desk.input(&runs[0]).len(), desk.events()), (1, vec!["batched".to_owned()]));
    assert_eq!(std::fs::read_dir(desk.at(".sconn/executions")).unwrap().count(), 1);
}

#[test]
fn events_are_loaded_into_the_target_that_is_named_for_their_connector() {
    let desk = Desk::active("verify nothing count 1");
    desk.file(
        "sconn.toml",
        "[targets.crm]\nsqlite = \"crm.sqlite\"\n[connectors.orders]\ntarget = \"crm\"\n",
    );
    let service = desk.serve();
    assert_eq!(json_post(&service, "/hooks/orders?n=1", "{}").status, 201);
    desk.queued(1);
    desk.work();
    let store = opened(desk.at("crm.sqlite"));
    assert_eq!(store.query_row("SELECT count(*) FROM orders", [], |r| r.get(0)), Ok(1));
    assert!(!desk.at(".sconn/store.sqlite").exists());
}
