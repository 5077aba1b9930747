//! What is told of an execution that ended, and how it gets there: by e-mail, and by an HTTP request that
//! is signed as Standard Webhooks says.

mod authorities;
mod ended;
mod hook;
mod keys;
mod letter;
mod lines;
mod mail;
mod network;
#[cfg(test)]
mod tests;

pub use authorities::Authorities;
pub use ended::{Ended, EndedData, Outcome, StepOutcome};
pub use hook::{LONGEST_WAIT, Receiver, post};
pub use keys::Keys;
pub use letter::{Letter, Report, letter, test_letter};
pub use mail::{LONGEST_TRY, MailServer, MailTls, Sender, send};
pub use network::Range;

use crate::report::visible;
use jiff::SignedDuration;
use std::error::Error;

/// Why something was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub what: String,
    /// What to do; empty where nothing can be said.
    pub hint: String,
    /// Whether another try may do better.
    pub again: bool,
    /// How long the other side wants to be left alone.
    pub wait: Option<SignedDuration>,
}

impl Refused {
    /// Another try may do better.
    pub fn for_now(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: short(&what.into(), 500), hint: hint.into(), again: true, wait: None }
    }

    /// No other try will do better.
    pub fn for_good(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { again: false, ..Self::for_now(what, hint) }
    }
}

/// That somebody's certificate is not trusted, where that is what went wrong.
fn distrusted(who: &str, error: &(dyn Error + 'static)) -> Option<Refused> {
    let said = error.to_string();
    let Some((_, why)) = said.split_once("invalid peer certificate: ") else {
        return distrusted(who, error.source()?);
    };
    let (why, hint) = match why {
        "UnknownIssuer" => (
            "no authority that is trusted issued it",
            "where an authority of your own did, name the file with its certificate: [network] ca = \"ca.pem\"",
        ),
        why => (why, "it needs a certificate that is valid now, and for the name by which it is called"),
    };
    Some(Refused::for_now(format!("the certificate of {who} is not trusted: {why}"), hint))
}

/// A text from outside on one line, with nothing hidden in it, at most `max` characters.
fn short(text: &str, max: usize) -> String {
    let text = visible(text);
    let mut out: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = out.char_indices().nth(max) {
        out.truncate(end);
        out.push('…');
    }
    out
}
