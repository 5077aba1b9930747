//! Who is told of an execution that ended, and what.

use super::Failure;
use super::activation::known_plan;
use super::post::{authorities, keys};
use crate::notify::{Ended, EndedData, Report, letter};
use crate::plan::{Address, NotifyPlan, NotifyWhen, Plan};
use crate::project::state::{ExecutionRow, ExecutionState, MessageKind, NewMessage, State};
use crate::project::{MailSettings, Project};
use crate::report::{RunMode, Summary};
use crate::system::clock::{Clock, SystemClock};
use crate::system::secrets::{Secrets, Unusable};
use sha2::{Digest, Sha256};

/// What stands before the name of a secret that holds a web address.
pub(super) const SECRET: &str = "secret ";

/// What a user should know of a connector of which nobody would be told.
pub fn unheard(project: &Project, plan: &Plan) -> Vec<String> {
    let connector = &plan.connector;
    let to = &connector.notify.to;
    let mut all = Vec::new();
    if !to.is_empty() && project.mail().is_none() {
        all.push(format!(
            "`{}` notifies {}, but sconn.toml has no [mail]: no e-mail is sent",
            connector.name,
            to.join(", ")
        ));
    }
    if let Some(address) = &connector.on_end {
        let secrets = Secrets::of(project.root());
        let keys = keys(&secrets, &connector.name).err();
        let place = match address {
            Address::Url(_) => None,
            Address::Secret(name) => secrets.get(name).err(),
        };
        let tell = |why: Unusable| {
            format!("`{}` says `on_end`: {why}, so nothing is sent; {}", connector.name, why.hint())
        };
        all.extend(keys.into_iter().chain(place).map(tell));
    }
    if !to.is_empty() || connector.on_end.is_some() {
        let unusable = authorities(project).err();
        all.extend(unusable.map(|refused| {
            format!(
                "{}: until it is mended, only servers are trusted whose certificates the system knows",
                refused.what
            )
        }));
    }
    all
}

/// What a user should know of all active connectors of which nobody would be told.
///
/// # Errors
/// Where the state cannot be read.
pub fn all_unheard(project: &Project, state: &State) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for connector in state.connectors()? {
        let plan = known_plan(state, &connector.name, connector.version)?;
        for notice in plan.iter().flat_map(|p| unheard(project, p)) {
            if !all.contains(&notice) {
                all.push(notice);
            }
        }
    }
    Ok(all)
}

/// Enters what is to be told of each execution that ended.
pub(super) fn enter_ended(project: &Project) -> Result<(), Failure> {
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
    let plan = known_plan(state, &row.connector, version)?.filter(|_| row.live);
    let summary = summary(project, row);
    let label = summary.as_ref().map(|s| s.label.clone()).or(connector.map(|c| c.label));
    let url = project.url().map(|url| format!("{url}/executions/{}", row.id));
    let data = EndedData {
        execution: row.id.clone(),
        connector: row.connector.clone(),
        label: label.unwrap_or_else(|| row.connector.clone()),
        version: row.version,
        mode: if row.live { RunMode::Live } else { RunMode::Dry },
        state: row.state.name(),
        triggered_by: row.triggered_by.clone(),
        queued_at: row.queued_at.clone(),
        started_at: row.started_at.clone(),
        ended_at: row.ended_at.clone(),
        failure: row.failure.clone(),
        url,
        outcome: summary.as_ref().map(Into::into),
    };
    let mut all = Vec::new();
    let mut enter = |kind: MessageKind, recipient: String, payload: String| {
        let id = id(row, kind, &recipient);
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

/// The id of a message: that the same end of an execution is told to somebody again, by a copy of its project for
/// one, is to be seen by it.
fn id(row: &ExecutionRow, kind: MessageKind, recipient: &str) -> String {
    let (epoch, state) = (row.epoch.to_string(), row.state.words());
    let of = [&row.id, epoch.as_str(), state, kind.words(), recipient].join("\0");
    let digest = Sha256::digest(of.as_bytes());
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("msg_{hex}")
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
/// What an execution told of its end in its folder.
pub(super) fn summary(project: &Project, row: &ExecutionRow) -> Option<Summary> {
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
