//! The e-mail about an execution: text, HTML, and what is attached.

use super::{EndedData, short};
use crate::report::{ReasonKind, RunMode, StatusCounts, Summary, terminal, visible};
use askama::Template;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Reasons that the HTML shows; the report has the others.
const REASONS: usize = 10;
/// Characters of a failure that are shown.
const FAILURE: usize = 2_000;
/// Columns of the text.
const WIDTH: usize = 76;

/// An e-mail, but for whom it is from and to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its subject.
    pub subject: String,
    /// It as text.
    pub text: String,
    /// It as HTML.
    pub html: String,
    /// A file that goes with it, and the name it has there.
    pub attach: Option<(PathBuf, String)>,
}

/// The report of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// There is none.
    None,
    /// It is attached.
    Attached(PathBuf),
    /// It is too large for that, and lies there.
    Lies(String),
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    title: &'a str,
    facts: Vec<(&'static str, String)>,
    failure: &'a str,
    heads: Vec<&'static str>,
    steps: Vec<(String, u64, Vec<u64>)>,
    reasons: Vec<(&'static str, String, String, u64)>,
    report: &'a str,
    url: Option<&'a str>,
}

fn mode(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Dry => "dry run",
        RunMode::Live => "live run",
    }
}

/// Said of a report that goes with the e-mail.
const ATTACHED: &str = "The report is attached: it says of each row what became of it.";

impl Letter {
    /// The same without its report, which was cleared away before it could be sent.
    pub(super) fn without_report(&self) -> Self {
        let gone = |text: &str| text.replace(ATTACHED, "Its report was removed before this could be sent.");
        Self { subject: self.subject.clone(), text: gone(&self.text), html: gone(&self.html), attach: None }
    }
}

/// The e-mail about an execution that ended; `summary` is none where it ended before it ran.
pub fn letter(data: &EndedData, summary: Option<&Summary>, report: &Report) -> Letter {
    let title =
        format!("{}: {} ({})", short(&data.label, 100), data.state.replace('_', " "), mode(data.mode));
    let failure = failure(data);
    let attach = match report {
        Report::Attached(path) => Some((path.clone(), format!("report-{}.xlsx", data.execution))),
        Report::None | Report::Lies(_) => None,
    };
    let report = match report {
        Report::None => "There is no report of it.".to_owned(),
        Report::Attached(_) => ATTACHED.to_owned(),
        Report::Lies(place) => format!("The report is too large to be attached. It is at {place}"),
    };
    let mut text = match summary {
        Some(summary) => terminal(summary, false, WIDTH),
        None => format!("{title}\n{}\n", without_summary(data)),
    };
    for more in [&failure, &report] {
        if !more.is_empty() {
            text.push_str(&format!("\n{more}\n"));
        }
    }
    if let Some(url) = &data.url {
        text.push_str(&format!("\n{url}\n"));
    }
    let html = Page {
        title: &title,
        facts: facts(data, summary),
        failure: &failure,
        heads: StatusCounts::default().all().map(|(head, _)| head).to_vec(),
        steps: steps(summary),
        reasons: reasons(summary),
        report: &report,
        url: data.url.as_deref(),
    };
    // Writing into a text does not fail.
    let html = html.render().unwrap_or_default();
    Letter { subject: title, text, html, attach }
}

/// What is said of an execution that left no summary.
fn without_summary(data: &EndedData) -> String {
    let id = &data.execution;
    match (data.ended_at.is_some(), data.started_at.is_some()) {
        (false, _) => format!(
            "It could not begin or go on, and is left to people now:\n`sconn executions resume {id}` goes on, \
             `sconn executions cancel {id}` ends it."
        ),
        (true, false) => format!("It ended before it began. Execution {id}"),
        (true, true) => format!("It left no summary. Execution {id}"),
    }
}

fn failure(data: &EndedData) -> String {
    let failure = visible(data.failure.as_deref().unwrap_or_default());
    match failure.char_indices().nth(FAILURE) {
        Some((end, _)) => format!("{}…", &failure[..end]),
        None => failure.into_owned(),
    }
}

fn facts(data: &EndedData, summary: Option<&Summary>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Execution", data.execution.clone()), ("Asked for", data.queued_at.clone())];
    facts.extend(data.started_at.clone().map(|at| ("Began", at)));
    facts.extend(data.ended_at.clone().map(|at| ("Ended", at)));
    if !data.triggered_by.is_empty() {
        facts.push(("Started by", short(&data.triggered_by, 200)));
    }
    for input in summary.iter().flat_map(|s| &s.inputs).take(REASONS) {
        facts.push(("Input", format!("{} ({} rows)", short(&input.file, 200), input.rows)));
    }
    facts.extend(summary.map(|s| ("Target", short(&s.target.place, 200))));
    facts
}

fn steps(summary: Option<&Summary>) -> Vec<(String, u64, Vec<u64>)> {
    let counts = |c: &StatusCounts| c.all().map(|(_, n)| n).to_vec();
    summary.iter().flat_map(|s| &s.steps).map(|s| (s.name.clone(), s.rows, counts(&s.counts))).collect()
}

fn reasons(summary: Option<&Summary>) -> Vec<(&'static str, String, String, u64)> {
    let kind = |kind| match kind {
        ReasonKind::Error => "not written",
        ReasonKind::Skipped => "skipped",
        ReasonKind::Warning => "warning",
    };
    let all = summary.map(Summary::reasons).unwrap_or_default();
    all.iter()
        .take(REASONS)
        .map(|(step, r)| {
            let example = match r.example.source.as_str() {
                "" => short(&r.example.message, 200),
                source => format!("{}: {}", short(source, 100), short(&r.example.message, 200)),
            };
            (kind(r.kind), format!("{step}: {}", r.code), example, r.count)
        })
        .collect()
}

/// The e-mail that `sconn mail test` sends.
pub fn test_letter() -> Letter {
    let text = "This is a test by sconn: e-mails about executions will reach you.";
    Letter {
        subject: "A test by sconn".to_owned(),
        text: format!("{text}\n"),
        html: format!("<!doctype html><p>{text}</p>"),
        attach: None,
    }
}
