//! True and false.

use super::Miss;

const TRUE: [&str; 7] = ["true", "yes", "1", "on", "t", "y", "checked"];
const FALSE: [&str; 7] = ["false", "no", "0", "off", "f", "n", "unchecked"];

/// Any of the pairs that are known without a format, case ignored.
pub(super) fn auto(text: &str) -> Result<bool, Miss> {
    if TRUE.iter().any(|t| t.eq_ignore_ascii_case(text)) {
        return Ok(true);
    }
    if FALSE.iter().any(|t| t.eq_ignore_ascii_case(text)) {
        return Ok(false);
    }
    Err(Miss::Shape)
}

/// One declared pair, case ignored.
pub(super) fn pair(text: &str, yes: &str, no: &str) -> Result<bool, Miss> {
    if same(text, yes) {
        Ok(true)
    } else if same(text, no) {
        Ok(false)
    } else {
        Err(Miss::Shape)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}
