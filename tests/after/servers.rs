//! Who is told: a mail server (aiosmtpd), and a receiver of HTTP requests with faults.

use crate::outputs::python;
use base64::Engine;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// A server in Python; it ends with its test.
struct Script {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Script {
    fn new(script: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(python())
            .args(["-W", "ignore", script])
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, port: port.trim().parse().unwrap(), folder }
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail server.
pub struct Smtp {
    script: Script,
    pub port: u16,
}

impl Smtp {
    pub fn new(arguments: &[&str]) -> Self {
        let script = Script::new("tests/after/smtp.py", arguments);
        Self { port: script.port, script }
    }

    pub fn folder(&self) -> &Path {
        self.script.folder.path()
    }

    /// What it was sent, also what it then did not take.
    pub fn mails(&self) -> Vec<Value> {
        self.script.lines("mails")
    }

    pub fn release(&self) {
        std::fs::write(self.folder().join("release"), "").unwrap();
    }
}

/// Passes on what a client and a mail server say to each other, and puts `more` behind the server's answer to
/// STARTTLS. Gives its port.
pub fn between(server: u16, more: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let asked = Arc::new(AtomicBool::new(false));
        let (mut from, mut to, asks) =
            (client.try_clone().unwrap(), server.try_clone().unwrap(), asked.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut bytes) {
                if bytes.starts_with(b"STARTTLS") {
                    asks.store(true, Ordering::SeqCst);
                }
                let _ = to.write_all(&bytes[..n]);
            }
            let _ = to.shutdown(std::net::Shutdown::Both);
        });
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = server.read(&mut bytes) {
            let mut said = bytes[..n].to_vec();
            if asked.swap(false, Ordering::SeqCst) {
                said.extend_from_slice(more);
            }
            let _ = client.write_all(&said);
        }
        let _ = client.shutdown(std::net::Shutdown::Both);
    });
    port
}

/// A receiver that is called by TLS.
pub struct Https(Script);

impl Https {
    pub fn new() -> Self {
        Self(Script::new("tests/after/https.py", &[]))
    }

    /// Its address under a name.
    pub fn url(&self, name: &str) -> String {
        format!("https://{name}:{}/done", self.0.port)
    }

    /// Who vouches for it.
    pub fn authority(&self) -> PathBuf {
        self.0.folder.path().join("ca.pem")
    }

    pub fn requests(&self) -> Vec<Value> {
        self.0.lines("requests")
    }
}

/// The bytes of a mail's part of that type.
pub fn part(mail: &Value, kind: &str) -> Vec<u8> {
    let coded = mail["parts"][kind]["base64"].as_str().unwrap_or_else(|| panic!("no {kind}: {mail}"));
    base64::engine::general_purpose::STANDARD.decode(coded).unwrap()
}

pub fn text(mail: &Value, kind: &str) -> String {
    String::from_utf8(part(mail, kind)).unwrap()
}

/// What the receiver does with a request.
#[derive(Clone)]
pub enum Answer {
    /// Answers, with more headers and a body.
    Status(u16, String, String),
    /// Closes the connection without a word.
    Close,
    /// Keeps still until it is released, then closes.
    Hang,
    /// Keeps still until it is released, then takes it.
    Late,
}

pub fn status(code: u16) -> Answer {
    Answer::Status(code, String::new(), String::new())
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|l| {
            let (key, value) = l.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        found.unwrap_or_else(|| panic!("no {name}: {}", self.head))
    }
}

/// A receiver; its answers are used one a request, the last one for ever.
pub struct Receiver {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    released: Arc<AtomicBool>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Receiver {
    pub fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (released, ends) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (kept, free, end) = (requests.clone(), released.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            let mut answers = answers.into_iter().peekable();
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let Some(request) = read(&mut stream) else { continue };
                kept.lock().unwrap().push(request);
                let answer = answers.peek().unwrap().clone();
                if answers.len() > 1 {
                    answers.next();
                }
                match answer {
                    Answer::Status(code, headers, body) => {
                        let length = body.len();
                        let head = format!("HTTP/1.1 {code} X\r\ncontent-length: {length}\r\n{headers}\r\n");
                        let _ = stream.write_all(head.as_bytes());
                        let _ = stream.write_all(body.as_bytes());
                    }
                    Answer::Close => {}
                    Answer::Hang | Answer::Late => {
                        while !free.load(Ordering::Relaxed) && !end.load(Ordering::Relaxed) {
                            std::thread::sleep(std::time::Duration::from_millis(20));
                        }
                        if matches!(answer, Answer::Late) {
                            let _ = stream.write_all(b"HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n");
                        }
                    }
                }
            }
        });
        Self { port, requests, released, ends, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/done", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One request; none where the connection brought none.
fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    Some(Request { head, body: String::from_utf8(body).ok()? })
}
