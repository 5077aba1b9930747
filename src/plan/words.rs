//! The words of a load step: outcomes, actions, automations.

use serde::{Deserialize, Serialize};

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No record.
    None,
    /// One record that is not archived.
    One,
    /// Several records that are not archived.
    Many,
    /// Only archived records, or one among them.
    Archived,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 4] = [Outcome::None, Outcome::One, Outcome::Many, Outcome::Archived];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::None => "none",
            Outcome::One => "one",
            Outcome::Many => "many",
            Outcome::Archived => "archived",
        }
    }

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }

    /// The actions it allows; the first is the default. From the facts.
    pub fn actions(self) -> &'static [MatchAction] {
        use MatchAction::*;
        match self {
            Outcome::None => &[CreateNew, NextRule, NextRuleIgnorePrevious, DoNotUpload],
            Outcome::One => &[UpdateCurrent, NextRule, NextRuleIgnorePrevious, DoNotUpload],
            Outcome::Many => &[DoNotUpload, NextRule, NextRuleIgnorePrevious],
            Outcome::Archived => {
                &[CreateNew, UnarchiveAndUpdate, UnarchiveOnly, NextRule, NextRuleIgnorePrevious, DoNotUpload]
            }
        }
    }
}

/// What a rule says to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchAction {
    /// Make a new record.
    CreateNew,
    /// Update the record that was found.
    UpdateCurrent,
    /// Ask the next rule, among the records found so far.
    NextRule,
    /// Ask the next rule, among all records.
    NextRuleIgnorePrevious,
    /// Leave the row out.
    DoNotUpload,
    /// Take the record out of the archive and update it.
    UnarchiveAndUpdate,
    /// Take the record out of the archive, nothing else.
    UnarchiveOnly,
}

impl MatchAction {
    /// Every action.
    pub const ALL: [MatchAction; 7] = [
        MatchAction::CreateNew,
        MatchAction::UpdateCurrent,
        MatchAction::NextRule,
        MatchAction::NextRuleIgnorePrevious,
        MatchAction::DoNotUpload,
        MatchAction::UnarchiveAndUpdate,
        MatchAction::UnarchiveOnly,
    ];

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            MatchAction::CreateNew => "create_new",
            MatchAction::UpdateCurrent => "update_current",
            MatchAction::NextRule => "next_rule",
            MatchAction::NextRuleIgnorePrevious => "next_rule_ignore_previous",
            MatchAction::DoNotUpload => "do_not_upload",
            MatchAction::UnarchiveAndUpdate => "unarchive_and_update",
            MatchAction::UnarchiveOnly => "unarchive_only",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// Whether it passes the row on to the next rule.
    pub fn falls_through(self) -> bool {
        matches!(self, MatchAction::NextRule | MatchAction::NextRuleIgnorePrevious)
    }
}

/// For which of the records that a step writes a target's automations are to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Automations {
    /// For every record that is created or updated.
    All,
    /// For none.
    #[default]
    None,
    /// For those that are created.
    New,
    /// For those that a rule matched.
    Matched,
}

impl Automations {
    /// Every choice.
    pub const ALL: [Automations; 4] =
        [Automations::All, Automations::None, Automations::New, Automations::Matched];

    /// Its name in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Automations::All => "all",
            Automations::None => "none",
            Automations::New => "new",
            Automations::Matched => "matched",
        }
    }

    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }
}
