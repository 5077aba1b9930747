//! The row decision: the one record that reports, journal and summary are views of.

use crate::value::{Problem, SourceRef, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What was decided for one row of one load step. Never depends on dry or live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowDecision {
    /// The row's number in its scope, from 1.
    pub row: u64,
    /// Where the row came from, as far as the SQL kept it.
    pub source: Option<SourceRef>,
    /// Stable across runs of the same input: a hash of the step and the values that identify the row.
    pub key: u64,
    /// The rules that were asked, in order.
    pub rules: Vec<RuleAnswer>,
    /// Which of the step's rules decided, from 0; none where the row failed before.
    pub decided_by: Option<usize>,
    /// What happens.
    pub action: Action,
    /// The record: matched, or created (provisional until committed).
    pub record: Option<Uuid>,
    /// Whether the record's id may be told: the record exists for everyone.
    pub visible: bool,
    /// Each mapped field, in the order of the mappings; none at all where the row did not get to them.
    pub fields: Vec<FieldChange>,
    /// Why the row is not written.
    pub errors: Vec<Problem>,
    /// What was left alone although the row stands.
    pub warnings: Vec<Problem>,
    /// When and in which chunk it took effect; none where nothing was written, or nothing that lasts.
    pub committed: Option<Committed>,
}

impl RowDecision {
    /// The row of that number, of which no more is known than what becomes of it.
    pub fn of(row: u64, source: Option<SourceRef>, action: Action) -> Self {
        Self {
            row,
            source,
            key: 0,
            rules: Vec::new(),
            decided_by: None,
            action,
            record: None,
            visible: false,
            fields: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            committed: None,
        }
    }
}

/// A chunk that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Its number within the step, from 0.
    pub chunk: u64,
    /// When.
    pub at: Timestamp,
}

/// What one matching rule found for one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleAnswer {
    /// The rule's number in its step, from 0.
    pub rule: usize,
    /// The value it asked for.
    pub value: Value,
    /// How many records it found.
    pub candidates: u64,
    /// Up to five of their ids.
    pub ids: Vec<Uuid>,
    /// What that means.
    pub outcome: crate::plan::Outcome,
    /// What the rule says to do then.
    pub action: crate::plan::MatchAction,
}

/// What happens to the row's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A new record.
    Create,
    /// Some fields change.
    Update,
    /// Matched, and nothing changes; nothing is written.
    Unchanged,
    /// Taken out of the archive, nothing else.
    Unarchive,
    /// Taken out of the archive and changed.
    UnarchiveAndUpdate,
    /// A rule said `do_not_upload`.
    Skip,
    /// Something is wrong with the row; nothing is written.
    Error,
    /// The run ended before the row.
    Unprocessed,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 8] = [
        Action::Create,
        Action::Update,
        Action::Unchanged,
        Action::Unarchive,
        Action::UnarchiveAndUpdate,
        Action::Skip,
        Action::Error,
        Action::Unprocessed,
    ];

    /// Whether it changes the target.
    pub fn writes(self) -> bool {
        matches!(self, Action::Create | Action::Update | Action::Unarchive | Action::UnarchiveAndUpdate)
    }

    /// The stable name, in files: `created`.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "created",
            Action::Update => "updated",
            Action::Unchanged => "unchanged",
            Action::Unarchive => "unarchived",
            Action::UnarchiveAndUpdate => "unarchived_and_updated",
            Action::Skip => "skipped",
            Action::Error => "errored",
            Action::Unprocessed => "not_processed",
        }
    }

    /// The status that people read: `created`.
    pub fn status(self) -> &'static str {
        match self {
            Action::Create => "created",
            Action::Update => "updated",
            Action::Unchanged => "unchanged",
            Action::Unarchive => "unarchived",
            Action::UnarchiveAndUpdate => "unarchived and updated",
            Action::Skip => "skipped",
            Action::Error => "errored",
            Action::Unprocessed => "not processed",
        }
    }
}

/// What happened to one mapped field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// What the record had.
    pub before: Value,
    /// What the record has then.
    pub after: Value,
    /// Why.
    pub effect: FieldEffect,
    /// The text that the value was read from, where it is not the value as it is printed.
    pub text: Option<String>,
}

/// What the conflict resolution did with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldEffect {
    /// The value was written.
    Written,
    /// The record already had just this value.
    Unchanged,
    /// `only_update_blank`, and the record has a value.
    KeptNotBlank,
    /// `overwrite_except_null`, and the row has no value.
    KeptNull,
    /// Options were added to those the record had.
    MergedOptions,
    /// A new option was made and written.
    CreatedOption,
    /// The value had a problem; the field was left alone.
    LeftAlone,
}

impl FieldEffect {
    /// The stable name: `kept_not_blank`.
    pub fn name(self) -> &'static str {
        match self {
            FieldEffect::Written => "written",
            FieldEffect::Unchanged => "unchanged",
            FieldEffect::KeptNotBlank => "kept_not_blank",
            FieldEffect::KeptNull => "kept_null",
            FieldEffect::MergedOptions => "merged_options",
            FieldEffect::CreatedOption => "created_option",
            FieldEffect::LeftAlone => "left_alone",
        }
    }
}
