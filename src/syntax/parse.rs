//! The way through a file: tokens, braces, items.

use super::errors::{Errors, meant, quote};
use super::reader::Reader;
use super::scan::{ITEM_KEYWORDS, Kind, Token, scan};
use super::split::{Entry, Holds, Span, split};
use super::tree::{Item, Tree};
use super::{braces, opens};
use crate::diagnostic::Code;

/// How other languages start what ours starts otherwise.
const HABITS: &[(&str, &str)] = &[
    ("import", "use"),
    ("include", "use"),
    ("require", "use"),
    ("function", "fn"),
    ("func", "fn"),
    ("def", "fn"),
    ("macro", "fn"),
    ("parameter", "param"),
    ("variable", "param"),
    ("var", "param"),
    ("schema", "object"),
    ("entity", "object"),
    ("query", "view"),
    ("output", "scope"),
    ("step", "load"),
    ("pipeline", "connector"),
    ("job", "connector"),
];

/// Reads a file. There is always a tree: broken items appear as far as they could be read, and all
/// that could not be read is in [`Tree::errors`], in the order of the file (the first hundred).
/// Text of 4 GiB and more, which ranges cannot count, is cut there.
pub fn parse(text: &str) -> Tree {
    let mut most = text.len().min(u32::MAX as usize);
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let text = text.get(..most).unwrap_or("");
    let mut errors = Errors::default();
    let tokens = opens::insert(text, scan(text, &mut errors), &mut errors);
    let braces = braces::pair(text, &tokens, &mut errors);
    let all = Span { from: 0, to: tokens.len() };
    let mut items = Vec::new();
    let mut junk = false;
    for entry in split(text, &tokens, &braces, all, Holds::Items) {
        let Some(first) = tokens.get(entry.head.from).filter(|_| entry.head.from < entry.head.to) else {
            if !junk {
                lonely_block(&tokens, &entry, &mut errors);
            }
            junk = true;
            continue;
        };
        let next = tokens.get(entry.head.from + 1).filter(|_| entry.head.from + 1 < entry.head.to);
        let keyword = keyword(text, first, next, &entry, junk, &mut errors);
        // Lines of junk on end are told once.
        junk = keyword.is_none() && entry.block.is_none();
        let Some(keyword) = keyword else { continue };
        let mut reader = Reader {
            text,
            tokens: &tokens,
            braces: &braces,
            errors: &mut errors,
            base: first.start,
            told: false,
        };
        if let Some(kind) = reader.item(keyword, &entry) {
            let range = reader.range(first.start, entry.end);
            items.push(Item { offset: first.start as u32, kind, doc: doc(text, first), range });
        }
    }
    Tree { items, errors: errors.sorted() }
}

/// The item keyword that the entry starts with or, told, the one it was meant to start with.
fn keyword(
    text: &str,
    first: &Token,
    next: Option<&Token>,
    entry: &Entry,
    after_junk: bool,
    errors: &mut Errors,
) -> Option<&'static str> {
    let word = first.text(text);
    let native = |next: Option<&Token>| next.is_some_and(|t| t.is(text, "fn"));
    if first.kind == Kind::Name
        && let Some(known) = ITEM_KEYWORDS.iter().copied().find(|k| *k == word)
        && (known != "native" || native(next))
    {
        return Some(known);
    }
    if after_junk || errors.full() {
        return None;
    }
    let head_end = text.get(first.start..entry.end).map_or(first.end, |t| {
        first.start + t.find(['\n', '{']).map_or(t.len(), |i| t.get(..i).unwrap_or("").trim_end().len())
    });
    let (message, label, help);
    let mut near = None;
    if word == "native" {
        message = "`native` stands before `fn`".to_owned();
        label = "expected `fn` after this word".to_owned();
        help = "write `native fn NAME(a: string): string`".to_owned();
    } else if ["source", "test", "limits"].contains(&word) {
        message = format!("`{word}` items are not known to this version");
        label = "cannot be read yet".to_owned();
        help = "remove this item".to_owned();
    } else {
        let habit = HABITS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
        near = habit.or_else(|| meant(word, ITEM_KEYWORDS)).filter(|k| *k != "native").filter(|k| {
            let file = *k == "use" && next.is_some_and(|t| matches!(t.kind, Kind::Quoted(_)));
            first.kind == Kind::Name && (file || next.is_some_and(|t| t.kind == Kind::Name))
        });
        message = format!("no item starts with {}", quote(word));
        label = "expected an item here".to_owned();
        help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "items start with `connector`, `use`, `param`, `input`, `view`, `scope`, `load`, `object`, \
                     `type` or `fn`"
                    .to_owned()
            }
        };
    }
    let range = if near.is_some() || entry.block.is_some() {
        first.start..first.end
    } else {
        first.start..head_end.max(first.end)
    };
    errors.push(Code::UnknownItem, range, &message, &label, Some(help));
    near
}

fn lonely_block(tokens: &[Token], entry: &Entry, errors: &mut Errors) {
    let Some(open) = entry.block.and_then(|(i, _)| tokens.get(i)) else { return };
    errors.push(
        Code::UnexpectedText,
        open.start..open.start + 1,
        "this block belongs to no item",
        "expected an item here",
        Some("write what it is before the `{`, for example `scope NAME {`".into()),
    );
}

/// The `##` lines directly above the item that starts with `first`.
fn doc(text: &str, first: &Token) -> Option<String> {
    if !first.first {
        return None;
    }
    let mut above = text.get(..first.start - first.indent)?;
    let mut lines = Vec::new();
    while let Some(rest) = above.strip_suffix('\n') {
        let start = rest.rfind('\n').map_or(0, |i| i + 1);
        let line = rest.get(start..)?.trim();
        let Some(words) =
            line.trim_start_matches('\u{FEFF}').strip_prefix("##").filter(|w| !w.starts_with('#'))
        else {
            break;
        };
        lines.push(words.strip_prefix(' ').unwrap_or(words));
        above = rest.get(..start)?;
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
