//! `scope` items: their typed variables.

use super::catalog::{INSTANTS, handed_in};
use super::connector::timezone;
use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::names::repeated;
use super::query::{columns, input_column};
use super::sample::SampleFacts;
use super::types;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::sql::{Column, type_words};
use crate::syntax::tree::Variable;
use crate::text::{FileId, Range};
use crate::value::arrow::datatypes::DataType as ArrowType;
use crate::value::{self, BaseType, Source, VariableSpec, sql_name};
use salsa::Database;

/// Whether a scope is for people only.
pub fn is_for_people(name: &str) -> bool {
    name.ends_with("errors")
}

/// An id that a load step exposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Its name.
    pub name: String,
    /// The position of the load step in the file.
    pub step: usize,
    /// The scope whose rows have it.
    pub scope: String,
    /// The object that the step writes, as written.
    pub object: String,
}

/// What the load steps of a file expose, in order.
#[salsa::tracked]
pub fn exposed(db: &dyn Database, file: SourceFile) -> Vec<Exposed> {
    items::of_kind(db, file, "load")
        .enumerate()
        .filter_map(|(step, item)| {
            let load = item.load(db)?;
            Some(Exposed {
                name: load.expose.as_ref()?.text.clone(),
                step,
                scope: load.from.as_ref().unwrap_or(&load.name).text.clone(),
                object: load.into.as_ref()?.text(),
            })
        })
        .collect()
}

/// A scope's variables without spans: all that load steps see of it.
#[salsa::tracked]
pub fn variables<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<VariableSpec> {
    check_scope(db, workspace, item).0.clone()
}

/// The variables and what is wrong with them. A variable whose type is not known is left out.
#[salsa::tracked]
pub fn check_scope<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (Vec<VariableSpec>, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let Some(scope) = item.scope(db) else { return (Vec::new(), faults) };
    match (&scope.sql, &scope.from) {
        (None, None) if !scope.name.text.is_empty() => faults.push(
            Diagnostic::new(
                Code::ScopeWithoutQuery,
                item.span(db, scope.name.range),
                format!("the scope `{}` says nowhere what its rows are", scope.name.text),
            )
            .here("neither `sql { … }` nor `from`")
            .help(format!("write `scope {} from input.… {{`, or a `sql {{ … }}` in it", scope.name.text)),
        ),
        (Some(sql), Some(from)) => faults.push(
            Diagnostic::new(
                Code::UnexpectedText,
                item.span(db, from.range),
                format!("the scope `{}` has its rows from two places", scope.name.text),
            )
            .here("`from` here")
            .label(item.span(db, sql.range), "and SQL here")
            .help("keep one: the SQL can read the table itself"),
        ),
        _ => {}
    }
    faults.extend(repeated(db, item, "variable", scope.variables.iter().map(|v| &v.name)));
    let made = columns(db, workspace, item).as_deref();
    let mut specs: Vec<VariableSpec> = Vec::new();
    for variable in scope.variables.iter().filter(|v| !v.name.text.is_empty()) {
        reserved(db, item, variable, &mut faults);
        let spec = check_variable(db, workspace, item, variable, made, &mut faults);
        specs.extend(spec.filter(|s| specs.iter().all(|o| o.name != s.name)));
    }
    (specs, faults)
}

fn reserved(db: &dyn Database, item: Item<'_>, variable: &Variable, faults: &mut Vec<Diagnostic>) {
    let file = item.file(db);
    let clash = exposed(db, file).iter().find(|e| &e.scope == item.name(db) && e.name == variable.name.text);
    let Some(clash) = clash else { return };
    let mut fault = Diagnostic::new(
        Code::ReservedName,
        item.span(db, variable.name.range),
        format!("`{}` is the id that a load step exposes", clash.name),
    )
    .here("the name is taken")
    .help("rename the variable, or the exposed id");
    if let Some(load) = items::of_kind(db, file, "load").nth(clash.step)
        && let Some(name) = load.load(db).and_then(|l| l.expose.as_ref())
    {
        fault = fault.label(load.span(db, name.range), "exposed here");
    }
    faults.push(fault);
}

fn check_variable<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
    variable: &Variable,
    made: Option<&[Column]>,
    faults: &mut Vec<Diagnostic>,
) -> Option<VariableSpec> {
    let name = &variable.name.text;
    let resolved = types::resolve_type(db, workspace, item, &variable.ty, faults);
    let at = variable.from.as_ref().unwrap_or(&variable.name);
    let column = match (&variable.literal, made) {
        (None, Some(made)) => {
            let found = made.iter().find(|c| c.name == at.text);
            if found.is_none() {
                faults.push(not_produced(db, item, variable, made));
            }
            found
        }
        _ => None,
    };
    let resolved = resolved?;
    let ty = resolved.ty;
    if ty.array && ty.base == BaseType::Boolean {
        faults.push(
            Diagnostic::new(
                Code::BadSplit,
                item.span(db, variable.ty.range),
                format!("`{name}` cannot hold several booleans"),
            )
            .here("a boolean is never an array")
            .help("write `boolean`"),
        );
        return None;
    }
    let split = match &variable.split {
        Some(written) => types::split(db, item, ty, written, faults),
        None => resolved.split,
    };
    let is_list = column.is_some_and(|c| matches!(c.ty, ArrowType::List(_) | ArrowType::LargeList(_)));
    if ty.array && split.is_none() && variable.split.is_none() && variable.literal.is_none() && !is_list {
        faults.push(
            Diagnostic::new(
                Code::BadSplit,
                item.span(db, variable.ty.range),
                format!("nothing says how the text of `{name}` becomes several values"),
            )
            .here("an array needs `split`")
            .help(format!("write `{name}: {ty} split \";\"`")),
        );
    }
    // A format that means nothing has its own diagnostic.
    let formatted = !variable.formats.is_empty() || !resolved.formats.is_empty();
    let formats = if variable.formats.is_empty() {
        resolved.formats
    } else {
        types::formats(db, item, ty, &variable.formats, faults)
    };
    let output = match &variable.output {
        Some(written) => types::format(db, item, ty, written, faults),
        None => resolved.output,
    };
    if let Some(column) = column {
        column_notes(db, workspace, item, variable, column, ty.base, !formatted, faults);
    }
    let source = match &variable.literal {
        None => Source::Column(at.text.clone()),
        Some(literal) => {
            if let Some(from) = &variable.from {
                faults.push(
                    Diagnostic::new(
                        Code::LiteralDoesNotFit,
                        item.span(db, literal.range),
                        format!("`{name}` cannot be both a column and a literal"),
                    )
                    .here("a literal")
                    .label(item.span(db, from.range), "a column")
                    .help("keep one of the two"),
                );
            }
            let zone = timezone(db, item.file(db));
            match value::literal_value(ty, types::literal(literal), split, &formats, zone) {
                Ok(value) => Source::Literal(value),
                Err(why) => {
                    faults.push(
                        Diagnostic::new(Code::LiteralDoesNotFit, item.span(db, literal.range), why)
                            .here(format!("not of type {ty}"))
                            .label(item.span(db, variable.ty.range), "the type")
                            .help(types::literal_help(ty.base)),
                    );
                    Source::Literal(value::Value::Null)
                }
            }
        }
    };
    Some(VariableSpec {
        name: name.clone(),
        source,
        ty,
        required: variable.required.is_some(),
        split,
        formats,
        output,
        timezone: timezone(db, item.file(db)).clone(),
    })
}

fn not_produced(db: &dyn Database, item: Item<'_>, variable: &Variable, made: &[Column]) -> Diagnostic {
    let at = variable.from.as_ref().unwrap_or(&variable.name);
    let table = item.scope(db).filter(|s| s.sql.is_none()).and_then(|s| s.from.as_ref());
    let maker = table.map_or_else(|| "the SQL".to_owned(), |t| format!("`{}`", t.text()));
    let names: Vec<&str> = made.iter().map(|c| c.name.as_str()).collect();
    let help = match nearest(&at.text, names.iter().copied()) {
        Some(near) if variable.from.is_some() => format!("did you mean `{near}`?"),
        Some(near) => format!("did you mean `{near}`? To keep the name, write `from {near}`"),
        None if names.is_empty() => format!("{maker} has no columns"),
        None => format!(
            "write `from COLUMN`: {maker} {} {}",
            if table.is_some() { "has" } else { "makes" },
            names.join(", ")
        ),
    };
    let message = match table {
        Some(_) => format!("{maker} has no column `{}`", at.text),
        None => format!("the SQL of `{}` makes no column `{}`", item.name(db), at.text),
    };
    let fault = Diagnostic::new(Code::ColumnNotProduced, item.span(db, at.range), message)
        .here(format!("the variable `{}` takes it", variable.name.text))
        .help(help);
    match super::query::sql_text(db, item) {
        Some((_, place, false)) => fault.label(item.span(db, place), "its rows"),
        Some((sql, place, true)) => {
            // The first word is place enough for a query of many lines.
            let start = place.start as usize + sql.len() - sql.trim_start().len();
            let word = sql.split_whitespace().next().unwrap_or_default();
            fault.label(item.span(db, Range::new(start, start + word.len())), "the SQL")
        }
        None => fault,
    }
}

/// What can be said of a variable's column before any run.
#[allow(clippy::too_many_arguments)]
fn column_notes(
    db: &dyn Database,
    workspace: Workspace,
    item: Item<'_>,
    variable: &Variable,
    column: &Column,
    base: BaseType,
    no_format: bool,
    faults: &mut Vec<Diagnostic>,
) {
    let name = &variable.name.text;
    if base == BaseType::Number && column.ty.is_floating() {
        faults.push(
            Diagnostic::new(
                Code::FloatNumber,
                item.span(db, variable.name.range),
                format!("`{name}` is made of a {}, which is not exact", type_words(&column.ty)),
            )
            .here(format!("the column `{}` is a {}", column.name, type_words(&column.ty)))
            .help("cast it in SQL: `CAST(… AS DECIMAL(38, 12))`"),
        );
    }
    let text = matches!(column.ty, ArrowType::Utf8 | ArrowType::Utf8View | ArrowType::LargeUtf8);
    if matches!(base, BaseType::Date | BaseType::Datetime)
        && text
        && no_format
        && may_be_ambiguous(db, workspace, item, &column.name)
    {
        let example = if base == BaseType::Date { "%d/%m/%Y" } else { "%d/%m/%Y %H:%M" };
        faults.push(
            Diagnostic::new(
                Code::AmbiguousDateFormat,
                item.span(db, variable.ty.range),
                format!("`{name}` does not say whether the day or the month comes first"),
            )
            .here("no format")
            .help(format!(
                "add `format \"{example}\"`; without one the whole column decides, and where it cannot, \
                 the month comes first"
            )),
        );
    }
}

/// Whether the sample has values of that column that could be read both ways. Without a sample they
/// may come, but for an instant that the trigger hands in.
fn may_be_ambiguous(db: &dyn Database, workspace: Workspace, item: Item<'_>, column: &str) -> bool {
    let file = item.file(db);
    if is_instant(db, workspace, item, column) {
        return false;
    }
    let sample = workspace.sample(db);
    if file.id(db) != FileId(0) || !matches!(sample, SampleFacts::Given { .. }) {
        return true;
    }
    let ambiguous = |name: &str| sample.tables().any(|(_, t)| t.ambiguous_dates.iter().any(|a| a == name));
    // A declared column may have another name than its header gives.
    let renamed = items::of_kind(db, file, "input")
        .filter_map(|i| i.input(db))
        .flat_map(|i| &i.columns)
        .any(|c| c.name.text == column && ambiguous(&sql_name(&c.header.value)));
    renamed || ambiguous(column)
}

fn is_instant(db: &dyn Database, workspace: Workspace, item: Item<'_>, column: &str) -> bool {
    let file = item.file(db);
    let Some((_, handed_in, _)) = handed_in(db, file) else { return false };
    let Some((input, column)) = input_column(db, workspace, item, column).filter(|(i, _)| i == handed_in)
    else {
        return false;
    };
    let declared = items::named(db, file, "input", &input).and_then(|i| i.input(db));
    let header = declared.and_then(|i| i.columns.iter().find(|c| c.name.text == column));
    let original = header.map_or(column, |c| sql_name(&c.header.value));
    INSTANTS.contains(&original.as_str())
}
