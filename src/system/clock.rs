//! Time, behind a trait, so that tests can stop it.

use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Seconds from one time to another.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// How long something is waited for, whatever becomes of the clock on the wall meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    since: Instant,
    most: Duration,
}

impl Patience {
    /// From now on.
    pub fn new(most: Duration) -> Self {
        Self { since: Instant::now(), most }
    }

    /// Whether it was long enough.
    pub fn is_over(&self) -> bool {
        self.since.elapsed() >= self.most
    }
}
