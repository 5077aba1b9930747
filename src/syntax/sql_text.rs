//! Where the SQL between braces ends, and where it begins when the brace was forgotten.

use super::scan::{item_starts, take_name};

/// The types that a variable may have by a name of the language.
const TYPES: &[&str] = &["string", "number", "boolean", "date", "datetime", "email", "phone_number", "uuid"];

/// Whether a line starts with `name: type`, which no SQL does: the SQL above it was not closed.
fn variable_starts(line: &str) -> bool {
    let mut rest = line.split('\n').next().unwrap_or("").trim_start();
    if take_name(&mut rest).is_none() {
        return false;
    }
    let Some(mut rest) = rest.trim_start().strip_prefix(':').map(str::trim_start) else { return false };
    take_name(&mut rest).is_some_and(|word| TYPES.contains(&word))
}

/// Where `SELECT` (or `WITH name AS`) starts in what follows the word `sql`, with at most `=` or `:`
/// between.
pub(super) fn select_follows(rest: &str) -> Option<usize> {
    let query = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let query = query.strip_prefix(['=', ':']).unwrap_or(query);
    let query = query.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let at = rest.len() - query.len();
    let mut words = query.get(..query.len().min(200)).unwrap_or("").split_whitespace();
    let first = words.next()?;
    let with =
        first.eq_ignore_ascii_case("with") && words.nth(1).is_some_and(|w| w.eq_ignore_ascii_case("as"));
    let blank = at > 0 && rest.as_bytes().get(at - 1).is_some_and(u8::is_ascii);
    (blank && (with || first.eq_ignore_ascii_case("select"))).then_some(at)
}

/// How a SQL block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SqlEnd {
    /// With its `}`.
    Closed,
    /// A text, quoted name or comment was open: where, and how it opens.
    InText(usize, &'static str),
    /// Without a `}`.
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
pub(super) fn sql_end(text: &str, from: usize) -> (usize, SqlEnd) {
    let bytes = text.as_bytes();
    let byte = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
    let mut state = Sql::Plain;
    let mut depth = 0usize;
    let mut i = from;
    while i < bytes.len() {
        let b = byte(i);
        if b == b'\n' {
            let next = text.get(i + 1..).unwrap_or("");
            if item_starts(next) || (matches!(state, Sql::Plain) && variable_starts(next)) {
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
