//! The ids of the records that an execution creates.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Bits of the row's number.
const ROW_BITS: u32 = 34;
/// Bits of the step's number.
const STEP_BITS: u32 = 10;

/// Gives new records ids that the execution, the step and the row decide, so that a chunk that is
/// done again gives the same ones, and that tell by themselves which execution made them, so that
/// nobody has to remember them.
///
/// A UUID of version 8 (RFC 9562): 48 bits of the execution's start in milliseconds, so that new
/// records stand together in an index, 30 bits of a hash of the execution's name, the step, the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewIds {
    /// Everything above the step's bits.
    base: u128,
}

impl NewIds {
    /// The ids of one execution.
    pub fn of(execution: &str, started: Timestamp) -> Self {
        let hash = Sha256::digest(execution.as_bytes());
        let hash = hash.iter().take(4).fold(0u128, |all, byte| (all << 8) | u128::from(*byte));
        let time = u128::from(started.as_millisecond().max(0) as u64 & 0xffff_ffff_ffff);
        let (upper, lower) = (hash >> 20, hash & 0x3_ffff);
        let base = (time << 80) | (8 << 76) | (upper << 64) | (2 << 62) | (lower << (STEP_BITS + ROW_BITS));
        Self { base }
    }

    /// The id of the record that a row of a step creates; both counted from 0.
    pub fn id(self, step: usize, row: u64) -> Uuid {
        let step = u128::from(step as u64 & ((1 << STEP_BITS) - 1));
        let row = u128::from(row & ((1 << ROW_BITS) - 1));
        Uuid::from_u128(self.base | (step << ROW_BITS) | row)
    }

    /// Whether this execution made the record.
    pub fn made(self, id: Uuid) -> bool {
        id.as_u128() >> (STEP_BITS + ROW_BITS) == self.base >> (STEP_BITS + ROW_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::NewIds;
    use jiff::Timestamp;
    use std::collections::BTreeSet;
    use uuid::Variant;

    #[test]
    fn ids_are_distinct_in_order_and_known_to_their_execution_only() {
        let started = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_millis(1_700_000_000_123);
        let (ids, others) = (NewIds::of("e1", started), NewIds::of("e2", started));
        let rows = (0..2000).chain([1 << 33]);
        let all: Vec<_> = (0..3).flat_map(|step| rows.clone().map(move |row| ids.id(step, row))).collect();
        let distinct: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(distinct.into_iter().collect::<Vec<_>>(), all, "distinct, and in the order of the rows");
        assert!(all.iter().all(|id| ids.made(*id) && !others.made(*id)));
        assert!(all.iter().all(|id| id.get_version_num() == 8 && id.get_variant() == Variant::RFC4122));
        assert_eq!(ids, NewIds::of("e1", started), "a resumed execution gives the same");
        assert!(!ids.made(uuid::Uuid::now_v7()));
    }
}
