//! The limits of an execution in a process of its own: memory and time.

use crate::project::Limits;
use std::fs;
use std::time::{Duration, Instant};

/// How long one that is past its deadline may take to stop by itself.
const GRACE: Duration = Duration::from_secs(60);

/// What is to be done about a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Within,
    /// It is to be asked to stop.
    Ask(String),
    /// It is to be ended.
    End(String),
}

/// Judges one process, a look at a time.
#[derive(Debug)]
pub(super) struct Watch {
    since: Instant,
    asked: bool,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), asked: false }
    }

    pub(super) fn look(&mut self, limits: Limits, pid: u32) -> Verdict {
        self.judge(limits, resident(pid), self.since.elapsed())
    }

    fn judge(&mut self, limits: Limits, resident: Option<u64>, worked: Duration) -> Verdict {
        if let (Some(limit), Some(taken)) = (limits.memory.or_else(share), resident)
            && taken > limit
        {
            return Verdict::End(format!(
                "it took {} of memory, and may take {}; what was committed stays. Raise `memory` in [limits] of \
                 sconn.toml, or lower the connector's own `memory`",
                mebibytes(taken),
                mebibytes(limit)
            ));
        }
        if worked <= limits.deadline {
            return Verdict::Within;
        }
        let why = format!(
            "it was at work for longer than {}; what was committed stays. Raise `deadline` in [limits] of \
             sconn.toml, or hand in less at once",
            words(limits.deadline)
        );
        if worked > limits.deadline + GRACE {
            return Verdict::End(why);
        }
        if std::mem::replace(&mut self.asked, true) { Verdict::Within } else { Verdict::Ask(why) }
    }
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
        let mut watch = Watch::new();
        let moment = Duration::from_secs(1);
        assert_eq!(watch.judge(LIMITS, Some(100 << 20), moment), Verdict::Within);
        assert_eq!(watch.judge(LIMITS, None, moment), Verdict::Within, "where nothing is known");
        let Verdict::End(why) = watch.judge(LIMITS, Some(201 << 20), moment) else { panic!() };
        assert!(why.contains("it took 201 MiB of memory, and may take 100 MiB"), "{why}");
        assert!(why.contains("`memory` in [limits]"), "{why}");
    }

    #[test]
    fn at_its_deadline_it_is_asked_once_and_then_ended() {
        let mut watch = Watch::new();
        let mut at = |seconds| watch.judge(LIMITS, Some(1), Duration::from_secs(seconds));
        assert_eq!(at(60), Verdict::Within);
        assert!(matches!(at(61), Verdict::Ask(why) if why.contains("longer than 1 min")));
        assert_eq!(at(62), Verdict::Within);
        assert_eq!(at(120), Verdict::Within);
        assert!(matches!(at(121), Verdict::End(why) if why.contains("`deadline` in [limits]")));
    }

    #[test]
    fn the_system_tells_of_this_process_and_of_the_machine() {
        let own = resident(std::process::id()).unwrap();
        assert!(own > 1 << 20 && own < share().unwrap(), "{own}");
        assert_eq!(resident(u32::MAX), None);
    }
}
