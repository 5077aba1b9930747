//! What happens after an execution ended: who is told of it, and the outbox from which it is sent.

use super::Failure;
use crate::notify::{
    Ended, EndedData, Letter, MailServer, MailTls, Range, Refused, Report, letter, post, send, test_letter,
};
use crate::plan::{Address, NotifyPlan, NotifyWhen, Plan};
use crate::project::state::{ExecutionRow, ExecutionState, Message, MessageKind, NewMessage, State};
use crate::project::{self, MailSettings, Project};
use crate::report::{RunMode, Summary};
use crate::system::clock::{Clock, SystemClock};
use crate::system::crash;
use crate::system::secrets::Secrets;
use jiff::SignedDuration;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Minutes between one try and the next: eight tries within a day.
const PAUSES: [i64; 7] = [1, 5, 15, 60, 180, 360, 720];
/// How many messages are on their way at once, so that a slow server does not hold up the others.
const SENDERS: usize = 4;
/// What stands before the name of a secret that holds a web address.
const SECRET: &str = "secret ";

/// Sends what is in a project's outbox, beside whoever asks it to.
pub struct Post {
    project: Project,
    senders: Vec<JoinHandle<()>>,
    news: (Sender<String>, Receiver<String>),
}

impl Post {
    /// Of a project.
    pub fn new(project: Project) -> Self {
        Self { project, senders: Vec::new(), news: channel() }
    }

    /// Whether nothing is being sent.
    pub fn idle(&self) -> bool {
        self.senders.is_empty()
    }

    /// Begins to send what is due; `news` hears what became of what was due before.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn turn(&mut self, state: &State, news: &dyn Fn(String)) -> Result<(), Failure> {
        self.senders.retain(|s| !s.is_finished());
        self.news.1.try_iter().for_each(news);
        if self.senders.len() < SENDERS && state.outbox_due(SystemClock.now())? {
            let (project, says) = (self.project.clone(), self.news.0.clone());
            self.senders.push(std::thread::spawn(move || {
                let news = |line| drop(says.send(line));
                if let Err(failure) = send_now(&project, None, &news) {
                    // The disk may be full for a while; the next turn tries again.
                    news(format!("the outbox: {}", failure.what));
                }
            }));
        }
        Ok(())
    }
}

/// Sends what is due of one execution, or of all, one after the other.
///
/// # Errors
/// Where the state cannot be read or written. A message that is not taken is none: it waits.
pub fn send_now(project: &Project, execution: Option<&str>, news: &dyn Fn(String)) -> Result<(), Failure> {
    enter_ended(project)?;
    let Some(mut state) = project.state()? else { return Ok(()) };
    while let Some(message) = state.claim_message(execution, SystemClock.now())? {
        let (id, to) = (&message.id, &message.recipient);
        match hand_over(project, &message) {
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
    match message.kind {
        MessageKind::Mail => {
            let settings = project.mail().ok_or_else(|| {
                Refused::for_now("sconn.toml has no [mail] any more", "add it, or discard the message")
            })?;
            let letter: Letter = serde_json::from_str(&message.payload)
                .map_err(|e| Refused::for_good(format!("the message cannot be read: {e}"), ""))?;
            send(&server(project, settings)?, &message.id, &message.recipient, &letter)
        }
        MessageKind::Hook => {
            let secrets = Secrets::of(project.root());
            let get = |name: &str| secrets.get(name).map_err(|e| Refused::for_now(e.to_string(), e.hint()));
            let url = match message.recipient.strip_prefix(SECRET) {
                Some(name) => get(name)?.reveal().to_owned(),
                None => message.recipient.clone(),
            };
            let ended: Ended = serde_json::from_str(&message.payload)
                .map_err(|e| Refused::for_good(format!("the message cannot be read: {e}"), ""))?;
            // A connector's own key comes before that of all.
            let key = secrets.get(&format!("ON_END_SECRET_{}", ended.data.connector));
            let key = key.or_else(|_| get("ON_END_SECRET"))?;
            let allow =
                allowed(project).map_err(|why| Refused::for_now(format!("[network] allow: {why}"), ""))?;
            post(&url, &message.id, &message.payload, &key, allow, SystemClock.now())
        }
    }
}

fn allowed(project: &Project) -> Result<Vec<Range>, String> {
    project.network().allow.iter().map(|text| text.parse()).collect()
}

/// The mail server of a project, with its password.
fn server(project: &Project, settings: &MailSettings) -> Result<MailServer, Refused> {
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
        ca: settings.ca.as_ref().map(|ca| project.root().join(ca)),
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
    let sent = server(project, settings).and_then(|server| send(&server, &id, to, &test_letter()));
    sent.map_err(|refused| Failure::new(refused.what, refused.hint))
}

/// What a user should know of a connector whose e-mails cannot be sent.
pub fn unheard(project: &Project, plan: &Plan) -> Option<String> {
    let to = &plan.connector.notify.to;
    (!to.is_empty() && project.mail().is_none()).then(|| {
        format!(
            "`{}` notifies {}, but sconn.toml has no [mail]: no e-mail is sent",
            plan.connector.name,
            to.join(", ")
        )
    })
}

/// The active plans whose e-mails cannot be sent: what a user should know of each.
///
/// # Errors
/// Where the state cannot be read.
pub fn all_unheard(project: &Project, state: &State) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for connector in state.connectors()? {
        let plan = active_plan(state, &connector.name, connector.version)?;
        all.extend(plan.and_then(|p| unheard(project, &p)));
    }
    Ok(all)
}

fn active_plan(state: &State, connector: &str, version: Option<i64>) -> Result<Option<Plan>, Failure> {
    let Some(version) = version else { return Ok(None) };
    Ok(state.plan(connector, version)?.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Enters what is to be told of each execution that ended.
fn enter_ended(project: &Project) -> Result<(), Failure> {
    let Some(mut state) = project.state()? else { return Ok(()) };
    loop {
        let ended = state.ended()?;
        if ended.is_empty() {
            return Ok(());
        }
        for (seq, execution) in ended {
            let messages = match state.execution(&execution)? {
                // Nothing is told of one that somebody took up again meanwhile.
                Some(row) if row.state.ended() || row.state == ExecutionState::Interrupted => {
                    messages(project, &state, &row)?
                }
                _ => Vec::new(),
            };
            state.enter(seq, &execution, &messages, SystemClock.now())?;
        }
    }
}

/// Who is told of an execution that ended, and what. People and receivers that the connector names hear of
/// live runs; whoever started a run hears of that, dry or live.
fn messages(project: &Project, state: &State, row: &ExecutionRow) -> Result<Vec<NewMessage>, Failure> {
    let connector = state.connector(&row.connector)?;
    // One that never began would have run the version that is active.
    let version = row.version.or(connector.as_ref().and_then(|c| c.version));
    let plan = active_plan(state, &row.connector, version)?.filter(|_| row.live);
    let summary = summary(project, row);
    let label = summary.as_ref().map(|s| s.label.clone()).or(connector.map(|c| c.label));
    let url = project.url().map(|url| format!("{url}/executions/{}", row.id));
    let data = EndedData {
        execution: row.id.clone(),
        connector: row.connector.clone(),
        label: label.unwrap_or_else(|| row.connector.clone()),
        version: row.version,
        mode: if row.live { RunMode::Live } else { RunMode::Dry },
        state: row.state.words().to_owned(),
        triggered_by: row.triggered_by.clone(),
        queued_at: row.queued_at.clone(),
        started_at: row.started_at.clone(),
        ended_at: row.ended_at.clone(),
        failure: row.failure.clone(),
        url,
        outcome: summary.as_ref().map(Into::into),
    };
    let mut all = Vec::new();
    let mut enter = |kind, recipient: String, payload: String| {
        let id = format!("msg_{}", uuid::Uuid::new_v4().simple());
        all.push(NewMessage { id, kind, recipient, payload });
    };
    if let Some(mail) = project.mail() {
        let mut to: Vec<String> = Vec::new();
        let named = plan.as_ref().map(|p| &p.connector.notify).filter(|n| wants(n, row.state));
        let starter = Some(&row.triggered_by).filter(|by| email_address::EmailAddress::is_valid(by));
        for address in named.iter().flat_map(|n| &n.to).chain(starter) {
            if !to.iter().any(|t| t.eq_ignore_ascii_case(address)) {
                to.push(address.clone());
            }
        }
        if !to.is_empty() {
            let letter = letter(&data, summary.as_ref(), &report(project, row, mail, data.url.as_deref()));
            let payload = serde_json::to_string(&letter).unwrap_or_default();
            to.into_iter().for_each(|address| enter(MessageKind::Mail, address, payload.clone()));
        }
    }
    if let Some(address) = plan.and_then(|p| p.connector.on_end) {
        let recipient = match address {
            Address::Url(url) => url,
            Address::Secret(name) => format!("{SECRET}{name}"),
        };
        enter(MessageKind::Hook, recipient, serde_json::to_string(&Ended::of(data)).unwrap_or_default());
    }
    Ok(all)
}

/// Whether those whom a connector names hear of an execution that ended so.
fn wants(notify: &NotifyPlan, state: ExecutionState) -> bool {
    let failed = matches!(state, ExecutionState::Failed | ExecutionState::Interrupted);
    match notify.when {
        NotifyWhen::Always => true,
        NotifyWhen::Errors => failed || state == ExecutionState::CompletedWithErrors,
        NotifyWhen::Failure => failed,
    }
}

/// What an execution left as its summary; none where it ended before it ran, or somebody cleared it away.
fn summary(project: &Project, row: &ExecutionRow) -> Option<Summary> {
    let text = std::fs::read(project.root().join(&row.folder).join("summary.json")).ok()?;
    let summary: Summary = serde_json::from_slice(&text).ok()?;
    (summary.execution == row.id).then_some(summary)
}

fn report(project: &Project, row: &ExecutionRow, mail: &MailSettings, url: Option<&str>) -> Report {
    let path = project.root().join(&row.folder).join("report.xlsx");
    match std::fs::metadata(&path) {
        Ok(file) if file.len() <= mail.attach => Report::Attached(path),
        Ok(_) => Report::Lies(url.map_or_else(|| path.display().to_string(), str::to_owned)),
        Err(_) => Report::None,
    }
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
