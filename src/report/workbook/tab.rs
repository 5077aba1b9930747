//! One table over as many sheets as it takes.

use super::Book;
use super::cells::Content;
use super::styles::{Print, Tone};
use crate::report::ReportError;
use crate::report::words::columns_of;
use rust_xlsxwriter::Worksheet;
use std::collections::HashSet;

const MAX_COLUMNS: usize = 16_384;
const MEASURED_ROWS: u32 = 100;
/// The height of a line, in points.
const LINE: f64 = 15.0;
const WIDTHS: std::ops::RangeInclusive<usize> = 8..=60;

/// Gives sheet names that Excel takes: at most 31 characters, none of `[]:*?/\`, unique whatever
/// the case.
#[derive(Default)]
pub(in crate::report) struct TabNames {
    taken: HashSet<String>,
}

impl TabNames {
    /// A name as near to `wanted` as can be; `part` counts the sheets of one table, from 1.
    pub(in crate::report) fn give(&mut self, wanted: &str, part: u32) -> String {
        let clean: String = wanted
            .chars()
            .map(|c| {
                if matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\') || c.is_control() { '_' } else { c }
            })
            .collect();
        let clean = clean.trim_matches('\'').trim();
        let clean = if clean.is_empty() { "Sheet" } else { clean };
        let part = if part > 1 { format!(" ({part})") } else { String::new() };
        for attempt in 1u32.. {
            let end = if attempt > 1 { format!("~{attempt}{part}") } else { part.clone() };
            let name = format!("{}{end}", cut(clean, 31 - end.chars().count().min(30)));
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
        }
        unreachable!("there are more numbers than sheets")
    }
}

/// The first characters of a text, up to `units` UTF-16 units, which is how Excel counts.
fn cut(text: &str, units: usize) -> &str {
    let mut used = 0;
    let end = text
        .char_indices()
        .find(|(_, c)| {
            used += c.len_utf16();
            used > units
        })
        .map_or(text.len(), |(at, _)| at);
    text[..end].trim_end_matches('\'')
}

/// A column's heading.
pub(super) struct Header {
    pub(super) text: String,
    /// Ours rather than the data's.
    pub(super) side: bool,
}

impl Header {
    pub(super) fn data(text: &str) -> Self {
        Self { text: text.to_owned(), side: false }
    }

    pub(super) fn side(text: &str) -> Self {
        Self { text: text.to_owned(), side: true }
    }
}

/// A table in the making.
pub(super) struct Tab {
    name: String,
    headers: Vec<Header>,
    /// Columns that stay in sight.
    frozen: u16,
    color: u32,
    widths: Vec<usize>,
    /// How many columns have cells.
    filled: usize,
    sheet: Worksheet,
    /// The sheets so far.
    part: u32,
    /// Data rows of this sheet.
    rows: u32,
}

impl Tab {
    /// Starts a table.
    pub(super) fn begin(
        book: &mut Book<'_>,
        name: &str,
        mut headers: Vec<Header>,
        frozen: u16,
        color: u32,
    ) -> Result<Self, ReportError> {
        let mut filled = headers.len();
        if headers.len() > MAX_COLUMNS {
            filled = MAX_COLUMNS - 1;
            let more = headers.len() - (MAX_COLUMNS - 1);
            headers.truncate(MAX_COLUMNS - 1);
            headers.push(Header::side(&format!("… {more} more columns (see sql-output.zip)")));
        }
        let widths = headers.iter().map(|h| columns_of(&h.text) + 3).collect();
        let sheet = Self::sheet(book, name, 1, &headers)?;
        Ok(Self { name: name.to_owned(), headers, frozen, color, widths, filled, sheet, part: 1, rows: 0 })
    }

    /// Adds a row; cells beyond the headings are left out.
    pub(super) fn row(&mut self, book: &mut Book<'_>, cells: &[(Content, Tone)]) -> Result<(), ReportError> {
        if self.rows == book.limit {
            let next = Self::sheet(book, &self.name, self.part + 1, &self.headers)?;
            let full = std::mem::replace(&mut self.sheet, next);
            self.close(book, full)?;
            self.part += 1;
            self.rows = 0;
        }
        self.rows += 1;
        // Excel makes such a row high enough by itself, others do not.
        let lines = cells.iter().take(self.filled).map(|(content, _)| content.lines()).max().unwrap_or(1);
        if lines > 1 {
            self.sheet.set_row_height(self.rows, LINE * lines as f64).map_err(|e| book.failed(e))?;
        }
        let measured = self.part == 1 && self.rows <= MEASURED_ROWS;
        for (column, ((content, tone), width)) in
            cells.iter().take(self.filled).zip(&mut self.widths).enumerate()
        {
            if measured {
                *width = (*width).max(content.width() + 2);
            }
            write(&mut self.sheet, self.rows, column as u16, content, *tone, &book.styles)
                .map_err(|e| book.failed(e))?;
        }
        Ok(())
    }

    /// Ends the table.
    pub(super) fn finish(mut self, book: &mut Book<'_>) -> Result<(), ReportError> {
        let last = std::mem::take(&mut self.sheet);
        self.close(book, last)
    }

    fn sheet(
        book: &mut Book<'_>,
        name: &str,
        part: u32,
        headers: &[Header],
    ) -> Result<Worksheet, ReportError> {
        let name = book.names.give(name, part);
        let made = book.workbook.new_worksheet_with_constant_memory();
        let mut sheet = made.map_err(|e| book.failed(e))?;
        sheet.set_name(&name).map_err(|e| book.failed(e))?;
        sheet.set_row_height(0, 20).map_err(|e| book.failed(e))?;
        for (column, header) in headers.iter().enumerate() {
            let format = if header.side { &book.styles.side_header } else { &book.styles.header };
            let text = match super::cells::text(header.text.as_str()) {
                Content::Text(text) => text,
                _ => String::new(),
            };
            sheet.write_string_with_format(0, column as u16, text, format).map_err(|e| book.failed(e))?;
        }
        Ok(sheet)
    }

    fn close(&self, book: &mut Book<'_>, mut sheet: Worksheet) -> Result<(), ReportError> {
        for (column, width) in self.widths.iter().enumerate() {
            let width = (*width).clamp(*WIDTHS.start(), *WIDTHS.end());
            sheet.set_column_width(column as u16, width as f64).map_err(|e| book.failed(e))?;
        }
        sheet.set_freeze_panes(1, self.frozen).map_err(|e| book.failed(e))?;
        if let Some(last) = self.headers.len().checked_sub(1) {
            sheet.autofilter(0, 0, self.rows, last as u16).map_err(|e| book.failed(e))?;
            // Long texts run over the table's edge; the paper ends where the table does.
            sheet.set_print_area(0, 0, self.rows, last as u16).map_err(|e| book.failed(e))?;
        }
        sheet
            .set_tab_color(rust_xlsxwriter::Color::RGB(self.color))
            .set_landscape()
            .set_print_fit_to_pages(1, 0)
            .set_footer("&L&A&R&P / &N");
        sheet.set_repeat_rows(0, 0).map_err(|e| book.failed(e))?;
        book.workbook.push_worksheet(sheet);
        Ok(())
    }
}

/// Writes one cell. Text is always written as text, whatever it looks like.
fn write(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    content: &Content,
    tone: Tone,
    styles: &super::Styles,
) -> Result<(), rust_xlsxwriter::XlsxError> {
    let format = styles.cell(tone, content.print());
    match content {
        Content::Blank if tone.colors().1.is_none() => return Ok(()),
        Content::Blank => sheet.write_blank(row, column, styles.cell(tone, Print::Text))?,
        Content::Text(text) => sheet.write_string_with_format(row, column, text, format)?,
        Content::Number(number, _) => sheet.write_number_with_format(row, column, *number, format)?,
        Content::Boolean(boolean) => sheet.write_boolean_with_format(row, column, *boolean, format)?,
        Content::Time(time, _) => sheet.write_datetime_with_format(row, column, time, format)?,
    };
    Ok(())
}
