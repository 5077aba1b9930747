//! Named places where a test lets the process die, as a power cut would.

/// Dies here if `SCONN_CRASH_AT` names the point: `committed`, or `committed#3` for the third time
/// that it is passed. Does nothing in a release build.
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    debug::point(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod debug {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Asked {
        name: String,
        time: u64,
        passed: AtomicU64,
    }

    static ASKED: OnceLock<Option<Asked>> = OnceLock::new();

    pub(super) fn point(name: &str) {
        let asked = ASKED.get_or_init(|| {
            let text = std::env::var("SCONN_CRASH_AT").ok()?;
            let (name, time) = text.split_once('#').unwrap_or((&text, "1"));
            Some(Asked { name: name.to_owned(), time: time.parse().ok()?, passed: AtomicU64::new(0) })
        });
        let Some(asked) = asked.as_ref().filter(|a| a.name == name) else { return };
        if asked.passed.fetch_add(1, Ordering::Relaxed) + 1 == asked.time {
            let _ = std::process::Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
            // The signal is on its way, and nothing may be done any more.
            loop {
                std::thread::park();
            }
        }
    }
}
