//! What happens after a run: e-mails through a real mail server, requests to a real receiver, and the
//! outbox between.

mod hooks;
mod mails;
mod servers;
mod trust;

use crate::common::Output;
use crate::common::project::{Project, eventually, shop};
use serde_json::Value;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;

/// A project with the shop, which is active.
struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    /// With more settings of the connector, and this `sconn.toml`.
    fn new(settings: &str, toml: &str) -> Self {
        let desk = Self(Project::with_shop(&shop(settings), toml));
        desk.secret("ON_END_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        desk.ends(0, &["activate", "shop.sconn"]);
        desk
    }

    fn connector(&self, label: &str, settings: &str) {
        self.file("shop.sconn", &shop(settings).replace("\"Shop\"", &format!("\"{label}\"")));
    }

    fn secret(&self, name: &str, text: &str) {
        let file = self.file(&format!(".sconn/secrets/{name}"), text);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A live run with this input, and its id.
    fn live(&self, file: &str, more: &[&str]) -> (Output, String) {
        let args = [&["run", "shop.sconn", "--input", file, "--live"], more].concat();
        let done = self.ends(i32::from(file == "bad.csv"), &args);
        (done, self.executions()[0]["id"].as_str().unwrap().to_owned())
    }

    fn outbox(&self) -> Vec<Value> {
        self.json(&["outbox", "list"]).as_array().unwrap().clone()
    }

    /// The one message there is.
    fn message(&self) -> Value {
        let all = self.outbox();
        assert_eq!(all.len(), 1, "{all:#?}");
        all[0].clone()
    }

    /// Lets the one message be tried again, now.
    fn again(&self) -> Output {
        self.ends(0, &["outbox", "retry", self.message()["id"].as_str().unwrap()]);
        self.ends(0, &["outbox", "send"])
    }
}

/// The error of a message, and how often it was tried.
fn stands(message: &Value) -> (&str, i64, &str) {
    let text = |name: &str| message[name].as_str().unwrap_or_default();
    (text("state"), message["attempts"].as_i64().unwrap(), text("last_error"))
}

#[test]
fn nothing_is_sent_for_runs_without_a_project() {
    let receiver = servers::Receiver::new(vec![servers::status(200)]);
    let desk = Desk::new(&format!("on_end \"{}\"", receiver.url()), "[network]\nallow = [\"127.0.0.1\"]");
    std::fs::remove_file(desk.path().join("sconn.toml")).unwrap();
    let args =
        ["run", "shop.sconn", "--input", "good.csv", "--live", "--by", "you@example.com", "--out", "out"];
    let done = desk.ends(0, &args);
    assert!(
        done.stderr.contains("no e-mail is sent: that needs a sconn.toml with [mail]"),
        "{}",
        done.stderr
    );
    desk.ends(2, &["outbox", "list"]);
    desk.file("sconn.toml", "");
    assert_eq!(desk.ends(0, &["outbox", "list"]).stdout, "the outbox is empty\n");
    assert!(receiver.requests().is_empty());
}

#[test]
fn a_connector_whose_e_mails_cannot_be_sent_says_so() {
    let desk = Desk::new("notify \"a@example.com\"\nnotify_when always", "");
    let notice = "notice: `shop` notifies a@example.com, but sconn.toml has no [mail]: no e-mail is sent";
    assert!(desk.ends(0, &["activate", "shop.sconn"]).stderr.contains(notice));
    assert!(desk.ends(0, &["status"]).stdout.contains(notice));
    desk.live("good.csv", &[]);
    assert!(desk.outbox().is_empty());
    let failed = desk.ends(2, &["mail", "test", "a@example.com"]);
    assert!(failed.stderr.contains("sconn.toml has no [mail]"), "{}", failed.stderr);
}

#[test]
fn an_execution_that_is_resumed_or_cancelled_by_hand_is_told_like_any_other() {
    let receiver = servers::Receiver::new(vec![servers::status(200)]);
    let desk = Desk::new(&format!("on_end \"{}\"", receiver.url()), "[network]\nallow = [\"127.0.0.1\"]");
    let by_hand = desk.submit("good.csv");
    let told = desk.ends(0, &["executions", "resume", &by_hand]).stderr;
    assert!(told.contains(&format!("{by_hand}  told {}", receiver.url())), "{told}");
    assert_eq!(receiver.requests().len(), 1);
    // In the queue it is whoever runs the queue who tells, not the execution's own process.
    let queued = desk.submit("good.csv");
    let told = desk.ends(0, &["work", "--until-empty"]).stderr;
    assert!(told.contains(&format!("{queued}  told {}", receiver.url())), "{told}");
    let log = desk.path().join(".sconn/executions").join(&queued).join("worker.log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("loading items") && !log.contains("told"), "{log}");
    assert_eq!((receiver.requests().len(), desk.outbox().len()), (2, 2));
    // So is one that is cancelled by hand, before it began.
    let unwanted = desk.submit("good.csv");
    let told = desk.ends(0, &["executions", "cancel", &unwanted]).stderr;
    assert!(told.contains(&format!("{unwanted}  told {}", receiver.url())), "{told}");
    assert_eq!(receiver.requests().len(), 3);
}
