//! Renderings of diagnostics: with the source for a terminal, one line each, JSON.

mod full;

pub use full::full;

use super::{Diagnostic, Label, Severity};
use crate::text::{FileId, LineColumn, LineIndex};
use serde::Serialize;
use std::collections::HashMap;

/// Where the renderers get the sources from.
pub trait Sources {
    /// The file's path, as people should see it.
    fn name(&self, file: FileId) -> String;
    /// The file's text; empty where it could not be read.
    fn text(&self, file: FileId) -> &str;
}

/// How [`full`] draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// With ANSI colours.
    pub color: bool,
    /// With line-drawing characters; otherwise ASCII.
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
}

/// One line each: `path:line:col: error[SC0202]: message (help)`, then the closing line. The spans
/// are counted from the start of their files.
pub fn concise(diagnostics: &[Diagnostic], sources: &dyn Sources) -> String {
    let mut places = Places::new(sources);
    let mut out = String::new();
    for d in sorted(diagnostics) {
        if let Some(first) = d.labels.first() {
            let at = places.at(first.span.file, first.span.range.start);
            out.push_str(&format!("{}:{}:{}: ", places.name(first.span.file), at.line, at.column));
        }
        out.push_str(&format!("{}[{}]: {}", word(d.severity), d.code, line(&d.message)));
        if let Some(help) = &d.help {
            out.push_str(&format!(" ({})", line(help)));
        }
        out.push('\n');
    }
    out.push_str(&closing(diagnostics));
    out
}

/// A JSON list of `{code, severity, message, help, labels: [{file, start, end, text}]}`, where a
/// place is `{line, column, offset}`: line and column in characters from 1, offset in bytes from 0.
/// The first label is the place of the finding. It ends with a line break.
pub fn json(diagnostics: &[Diagnostic], sources: &dyn Sources) -> String {
    let mut places = Places::new(sources);
    let all: Vec<_> = sorted(diagnostics)
        .into_iter()
        .map(|d| JsonDiagnostic {
            code: d.code.id(),
            severity: d.severity,
            message: &d.message,
            help: d.help.as_deref(),
            labels: d.labels.iter().map(|l| places.label(l)).collect(),
        })
        .collect();
    // Plain data: serialising it cannot fail.
    let mut out = serde_json::to_string_pretty(&all).unwrap_or_else(|_| "[]".to_owned());
    out.push('\n');
    out
}

/// `2 errors, 1 warning` and a line break; nothing where there is nothing.
pub fn closing(diagnostics: &[Diagnostic]) -> String {
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Notice]
        .into_iter()
        .map(|s| (word(s), diagnostics.iter().filter(|d| d.severity == s).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if counts.is_empty() { String::new() } else { format!("{}\n", counts.join(", ")) }
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    help: Option<&'a str>,
    labels: Vec<JsonLabel<'a>>,
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    file: String,
    start: JsonPlace,
    end: JsonPlace,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonPlace {
    line: u32,
    column: u32,
    offset: u32,
}

/// Lines and columns; a file's index is made once.
struct Places<'s> {
    sources: &'s dyn Sources,
    indexes: HashMap<FileId, LineIndex>,
}

impl<'s> Places<'s> {
    fn new(sources: &'s dyn Sources) -> Self {
        Self { sources, indexes: HashMap::new() }
    }

    fn name(&self, file: FileId) -> String {
        line(&self.sources.name(file))
    }

    fn at(&mut self, file: FileId, offset: u32) -> LineColumn {
        let text = self.sources.text(file);
        self.indexes.entry(file).or_insert_with(|| LineIndex::new(text)).line_column(text, offset)
    }

    fn place(&mut self, file: FileId, offset: u32) -> JsonPlace {
        let LineColumn { line, column } = self.at(file, offset);
        JsonPlace { line, column, offset }
    }

    fn label<'a>(&mut self, label: &'a Label) -> JsonLabel<'a> {
        let (file, range) = (label.span.file, label.span.range);
        JsonLabel {
            file: self.sources.name(file),
            start: self.place(file, range.start),
            end: self.place(file, range.end),
            text: &label.text,
        }
    }
}

/// By file and place; at one place the heavier first.
fn sorted(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut all: Vec<&Diagnostic> = diagnostics.iter().collect();
    all.sort_by_key(|d| {
        let place = d.labels.first().map(|l| (l.span.file, l.span.range.start));
        (place, std::cmp::Reverse(d.severity), d.code)
    });
    all
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    }
}

/// The text on one line, with control characters made harmless: it may quote the source, and the
/// source must not steer the terminal.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(harmless).collect()
}

/// Control characters and those that turn the direction of text, replaced by one of the same
/// length in UTF-8, so that spans stay true.
fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() && c.len_utf8() == 1 => '?',
        c if c.is_control() => '¿',
        c => c,
    }
}

#[cfg(test)]
mod tests;
