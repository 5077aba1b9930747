//! The signals by which a process is asked to stop.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that are heard from when this is made, instead of ending the process.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    heard: Vec<Signal>,
}

impl Signals {
    /// Whatever asks a process to stop: Ctrl-C, SIGTERM, and that its terminal is gone, unless it was started so as
    /// not to mind that (`nohup`). To be called within a runtime.
    ///
    /// # Errors
    /// Where the system does not let it listen.
    pub fn to_stop() -> std::io::Result<Self> {
        let mut signals = Self::ctrl_c()?;
        #[cfg(unix)]
        {
            signals.heard.push(signal(SignalKind::terminate())?);
            if !ignores_hangup() {
                signals.heard.push(signal(SignalKind::hangup())?);
            }
        }
        Ok(signals)
    }

    /// Ctrl-C alone. To be called within a runtime.
    ///
    /// # Errors
    /// Where the system does not let it listen.
    pub fn ctrl_c() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            heard: vec![signal(SignalKind::interrupt())?],
        })
    }

    /// Comes back once one of them was heard.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|cx| {
            let any = self.heard.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if any { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Whether this process was told to ignore SIGHUP; where the system does not tell, it was not.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The signals are bits; SIGHUP is the first.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
