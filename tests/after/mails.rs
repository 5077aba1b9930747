//! E-mails, through aiosmtpd.

use super::servers::{Receiver, Smtp, part, status, text};
use super::{Desk, eventually, stands};
use crate::common::project::opened;
use serde_json::Value;

pub fn toml(smtp: &Smtp, more: &str) -> String {
    format!(
        "[mail]\nserver = \"localhost\"\nport = {}\nfrom = \"Loads <loads@example.com>\"\n{more}",
        smtp.port
    )
}

fn to(mails: &[Value]) -> Vec<&str> {
    let mut all: Vec<&str> = mails.iter().map(|m| m["to"][0].as_str().unwrap()).collect();
    all.sort_unstable();
    all
}

#[test]
fn the_report_is_sent_to_who_started_the_run_dry_or_live() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\"\n[serve]\nurl = \"https://loads.example.com/\""));
    let dry = ["run", "shop.sconn", "--input", "bad.csv", "--by", "you@example.com"];
    let said = desk.ends(1, &dry).stderr;
    assert!(said.contains("told you@example.com"), "{said}");
    let (_, live) = desk.live("good.csv", &["--by", "you@example.com"]);
    let mails = smtp.mails();
    assert_eq!(to(&mails), ["you@example.com", "you@example.com"]);
    let subject = |n: usize| mails[n]["headers"]["subject"].as_str().unwrap();
    assert_eq!(subject(0), "Shop: completed with errors (dry run)");
    assert_eq!(subject(1), "Shop: completed (live run)");
    assert_eq!(mails[1]["from"], "loads@example.com");
    assert_eq!(mails[1]["headers"]["from"], "Loads <loads@example.com>");
    assert_eq!(mails[1]["headers"]["auto-submitted"], "auto-generated");
    let report =
        std::fs::read(desk.path().join(".sconn/executions").join(&live).join("report.xlsx")).unwrap();
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(part(&mails[1], kind), report);
    assert_eq!(mails[1]["parts"][kind]["name"], format!("report-{live}.xlsx"));
    let plain = text(&mails[1], "text/plain");
    let url = format!("https://loads.example.com/executions/{live}");
    for expected in ["3 records were created", "The report is attached", &url] {
        assert!(plain.contains(expected), "{expected}: {plain}");
    }
    let html = text(&mails[0], "text/html");
    for expected in ["<td>bad.csv (2 rows)</td>", "not written", "sku", "Started by"] {
        assert!(html.contains(expected), "{expected}: {html}");
    }
    let shown = desk.ends(0, &["executions", "show", &live]).stdout;
    assert!(shown.contains("told      you@example.com by e-mail: sent 20"), "{shown}");
}

#[test]
fn those_who_are_named_hear_of_live_runs_as_they_wish_and_nobody_twice() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("notify \"a@example.com\", \"b@example.com\"", &toml(&smtp, "tls = \"none\""));
    desk.live("good.csv", &[]);
    desk.ends(1, &["run", "shop.sconn", "--input", "bad.csv"]);
    assert!(smtp.mails().is_empty(), "neither of what went well, nor of a dry run");
    desk.live("bad.csv", &["--by", "A@example.com", "--no-report"]);
    assert_eq!(to(&smtp.mails()), ["a@example.com", "b@example.com"]);
    assert!(text(&smtp.mails()[0], "text/plain").contains("There is no report of it."));
    desk.connector("Shop", "notify \"c@example.com\"\nnotify_when failure");
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.live("bad.csv", &[]);
    assert_eq!(smtp.mails().len(), 2);
    desk.file("broken.csv", "Other\n1\n");
    desk.ends(2, &["run", "shop.sconn", "--input", "broken.csv", "--live"]);
    let mails = smtp.mails();
    assert_eq!(mails[2]["headers"]["subject"], "Shop: failed (live run)");
    assert!(text(&mails[2], "text/plain").contains("SKU"), "why it failed");
}

#[test]
fn a_mail_server_that_hangs_does_not_hold_up_a_request() {
    let smtp = Smtp::new(&["--data", "hang"]);
    let receiver = Receiver::new(vec![status(200)]);
    let people: Vec<String> = (0..6).map(|n| format!("\"p{n}@example.com\"")).collect();
    let notify = format!("notify {}\nnotify_when always", people.join(", "));
    let toml = toml(&smtp, "tls = \"none\"\n[network]\nallow = [\"127.0.0.1\"]");
    let desk = Desk::new(&notify, &toml);
    // Only e-mails are due at first.
    desk.submit("good.csv");
    let _work = desk.start(&["work"]);
    let tried = |desk: &Desk| desk.outbox().iter().filter(|m| m["attempts"] != 0).count();
    eventually("the e-mails are being sent", || tried(&desk) >= 2);
    desk.connector("Shop", &format!("on_end \"{}\"", receiver.url()));
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.submit("good.csv");
    eventually("the request comes", || receiver.requests().len() == 1);
    let mails: Vec<Value> = desk.outbox().into_iter().filter(|m| m["kind"] == "mail").collect();
    assert_eq!(mails.len(), 6);
    for mail in &mails {
        let (state, attempts, error) = stands(mail);
        assert!(state == "waiting" && attempts <= 1 && error.is_empty(), "a try has ended before: {mail}");
    }
    assert_eq!(tried(&desk), 3, "two e-mails, and the request");
    smtp.release();
    eventually("all is sent", || desk.outbox().iter().all(|m| m["state"] == "sent"));
}

#[test]
fn an_execution_that_never_ran_is_told_too() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("notify \"a@example.com\"\nnotify_when always", &toml(&smtp, "tls = \"none\""));
    desk.ends(0, &["deactivate", "shop"]);
    let id = desk.submit("good.csv");
    desk.ends(0, &["executions", "cancel", &id]);
    let before = desk.ends(0, &["status"]).stdout;
    assert!(!before.contains("outbox"), "whoever runs the queue writes the message: {before}");
    desk.ends(0, &["work", "--until-empty"]);
    let mails = smtp.mails();
    assert_eq!(mails[0]["headers"]["subject"], "Shop: cancelled (live run)");
    assert!(text(&mails[0], "text/plain").contains("It ended before it began"));
    assert_eq!(mails.len(), 1);
    assert!(!desk.ends(0, &["status"]).stdout.contains("outbox"));
}

#[test]
fn a_server_that_wants_it_later_gets_the_same_mail_again() {
    let smtp = Smtp::new(&["--rcpt", "451,250", "--data", "drop,250"]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\""));
    desk.live("good.csv", &["--by", "you@example.com"]);
    let message = desk.message();
    assert_eq!((stands(&message).0, stands(&message).1), ("waiting", 1));
    assert!(stands(&message).2.contains("451"), "{message}");
    assert!(message["next_at"].as_str() > message["created_at"].as_str(), "{message}");
    // Nothing is due for a while.
    desk.ends(0, &["outbox", "send"]);
    assert_eq!(desk.message()["attempts"], 1);
    // The connection goes after the data: nobody knows whether it was taken.
    desk.again();
    assert_eq!((stands(&desk.message()).0, stands(&desk.message()).1), ("waiting", 2));
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 3, ""));
    let mails = smtp.mails();
    let ids: Vec<&str> = mails.iter().map(|m| m["headers"]["message-id"].as_str().unwrap()).collect();
    let own = format!("<{}@example.com>", message["id"].as_str().unwrap());
    assert_eq!(ids, [&own, &own]);
    let refused = desk.ends(2, &["outbox", "retry", message["id"].as_str().unwrap()]);
    assert!(refused.stderr.contains("was sent"), "{}", refused.stderr);
}

#[test]
fn what_is_refused_for_good_is_given_up_and_seen() {
    let smtp = Smtp::new(&["--rcpt", "550,550,250"]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\""));
    let (said, id) = desk.live("good.csv", &["--by", "nobody@example.com"]);
    assert!(said.stderr.contains("answered 550") && said.stderr.contains("given up"), "{}", said.stderr);
    assert_eq!(stands(&desk.message()).0, "given_up");
    assert!(desk.ends(0, &["status"]).stdout.contains("outbox: 0 waiting, 1 given up"));
    assert!(desk.ends(0, &["executions", "show", &id]).stdout.contains("given up after 1 try"));
    desk.again();
    assert_eq!((stands(&desk.message()).0, stands(&desk.message()).1), ("given_up", 1));
    let shown = desk.ends(0, &["outbox", "show", desk.message()["id"].as_str().unwrap()]).stdout;
    assert!(shown.contains("3 records were created"), "{shown}");
    desk.ends(0, &["outbox", "discard", desk.message()["id"].as_str().unwrap()]);
    assert!(desk.outbox().is_empty());
    let unknown = desk.ends(2, &["outbox", "discard", "msg_x"]);
    assert!(unknown.stderr.contains("there is no message msg_x"), "{}", unknown.stderr);
}

#[test]
fn a_slow_server_holds_nothing_up() {
    let smtp = Smtp::new(&["--data", "hang"]);
    let desk = Desk::new("notify \"a@example.com\"\nnotify_when always", &toml(&smtp, "tls = \"none\""));
    let _work = desk.start(&["work"]);
    let first = desk.submit("good.csv");
    eventually("the first message is on its way", || desk.outbox().len() == 1);
    assert_eq!(desk.state(&first), "completed");
    let second = desk.submit("good.csv");
    eventually("the second execution runs meanwhile", || desk.state(&second) == "completed");
    assert_eq!(desk.outbox().iter().filter(|m| m["state"] == "sent").count(), 0);
    smtp.release();
    eventually("both are told", || desk.outbox().iter().filter(|m| m["state"] == "sent").count() == 2);
    assert_eq!(smtp.mails().len(), 2);
}

#[test]
fn a_report_that_is_too_large_is_told_where_it_lies() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\"\nattach = \"1KiB\""));
    let (_, id) = desk.live("good.csv", &["--by", "you@example.com"]);
    let mails = smtp.mails();
    assert_eq!(mails[0]["parts"].as_object().unwrap().len(), 2, "text and HTML only");
    let plain = text(&mails[0], "text/plain");
    assert!(
        plain.contains("too large to be attached") && plain.contains(&format!("{id}/report.xlsx")),
        "{plain}"
    );
}

#[test]
fn names_and_addresses_from_anywhere_arrive_as_they_are() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\""));
    desk.connector("=1+1 Łódź <b>&日本 \\\"x\\\"\\r\\nBcc: all@example.com", "");
    desk.file("good.csv", "SKU,Price\n=HYPERLINK(\"http://x\"),1\nb,<img src=x>\n");
    let by = "\"a b\"@example.com";
    desk.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--by", by]);
    let mails = smtp.mails();
    assert_eq!(mails[0]["to"][0], by);
    let subject = mails[0]["headers"]["subject"].as_str().unwrap();
    assert!(subject.starts_with("=1+1 Łódź <b>&日本 \"x\""), "{subject}");
    assert!(!mails[0]["names"].as_array().unwrap().contains(&"bcc".into()), "{mails:?}");
    let html = text(&mails[0], "text/html");
    assert!(!html.contains("<b>") && !html.contains("<img"), "{html}");
    assert!(html.contains("&#60;img src=x&#62;"), "{html}");
}

#[test]
fn a_process_that_is_killed_between_sending_and_marking_sends_again_under_the_same_id() {
    let smtp = Smtp::new(&[]);
    let desk = Desk::new("notify \"a@example.com\"\nnotify_when always", &toml(&smtp, "tls = \"none\""));
    let live = ["run", "shop.sconn", "--input", "good.csv", "--live", "--no-report"];
    desk.dies_at("message sent", &live);
    assert_eq!(smtp.mails().len(), 1);
    assert_eq!(stands(&desk.message()), ("waiting", 1, ""));
    // Until its lease runs out it is the dead process's.
    desk.ends(0, &["outbox", "send"]);
    assert_eq!(smtp.mails().len(), 1);
    let message = desk.message()["id"].as_str().unwrap().to_owned();
    let refused = desk.ends(2, &["outbox", "retry", &message]).stderr;
    assert!(refused.contains(&format!("{message} is being sent just now")), "{refused}");
    let state = opened(desk.at(".sconn/state.sqlite"));
    state.execute("UPDATE outbox SET lease_until = '2020-01-01T00:00:00.000Z'", []).unwrap();
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 2, ""));
    let mails = smtp.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["headers"]["message-id"], mails[1]["headers"]["message-id"]);
    desk.ends(0, &["outbox", "send"]);
    assert_eq!(smtp.mails().len(), 2);
}

#[test]
fn a_report_that_was_removed_before_it_could_be_sent_is_not_told_as_attached() {
    let smtp = Smtp::new(&["--rcpt", "451,250"]);
    let desk = Desk::new("", &toml(&smtp, "tls = \"none\""));
    let (_, id) = desk.live("good.csv", &["--by", "you@example.com"]);
    std::fs::remove_file(desk.folder(&id).join("report.xlsx")).unwrap();
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 2, ""));
    let mails = smtp.mails();
    for kind in ["text/plain", "text/html"] {
        let said = text(&mails[0], kind);
        assert!(said.contains("Its report was removed before this could be sent."), "{said}");
        assert!(!said.contains("attached"), "{said}");
    }
}
