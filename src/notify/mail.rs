//! Handing an e-mail to a mail server.

use super::lines::Lines;
use super::{Authorities, Letter, Refused, distrusted};
use crate::system::secrets::Secret;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use std::str::FromStr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long one of the server's addresses has to take the connection.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long the server has until it is ready for the e-mail: connection, TLS, greeting, signing in.
const OPENING: Duration = Duration::from_secs(30);
/// How long it then has to take the e-mail; many look for viruses before they say so.
const TAKING: Duration = Duration::from_secs(180);
/// How long it has to say good-bye.
const CLOSING: Duration = Duration::from_secs(2);
/// How long a try may take altogether, however the server spreads out what it says.
pub const LONGEST_TRY: Duration = OPENING.saturating_add(TAKING).saturating_add(CLOSING);
const UNREACHED: &str = "check [mail] server, port and tls, and whether this machine reaches it";
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

/// Who e-mails are from: `loads@example.com`, `Loads <loads@example.com>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse().map(Self);
        read.map_err(|_| {
            format!("`{text}` is no e-mail address; write it like \"Loads <loads@example.com>\"")
        })
    }
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
    pub from: Sender,
    /// Who may issue its certificate.
    pub authorities: Authorities,
}

/// Hands an e-mail to the server. `id` is the same at every try, so that a mailbox can tell that it has
/// the e-mail already.
///
/// # Errors
/// Where it was not taken.
pub fn send(server: &MailServer, id: &str, to: &str, letter: &Letter) -> Result<(), Refused> {
    send_within(server, &message(server, id, to, letter)?, OPENING, TAKING)
}

/// The same within so much time. What is not done by then is dropped, and its connection with it: nothing
/// of it can reach the server later.
pub(super) fn send_within(
    server: &MailServer,
    message: &Message,
    opening: Duration,
    taking: Duration,
) -> Result<(), Refused> {
    let late = |did: &str, time: Duration| {
        Refused::for_now(
            format!("{} did not {did} within {time:?}", server.name),
            "check [mail] server, port and tls, and whether a firewall is between",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Refused::for_now(format!("the e-mail cannot be sent: {e}"), ""))?;
    let sent = runtime.block_on(async {
        let open = timeout(opening, open(server)).await;
        let mut connection = open.map_err(|_| late("get ready", opening))??;
        let content = message.formatted();
        let taken = timeout(taking, connection.send(message.envelope(), &content)).await;
        taken.map_err(|_| late("take the e-mail", taking))?.map_err(|e| refused(server, &e))?;
        // It is taken, whatever is said at the end.
        let _ = timeout(CLOSING, connection.abort()).await;
        Ok(())
    });
    // Nobody waits for the address of a name that nobody wants any more.
    runtime.shutdown_background();
    sent
}

pub(super) fn message(server: &MailServer, id: &str, to: &str, letter: &Letter) -> Result<Message, Refused> {
    let Sender(from) = server.from.clone();
    let to: Address = to.parse().map_err(|_| {
        Refused::for_good(format!("`{to}` is no e-mail address"), "it looks like a@example.com")
    })?;
    let message_id = format!("<{id}@{}>", from.email.domain());
    // A report that has been cleared away since keeps nobody from the rest.
    let file = letter.attach.as_ref().and_then(|(path, name)| Some((std::fs::read(path).ok()?, name)));
    let gone = (letter.attach.is_some() && file.is_none()).then(|| letter.without_report());
    let said = gone.as_ref().unwrap_or(letter);
    let body = MultiPart::alternative()
        .singlepart(SinglePart::plain(said.text.clone()))
        .singlepart(SinglePart::html(said.html.clone()));
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

/// A connection that is ready for an e-mail.
async fn open(server: &MailServer) -> Result<AsyncSmtpConnection, Refused> {
    let failed = |e| refused(server, &e);
    let tls = || server.authorities.for_mail(&server.name).map_err(failed);
    let (port, at_once, later) = match server.tls {
        MailTls::Starttls => (587, None, Some(tls()?)),
        MailTls::Tls => (465, Some(tls()?), None),
        MailTls::None => (25, None, None),
    };
    let here = ["localhost", "127.0.0.1", "::1"].contains(&server.name.as_str());
    if server.sign_in.is_some() && server.tls == MailTls::None && !here {
        return Err(Refused::for_now(
            "a password is not sent in the clear",
            "set [mail] tls to \"starttls\" or \"tls\", or leave out user",
        ));
    }
    let address = (server.name.as_str(), server.port.unwrap_or(port));
    let own = ClientId::default();
    let mut connection = match later {
        Some(tls) => {
            let stream = Box::new(Lines::of(connect(server, address).await?));
            let connection = AsyncSmtpConnection::connect_with_transport(stream, &own).await;
            let mut connection = connection.map_err(failed)?;
            connection.starttls(tls, &own).await.map_err(failed)?;
            connection
        }
        None => AsyncSmtpConnection::connect_tokio1(address, Some(CONNECTING), &own, at_once, None)
            .await
            .map_err(failed)?,
    };
    if let Some((user, password)) = &server.sign_in {
        let credentials = Credentials::new(user.clone(), password.reveal().to_owned());
        connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(failed)?;
    }
    Ok(connection)
}

/// A connection to one of the server's addresses, the first that takes it.
async fn connect(server: &MailServer, address: (&str, u16)) -> Result<TcpStream, Refused> {
    let failed = |e: std::io::Error| Refused::for_now(format!("{}: {e}", server.name), UNREACHED);
    let mut last = std::io::Error::other("its name stands for no address");
    for address in lookup_host(address).await.map_err(failed)? {
        match timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => last = e,
            Err(late) => last = late.into(),
        }
    }
    Err(failed(last))
}

/// Why the server did not take it, in words, and what to do.
fn refused(server: &MailServer, error: &lettre::transport::smtp::Error) -> Refused {
    let place = &server.name;
    if let Some(refused) = distrusted(place, error) {
        return refused;
    }
    let code = error.status().map(u16::from);
    // Source by source: what lettre says of itself is not always the cause.
    let mut cause: &dyn std::error::Error = error;
    let mut tls = error.is_tls();
    while let Some(deeper) = cause.source() {
        cause = deeper;
        let kind = cause.downcast_ref().map(std::io::Error::kind);
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
        None if tls => {
            Refused::for_now(told, "check [mail] tls and port: the server may speak TLS otherwise")
        }
        None => Refused::for_now(told, UNREACHED),
    }
}
