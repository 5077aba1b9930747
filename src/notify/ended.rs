//! The body of the request that tells that an execution ended. Its schema is
//! `docs/execution-ended.schema.json`.

use crate::report::{RunMode, StatusCounts, Summary};
use serde::{Deserialize, Serialize};

/// That an execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// `execution.ended`
    #[serde(rename = "type")]
    pub kind: String,
    /// When it ended, RFC 3339.
    pub timestamp: String,
    /// What is known of it.
    pub data: EndedData,
}

/// An execution that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedData {
    /// Its id.
    pub execution: String,
    /// The connector's API name.
    pub connector: String,
    /// What people call it.
    pub label: String,
    /// The activated version that it ran, where that is known.
    pub version: Option<i64>,
    /// Dry or live.
    pub mode: RunMode,
    /// How it ended, as the API says it: `completed_with_errors`.
    pub state: String,
    /// Who or what started it; empty where nobody is known.
    pub triggered_by: String,
    /// When it was asked for, RFC 3339.
    pub queued_at: String,
    /// When its first worker began.
    pub started_at: Option<String>,
    /// When it ended; none where it was interrupted too often.
    pub ended_at: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// Its page, where the service's address is known.
    pub url: Option<String>,
    /// What became of the rows; none where it ended before it ran.
    pub outcome: Option<Outcome>,
}

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Rows of all load steps by what became of them.
    pub counts: StatusCounts,
    /// Input rows that could not be read.
    pub unreadable: u64,
    /// The load steps, in order.
    pub steps: Vec<StepOutcome>,
}

/// What became of the rows of a load step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// Its name.
    pub name: String,
    /// The object it writes.
    pub object: String,
    /// Rows that it was given.
    pub rows: u64,
    /// Rows by what became of them.
    pub counts: StatusCounts,
}

impl Ended {
    /// That this execution ended.
    pub fn of(data: EndedData) -> Self {
        let timestamp = data.ended_at.clone().unwrap_or_else(|| data.queued_at.clone());
        Self { kind: "execution.ended".to_owned(), timestamp, data }
    }
}

impl From<&Summary> for Outcome {
    fn from(summary: &Summary) -> Self {
        let steps = summary.steps.iter().map(|s| StepOutcome {
            name: s.name.clone(),
            object: s.object.clone(),
            rows: s.rows,
            counts: s.counts,
        });
        Self { counts: summary.totals(), unreadable: summary.rejected.count, steps: steps.collect() }
    }
}
