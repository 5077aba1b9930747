//! How what takes a while hears from outside that it should stop.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Somebody wanted no more of what was read or written.
pub fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "it was stopped")
}

/// Whether an execution should stop after the chunk in hand. It cannot be taken back.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicBool,
    limit: OnceLock<Limit>,
}

/// The limit that an execution came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it took too much of.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Stop {
    /// Somebody wants it to stop: what it has not reached was cancelled.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// It came to a limit: what it has not reached makes it a failed one.
    pub fn at(&self, limit: Limit) {
        // The first one counts.
        let _ = self.limit.set(limit);
        self.ask();
    }

    /// Whether it should stop.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// The limit that it came to, where that is why.
    pub fn limit(&self) -> Option<&Limit> {
        self.limit.get()
    }
}
