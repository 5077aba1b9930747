//! Workers that were not heard of within their lease: they may be stopped or hang, and would hold the lock of their
//! execution.

use crate::project::ProjectError;
use crate::project::state::Silent;
use crate::system::machine;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a worker has to be heard of again once its lease is over. Leases end by the clock on the wall: where that
/// jumped, or the machine slept, all of them end at once, and all workers are well.
const HEARD: Duration = Duration::from_secs(3);

/// The most of it that passes between two looks: where one took longer, whoever looks waited for somebody, and the
/// worker may have waited, too.
const LOOK: Duration = Duration::from_secs(1);

/// Workers that are there and silent, by execution and process.
#[derive(Default)]
pub(super) struct SilentWorkers(BTreeMap<(String, u32), Quiet>);

/// How long a worker could have been heard of, and was not.
struct Quiet {
    time: Duration,
    looked: Instant,
}

impl SilentWorkers {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their executions.
    pub(super) fn executions(&self) -> impl Iterator<Item = &String> {
        self.0.keys().map(|(id, _)| id)
    }

    /// Sees who is `there` and silent now, and ends those that are so for too long. `write` tries to write the state.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub(super) fn look(
        &mut self,
        there: &[Silent],
        write: impl FnOnce() -> Result<(), ProjectError>,
    ) -> Result<(), ProjectError> {
        self.0.retain(|(id, pid), _| there.iter().any(|s| s.id == *id && s.pid == *pid));
        let (stopped, awake): (Vec<_>, Vec<_>) = there.iter().partition(|s| machine::is_stopped(s.pid));
        // One that is stopped may be what keeps the state locked for everybody.
        stopped.into_iter().for_each(|silent| self.is_quiet(silent, Duration::MAX));
        if awake.is_empty() {
            return Ok(());
        }
        // Of the others none can be heard of while the state cannot be written.
        let written = write();
        for silent in awake {
            if written.is_err() {
                self.0.remove(&(silent.id.clone(), silent.pid));
            }
            self.is_quiet(silent, LOOK);
        }
        written
    }

    /// It was quiet since the last look, of which `most` counts.
    fn is_quiet(&mut self, silent: &Silent, most: Duration) {
        let new = || Quiet { time: Duration::ZERO, looked: Instant::now() };
        let quiet = self.0.entry((silent.id.clone(), silent.pid)).or_insert_with(new);
        quiet.time += quiet.looked.elapsed().min(most);
        quiet.looked = Instant::now();
        if quiet.time >= HEARD {
            // The next turn sees it gone.
            machine::signal(silent.pid, "KILL");
        }
    }
}
