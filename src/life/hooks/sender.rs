//! Who may send: signatures by Standard Webhooks, and tokens.

use crate::notify::Keys;
use crate::plan::{Verify, WebhookPlan};
use crate::system::secrets::{Secret, Unusable};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How far a signature's time may be from ours, in seconds.
const TOLERANCE: i64 = 300;

/// The characters of an id that a sender gives an event, at most.
const LONGEST_ID: usize = 256;

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not show that it comes from somebody who may send.
    Unknown(String),
    /// The service itself cannot tell: its secret is missing or no key.
    Unready(String),
    /// The id is no id.
    BadId(String),
}

/// What tells senders from others.
#[derive(Clone, Debug)]
pub(super) enum Lock {
    /// Anybody may send.
    Open,
    /// The keys that a signature may be made with.
    Signed(Keys),
    /// The hashes of the tokens that may be sent: all are of one length, whatever the tokens are.
    Tokens(Vec<[u8; 32]>),
    /// Nobody can be told.
    Unready(String),
}

impl Lock {
    /// The lock of a connector. `secret` reads the secret of a name. Each of its lines that is a token counts, or each
    /// of its keys, so that a new one can be handed out while the old one is still used.
    pub(super) fn of(plan: &WebhookPlan, secret: impl Fn(&str) -> Result<Secret, Unusable>) -> Self {
        if plan.verify == Verify::Nothing {
            return Lock::Open;
        }
        let Some(name) = &plan.secret else {
            return Lock::Unready("the connector has no secret".to_owned());
        };
        let lock = secret(name).and_then(|secret| {
            if plan.verify == Verify::Token {
                let lines = secret.reveal().lines().map(str::trim).filter(|l| !l.is_empty());
                return Ok(Lock::Tokens(lines.map(|l| Sha256::digest(l.as_bytes()).into()).collect()));
            }
            Keys::of(name, &secret).map(Lock::Signed)
        });
        lock.unwrap_or_else(|e| Lock::Unready(format!("{e}: {}", e.hint())))
    }

    /// Whether a request may come in; gives the sender's id of it. `header` reads a header by its name
    /// in small letters.
    pub(super) fn admit<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<&'h str>, Refusal> {
        let id = header("webhook-id").or_else(|| header("idempotency-key")).filter(|id| !id.is_empty());
        if id.is_some_and(|id| id.chars().count() > LONGEST_ID) {
            return Err(Refusal::BadId(format!("the id has more than {LONGEST_ID} characters")));
        }
        match self {
            Lock::Open => Ok(id),
            Lock::Unready(why) => Err(Refusal::Unready(why.clone())),
            Lock::Tokens(known) => {
                let given = header("authorization").and_then(bearer).or_else(|| header("x-api-key"));
                let given = given.ok_or_else(|| {
                    unknown("a token is needed: `Authorization: Bearer TOKEN`, or `X-API-Key: TOKEN`")
                })?;
                let given: [u8; 32] = Sha256::digest(given.as_bytes()).into();
                // Every one is compared, so that how long it takes tells nothing.
                let same = known.iter().fold(0, |same, k| same | k.ct_eq(&given).unwrap_u8());
                if same == 1 { Ok(id) } else { Err(unknown("the token is none that this webhook takes")) }
            }
            Lock::Signed(keys) => {
                let missing = |name: &str| unknown(&format!("the header `{name}` is missing"));
                let id = header("webhook-id").ok_or_else(|| missing("webhook-id"))?;
                let time = header("webhook-timestamp").ok_or_else(|| missing("webhook-timestamp"))?;
                let signatures = header("webhook-signature").ok_or_else(|| missing("webhook-signature"))?;
                // The parts of what is signed are told apart by dots: one within the id would let a
                // signature pass for that of another time and body.
                if id.is_empty() {
                    return Err(Refusal::BadId("the `webhook-id` is empty".to_owned()));
                }
                if id.contains('.') {
                    return Err(Refusal::BadId("a `webhook-id` is a text without dots".to_owned()));
                }
                let at: i64 = time.parse().map_err(|_| unknown("`webhook-timestamp` is no number"))?;
                if now.as_second().abs_diff(at) > TOLERANCE.unsigned_abs() {
                    return Err(unknown("`webhook-timestamp` is more than 300 seconds from now"));
                }
                if keys.fit(signatures, id, time, body) {
                    Ok(Some(id))
                } else {
                    Err(unknown("the signature does not fit"))
                }
            }
        }
    }
}

fn unknown(why: &str) -> Refusal {
    Refusal::Unknown(why.to_owned())
}

/// The token of a header `Authorization: Bearer TOKEN`; none where it is of another scheme.
pub fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use std::collections::HashMap;

    /// The example of the Standard Webhooks libraries.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn lock(secret: &str, verify: Verify) -> Lock {
        let plan = WebhookPlan { secret: Some("S".into()), verify, ..WebhookPlan::default() };
        Lock::of(&plan, |_| Ok(Secret::new(secret)))
    }

    fn admit(
        lock: &Lock,
        headers: &[(&str, &str)],
        body: &[u8],
        second: i64,
    ) -> Result<Option<String>, Refusal> {
        let headers: HashMap<&str, &str> = headers.iter().copied().collect();
        let now = Timestamp::from_second(second).unwrap();
        lock.admit(|name| headers.get(name).copied(), body, now).map(|id| id.map(str::to_owned))
    }

    fn signed<'a>(id: &'a str, time: &'a str, signature: &'a str) -> [(&'a str, &'a str); 3] {
        [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)]
    }

    #[test]
    fn a_signature_counts_within_300_seconds_and_for_its_own_request_only() {
        let lock = lock(KEY, Verify::Standard);
        let now = 1_614_265_330;
        let good = signed(ID, TIME, SIGNED);
        for (second, taken) in
            [(now, true), (now + 300, true), (now - 300, true), (now + 301, false), (now - 301, false)]
        {
            assert_eq!(admit(&lock, &good, BODY, second).is_ok(), taken, "{second}");
        }
        assert_eq!(admit(&lock, &good, BODY, now).unwrap().as_deref(), Some(ID));
        let several = format!("v1,AAAA v2,{SIGNED} {SIGNED}");
        assert!(admit(&lock, &signed(ID, TIME, &several), BODY, now).is_ok());
        for other in [
            signed("msg_other", TIME, SIGNED),
            signed(ID, "1614265331", SIGNED),
            signed(ID, TIME, "v1,AAAA"),
            signed(ID, TIME, SIGNED.trim_start_matches("v1,")),
            signed(ID, TIME, ""),
            signed(ID, "soon", SIGNED),
        ] {
            assert!(matches!(admit(&lock, &other, BODY, now), Err(Refusal::Unknown(_))), "{other:?}");
        }
        assert!(admit(&lock, &good, b"{\"test\": 2432232315}", now).is_err());
        assert!(admit(&lock, &good[..2], BODY, now).is_err());
        // The same bytes signed, cut in other places.
        let (id, time, body) = ("msg.1614265330", "1614265331", b"rest".as_slice());
        let made = Keys::of("S", &Secret::new(KEY)).unwrap().sign(id, time, body);
        assert!(matches!(admit(&lock, &signed(id, time, &made), body, now), Err(Refusal::BadId(_))));
    }

    #[test]
    fn the_old_secret_and_the_new_one_count_side_by_side() {
        let old = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = lock(&format!("{old}\n\n{KEY}\n"), Verify::Standard);
        assert!(admit(&both, &signed(ID, TIME, SIGNED), BODY, 1_614_265_330).is_ok());
        let gone = lock(old, Verify::Standard);
        assert!(admit(&gone, &signed(ID, TIME, SIGNED), BODY, 1_614_265_330).is_err());
    }

    #[test]
    fn a_key_that_anybody_could_guess_lets_nobody_in() {
        for weak in ["whsec_", "whsec_bmV3", "no key!", "\n"] {
            let Lock::Unready(why) = lock(weak, Verify::Standard) else { panic!("{weak:?} is a key") };
            assert!(why.contains("the secret `S` is no key") && why.contains("openssl rand"), "{why}");
        }
    }

    #[test]
    fn a_token_is_taken_as_a_bearer_or_as_an_api_key() {
        let lock = lock("old\nnew", Verify::Token);
        let with =
            |name: &str, value: &str| admit(&lock, &[(name, value), ("idempotency-key", "k1")], b"", 0);
        assert_eq!(with("authorization", "Bearer new").unwrap().as_deref(), Some("k1"));
        assert!(with("x-api-key", "old").is_ok());
        for (name, value) in
            [("authorization", "new"), ("x-api-key", "older"), ("x-api-key", ""), ("x", "old")]
        {
            assert!(matches!(with(name, value), Err(Refusal::Unknown(_))), "{name} {value}");
        }
    }
}
