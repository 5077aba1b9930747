//! A project and its service, as a process of its own, asked over real HTTP.

use crate::common::project::Project;
use crate::common::service;
use serde_json::Value;
use std::ops::Deref;
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

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A project with a connector that is not active.
pub struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    pub fn new(settings: &str) -> Self {
        Self(Project::with_shop(CONNECTOR, settings))
    }

    /// A new token.
    pub fn token(&self, name: &str, role: &str) -> String {
        let args = ["tokens", "add", name, "--role", role, "--email", &format!("{name}@example.com")];
        self.ends(0, &args).stdout.trim().to_owned()
    }

    /// How many items are in the store.
    pub fn items(&self) -> i64 {
        self.count("items")
    }

    /// Starts the service; running executions have so long to end once it is told to stop.
    pub fn serve(&self, drain: &str) -> Service {
        let process = service::Service::start(self.path(), &["--drain", drain]);
        Service { process, token: String::new() }
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
    process: service::Service,
    pub token: String,
}

impl Deref for Service {
    type Target = service::Service;

    fn deref(&self) -> &service::Service {
        &self.process
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.runs() {
            self.terminate();
        }
        // Not to panic twice where a test has failed.
        let since = Instant::now();
        while self.runs() && since.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
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
        let mut response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}\n{}", self.said()));
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
            assert!(since.elapsed() < PATIENCE, "{found}\n{}", self.said());
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
}
