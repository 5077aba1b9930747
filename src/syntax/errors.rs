//! What could not be read, in the user's words.

use super::tree::SyntaxError;
use crate::diagnostic::Code;
use crate::text::Range;

/// More than anybody reads; hostile text must not make a million messages.
const MOST: usize = 100;

/// The errors of one file as they are found.
#[derive(Default)]
pub(super) struct Errors {
    found: Vec<SyntaxError>,
    /// The first one that found no room, and how many there are.
    more: Option<(Range, usize)>,
}

impl Errors {
    pub fn push(
        &mut self,
        code: Code,
        range: std::ops::Range<usize>,
        message: &str,
        label: &str,
        help: Option<String>,
    ) {
        let range = Range::new(range.start, range.end);
        if self.full() {
            self.more.get_or_insert((range, 0)).1 += 1;
        } else {
            let (message, label) = (message.to_owned(), label.to_owned());
            self.found.push(SyntaxError { code, range, message, label, help });
        }
    }

    /// Whether any more are only counted.
    pub fn full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// The errors in the order of the file.
    pub fn sorted(mut self) -> Vec<SyntaxError> {
        if let Some((range, more)) = self.more {
            self.found.push(SyntaxError {
                code: Code::UnexpectedText,
                range,
                message: format!("{more} more things cannot be read"),
                label: "the first of them".to_owned(),
                help: Some("mend the others first".to_owned()),
            });
        }
        self.found.sort_by_key(|e| (e.range.start, e.range.end, e.code));
        self.found
    }
}

/// Text as it is quoted in a message: its first line, cut where it is long.
pub(super) fn quote(text: &str) -> String {
    let line = text.lines().next().unwrap_or("").trim_end();
    let mut short: String = line.chars().take(40).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    format!("`{short}`")
}

/// The word of `words` that was probably meant.
pub(super) fn meant<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    // The distance takes time and memory by the word's length.
    if word.len() > 64 { None } else { crate::diagnostic::nearest(word, words.iter().copied()) }
}
