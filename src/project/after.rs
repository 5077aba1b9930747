//! The sections `[mail]` and `[network]` of `sconn.toml`: what happens after a run.

use super::amounts::parse_size;
use crate::notify::{Range, Sender};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;
use toml::Spanned;

/// The server that e-mails are handed to.
///
/// ```toml
/// [mail]
/// server = "smtp.example.com"
/// from = "Loads <loads@example.com>"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Its name, without a port.
    pub server: String,
    /// Its port; 587 with STARTTLS, 465 with TLS, 25 without either where not set.
    pub port: Option<u16>,
    /// How the connection is kept secret.
    #[serde(default)]
    pub tls: MailTls,
    /// Who signs in; nobody where not set. The password is the secret `SMTP_PASSWORD`.
    pub user: Option<String>,
    /// Who the e-mails are from: `loads@example.com`, `Loads <loads@example.com>`.
    #[serde(deserialize_with = "sender")]
    pub from: Sender,
    /// The most bytes of a report that is attached; a larger one is told where it lies.
    #[serde(default = "ten_mib", deserialize_with = "size_or_zero")]
    pub attach: u64,
}

/// How the connection to the mail server is kept secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// It begins in the clear and must go over to TLS before anything is said.
    #[default]
    Starttls,
    /// It is TLS from the first byte.
    Tls,
    /// It is in the clear.
    None,
}

/// What the project may connect to.
///
/// ```toml
/// [network]
/// allow = ["127.0.0.1", "10.0.0.0/8"]
/// ca = "ca.pem"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// Addresses and ranges that are not public and may be called all the same, also without TLS.
    #[serde(default, deserialize_with = "ranges")]
    pub allow: Vec<Range>,
    /// A file with certificates (PEM) of authorities that are trusted beside the public ones, from the
    /// project's root.
    pub(super) ca: Option<Spanned<PathBuf>>,
}

/// A file that `sconn.toml` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The file.
    pub file: PathBuf,
    /// The line that names it, where what is wrong with it is told: `sconn.toml:3`.
    pub place: String,
}

fn sender<'de, D: Deserializer<'de>>(from: D) -> Result<Sender, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|why| D::Error::custom(format_args!("[mail] from: {why}")))
}

fn ranges<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Range>, D::Error> {
    let all = Vec::<String>::deserialize(from)?;
    let read =
        |text: &String| text.parse().map_err(|why| D::Error::custom(format_args!("[network] allow: {why}")));
    all.iter().map(read).collect()
}

fn ten_mib() -> u64 {
    10 << 20
}

/// A size, or nothing at all.
fn size_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    if text == "0" { Ok(0) } else { parse_size(&text).map_err(D::Error::custom) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_needs_little_and_takes_more() {
        let read = |text: &str| toml::from_str::<MailSettings>(text);
        let least = read("server = \"s\"\nfrom = \"a@b.c\"").unwrap();
        assert_eq!((least.tls, least.attach, least.port), (MailTls::Starttls, 10 << 20, None));
        let more =
            read("server = \"s\"\nfrom = \"a@b.c\"\ntls = \"none\"\nattach = \"0\"\nport = 25").unwrap();
        assert_eq!((more.tls, more.attach, more.port), (MailTls::None, 0, Some(25)));
        for wrong in ["nobody", "", "a@b.c, d@e.f"] {
            assert!(read(&format!("server = \"s\"\nfrom = \"{wrong}\"")).is_err(), "{wrong}");
        }
        for wrong in ["attach = \"10\"", "attach = \"10 MB\"", "tls = \"ssl\"", "password = \"x\""] {
            assert!(read(&format!("server = \"s\"\nfrom = \"a@b.c\"\n{wrong}")).is_err(), "{wrong}");
        }
    }
}
