//! A project with a running service, and people who look at its page.

use crate::common::sconn_in;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const CONNECTOR: &str = r#"
connector shop {
  name    "Shop & more"
  trigger spreadsheet
  sample  "good.csv"
  chunk   2
}

param region: string = "EMEA"

object items "Items" {
  name:  text required
  sku:   text unique
  price: decimal
}

input list {
  sku:   "SKU"
  price: "Price"
}

scope items from input.list {
  sku:   string required
  price: number
}

load items into items {
  match sku with sku
  map {
    name  <- sku
    sku   <- sku
    price <- price overwrite
  }
}
"#;

/// The service ends with its test.
pub struct Desk {
    _folder: tempfile::TempDir,
    path: PathBuf,
    service: Child,
    pub address: String,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

impl Desk {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The page shows its name.
        let path = folder.path().join("warehouse");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("sconn.toml"), "").unwrap();
        std::fs::write(path.join("shop.sconn"), CONNECTOR).unwrap();
        std::fs::write(path.join("good.csv"), "SKU,Price\na,1\nb,2\nc,3\n").unwrap();
        let mut service = Command::new(env!("CARGO_BIN_EXE_sconn"))
            .current_dir(&path)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(service.stderr.take().unwrap());
        let mut address = String::new();
        while address.is_empty() {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "the service ended");
            if let Some((_, at)) = line.trim().split_once("http://") {
                address = format!("http://{}", at.split_whitespace().next().unwrap());
            }
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { _folder: folder, path, service, address }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn sconn(&self, args: &[&str]) -> String {
        let done = sconn_in(self.path(), args);
        assert_eq!(done.code, 0, "{args:?}: {}", done.stderr);
        done.stdout.trim().to_owned()
    }

    pub fn token(&self, name: &str, role: &str) -> String {
        self.sconn(&["tokens", "add", name, "--role", role])
    }

    /// The connector's status.
    pub fn status(&self) -> String {
        let all = self.sconn(&["status", "--format", "json"]);
        let all: serde_json::Value = serde_json::from_str(&all).unwrap();
        all[0]["status"].as_str().unwrap_or("Setup in Progress").to_owned()
    }

    /// How an execution ended.
    pub fn ended(&self, id: &str) -> String {
        let since = Instant::now();
        loop {
            let shown = self.sconn(&["executions", "show", id, "--format", "json"]);
            let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
            let state = shown["state"].as_str().unwrap();
            if !["queued", "running", "interrupted"].contains(&state) {
                return state.replace('_', " ");
            }
            assert!(since.elapsed() < Duration::from_secs(120), "{shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn stranger(&self) -> Visitor<'_> {
        Visitor { desk: self, cookie: String::new(), csrf: String::new() }
    }

    /// Somebody with a new token.
    pub fn logged_in(&self, name: &str, role: &str) -> Visitor<'_> {
        let (answer, visitor) = self.stranger().login(&self.token(name, role));
        assert_eq!(answer.status, 303, "{answer:?}");
        visitor
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// A header; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
}

/// A browser without a screen: it keeps one cookie and signs forms with what the page gave it.
pub struct Visitor<'d> {
    desk: &'d Desk,
    cookie: String,
    pub csrf: String,
}

impl<'d> Visitor<'d> {
    fn send(&self, request: ureq::http::request::Builder, body: &[u8]) -> Answer {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let request = request.header("cookie", &self.cookie).body(body).unwrap();
        let mut answer = agent.run(request).unwrap();
        let headers = answer.headers().iter();
        let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        Answer {
            status: answer.status().as_u16(),
            headers,
            body: answer.body_mut().read_to_string().unwrap_or_default(),
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = ureq::http::Request::get(format!("{}{path}", self.desk.address));
        self.send(headers.iter().fold(request, |r, (n, v)| r.header(*n, *v)), b"")
    }

    /// A form, as it is.
    pub fn post_raw(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> =
            fields.iter().map(|(n, v)| format!("{n}={}", v.replace('/', "%2F"))).collect();
        let request = ureq::http::Request::post(format!("{}{path}", self.desk.address))
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request, pairs.join("&").as_bytes())
    }

    /// A form of this session.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let signed: Vec<_> =
            [("csrf", self.csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post_raw(path, &signed)
    }

    /// The form that starts a run.
    pub fn upload(&self, connector: &str, csrf: &str, mode: &str, files: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in [("csrf", csrf), ("mode", mode), ("param.region", "")] {
            body += &format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        for (name, text) in files {
            body += &format!(
                "--X\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n{text}\r\n"
            );
        }
        let request =
            ureq::http::Request::post(format!("{}/connectors/{connector}/start", self.desk.address))
                .header("content-type", "multipart/form-data; boundary=X");
        self.send(request, format!("{body}--X--\r\n").as_bytes())
    }

    /// Logs in; the visitor goes on with the session that this gave.
    pub fn login(mut self, token: &str) -> (Answer, Visitor<'d>) {
        let form = self.get("/login");
        self.takes(&form);
        let answer = self.post("/login", &[("token", token), ("next", "/")]);
        self.takes(&answer);
        if answer.status == 303 {
            let page = self.get("/");
            self.takes(&page);
        }
        (answer, self)
    }

    /// The cookie and the word that an answer gives.
    fn takes(&mut self, answer: &Answer) {
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = cookie.to_owned();
        }
        if let Some((_, word)) = answer.body.split_once("name=\"csrf\" value=\"") {
            self.csrf = word.split('"').next().unwrap().to_owned();
        }
    }
}
