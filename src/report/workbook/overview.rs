//! The tab `Summary`.

use super::{Book, ReportInput};
use crate::report::ReportError;

pub(super) fn write(book: &mut Book<'_>, input: &ReportInput<'_>) -> Result<(), ReportError> {
    let name = book.names.give("Summary", 1);
    let sheet = book.workbook.add_worksheet();
    let _ = sheet.set_name(&name).map(|s| s.write_string(0, 0, &input.summary.label));
    Ok(())
}
