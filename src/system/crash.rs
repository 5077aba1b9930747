//! Named places where a test lets the process die as a power cut would, hear that it should stop, or find
//! its disk full. In a release build none of this does anything.
//!
//! `SCONN_CRASH_AT=NAME` dies at the point of that name, `NAME#3` the third time that it is passed, and what
//! ends with a `+` holds from then on;
//! `SCONN_STOP_AT` asks to stop there, as Ctrl-C does; `SCONN_SLEEP_AT` sends it to sleep
//! (SIGSTOP); `SCONN_PANIC_AT` is a mistake of ours there; `SCONN_FAIL_AT` lets the write there fail: the disk is
//! full, or what the number in `SCONN_FAIL_WITH` means to the system. `SCONN_POINTS=FILE` writes down each
//! point that is passed. `SCONN_LEASE_EARLY=SECONDS` lets the lease of a silent worker end so much sooner,
//! `SCONN_NO_LOCK=1` takes folders without their lock, as a file system without locks would, `SCONN_STORE_PAGES` is the
//! most that a store may have of them, `SCONN_BALLAST=MIB` takes so much memory where it is to sleep, and stays awake
//! for an hour.

use super::stop::Stop;
use jiff::SignedDuration;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

/// A place where the process may die.
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    debug::point(name, false);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// A place where something is written: it may die here, or the write fail.
///
/// # Errors
/// Where a test wants it.
pub fn write(name: &str) -> io::Result<()> {
    #[cfg(debug_assertions)]
    return debug::write(name);
    #[cfg(not(debug_assertions))]
    {
        let _ = name;
        Ok(())
    }
}

/// What a test asks to stop.
pub fn stops(stop: &Arc<Stop>) {
    #[cfg(debug_assertions)]
    debug::stops(stop);
    #[cfg(not(debug_assertions))]
    let _ = stop;
}

/// How much sooner the lease of a silent worker ends.
pub fn lease_early() -> SignedDuration {
    SignedDuration::from_secs(number("SCONN_LEASE_EARLY").unwrap_or(0))
}

/// Whether folders have no lock.
pub fn no_lock() -> bool {
    number("SCONN_NO_LOCK").is_some()
}

/// How many pages a store may have.
pub fn store_pages() -> Option<i64> {
    number("SCONN_STORE_PAGES")
}

/// Held while something is locked that others wait for: a test that sends this process to sleep waits for it, as
/// it would for the state's lock for ever.
#[must_use]
pub fn awake() -> impl Sized {
    #[cfg(debug_assertions)]
    return debug::awake();
    #[cfg(not(debug_assertions))]
    ()
}

fn number(variable: &str) -> Option<i64> {
    if cfg!(debug_assertions) { std::env::var(variable).ok()?.parse().ok() } else { None }
}

/// A file, each write to which is a [`write()`] of its name.
#[derive(Debug)]
pub struct Disk {
    file: File,
    name: String,
}

impl Disk {
    /// Around a file that is open.
    pub fn new(file: File, name: String) -> Self {
        Self { file, name }
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(&self.name)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(debug_assertions)]
mod debug {
    use crate::system::stop::Stop;
    use std::io::{self, Write};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

    struct Asked {
        name: String,
        time: u64,
        from_then_on: bool,
        passed: AtomicU64,
    }

    impl Asked {
        fn of(variable: &str) -> Option<Self> {
            let text = std::env::var(variable).ok()?;
            let (text, from_then_on) = text.strip_suffix('+').map_or((text.as_str(), false), |t| (t, true));
            let (name, time) = text.split_once('#').unwrap_or((text, "1"));
            let (name, time) = (name.to_owned(), time.parse().ok()?);
            Some(Self { name, time, from_then_on, passed: AtomicU64::new(0) })
        }

        fn here(&self, name: &str) -> bool {
            if self.name != name {
                return false;
            }
            let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
            passed == self.time || self.from_then_on && passed > self.time
        }
    }

    static CRASH: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::of("SCONN_CRASH_AT"));
    static STOP: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::of("SCONN_STOP_AT"));
    static SLEEP: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::of("SCONN_SLEEP_AT"));
    static PANIC: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::of("SCONN_PANIC_AT"));
    static FAIL: LazyLock<Option<Asked>> = LazyLock::new(|| Asked::of("SCONN_FAIL_AT"));
    static POINTS: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("SCONN_POINTS").ok());
    static STOPS: OnceLock<Arc<Stop>> = OnceLock::new();

    static AWAKE: Mutex<()> = Mutex::new(());

    pub(super) fn awake() -> MutexGuard<'static, ()> {
        AWAKE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn here(asked: &Option<Asked>, name: &str) -> bool {
        asked.as_ref().is_some_and(|a| a.here(name))
    }

    pub(super) fn point(name: &str, writes: bool) {
        if let Some(path) = &*POINTS {
            let kind = if writes { "write" } else { "point" };
            let file = std::fs::File::options().create(true).append(true).open(path);
            let _ = file.and_then(|mut f| f.write_all(format!("{kind} {name}\n").as_bytes()));
        }
        if here(&STOP, name)
            && let Some(stop) = STOPS.get()
        {
            stop.ask();
        }
        if here(&SLEEP, name) {
            let ballast = super::number("SCONN_BALLAST").and_then(|mib| usize::try_from(mib).ok());
            // Pages count once they are written to.
            match ballast {
                Some(mib) => {
                    let ballast = vec![1u8; mib << 20];
                    std::thread::sleep(std::time::Duration::from_secs(3600));
                    drop(ballast);
                }
                None => {
                    let _awake = awake();
                    signal("STOP");
                    stopped();
                }
            }
        }
        assert!(!here(&PANIC, name), "a test wants a mistake of ours at {name}");
        if here(&CRASH, name) {
            signal("KILL");
            // The signal is on its way, and nothing may be done any more.
            loop {
                std::thread::park();
            }
        }
    }

    fn signal(signal: &str) {
        crate::system::machine::signal(std::process::id(), signal);
    }

    pub(super) fn write(name: &str) -> io::Result<()> {
        point(name, true);
        if here(&FAIL, name) {
            const FULL: i32 = 28;
            let with = std::env::var("SCONN_FAIL_WITH").ok().and_then(|n| n.parse().ok());
            return Err(io::Error::from_raw_os_error(with.unwrap_or(FULL)));
        }
        Ok(())
    }

    /// Any thread may be the one that hears the signal, and this one runs on until it has.
    fn stopped() {
        const SIGSTOP: u64 = 1 << 18;
        let waits = |status: String| {
            let bits = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap_or_default();
            u64::from_str_radix(bits.trim(), 16).is_ok_and(|bits| bits & SIGSTOP != 0)
        };
        while std::fs::read_to_string("/proc/self/status").is_ok_and(waits) {
            std::thread::yield_now();
        }
    }

    pub(super) fn stops(stop: &Arc<Stop>) {
        let _ = STOPS.set(stop.clone());
    }
}
