//! Signatures of Standard Webhooks, of requests that come in and of those that go out: one rule for what a key is, and
//! one way to sign with it.

use crate::system::secrets::{Secret, Unusable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Bytes that a key has at least: a shorter one can be guessed, and an empty one is everybody's.
const SHORTEST: usize = 16;

/// The keys in a secret: one or more, each long enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// What is signed with.
    own: Vec<Vec<u8>>,
    /// What senders may have signed with besides: a library of Standard Webhooks decodes a key without its prefix, too.
    decoded: Vec<Vec<u8>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Keys {
    /// The keys in the secret of that name. They stand apart by line ends or spaces, so that one can take another's
    /// place while both are used; one that begins with `whsec_` is Base64 behind that, any other is taken as it is. Of
    /// one that is Base64 without that prefix, what it stands for is known too, to check what comes in.
    ///
    /// # Errors
    /// Where there is none, or one is no Base64 or shorter than 16 bytes.
    pub fn of(name: &str, secret: &Secret) -> Result<Self, Unusable> {
        let no_key = |why: &str| {
            let what = format!("the secret `{name}` is no key: {why}");
            Unusable::new(what, "make one: echo \"whsec_$(openssl rand -base64 32)\"")
        };
        let key = |word: &str| {
            let key = match word.strip_prefix("whsec_") {
                Some(coded) => STANDARD.decode(coded).map_err(|_| no_key("behind `whsec_` it is Base64"))?,
                None => word.as_bytes().to_vec(),
            };
            if key.len() < SHORTEST {
                return Err(no_key(&format!("it has {} bytes, and needs {SHORTEST} at least", key.len())));
            }
            Ok(key)
        };
        let words = || secret.reveal().split_whitespace();
        let own = words().map(key).collect::<Result<Vec<_>, _>>()?;
        if own.is_empty() {
            return Err(no_key("it is empty"));
        }
        let bare = words().filter(|word| !word.starts_with("whsec_"));
        let decoded = bare.filter_map(|word| STANDARD.decode(word).ok());
        Ok(Self { own, decoded: decoded.filter(|key| key.len() >= SHORTEST).collect() })
    }

    /// The value of `webhook-signature`: one signature for each key.
    pub fn sign(&self, id: &str, time: &str, body: &[u8]) -> String {
        let one = |made: Vec<u8>| format!("v1,{}", STANDARD.encode(made));
        let made = self.own.iter().filter_map(|key| hash(key, id, time, body));
        made.map(one).collect::<Vec<_>>().join(" ")
    }

    /// Whether one of the signatures in a `webhook-signature` was made with one of the keys. Every one is compared, so
    /// that how long it takes tells nothing.
    pub fn fit(&self, signatures: &str, id: &str, time: &str, body: &[u8]) -> bool {
        let mut good = 0;
        for made in self.own.iter().chain(&self.decoded).filter_map(|key| hash(key, id, time, body)) {
            for signature in signatures.split(' ').filter_map(|s| s.strip_prefix("v1,")) {
                let given = STANDARD.decode(signature).unwrap_or_default();
                good |= made.as_slice().ct_eq(&given).unwrap_u8();
            }
        }
        good == 1
    }
}

/// HMAC-SHA256 of `id.time.body`. A key of any length will do: none is left out here.
fn hash(key: &[u8], id: &str, time: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The example of the libraries of Standard Webhooks.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EXPECTED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn keys(text: &str) -> Result<Keys, Unusable> {
        Keys::of("HOOK", &Secret::new(text))
    }

    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        assert_eq!(keys(KEY).unwrap().sign(id, time, body), EXPECTED);
        for apart in [" ", "\r\n\n"] {
            let both = keys(&format!("{KEY}{apart}taken-as-it-is-now\n")).unwrap();
            let two = both.sign(id, time, body);
            assert!(two.starts_with(&format!("{EXPECTED} v1,")) && two.split(' ').count() == 2, "{two}");
            assert!(both.fit(&two, id, time, body) && both.fit(EXPECTED, id, time, body));
        }
        assert!(!keys("another-key-of-some-length").unwrap().fit(EXPECTED, id, time, body));
        assert_eq!(format!("{:?}", keys(KEY)), "Ok(***)");
    }

    #[test]
    fn a_key_without_its_prefix_fits_as_it_is_and_decoded() {
        let (id, time, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
        let bare = KEY.trim_start_matches("whsec_");
        let bare = keys(bare).unwrap();
        // What goes out is signed with it as it is.
        let own = bare.sign(id, time, body);
        assert!(own != EXPECTED && !own.contains(' '), "{own}");
        assert!(bare.fit(&own, id, time, body) && bare.fit(EXPECTED, id, time, body));
        assert!(!bare.fit(EXPECTED, id, time, b"{}"));
        // Decoded it would be too short: nobody signs with that.
        let short = keys("sixteen+letters+").unwrap();
        let decoded = Keys { own: vec![STANDARD.decode("sixteen+letters+").unwrap()], decoded: Vec::new() };
        assert!(!short.fit(&decoded.sign(id, time, body), id, time, body));
        assert!(!keys(KEY).unwrap().fit(&own, id, time, body), "with its prefix it is what it stands for");
    }

    #[test]
    fn what_could_be_guessed_is_no_key() {
        for (text, why) in [
            ("whsec_", "it has 0 bytes, and needs 16"),
            ("whsec_bmV3", "it has 3 bytes"),
            ("whsec_!", "it is Base64"),
            ("fifteen-letters", "it has 15 bytes"),
            (" \n", "it is empty"),
        ] {
            let refused = keys(text).unwrap_err();
            assert!(refused.to_string().starts_with("the secret `HOOK` is no key: "), "{refused}");
            assert!(refused.to_string().contains(why), "{refused}");
            assert!(refused.hint().contains("openssl rand -base64 32"), "{}", refused.hint());
            assert!(keys(&format!("{KEY}\n{text}")).is_err() || text.trim().is_empty(), "{text}");
        }
        assert!(keys("sixteen-letters!").is_ok());
    }
}
