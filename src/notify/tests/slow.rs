//! Servers that spread out what they say: the next byte always comes soon, the end never does.

use crate::notify::mail::{MailServer, MailTls, message, send_within};
use crate::notify::{Authorities, Keys, Receiver, Refused, hook, test_letter};
use crate::system::secrets::Secret;
use jiff::Timestamp;
use std::io::Write;
use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long they are listened to.
const SHORT: Duration = Duration::from_millis(500);
/// The head of a TLS record of 16 KiB.
const RECORD: &[u8] = b"\x16\x03\x03\x40\x00";

struct Drip {
    port: u16,
    thread: JoinHandle<bool>,
}

impl Drip {
    /// Sends the first, and then the rest again and again.
    fn new(first: &'static [u8], rest: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(first);
            let since = Instant::now();
            while since.elapsed() < Duration::from_secs(60) {
                if stream.write_all(rest).is_err() {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            false
        });
        Self { port, thread }
    }

    /// Nobody listens any more, and so nobody can go on with it.
    fn assert_left(self) {
        assert!(self.thread.join().unwrap(), "the connection is still open");
    }

    fn mail(&self, tls: MailTls) -> Result<(), Refused> {
        let server = MailServer {
            name: "localhost".into(),
            port: Some(self.port),
            tls,
            sign_in: None,
            from: "loads@example.com".parse().unwrap(),
            authorities: Authorities::default(),
        };
        let mail = message(&server, "msg_1", "you@example.com", &test_letter())?;
        send_within(&server, &mail, SHORT, SHORT)
    }

    fn request(&self, scheme: &str) -> Result<(), Refused> {
        let receiver = Receiver {
            url: format!("{scheme}://127.0.0.1:{}/", self.port),
            secret: false,
            name: "it".into(),
            keys: Keys::of("HOOK", &Secret::new("a-key-of-some-length")).unwrap(),
            allow: vec!["127.0.0.1".parse().unwrap()],
            authorities: Authorities::default(),
        };
        hook::post_within(&receiver, "msg_1", "{}", Timestamp::UNIX_EPOCH, SHORT)
    }
}

#[test]
fn a_mail_server_that_never_comes_to_an_end_is_left_in_time() {
    let ready = b"220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250-";
    for (first, tls, why) in [
        (b"220-".as_slice(), MailTls::None, "localhost did not get ready within 500ms"),
        (b"220 a\r\n250-", MailTls::Starttls, "localhost did not get ready within 500ms"),
        (RECORD, MailTls::Tls, "localhost did not get ready within 500ms"),
        (ready, MailTls::None, "localhost did not take the e-mail within 500ms"),
    ] {
        let server = Drip::new(first, b"x");
        let refused = server.mail(tls).unwrap_err();
        assert!(refused.again && refused.what == why, "{refused:?}");
        server.assert_left();
    }
}

#[test]
fn an_e_mail_that_was_taken_is_sent_however_long_the_good_bye_is() {
    let server = Drip::new(b"220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250 f\r\n221-", b"x");
    server.mail(MailTls::None).unwrap();
    server.assert_left();
}

#[test]
fn a_receiver_that_never_comes_to_an_end_is_left_in_time() {
    for (first, rest, scheme, why) in [
        (b"HTTP/1.1 200 OK\r\nx: ".as_slice(), b"x".as_slice(), "http", "it did not answer in time"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "http", "it did not answer in time"),
        (b"HTTP/1.1 200 OK\r\nx: ", &[b'x'; 4096], "http", "what it answered is not HTTP"),
        (b"HTTP/1.1 400 X\r\n\r\n", b"x", "https", "TLS: received corrupt message"),
        (RECORD, b"x", "https", "it did not answer in time"),
        (b"HTTP/1.1 500 X\r\ncontent-length: 99999\r\n\r\n", b"x", "http", "it answered 500"),
    ] {
        let server = Drip::new(first, rest);
        let refused = server.request(scheme).unwrap_err();
        assert!(refused.again && refused.what.starts_with(why), "{refused:?}");
        server.assert_left();
    }
}

#[test]
fn what_a_receiver_says_after_it_took_a_request_is_not_read() {
    let server = Drip::new(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", b"x");
    server.request("http").unwrap();
    server.assert_left();
}
