//! Handing an e-mail to a mail server.

use super::{Letter, Refused};
use crate::system::secrets::Secret;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, Message, SmtpTransport, Transport};
use std::path::PathBuf;
use std::time::Duration;

/// How long the server may keep still.
const PATIENCE: Duration = Duration::from_secs(30);
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// How the connection is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// It begins in the clear and must go over to TLS.
    Starttls,
    /// It is TLS from the first byte.
    Tls,
    /// It is in the clear.
    None,
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name.
    pub name: String,
    /// Its port; the usual one where not set.
    pub port: Option<u16>,
    /// How the connection is kept secret.
    pub tls: MailTls,
    /// Who signs in, and with which password.
    pub sign_in: Option<(String, Secret)>,
    /// Who the e-mails are from.
    pub from: String,
    /// A file with certificates that are trusted beside the usual ones.
    pub ca: Option<PathBuf>,
}

/// Hands an e-mail to the server. `id` is the same at every try, so that a mailbox can tell that it has
/// the e-mail already.
///
/// # Errors
/// Where it was not taken.
pub fn send(server: &MailServer, id: &str, to: &str, letter: &Letter) -> Result<(), Refused> {
    let message = message(server, id, to, letter)?;
    let transport = transport(server)?;
    transport.send(&message).map(drop).map_err(|e| refused(server, &e))
}

fn message(server: &MailServer, id: &str, to: &str, letter: &Letter) -> Result<Message, Refused> {
    let from: Mailbox = server.from.parse().map_err(|_| {
        Refused::for_now(
            format!("[mail] from = \"{}\" is no address", server.from),
            "write it like \"Loads <loads@example.com>\"",
        )
    })?;
    let to: Address = to.parse().map_err(|_| {
        Refused::for_good(format!("`{to}` is no e-mail address"), "it looks like a@example.com")
    })?;
    let message_id = format!("<{id}@{}>", from.email.domain());
    let body = MultiPart::alternative()
        .singlepart(SinglePart::plain(letter.text.clone()))
        .singlepart(SinglePart::html(letter.html.clone()));
    // A report that has been cleared away since keeps nobody from the rest.
    let file = letter.attach.as_ref().and_then(|(path, name)| Some((std::fs::read(path).ok()?, name)));
    let kind = ContentType::parse(WORKBOOK).unwrap_or(ContentType::TEXT_PLAIN);
    let body = match file {
        Some((bytes, name)) => {
            MultiPart::mixed().multipart(body).singlepart(Attachment::new(name.clone()).body(bytes, kind))
        }
        None => body,
    };
    let unmade = |e: &dyn std::fmt::Display| Refused::for_good(format!("the e-mail cannot be made: {e}"), "");
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(|e| unmade(&e))?;
    let mut builder = Message::builder()
        .envelope(envelope)
        .message_id(Some(message_id))
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(letter.subject.clone());
    // So that nobody's absence is answered to us.
    if let Ok(name) = HeaderName::new_from_ascii("Auto-Submitted".to_owned()) {
        builder = builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned()));
    }
    builder.multipart(body).map_err(|e| unmade(&e))
}

fn transport(server: &MailServer) -> Result<SmtpTransport, Refused> {
    let tls = || -> Result<TlsParameters, Refused> {
        let mut builder = TlsParameters::builder(server.name.clone());
        if let Some(file) = &server.ca {
            let unusable = |why: String| {
                Refused::for_now(
                    format!("[mail] ca: {}: {why}", file.display()),
                    "it is a file with certificates in PEM, counted from the project's root",
                )
            };
            let pem = std::fs::read(file).map_err(|e| unusable(e.to_string()))?;
            let certificate = Certificate::from_pem(&pem).map_err(|e| unusable(e.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|e| refused(server, &e))
    };
    let (tls, port) = match server.tls {
        MailTls::Starttls => (Tls::Required(tls()?), 587),
        MailTls::Tls => (Tls::Wrapper(tls()?), 465),
        MailTls::None => (Tls::None, 25),
    };
    let mut builder = SmtpTransport::builder_dangerous(server.name.clone())
        .port(server.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(PATIENCE));
    if let Some((user, password)) = &server.sign_in {
        let here = ["localhost", "127.0.0.1", "::1"].contains(&server.name.as_str());
        if server.tls == MailTls::None && !here {
            return Err(Refused::for_now(
                "a password is not sent in the clear",
                "set [mail] tls to \"starttls\" or \"tls\", or leave out user",
            ));
        }
        builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
    }
    Ok(builder.build())
}

/// Why the server did not take it, in words, and what to do.
fn refused(server: &MailServer, error: &lettre::transport::smtp::Error) -> Refused {
    let place = &server.name;
    let code = error.status().map(u16::from);
    // Source by source: what lettre says of itself is not always the cause.
    let mut cause: &dyn std::error::Error = error;
    let (mut late, mut tls) = (error.is_timeout(), error.is_tls());
    while let Some(deeper) = cause.source() {
        cause = deeper;
        let kind = cause.downcast_ref().map(std::io::Error::kind);
        late |= kind == Some(std::io::ErrorKind::WouldBlock);
        tls |= kind == Some(std::io::ErrorKind::InvalidData);
    }
    let told = match code {
        Some(code) => format!("{place} answered {code}: {cause}"),
        None => format!("{place}: {cause}"),
    };
    match code {
        // Signing in is mended here, not by whom the e-mail is for.
        Some(530 | 534 | 535 | 538) => Refused::for_now(
            told,
            "check [mail] user, and the secret SMTP_PASSWORD: SCONN_SECRET_SMTP_PASSWORD or .sconn/secrets/SMTP_PASSWORD",
        ),
        Some(552 | 554) if error.is_permanent() => {
            Refused::for_good(told, "where it is too large: make [mail] attach smaller")
        }
        Some(_) if error.is_permanent() => {
            Refused::for_good(told, "the server will not take it: check the addresses")
        }
        Some(_) => Refused::for_now(told, "the server wants it later"),
        None if late => Refused::for_now(
            format!("{place} did not answer within {} seconds", PATIENCE.as_secs()),
            "check [mail] server, port and tls, and whether a firewall is between",
        ),
        None if tls => Refused::for_now(
            told,
            "check [mail] tls; a certificate of an authority of your own is trusted with [mail] ca = \"…\"",
        ),
        None => {
            Refused::for_now(told, "check [mail] server, port and tls, and whether this machine reaches it")
        }
    }
}
