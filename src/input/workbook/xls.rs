//! Old workbooks (`.xls`) before they are opened. The reader keeps them whole in memory, and takes as
//! much as they claim: it is given a copy that claims nothing, if that is small enough.

use super::biff::{self, Fault};
use super::{Seen, cfb, damaged, encrypted};
use crate::input::errors::InputError;
use crate::input::{Limits, Notice};
use std::path::Path;

/// Checks an old workbook and writes the copy to read it from.
///
/// # Errors
/// Encryption; an old workbook with a new one's name; one that is damaged or needs too much memory.
pub(in crate::input) fn check(
    path: &Path,
    shown: &str,
    ending: &str,
    copy: &Path,
    limits: &Limits,
    notices: &mut Vec<Notice>,
) -> Result<(), InputError> {
    let too_large = || {
        let cause = format!("it needs more than {} bytes of memory (xls_memory)", limits.xls_memory);
        InputError::limit(shown, cause).with_hint("save it as .xlsx, which is read row by row")
    };
    let size = path.metadata().map_err(|e| InputError::io(path, e))?.len();
    if size.saturating_mul(2) > limits.xls_memory {
        return Err(too_large());
    }
    let mut bytes = std::fs::read(path).map_err(|e| InputError::io(path, e))?;
    // How new workbooks with a password are kept.
    let wanted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if super::zipped::holds(&bytes, &wanted) {
        return Err(encrypted(shown));
    }
    if ending != "xls" {
        return Err(InputError::refused(
            shown,
            format!("this is an old workbook (.xls), not a .{ending} file"),
        )
        .with_hint("give it the ending .xls, or save it as .xlsx"));
    }
    let pieces = cfb::stream(&bytes, &["Workbook", "Book"])
        .ok_or_else(|| damaged(shown, "its list of contents is not whole"))?;
    let mut stream: Vec<u8> = pieces.iter().filter_map(|p| bytes.get(p.clone())).flatten().copied().collect();
    let mut seen = Seen::default();
    biff::tame(&mut stream, limits.xls_memory, &mut seen).map_err(|fault| match fault {
        Fault::Damaged(cause) => damaged(shown, cause),
        Fault::Encrypted => encrypted(shown),
        Fault::TooLarge => too_large(),
        Fault::LongText(row) => {
            InputError::refused(shown, "a formula's text is longer than can be read from an old workbook")
                .at_line(row)
                .with_hint("save the file as .xlsx")
        }
    })?;
    let mut rest = stream.as_slice();
    for piece in pieces {
        if let (Some(to), Some((from, left))) =
            (bytes.get_mut(piece.clone()), rest.split_at_checked(piece.len()))
        {
            to.copy_from_slice(from);
            rest = left;
        }
    }
    std::fs::write(copy, bytes).map_err(|e| InputError::io(copy, e))?;
    seen.tell(shown, notices);
    Ok(())
}
