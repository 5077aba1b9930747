//! Where a row came from, and the name that a header has in SQL: what input, SQL and report agree on.

use serde::{Deserialize, Serialize};

/// Where a row came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceRef {
    /// Index into the execution's list of input parts (a file, or a sheet of one).
    pub part: u32,
    /// Line of a text file, row of a sheet; from 1.
    pub line: u64,
}

impl SourceRef {
    const LINE_BITS: u32 = 40;

    /// Packs it into the number that travels through SQL: part in the upper 24 bits.
    pub fn pack(self) -> i64 {
        ((u64::from(self.part) << Self::LINE_BITS) | (self.line & Self::LINES)) as i64
    }

    /// Undoes [`Self::pack`].
    pub fn unpack(packed: i64) -> Self {
        let packed = packed as u64;
        Self { part: (packed >> Self::LINE_BITS) as u32, line: packed & Self::LINES }
    }

    const LINES: u64 = (1 << Self::LINE_BITS) - 1;
}

/// A header as a SQL name: trimmed, what is not a letter a to z, a digit or `_` becomes `_`, in lower
/// case, with a `_` before a leading digit; empty text stays empty.
pub fn sql_name(header: &str) -> String {
    let mut name: String = header
        .trim()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_packing() {
        for (part, line) in [(0, 1), (1, 0), (9, (1 << 40) - 1), ((1 << 24) - 1, 7)] {
            let place = SourceRef { part, line };
            assert_eq!(SourceRef::unpack(place.pack()), place);
        }
        let (first, later) = (SourceRef { part: 0, line: 99 }, SourceRef { part: 1, line: 1 });
        assert!(first.pack() < later.pack(), "rows are ordered by their packed place");
    }

    #[test]
    fn headers_become_names() {
        for (header, name) in
            [(" Unit Price ", "unit_price"), ("2nd", "_2nd"), ("Größe", "gr__e"), ("  ", ""), ("a_B", "a_b")]
        {
            assert_eq!(sql_name(header), name);
        }
    }
}
