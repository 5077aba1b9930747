//! The rendering with the source, drawn by miette.

use super::{Look, Sources, closing, harmless, line, sorted, word};
use crate::diagnostic::{Diagnostic, Severity};
use crate::text::FileId;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use std::fmt;

/// Each finding with its code, message, the places in the source and the help; then the closing
/// line. The spans are counted from the start of their files.
pub fn full(diagnostics: &[Diagnostic], sources: &dyn Sources, look: Look) -> String {
    let theme = GraphicalTheme {
        characters: if look.unicode { ThemeCharacters::unicode() } else { ThemeCharacters::ascii() },
        styles: if look.color { ThemeStyles::ansi() } else { ThemeStyles::none() },
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width.max(40))
        .with_urls(false)
        .without_syntax_highlighting()
        .with_context_lines(1);
    let mut out = String::new();
    for diagnostic in sorted(diagnostics) {
        let shown = Shown::new(diagnostic, sources);
        let mut text = String::new();
        if handler.render_report(&mut text, &shown).is_err() {
            // A span that no text has; what is wrong is told all the same.
            text = format!("{}[{}]\n\n  {}\n", word(diagnostic.severity), diagnostic.code, shown.message);
        }
        for drawn in text.lines() {
            out.push_str(drawn.trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    out.push_str(&closing(diagnostics));
    out
}

/// A file that a finding points into. miette knows one text and draws its snippets in the text's
/// order; the files stand in it one after the other, each from `base`. The finding's own place is to
/// be drawn first: what a label points at further up in the same file stands in a second copy.
struct File {
    id: FileId,
    name: String,
    text: String,
    base: usize,
    /// Where labels in this copy start at the earliest.
    from: usize,
}

/// A finding as miette takes it.
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    message: String,
    help: Option<String>,
    files: Vec<File>,
}

/// How many lines above the finding's place another label is drawn in one snippet with it.
const NEAR: usize = 3;

impl File {
    fn holds(&self, id: FileId, start: usize) -> bool {
        self.id == id && self.from <= start
    }
}

impl<'a> Shown<'a> {
    fn new(diagnostic: &'a Diagnostic, sources: &dyn Sources) -> Self {
        let mut files: Vec<File> = Vec::new();
        for label in &diagnostic.labels {
            let (id, start) = (label.span.file, label.span.range.start as usize);
            if files.iter().any(|f| f.holds(id, start)) {
                continue;
            }
            // One byte apart, so that the end of one file is not the start of the next.
            let base = files.last().map_or(0, |f| f.base + f.text.len() + 1);
            let text: String = sources.text(id).chars().map(harmless).collect();
            // What stands just above is drawn in one snippet with the place.
            let from = if files.is_empty() { line_start(&text, boundary(&text, start), NEAR) } else { 0 };
            files.push(File { id, name: line(&sources.name(id)), text, base, from });
        }
        Self {
            diagnostic,
            message: line(&diagnostic.message),
            help: diagnostic.help.as_ref().map(|h| h.chars().map(harmless).collect()),
            files,
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.diagnostic.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{}[{}]", word(self.diagnostic.severity), self.diagnostic.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Notice => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.diagnostic.labels.iter().enumerate().filter_map(|(number, label)| {
            let at = label.span.range.start as usize;
            let file = self.files.iter().find(|f| f.holds(label.span.file, at))?;
            let start = boundary(&file.text, label.span.range.start as usize);
            let end = boundary(&file.text, label.span.range.end as usize).max(start);
            let text = (!label.text.is_empty()).then(|| line(&label.text));
            let span = SourceSpan::new((file.base + start).into(), end - start);
            Some(if number == 0 {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            })
        })))
    }
}

/// The nearest place at or before `offset` that is between two characters of the text.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

impl SourceCode for Shown<'_> {
    /// The lines around a span of one file. A span over two files is refused, which keeps their
    /// snippets apart.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self
            .files
            .iter()
            .find(|f| f.base <= span.offset() && span.offset() + span.len() <= f.base + f.text.len())
            .ok_or(MietteError::OutOfBounds)?;
        let text = file.text.as_str();
        let (start, end) = (span.offset() - file.base, span.offset() - file.base + span.len());
        // Without context, what is asked for is the place of the span itself.
        let from = if lines_before == 0 { start } else { line_start(text, start, lines_before) };
        let to = line_end(text, end, lines_after);
        let snippet = text.get(from..to).ok_or(MietteError::OutOfBounds)?;
        let before = text.get(..from).ok_or(MietteError::OutOfBounds)?;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            file.name.clone(),
            snippet.as_bytes(),
            SourceSpan::new((file.base + from).into(), to - from),
            before.matches('\n').count(),
            column,
            snippet.matches('\n').count(),
        )))
    }
}

/// Where the line starts that stands `lines` above the one of `offset`.
fn line_start(text: &str, offset: usize, lines: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.rmatch_indices('\n').nth(lines).map_or(0, |(at, _)| at + 1)
}

/// Where the line ends, with its line break, that stands `lines` below the one of `offset`.
fn line_end(text: &str, offset: usize, lines: usize) -> usize {
    // A span that ends with a line break ends on that line, not on the next.
    let offset =
        if offset > 0 && text.as_bytes().get(offset - 1) == Some(&b'\n') { offset - 1 } else { offset };
    let after = text.get(offset..).unwrap_or_default();
    after.match_indices('\n').nth(lines).map_or(text.len(), |(at, _)| offset + at + 1)
}
