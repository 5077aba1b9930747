//! Blocks that need a real shell and a running service: all of a page, run as one script.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Runs the script in a folder, with `sconn` on the PATH and a port that is free in the place of 8080. What
/// it starts in the background ends with it.
pub fn run(script: &str, folder: &Path) -> Result<(), String> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = script
        .replace("sconn serve &", &format!("sconn serve --listen 127.0.0.1:{port} --drain 0s &"))
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    let end = "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n";
    let ours = Path::new(env!("CARGO_BIN_EXE_sconn")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap_or_default());
    let done = Command::new("timeout")
        .args(["--kill-after=30", "120", "bash", "-euo", "pipefail", "-c", &format!("{end}{script}")])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .map_err(|e| e.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if done.status.success() {
        return Ok(());
    }
    Err(format!(
        "the script of the page ends with {:?}\n{}\n{}",
        done.status,
        text(&done.stdout),
        text(&done.stderr)
    ))
}
