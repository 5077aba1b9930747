//! Text to tokens, by hand: SQL blocks nest comments and braces to any depth, and a grammar that
//! recurses for them would overflow the stack on hostile text. One pass, no recursion.

use super::errors::Errors;
use crate::diagnostic::Code;

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
    let mut scanner = Scanner { text, at: 0, line_start: 0, indent: None, tokens: Vec::new() };
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

fn take_name<'t>(rest: &mut &'t str) -> Option<&'t str> {
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
            '{' if self.sql_follows() => self.sql(errors),
            '{' | '}' => {
                self.at += 1;
                self.push(if c == '{' { Kind::Open } else { Kind::Close }, start);
            }
            '<' if self.rest().starts_with("<-") => {
                self.at += 2;
                self.push(Kind::Arrow, start);
            }
            c if c.is_whitespace() || c == '\u{FEFF}' => {
                self.at += c.len_utf8();
                // A byte order mark is not indentation.
                if c == '\u{FEFF}' && start == self.line_start {
                    self.line_start = self.at;
                }
            }
            c if c.is_alphanumeric() || c == '_' => self.word(),
            c => {
                self.at += c.len_utf8();
                self.push(Kind::Symbol(c), start);
            }
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

    /// Reads `{ … }` as SQL: to the `}` outside SQL texts, quoted names, comments and inner braces,
    /// or to a line that starts an item in column 1.
    fn sql(&mut self, errors: &mut Errors) {
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SqlEnd {
    Closed,
    /// A text, quoted name or comment was open: where, and how it opens.
    InText(usize, &'static str),
    Open,
}

#[derive(Clone, Copy)]
enum Sql<'t> {
    Plain,
    Until { quote: u8, escapes: bool, from: usize },
    Line,
    Comment { depth: usize, from: usize },
    Dollar { tag: &'t str, from: usize },
}

/// Where the SQL that starts at `from` ends: one past its `}`, or where it is cut off.
fn sql_end(text: &str, from: usize) -> (usize, SqlEnd) {
    let bytes = text.as_bytes();
    let byte = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let mut state = Sql::Plain;
    let mut depth = 0usize;
    let mut i = from;
    while i < bytes.len() {
        let b = byte(i);
        if b == b'\n' {
            if text.get(i + 1..).is_some_and(item_starts) {
                return (i + 1, cut_off(state));
            }
            if matches!(state, Sql::Line) {
                state = Sql::Plain;
            }
            i += 1;
            continue;
        }
        match state {
            Sql::Plain => match b {
                b'\'' => {
                    let escapes = matches!(byte(i - 1), b'e' | b'E') && !word(byte(i.saturating_sub(2)));
                    state = Sql::Until { quote: b, escapes, from: i };
                }
                b'"' => state = Sql::Until { quote: b, escapes: false, from: i },
                b'-' if byte(i + 1) == b'-' => state = Sql::Line,
                b'/' if byte(i + 1) == b'*' => {
                    state = Sql::Comment { depth: 1, from: i };
                    i += 1;
                }
                b'$' if !word(byte(i - 1)) => {
                    if let Some(tag) = dollar_tag(text, i) {
                        state = Sql::Dollar { tag, from: i };
                        i += tag.len() - 1;
                    }
                }
                b'{' => depth += 1,
                b'}' if depth == 0 => return (i + 1, SqlEnd::Closed),
                b'}' => depth -= 1,
                _ => {}
            },
            Sql::Until { quote, escapes, .. } => {
                if b == b'\\' && escapes && byte(i + 1) != b'\n' {
                    i += 1;
                } else if b == quote {
                    state = Sql::Plain;
                    // A doubled quote stays inside; an escaping text keeps escaping after it.
                    if byte(i + 1) == quote {
                        state = Sql::Until { quote, escapes, from: i };
                        i += 1;
                    }
                }
            }
            Sql::Line => {}
            Sql::Comment { depth, from } => match (b, byte(i + 1)) {
                (b'/', b'*') => {
                    state = Sql::Comment { depth: depth + 1, from };
                    i += 1;
                }
                (b'*', b'/') => {
                    state = if depth == 1 { Sql::Plain } else { Sql::Comment { depth: depth - 1, from } };
                    i += 1;
                }
                _ => {}
            },
            Sql::Dollar { tag, .. } => {
                if b == b'$' && text.get(i..).is_some_and(|t| t.starts_with(tag)) {
                    i += tag.len() - 1;
                    state = Sql::Plain;
                }
            }
        }
        i += 1;
    }
    (text.len(), cut_off(state))
}

fn cut_off(state: Sql<'_>) -> SqlEnd {
    match state {
        Sql::Plain | Sql::Line => SqlEnd::Open,
        Sql::Until { quote: b'\'', from, .. } => SqlEnd::InText(from, "'"),
        Sql::Until { from, .. } => SqlEnd::InText(from, "\""),
        Sql::Comment { from, .. } => SqlEnd::InText(from, "/*"),
        Sql::Dollar { from, .. } => SqlEnd::InText(from, "$"),
    }
}

/// `$$` or `$tag$` at `at`; `$name` alone is a run parameter.
fn dollar_tag(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let mut after = rest.get(1..)?;
    take_name(&mut after);
    let len = rest.len() - after.len();
    after.starts_with('$').then(|| rest.get(..len + 1)).flatten()
}

/// Tells the escapes without meaning in the closed text at `start..end`.
fn escapes(text: &str, start: usize, end: usize, errors: &mut Errors) {
    unescape(text.get(start..end).unwrap_or(""), |from, to| {
        let written = text.get(start + from..start + to).unwrap_or("");
        errors.push(
            Code::BadEscape,
            start + from..start + to,
            &format!("`{written}` is not an escape"),
            "means nothing in a quoted text",
            Some(
                "the escapes are `\\\"`, `\\\\`, `\\n`, `\\t`, `\\r` and `\\u{…}`; a backslash is `\\\\`"
                    .into(),
            ),
        );
    });
}

/// The value of a text written with its quotes; `bad` hears of each escape without meaning (as byte
/// positions in `written`), which stays in the value as it stands.
pub(super) fn unescape(written: &str, mut bad: impl FnMut(usize, usize)) -> String {
    let mut value = String::with_capacity(written.len());
    let mut chars = written.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                Some((i, 'u')) if written.get(i + 1..).is_some_and(|r| r.starts_with('{')) => {
                    // At most six digits are looked at, so a long run costs nothing twice.
                    let hex: String = written.get(i + 2..).unwrap_or("").chars().take(7).collect();
                    let code = hex.split_once('}').and_then(|(h, _)| {
                        let ok = !h.is_empty() && h.bytes().all(|b| b.is_ascii_hexdigit());
                        let c =
                            ok.then(|| u32::from_str_radix(h, 16).ok()).flatten().and_then(char::from_u32);
                        c.map(|c| (c, h.len()))
                    });
                    match code {
                        Some((c, len)) => {
                            value.push(c);
                            for _ in 0..len + 2 {
                                chars.next();
                            }
                        }
                        None => {
                            bad(at, i + 2);
                            value.push_str("\\u");
                        }
                    }
                }
                Some((i, c)) => {
                    bad(at, i + c.len_utf8());
                    value.push('\\');
                    value.push(c);
                }
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    value
}
