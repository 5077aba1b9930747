//! Text to tokens, by hand: SQL blocks nest comments and braces to any depth, and a grammar that
//! recurses for them would overflow the stack on hostile text. One pass, no recursion.

use super::errors::Errors;
use super::escapes::escapes;
use super::sql_text::{self, SqlEnd, sql_end};
use crate::diagnostic::Code;
use crate::text::{DELETE_INVISIBLE, invisible_words, is_invisible};

/// The words that start an item.
pub(super) const ITEM_KEYWORDS: &[&str] =
    &["connector", "use", "param", "input", "view", "scope", "load", "object", "type", "fn", "native"];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or keyword.
    Name,
    /// Digits and what hangs on them, or a word with letters that names cannot have.
    Word,
    /// A quoted text; whether its closing quote is there.
    Quoted(bool),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `<-`
    Arrow,
    /// The braces of `sql { … }` with all between them.
    Sql { closed: bool },
    /// Any other single character.
    Symbol(char),
}

/// A token and where it stands, counted from the start of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
    /// Whether it is the first of its line.
    pub first: bool,
    /// Bytes of its line before the line's first token.
    pub indent: usize,
}

impl Token {
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start..self.end).unwrap_or("")
    }

    /// Whether it is the very name `word`.
    pub fn is(&self, text: &str, word: &str) -> bool {
        self.kind == Kind::Name && self.text(text) == word
    }
}

/// All tokens of the text. Unclosed texts and bad escapes are told to `errors`.
pub(super) fn scan(text: &str, errors: &mut Errors) -> Vec<Token> {
    let mut scanner =
        Scanner { text, at: 0, line_start: 0, indent: None, tokens: Vec::new(), comment_cut: false };
    while let Some(c) = scanner.peek() {
        scanner.step(c, errors);
    }
    scanner.tokens
}

/// Whether the text at a line's first byte looks like the start of an item, not like an entry that
/// happens to be called as a keyword (`type: text`, `input <- a`).
pub(super) fn item_starts(line: &str) -> bool {
    let mut rest = line.split('\n').next().unwrap_or("");
    let Some(mut word) = take_name(&mut rest) else { return false };
    if word == "native" {
        rest = rest.trim_start();
        word = take_name(&mut rest).unwrap_or("");
        return word == "fn";
    }
    if !ITEM_KEYWORDS.contains(&word) || !rest.starts_with([' ', '\t']) {
        return false;
    }
    rest = rest.trim_start();
    if word == "use" {
        return rest.starts_with('"') || take_name(&mut rest).is_some();
    }
    if take_name(&mut rest).is_none() {
        return false;
    }
    rest = rest.trim_start();
    let after = take_name(&mut rest);
    match word {
        "param" => rest.starts_with(':') && after.is_none(),
        "fn" => rest.starts_with('(') && after.is_none(),
        "view" | "type" => rest.starts_with('=') && after.is_none(),
        "load" => matches!(after, Some("from" | "into")) || (after.is_none() && rest.starts_with('{')),
        "input" | "scope" => after == Some("from") || (after.is_none() && ends_or_opens(rest)),
        _ => after.is_none() && (ends_or_opens(rest) || rest.starts_with('"')),
    }
}

fn ends_or_opens(rest: &str) -> bool {
    rest.starts_with('{') || rest.trim_end().is_empty()
}

pub(super) fn take_name<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let len = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let (name, after) = rest.split_at_checked(len)?;
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    Some(name)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    line_start: usize,
    /// Where the line's first token starts, once there is one.
    indent: Option<usize>,
    tokens: Vec<Token>,
    /// Whether a `/*` without `*/` was seen.
    comment_cut: bool,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn newline(&mut self) {
        self.line_start = self.at;
        self.indent = None;
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let first = self.indent.is_none();
        let indent = *self.indent.get_or_insert(start - self.line_start);
        self.tokens.push(Token { kind, start, end: self.at, first, indent });
    }

    fn step(&mut self, c: char, errors: &mut Errors) {
        let start = self.at;
        match c {
            '\n' => {
                self.at += 1;
                self.newline();
            }
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '"' => self.quoted(errors),
            '{' if self.sql_follows() => self.sql(true, errors),
            '{' | '}' => {
                self.at += 1;
                self.push(if c == '{' { Kind::Open } else { Kind::Close }, start);
            }
            '<' if self.rest().starts_with("<-") => {
                self.at += 2;
                self.push(Kind::Arrow, start);
            }
            '/' if self.rest().starts_with("//") => self.foreign_comment("//", errors),
            '-' if self.rest().starts_with("--") => self.foreign_comment("--", errors),
            '/' if self.rest().starts_with("/*") => self.foreign_comment("/*", errors),
            c if c.is_whitespace() || c == '\u{FEFF}' => {
                self.at += c.len_utf8();
                // A byte order mark is not indentation.
                if c == '\u{FEFF}' && start == self.line_start {
                    self.line_start = self.at;
                }
            }
            c if is_invisible(c) => {
                self.at += c.len_utf8();
                errors.push(
                    Code::UnexpectedText,
                    start..self.at,
                    &invisible_words(c),
                    "takes no room",
                    Some(DELETE_INVISIBLE.into()),
                );
            }
            c if c.is_alphanumeric() || c == '_' => {
                self.word();
                self.sql_without_brace(errors);
            }
            c => {
                self.at += c.len_utf8();
                self.push(Kind::Symbol(c), start);
            }
        }
    }

    /// A comment as SQL, C or YAML start it: told, and passed over.
    fn foreign_comment(&mut self, sign: &'static str, errors: &mut Errors) {
        let start = self.at;
        errors.push(
            Code::UnexpectedText,
            start..start + sign.len(),
            &format!("`{sign}` does not start a comment"),
            "comments start with `#`",
            Some("write `#` before each line of the comment".into()),
        );
        let rest = self.rest();
        let line = rest.find('\n').unwrap_or(rest.len());
        // Where one is not closed, none after it is.
        let end = if sign == "/*" && !self.comment_cut { rest.find("*/") } else { None };
        self.comment_cut |= sign == "/*" && end.is_none();
        let end = end.map_or(line, |end| end + 2);
        self.at += end;
        if let Some(last) = rest.get(..end).and_then(|c| c.rfind('\n')) {
            self.line_start = start + last + 1;
            self.indent = None;
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let mut len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let fraction = rest.get(len..).and_then(|r| r.strip_prefix('.'));
        if let (true, Some(fraction)) = (digits, fraction) {
            let more = fraction.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(fraction.len());
            if fraction.starts_with(|c: char| c.is_ascii_digit()) {
                len += 1 + more;
            }
        }
        let is_name = !digits && rest.get(..len).is_some_and(str::is_ascii);
        self.at += len;
        self.push(if is_name { Kind::Name } else { Kind::Word }, start);
    }

    fn quoted(&mut self, errors: &mut Errors) {
        let start = self.at;
        // Reads no further than the text itself: a line may hold a million of them.
        let rest = self.rest();
        let mut chars = rest.char_indices().skip(1).peekable();
        let mut closed = None;
        let mut line_end = rest.len();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    closed = Some(i + 1);
                    break;
                }
                '\n' => {
                    line_end = i;
                    break;
                }
                '\\' => {
                    chars.next_if(|(_, c)| *c != '\n');
                }
                _ => {}
            }
        }
        self.at += closed.unwrap_or(line_end);
        self.push(Kind::Quoted(closed.is_some()), start);
        if closed.is_some() {
            escapes(self.text, start, self.at, errors);
        } else {
            let end = start + rest.get(..line_end).unwrap_or("").trim_end().len().max(1);
            errors.push(
                Code::UnclosedText,
                start..end,
                "this quoted text has no closing `\"`",
                "starts here and runs to the end of the line",
                Some("close it with `\"` on the same line; a quote inside a text is written `\\\"`".into()),
            );
        }
    }

    /// Whether the `{` here opens SQL: after the word `sql`, unless that is some item's name.
    fn sql_follows(&self) -> bool {
        let mut before = self.tokens.iter().rev();
        let Some(word) = before.next().filter(|t| t.is(self.text, "sql")) else { return false };
        let Some(previous) = before.next().filter(|_| !word.first) else { return true };
        let names = matches!(previous.kind, Kind::Symbol('.'))
            || (previous.kind == Kind::Name
                && (ITEM_KEYWORDS.contains(&previous.text(self.text))
                    || matches!(previous.text(self.text), "into" | "from")));
        !names
    }

    /// Takes `sql SELECT …` as SQL whose `{` was forgotten, up to its `}`.
    fn sql_without_brace(&mut self, errors: &mut Errors) {
        let Some(at) = sql_text::select_follows(self.rest()).filter(|_| self.sql_follows()) else { return };
        let start = self.at + at;
        errors.push(
            Code::MissingBrace,
            start..start + "SELECT".len(),
            "the SQL block is not opened",
            "expected `{` before this",
            Some("write `sql { SELECT … }`".into()),
        );
        // The blank before the SQL stands for the brace.
        self.at = start - 1;
        self.sql(false, errors);
    }

    /// Reads `{ … }` as SQL: to the `}` outside SQL texts, quoted names, comments and inner braces,
    /// or to a line that starts an item in column 1 or a variable.
    fn sql(&mut self, opened: bool, errors: &mut Errors) {
        let start = self.at;
        let (end, outcome) = sql_end(self.text, start + 1);
        self.at = end;
        self.push(Kind::Sql { closed: outcome == SqlEnd::Closed }, start);
        if let Some(from) = self.text.get(start..end).and_then(|s| s.rfind('\n')) {
            self.line_start = start + from + 1;
            let line = self.text.get(self.line_start..end).unwrap_or("");
            // What follows the closing brace is not first on its line; after an unclosed block it is.
            self.indent = (!line.is_empty()).then(|| line.len() - line.trim_start().len());
        }
        match outcome {
            SqlEnd::Closed => {}
            SqlEnd::InText(at, what) => errors.push(
                Code::UnclosedText,
                at..(at + what.len()).min(self.text.len()),
                &format!("the SQL has a `{what}` that is never closed"),
                "opened here",
                Some("close it, and the SQL block with `}` after it".into()),
            ),
            SqlEnd::Open if !opened => {}
            SqlEnd::Open => errors.push(
                Code::MissingBrace,
                start..start + 1,
                "the SQL block is not closed",
                "this `{` has no `}`",
                Some("write `}` after the SQL".into()),
            ),
        }
    }
}
