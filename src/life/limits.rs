//! The limits of an execution: memory and time.

use crate::project::Limits;
use crate::project::state::State;
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use crate::system::stop::{Limit, Stop};
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long one that is past its deadline may take to stop by itself.
const GRACE: Duration = Duration::from_secs(60);

/// How often it is looked what a process takes.
const LOOK: Duration = Duration::from_millis(100);

/// What is to be done about an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing.
    Within,
    /// It is to stop by itself.
    Stop(Limit),
    /// It is to be ended.
    End(Limit),
}

/// Keeps this process to the limits of the execution that it works at, from a thread of its own: whoever
/// started it may be gone.
pub(super) struct Keeper {
    end: Sender<()>,
}

impl Keeper {
    /// Begins; it ends with this value. At a limit `stop` hears of it; where that does not help, the execution
    /// is entered as failed, `leave` is told why, and the process ends.
    pub(super) fn new(
        limits: Limits,
        mut state: State,
        id: String,
        epoch: i64,
        stop: Arc<Stop>,
        leave: impl FnOnce(&str) + Send + 'static,
    ) -> Self {
        let (end, ended) = channel();
        let since = Instant::now();
        std::thread::spawn(move || {
            let pid = std::process::id();
            while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                match judge(limits, resident(pid), since.elapsed()) {
                    Verdict::Within => {}
                    Verdict::Stop(limit) => stop.at(limit),
                    Verdict::End(limit) => {
                        let why = format!("{}\n{}", limit.what, limit.hint);
                        say(format_args!("error: {}\n  help: {}", limit.what, limit.hint));
                        // Where the state does not hear of it, its workers' tries are counted, so it ends some day.
                        if let Ok(true) = state.ended_at_limit(&id, epoch, &why, SystemClock.now()) {
                            leave(&why);
                        }
                        std::process::exit(2);
                    }
                }
            }
        });
        Self { end }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.end.send(());
    }
}

fn judge(limits: Limits, resident: Option<u64>, worked: Duration) -> Verdict {
    if let (Some(limit), Some(taken)) = (limits.memory.or_else(share), resident)
        && taken > limit
    {
        return Verdict::End(Limit {
            what: format!(
                "the execution took {} of memory, and may take {}; what was committed stays",
                mebibytes(taken),
                mebibytes(limit)
            ),
            hint: "raise `memory` in [limits] of sconn.toml, or lower the connector's own `memory`".into(),
        });
    }
    if worked <= limits.deadline {
        return Verdict::Within;
    }
    let limit = Limit {
        what: format!(
            "the execution was at work for longer than {}; what was committed stays",
            words(limits.deadline)
        ),
        hint: "raise `deadline` in [limits] of sconn.toml, or hand in less at once".into(),
    };
    if worked > limits.deadline + GRACE { Verdict::End(limit) } else { Verdict::Stop(limit) }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// The memory that a process holds; none where the system does not tell, which is all but Linux.
fn resident(pid: u32) -> Option<u64> {
    kibibytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:")
}

/// Three quarters of the machine's memory, or of the container's.
fn share() -> Option<u64> {
    let machine = kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|g| g.trim().parse().ok()).unwrap_or(u64::MAX);
    Some(machine.min(group) / 4 * 3)
}

/// The bytes of a line like `VmRSS:  1234 kB`.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|l| l.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const LIMITS: Limits = Limits { memory: Some(100 << 20), deadline: Duration::from_secs(60) };

    #[test]
    fn memory_beyond_the_limit_ends_it_at_once() {
        let moment = Duration::from_secs(1);
        assert_eq!(judge(LIMITS, Some(100 << 20), moment), Verdict::Within);
        assert_eq!(judge(LIMITS, None, moment), Verdict::Within, "where nothing is known");
        let Verdict::End(Limit { what, hint }) = judge(LIMITS, Some(201 << 20), moment) else { panic!() };
        assert!(what.contains("took 201 MiB of memory, and may take 100 MiB"), "{what}");
        assert!(hint.contains("`memory` in [limits]"), "{hint}");
    }

    #[test]
    fn at_its_deadline_it_is_to_stop_and_then_ended() {
        let at = |seconds| judge(LIMITS, Some(1), Duration::from_secs(seconds));
        assert_eq!(at(60), Verdict::Within);
        assert!(matches!(at(61), Verdict::Stop(limit) if limit.what.contains("longer than 1 min")));
        assert!(matches!(at(120), Verdict::Stop(_)));
        assert!(matches!(at(121), Verdict::End(limit) if limit.hint.contains("`deadline` in [limits]")));
    }

    #[test]
    fn the_system_tells_of_this_process_and_of_the_machine() {
        let own = resident(std::process::id()).unwrap();
        assert!(own > 1 << 20 && own < share().unwrap(), "{own}");
        assert_eq!(resident(u32::MAX), None);
    }
}
