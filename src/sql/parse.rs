//! A block's text to one query, with what is forbidden found before planning.

use super::catalog::Fault;
use super::dialect;
use super::misread::misread;
use super::places::Places;
use super::words::is_debug;
use crate::diagnostic::Code;
use crate::text::{DELETE_INVISIBLE, Range, invisible_words, is_invisible};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Spanned, Statement, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};
use std::ops::ControlFlow;

/// How deep expressions may nest. Real queries stay below 50; the planner's own recursion is the
/// reason for a bound.
const MAX_DEPTH: usize = 300;

/// How many UNIONs and the like one query may join: each is a level for the planner, and a dear one.
const MAX_SETS: usize = 100;

/// How many operators may follow each other before the text is not even read: what the parser makes
/// of them is as deep as they are many.
const MAX_OPERATORS: usize = 3000;

fn fault(code: Code, range: Range, message: impl Into<String>, label: &str, help: &str) -> Fault {
    Fault { code, range, message: message.into(), label: label.into(), help: Some(help.into()) }
}

fn too_deep(places: &Places<'_>, message: impl Into<String>) -> Fault {
    fault(Code::SqlTooDeep, places.whole(), message, "too deep", "split it into views")
}

/// The most operators that follow each other without a comma or a new branch between them.
fn chain(tokens: &[TokenWithSpan]) -> usize {
    let (mut now, mut most) = (0, 0);
    for token in tokens {
        match &token.token {
            Token::Comma | Token::SemiColon => now = 0,
            Token::Word(w) => match w.keyword {
                Keyword::WHEN | Keyword::THEN | Keyword::ELSE | Keyword::SELECT => now = 0,
                Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::IS => now += 1,
                _ => {}
            },
            Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) => {}
            _ => now += 1,
        }
        most = most.max(now);
    }
    most
}

/// Reads a block as one query.
pub(super) fn query(text: &str, places: &Places<'_>) -> Result<Query, Fault> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize_with_location();
    let tokens = tokens.map_err(|e| syntax_fault(e.into(), text, places))?;
    if chain(&tokens) > MAX_OPERATORS {
        return Err(too_deep(places, "the query nests too deep"));
    }
    let mut parser = Parser::new(&dialect).with_recursion_limit(100).with_tokens_with_locations(tokens);
    let statements = match parser.parse_statements() {
        Ok(statements) => statements,
        Err(_) if COMMANDS.contains(&first_word(text).as_str()) => return Err(no_query(text, places)),
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
        return Err(no_query(text, places));
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
        return Err(too_deep(
            places,
            format!("the query nests expressions more than {MAX_DEPTH} deep, or more than {MAX_SETS} UNIONs"),
        ));
    }
    if let Some(fault) = misread(&query, places) {
        return Err(fault);
    }
    Ok(*query)
}

/// Statements that are told as such, also where they cannot be read.
const COMMANDS: &[&str] =
    &["DECLARE", "BEGIN", "EXEC", "EXECUTE", "SET", "IF", "WHILE", "MERGE", "PRINT", "USE", "GO"];

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_uppercase()
}

fn no_query(text: &str, places: &Places<'_>) -> Fault {
    let word = first_word(text);
    let help = match word.as_str() {
        "DECLARE" | "SET" => {
            "a value from outside is a parameter: `param name: string`, and `$name` in the query"
        }
        _ => "a SQL block reads; what is written is decided by load steps",
    };
    fault(
        Code::SqlForbiddenStatement,
        places.word_at(places.whole().start as usize),
        format!("{word} is not a query"),
        "only SELECT (and WITH … SELECT) may stand here",
        help,
    )
}

fn syntax_fault(error: ParserError, text: &str, places: &Places<'_>) -> Fault {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return too_deep(places, "the query nests too deep");
        }
        ParserError::ParserError(m) | ParserError::TokenizerError(m) => m,
    };
    let (what, at) = split_location(&message);
    let range = at.map_or_else(|| end_of(text), |at| places.word_at(places.offset(at)));
    let what = what.trim_end_matches(',').trim().replace("found: EOF", "found: the end");
    let unseen = text.get(range.start as usize..).and_then(|t| t.chars().next()).filter(|c| is_invisible(*c));
    let (message, help) = match unseen {
        Some(c) => (invisible_words(c), DELETE_INVISIBLE),
        None => {
            // The parser's own values, printed as they are in its memory, are no words.
            let what = if is_debug(&what) {
                format!("`{}` is not expected here", places.slice(range))
            } else {
                lower_first(&what)
            };
            let help = dialect::sign(text, range.start as usize)
                .unwrap_or("look just before this place: a comma, a bracket or a keyword may be missing");
            (format!("this SQL cannot be read: {what}"), help)
        }
    };
    Fault { code: Code::SqlSyntax, range, message, label: "here".into(), help: Some(help.into()) }
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

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let (mut sets, mut body) = (0, query.body.as_ref());
        while let SetExpr::SetOperation { left, .. } = body {
            (sets, body) = (sets + 1, left.as_ref());
        }
        if sets > MAX_SETS {
            self.most = usize::MAX;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

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
