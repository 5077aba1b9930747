//! Puts in the opening braces that were forgotten, so that what they were to hold is read.

use super::braces::item_lines;
use super::errors::{Errors, quote};
use super::scan::{Kind, Token};
use crate::diagnostic::Code;

/// The words before braces that are not items.
const BLOCKS: &[&str] = &["map", "match", "after"];

/// The tokens with an empty `{` at the end of each line that was to open a block: a line that starts
/// an item or a part of a load step and has no brace, where what follows stands further right up to a
/// `}` below the line's start. Only where an item has more closing braces than opening ones.
pub(super) fn insert(text: &str, mut tokens: Vec<Token>, errors: &mut Errors) -> Vec<Token> {
    let starts = item_lines(text, &tokens);
    let mut places: Vec<Line> = Vec::new();
    let mut from = 0;
    while from < tokens.len() {
        let to = (from + 1..tokens.len()).find(|i| starts.get(*i) == Some(&true)).unwrap_or(tokens.len());
        places.extend(Region { text, tokens: &tokens, from, to }.forgotten());
        from = to;
    }
    for (shift, Line { first, next }) in places.into_iter().enumerate() {
        let (first, at) = (tokens.get(first + shift).copied(), next + shift);
        let (Some(first), Some(before)) = (first, tokens.get(at - 1).copied()) else { continue };
        let line = text.get(first.start..before.end).unwrap_or("");
        errors.push(
            Code::MissingBrace,
            before.end..before.end,
            &format!("the block of {} is not opened", quote(line)),
            "expected `{` here",
            Some("write `{` at the end of the line".into()),
        );
        let open = Token { kind: Kind::Open, start: before.end, end: before.end, first: false, ..before };
        tokens.insert(at, open);
    }
    tokens
}

/// A line: its first token, and that of the next line.
struct Line {
    first: usize,
    next: usize,
}

/// The tokens from one item's start to the next one's.
struct Region<'a> {
    text: &'a str,
    tokens: &'a [Token],
    from: usize,
    to: usize,
}

impl Region<'_> {
    fn count(&self, kind: Kind) -> usize {
        let tokens = self.tokens.get(self.from..self.to).unwrap_or_default();
        tokens.iter().filter(|t| t.kind == kind).count()
    }

    /// The lines at whose end a brace belongs.
    fn forgotten(&self) -> Vec<Line> {
        let mut wanted = self.count(Kind::Close).saturating_sub(self.count(Kind::Open));
        let mut found = Vec::new();
        let mut i = self.from;
        while wanted > 0 && i < self.to {
            let next = self.line_end(i);
            if self.opens(i, next) {
                found.push(Line { first: i, next });
                wanted -= 1;
            }
            i = next;
        }
        found
    }

    fn get(&self, i: usize) -> Option<&Token> {
        self.tokens.get(i).filter(|_| i < self.to)
    }

    /// The first token of the line after that of token `i`.
    fn line_end(&self, i: usize) -> usize {
        (i + 1..self.to).find(|j| self.get(*j).is_some_and(|t| t.first)).unwrap_or(self.to)
    }

    /// Whether the line from `i` up to `next` was to open a block.
    fn opens(&self, i: usize, next: usize) -> bool {
        let Some(first) = self.get(i) else { return false };
        let word = first.text(self.text);
        let head = if i == self.from {
            ["connector", "input", "scope", "load", "object"].contains(&word)
        } else {
            BLOCKS.contains(&word)
        };
        let brace = |t: &Token| matches!(t.kind, Kind::Open | Kind::Close | Kind::Sql { .. });
        if !head || self.tokens.get(i..next).unwrap_or_default().iter().any(brace) {
            return false;
        }
        // The first line that stands no further right must be the closing brace, with something between.
        let inside = |j: &usize| self.get(*j).is_some_and(|t| t.first && t.indent <= first.indent);
        let close = (next..self.to).find(inside);
        close.is_some_and(|j| {
            j > next && self.get(j).is_some_and(|t| t.kind == Kind::Close && t.indent == first.indent)
        })
    }
}
