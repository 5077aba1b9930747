//! Clients that are slow, silent, or too many: none of them holds anything for ever.

use super::desk::{Desk, PATIENCE, Service};
use super::{FORM, SHOP};
use crate::common::project::GOOD;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// A connection on which these bytes were sent.
pub fn open(service: &Service, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(service.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// All that comes until the service closes the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    if let Err(e) = stream.read_to_end(&mut text) {
        // It was closed while bytes were on their way to it.
        assert_eq!(e.kind(), ErrorKind::ConnectionReset, "it is closed");
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The beginning of a request of somebody who may do everything, with the length of a body.
fn head(service: &Service, method: &str, path: &str, more: &str) -> String {
    let token = &service.token;
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{more}\r\n")
}

#[test]
fn half_a_request_is_not_waited_for() {
    let desk = Desk::new("[serve]\nsilence = \"1s\"\n[hooks]\nwait = \"1s\"\n");
    desk.file("orders.sconn", "connector orders { trigger webhook { verify nothing } }");
    let service = desk.serve_as("admin");
    // Nothing at all, half a line, half of the headers: there is nobody to answer to.
    for headers in ["", "GET /hea", "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: 1\r\n"] {
        let answer = rest(open(&service, headers.as_bytes()));
        assert!(!answer.contains("200 OK"), "{headers:?}: {answer}");
    }
    // One who has asked before and says nothing more.
    let answer = rest(open(&service, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ok\n"), "{answer}");
    let json = "content-type: application/json\r\ncontent-length: 100\r\n";
    let plain = "content-length: 100\r\n";
    let form = format!("{}: {}\r\n{plain}", FORM.0, FORM.1);
    let fields = format!("content-type: application/x-www-form-urlencoded\r\n{plain}");
    let part = "--XX\r\nContent-Disposition: form-data; name=\"f\"";
    for (path, headers, body) in [
        (format!("{SHOP}/activate"), json, "{\"queued\":"),
        (format!("{SHOP}/executions"), plain, "SKU,Pri"),
        (format!("{SHOP}/executions"), &form, part),
        (format!("{SHOP}/executions"), &form, &format!("{part}; filename=\"a.csv\"\r\n\r\nSKU")),
        ("/hooks/orders".to_owned(), json, "{"),
        ("/login".to_owned(), &fields, "token="),
    ] {
        let answer = rest(open(&service, (head(&service, "POST", &path, headers) + body).as_bytes()));
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path} {headers}: {answer}");
    }
    assert_eq!(service.read("/api/v1/executions")["executions"], serde_json::json!([]));
    let left = desk.at(".sconn/uploads");
    assert_eq!(left.read_dir().map_or(0, Iterator::count), 0, "what had come is gone");
}

#[test]
fn who_holds_the_last_connection_and_does_nothing_with_it_gives_it_back() {
    let desk = Desk::new("[serve]\nsilence = \"1s\"\nconnections = 1\n");
    let service = desk.serve_as("run");
    // It waits for its connector, with a file larger than what the system keeps of an answer.
    let large = format!("SKU,Price\n{}", "x".repeat(24 << 20));
    let waits = service.submit("mode=live", &large);
    let download = head(&service, "GET", &format!("/api/v1/executions/{waits}/artefacts/input"), "");
    let upload = head(&service, "POST", &format!("{SHOP}/executions"), "content-length: 100\r\n") + GOOD;
    for held in ["", "GET /hea", &upload, &download] {
        let stream = open(&service, held.as_bytes());
        assert_eq!(service.get("/health").text(), "ok\n", "{held:?}");
        drop(stream);
    }
}

#[test]
fn who_drips_is_not_waited_for_either() {
    let desk = Desk::new("[serve]\nsilence = \"2s\"\n");
    let service = desk.serve_as("run");
    let request = head(&service, "POST", &format!("{SHOP}/executions"), "content-length: 1000000\r\n");
    let stream = open(&service, request.as_bytes());
    let mut drips = stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        // It is never silent for long.
        while drips.write_all(b"x").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("the sender was too slow: ") && answer.contains(" bytes came in "), "{answer}");
    dripping.join().unwrap();
    // Who sends slowly and steadily is.
    let body = format!("SKU,Price\n{}", "a,1\n".repeat(15_000));
    let length = format!("content-length: {}\r\n", body.len());
    let request = head(&service, "POST", &format!("{SHOP}/executions"), &length);
    let mut stream = open(&service, request.as_bytes());
    for part in body.as_bytes().chunks(10_000) {
        stream.write_all(part).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 202");
}
