//! The looks of the workbook. Each format is made once; cells only refer to it.

use crate::load::Action;
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

/// Colours, as RGB.
pub(super) mod color {
    pub(in super::super) const INK: u32 = 0x1F2937;
    pub(in super::super) const MUTED: u32 = 0x6B7280;
    pub(in super::super) const LINE: u32 = 0xD1D5DB;
    pub(in super::super) const HEADER: u32 = 0x334155;
    pub(in super::super) const PALE: u32 = 0xF1F5F9;
    pub(in super::super) const GREEN: u32 = 0x15803D;
    pub(in super::super) const BLUE: u32 = 0x1D4ED8;
    pub(in super::super) const AMBER: u32 = 0xB45309;
    pub(in super::super) const RED: u32 = 0xB91C1C;
    pub(in super::super) const VIOLET: u32 = 0x6D28D9;
    pub(in super::super) const GREEN_FILL: u32 = 0xDCFCE7;
    pub(in super::super) const BLUE_FILL: u32 = 0xDBEAFE;
    pub(in super::super) const GREY_FILL: u32 = 0xE5E7EB;
    pub(in super::super) const AMBER_FILL: u32 = 0xFEF3C7;
    pub(in super::super) const RED_FILL: u32 = 0xFEE2E2;
    pub(in super::super) const VIOLET_FILL: u32 = 0xEDE9FE;
}

/// What a cell means, as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Muted,
    Created,
    Updated,
    Unchanged,
    Skipped,
    Errored,
    Waiting,
    Warning,
}

impl Tone {
    const ALL: [Tone; 9] = [
        Tone::Plain,
        Tone::Muted,
        Tone::Created,
        Tone::Updated,
        Tone::Unchanged,
        Tone::Skipped,
        Tone::Errored,
        Tone::Waiting,
        Tone::Warning,
    ];

    /// The tone of a row's status.
    pub(super) fn of(action: Action) -> Self {
        match action {
            Action::Create => Tone::Created,
            Action::Update | Action::Unarchive | Action::UnarchiveAndUpdate => Tone::Updated,
            Action::Unchanged => Tone::Unchanged,
            Action::Skip => Tone::Skipped,
            Action::Error => Tone::Errored,
            Action::Unprocessed => Tone::Waiting,
        }
    }

    /// Text and background.
    pub(super) fn colors(self) -> (u32, Option<u32>) {
        match self {
            Tone::Plain => (color::INK, None),
            Tone::Muted => (color::MUTED, None),
            Tone::Created => (color::GREEN, Some(color::GREEN_FILL)),
            Tone::Updated => (color::BLUE, Some(color::BLUE_FILL)),
            Tone::Unchanged => (color::MUTED, Some(color::GREY_FILL)),
            Tone::Skipped | Tone::Warning => (color::AMBER, Some(color::AMBER_FILL)),
            Tone::Errored => (color::RED, Some(color::RED_FILL)),
            Tone::Waiting => (color::VIOLET, Some(color::VIOLET_FILL)),
        }
    }

    pub(super) fn format(self) -> Format {
        let (text, fill) = self.colors();
        let format = Format::new().set_font_color(Color::RGB(text)).set_align(FormatAlign::Top);
        match fill {
            Some(fill) => format
                .set_background_color(Color::RGB(fill))
                .set_border(FormatBorder::Hair)
                .set_border_color(Color::RGB(color::LINE)),
            None => format,
        }
    }
}

/// How a cell's content is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Print {
    Text,
    /// A text of several lines, each on its own.
    Lines,
    Integer,
    Decimal,
    Date,
    Datetime,
    Boolean,
}

impl Print {
    const ALL: [Print; 7] = [
        Print::Text,
        Print::Lines,
        Print::Integer,
        Print::Decimal,
        Print::Date,
        Print::Datetime,
        Print::Boolean,
    ];

    fn apply(self, format: Format) -> Format {
        match self {
            Print::Text => format,
            Print::Lines => format.set_text_wrap(),
            Print::Integer => format.set_num_format("0_)"),
            Print::Decimal => format.set_num_format("0.0###########_)"),
            Print::Date => format.set_num_format("yyyy-mm-dd").set_align(FormatAlign::Left),
            Print::Datetime => {
                format.set_num_format("yyyy-mm-dd hh:mm:ss \"UTC\"").set_align(FormatAlign::Left)
            }
            // Excel shows booleans as words whatever the format; others need to be told.
            Print::Boolean => {
                format.set_num_format("\"TRUE\";\"TRUE\";\"FALSE\"").set_align(FormatAlign::Left)
            }
        }
    }
}

/// Every format of the data tabs.
pub(super) struct Styles {
    cells: Vec<Format>,
    pub(super) header: Format,
    pub(super) side_header: Format,
}

impl Styles {
    pub(super) fn new() -> Self {
        let header = Format::new()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(color::HEADER))
            .set_align(FormatAlign::VerticalCenter)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(Color::RGB(color::INK));
        Self {
            cells: Tone::ALL
                .iter()
                .flat_map(|tone| Print::ALL.iter().map(|print| print.apply(tone.format())))
                .collect(),
            side_header: header.clone().set_background_color(Color::RGB(color::MUTED)),
            header,
        }
    }

    /// The format of a data cell.
    pub(super) fn cell(&self, tone: Tone, print: Print) -> &Format {
        // Both enums list their variants in order, so the product always has this place.
        self.cells.get(tone as usize * Print::ALL.len() + print as usize).unwrap_or(&self.header)
    }
}
