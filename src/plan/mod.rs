//! The compiled plan: what a run does, in full. Owned, serialisable and versioned; it is what the
//! interpreter executes, what `sconn plan` shows, and what a resume is held to.

mod compile;
mod describe;

pub use describe::describe;

use crate::value::{DataType, FieldSchema, Format, ObjectSchema, Resolution, Value, VariableSpec};
use serde::{Deserialize, Serialize};

/// The version of the plan's JSON form.
pub const PLAN_VERSION: u32 = 1;

/// A place in the sources, for people: path, line and column from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file's path as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A whole connector, compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// The connector's settings.
    pub connector: ConnectorPlan,
    /// Run parameters.
    pub parameters: Vec<ParameterPlan>,
    /// Input tables.
    pub inputs: Vec<InputPlan>,
    /// Views and scopes in the order they are made; a later one may read an earlier one.
    pub queries: Vec<QueryPlan>,
    /// SQL functions that the queries call.
    pub functions: Vec<FunctionPlan>,
    /// Load steps in the order they run.
    pub loads: Vec<LoadPlan>,
    /// The objects that are read or written.
    pub objects: Vec<ObjectSchema>,
}

impl Plan {
    /// The object of that name.
    pub fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.objects.iter().find(|o| o.name == name)
    }

    /// The scopes, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &QueryPlan> {
        self.queries.iter().filter(|q| q.scope.is_some())
    }
}

/// The connector's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorPlan {
    /// Its API name.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
    /// The sample's path, relative to the connector's file.
    pub sample: Option<String>,
    /// Rows a commit.
    pub chunk: u64,
    /// How many executions run at once; 1 where not set, 0 holds the queue.
    pub concurrency: Option<u64>,
    /// Bytes of memory of the SQL engine; the default where not set.
    pub memory: Option<u64>,
    /// Seconds that one query may take; the default where not set.
    pub time_limit: Option<u64>,
    /// IANA name of the business time zone; `UTC` where not set.
    pub timezone: String,
}

/// A run parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterPlan {
    /// Its name; `$name` in SQL.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: DataType,
    /// The formats that its text may have, tried in order; those of its named type.
    pub formats: Vec<Format>,
    /// What it is where the run does not say.
    pub default: Option<Value>,
}

/// One input table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputPlan {
    /// The table is `input.NAME`.
    pub name: String,
    /// Which sheet, file or part of a ZIP it is; by its name where not said.
    pub from: InputFrom,
    /// The declared columns; none means: whatever the file has.
    pub columns: Option<Vec<InputColumnPlan>>,
    /// How to read it.
    pub options: ReaderOptions,
}

/// Which part of the input a table is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFrom {
    /// The part named like the table, or the only one.
    #[default]
    Name,
    /// The sheet of this name.
    Sheet(String),
    /// The file of this name (in a ZIP or among the given files); `*` stands for any text.
    File(String),
}

/// A declared input column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputColumnPlan {
    /// Its name in SQL.
    pub name: String,
    /// The header in the file.
    pub header: String,
    /// Whether a file without it is fine.
    pub optional: bool,
}

/// How a file is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderOptions {
    /// What stands between cells; found out where not set.
    pub delimiter: Option<char>,
    /// The encoding's WHATWG label; found out where not set.
    pub encoding: Option<String>,
    /// The line or sheet row of the headers, from 1; the first that is not blank where not set.
    pub header: Option<u32>,
    /// Cell texts that mean no value, besides empty ones: `NA`.
    pub missing: Vec<String>,
}

/// A view or a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryPlan {
    /// Its name.
    pub name: String,
    /// Its SQL, as written.
    pub sql: String,
    /// Where the SQL starts.
    pub place: Place,
    /// The columns it makes, as planned, with their SQL types in words.
    pub columns: Vec<ColumnPlan>,
    /// What it reads: `input.prices`, `records.products(name, sku)`, `cleaned`, `$region`.
    pub reads: Vec<String>,
    /// What makes it a scope; none for a view.
    pub scope: Option<ScopePlan>,
}

/// A column of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Its name.
    pub name: String,
    /// Its type in words: `text`, `integer`, `boolean`, …
    #[serde(rename = "type")]
    pub ty: String,
}

/// What a scope has beyond its query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopePlan {
    /// For people only: its name ends in `errors`.
    pub errors: bool,
    /// Its typed variables, in order.
    pub variables: Vec<VariableSpec>,
}

/// A SQL function: `fn code(s: string): string = sql { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionPlan {
    /// As the SQL calls it: `text.code`.
    pub name: String,
    /// Parameter names, in order.
    pub parameters: Vec<String>,
    /// Defaults of the last parameters, as SQL literals.
    pub defaults: Vec<Option<String>>,
    /// The SQL expression; none where it is built into the engine.
    pub body: Option<String>,
    /// The engine's name of a native function.
    pub native: Option<String>,
}

/// A load step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadPlan {
    /// The step's name.
    pub name: String,
    /// The scope it reads.
    pub scope: String,
    /// The object it writes.
    pub object: String,
    /// Its matching rules, in order.
    pub rules: Vec<RulePlan>,
    /// Its mappings, in order.
    pub mappings: Vec<MappingPlan>,
    /// The variable that it makes of the ids it matched or created.
    pub expose: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A matching rule with all its actions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePlan {
    /// The field, or `id`.
    pub field: String,
    /// The variable or exposed id.
    pub variable: String,
    /// What to do where no record matches.
    pub none: MatchAction,
    /// What to do where one record matches.
    pub one: MatchAction,
    /// What to do where several match.
    pub many: MatchAction,
    /// What to do where the only matches are archived.
    pub archived: MatchAction,
}

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

/// A mapping onto one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPlan {
    /// The field, with its type and declared options.
    pub field: FieldSchema,
    /// Where the value comes from.
    pub source: MappingSource,
    /// What happens where the record already has a value.
    pub resolution: Resolution,
    /// Whether an unknown option is added instead of refused.
    pub create_options: bool,
}

/// Where a mapped value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingSource {
    /// A variable.
    Variable(String),
    /// The id that an earlier step exposed.
    Exposed(String),
    /// The same value on every row, typed for the field.
    Literal(Value),
    /// Variables as text, with something between them; blank ones are left out.
    Concat {
        /// The variables.
        parts: Vec<String>,
        /// What stands between.
        join: String,
    },
    /// The record of another object that has a variable's value in a field.
    Find {
        /// The object.
        object: String,
        /// The field, or `id`.
        by: String,
        /// That field's type.
        by_type: crate::value::FieldType,
        /// The variable.
        with: String,
    },
}
