//! Escapes in quoted texts.

use super::errors::Errors;
use crate::diagnostic::Code;

/// Tells the escapes without meaning in the closed text at `start..end`.
pub(super) fn escapes(text: &str, start: usize, end: usize, errors: &mut Errors) {
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
