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
pub fn rest(mut stream: TcpStream) -> String {
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

#[test]
fn a_form_without_an_end_to_what_comes_before_a_part_is_refused() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let form = format!("{}: {}\r\ncontent-length: 100000000\r\n", FORM.0, FORM.1);
    let part = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.csv\"";
    let first = format!("{part}\r\n\r\nSKU,Price\r\n");
    for begun in ["", "--XX", "--XX\r\nX-Pad: ", &format!("{first}{part}\r\nX-Pad: ")] {
        let request = head(&service, "POST", &format!("{SHOP}/executions"), &form) + begun;
        let stream = open(&service, request.as_bytes());
        let mut sends = stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || {
            // Far less than was announced: the answer comes before it could be sent.
            for _ in 0..20 {
                if sends.write_all(&[b'x'; 10_000]).is_err() {
                    return;
                }
            }
        });
        let mut answer = [0; 12];
        (&stream).read_exact(&mut answer).unwrap();
        assert_eq!(&answer, if begun == "--XX" { b"HTTP/1.1 400" } else { b"HTTP/1.1 413" }, "{begun}");
        sending.join().unwrap();
    }
    assert_eq!(service.read("/api/v1/executions")["executions"], serde_json::json!([]));
}

#[test]
fn files_of_a_form_come_whole_however_its_bytes_are_cut() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    // Ends of pieces fall into the middle of files, of heads and of what is between them.
    let files: Vec<String> = [1, 65_400, 65_536, 300_000, 0, 131_000]
        .iter()
        .map(|n| format!("SKU,Price\n{}", "a\r\n--X".repeat(n / 6 + 1)))
        .collect();
    let mut body = Vec::new();
    for (n, text) in files.iter().enumerate() {
        let head = format!("Content-Disposition: form-data; name=\"f\"; filename=\"{n}.csv\"");
        body.extend_from_slice(format!("--XX\r\n{head}\r\n\r\n{text}\r\n").as_bytes());
    }
    // Nothing was chosen in this one, whatever comes with it.
    let unchosen = "Content-Disposition: form-data; name=\"g\"; filename=\"\"";
    body.extend_from_slice(format!("--XX\r\n{unchosen}\r\n\r\n{}\r\n", "x".repeat(200_000)).as_bytes());
    body.extend_from_slice(
        b"--XX\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nlive\r\n--XX--\r\n",
    );
    let answer = service.ask("POST", &format!("{SHOP}/executions"), &[FORM], &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(service.execution(&id)["mode"], "live");
    for (n, text) in files.iter().enumerate() {
        let kept = service.get(&format!("/api/v1/executions/{id}/artefacts/input?file={n}.csv"));
        assert!(kept.text() == *text, "{n}: {} bytes of {}", kept.body.len(), text.len());
    }
}
