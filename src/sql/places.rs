//! Where things stand in a block's text.

use crate::text::{LineColumn, LineIndex, Range};
use datafusion::sql::sqlparser::ast::{Expr, Spanned};
use datafusion::sql::sqlparser::tokenizer::{Location, Span as SqlSpan};

/// Turns the parser's lines and columns into bytes of the block.
pub(super) struct Places<'a> {
    text: &'a str,
    lines: LineIndex,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, lines: LineIndex::new(text) }
    }

    /// The byte of a place of the parser.
    pub(super) fn offset(&self, at: Location) -> usize {
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

    /// The whole of an expression; the parser's places leave closing brackets and casts out.
    pub(super) fn expression(&self, expr: &Expr) -> Option<Range> {
        match expr {
            Expr::Cast { expr, .. } => Some(self.cast(self.expression(expr)?)),
            Expr::BinaryOp { left, right, .. } => Some(self.expression(left)?.to(self.expression(right)?)),
            Expr::Nested(inside) => {
                let inside = self.expression(inside)?;
                Some(self.call(inside).unwrap_or(inside))
            }
            Expr::Function(f) => {
                let name = self.range(f.name.span())?;
                let after = self.text.get(name.end as usize..)?;
                let open = after.find('(')? + 1;
                let end = name.end as usize + open + bracketed(&after[open..])?;
                Some(Range::new(name.start as usize, end))
            }
            other => Some(self.closed(self.range(other.span())?)),
        }
    }

    /// The brackets around what stands at a range, and the word before them.
    fn call(&self, range: Range) -> Option<Range> {
        let before = self.text.get(..range.start as usize)?.trim_end();
        let head = before.strip_suffix('(')?.trim_end();
        let after = self.text.get(range.end as usize..)?;
        let word = head.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        Some(Range::new(head.len() - word.len(), range.end as usize + bracketed(after)?))
    }

    /// The cast of the value at a range, `CAST(… AS …)` or `…::TYPE`. Of some values (`trim(x)`) the parser
    /// only keeps what is in their brackets.
    fn cast(&self, value: Range) -> Range {
        let mut range = value;
        loop {
            let after = self.text.get(range.end as usize..).unwrap_or_default();
            if let Some(ty) = after.trim_start().strip_prefix("::") {
                let end = self.text.len() - after_type(ty.trim_start()).len();
                return Range::new(range.start as usize, end);
            }
            let Some(call) = self.call(range) else { return value };
            if self.slice(self.word_at(call.start as usize)).eq_ignore_ascii_case("CAST") {
                return call;
            }
            range = call;
        }
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

    /// Where a word stands for the first time as a word of its own, in capitals or not.
    pub(super) fn word(&self, word: &str) -> Option<Range> {
        let upper = self.text.to_ascii_uppercase();
        let part = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let bytes = upper.as_bytes();
        let found = upper.match_indices(word).map(|(at, _)| at).find(|at| {
            let before = at.checked_sub(1).and_then(|i| bytes.get(i));
            !part(before) && !part(bytes.get(at + word.len()))
        })?;
        Some(Range::new(found, found + word.len()))
    }

    /// The first place of a sign after a range.
    pub(super) fn after(&self, range: Range, sign: &str) -> Option<Range> {
        let at = range.end as usize + self.text.get(range.end as usize..)?.find(sign)?;
        Some(Range::new(at, at + sign.len()))
    }

    /// The last place of a word before a span, to where the span begins.
    pub(super) fn before(&self, span: SqlSpan, word: &str) -> Option<Range> {
        let before = self.text.get(..self.range(span)?.start as usize)?;
        let at = before.to_ascii_uppercase().rfind(word)?;
        Some(Range::new(at, before.trim_end_matches(|c: char| c == '(' || c.is_whitespace()).len()))
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

/// How many bytes of a text there are up to the bracket that closes one before it.
fn bracketed(text: &str) -> Option<usize> {
    let (mut open, mut quoted) = (1, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => open += 1,
            ')' if !quoted => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// What follows the name of a type and its brackets.
fn after_type(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    match rest.strip_prefix('(').and_then(|inside| Some(&inside[bracketed(inside)?..])) {
        Some(rest) => rest,
        None => rest,
    }
}
