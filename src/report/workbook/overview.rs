//! The tab `Summary`: what happened, for somebody who reads nothing else.

mod draw;
mod lists;

use super::styles::{Tone, color};
use super::{Book, ReportInput};
use crate::report::ReportError;
use crate::report::summary::{RunMode, RunState, StatusCounts, Summary};
use crate::report::terminal::{sentence, time_words};
use draw::{head_left, head_right, lines, muted, plain, ruled};
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

/// The first column is a margin; names, then numbers.
const WIDTHS: [f64; 14] = [2.0, 24.0, 18.0, 18.0, 9.0, 9.0, 9.0, 11.0, 11.0, 9.0, 9.0, 14.0, 10.0, 2.0];
const FIRST: u16 = 1;
const LAST: u16 = 12;

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
}

/// `2026-03-04 10:00:00 UTC` of an RFC 3339 time; as it is where it cannot be read.
fn time(text: &str) -> String {
    text.parse::<jiff::Timestamp>()
        .map_or_else(|_| text.to_owned(), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
