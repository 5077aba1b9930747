//! A project with a running service, and people who look at its page.

use crate::common::project::{Project, SHOP, until};
use crate::common::service::Service;
use std::ops::Deref;

/// The service ends with its test.
pub struct Desk {
    project: Project,
    service: Service,
    pub address: String,
}

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

impl Desk {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With this `sconn.toml`.
    pub fn with(toml: &str) -> Self {
        let connector = SHOP.replace("\"Shop\"", "\"Shop & more\"");
        let connector = format!("{connector}\nparam region: string = \"EMEA\"\n");
        Self::over(Project::with_shop(&connector, toml))
    }

    /// Over a project as it is by now.
    pub fn over(project: Project) -> Self {
        let service = Service::start(project.path(), &[]);
        let address = format!("http://{}", service.address);
        Self { project, service, address }
    }

    /// What the service has logged of requests of that path, once it has logged any.
    pub fn logged(&self, path: &str) -> Vec<String> {
        let of = format!("\"{path}\"");
        until(path, || {
            let said = self.service.said();
            let lines: Vec<_> = said.lines().filter(|l| l.contains(&of)).map(str::to_owned).collect();
            (!lines.is_empty()).then_some(lines)
        })
    }

    /// A live run that waits: its connector is not active. Gives its id.
    pub fn waits(&self, by: &Visitor<'_>, file: (&str, &str)) -> String {
        let begun = by.upload("shop", &by.csrf, "live", &[file]);
        assert_eq!(begun.status, 303, "{begun:?}");
        begun.id()
    }

    /// A dry run that has ended. Gives its id.
    pub fn ran(&self, by: &Visitor<'_>, file: (&str, &str)) -> String {
        let id = by.upload("shop", &by.csrf, "dry", &[file]).id();
        self.ended(&id);
        id
    }

    pub fn sconn(&self, args: &[&str]) -> String {
        self.ends(0, args).stdout.trim().to_owned()
    }

    pub fn token(&self, name: &str, role: &str) -> String {
        self.sconn(&["tokens", "add", name, "--role", role])
    }

    /// The connector's status.
    pub fn status(&self) -> String {
        self.json(&["status"])[0]["status"].as_str().unwrap_or("Setup in Progress").to_owned()
    }

    /// How an execution ended.
    pub fn ended(&self, id: &str) -> String {
        until("it ends", || {
            let state = self.state(id);
            (!["queued", "running", "interrupted"].contains(&state.as_str())).then(|| state.replace('_', " "))
        })
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
    /// What a field of its form holds.
    pub fn field(&self, name: &str) -> String {
        let value = self.body.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    }

    /// The execution that it leads to.
    pub fn id(&self) -> String {
        self.header("location").rsplit('/').next().unwrap().to_owned()
    }

    /// A header; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }
}

/// A browser without a screen: it keeps one cookie and signs forms with what the page gave it.
pub struct Visitor<'d> {
    desk: &'d Desk,
    pub cookie: String,
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
        self.send_form(connector, &[("csrf", csrf), ("mode", mode), ("param.region", "")], files)
    }

    /// The same, with these fields.
    pub fn send_form(&self, connector: &str, fields: &[(&str, &str)], files: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
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
