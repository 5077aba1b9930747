//! The texts that the cells of an old workbook share.

use crate::input::workbook::cfb::{u16_at, u32_at};

/// The list of shared texts, which lies in one record and those that go on with it.
pub(super) struct Texts<'a> {
    pieces: Vec<&'a [u8]>,
    at: usize,
}

impl<'a> Texts<'a> {
    /// The content of the record, and of those that go on with it.
    pub(super) fn of(pieces: Vec<&'a [u8]>) -> Self {
        Self { pieces, at: 0 }
    }

    /// The most bytes that each text can have as UTF-8; none where the list is not whole.
    pub(super) fn sizes(mut self) -> Option<Vec<u32>> {
        self.pieces.reverse();
        let mut all = Vec::new();
        while !self.rest().is_empty() || self.next_piece() {
            if self.rest().is_empty() {
                // A piece without anything counts as a text without any for the reader.
                all.push(0);
                continue;
            }
            let units = u32::from(u16_at(self.rest(), 0)?);
            let flags = *self.rest().get(2)?;
            self.at += 3;
            let mut behind = 0;
            if flags & 8 != 0 {
                behind += 4 * usize::from(u16_at(self.rest(), 0)?);
                self.at += 2;
            }
            if flags & 4 != 0 {
                behind = behind.checked_add(u32_at(self.rest(), 0)? as usize)?;
                self.at += 4;
            }
            all.push(self.units(units, flags & 1 != 0)?);
            self.skip(behind)?;
        }
        Some(all)
    }

    /// Passes over a text's characters; each piece says anew whether they have two bytes.
    fn units(&mut self, mut left: u32, mut wide: bool) -> Option<u32> {
        let mut bytes = 0u32;
        loop {
            let width = if wide { 2 } else { 1 };
            let here = left.min((self.rest().len() / width) as u32);
            bytes += here * if wide { 3 } else { 2 };
            self.at += here as usize * width;
            left -= here;
            if left == 0 {
                return Some(bytes);
            }
            if !self.next_piece() {
                return None;
            }
            wide = self.rest().first()? & 1 != 0;
            self.at += 1;
        }
    }

    fn skip(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            if self.rest().is_empty() && !self.next_piece() {
                return None;
            }
            let here = left.min(self.rest().len());
            self.at += here;
            left -= here;
        }
        Some(())
    }

    fn rest(&self) -> &[u8] {
        self.pieces.last().and_then(|p| p.get(self.at..)).unwrap_or_default()
    }

    fn next_piece(&mut self) -> bool {
        self.pieces.pop();
        self.at = 0;
        !self.pieces.is_empty()
    }
}
