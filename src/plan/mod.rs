//! The compiled plan: what a run does, in full. Owned, serialisable and versioned; it is what the
//! interpreter executes, what `sconn plan` shows, and what a resume is held to.

mod describe;
mod life;
mod words;

pub use describe::describe;
pub use life::{
    Address, MOST_EVENTS, Missed, NotifyPlan, NotifyWhen, SchedulePlan, Trigger, Verify, WebhookPlan,
};
pub use words::{Automations, MatchAction, Outcome};

use crate::value::{DataType, FieldSchema, FieldType, Format, ObjectSchema, Resolution, Value, VariableSpec};
use serde::{Deserialize, Serialize};

/// The version of the plan's JSON form.
pub const PLAN_VERSION: u32 = 2;

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

    /// Whether a run needs files: a schedule hands its own in.
    pub fn needs_input(&self) -> bool {
        !self.inputs.is_empty() && !matches!(self.connector.trigger, Trigger::Schedule(_))
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
    /// What starts a run.
    pub trigger: Trigger,
    /// Who hears of runs by e-mail.
    pub notify: NotifyPlan,
    /// What is told over HTTP that a run has ended.
    pub on_end: Option<Address>,
}

impl ConnectorPlan {
    /// How many of its executions may run at once: one where nothing is said.
    pub fn places(&self) -> i64 {
        self.concurrency.map_or(1, |c| i64::try_from(c).unwrap_or(i64::MAX))
    }
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
    /// What it reads.
    pub reads: ReadsPlan,
    /// What makes it a scope; none for a view.
    pub scope: Option<ScopePlan>,
}

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadsPlan {
    /// Tables, each with the columns that are needed of it.
    pub tables: Vec<TablePlan>,
    /// Run parameters.
    pub parameters: Vec<String>,
    /// Functions of [`Plan::functions`].
    pub functions: Vec<String>,
}

/// A table that a query reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePlan {
    /// As the SQL names it: `input.prices`, `records.products`, or the bare name of a view.
    pub name: String,
    /// The columns that are needed.
    pub columns: Vec<String>,
}

/// A column of a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPlan {
    /// Its name.
    pub name: String,
    /// Its type in words: `text`, `integer`, `boolean`, …
    #[serde(rename = "type")]
    pub ty: String,
    /// The SQL expression that makes it; `*` or `c.*` where a star brings it. Empty where it cannot be
    /// told.
    pub from: String,
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
    /// For which of the records written automations are to run, in targets that have some.
    pub automations: Automations,
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

impl MappingPlan {
    /// Whether an unknown option is added.
    pub fn adds_options(&self) -> bool {
        self.create_options || self.field.ty == FieldType::Dynamictags
    }
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
