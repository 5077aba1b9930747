//! What starts a connector, and who hears of its runs.

use serde::{Deserialize, Serialize};

/// What starts a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A file is handed in.
    #[default]
    Spreadsheet,
    /// An HTTP request comes in.
    Webhook(WebhookPlan),
    /// A time comes.
    Schedule(SchedulePlan),
}

impl Trigger {
    /// Its name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Trigger::Spreadsheet => "spreadsheet",
            Trigger::Webhook(_) => "webhook",
            Trigger::Schedule(_) => "schedule",
        }
    }
}

/// The most webhook events of one execution.
pub const MOST_EVENTS: u64 = 50_000;

/// How requests become executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookPlan {
    /// Seconds of a window: what comes in within one becomes one execution; 1 where not set.
    pub batch: Option<u64>,
    /// So many requests end a window early.
    pub count: Option<u64>,
    /// The name of the secret that its senders have.
    pub secret: Option<String>,
    /// What shows that a request is from one of them.
    #[serde(default)]
    pub verify: Verify,
}

/// What shows that a request comes from somebody who may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// It is signed with the secret, as Standard Webhooks says.
    #[default]
    Standard,
    /// It has the secret with it.
    Token,
    /// Nothing: anybody may send.
    Nothing,
}

impl Verify {
    /// Each of them.
    pub const ALL: [Verify; 3] = [Verify::Standard, Verify::Token, Verify::Nothing];

    /// Its name in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Verify::Standard => "standard",
            Verify::Token => "token",
            Verify::Nothing => "nothing",
        }
    }
}

/// When a connector runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchedulePlan {
    /// A cron line of five fields.
    pub cron: String,
    /// IANA name of its zone; the connector's where not set.
    pub timezone: Option<String>,
    /// What becomes of slots that nobody was there to run.
    #[serde(default)]
    pub missed: Missed,
}

/// What becomes of the slots of a schedule that nobody was there to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The newest runs.
    #[default]
    RunOnce,
    /// Each runs.
    RunAll,
    /// None runs.
    Skip,
}

impl Missed {
    /// Each of them.
    pub const ALL: [Missed; 3] = [Missed::RunOnce, Missed::RunAll, Missed::Skip];

    /// Its name in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Missed::RunOnce => "run_once",
            Missed::RunAll => "run_all",
            Missed::Skip => "skip",
        }
    }
}

/// Who hears of runs by e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyPlan {
    /// E-mail addresses.
    pub to: Vec<String>,
    /// After which runs.
    pub when: NotifyWhen,
}

/// After which runs an e-mail is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyWhen {
    /// All.
    Always,
    /// Those that failed or left rows out with errors: what needs attention.
    #[default]
    Errors,
    /// Those that failed.
    Failure,
}

impl NotifyWhen {
    /// Each of them.
    pub const ALL: [NotifyWhen; 3] = [NotifyWhen::Always, NotifyWhen::Errors, NotifyWhen::Failure];

    /// Its name in the language.
    pub const fn name(self) -> &'static str {
        match self {
            NotifyWhen::Always => "always",
            NotifyWhen::Errors => "errors",
            NotifyWhen::Failure => "failure",
        }
    }
}

/// A web address, or the name of the secret that holds one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// As written.
    Url(String),
    /// The secret's name.
    Secret(String),
}
