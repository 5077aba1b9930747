//! How the operators of a query share its memory.
//!
//! The engine's own fair pool gives what cannot spill all that it asks for. The merging of a sort that
//! has spilled is such, and asks for all there is: a sort that waits for its rows then finds nothing
//! left for its first batch, and any query with two sorts after each other (a window, whose rows get
//! the order of the input back) fails as soon as it has to spill. Here sorts, merges and all else that
//! can go to the disk have equal shares, and the rest never has more than half of the memory. A quarter
//! is never shared out: what merges the threads' sorted rows at the end comes when sorts have taken all
//! they may, holds a few batches, and cannot spill.

use datafusion::common::{Result, resources_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A pool of so many bytes.
#[derive(Debug)]
pub(super) struct Shares {
    limit: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// How many have a share.
    sharers: usize,
    shared: usize,
    others: usize,
}

impl Shares {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, used: Mutex::new(Used::default()) }
    }

    /// Bytes that what can spill leaves for what cannot.
    fn kept(&self) -> usize {
        self.limit / 4
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A merge has what it needs with two of the runs that a sort has spilled; the engine counts it
/// among what cannot spill.
fn has_share(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() || consumer.name().starts_with("ExternalSorterMerge")
}

impl MemoryPool for Shares {
    fn name(&self) -> &str {
        "shares"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if has_share(consumer) {
            self.used().sharers += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if has_share(consumer) {
            let mut used = self.used();
            used.sharers = used.sharers.saturating_sub(1);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut used = self.used();
        match has_share(reservation.consumer()) {
            true => used.shared += additional,
            false => used.others += additional,
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut used = self.used();
        match has_share(reservation.consumer()) {
            true => used.shared = used.shared.saturating_sub(shrink),
            false => used.others = used.others.saturating_sub(shrink),
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut used = self.used();
        let consumer = reservation.consumer();
        let shares = has_share(consumer);
        let (wanted, available) = if shares {
            let all = self.limit - used.others.clamp(self.kept(), self.limit / 2);
            (reservation.size() + additional, all / used.sharers.max(1))
        } else {
            let all = if used.sharers > 0 { self.limit / 2 } else { self.limit };
            let free = self.limit.saturating_sub(used.shared).max(self.kept());
            (additional, all.min(free).saturating_sub(used.others))
        };
        if wanted > available {
            return resources_err!(
                "{} needs {} KiB and may have {} KiB of {} KiB",
                consumer.name(),
                wanted >> 10,
                available >> 10,
                self.limit >> 10
            );
        }
        match shares {
            true => used.shared += additional,
            false => used.others += additional,
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        let used = self.used();
        used.shared + used.others
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.name(), self.limit)
    }
}
