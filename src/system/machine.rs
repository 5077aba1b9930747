//! What the machine has left.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes that are free on the disk of a folder, for us.
///
/// # Errors
/// Where the folder is not there.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that are free on the disk of a folder: not known here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn free_bytes(_: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

/// Bytes of memory that this process uses; none where that is not known.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// Whether a process is stopped, as with SIGSTOP or by a debugger. Only Linux can tell; elsewhere none is.
pub fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name may hold anything, brackets too.
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['T', 't']))
}

/// Sends a signal to a process: `KILL`, `STOP`. It is gone a moment later, or was before; nobody has more to say of it.
pub fn signal(pid: u32, name: &str) {
    // The shell's own: a small system may lack a program for it.
    let sent = ["-c", "kill -s \"$0\" \"$1\""];
    let _ = Command::new("sh").args(sent).args([name, &pid.to_string()]).stderr(Stdio::null()).status();
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_machine_tells_what_it_has() {
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
        assert!(free_bytes(Path::new("/no/such/folder")).is_err());
        assert!(resident_bytes().unwrap() > 1 << 20);
    }
}
