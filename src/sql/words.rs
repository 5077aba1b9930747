//! The planner's errors in the user's words.

use super::calls::{self, CAST_HELP, TEXT_HELP};
use super::check::INNER_QUERY;
use super::{correlated, dialect};
use crate::diagnostic::{Code, nearest};
use datafusion::common::{DataFusionError, SchemaError};

/// The user's words for a planner's error: code, message, label, help.
pub(super) fn words(error: &DataFusionError) -> (Code, String, String, Option<String>) {
    match error.find_root() {
        // Without a place it is not a name that is ambiguous, but the result's own columns.
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::AmbiguousReference { field } if error.diagnostic().is_none() => twice(&field.name),
            schema => schema_words(schema),
        },
        root => plan_words(&root.strip_backtrace()),
    }
}

fn schema_words(error: &SchemaError) -> (Code, String, String, Option<String>) {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let written = field.flat_name();
            let qualified: Vec<String> = valid_fields.iter().map(|c| plain(&c.flat_name())).collect();
            let names = valid_fields.iter().map(|c| c.name().to_owned());
            let names: Vec<String> = names.filter(|n| !super::reserved(n)).collect();
            let near = match &field.relation {
                Some(_) => nearest(&plain(&written), qualified.iter().map(String::as_str)).map(str::to_owned),
                None => nearest(&field.name, names.iter().map(String::as_str)).map(str::to_owned),
            };
            let foreign = field.relation.is_none().then(|| dialect::foreign(&field.name)).flatten();
            let help = match near {
                _ if foreign.is_some() => foreign,
                Some(n) => Some(format!("did you mean `{n}`?")),
                None if names.is_empty() => Some("a value is wanted here, not a column".to_owned()),
                None => Some(format!(
                    "there are: {}",
                    names.iter().take(20).cloned().collect::<Vec<_>>().join(", ")
                )),
            };
            (
                Code::SqlUnknownColumn,
                format!("there is no column `{}`", plain(&written)),
                "unknown column".into(),
                help,
            )
        }
        SchemaError::AmbiguousReference { field } => {
            let name = field.name.clone();
            (
                Code::SqlAmbiguousColumn,
                format!("`{name}` is a column of several tables here"),
                "which one?".into(),
                Some(format!("write the table before it, as in `t.{name}`")),
            )
        }
        SchemaError::DuplicateQualifiedField { name, .. }
        | SchemaError::DuplicateUnqualifiedField { name } => twice(name),
    }
}

fn twice(name: &str) -> (Code, String, String, Option<String>) {
    let help = "give one of them another name with AS".to_owned();
    let message = format!("two columns of the result are named `{name}`");
    (Code::SqlDuplicateColumn, message, "in this query".into(), Some(help))
}

/// Names as the user writes them: the planner quotes what it prints.
fn plain(name: &str) -> String {
    name.replace('"', "")
}

fn plan_words(text: &str) -> (Code, String, String, Option<String>) {
    let text = text
        .trim_start_matches("Error during planning: ")
        .trim_start_matches("type_coercion\ncaused by\n")
        .trim_start_matches("Error during planning: ");
    if text == INNER_QUERY {
        let message = "this inner query cannot be run here".to_owned();
        let help = "write it as a JOIN; for `ORDER BY y LIMIT 1` of another table there is first_value(x ORDER BY y)";
        return (Code::SqlOther, message, "no join can be made of it".into(), Some(help.into()));
    }
    if let Some(words) = correlated::words(text) {
        return words;
    }
    if text.contains("only support Literal types") {
        let message = "all but the first value of a window function must be written out";
        let help =
            "write the number or the text itself; for another default say coalesce(lag(x) OVER (…), …)";
        return (Code::SqlOther, message.into(), "not written out".into(), Some(help.into()));
    }
    let lower = text.to_lowercase();
    if lower.contains("group by") && (lower.contains("must appear") || lower.contains("must be part")) {
        let column = text.split("column \"").nth(1).and_then(|t| t.split('"').next()).map(plain);
        let column = column.or_else(|| text.split('\'').nth(1).map(plain)).unwrap_or_default();
        let (message, help) = group_words(&column);
        return (Code::SqlGroupBy, message, "which of the group's values is meant?".into(), help);
    }
    if let Some(words) = calls::words(text) {
        return words;
    }
    if let Some((_, code, message, label, help)) = PLAIN.iter().find(|(part, ..)| text.contains(part)) {
        return (*code, (*message).into(), (*label).into(), Some((*help).into()));
    }
    if lower.contains("queries have different number of columns") {
        let message = "the two sides make different numbers of columns".to_owned();
        let help = "select the same columns on both sides, NULL where there is none";
        return (Code::SqlOther, message, "in this UNION".into(), Some(help.into()));
    }
    if let Some(name) = text.split_once("Projections require unique").and_then(|(_, t)| repeated_name(t)) {
        return twice(&name);
    }
    if let Some((_, name)) = text.split_once("Unsupported SQL type ") {
        let help = "use TEXT, INT, BIGINT, DECIMAL(12, 2), BOOLEAN, DATE or TIMESTAMP".to_owned();
        let name = name.split([' ', '(', '\n']).next().unwrap_or_default();
        let message = format!("SQL has no type `{name}`");
        return (Code::SqlTypeMismatch, message, "this cast".into(), Some(help));
    }
    if let Some((_, name)) = text.split_once("Invalid function '") {
        let name = name.split('\'').next().unwrap_or_default();
        let help = format!("it counts over rows: write `{name}(…) OVER (ORDER BY …)`");
        let message = format!("`{name}` cannot be called without OVER");
        return (Code::SqlOther, message, "OVER belongs after this".into(), Some(help));
    }
    let text = ["Internal error: ", "Execution error: ", "This feature is not implemented: "]
        .iter()
        .fold(text, |text, prefix| text.trim_start_matches(prefix));
    let text = text.split(" This issue was likely caused").next().unwrap_or(text);
    if let Some((_, ty)) =
        text.split_once("non-boolean predicate").and_then(|(_, t)| t.split_once("returning "))
    {
        let ty = ours(ty.split_whitespace().next().unwrap_or_default());
        let message = format!("a condition is true or false, and this is {ty}");
        let help = "compare it with something, as in `x > 0` or `x IS NOT NULL`".to_owned();
        return (Code::SqlTypeMismatch, message, "not a condition".into(), Some(help));
    }
    let operation = ["Cannot coerce arithmetic expression ", "comparison operation ", "bitwise operation "]
        .iter()
        .find_map(|before| text.split_once(before));
    if let Some(what) =
        operation.and_then(|(_, t)| t.split(['.', '\n']).next()?.split(" to valid types").next()).map(ours)
    {
        let help = match what.as_str() {
            "text + text" => {
                "to join texts write `||`; to add numbers convert both first, as in CAST(x AS DECIMAL(12, 4))"
            }
            "boolean = text" => "to join conditions write AND or OR",
            what if what.contains("text") => TEXT_HELP,
            _ => CAST_HELP,
        };
        let message = format!("{what} has no meaning");
        return (Code::SqlTypeMismatch, message, "these types do not go together".into(), Some(help.into()));
    }
    let first = text.split("\n\n").next().unwrap_or(text);
    let first = first.split("You might need").next().unwrap_or(first);
    let first = first.split("No function matches").next().unwrap_or(first);
    if is_debug(first) {
        let help = "the SQL engine does not have it: write it another way";
        return (Code::SqlOther, UNPLANNED.into(), "not supported".into(), Some(help.into()));
    }
    let first = ours(first);
    let first = first.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ");
    let first = first.trim_end_matches(['.', ' ']).to_owned();
    let typed =
        ["coerc", "type", "cast", "argument", "signature", "operator", "operation", "boolean", "numeric"];
    if typed.iter().any(|w| lower.contains(w)) {
        let help = if lower.contains("utf8") || lower.contains("string") { TEXT_HELP } else { CAST_HELP };
        return (
            Code::SqlTypeMismatch,
            message(&first),
            "these types do not go together".into(),
            Some(help.into()),
        );
    }
    let help = "these are the planner's words; `sconn explain SC0210` has the usual reasons";
    (Code::SqlOther, message(&first), "here".into(), Some(help.into()))
}

/// Errors that are known by a part of their text, as that does not change: code, message, label, help.
#[rustfmt::skip]
const PLAIN: &[(&str, Code, &str, &str, &str)] = &[
    ("OuterReferenceColumn", Code::SqlOther,
     "this inner query reads the row around it by something else than an equation, which cannot be run here",
     "no equation",
     "say `a.x = b.x` in it, or join the table and take DISTINCT or GROUP BY in the query around: \
      SELECT DISTINCT a.x, b.y FROM a JOIN b ON b.x > a.x"),
    ("does not support logical expression WindowFunction", Code::SqlOther,
     "a window function cannot stand in WHERE", "worked out after WHERE",
     "say QUALIFY in place of WHERE, or put it into a query in FROM: \
      FROM (SELECT *, row_number() OVER (…) AS n FROM t) z WHERE z.n = 1"),
    ("LogicalPlan::Unnest", Code::SqlOther, UNNEST, "unnest() within", UNNEST_HELP),
    ("unnest() does not support", Code::SqlOther, UNNEST, "unnest() within", UNNEST_HELP),
    (DISTINCT_ORDER, Code::SqlOther,
     "the rows of SELECT DISTINCT are ordered by its own columns only", "not selected",
     "select it, too, or order by the name of a column that is selected"),
    ("aggregate functions are not allowed in the WHERE clause", Code::SqlOther,
     "an aggregate cannot stand in WHERE", "worked out after WHERE", "say HAVING, after GROUP BY"),
    ("Aggregate functions are not allowed in the WHERE clause", Code::SqlOther,
     "an aggregate cannot stand in WHERE", "worked out after WHERE", "say HAVING, after GROUP BY"),
    ("calls cannot be nested", Code::SqlOther,
     "an aggregate cannot stand in another", "within an aggregate",
     "aggregate in a query in FROM first: SELECT max(n) AS n FROM (SELECT count(*) AS n FROM t GROUP BY k) z"),
    ("Too many columns! The subquery", Code::SqlOther,
     "this inner query makes several columns, and one is needed", "several columns",
     "select one of them; to compare several say EXISTS (SELECT 1 FROM … WHERE a.x = b.x AND a.y = b.y)"),
    ("CAST with format", Code::SqlOther,
     "this SQL has no CAST … FORMAT", "another dialect's", "say to_date(x, '%d.%m.%Y') or to_char(d, '%d.%m.%Y')"),
    ("unary operator '-' only supports", Code::SqlTypeMismatch,
     "`-` cannot stand before this", "no number", TEXT_HELP),
    ("Unary operator '-' only supports", Code::SqlTypeMismatch,
     "`-` cannot stand before this", "no number", TEXT_HELP),
];

const UNNEST: &str = "unnest() cannot be run at this place";
const UNNEST_HELP: &str =
    "let it stand in the SELECT list of a query in FROM: FROM (SELECT *, unnest(…) AS e FROM t) z";

/// What the planner says where SELECT DISTINCT is ordered by what it does not select.
const DISTINCT_ORDER: &str = "SELECT DISTINCT, ORDER BY expressions";

/// Whether an error belongs to the query as a whole: with an expression of it taken out other errors come, which the
/// author has not made.
pub(super) fn of_the_whole(error: &DataFusionError) -> bool {
    let text = error.strip_backtrace();
    correlated::told(error)
        || ["OuterReferenceColumn", "nnest", DISTINCT_ORDER].iter().any(|t| text.contains(t))
}

/// Where the planner prints its own values as they are in memory.
const DEBUG: &[&str] =
    &[" {", "Some(", "([", "Span(", "Ident(", "Identifier(", "Literal(", "OneOf(", "Exact(", "StraightJoin("];

/// Whether a text has more than words in it.
pub(super) fn is_debug(text: &str) -> bool {
    DEBUG.iter().any(|sign| text.contains(sign))
}

/// A text up to where the planner prints values of its own.
pub(super) fn undebugged(text: &str) -> &str {
    let end = DEBUG.iter().filter_map(|sign| text.find(sign)).min().unwrap_or(text.len());
    &text[..end]
}

/// What is said where nothing of the planner's text is fit to be read.
pub(super) const UNPLANNED: &str = "this cannot be planned";

/// The planner's names of types, and ours; longer names first.
const TYPES: &[(&str, &str)] = &[
    ("Utf8View", "text"),
    ("LargeUtf8", "text"),
    ("Utf8", "text"),
    ("UInt64", "integer"),
    ("Int64", "integer"),
    ("Int32", "integer"),
    ("Int16", "integer"),
    ("Int8", "integer"),
    ("Float64", "floating point"),
    ("Float32", "floating point"),
    ("Decimal128", "decimal"),
    ("Date32", "date"),
    ("Boolean", "boolean"),
    ("Interval(MonthDayNano)", "interval"),
];

/// A text with the planner's types called as we call them.
pub(super) fn ours(text: &str) -> String {
    TYPES.iter().fold(text.to_owned(), |text, (arrow, word)| text.replace(arrow, word))
}

/// The name that two expressions of a projection have.
fn repeated_name(text: &str) -> Option<String> {
    text.split('"').skip(1).step_by(2).take(2).find_map(|expression| match expression.rsplit_once(" AS ") {
        Some((_, name)) => Some(name.to_owned()),
        None => expression.rsplit('.').next().filter(|n| !n.contains('(')).map(str::to_owned),
    })
}

/// What to say of a column that is neither grouped nor aggregated.
pub(super) fn group_words(column: &str) -> (String, Option<String>) {
    (
        format!("`{column}` is neither grouped nor aggregated"),
        Some(format!("add it to GROUP BY, or take one of its values: min({column})")),
    )
}

fn message(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return "this query cannot be planned".to_owned() };
    // `UNION …` stays as it is.
    if chars.clone().next().is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    first.to_lowercase().chain(chars).collect()
}
