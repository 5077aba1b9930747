//! What the tab `Summary` is drawn with.

use super::{Done, FIRST, LAST, Page};
use crate::report::words::{columns_of, count_of};
use crate::report::workbook::cells;
use crate::report::workbook::styles::color;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

impl Page<'_> {
    pub(super) fn section(&mut self, title: &str) -> Done {
        self.row += 1;
        self.height(22.0)?;
        let format = plain()
            .set_bold()
            .set_font_size(13)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(Color::RGB(color::HEADER));
        self.wide(title, &format)
    }

    pub(super) fn more(&mut self, count: u64, one: &str) -> Done {
        if count > 0 {
            self.wide(&format!("and {} more", count_of(count, one)), &muted().set_italic())?;
        }
        Ok(())
    }

    /// A text over the whole width, and the row ends.
    pub(super) fn wide(&mut self, text: &str, format: &Format) -> Done {
        self.merged(FIRST, LAST, text, format)?;
        self.row += 1;
        Ok(())
    }

    pub(super) fn merged(&mut self, from: u16, to: u16, text: &str, format: &Format) -> Done {
        self.sheet.merge_range(self.row, from, self.row, to, "", format)?;
        self.text(from, text, format)
    }

    pub(super) fn text(&mut self, column: u16, text: &str, format: &Format) -> Done {
        match cells::text(text) {
            cells::Content::Text(text) => {
                self.sheet.write_string_with_format(self.row, column, text, format)?
            }
            _ => self.sheet.write_blank(self.row, column, format)?,
        };
        Ok(())
    }

    pub(super) fn height(&mut self, points: f64) -> Done {
        // Excel takes no more than 409.
        self.sheet.set_row_height(self.row, points.min(400.0))?;
        Ok(())
    }
}

pub(super) fn plain() -> Format {
    Format::new().set_font_color(Color::RGB(color::INK)).set_align(FormatAlign::VerticalCenter)
}

pub(super) fn muted() -> Format {
    plain().set_font_color(Color::RGB(color::MUTED))
}

pub(super) fn ruled() -> Format {
    plain().set_border_bottom(FormatBorder::Hair).set_border_bottom_color(Color::RGB(color::LINE))
}

pub(super) fn head_left() -> Format {
    plain()
        .set_bold()
        .set_font_size(10)
        .set_font_color(Color::RGB(color::MUTED))
        .set_background_color(Color::RGB(color::PALE))
        .set_border_bottom(FormatBorder::Thin)
        .set_border_bottom_color(Color::RGB(color::LINE))
}

pub(super) fn head_right() -> Format {
    head_left().set_align(FormatAlign::Right)
}

/// How many lines a text takes in so many characters.
pub(super) fn lines(text: &str, width: usize) -> f64 {
    text.split('\n').map(|l| columns_of(l).div_ceil(width).max(1)).sum::<usize>() as f64
}
