//! One million dirty rows, live twice, beside the floors: the engine alone on the same file and
//! query, SQLite alone importing the same rows. `cargo bench --bench million [ROWS]`.
//!
//! Prints a table of seconds and peak memory; judges nothing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "common/generate.rs"]
mod generate;

use datafusion::prelude::{CsvReadOptions, SessionContext};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Anyhow<()> {
    let rows = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir()?;
    let csv = dir.path().join("prices.csv");
    let took = time(|| Ok(generate::write_rows(&csv, rows, 7)?))?;
    let size = std::fs::metadata(&csv)?.len();
    println!("{rows} rows, {} MB, generated in {:.1} s", size / 1_000_000, took.as_secs_f64());

    let engine = time(|| engine_alone(&csv))?;
    let sqlite = time(|| sqlite_alone(&csv, &dir.path().join("floor.sqlite")))?;
    let floors = engine + sqlite;
    println!(
        "floor: engine alone {:.1} s, SQLite alone {:.1} s, together {:.1} s",
        s(engine),
        s(sqlite),
        s(floors)
    );

    let store = dir.path().join("store.sqlite");
    for (name, extra) in [
        ("first live run, no workbook", &["--live", "--no-report"][..]),
        ("second live run, no workbook", &["--live", "--no-report"]),
        ("dry run, no workbook", &["--no-report"]),
        ("dry run with the workbook", &[]),
    ] {
        let out = dir.path().join("out");
        let (took, peak) = run(&csv, &store, &out, extra)?;
        println!("{name}: {:.1} s ({:.1} × floors), peak {peak} MB", s(took), s(took) / s(floors));
        let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(out.join("summary.json"))?)?;
        for stage in summary["stages"].as_array().into_iter().flatten() {
            println!(
                "    {:24} {:6.1} s",
                stage["name"].as_str().unwrap_or_default(),
                stage["seconds"].as_f64().unwrap_or(0.0)
            );
        }
        println!("    counts {}", summary["steps"][0]["counts"]);
        if let Ok(report) = std::fs::metadata(out.join("report.xlsx")) {
            println!("    report.xlsx {} MB", report.len() / 1_000_000);
        }
        std::fs::remove_dir_all(&out)?;
    }
    Ok(())
}

fn s(d: Duration) -> f64 {
    d.as_secs_f64()
}

fn time(f: impl FnOnce() -> Anyhow<()>) -> Anyhow<Duration> {
    let start = Instant::now();
    f()?;
    Ok(start.elapsed())
}

/// Reads, dedupes by a window and collects: what no run can do without.
fn engine_alone(csv: &Path) -> Anyhow<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let context = SessionContext::new();
        let options = CsvReadOptions::new().newlines_in_values(true).schema_infer_max_records(0);
        context.register_csv("prices", csv.to_str().unwrap_or_default(), options).await?;
        let columns = context.table("prices").await?.schema().fields().clone();
        let (sku, updated) = (columns[4].name(), columns[columns.len() - 2].name());
        let sql = format!(
            "SELECT * FROM prices QUALIFY row_number() OVER (PARTITION BY \"{sku}\" ORDER BY \"{updated}\" DESC) = 1"
        );
        let batches = context.sql(&sql).await?.collect().await?;
        assert!(batches.iter().map(|b| b.num_rows()).sum::<usize>() > 0);
        Ok(())
    })
}

/// Imports every row into a table keyed by SKU, in one transaction: what `.import` does.
fn sqlite_alone(csv: &Path, store: &Path) -> Anyhow<()> {
    let connection = rusqlite::Connection::open(store)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let mut reader = csv::Reader::from_path(csv)?;
    let width = reader.headers()?.len();
    let columns: Vec<String> =
        (0..width).map(|i| format!("c{i} TEXT{}", if i == 4 { " PRIMARY KEY" } else { "" })).collect();
    connection.execute_batch(&format!("CREATE TABLE t ({})", columns.join(", ")))?;
    let marks = vec!["?"; width].join(", ");
    let mut insert = connection.prepare(&format!("INSERT OR REPLACE INTO t VALUES ({marks})"))?;
    let mut record = csv::StringRecord::new();
    connection.execute_batch("BEGIN")?;
    while reader.read_record(&mut record)? {
        insert.execute(rusqlite::params_from_iter(record.iter()))?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// Runs the command; gives how long it took and its peak memory in MB.
fn run(csv: &Path, store: &Path, out: &Path, extra: &[&str]) -> Anyhow<(Duration, u64)> {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sconn"))
        .args(["run", "benches/bench.sconn", "--input"])
        .arg(csv)
        .arg("--target")
        .arg(store)
        .arg("--out")
        .arg(out)
        .args(extra)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        if let Ok(file) = std::fs::File::open(&status) {
            for line in BufReader::new(file).lines().map_while(Result::ok) {
                if let Some(kb) = line.strip_prefix("VmHWM:").and_then(|t| t.split_whitespace().next()) {
                    peak = peak.max(kb.parse::<u64>().unwrap_or(0) / 1024);
                }
            }
        }
        if let Some(code) = child.try_wait()? {
            break code;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if code.code().is_none_or(|c| c > 1) {
        return Err(format!("the run failed: {code}").into());
    }
    Ok((start.elapsed(), peak))
}
