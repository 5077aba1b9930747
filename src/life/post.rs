//! The outbox, and how what is in it is sent.

use super::told::{SECRET, enter_ended};
use super::{Failure, io_words};
use crate::notify::{
    Authorities, Ended, Keys, LONGEST_TRY, LONGEST_WAIT, Letter, MailServer, MailTls, Receiver, Refused,
    post, send, test_letter,
};
use crate::project::state::{LONGEST_PAUSE, MESSAGE_LEASE, Message, MessageKind, State};
use crate::project::{self, MailSettings, Project};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::secrets::{Secrets, Unusable};
use jiff::SignedDuration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Minutes between one try and the next: eight tries within a day.
const PAUSES: [i64; 7] = [1, 5, 15, 60, 180, 360, 720];
/// How many messages are on their way at once, so that a slow server does not hold up the others.
const SENDERS: usize = 4;
/// How many of them are to one server: one that hangs leaves the others to the rest.
const TO_ONE: usize = 2;

/// A try has ended before anybody else may take its message.
const _: () = assert!(LONGEST_TRY.as_secs() + 30 < MESSAGE_LEASE.as_secs().unsigned_abs());
/// No pause counts as one from before the clock was put back.
const _: () = assert!(
    PAUSES[PAUSES.len() - 1] <= LONGEST_PAUSE.as_mins() && LONGEST_WAIT.as_secs() <= LONGEST_PAUSE.as_secs()
);

/// Sends what is in a project's outbox, beside whoever asks it to.
pub struct Post {
    project: Project,
    senders: Vec<JoinHandle<()>>,
    busy: Busy,
    news: (mpsc::Sender<String>, mpsc::Receiver<String>),
}

impl Post {
    /// Of a project.
    pub fn new(project: Project) -> Self {
        Self { project, senders: Vec::new(), busy: Busy::default(), news: mpsc::channel() }
    }

    /// Whether nothing is being sent.
    pub fn idle(&self) -> bool {
        self.senders.is_empty()
    }

    /// Begins nothing more.
    pub fn close(&self) {
        self.busy.close();
    }

    /// Waits until then for what is on its way: what a receiver took and nobody noted would be sent again. `news`
    /// hears what became of it.
    pub fn drain(&mut self, until: Instant, news: &dyn Fn(String)) {
        while !self.idle() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
            self.senders.retain(|s| !s.is_finished());
        }
        self.news.1.try_iter().for_each(news);
    }

    /// Begins to send what is due; `news` hears what became of what was due before.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn turn(&mut self, state: &State, news: &dyn Fn(String)) -> Result<(), Failure> {
        self.senders.retain(|s| !s.is_finished());
        self.news.1.try_iter().for_each(news);
        if self.senders.len() < SENDERS && state.outbox_due(SystemClock.now())? {
            let (project, busy, says) = (self.project.clone(), self.busy.clone(), self.news.0.clone());
            self.senders.push(std::thread::spawn(move || {
                let news = |line| drop(says.send(line));
                if let Err(failure) = send_due(&project, None, &busy, &news) {
                    // The disk may be full for a while; the next turn tries again.
                    news(format!("the outbox: {}", failure.what));
                }
            }));
        }
        Ok(())
    }
}

/// What is being sent.
#[derive(Clone, Default)]
struct Busy(Arc<Mutex<Sending>>);

#[derive(Default)]
struct Sending {
    /// The servers to which it is, each as often as something is.
    to: Vec<String>,
    /// Nothing more is taken.
    closed: bool,
}

impl Busy {
    /// Takes a message for a server that has not its share of senders yet.
    fn claim(&self, state: &mut State, execution: Option<&str>) -> Result<Option<Message>, Failure> {
        let mut busy = self.sending();
        if busy.closed {
            return Ok(None);
        }
        let may = |kind, to: &str| busy.to.iter().filter(|b| *b == server_of(kind, to)).count() < TO_ONE;
        let message = state.claim_message(execution, SystemClock.now(), &may)?;
        busy.to.extend(message.iter().map(|m| server_of(m.kind, &m.recipient).to_owned()));
        Ok(message)
    }

    fn done(&self, message: &Message) {
        let mut busy = self.sending();
        if let Some(at) = busy.to.iter().position(|b| b == server_of(message.kind, &message.recipient)) {
            busy.to.swap_remove(at);
        }
    }

    fn close(&self) {
        self.sending().closed = true;
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose server a message goes to. All e-mails go to the project's own, whose name no web address has.
fn server_of(kind: MessageKind, recipient: &str) -> &str {
    match kind {
        MessageKind::Mail => "",
        MessageKind::Hook => host(recipient),
    }
}

/// Sends what is due of one execution, or of all, one after the other.
///
/// # Errors
/// Where the state cannot be read or written. A message that is not taken is none: it waits.
pub fn send_now(project: &Project, execution: Option<&str>, news: &dyn Fn(String)) -> Result<(), Failure> {
    send_due(project, execution, &Busy::default(), news)
}

fn send_due(
    project: &Project,
    execution: Option<&str>,
    busy: &Busy,
    news: &dyn Fn(String),
) -> Result<(), Failure> {
    enter_ended(project)?;
    let Some(mut state) = project.state()? else { return Ok(()) };
    while let Some(message) = busy.claim(&mut state, execution)? {
        let (id, to) = (&message.id, &message.recipient);
        let handed = hand_over(project, &message);
        busy.done(&message);
        match handed {
            Ok(()) => {
                crash::point("message sent");
                state.message_sent(&message, SystemClock.now())?;
                news(format!("{}  told {to}", message.execution));
            }
            Err(refused) => {
                let now = SystemClock.now();
                let next = pause(message.attempts, &refused).map(|p| now + p);
                let hint =
                    if refused.hint.is_empty() { String::new() } else { format!("\n{}", refused.hint) };
                state.message_failed(&message, &format!("{}{hint}", refused.what), next, now)?;
                let then = match next {
                    Some(at) => format!("tried again at {}", at.strftime("%Y-%m-%d %H:%M:%SZ")),
                    None => format!("given up; `sconn outbox retry {id}` tries again"),
                };
                news(format!("{}  {to} was not told: {}; {then}", message.execution, refused.what));
            }
        }
    }
    Ok(())
}

/// How long until the next try; none where there is none.
fn pause(attempts: i64, refused: &Refused) -> Option<SignedDuration> {
    let tried = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let own = SignedDuration::from_mins(*PAUSES.get(tried).filter(|_| refused.again)?);
    Some(refused.wait.map_or(own, |wait| wait.max(own)))
}

fn hand_over(project: &Project, message: &Message) -> Result<(), Refused> {
    with_authorities(project, |authorities| hand_over_trusting(project, message, authorities))
}

/// Sends something to whom the project's authorities vouch for. A file of them that cannot be used holds up nothing
/// that does without: it is told where something is refused.
fn with_authorities(
    project: &Project,
    send: impl FnOnce(Authorities) -> Result<(), Refused>,
) -> Result<(), Refused> {
    match authorities(project) {
        Ok(authorities) => send(authorities),
        Err(unusable) => send(Authorities::default()).map_err(|refused| Refused {
            what: format!("{}; {}", refused.what, unusable.what),
            hint: unusable.hint,
            ..refused
        }),
    }
}

fn hand_over_trusting(project: &Project, message: &Message, authorities: Authorities) -> Result<(), Refused> {
    match message.kind {
        MessageKind::Mail => {
            let settings = project.mail().ok_or_else(|| {
                Refused::for_now("sconn.toml has no [mail] any more", "add it, or discard the message")
            })?;
            let letter: Letter = serde_json::from_str(&message.payload)
                .map_err(|e| Refused::for_good(format!("the message cannot be read: {e}"), ""))?;
            send(&server(project, settings, authorities)?, &message.id, &message.recipient, &letter)
        }
        MessageKind::Hook => {
            let secrets = Secrets::of(project.root());
            let get = |name: &str| secrets.get(name).map_err(|e| Refused::for_now(e.to_string(), e.hint()));
            let secret = message.recipient.strip_prefix(SECRET);
            let (url, name) = match secret {
                Some(secret) => {
                    (get(secret)?.reveal().to_owned(), format!("the receiver at the secret {secret}"))
                }
                None => (message.recipient.clone(), host(&message.recipient).to_owned()),
            };
            let ended: Ended = serde_json::from_str(&message.payload)
                .map_err(|e| Refused::for_good(format!("the message cannot be read: {e}"), ""))?;
            let keys = keys(&secrets, &ended.data.connector);
            let keys = keys.map_err(|e| Refused::for_now(e.to_string(), e.hint()))?;
            let allow = project.network().allow.clone();
            let secret = secret.is_some();
            let receiver = Receiver { url, secret, name, keys, allow, authorities };
            post(&receiver, &message.id, &message.payload, SystemClock.now())
        }
    }
}

/// The keys with which the requests of a connector are signed: its own come before those of all. Where its own cannot be
/// used, those of all are not what was meant.
pub(super) fn keys(secrets: &Secrets, connector: &str) -> Result<Keys, Unusable> {
    let own = format!("ON_END_SECRET_{connector}");
    let of = |name: &str| secrets.get(name).and_then(|secret| Keys::of(name, &secret));
    of(&own).or_else(|e| if e.is_missing() { of("ON_END_SECRET") } else { Err(e) })
}

/// Whose address it is.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    // What stands before an @ is for nobody's eyes.
    place.rsplit('@').next().unwrap_or(place)
}

/// The authorities of one's own that `sconn.toml` names.
pub(super) fn authorities(project: &Project) -> Result<Authorities, Refused> {
    let Some(ca) = project.ca() else { return Ok(Authorities::default()) };
    let text = std::fs::read(&ca.file).map_err(|e| io_words(&e));
    text.and_then(|text| Authorities::of(&text).map_err(str::to_owned)).map_err(|why| {
        Refused::for_now(
            format!("{}: ca: {}: {why}", ca.place, ca.file.display()),
            "it is a file with certificates in PEM, counted from the project's root",
        )
    })
}

/// The mail server of a project, with its password.
fn server(
    project: &Project,
    settings: &MailSettings,
    authorities: Authorities,
) -> Result<MailServer, Refused> {
    let password = || Secrets::of(project.root()).get("SMTP_PASSWORD");
    let sign_in = match &settings.user {
        Some(user) => {
            let password = password().map_err(|e| Refused::for_now(e.to_string(), e.hint()))?;
            Some((user.clone(), password))
        }
        None => None,
    };
    Ok(MailServer {
        name: settings.server.clone(),
        port: settings.port,
        tls: match settings.tls {
            project::MailTls::Starttls => MailTls::Starttls,
            project::MailTls::Tls => MailTls::Tls,
            project::MailTls::None => MailTls::None,
        },
        sign_in,
        from: settings.from.clone(),
        authorities,
    })
}

/// Sends a test e-mail at once.
///
/// # Errors
/// Where the project has no `[mail]`, or the server does not take it.
pub fn test_mail(project: &Project, to: &str) -> Result<(), Failure> {
    let settings = project.mail().ok_or_else(|| {
        Failure::new(
            format!("{} has no [mail]", project.root().join("sconn.toml").display()),
            "add it:\n[mail]\nserver = \"smtp.example.com\"\nuser = \"loads\"\nfrom = \"loads@example.com\"",
        )
    })?;
    let id = format!("test_{}", uuid::Uuid::new_v4().simple());
    let sent = with_authorities(project, |authorities| {
        send(&server(project, settings, authorities)?, &id, to, &test_letter())
    });
    sent.map_err(|refused| Failure::new(refused.what, refused.hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_eight_times_within_a_day() {
        let late = Refused::for_now("", "");
        let mut tries = 1;
        let mut all = SignedDuration::ZERO;
        while let Some(wait) = pause(tries, &late) {
            all += wait;
            tries += 1;
        }
        assert_eq!((tries, all.as_hours()), (8, 22));
        assert_eq!(pause(1, &Refused::for_good("", "")), None);
        let asked = |hours| Refused { wait: Some(SignedDuration::from_hours(hours)), ..late.clone() };
        assert_eq!(pause(1, &asked(2)), Some(SignedDuration::from_hours(2)));
        assert_eq!(pause(7, &asked(2)), Some(SignedDuration::from_hours(12)));
        assert_eq!(pause(8, &asked(2)), None);
    }
}
