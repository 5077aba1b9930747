//! Who may issue the certificates of those that are told: the public authorities, and those of one's own.

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate as MailCertificate, TlsParameters};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Certificates of authorities of one's own; they are trusted beside the public ones.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<Vec<u8>>);

impl Authorities {
    /// Those that are in a text in PEM.
    ///
    /// # Errors
    /// Where there is none in it, or one that cannot be read.
    pub fn of(pem: &[u8]) -> Result<Self, &'static str> {
        const BROKEN: &str = "a certificate in it cannot be read";
        let mut all = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| BROKEN)? {
                all.push(certificate.der().to_vec());
            }
        }
        let own = Self(all);
        if own.0.is_empty() {
            return Err("there is no certificate in it");
        }
        // Only who is to trust them looks into them.
        own.for_mail("localhost").map_err(|_| BROKEN)?;
        Ok(own)
    }

    /// TLS with a mail server.
    pub(super) fn for_mail(&self, server: &str) -> Result<TlsParameters, Error> {
        let mut builder = TlsParameters::builder(server.to_owned());
        for own in &self.0 {
            builder = builder.add_root_certificate(MailCertificate::from_der(own.clone())?);
        }
        builder.build()
    }

    /// Whom requests trust.
    pub(super) fn for_requests(&self) -> RootCerts {
        if self.0.is_empty() {
            return RootCerts::WebPki;
        }
        let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|c| Certificate::from_der(c));
        let own = self.0.iter().map(|c| Certificate::from_der(c).to_owned());
        RootCerts::from(public.chain(own))
    }
}
