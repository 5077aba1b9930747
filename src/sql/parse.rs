//! A block's text to one query, with what is forbidden found before planning.

use super::catalog::Fault;
use crate::diagnostic::Code;
use crate::text::{LineColumn, LineIndex, Range};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Spanned, Statement, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Span as SqlSpan};
use std::ops::ControlFlow;

/// How deep expressions may nest. Real queries stay below 50; the planner's own recursion is the
/// reason for a bound.
const MAX_DEPTH: usize = 300;

/// Turns the parser's lines and columns into bytes of the block.
pub(super) struct Places<'a> {
    text: &'a str,
    lines: LineIndex,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, lines: LineIndex::new(text) }
    }

    fn offset(&self, at: Location) -> usize {
        self.lines.offset(self.text, LineColumn { line: at.line as u32, column: at.column as u32 }) as usize
    }

    /// The bytes of a span; none where the parser kept none.
    pub(super) fn range(&self, span: SqlSpan) -> Option<Range> {
        if span.start.line == 0 {
            return None;
        }
        let start = self.offset(span.start);
        Some(Range::new(start, self.offset(span.end).max(start)))
    }

    /// The range with the closing brackets of the calls that start in it; the planner leaves the last out.
    pub(super) fn closed(&self, range: Range) -> Range {
        let inside = self.slice(range);
        let count = |signs: [char; 2]| inside.chars().filter(|c| signs.contains(c)).count();
        let mut end = range.end as usize;
        for _ in count([')', ']'])..count(['(', '[']) {
            let rest = self.text.get(end..).unwrap_or_default();
            let blank = rest.len() - rest.trim_start().len();
            if !rest.trim_start().starts_with([')', ']']) {
                break;
            }
            end += blank + 1;
        }
        Range::new(range.start as usize, end)
    }

    /// Where a name stands for the first time, with its quotes: for what the parser keeps no place of.
    pub(super) fn find(&self, name: &str) -> Option<Range> {
        let at = self.text.find(name)?;
        let quoted = |i: usize| matches!(self.text.as_bytes().get(i), Some(b'\'' | b'"'));
        let (mut start, mut end) = (at, at + name.len());
        if start > 0 && quoted(start - 1) && quoted(end) {
            (start, end) = (start - 1, end + 1);
        }
        Some(Range::new(start, end))
    }

    /// The text of a range.
    pub(super) fn slice(&self, range: Range) -> &'a str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// The word (or the one character) that starts at a byte.
    pub(super) fn word_at(&self, start: usize) -> Range {
        let start = start.min(self.text.len());
        let rest = &self.text[start..];
        let word =
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>();
        let len = if word > 0 { word } else { rest.chars().next().map_or(0, char::len_utf8) };
        Range::new(start, start + len)
    }

    /// The block without the blank space around it.
    pub(super) fn whole(&self) -> Range {
        let start = self.text.len() - self.text.trim_start().len();
        Range::new(start, self.text.trim_end().len().max(start))
    }
}

fn fault(code: Code, range: Range, message: impl Into<String>, label: &str, help: &str) -> Fault {
    Fault { code, range, message: message.into(), label: label.into(), help: Some(help.into()) }
}

/// Reads a block as one query.
pub(super) fn query(text: &str, places: &Places<'_>) -> Result<Query, Fault> {
    let parsed = Parser::new(&GenericDialect {})
        .with_recursion_limit(100)
        .try_with_sql(text)
        .and_then(|mut p| p.parse_statements());
    let statements = match parsed {
        Ok(s) => s,
        Err(error) => return Err(syntax_fault(error, text, places)),
    };
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else {
        return Err(fault(
            Code::SqlSyntax,
            places.whole(),
            "the SQL block is empty",
            "a query is missing here",
            "write a SELECT between the braces",
        ));
    };
    if let Some(second) = statements.next() {
        let range = places.range(second.span()).unwrap_or_else(|| places.whole());
        return Err(fault(
            Code::SqlForbiddenStatement,
            range,
            "a SQL block holds one query, this one holds several",
            "a second statement starts here",
            "make each query a view or scope of its own",
        ));
    }
    let Statement::Query(query) = first else {
        let word: String = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        return Err(fault(
            Code::SqlForbiddenStatement,
            places.word_at(places.whole().start as usize),
            format!("{word} is not a query"),
            "only SELECT (and WITH … SELECT) may stand here",
            "a SQL block reads; what is written is decided by load steps",
        ));
    };
    if let Some(clause) = ignored(&query) {
        return Err(fault(
            Code::SqlForbiddenStatement,
            places.find(clause).unwrap_or_else(|| places.whole()),
            format!("{clause} has no meaning here"),
            "this would be ignored, or write",
            "leave it out: a block is one query over the tables it is given",
        ));
    }
    if depth(&query) > MAX_DEPTH {
        return Err(fault(
            Code::SqlTooDeep,
            places.whole(),
            format!("the query nests expressions more than {MAX_DEPTH} deep"),
            "too deep",
            "split it into views",
        ));
    }
    Ok(*query)
}

fn syntax_fault(error: ParserError, text: &str, places: &Places<'_>) -> Fault {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return fault(
                Code::SqlTooDeep,
                places.whole(),
                "the query nests too deep",
                "too deep",
                "split it into views",
            );
        }
        ParserError::ParserError(m) | ParserError::TokenizerError(m) => m,
    };
    let (what, at) = split_location(&message);
    let range = at.map_or_else(|| end_of(text), |at| places.word_at(places.offset(at)));
    let what = what.trim_end_matches(',').trim().replace("found: EOF", "found: the end");
    Fault {
        code: Code::SqlSyntax,
        range,
        message: format!("this SQL cannot be read: {}", lower_first(&what)),
        label: "here".into(),
        help: Some("look just before this place: a comma, a bracket or a keyword may be missing".into()),
    }
}

fn end_of(text: &str) -> Range {
    let end = text.trim_end().len();
    Range::new(end.saturating_sub(1), end)
}

/// Splits `… at Line: 3, Column: 7` off a parser message.
fn split_location(message: &str) -> (&str, Option<Location>) {
    let Some((what, at)) = message.rsplit_once(" at Line: ") else { return (message, None) };
    let mut numbers = at.split(", Column: ").map(|n| n.trim().trim_end_matches('.').parse::<u64>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(line)), Some(Ok(column))) if line > 0 => (what, Some(Location { line, column })),
        _ => (what, None),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// A clause that the planner would ignore or that is no reading.
fn ignored(query: &Query) -> Option<&'static str> {
    if !query.locks.is_empty() {
        return Some("FOR UPDATE");
    }
    if query.settings.is_some() {
        return Some("SETTINGS");
    }
    match query.body.as_ref() {
        SetExpr::Select(select) if select.into.is_some() => Some("INTO"),
        SetExpr::Select(select) => {
            let samples = |t: &TableFactor| matches!(t, TableFactor::Table { sample: Some(_), .. });
            let any = select
                .from
                .iter()
                .any(|f| samples(&f.relation) || f.joins.iter().any(|j| samples(&j.relation)));
            any.then_some("TABLESAMPLE")
        }
        SetExpr::Query(inner) => ignored(inner),
        _ => None,
    }
}

struct Depth {
    now: usize,
    most: usize,
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &datafusion::sql::sqlparser::ast::Expr) -> ControlFlow<()> {
        self.now += 1;
        self.most = self.most.max(self.now);
        if self.most > MAX_DEPTH { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &datafusion::sql::sqlparser::ast::Expr) -> ControlFlow<()> {
        self.now -= 1;
        ControlFlow::Continue(())
    }
}

fn depth(query: &Query) -> usize {
    let mut depth = Depth { now: 0, most: 0 };
    let _ = query.visit(&mut depth);
    depth.most
}
