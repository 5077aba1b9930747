//! One text as several.

use super::Miss;
use crate::value::Split;

/// Calls `each` with every part of the text, trimmed; parts that are empty are left out.
pub(in crate::value) fn parts<'a>(
    text: &'a str,
    split: Option<Split>,
    mut each: impl FnMut(&'a str) -> Result<(), Miss>,
) -> Result<(), Miss> {
    let mut part = |text: &'a str| if text.trim().is_empty() { Ok(()) } else { each(text.trim()) };
    let (open, close) = match split {
        None => return part(text),
        Some(Split::At(mark)) => return text.split(mark).try_for_each(part),
        Some(Split::Braces) => ('{', '}'),
        Some(Split::Brackets) => ('[', ']'),
    };
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (inner, after) = rest.strip_prefix(open).and_then(|r| r.split_once(close)).ok_or(Miss::Shape)?;
        if inner.contains(open) {
            return Err(Miss::Shape);
        }
        part(inner)?;
        rest = after.trim_start();
    }
    Ok(())
}
