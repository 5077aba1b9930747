//! The tab `Summary`: what happened, for somebody who reads nothing else.

use super::cells;
use super::styles::{Tone, color};
use super::{Book, ReportInput};
use crate::report::ReportError;
use crate::report::summary::{ReasonKind, RunMode, RunState, StatusCounts, Summary};
use crate::report::terminal::{kind_words, sentence, time_words};
use crate::report::words::{code_words, columns_of, count_of};
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

/// The first column is a margin; names, then numbers.
const WIDTHS: [f64; 14] = [2.0, 24.0, 18.0, 18.0, 9.0, 9.0, 9.0, 11.0, 11.0, 9.0, 9.0, 14.0, 10.0, 2.0];
const FIRST: u16 = 1;
const LAST: u16 = 12;
const REJECTED: usize = 1_000;
const REASONS: usize = 100;

pub(super) fn write(book: &mut Book<'_>, input: &ReportInput<'_>) -> Result<(), ReportError> {
    let name = book.names.give("Summary", 1);
    let sheet = book.workbook.add_worksheet();
    let result = Page { sheet, row: 0 }.all(&name, input);
    result.map_err(|e| book.failed(e))
}

struct Page<'a> {
    sheet: &'a mut Worksheet,
    row: u32,
}

type Done = Result<(), XlsxError>;

impl Page<'_> {
    fn all(mut self, name: &str, input: &ReportInput<'_>) -> Done {
        let summary = input.summary;
        self.sheet.set_name(name)?;
        for (column, width) in WIDTHS.iter().enumerate() {
            self.sheet.set_column_width(column as u16, *width)?;
        }
        self.sheet
            .set_screen_gridlines(false)
            .set_landscape()
            .set_paper_size(9)
            .set_print_fit_to_pages(1, 0)
            .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
            .set_footer("&L&8&K6B7280&F&R&8&K6B7280&P / &N")
            .set_tab_color(Color::RGB(color::INK));
        self.heading(summary)?;
        self.facts(summary)?;
        self.steps(summary)?;
        self.reasons(summary)?;
        self.rejected(input)?;
        self.scopes(summary)?;
        self.inputs(summary)?;
        self.notices(summary)?;
        self.stages(summary)?;
        self.sheet.set_print_area(0, 0, self.row, LAST)?;
        Ok(())
    }

    fn heading(&mut self, summary: &Summary) -> Done {
        let title = plain().set_font_size(20).set_bold();
        self.height(30.0)?;
        self.wide(&summary.label, &title)?;
        let (fill, mode) = match (summary.state, summary.mode) {
            (RunState::Failed, _) => (color::RED, summary.mode),
            (RunState::Cancelled, _) => (color::VIOLET, summary.mode),
            (_, RunMode::Dry) => (color::BLUE, summary.mode),
            (RunState::CompletedWithErrors, RunMode::Live) => (color::AMBER, summary.mode),
            (RunState::Completed, RunMode::Live) => (color::GREEN, summary.mode),
        };
        let words = match mode {
            RunMode::Dry => format!("DRY RUN: nothing was written   ·   {}", summary.state.words()),
            RunMode::Live => format!("LIVE RUN   ·   {}", summary.state.words()),
        };
        let band = Format::new()
            .set_bold()
            .set_font_size(12)
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(fill))
            .set_align(FormatAlign::VerticalCenter)
            .set_indent(1);
        self.height(26.0)?;
        self.wide(&words, &band)?;
        self.row += 1;
        self.height(22.0)?;
        self.wide(&sentence(summary), &plain().set_font_size(13))?;
        if let Some(failure) = &summary.failure {
            let (text, fill) = Tone::Errored.colors();
            let mut boxed = plain().set_bold().set_font_color(Color::RGB(text)).set_indent(1).set_text_wrap();
            if let Some(fill) = fill {
                boxed = boxed.set_background_color(Color::RGB(fill));
            }
            let told = format!("The run failed: {failure}");
            self.height(lines(&told, 120) * 16.0 + 6.0)?;
            self.wide(&told, &boxed)?;
        }
        Ok(())
    }

    fn facts(&mut self, summary: &Summary) -> Done {
        self.row += 1;
        let took = summary.seconds().map(|s| format!("   ({})", time_words(s))).unwrap_or_default();
        let facts = [
            ("Target", format!("{}   {}", summary.target.kind, summary.target.place)),
            ("Started", time(&summary.started)),
            ("Ended", format!("{}{took}", time(&summary.ended))),
            ("Connector", summary.connector.clone()),
            ("Execution", summary.execution.clone()),
        ];
        for (name, value) in facts {
            self.text(FIRST, name, &muted())?;
            self.merged(FIRST + 1, LAST, &value, &plain())?;
            self.row += 1;
        }
        Ok(())
    }

    fn steps(&mut self, summary: &Summary) -> Done {
        if summary.steps.is_empty() {
            return Ok(());
        }
        self.section("Load steps")?;
        let mut heads = vec!["Step", "Object", "Scope", "Rows"];
        heads.extend([
            "Created",
            "Updated",
            "Unchanged",
            "Unarchived",
            "Skipped",
            "Errored",
            "Not processed",
        ]);
        heads.push("Warnings");
        for (column, head) in heads.iter().enumerate() {
            self.text(FIRST + column as u16, head, &if column < 3 { head_left() } else { head_right() })?;
        }
        self.row += 1;
        for step in &summary.steps {
            for (column, text) in [&step.name, &step.object, &step.scope].into_iter().enumerate() {
                self.text(FIRST + column as u16, text, &ruled())?;
            }
            self.counts(step.rows, &step.counts, step.warnings, &ruled())?;
        }
        if summary.steps.len() > 1 {
            let total = ruled()
                .set_bold()
                .set_border_top(FormatBorder::Thin)
                .set_border_top_color(Color::RGB(color::INK))
                .set_background_color(Color::RGB(color::PALE));
            for (column, text) in ["Total", "", ""].into_iter().enumerate() {
                self.text(FIRST + column as u16, text, &total)?;
            }
            let rows = summary.steps.iter().map(|s| s.rows).sum();
            let warnings = summary.steps.iter().map(|s| s.warnings).sum();
            self.counts(rows, &summary.totals(), warnings, &total)?;
        }
        Ok(())
    }

    /// The numbers of one step, each in the colour of its status; zeros stay in the background.
    fn counts(&mut self, rows: u64, counts: &StatusCounts, warnings: u64, format: &Format) -> Done {
        let tones = [
            Tone::Created,
            Tone::Updated,
            Tone::Unchanged,
            Tone::Updated,
            Tone::Skipped,
            Tone::Errored,
            Tone::Waiting,
        ];
        let mut cells = vec![(rows, Tone::Plain)];
        cells.extend(counts.all().iter().zip(tones).map(|((_, count), tone)| (*count, tone)));
        cells.push((warnings, Tone::Warning));
        for (column, (count, tone)) in cells.into_iter().enumerate() {
            let (text, fill) = if count == 0 && column > 0 { (color::LINE, None) } else { tone.colors() };
            let mut format = format.clone().set_num_format("#,##0").set_font_color(Color::RGB(text));
            if let Some(fill) = fill {
                format = format.set_background_color(Color::RGB(fill));
            }
            let column = FIRST + 3 + column as u16;
            self.sheet.write_number_with_format(self.row, column, count as f64, &format)?;
        }
        self.row += 1;
        Ok(())
    }

    fn reasons(&mut self, summary: &Summary) -> Done {
        let reasons = summary.reasons();
        for (kind, tone) in [
            (ReasonKind::Error, Tone::Errored),
            (ReasonKind::Skipped, Tone::Skipped),
            (ReasonKind::Warning, Tone::Warning),
        ] {
            let of_kind: Vec<_> = reasons.iter().filter(|(_, r)| r.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            self.section(kind_words(kind))?;
            self.text(FIRST, "Step", &head_left())?;
            self.merged(FIRST + 1, FIRST + 2, "What", &head_left())?;
            self.text(FIRST + 3, "Count", &head_right())?;
            self.merged(
                FIRST + 4,
                FIRST + 5,
                "For example",
                &head_left().set_align(FormatAlign::Left).set_indent(1),
            )?;
            self.merged(FIRST + 6, LAST, "", &head_left())?;
            self.row += 1;
            let cell = ruled().set_text_wrap().set_align(FormatAlign::Top);
            let place_cell = cell
                .clone()
                .set_font_color(Color::RGB(color::MUTED))
                .set_align(FormatAlign::Left)
                .set_indent(1);
            let (text, _) = tone.colors();
            let number = cell.clone().set_bold().set_num_format("#,##0").set_font_color(Color::RGB(text));
            for (step, r) in of_kind.iter().take(REASONS) {
                let name = if r.name.is_empty() { String::new() } else { format!("{}: ", r.name) };
                let what = format!("{name}{}", code_words(&r.code));
                let place = if r.example.source.is_empty() {
                    format!("row {}", r.example.row)
                } else {
                    r.example.source.clone()
                };
                let tallest = lines(&what, 34)
                    .max(lines(&r.example.message, 68))
                    .max(lines(&place, 19))
                    .max(lines(step, 22));
                self.height(tallest * 15.0 + 3.0)?;
                self.text(FIRST, step, &cell)?;
                self.merged(FIRST + 1, FIRST + 2, &what, &cell)?;
                self.sheet.write_number_with_format(self.row, FIRST + 3, r.count as f64, &number)?;
                self.merged(FIRST + 4, FIRST + 5, &place, &place_cell)?;
                self.merged(FIRST + 6, LAST, &r.example.message, &cell)?;
                self.row += 1;
            }
            self.more(of_kind.len().saturating_sub(REASONS) as u64, "reason")?;
        }
        Ok(())
    }

    fn rejected(&mut self, input: &ReportInput<'_>) -> Done {
        let count = input.summary.rejected.count.max(input.rejected.len() as u64);
        if count == 0 {
            return Ok(());
        }
        self.section(&format!("{} of the input could not be read", count_of(count, "row")))?;
        self.merged(FIRST, FIRST + 1, "File", &head_left())?;
        self.text(FIRST + 2, "Line", &head_right())?;
        self.merged(FIRST + 3, LAST, "Reason", &head_left().set_align(FormatAlign::Left).set_indent(1))?;
        self.row += 1;
        let cell = ruled().set_text_wrap().set_align(FormatAlign::Top);
        for r in input.rejected.iter().take(REJECTED) {
            self.height(lines(&r.reason, 85).max(lines(&r.file, 38)) * 15.0 + 3.0)?;
            self.merged(FIRST, FIRST + 1, &r.file, &cell)?;
            self.sheet.write_number_with_format(self.row, FIRST + 2, r.line as f64, &cell)?;
            self.merged(
                FIRST + 3,
                LAST,
                &r.reason,
                &cell.clone().set_align(FormatAlign::Left).set_indent(1),
            )?;
            self.row += 1;
        }
        self.more(count.saturating_sub(input.rejected.len().min(REJECTED) as u64), "row")?;
        if let Some(path) = input.summary.artefacts.get("rejected") {
            self.wide(&format!("Every one of them, with its text: {path}"), &muted().set_italic())?;
        }
        Ok(())
    }

    fn scopes(&mut self, summary: &Summary) -> Done {
        if summary.scopes.is_empty() {
            return Ok(());
        }
        self.section("Scopes: what the SQL made")?;
        self.merged(FIRST, FIRST + 1, "Scope", &head_left())?;
        self.text(FIRST + 2, "Rows", &head_right())?;
        self.merged(FIRST + 3, FIRST + 5, "Values with problems", &head_right())?;
        self.merged(FIRST + 6, LAST, "", &head_left())?;
        self.row += 1;
        let number = ruled().set_num_format("#,##0");
        for scope in &summary.scopes {
            self.merged(FIRST, FIRST + 1, &scope.name, &ruled())?;
            self.sheet.write_number_with_format(self.row, FIRST + 2, scope.rows as f64, &number)?;
            self.merged(FIRST + 3, FIRST + 5, "", &number)?;
            if !scope.errors_scope {
                let (text, _) = if scope.problems > 0 { Tone::Warning } else { Tone::Plain }.colors();
                let number = number.clone().set_font_color(Color::RGB(text));
                self.sheet.write_number_with_format(self.row, FIRST + 3, scope.problems as f64, &number)?;
            }
            let note = if scope.errors_scope { "for people: not loaded" } else { "" };
            self.merged(
                FIRST + 6,
                LAST,
                note,
                &ruled().set_font_color(Color::RGB(color::MUTED)).set_align(FormatAlign::Left).set_indent(1),
            )?;
            self.row += 1;
        }
        Ok(())
    }

    fn inputs(&mut self, summary: &Summary) -> Done {
        if summary.inputs.is_empty() {
            return Ok(());
        }
        self.section("Input")?;
        self.merged(FIRST, FIRST + 1, "File", &head_left())?;
        self.text(FIRST + 2, "Table", &head_left())?;
        self.text(FIRST + 3, "Rows", &head_right())?;
        self.merged(FIRST + 4, LAST, "SHA-256", &head_left().set_align(FormatAlign::Left).set_indent(1))?;
        self.row += 1;
        for i in &summary.inputs {
            self.merged(FIRST, FIRST + 1, &i.file, &ruled())?;
            self.text(FIRST + 2, &i.table, &ruled())?;
            let number = ruled().set_num_format("#,##0");
            self.sheet.write_number_with_format(self.row, FIRST + 3, i.rows as f64, &number)?;
            let hash =
                ruled().set_font_name("Consolas").set_font_size(9).set_font_color(Color::RGB(color::MUTED));
            self.merged(FIRST + 4, LAST, &i.sha256, &hash.set_align(FormatAlign::Left).set_indent(1))?;
            self.row += 1;
        }
        Ok(())
    }

    fn notices(&mut self, summary: &Summary) -> Done {
        if summary.notices.is_empty() {
            return Ok(());
        }
        self.section("Worth knowing")?;
        for notice in &summary.notices {
            self.height(lines(notice, 125) * 15.0 + 3.0)?;
            self.wide(notice, &ruled().set_text_wrap().set_align(FormatAlign::Top))?;
        }
        Ok(())
    }

    fn stages(&mut self, summary: &Summary) -> Done {
        if summary.stages.is_empty() {
            return Ok(());
        }
        self.section("Time")?;
        for stage in &summary.stages {
            self.merged(FIRST, FIRST + 1, &stage.name, &ruled())?;
            self.text(FIRST + 2, &time_words(stage.seconds), &ruled().set_align(FormatAlign::Right))?;
            self.row += 1;
        }
        Ok(())
    }

    fn section(&mut self, title: &str) -> Done {
        self.row += 1;
        self.height(22.0)?;
        let format = plain()
            .set_bold()
            .set_font_size(13)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(Color::RGB(color::HEADER));
        self.wide(title, &format)
    }

    fn more(&mut self, count: u64, one: &str) -> Done {
        if count > 0 {
            self.wide(&format!("and {} more", count_of(count, one)), &muted().set_italic())?;
        }
        Ok(())
    }

    /// A text over the whole width, and the row ends.
    fn wide(&mut self, text: &str, format: &Format) -> Done {
        self.merged(FIRST, LAST, text, format)?;
        self.row += 1;
        Ok(())
    }

    fn merged(&mut self, from: u16, to: u16, text: &str, format: &Format) -> Done {
        self.sheet.merge_range(self.row, from, self.row, to, "", format)?;
        self.text(from, text, format)
    }

    fn text(&mut self, column: u16, text: &str, format: &Format) -> Done {
        match cells::text(text) {
            cells::Content::Text(text) => {
                self.sheet.write_string_with_format(self.row, column, text, format)?
            }
            _ => self.sheet.write_blank(self.row, column, format)?,
        };
        Ok(())
    }

    fn height(&mut self, points: f64) -> Done {
        // Excel takes no more than 409.
        self.sheet.set_row_height(self.row, points.min(400.0))?;
        Ok(())
    }
}

fn plain() -> Format {
    Format::new().set_font_color(Color::RGB(color::INK)).set_align(FormatAlign::VerticalCenter)
}

fn muted() -> Format {
    plain().set_font_color(Color::RGB(color::MUTED))
}

fn ruled() -> Format {
    plain().set_border_bottom(FormatBorder::Hair).set_border_bottom_color(Color::RGB(color::LINE))
}

fn head_left() -> Format {
    plain()
        .set_bold()
        .set_font_size(10)
        .set_font_color(Color::RGB(color::MUTED))
        .set_background_color(Color::RGB(color::PALE))
        .set_border_bottom(FormatBorder::Thin)
        .set_border_bottom_color(Color::RGB(color::LINE))
}

fn head_right() -> Format {
    head_left().set_align(FormatAlign::Right)
}

/// How many lines a text takes in so many characters.
fn lines(text: &str, width: usize) -> f64 {
    text.split('\n').map(|l| columns_of(l).div_ceil(width).max(1)).sum::<usize>() as f64
}

/// `2026-03-04 10:00:00 UTC` of an RFC 3339 time; as it is where it cannot be read.
fn time(text: &str) -> String {
    text.parse::<jiff::Timestamp>()
        .map_or_else(|_| text.to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
