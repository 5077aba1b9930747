//! Texts as dates, numbers and booleans, read as variables are; none where the text is not one.

use super::Row;
use crate::value::{BaseType, Format, FormatError, Rules, Value};
use jiff::tz::TimeZone;

/// A format as a text in SQL has it: one of the words that the type knows, or what stands in quotes
/// after `format`.
pub(super) fn format(base: BaseType, text: &str) -> Result<Format, FormatError> {
    Format::parse(base, text, !Format::words(base).contains(&text))
}

/// Reads the rows of one call. The formats of the last row are kept ready, as they are most often the
/// same on all.
pub(super) struct Reader {
    base: BaseType,
    formats: Vec<String>,
    rules: Option<Rules>,
}

impl Reader {
    pub(super) fn new(base: BaseType) -> Self {
        Self { base, formats: Vec::new(), rules: Some(Rules::new(base, Vec::new(), TimeZone::UTC)) }
    }

    /// The first text of a row, read by the first of the others that is a format and fits; where there
    /// are no others, by the type's own rules.
    pub(super) fn read(&mut self, row: Row) -> Option<Value> {
        let (text, formats) = row.split_first()?;
        let formats = || formats.iter().map(|f| f.unwrap_or_default());
        if !formats().eq(self.formats.iter().map(String::as_str)) {
            self.formats = formats().map(str::to_owned).collect();
            let known: Vec<Format> = formats().filter_map(|f| format(self.base, f).ok()).collect();
            self.rules = (!known.is_empty()).then(|| Rules::new(self.base, known, TimeZone::UTC));
        }
        self.rules.as_ref()?.read((*text)?)
    }
}
