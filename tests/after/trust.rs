//! TLS with real servers, whose certificates an authority of the test's own issues.

use super::mails::toml;
use super::servers::{self, Https, Smtp};
use super::{Desk, stands};

const CA: &str = "[network]\nca = \"ca.pem\"\n";
const BOTH: &str = "[network]\nallow = [\"127.0.0.1\"]\nca = \"ca.pem\"\n";

#[test]
fn a_connection_goes_over_to_tls_and_signs_in() {
    let smtp = Smtp::new(&["--tls", "--auth", "me:s3cret-pass"]);
    let desk = Desk::new("", &toml(&smtp, &format!("user = \"me\"\n{CA}")));
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]);
    assert!(failed.stderr.contains("there is no secret `SMTP_PASSWORD`"), "{}", failed.stderr);
    desk.secret("SMTP_PASSWORD", "s3cret-pass");
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]);
    assert!(failed.stderr.contains("there is no such file"), "{}", failed.stderr);
    std::fs::copy(smtp.folder().join("ca.pem"), desk.path().join("ca.pem")).unwrap();
    let sent = desk.ends(0, &["mail", "test", "you@example.com"]);
    assert_eq!(sent.stdout, "an e-mail to you@example.com was handed to the server\n");
    let mails = smtp.mails();
    assert_eq!((&mails[0]["tls"], &mails[0]["user"]), (&true.into(), &"me".into()));
    // A wrong password is mended here, so the message waits.
    desk.secret("SMTP_PASSWORD", "wr0ng-pass");
    let said = desk.live("good.csv", &["--by", "you@example.com"]).0.stderr;
    let message = desk.message();
    assert_eq!((stands(&message).0, stands(&message).1), ("waiting", 1));
    assert!(stands(&message).2.contains("535") && stands(&message).2.contains("SMTP_PASSWORD"), "{message}");
    assert!(!format!("{message}{said}").contains("wr0ng-pass"));
    desk.secret("SMTP_PASSWORD", "s3cret-pass");
    desk.again();
    assert_eq!(smtp.mails().len(), 2);
    // Whom nobody vouches for is not spoken to.
    desk.file("sconn.toml", &toml(&smtp, "user = \"me\""));
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]);
    assert!(
        failed.stderr.contains("the certificate of localhost is not trusted: no authority")
            && failed.stderr.contains("[network] ca = "),
        "{}",
        failed.stderr
    );
    desk.file("sconn.toml", &toml(&smtp, "tls = \"none\""));
    desk.ends(2, &["mail", "test", "you@example.com"]);
    assert_eq!(smtp.mails().len(), 2);
}

/// Whoever sits on the way can put answers behind the server's consent, before TLS begins.
#[test]
fn what_was_said_before_tls_began_is_no_answer_to_what_is_asked_under_it() {
    let smtp = Smtp::new(&["--tls"]);
    let desk = Desk::new("", "");
    std::fs::copy(smtp.folder().join("ca.pem"), desk.path().join("ca.pem")).unwrap();
    let through = |port: u16| {
        desk.file(
            "sconn.toml",
            &format!("[mail]\nserver = \"localhost\"\nport = {port}\nfrom = \"loads@example.com\"\n{CA}"),
        );
    };
    through(servers::between(smtp.port, b""));
    desk.ends(0, &["mail", "test", "you@example.com"]);
    assert_eq!(smtp.mails().len(), 1, "who only passes on what is said changes nothing");
    through(servers::between(smtp.port, b"250 a\r\n250 b\r\n250 c\r\n354 d\r\n250 taken\r\n"));
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]).stderr;
    assert!(failed.contains("check [mail] tls and port"), "{failed}");
    assert_eq!(smtp.mails().len(), 1);
}

#[test]
fn a_connection_that_is_tls_from_its_first_byte() {
    let smtp = Smtp::new(&["--smtps", "--auth", "me:s3cret-pass"]);
    let settings = "tls = \"tls\"\nuser = \"me\"\n";
    let desk = Desk::new("", &toml(&smtp, settings));
    desk.secret("SMTP_PASSWORD", "s3cret-pass");
    desk.live("good.csv", &["--by", "you@example.com"]);
    let message = desk.message();
    assert_eq!((stands(&message).0, stands(&message).1), ("waiting", 1));
    assert!(stands(&message).2.contains("the certificate of localhost is not trusted"), "{message}");
    desk.file("sconn.toml", &toml(&smtp, &format!("{settings}{CA}")));
    std::fs::copy(smtp.folder().join("ca.pem"), desk.path().join("ca.pem")).unwrap();
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 2, ""));
    let mails = smtp.mails();
    assert_eq!((&mails[0]["tls"], &mails[0]["user"]), (&true.into(), &"me".into()));
    assert_eq!(mails.len(), 1);
    // The two ways to begin do not understand each other.
    let clear = Smtp::new(&[]);
    desk.file("sconn.toml", &toml(&clear, "tls = \"tls\""));
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]).stderr;
    assert!(failed.contains("check [mail] tls and port"), "{failed}");
    desk.file("sconn.toml", &toml(&clear, ""));
    let failed = desk.ends(2, &["mail", "test", "you@example.com"]).stderr;
    assert!(failed.contains("STARTTLS is not supported"), "{failed}");
    assert!(clear.mails().is_empty());
}

#[test]
fn a_receiver_is_called_by_tls_and_must_be_vouched_for_under_its_name() {
    let receiver = Https::new();
    let desk = Desk::new(&format!("on_end \"{}\"", receiver.url("localhost")), "");
    desk.file("sconn.toml", BOTH.trim_end_matches("ca = \"ca.pem\"\n"));
    let (done, id) = desk.live("good.csv", &[]);
    let not = "the certificate of localhost:";
    assert!(
        done.stderr.contains(not) && done.stderr.contains("is not trusted: no authority"),
        "{}",
        done.stderr
    );
    assert!(stands(&desk.message()).2.contains("[network] ca = "), "{}", desk.message());
    assert!(receiver.requests().is_empty());
    desk.file("sconn.toml", BOTH);
    std::fs::copy(receiver.authority(), desk.path().join("ca.pem")).unwrap();
    desk.again();
    assert_eq!(stands(&desk.message()), ("sent", 2, ""));
    let requests = receiver.requests();
    assert_eq!((requests.len(), &requests[0]["path"]), (1, &"/done".into()));
    assert_eq!(requests[0]["headers"]["webhook-id"], desk.message()["id"]);
    assert!(requests[0]["body"].as_str().unwrap().contains(&id));
    // Who vouches for one name does not for another, and a secret address stays one.
    desk.secret("DONE", &receiver.url("127.0.0.1"));
    desk.connector("Shop", "on_end secret(\"DONE\")");
    desk.ends(0, &["activate", "shop.sconn"]);
    let said = desk.live("good.csv", &[]).0.stderr;
    assert!(said.contains("the certificate of the receiver at the secret DONE is not trusted"), "{said}");
    assert!(said.contains("not valid for name; tried again") && !said.contains("127.0.0.1"), "{said}");
    assert_eq!(receiver.requests().len(), 1);
}

#[test]
fn authorities_that_cannot_be_read_are_told_at_their_line() {
    let smtp = Smtp::new(&["--tls"]);
    let receiver = servers::Receiver::new(vec![servers::status(200)]);
    let settings = format!("notify \"a@example.com\"\non_end \"{}\"", receiver.url());
    let desk = Desk::new(&settings, &toml(&smtp, &format!("tls = \"starttls\"\n{BOTH}")));
    for (content, why) in [
        (None, "there is no such file or folder"),
        (Some(""), "there is no certificate in it"),
        (
            Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "a certificate in it cannot be read",
        ),
        (
            Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
            "a certificate in it cannot be read",
        ),
    ] {
        if let Some(content) = content {
            desk.file("ca.pem", content);
        }
        let told = |said: &str| said.contains("sconn.toml:8: ca: ") && said.contains(why);
        let failed = desk.ends(2, &["mail", "test", "you@example.com"]).stderr;
        assert!(told(&failed) && failed.contains("certificates in PEM"), "{failed}");
        let notice = desk.ends(0, &["activate", "shop.sconn"]).stderr;
        assert!(
            told(&notice) && notice.contains("only servers are trusted whose certificates the system knows"),
            "{notice}"
        );
        assert!(told(&desk.ends(0, &["status"]).stdout));
    }
    // A run goes on all the same. What needs no authority is told, and what needs one waits.
    desk.live("bad.csv", &[]);
    let message = |kind: &str| desk.outbox().into_iter().find(|m| m["kind"] == kind).unwrap();
    assert_eq!(stands(&message("hook")), ("sent", 1, ""));
    let mail = message("mail");
    assert_eq!((stands(&mail).0, stands(&mail).1), ("waiting", 1));
    assert!(stands(&mail).2.contains("is not trusted") && stands(&mail).2.contains("ca: "), "{mail}");
    assert_eq!((smtp.mails().len(), receiver.requests().len()), (0, 1));
    // What is no address is told where it stands, before anything is to be sent.
    for (settings, line, why) in [
        (
            "[mail]\nserver = \"s\"\nfrom = \"nobody\"",
            3,
            "[mail] from: `nobody` is no e-mail address; write it like",
        ),
        (
            "[network]\nallow = [\"127.0.0.1\", \"10.0.0\"]",
            2,
            "[network] allow: `10.0.0` is no address or range; write",
        ),
    ] {
        desk.file("sconn.toml", settings);
        for command in [&["status"][..], &["check", "shop.sconn"]] {
            let failed = desk.ends(2, command).stderr;
            assert!(failed.contains(&format!("sconn.toml:{line}: {why}")), "{failed}");
        }
    }
    desk.file("sconn.toml", "[mail]\nserver = \"s\"\nfrom = \"a@b.c\"\nca = \"ca.pem\"");
    let failed = desk.ends(2, &["status"]).stderr;
    assert!(failed.contains("sconn.toml:4: unknown field `ca`"), "{failed}");
}
