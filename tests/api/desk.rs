//! A project and its service, as a process of its own, asked over real HTTP.

use crate::common::{Output, sconn_in};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const CONNECTOR: &str = r#"
connector shop {
  name    "Shop"
  trigger spreadsheet
  sample  "good.csv"
  chunk   10
}

param region: string = "EMEA"

object items "Items" {
  name:   text required
  sku:    text unique
  price:  decimal
  region: text
}

input list {
  sku:   "SKU"
  price: "Price"
}

scope items {
  sql { SELECT sku, price, $region AS region FROM input.list }
  sku:    string required
  price:  number
  region: string
}

load items into items {
  match sku with sku
  map {
    name   <- sku
    sku    <- sku
    price  <- price overwrite
    region <- region
  }
}
"#;

pub const GOOD: &str = "SKU,Price\na,1\nb,2\nc,3\n";

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A project in a folder of its own.
pub struct Desk(tempfile::TempDir);

impl Desk {
    /// A project with a connector that is not active, and three tokens named as their roles.
    pub fn new(settings: &str) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.file("sconn.toml", settings);
        desk.file("shop.sconn", CONNECTOR);
        desk.file("good.csv", GOOD);
        desk
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// Runs a command that must end with that code.
    pub fn ends(&self, code: i32, args: &[&str]) -> Output {
        let done = sconn_in(self.path(), args);
        assert_eq!(done.code, code, "{args:?}: {}{}", done.stdout, done.stderr);
        done
    }

    /// A new token.
    pub fn token(&self, name: &str, role: &str) -> String {
        let args = ["tokens", "add", name, "--role", role, "--email", &format!("{name}@example.com")];
        self.ends(0, &args).stdout.trim().to_owned()
    }

    /// How many items are in the store.
    pub fn items(&self) -> i64 {
        let store = rusqlite::Connection::open(self.path().join(".sconn/store.sqlite")).unwrap();
        store.query_row("SELECT count(*) FROM items", [], |r| r.get(0)).unwrap()
    }

    /// Starts the service; running executions have so long to end once it is told to stop.
    pub fn serve(&self, drain: &str) -> Service {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sconn"))
            .current_dir(self.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--drain", drain])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap();
            if let Some((_, address)) = line.split_once(" at http://") {
                break address.to_owned();
            }
            said += &line;
        };
        let log = Arc::new(Mutex::new(said));
        let heard = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *heard.lock().unwrap() += &format!("{line}\n");
            }
        });
        Service { child, address, log, token: String::new() }
    }

    /// The service, asked with a token of that role.
    pub fn serve_as(&self, role: &str) -> Service {
        let token = self.token(role, role);
        let mut service = self.serve("0s");
        service.token = token;
        service
    }
}

/// A running service; its executions end with it.
pub struct Service {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
    pub token: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.terminate();
        }
        let since = Instant::now();
        while self.child.try_wait().is_ok_and(|s| s.is_none()) && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }
}

impl Service {
    /// Asks for something, with headers and a body.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = agent.run(request.body(body.to_vec()).unwrap());
        let mut response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.log()));
        let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str) -> Answer {
        self.ask("POST", path, &[], b"")
    }

    /// The JSON that a path gives.
    pub fn read(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Hands in a file; gives the execution's id.
    pub fn submit(&self, query: &str, text: &str) -> String {
        let path = format!("/api/v1/connectors/shop/executions?{query}");
        let answer = self.ask("POST", &path, &[("content-type", "text/csv")], text.as_bytes());
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), format!("/api/v1/executions/{id}"));
        id
    }

    pub fn execution(&self, id: &str) -> Value {
        self.read(&format!("/api/v1/executions/{id}"))
    }

    /// The JSON that a path gives, once `is` holds for it.
    pub fn until(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let since = Instant::now();
        loop {
            let found = self.read(path);
            if is(&found) {
                return found;
            }
            assert!(since.elapsed() < PATIENCE, "{found}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// An execution, once `is` holds for it.
    pub fn once(&self, id: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.until(&format!("/api/v1/executions/{id}"), is)
    }

    /// An execution, once it has ended.
    pub fn ended(&self, id: &str) -> Value {
        self.once(id, |e| !e["ended_at"].is_null())
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
    }

    /// How it ended.
    pub fn wait(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has told so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}
