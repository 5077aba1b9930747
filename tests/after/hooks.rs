//! The request that tells that an execution ended.

use super::servers::{Answer, Receiver, Request, status};
use super::{Desk, eventually, stands};
use crate::common::service::Service;
use crate::outputs::python;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use std::process::Command;

const ALLOW: &str = "[network]\nallow = [\"127.0.0.1\"]";

fn desk(receiver: &Receiver) -> Desk {
    Desk::new(&format!("on_end \"{}\"", receiver.url()), ALLOW)
}

/// Whether the signature is what a receiver works out for itself.
fn assert_signed(request: &Request, key: &[u8]) {
    let (id, at) = (request.header("webhook-id"), request.header("webhook-timestamp"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(format!("{id}.{at}.{}", request.body).as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(request.header("webhook-signature"), expected);
    let now = jiff::Timestamp::now().as_second();
    assert!((now - at.parse::<i64>().unwrap()).abs() < 300, "{at}");
}

/// Asks a validator of JSON schemas.
fn assert_documented(body: &str) {
    let check = "import json, sys, jsonschema\n\
                 schema = json.load(open('docs/execution-ended.schema.json'))\n\
                 kind = jsonschema.Draft202012Validator\n\
                 kind.check_schema(schema)\n\
                 kind(schema, format_checker=kind.FORMAT_CHECKER).validate(json.loads(sys.argv[1]))";
    let out = Command::new(python()).args(["-c", check, body]).output().unwrap();
    assert!(out.status.success(), "{body}\n{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn a_receiver_that_fails_is_asked_again_with_the_same_id_and_body() {
    let receiver = Receiver::new(vec![status(500), status(500), status(200)]);
    let desk = desk(&receiver);
    let (_, id) = desk.live("bad.csv", &["--by", "you@example.com"]);
    assert_eq!((stands(&desk.message()).0, stands(&desk.message()).1), ("waiting", 1));
    assert!(stands(&desk.message()).2.starts_with("it answered 500"), "{}", desk.message());
    desk.again();
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 3, ""));
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    for request in &requests {
        assert!(request.head.starts_with("POST /done HTTP/1.1"), "{}", request.head);
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("webhook-id"), desk.message()["id"].as_str().unwrap());
        assert_eq!(request.body, requests[0].body);
        assert_signed(request, &key);
    }
    assert_documented(&requests[0].body);
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["type"], "execution.ended");
    let data = &body["data"];
    assert_eq!((&data["execution"], &data["state"]), (&id.into(), &"completed_with_errors".into()));
    assert_eq!((&data["mode"], &data["version"]), (&"live".into(), &1.into()));
    assert_eq!(data["outcome"]["counts"]["created"], 1);
    assert_eq!(data["outcome"]["steps"][0]["counts"]["errored"], 1);
    // A dry run writes nothing, and is told nobody.
    desk.ends(0, &["run", "shop.sconn", "--input", "good.csv"]);
    assert_eq!((receiver.requests().len(), desk.outbox().len()), (3, 1));
}

#[test]
fn what_never_ran_is_told_as_documented_and_a_connector_may_have_its_own_key() {
    let receiver = Receiver::new(vec![status(204)]);
    let desk = desk(&receiver);
    desk.secret("ON_END_SECRET_shop", "its-own-key-of-now its-own-key-of-then");
    desk.ends(0, &["deactivate", "shop"]);
    let id = desk.submit("good.csv");
    desk.ends(0, &["executions", "cancel", &id]);
    desk.ends(0, &["outbox", "send"]);
    let request = receiver.requests().remove(0);
    assert_documented(&request.body);
    assert!(
        request.body.contains("\"cancelled\"") && request.body.contains("\"outcome\":null"),
        "{}",
        request.body
    );
    let signatures = request.header("webhook-signature");
    assert_eq!(signatures.split(' ').count(), 2, "a key for each word: {signatures}");
    desk.secret("ON_END_SECRET_shop", "one-key-as-it-is");
    desk.ends(0, &["activate", "shop"]);
    desk.live("good.csv", &[]);
    assert_signed(&receiver.requests()[1], b"one-key-as-it-is");
}

#[test]
fn a_receiver_that_is_gone_wants_no_more_and_redirects_are_not_followed() {
    let elsewhere = Receiver::new(vec![status(200)]);
    let redirect = |code| Answer::Status(code, format!("location: {}\r\n", elsewhere.url()), String::new());
    let redirects = [301, 302, 303, 307, 308].map(redirect);
    let receiver = Receiver::new([&redirects[..], &[Answer::Close, status(410)]].concat());
    let desk = desk(&receiver);
    desk.live("good.csv", &[]);
    for attempt in 1..=5 {
        let message = desk.message();
        assert_eq!((stands(&message).0, stands(&message).1), ("waiting", attempt));
        assert!(stands(&message).2.contains("redirects are not followed"), "{message}");
        desk.again();
    }
    assert_eq!((stands(&desk.message()).0, stands(&desk.message()).1), ("waiting", 6));
    desk.again();
    assert_eq!((stands(&desk.message()).0, stands(&desk.message()).1), ("given_up", 7));
    assert!(stands(&desk.message()).2.contains("wants no more"), "{}", desk.message());
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_huge_answer_is_not_read_and_what_it_asks_to_wait_is_waited() {
    let huge = "<script>\u{1b}[31m".repeat(1 << 20);
    let receiver =
        Receiver::new(vec![Answer::Status(503, "retry-after: 7200\r\n".into(), huge), status(200)]);
    let desk = desk(&receiver);
    desk.live("good.csv", &[]);
    let message = desk.message();
    let (state, attempts, error) = stands(&message);
    assert_eq!((state, attempts), ("waiting", 1));
    assert!(error.len() < 1_000 && !error.contains('\u{1b}'), "{error}");
    let time = |name: &str| message[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let wait = time("next_at").duration_since(time("created_at")).as_secs();
    assert!((7_200..7_400).contains(&wait), "{wait}");
    desk.again();
    assert_eq!(stands(&desk.message()).0, "sent");
}

#[test]
fn a_receiver_that_keeps_still_holds_nothing_up() {
    let receiver = Receiver::new(vec![Answer::Hang, status(200)]);
    let desk = desk(&receiver);
    let _work = desk.start(&["work"]);
    desk.submit("good.csv");
    eventually("the request is on its way", || receiver.requests().len() == 1);
    let second = desk.submit("good.csv");
    eventually("the second execution runs meanwhile", || desk.state(&second) == "completed");
    receiver.release();
    // The first is tried again in a minute; the other is told now.
    eventually("the second is told", || {
        desk.outbox().iter().any(|m| m["execution"] == second.as_str() && m["state"] == "sent")
    });
}

#[test]
fn only_what_is_declared_is_called_in_the_own_network_and_in_the_clear() {
    let receiver = Receiver::new(vec![status(200)]);
    let port = receiver.port;
    let desk = Desk::new("", "");
    for (url, toml, why) in [
        (receiver.url(), "", "its address is not a public one"),
        (format!("https://127.0.0.1:{port}/"), "", "its address is not a public one"),
        (format!("http://localhost:{port}/"), "", "its address is not a public one"),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "", "its address is not a public one"),
        (format!("http://0.0.0.0:{port}/"), "", "its address is not a public one"),
        (format!("http://0x7f.1:{port}/"), "", "its address is not a public one"),
        (receiver.url(), "[network]\nallow = [\"10.0.0.0/8\"]", "its address is not a public one"),
        ("http://1.1.1.1/".to_owned(), "", "it is called without TLS"),
    ] {
        desk.file("sconn.toml", toml);
        desk.connector("Shop", &format!("on_end \"{url}\""));
        desk.ends(0, &["activate", "shop.sconn"]);
        let said = desk.live("good.csv", &["--no-report"]).0.stderr;
        assert!(said.contains(why), "{url}: {said}");
    }
    assert!(receiver.requests().is_empty());
}

#[test]
fn an_address_that_is_a_secret_is_not_told() {
    let receiver = Receiver::new(vec![status(500), status(200)]);
    let desk = Desk::new("on_end secret(\"DONE\")", ALLOW);
    let said = desk.live("good.csv", &[]).0.stderr;
    assert!(said.contains("there is no secret `DONE`"), "{said}");
    for address in
        [receiver.url() + "?token=t0ken", "not-an-address-t0ken".into(), "https://t0ken.invalid/".into()]
    {
        desk.secret("DONE", &address);
        let said = desk.again().stderr;
        let message = desk.message();
        assert_eq!(message["recipient"], "secret DONE");
        assert_eq!(stands(&message).0, "waiting", "{said}");
        assert!(!format!("{said}{message}").contains("t0ken"), "{said}{message}");
    }
    desk.secret("DONE", &(receiver.url() + "?token=t0ken"));
    desk.again();
    assert!(receiver.requests()[1].head.starts_with("POST /done?token=t0ken "));
    assert_eq!(stands(&desk.message()).0, "sent");
}

#[test]
fn a_receiver_at_a_secret_address_is_not_quoted() {
    let echo = |code| Answer::Status(code, String::new(), "Cannot POST /hook/SECRETTOKEN".into());
    let receiver = Receiver::new(vec![echo(404), echo(503), echo(302), echo(410)]);
    let desk = Desk::new("on_end secret(\"RCV\")", ALLOW);
    desk.secret("RCV", &receiver.url().replace("/done", "/hook/SECRETTOKEN"));
    let (done, id) = desk.live("good.csv", &[]);
    let shown = || desk.ends(0, &["executions", "show", &id]).stdout;
    let mut said = done.stderr + &shown() + &desk.message().to_string();
    assert!(said.contains("it answered 404 Not Found"), "{said}");
    for _ in 0..3 {
        said += &desk.again().stderr;
        said += &(desk.message().to_string() + &shown());
    }
    assert!(receiver.requests()[3].head.starts_with("POST /hook/SECRETTOKEN "));
    assert!(
        said.contains("it answered 410") && !said.contains("SECRET") && !said.contains("Cannot"),
        "{said}"
    );
    // One that is no secret is.
    let receiver = Receiver::new(vec![echo(404)]);
    let open = Desk::new(&format!("on_end \"{}\"", receiver.url()), ALLOW);
    open.live("good.csv", &[]);
    assert!(stands(&open.message()).2.contains("Cannot POST"), "{}", open.message());
}

#[test]
fn a_service_that_is_told_to_stop_waits_for_what_it_is_just_sending() {
    let receiver = Receiver::new(vec![Answer::Late, status(200)]);
    let desk = desk(&receiver);
    desk.submit("good.csv");
    let service = Service::start(desk.path(), &["--drain", "100s"]);
    eventually("it is being sent", || !receiver.requests().is_empty());
    service.terminate();
    eventually("it stops", || service.said().contains("stopping"));
    assert_eq!(stands(&desk.message()), ("waiting", 1, ""));
    receiver.release();
    assert!(service.wait().success(), "{}", service.said());
    assert_eq!((stands(&desk.message()), receiver.requests().len()), (("sent", 1, ""), 1));
    // What was sent stays, to be looked up.
    let message = desk.message()["id"].as_str().unwrap().to_owned();
    let refused = desk.ends(2, &["outbox", "discard", &message]).stderr;
    assert!(refused.contains(&format!("{message} was sent")), "{refused}");
    assert_eq!(desk.outbox().len(), 1);
}

#[test]
fn requests_that_nothing_can_sign_are_told_before_a_run() {
    let receiver = Receiver::new(vec![status(200)]);
    let desk = desk(&receiver);
    assert_eq!(desk.ends(0, &["activate", "shop.sconn"]).stderr, "");
    std::fs::remove_file(desk.at(".sconn/secrets/ON_END_SECRET")).unwrap();
    let notice =
        "`shop` says `on_end`: there is no secret `ON_END_SECRET`, so nothing is sent; set the variable";
    let said = desk.ends(0, &["activate", "shop.sconn"]).stderr;
    assert!(said.contains(notice), "{said}");
    assert!(desk.ends(0, &["status"]).stdout.contains(notice));
    desk.secret("ON_END_SECRET_shop", "whsec_");
    let weak =
        "`shop` says `on_end`: the secret `ON_END_SECRET_shop` is no key: it has 0 bytes, and needs 16";
    let said = desk.ends(0, &["activate", "shop.sconn"]).stderr;
    assert!(said.contains(weak) && said.contains("openssl rand -base64 32"), "{said}");
    desk.secret("ON_END_SECRET_shop", "its-own-key-of-now its-own-key-of-then");
    assert_eq!(desk.ends(0, &["activate", "shop.sconn"]).stderr, "");
}
