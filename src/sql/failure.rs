//! Why a query failed while it ran, in the user's words.

use crate::text::Range;
use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;

/// Why a query failed while it ran.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct SqlError {
    /// The cause in the user's words.
    pub cause: String,
    /// The view whose text is at fault; none where it is the query's own.
    pub view: Option<String>,
    /// Where in that text it is, as far as it could be found out.
    pub range: Option<Range>,
    /// The [`ROW`](super::ROW) of the input row behind it, as far as it could be found out.
    pub row: Option<i64>,
    /// What to do.
    pub hint: Option<String>,
}

impl SqlError {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), view: None, range: None, row: None, hint: None }
    }
}

impl From<super::Fault> for SqlError {
    fn from(fault: super::Fault) -> Self {
        Self { range: Some(fault.range), hint: fault.help, ..Self::new(fault.message) }
    }
}

/// What kind of expression an error can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// Something was divided by zero.
    Division,
    /// A result was too large.
    Overflow,
    /// A value did not fit: a cast, a date, a pattern.
    Value,
}

/// An error that an expression of the query made; none where it was the world's (memory, disk) or
/// the planner's.
pub(super) fn failing(error: &DataFusionError) -> Option<Failing> {
    match error.find_root() {
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::DivideByZero => Some(Failing::Division),
            ArrowError::ArithmeticOverflow(_) => Some(Failing::Overflow),
            ArrowError::CastError(_)
            | ArrowError::ParseError(_)
            | ArrowError::ComputeError(_)
            | ArrowError::InvalidArgumentError(_) => Some(Failing::Value),
            _ => None,
        },
        DataFusionError::Execution(_) => Some(Failing::Value),
        _ => None,
    }
}

/// What is the same of an error whichever value met it first.
pub(super) fn shape(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let mut quoted = false;
    text.chars()
        .filter(|c| {
            quoted ^= *c == '\'';
            !quoted && !c.is_ascii_digit()
        })
        .collect()
}

/// A run-time error in the user's words.
pub(super) fn explain(error: &DataFusionError) -> SqlError {
    let root = error.find_root();
    let text = bare(root);
    if let Some(told) = panicked(&text) {
        return told;
    }
    let hint = match root {
        DataFusionError::ResourcesExhausted(_) => Some("raise the connector's `memory`, or do less at once"),
        _ if text.contains("No space left") => Some("free some space where executions are kept"),
        _ if text.starts_with("Cast error")
            || text.contains("Cannot cast")
            || text.contains("cast string") =>
        {
            Some(CAST_HINT)
        }
        _ if text.starts_with("Divide by zero") => Some("guard it: x / nullif(y, 0)"),
        _ if text.starts_with("Arithmetic overflow") => {
            Some("calculate with more digits: CAST(x AS DECIMAL(38, 4))")
        }
        _ => None,
    };
    let cause =
        cast_words(&text).or_else(|| pattern_words(&text)).unwrap_or_else(|| match text.split_once(": ") {
            // All that `to_date` says of a text that it cannot read.
            _ if text.contains("Unable to cast to Date32") => "a text is not a date".to_owned(),
            Some(("Resources exhausted", detail)) => {
                format!("the query does not fit into its memory: {}", first_line(detail))
            }
            Some(("Divide by zero error", _)) => "something is divided by zero".to_owned(),
            Some(("Arithmetic overflow", rest)) => {
                format!("the result is too large: {}", rest.trim_start_matches("Overflow happened on: "))
            }
            Some(("Parser error" | "Cast error" | "Compute error", rest)) => first_line(rest),
            _ if text.starts_with("Divide by zero") => "something is divided by zero".to_owned(),
            _ => first_line(&text),
        });
    SqlError { hint: hint.map(str::to_owned), ..SqlError::new(cause) }
}

/// What a mistake of the engine means to the user.
fn panicked(text: &str) -> Option<SqlError> {
    text.split_once("panicked with message ").map(|(_, said)| broke_off(said))
}

/// The same, by what the engine said.
pub(super) fn broke_off(said: &str) -> SqlError {
    // A join without an equation that does not fit into its memory is begun anew, which not all that it
    // reads from can do.
    let (cause, hint) = if said.contains("partition not used yet") {
        (
            "the query does not fit into its memory: a join without an equation needs one side as a whole"
                .to_owned(),
            "join by an equation (ON a.x = b.x), raise the connector's `memory`, or do less at once",
        )
    } else {
        (
            format!("the SQL engine broke off: {}", first_line(said)),
            "this is a fault of the SQL engine: write the expression another way",
        )
    };
    SqlError { hint: Some(hint.into()), ..SqlError::new(cause) }
}

/// [`explain`] for a cast that failed, with another of the values that it fails on.
pub(super) fn explain_with(error: &DataFusionError, value: &str) -> Option<String> {
    let text = bare(error.find_root());
    let text = text.strip_prefix("Cast error: ").unwrap_or(&text);
    let (_, ty) = text.strip_prefix("Cannot cast string '")?.rsplit_once("' to value of ")?;
    cast_words(&format!("Cannot cast string '{value}' to value of {ty}"))
}

const CAST_HINT: &str =
    "a value does not fit: TRY_CAST gives NULL instead of failing, or clean it first with std.parse";

/// An error's text without what the engine puts before it.
fn bare(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    text.trim_start_matches("Execution error: ")
        .trim_start_matches("Arrow error: ")
        .trim_start_matches("External error: ")
        .trim_start_matches("Error during planning: ")
        .trim()
        .to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).to_owned()
}

/// A pattern that cannot be read: the engine draws it over several lines.
fn pattern_words(text: &str) -> Option<String> {
    let (_, drawn) = text.split_once("regex parse error:")?;
    let pattern = drawn.lines().map(str::trim).find(|l| !l.is_empty())?;
    let why = drawn.lines().find_map(|l| l.trim().strip_prefix("error: "))?;
    Some(format!("the regular expression `{pattern}` cannot be read: {why}"))
}

/// A text that a CAST could not take, without the engine's names of types.
fn cast_words(text: &str) -> Option<String> {
    let text = text.strip_prefix("Cast error: ").unwrap_or(text);
    let (value, ty) = text.strip_prefix("Cannot cast string '")?.rsplit_once("' to value of ")?;
    let kind = [
        ("Decimal", "an exact number"),
        ("Int", "an integer"),
        ("UInt", "an integer"),
        ("Float", "a number"),
        ("Date", "a date"),
        ("Timestamp", "a date and time"),
        ("Time", "a time of day"),
        ("Boolean", "true or false"),
    ];
    let (_, kind) = kind.iter().find(|(name, _)| ty.starts_with(name))?;
    let value: String = value.chars().take(80).collect();
    Some(format!("CAST: the text '{value}' is not {kind}"))
}
