//! One head or entry through the grammar, and the words for what is wrong with it.

use super::braces::Braces;
use super::errors::{Errors, meant, quote};
use super::escapes::unescape;
use super::scan::{Kind, Token};
use super::split::{Entry, Holds, Span, split};
use super::tree::{Literal, LiteralKind, Name, Path, Sql, Text};
use crate::diagnostic::Code;
use crate::text::Range;
use pest::Parser;
use pest::iterators::Pair;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/sconn.pest"]
struct Grammar;

/// A grammar rule's match with all it holds, places counted from the start of the file.
#[derive(Debug)]
pub(super) struct Part<'t> {
    pub rule: Rule,
    pub start: usize,
    pub end: usize,
    pub text: &'t str,
    pub inner: Vec<Part<'t>>,
}

impl<'t> Part<'t> {
    fn new(pair: Pair<'t, Rule>, at: usize) -> Self {
        let (rule, text, span) = (pair.as_rule(), pair.as_str(), pair.as_span());
        let inner: Vec<Part<'t>> =
            pair.into_inner().filter(|p| p.as_rule() != Rule::EOI).map(|p| Part::new(p, at)).collect();
        // A rule's own span may run on over the space before an optional part that is not there.
        let end = inner.last().map_or(at + span.end(), |last| last.end);
        Part { rule, start: at + span.start(), end, text, inner }
    }

    pub fn get(&self, rule: Rule) -> Option<&Part<'t>> {
        self.inner.iter().find(|p| p.rule == rule)
    }

    pub fn has(&self, rule: Rule) -> bool {
        self.get(rule).is_some()
    }

    /// The end of the last of these parts that is there.
    pub fn end_of(&self, rules: &[Rule]) -> usize {
        self.inner.iter().filter(|p| rules.contains(&p.rule)).map(|p| p.end).max().unwrap_or(self.start)
    }
}

/// Reads the pieces of one item.
pub(super) struct Reader<'t, 'e> {
    pub text: &'t str,
    pub tokens: &'t [Token],
    pub braces: &'t Braces,
    pub errors: &'e mut Errors,
    /// Where the item starts: what ranges in the tree are counted from.
    pub base: usize,
    /// Whether the entry at hand has been told of: one message is enough for it.
    pub told: bool,
}

impl<'t> Reader<'t, '_> {
    /// Reads the tokens of `head` by `rule`.
    pub fn read(&mut self, rule: Rule, head: Span) -> Part<'t> {
        let tokens = self.tokens.get(head.from..head.to).unwrap_or_default();
        let Some(start) = tokens.first().map(|t| t.start) else {
            // Braces that nothing stands before.
            self.told = false;
            let at = self.tokens.get(head.from).map_or(self.text.len(), |t| t.start);
            return Part { rule, start: at, end: at, text: "", inner: Vec::new() };
        };
        let end = tokens.last().map_or(start, |t| t.end);
        // The scanner has told of an unclosed text; what it swallowed is not told as missing.
        self.told = tokens.iter().any(|t| t.kind == Kind::Quoted(false));
        let text = self.text.get(start..end).unwrap_or("");
        match Grammar::parse(rule, text).ok().and_then(|mut pairs| pairs.next()) {
            Some(pair) => Part::new(pair, start),
            None => {
                self.error(Code::UnexpectedText, start..end, "this cannot be read", "here", None);
                Part { rule, start, end: start, text: "", inner: Vec::new() }
            }
        }
    }

    pub fn entries(&self, span: Span, holds: Holds) -> Vec<Entry> {
        split(self.text, self.tokens, self.braces, span, holds)
    }

    pub fn range(&self, start: usize, end: usize) -> Range {
        Range::new(start.saturating_sub(self.base), end.saturating_sub(self.base))
    }

    /// The whole entry.
    pub fn entry_range(&self, entry: &Entry) -> Range {
        let first =
            if entry.head.from < entry.head.to { Some(entry.head.from) } else { entry.block.map(|b| b.0) };
        let start = first.and_then(|i| self.tokens.get(i)).map_or(entry.end, |t| t.start);
        self.range(start, entry.end)
    }

    pub fn error(
        &mut self,
        code: Code,
        range: std::ops::Range<usize>,
        message: &str,
        label: &str,
        help: Option<String>,
    ) {
        if !self.told {
            self.errors.push(code, range, message, label, help);
        }
        self.told = true;
    }

    /// Tells that `expected` should follow the byte `after`.
    pub fn missing(&mut self, after: usize, message: &str, expected: &str, help: String) {
        let (range, found) = self.found(after);
        let label = format!("expected {expected} here, found {found}");
        let quotes = foreign_quotes(self.text.get(range.clone()).unwrap_or(""));
        let text = ["quoted", "literal"].iter().any(|w| expected.contains(w));
        let help = quotes.filter(|_| text).map_or(help, str::to_owned);
        self.error(Code::MissingPart, range, message, &label, Some(help));
    }

    /// What stands after the byte `after`, on its line.
    fn found(&self, after: usize) -> (std::ops::Range<usize>, String) {
        let next = self.tokens.partition_point(|t| t.start < after);
        match self.tokens.get(next) {
            Some(t) if !t.first => {
                let brace = matches!(t.kind, Kind::Open | Kind::Sql { .. });
                let end = if brace { t.start + 1 } else { t.end };
                (t.start..end, quote(self.text.get(t.start..end).unwrap_or("")))
            }
            Some(_) => (after..after, "the end of the line".to_owned()),
            None => (after..after, "the end of the file".to_owned()),
        }
    }

    /// Tells each run of tokens in `part` that the grammar had no place for.
    pub fn strays(&mut self, part: &Part<'t>, place: &str, words: &[&str], help: &str) {
        if self.told {
            return;
        }
        let mut inner = part.inner.iter().peekable();
        while let Some(first) = inner.next() {
            if first.rule != Rule::stray {
                continue;
            }
            let mut end = first.end;
            while let Some(more) = inner.next_if(|p| p.rule == Rule::stray) {
                end = more.end;
            }
            let run = self.text.get(first.start..end).unwrap_or("");
            self.told = false;
            let help = match (meant(first.text, words), foreign_quotes(first.text)) {
                (Some(word), _) => format!("did you mean `{word}`?"),
                (None, Some(quotes)) => quotes.to_owned(),
                (None, None) if matches!(run, "," | ";") => {
                    format!("remove the `{run}`: each line stands for itself")
                }
                (None, None) => help.to_owned(),
            };
            let message = format!("{} does not belong in {place}", quote(run));
            self.error(Code::UnexpectedText, first.start..end, &message, "not expected here", Some(help));
        }
    }

    /// Tells that `entry` has braces where none belong.
    pub fn no_block(&mut self, entry: &Entry, place: &str) {
        let Some(open) = entry.block.and_then(|(i, _)| self.tokens.get(i)) else { return };
        let message = format!("{place} has no `{{ … }}`");
        let help = "remove the braces and what is in them, or the line before lacks something".to_owned();
        self.error(
            Code::UnexpectedText,
            open.start..open.start + 1,
            &message,
            "not expected here",
            Some(help),
        );
    }

    /// The name that something is given. One that cannot be a name is told, and taken all the same.
    pub fn new_name(&mut self, part: &Part<'t>) -> Option<Name> {
        if let Some(name) = part.get(Rule::name) {
            return Some(self.name(name));
        }
        if let Some(quoted) = part.get(Rule::quoted_name).and_then(|q| q.get(Rule::quoted)) {
            let Text { value, range } = self.quoted(quoted);
            let message = format!("the name {} stands in quotes", quote(quoted.text));
            let help = format!("names have no quotes: write `{value}`");
            self.error(
                Code::UnexpectedText,
                quoted.start..quoted.end,
                &message,
                "a name, not a text",
                Some(help),
            );
            return Some(Name { text: value, range });
        }
        let bad = part.get(Rule::bad_name)?;
        let ascii: String = bad.text.chars().map(|c| if c == '-' { '_' } else { c }).collect();
        let digit = ascii.starts_with(|c: char| c.is_ascii_digit());
        let help = match ascii.is_ascii() {
            true => format!("write `{}{ascii}`", if digit { "_" } else { "" }),
            false => "choose a name of the letters a to z, digits and `_`".to_owned(),
        };
        let message = format!("{} cannot be a name", quote(bad.text));
        let label = "names are the letters a to z, digits and `_`, and no digit first";
        self.error(Code::UnexpectedText, bad.start..bad.end, &message, label, Some(help));
        Some(self.name(bad))
    }

    pub fn name(&self, part: &Part<'t>) -> Name {
        // A rule that only wraps a name is as good as the name.
        let part = part.inner.iter().find(|p| p.rule == Rule::name).unwrap_or(part);
        Name { text: part.text.trim_end().to_owned(), range: self.range(part.start, part.end) }
    }

    pub fn path(&self, part: &Part<'t>) -> Path {
        let part = part.get(Rule::path).unwrap_or(part);
        let segments = part.inner.iter().map(|p| self.name(p)).collect();
        Path { segments, range: self.range(part.start, part.end) }
    }

    pub fn quoted(&self, part: &Part<'t>) -> Text {
        Text { value: unescape(part.text, |_, _| {}), range: self.range(part.start, part.end) }
    }

    pub fn literal(&self, part: &Part<'t>) -> Option<Literal> {
        let inner = part.inner.first()?;
        let kind = match inner.rule {
            Rule::quoted => LiteralKind::Text(unescape(inner.text, |_, _| {})),
            Rule::number => LiteralKind::Number(inner.text.to_owned()),
            _ => LiteralKind::Boolean(inner.text == "true"),
        };
        Some(Literal { kind, range: self.range(inner.start, inner.end) })
    }

    /// The SQL between the braces of `entry`, also where the word `sql` was forgotten.
    pub fn sql(&self, entry: &Entry) -> Option<Sql> {
        let (open, inside) = entry.block?;
        let token = self.tokens.get(open)?;
        let start = token.start + 1;
        let end = match token.kind {
            Kind::Sql { closed } => token.end - usize::from(closed),
            _ => {
                let closed = self.braces.blocks.get(open).is_some_and(|b| b.next > b.end);
                let close = self.tokens.get(inside.to).filter(|_| closed);
                close.map_or(entry.end, |t| t.start)
            }
        };
        let text = self.text.get(start..end.max(start))?.to_owned();
        Some(Sql { text, range: self.range(start, end.max(start)) })
    }

    /// Whether the block of `entry` is SQL.
    pub fn is_sql(&self, entry: &Entry) -> bool {
        let token = entry.block.and_then(|(i, _)| self.tokens.get(i));
        token.is_some_and(|t| matches!(t.kind, Kind::Sql { .. }))
    }
}

/// What to say of a text in quotes that are not ours.
fn foreign_quotes(text: &str) -> Option<&'static str> {
    let foreign = text.starts_with(['\'', '`', '“', '”', '„', '‘', '’', '«', '»']);
    foreign.then_some("texts stand in straight double quotes: `\"…\"`")
}
