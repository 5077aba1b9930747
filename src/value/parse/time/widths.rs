//! Fields of a pattern that nothing parts in the text, such as `%Y%m%d`: which digit belongs to which is
//! known only if all of them are there. The reader of patterns would take fewer, and blanks between.

use jiff::fmt::strtime::BrokenDownTime;

enum Item {
    /// As many digits.
    Digits(usize),
    Blank,
    Other,
}

/// Whether each digit of a text that the pattern read can belong to one field only.
pub(super) fn certain(pattern: &str, text: &str) -> bool {
    let mut rest = pattern;
    // Where fields follow each other, how many, and their digits.
    let mut run: Option<(usize, usize, usize)> = None;
    let (mut number, mut parted, mut blanks) = (false, false, 0usize);
    loop {
        let at = pattern.len() - rest.len();
        let next = item(rest);
        if let Some((_, Item::Digits(width))) = next {
            blanks += usize::from(parted);
            let (start, fields, digits) = run.unwrap_or((at, 0, 0));
            run = Some((start, fields + 1, digits + width));
        } else if let Some((start, fields, digits)) = run.take()
            && fields > 1
            && !has_digits(pattern, start, text, digits)
        {
            return false;
        }
        let Some((length, item)) = next else { break };
        parted = matches!(item, Item::Blank) && (number || parted);
        number = matches!(item, Item::Digits(_));
        rest = rest.get(length..).unwrap_or_default();
    }
    // A blank of the pattern may be none in the text.
    blanks == 0 || text.split_ascii_whitespace().count() > blanks
}

/// The first item of a pattern, and its length.
fn item(pattern: &str) -> Option<(usize, Item)> {
    let first = pattern.chars().next()?;
    if first != '%' {
        let item = match first {
            '0'..='9' => Item::Digits(1),
            ' ' | '\t' => Item::Blank,
            _ => Item::Other,
        };
        return Some((first.len_utf8(), item));
    }
    let after = pattern.get(1..)?;
    let flags = after.len() - after.trim_start_matches(|c: char| !c.is_ascii_alphabetic() && c != '%').len();
    let usual = match after.get(flags..).and_then(|rest| rest.chars().next()) {
        Some('Y' | 'G') => 4,
        Some('j') => 3,
        Some('d' | 'm' | 'y' | 'g' | 'H' | 'I' | 'M' | 'S' | 'U' | 'V' | 'W') => 2,
        Some('u' | 'w') => 1,
        _ => return Some(((flags + 2).min(pattern.len()), Item::Other)),
    };
    let item = match after.get(..flags) {
        Some("") => Item::Digits(usual),
        Some(width) => width.parse().map_or(Item::Other, |width: usize| Item::Digits(width.max(usual))),
        None => Item::Other,
    };
    Some((flags + 2, item))
}

/// Whether so many digits stand in the text where the pattern has got to `at`.
fn has_digits(pattern: &str, at: usize, text: &str, digits: usize) -> bool {
    let before = pattern.get(..at).unwrap_or_default();
    let Some(from) = BrokenDownTime::parse_prefix(before, text).ok().map(|(_, end)| end) else {
        return false;
    };
    let run = text.as_bytes().get(from..from.saturating_add(digits));
    run.is_some_and(|run| run.iter().all(u8::is_ascii_digit))
}
