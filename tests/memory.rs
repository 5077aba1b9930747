//! Memory does not grow with the input.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Wide rows: what grows with the input grows fast, and the rows are few.
const CONNECTOR: &str = r#"
connector wide {
  name    "Wide rows"
  trigger spreadsheet
  chunk   200
  memory  48MiB
}

object notes "Notes" {
  name: text required
  sku:  text unique
  note: longtext
}

input list {
  sku:  "SKU"
  note: "Note"
}

scope notes from input.list {
  sku:  string required
  note: string
}

load notes into notes {
  match sku with sku
  map {
    name <- sku
    sku  <- sku
    note <- note
  }
}
"#;

/// Megabytes of input, and the megabytes of memory that are more than enough for any input.
const INPUT: usize = 170;
const ENOUGH: usize = 380;

/// What the process has for itself at the moment, in megabytes: without the program and files.
fn memory(pid: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:"))?;
    Some(line.split_whitespace().next()?.parse::<usize>().ok()? / 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_input() {
    let desk = tempfile::tempdir().unwrap();
    std::fs::write(desk.path().join("wide.sconn"), CONNECTOR).unwrap();
    let mut csv = "SKU,Note\n".to_owned();
    let mut row = 0u64;
    while csv.len() < INPUT << 20 {
        let mut note = String::new();
        for word in 0..250 {
            let _ = write!(note, "{} lorem ", (row * 250 + word) * 7919 % 1_000_003);
        }
        let _ = writeln!(csv, "s{row},{note}");
        row += 1;
    }
    std::fs::write(desk.path().join("list.csv"), csv).unwrap();

    let mut run = Command::new(env!("CARGO_BIN_EXE_sconn"))
        .current_dir(desk.path())
        .args(["run", "wide.sconn", "--input", "list.csv", "--live", "--no-report", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut peak, mut looks) = (0, 0);
    let code = loop {
        if let Some(now) = memory(run.id()) {
            (peak, looks) = (peak.max(now), looks + 1);
        }
        if let Some(code) = run.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let summary: serde_json::Value = serde_json::from_reader(run.stdout.take().unwrap()).unwrap();
    assert!(code.success(), "{summary}");
    assert_eq!(summary["steps"][0]["counts"]["created"], row, "{summary}");
    // All of it in memory once, on top of what a small input takes, would be more.
    assert!(looks > 50 && peak < ENOUGH, "{peak} MB at most, seen {looks} times");
}
