//! The lists of the tab `Summary`: reasons, rows that could not be read, scopes, input, notices, times.

use super::draw::{head_left, head_right, lines, muted, ruled};
use super::{Done, FIRST, LAST, Page};
use crate::report::summary::{ReasonKind, Summary};
use crate::report::terminal::{kind_words, time_words};
use crate::report::words::{code_words, count_of};
use crate::report::workbook::ReportInput;
use crate::report::workbook::styles::{Tone, color};
use rust_xlsxwriter::{Color, FormatAlign};

const REJECTED: usize = 1_000;
const REASONS: usize = 100;

impl Page<'_> {
    pub(super) fn reasons(&mut self, summary: &Summary) -> Done {
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

    pub(super) fn rejected(&mut self, input: &ReportInput<'_>) -> Done {
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

    pub(super) fn scopes(&mut self, summary: &Summary) -> Done {
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

    pub(super) fn inputs(&mut self, summary: &Summary) -> Done {
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

    pub(super) fn notices(&mut self, summary: &Summary) -> Done {
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

    pub(super) fn stages(&mut self, summary: &Summary) -> Done {
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
}
