//! The HTTP request that tells that an execution ended, signed as Standard Webhooks says.

use super::network::{Forbidden, Guarded};
use super::{Authorities, Keys, Range, Refused, distrusted};
use jiff::{SignedDuration, Timestamp};
use std::io::Read;
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

/// How long a try may take altogether, however the receiver spreads out what it says.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of an answer that says no is told.
const TOLD: u64 = 300;
/// The longest that the other side may ask to be left alone.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// Who is told by a request.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its address.
    pub url: String,
    /// Whether the address is a secret: nothing may be told that it could be read from.
    pub secret: bool,
    /// What people are told of who it is.
    pub name: String,
    /// What requests to it are signed with.
    pub keys: Keys,
    /// What of the own network may be called.
    pub allow: Vec<Range>,
    /// Who may issue its certificate.
    pub authorities: Authorities,
}

/// Posts a body that is JSON. Redirects are not followed, no proxy is asked, and only public addresses are
/// called, by https, or those that are allowed.
///
/// # Errors
/// Where it was not taken with a 2xx. A secret address is in nothing that is told.
pub fn post(receiver: &Receiver, id: &str, body: &str, now: Timestamp) -> Result<(), Refused> {
    post_within(receiver, id, body, now, PATIENCE)
}

/// The same within so much time.
pub(super) fn post_within(
    receiver: &Receiver,
    id: &str,
    body: &str,
    now: Timestamp,
    patience: Duration,
) -> Result<(), Refused> {
    let seconds = now.as_second().to_string();
    let signature = receiver.keys.sign(id, &seconds, body.as_bytes());
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .timeout_global(Some(patience))
        .timeout_connect(Some(Duration::from_secs(10)))
        .tls_config(TlsConfig::builder().root_certs(receiver.authorities.for_requests()).build())
        .max_idle_connections(0)
        .max_response_header_size(16 << 10)
        .user_agent(concat!("sconn/", env!("CARGO_PKG_VERSION")))
        .build();
    let names = Guarded { allow: receiver.allow.clone(), names: DefaultResolver::default() };
    let agent = Agent::with_parts(config, DefaultConnector::default(), names);
    let answer = agent
        .post(&receiver.url)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature)
        .send(body)
        .map_err(|e| {
            let untrusted = if receiver.secret {
                distrusted_secret(&receiver.name, &e)
            } else {
                distrusted(&receiver.name, &e)
            };
            untrusted.unwrap_or_else(|| refused(&e))
        })?;
    if answer.status().is_success() { Ok(()) } else { Err(said_no(answer, receiver.secret, now)) }
}

/// That the certificate of a secret receiver is not trusted. Why ends with the names that it was called by and has,
/// in quotes, which are for nobody.
fn distrusted_secret(who: &str, error: &ureq::Error) -> Option<Refused> {
    let told = distrusted(who, error)?;
    let what = told.what.split('"').next().unwrap_or_default().trim_end().to_owned();
    Some(Refused { what, ..told })
}

fn said_no(mut answer: Response<Body>, secret: bool, now: Timestamp) -> Refused {
    let status = answer.status();
    // What a server says of it helps whoever looks; a page of any length does not. Many say again what was asked
    // for, which is nobody's to read where the address is a secret.
    let mut said = Vec::new();
    if !secret {
        let _ = answer.body_mut().as_reader().take(TOLD).read_to_end(&mut said);
    }
    let said = String::from_utf8_lossy(&said);
    let said = if said.trim().is_empty() { String::new() } else { format!(": {}", said.trim()) };
    let what = format!("it answered {status}{said}");
    if status == StatusCode::GONE {
        return Refused::for_good(
            what,
            "the receiver wants no more of these: take `on_end` out, or change it",
        );
    }
    if status.is_redirection() {
        return Refused::for_now(what, "redirects are not followed: give the address itself");
    }
    let waits = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let header = answer.headers().get("retry-after").filter(|_| waits);
    let wait = header.and_then(|h| h.to_str().ok()).and_then(|text| retry_after(text, now));
    Refused { wait, ..Refused::for_now(what, "see what the receiver's log says of it") }
}

/// How long `Retry-After` asks to wait: seconds, or until a time.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let wait = match text.trim().parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
            at.timestamp().duration_since(now)
        }
    };
    Some(wait.clamp(SignedDuration::ZERO, LONGEST_WAIT))
}

fn refused(error: &ureq::Error) -> Refused {
    let answers = "see whether the receiver is up, and whether this machine reaches it";
    match error {
        ureq::Error::Other(e) => match e.downcast_ref::<Forbidden>() {
            Some(Forbidden { clear: true }) => Refused::for_now(
                "it is called without TLS",
                "write https://, or declare its address: [network] allow = [\"…\"]",
            ),
            Some(Forbidden { clear: false }) => Refused::for_now(
                "its address is not a public one",
                "where that is meant, declare it in sconn.toml: [network] allow = [\"127.0.0.1\"]",
            ),
            None => Refused::for_now("it could not be called", answers),
        },
        ureq::Error::Timeout(_) => Refused::for_now("it did not answer in time", answers),
        ureq::Error::HostNotFound => {
            Refused::for_now("its name is not known", "see whether it is spelt right")
        }
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
            Refused::for_now("the connection was refused: nothing listens there", answers)
        }
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Refused::for_now(format!("TLS: {e}"), "see whether its address is one for https")
        }
        ureq::Error::Io(e) => Refused::for_now(format!("the connection failed: {}", e.kind()), answers),
        ureq::Error::Rustls(e) => Refused::for_now(format!("TLS: {e}"), answers),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            Refused::for_now("it is no web address", "an address begins with https://")
        }
        ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
            Refused::for_now("what it answered is not HTTP", answers)
        }
        _ => Refused::for_now("it could not be called", answers),
    }
}
