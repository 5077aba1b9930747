//! Cuts a block's tokens into entries, so that a broken entry costs only itself.
//!
//! Line ends mean nothing between entries that are whole; they only help to see where a new entry
//! starts. An entry starts where its shape says so (`name:`, `field <-`, `match`), on any line.

use super::braces::Braces;
use super::scan::{ITEM_KEYWORDS, Kind, Token};

/// A block of tokens: those from `from` to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub from: usize,
    pub to: usize,
}

/// An entry: its head and what stands in braces after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The tokens before the braces.
    pub head: Span,
    /// The opening brace (or the SQL) and the tokens inside.
    pub block: Option<(usize, Span)>,
    /// Where the entry ends, in bytes.
    pub end: usize,
}

/// What a block holds; it decides where entries start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Items,
    Settings,
    /// `column: "Header"` and settings.
    Columns,
    /// Variables and a `sql` block.
    Variables,
    Fields,
    LoadParts,
    Outcomes,
    Mappings,
}

/// The words that start a part of a load step.
pub(super) const LOAD_WORDS: &[&str] = &["match", "map", "expose", "after"];

/// The entries of `span`.
pub(super) fn split(text: &str, tokens: &[Token], braces: &Braces, span: Span, holds: Holds) -> Vec<Entry> {
    let mut splitter =
        Splitter { text, tokens, braces, holds, entries: Vec::new(), from: span.from, depth: 0 };
    let mut i = span.from;
    while i < span.to {
        let Some(token) = tokens.get(i) else { break };
        let dead = braces.dead.get(i).copied().unwrap_or(false);
        if dead {
            splitter.end(i, None);
            splitter.from = i + 1;
            i += 1;
            continue;
        }
        if i > splitter.from && splitter.starts(i) {
            splitter.end(i, None);
        }
        match token.kind {
            Kind::Open => {
                let block = braces.blocks.get(i).copied().unwrap_or_default();
                let to = block.end.clamp(i + 1, span.to.max(i + 1));
                splitter.end(i, Some((i, Span { from: i + 1, to })));
                i = block.next.clamp(i + 1, span.to.max(i + 1));
                splitter.from = i;
                continue;
            }
            Kind::Sql { .. } => {
                splitter.end(i, Some((i, Span { from: i, to: i })));
                splitter.from = i + 1;
            }
            Kind::Symbol('[' | '(') => splitter.depth += 1,
            Kind::Symbol(']' | ')') => splitter.depth = splitter.depth.saturating_sub(1),
            _ => {}
        }
        i += 1;
    }
    splitter.end(span.to, None);
    splitter.entries
}

struct Splitter<'a> {
    text: &'a str,
    tokens: &'a [Token],
    braces: &'a Braces,
    holds: Holds,
    entries: Vec<Entry>,
    /// First token of the entry at hand.
    from: usize,
    /// Open `[` and `(` of it.
    depth: usize,
}

impl Splitter<'_> {
    fn kind(&self, i: usize) -> Option<Kind> {
        self.tokens.get(i).map(|t| t.kind)
    }

    fn word(&self, i: usize) -> &str {
        self.tokens.get(i).filter(|t| t.kind == Kind::Name).map_or("", |t| t.text(self.text))
    }

    fn end(&mut self, to: usize, block: Option<(usize, Span)>) {
        let head = Span { from: self.from, to };
        self.from = to;
        self.depth = 0;
        if head.from == head.to && block.is_none() {
            return;
        }
        let last = match block {
            None => to.saturating_sub(1),
            Some((open, inside)) => {
                // The closing brace belongs to the entry where there is one.
                let next = self.braces.blocks.get(open).map_or(open, |b| b.next);
                if next > inside.to { inside.to } else { inside.to.saturating_sub(1).max(open) }
            }
        };
        let end = self.tokens.get(last).map_or(self.text.len(), |t| t.end);
        self.entries.push(Entry { head, block, end });
    }

    /// Whether a new entry starts at token `i`, while one is at hand.
    fn starts(&self, i: usize) -> bool {
        let Some(token) = self.tokens.get(i) else { return false };
        let previous = self.kind(i - 1);
        let after_comma = matches!(previous, Some(Kind::Symbol(',')));
        if self.strong(i) && (token.first || !after_comma) {
            return true;
        }
        if self.depth > 0 {
            return false;
        }
        if token.kind != Kind::Name {
            return token.first && !self.may_go_on(i, token);
        }
        if token.first {
            return !self.goes_on(i, previous);
        }
        match self.holds {
            Holds::Settings => self.ends_value(i),
            Holds::Columns => {
                let next = self.kind(i + 1);
                let value = matches!(next, Some(Kind::Quoted(_) | Kind::Word));
                value && (self.ends_value(i) || self.word(i - 1) == "optional")
            }
            Holds::Outcomes => i - self.from == 2,
            _ => false,
        }
    }

    /// Whether the tokens at `i` are the start of an entry on whatever line they stand.
    fn strong(&self, i: usize) -> bool {
        // `"name":` as in JSON is meant as a name.
        let quoted =
            matches!(self.kind(i), Some(Kind::Quoted(_))) && self.tokens.get(i).is_some_and(|t| t.first);
        let name = self.kind(i) == Some(Kind::Name) || quoted;
        let next = self.kind(i + 1);
        match self.holds {
            Holds::Items => {
                let named = matches!(next, Some(Kind::Name | Kind::Quoted(_)));
                self.braces.starts.get(i).copied().unwrap_or(false)
                    || (self.tokens.get(i).is_some_and(|t| t.first)
                        && ITEM_KEYWORDS.contains(&self.word(i))
                        && named
                        && self.word(i - 1) != "native")
            }
            Holds::Settings => quoted && next == Some(Kind::Symbol(':')),
            Holds::Columns | Holds::Fields => name && next == Some(Kind::Symbol(':')),
            Holds::Variables => {
                let sql = self.word(i) == "sql" && matches!(next, Some(Kind::Sql { .. }));
                sql || (name && next == Some(Kind::Symbol(':')))
            }
            Holds::LoadParts => {
                LOAD_WORDS.contains(&self.word(i)) && !matches!(self.word(i - 1), "match" | "with" | "expose")
            }
            Holds::Outcomes => false,
            Holds::Mappings => name && next == Some(Kind::Arrow),
        }
    }

    /// Whether what is no name may stand first on a line inside an entry.
    fn may_go_on(&self, i: usize, token: &Token) -> bool {
        match token.kind {
            Kind::Symbol(c) => {
                !matches!(c, '!'..='&' | '*' | '+' | '/' | ';' | '>'..='@' | '\\' | '^' | '`' | '|' | '~')
            }
            Kind::Word => token.text(self.text).starts_with(|c: char| c.is_ascii_digit()),
            // Reader options in braces of their own, after a column or an option.
            Kind::Open => self.holds != Holds::Columns || i - self.from < 2,
            _ => true,
        }
    }

    /// Whether the word that is first on its line still belongs to the entry at hand.
    fn goes_on(&self, i: usize, previous: Option<Kind>) -> bool {
        if matches!(previous, Some(Kind::Symbol(',' | ':' | '=' | '.') | Kind::Arrow)) {
            return true;
        }
        let indent = |i: usize| self.tokens.get(i).map_or(0, |t| t.indent);
        if self.holds == Holds::Items && i == self.from + 1 && indent(i) > indent(self.from) {
            return true;
        }
        let words: &[&str] = match self.holds {
            Holds::Items => &["from", "into", "sql", "format", "output", "split"],
            Holds::Variables => &["from", "required", "split", "format", "output"],
            Holds::Columns => &["optional"],
            Holds::Fields => &["required", "unique"],
            Holds::LoadParts => &["with"],
            Holds::Mappings => &["join", "by", "with", "create_options"],
            Holds::Settings | Holds::Outcomes => &[],
        };
        let sql_block = self.word(i) == "sql" && matches!(self.kind(i + 1), Some(Kind::Sql { .. }));
        words.contains(&self.word(i)) || (sql_block && self.holds == Holds::Items)
    }

    /// Whether the entry at hand has a name and a value that is whole, just before token `i`.
    fn ends_value(&self, i: usize) -> bool {
        i - self.from >= 2
            && matches!(
                self.kind(i - 1),
                Some(Kind::Name | Kind::Word | Kind::Quoted(_) | Kind::Symbol(')' | ']'))
            )
    }
}
