//! The tabs `SQL Output <scope>` and `Variables <scope>`.

use super::cells::{self, Content};
use super::styles::{Tone, color};
use super::tab::{Header, Tab};
use super::{Book, ScopeTables, VariablesTable};
use crate::load::SourceRef;
use crate::report::ReportError;
use crate::report::sql_output::shown_columns;
use crate::report::words::{exact, problems_words, source_words};
use crate::system::spool::{Spool, SpoolReader};
use crate::value::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use crate::value::arrow::datatypes::{DataType, Int64Type};
use crate::value::{Problem, Source, Value};
use rust_decimal::Decimal;

/// The column that says where a row came from.
const ROW: &str = "__row";
const PROBLEMS: &str = "__problems";

/// What the SQL made, as it is; where each row came from stands last.
pub(super) fn sql_output(book: &mut Book<'_>, scope: &ScopeTables<'_>) -> Result<(), ReportError> {
    let schema = scope.output.schema();
    let shown = shown_columns(schema);
    let row = schema.index_of(ROW).ok();
    let mut headers: Vec<_> = shown.iter().map(|c| Header::data(schema.field(*c).name())).collect();
    headers.extend(row.map(|_| Header::side("Source")));
    let mut tab = Tab::begin(book, &format!("SQL Output {}", scope.name), headers, 0, color::BLUE)?;
    let mut rows = Rows::open(scope.output)?;
    let mut line = Vec::with_capacity(shown.len() + 1);
    while rows.next(book)? {
        line.clear();
        line.extend(shown.iter().map(|c| (rows.content(*c), Tone::Plain)));
        line.extend(row.map(|c| (cells::text(source_words(rows.source(c), book.parts)), Tone::Muted)));
        tab.row(book, &line)?;
    }
    tab.finish(book)
}

/// How each variable of each row was read: the value, the text it came from where that differs, and
/// what was wrong.
pub(super) fn variables(
    book: &mut Book<'_>,
    scope: &ScopeTables<'_>,
    table: &VariablesTable<'_>,
) -> Result<(), ReportError> {
    let mut headers = vec![Header::side("Row"), Header::side("Source")];
    for spec in table.specs {
        headers.push(Header::data(&spec.name));
        headers.push(Header::side(&format!("{} source", spec.name)));
    }
    headers.push(Header::side("Problems"));
    let mut tab = Tab::begin(book, &format!("Variables {}", scope.name), headers, 2, color::VIOLET)?;

    let output = scope.output.schema();
    let values = table.values.schema();
    let row_column = output.index_of(ROW).ok();
    let problem_column = values.index_of(PROBLEMS).ok();
    // For each variable: where its value stands, and where the text it was read from.
    let places: Vec<_> = table
        .specs
        .iter()
        .map(|spec| {
            let from = match &spec.source {
                Source::Column(column) => output.index_of(column).ok(),
                Source::Literal(_) => None,
            };
            (values.index_of(&spec.name).ok(), from)
        })
        .collect();

    let (mut before, mut after) = (Rows::open(scope.output)?, Rows::open(table.values)?);
    let mut number = 0;
    let mut line = Vec::new();
    while before.next(book)? && after.next(book)? {
        number += 1;
        let problems = problem_column.map_or_else(Vec::new, |c| after.problems(c));
        line.clear();
        line.push((cells::count(number), Tone::Muted));
        let source = row_column.map_or_else(String::new, |c| source_words(before.source(c), book.parts));
        line.push((cells::text(source), Tone::Muted));
        for (spec, (value, from)) in table.specs.iter().zip(&places) {
            let parsed = value.map_or(Value::Null, |c| after.value(c));
            let wrong = problems.iter().any(|p| p.name == spec.name);
            let tone = match (wrong, parsed.is_blank()) {
                (false, _) => Tone::Plain,
                (true, true) => Tone::Errored,
                (true, false) => Tone::Warning,
            };
            let was = from.map(|c| before.value(c).to_string()).filter(|was| *was != parsed.to_string());
            line.push((cells::value(&parsed), tone));
            line.push((was.map_or(Content::Blank, cells::text), Tone::Muted));
        }
        let tone = if problems.is_empty() { Tone::Plain } else { Tone::Warning };
        line.push((cells::text(problems_words(&problems)), tone));
        tab.row(book, &line)?;
    }
    tab.finish(book)
}

/// The rows of a spool, one after the other, whatever its batches are.
struct Rows {
    reader: SpoolReader,
    batch: Option<RecordBatch>,
    row: usize,
}

impl Rows {
    fn open(spool: &Spool) -> Result<Self, ReportError> {
        let reader = spool.read(None).map_err(|e| ReportError::new(spool.path(), e.cause))?;
        Ok(Self { reader, batch: None, row: 0 })
    }

    /// Moves to the next row; false at the end.
    fn next(&mut self, book: &Book<'_>) -> Result<bool, ReportError> {
        self.row += 1;
        while self.batch.as_ref().is_none_or(|b| self.row >= b.num_rows()) {
            match self.reader.next() {
                None => return Ok(false),
                Some(batch) => self.batch = Some(batch.map_err(|e| book.failed(e))?),
            }
            self.row = 0;
        }
        Ok(true)
    }

    fn column(&self, index: usize) -> Option<&ArrayRef> {
        self.batch.as_ref().and_then(|b| b.columns().get(index))
    }

    fn value(&self, index: usize) -> Value {
        self.column(index).map_or(Value::Null, |c| exact(c.as_ref(), self.row))
    }

    /// The cell of a column of any type. Numbers that are no [`Value::Number`] (small integers,
    /// floats) come as text, and are numbers all the same.
    fn content(&self, index: usize) -> Content {
        let numeric = self.column(index).is_some_and(|c| c.data_type().is_numeric());
        match self.value(index) {
            Value::Text(text) if numeric => {
                match Decimal::from_scientific(&text).or_else(|_| Decimal::from_str_exact(&text)) {
                    Ok(number) => cells::value(&Value::Number(number)),
                    Err(_) => cells::text(text),
                }
            }
            value => cells::value(&value),
        }
    }

    fn source(&self, index: usize) -> Option<SourceRef> {
        let column = self.column(index).filter(|c| c.data_type() == &DataType::Int64)?;
        let column = column.as_primitive::<Int64Type>();
        (!column.is_null(self.row)).then(|| SourceRef::unpack(column.value(self.row)))
    }

    fn problems(&self, index: usize) -> Vec<Problem> {
        match self.value(index) {
            Value::Text(json) => serde_json::from_str(&json).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}
