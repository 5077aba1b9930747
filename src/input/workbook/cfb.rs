//! The old container of Office files: where in the file a stream lies.

use std::ops::Range;

/// Sector numbers from here on are marks, not sectors.
const MARKS: u32 = 0xFFFF_FFFA;
const SECTORS_IN_HEADER: usize = 109;
const MINI_SECTOR: usize = 64;

/// The pieces of the file that are the first stream with one of these names, in order; none where there
/// is no such stream or the container is damaged.
pub(super) fn stream(bytes: &[u8], names: &[&str]) -> Option<Vec<Range<usize>>> {
    let shift = u16_at(bytes, 30)?;
    let file = Container {
        bytes,
        sector: 1usize.checked_shl(u32::from(shift)).filter(|s| (128..=4096).contains(s))?,
    };
    let fat = file.fat()?;
    let directory = file.gather(&file.chain(&fat, u32_at(bytes, 48)?)?);
    let entries: Vec<&[u8]> = directory.chunks_exact(128).collect();
    let root = entries.iter().find(|e| e.get(66) == Some(&5))?;
    let entry = names.iter().find_map(|n| entries.iter().find(|e| name(e).as_deref() == Some(*n)))?;
    let (start, size) = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
    let pieces = if size >= u32_at(bytes, 56)? as usize {
        file.chain(&fat, start)?
    } else {
        let minis = file.numbers(&file.chain(&fat, u32_at(bytes, 60)?)?);
        let within = file.chain(&fat, u32_at(root, 116)?)?;
        let mut pieces = Vec::new();
        for mini in links(&minis, start)? {
            let at = mini as usize * MINI_SECTOR;
            let sector = within.get(at / file.sector)?;
            let from = sector.start + at % file.sector;
            pieces.push(from..from + MINI_SECTOR);
        }
        pieces
    };
    cut(pieces, size, bytes.len())
}

struct Container<'a> {
    bytes: &'a [u8],
    sector: usize,
}

impl Container<'_> {
    fn sector(&self, n: u32) -> Option<Range<usize>> {
        let start = (n as usize).checked_add(1)?.checked_mul(self.sector)?;
        (start < self.bytes.len()).then(|| start..(start + self.sector).min(self.bytes.len()))
    }

    /// For each sector, which one follows it.
    fn fat(&self) -> Option<Vec<u32>> {
        let mut sectors: Vec<u32> =
            (0..SECTORS_IN_HEADER).filter_map(|i| u32_at(self.bytes, 76 + 4 * i)).collect();
        let mut more = u32_at(self.bytes, 68)?;
        let mut left = self.bytes.len() / self.sector;
        while more < MARKS && left > 0 {
            let mut numbers = self.numbers(&[self.sector(more)?]);
            more = numbers.pop()?;
            sectors.extend(numbers);
            left -= 1;
        }
        let sectors: Option<Vec<_>> =
            sectors.into_iter().filter(|s| *s < MARKS).map(|s| self.sector(s)).collect();
        let sectors = sectors?;
        // A table that is longer than the file says some sector twice.
        (sectors.len() * self.sector <= self.bytes.len()).then(|| self.numbers(&sectors))
    }

    fn chain(&self, fat: &[u32], start: u32) -> Option<Vec<Range<usize>>> {
        links(fat, start)?.into_iter().map(|n| self.sector(n)).collect()
    }

    fn gather(&self, pieces: &[Range<usize>]) -> Vec<u8> {
        pieces.iter().filter_map(|p| self.bytes.get(p.clone())).flatten().copied().collect()
    }

    fn numbers(&self, pieces: &[Range<usize>]) -> Vec<u32> {
        let bytes = self.gather(pieces);
        bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()
    }
}

/// The numbers from `start` on, each saying which one follows; none where they go round or astray.
fn links(table: &[u32], start: u32) -> Option<Vec<u32>> {
    let (mut all, mut next) = (Vec::new(), start);
    while next < MARKS {
        if all.len() > table.len() {
            return None;
        }
        all.push(next);
        next = *table.get(next as usize)?;
    }
    Some(all)
}

/// The pieces up to `size`; none where there are not so many bytes.
fn cut(pieces: Vec<Range<usize>>, size: usize, end: usize) -> Option<Vec<Range<usize>>> {
    let mut left = size;
    let mut all = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let length = piece.len().min(left).min(end.saturating_sub(piece.start));
        all.push(piece.start..piece.start + length);
        left -= length;
    }
    (left == 0).then_some(all)
}

fn name(entry: &[u8]) -> Option<String> {
    let length = usize::from(u16_at(entry, 64)?).checked_sub(2)?;
    let units: Vec<u16> =
        entry.get(..length.min(62))?.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    String::from_utf16(&units).ok()
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_le_bytes(*b))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}
