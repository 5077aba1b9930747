//! Nobody takes the memory that another cannot do without.

use crate::sql::shares::Shares;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use std::sync::Arc;

const ALL: usize = 64 << 20;

fn pool() -> Arc<dyn MemoryPool> {
    Arc::new(Shares::new(ALL))
}

fn sort(pool: &Arc<dyn MemoryPool>) -> MemoryReservation {
    MemoryConsumer::new("ExternalSorter[0]").with_can_spill(true).register(pool)
}

fn merge(pool: &Arc<dyn MemoryPool>) -> MemoryReservation {
    MemoryConsumer::new("SortPreservingMergeExec[0]").register(pool)
}

/// Takes a mebibyte after another while there is one; how many it got.
fn fill(reservation: &MemoryReservation) -> usize {
    (0..1000).take_while(|_| reservation.try_grow(1 << 20).is_ok()).count()
}

#[test]
fn what_cannot_spill_finds_a_quarter_when_it_comes_last() {
    let pool = pool();
    // The first takes all there is for sorts, the second comes later and has its share all the same.
    let first = sort(&pool);
    assert_eq!(fill(&first), 48);
    let second = sort(&pool);
    assert_eq!(fill(&second), 24);
    let last = merge(&pool);
    assert_eq!(fill(&last), 16);
}

#[test]
fn what_cannot_spill_has_at_most_half_while_others_need_some() {
    let pool = pool();
    let first = sort(&pool);
    let last = merge(&pool);
    assert_eq!(fill(&last), 32);
    assert_eq!(fill(&first), 32);
    drop(first);
    assert_eq!(fill(&last), 32);
}
