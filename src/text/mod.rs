//! Where things stand in source text: files, byte ranges, lines and columns.
//!
//! A [`Span`] is relative to an *anchor*: the item that it was read in, or the whole file. Items
//! keep their own spans when text above them grows, which is what lets the checker skip them.

use serde::{Deserialize, Serialize};

/// A source file, as its position in the list of files that were loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// Whether a character takes no room on a page and means nothing in a source: zero-width spaces and joiners, soft
/// hyphens, marks of direction. Copied from a page or a mail they come along unseen.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
}

/// Its message: which one it is.
pub fn invisible_words(c: char) -> String {
    format!("an invisible character stands here: U+{:04X}", u32::from(c))
}

/// What to do about one.
pub const DELETE_INVISIBLE: &str =
    "delete it; where the cursor cannot find it, delete the text around it, too, and type that anew";

/// A byte range inside one item's (or one file's) text: `start` included, `end` not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Range {
    /// The range from `start` up to, not including, `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The same range, `by` bytes further on.
    pub fn shift(self, by: u32) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }

    /// The smallest range that covers both.
    pub fn to(self, other: Range) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// What a [`Span`] is counted from: an item of the file, by a stable key, or the file's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Anchor(pub u64);

impl Anchor {
    /// Counted from the first byte of the file.
    pub const FILE: Anchor = Anchor(0);
}

/// A place in the sources: a file, an anchor in it, and a range counted from that anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// What `range` is counted from.
    pub anchor: Anchor,
    /// The bytes meant.
    pub range: Range,
}

impl Span {
    /// A span counted from the start of `file`.
    pub fn in_file(file: FileId, range: Range) -> Self {
        Self { file, anchor: Anchor::FILE, range }
    }
}

/// Byte offsets of line starts, to turn offsets into lines and columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

/// A line and a column, both counted from 1; the column counts characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl LineIndex {
    /// Reads the line starts of `text`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        Self { starts }
    }

    /// The line and column of a byte offset; offsets past the end give the end.
    pub fn line_column(&self, text: &str, offset: u32) -> LineColumn {
        let offset = offset.min(text.len() as u32);
        let line = self.starts.partition_point(|s| *s <= offset).max(1) - 1;
        let start = self.starts[line] as usize;
        let mut end = offset as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let column = text[start..end.max(start)].chars().count() as u32 + 1;
        LineColumn { line: line as u32 + 1, column }
    }

    /// The byte offset of a line (from 1) and a character column (from 1); clamped to the text.
    pub fn offset(&self, text: &str, at: LineColumn) -> u32 {
        let line = (at.line.max(1) as usize - 1).min(self.starts.len() - 1);
        let start = self.starts[line] as usize;
        let end = self.starts.get(line + 1).map_or(text.len(), |e| *e as usize);
        let column = at.column.max(1) as usize - 1;
        text[start..end].char_indices().nth(column).map_or(end, |(i, _)| start + i) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_and_go_back() {
        let text = "aé\nb";
        let index = LineIndex::new(text);
        let at = index.line_column(text, 3);
        assert_eq!((at.line, at.column), (1, 3));
        assert_eq!(index.offset(text, at), 3);
        let at = index.line_column(text, 4);
        assert_eq!((at.line, at.column), (2, 1));
        assert_eq!(index.offset(text, LineColumn { line: 9, column: 9 }), 5);
    }
}
