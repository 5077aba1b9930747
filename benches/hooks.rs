//! Webhook events from a second process on loopback: how many a second are accepted durably, and how long
//! an answer takes. `cargo bench --bench hooks [EVENTS]`; with `--profile dev` it needs no release build.
//!
//! Prints a table; judges nothing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

type Anyhow<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONNECTOR: &str = "connector orders { trigger webhook { verify nothing batch 1h } }";
const BODY: &str = r#"{"order": {"number": "A-17", "total": 12.50, "lines": [{"sku": "0870", "n": 2}]}}"#;

/// The service, which ends with this value.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> Anyhow<()> {
    let events = std::env::args().skip(1).find_map(|a| a.parse::<usize>().ok()).unwrap_or(20_000);
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("sconn.toml"), "")?;
    std::fs::write(folder.path().join("orders.sconn"), CONNECTOR)?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_sconn"))
        .current_dir(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--at-once", "0"])
        .stderr(Stdio::piped())
        .spawn()?;
    let told = child.stderr.take().ok_or("no standard error")?;
    let _service = Service(child);
    // Notices come before the address; afterwards it may say more, which nobody reads.
    let address = BufReader::new(told)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(" at http://").map(|(_, address)| address.to_owned()));
    let address = address.ok_or("the service ended")?;
    println!("{} bytes a body; accepted events, each on the disk before its answer", BODY.len());
    println!("{:>8} {:>8} {:>10} {:>9} {:>9}", "senders", "events", "a second", "p50 ms", "p99 ms");
    for senders in [1, 8, 64, 256] {
        let count = if senders == 1 { events / 10 } else { events };
        let next = AtomicUsize::new(0);
        let times: Mutex<Vec<Duration>> = Mutex::default();
        let since = Instant::now();
        std::thread::scope(|threads| {
            let all: Vec<_> =
                (0..senders).map(|_| threads.spawn(|| send(&address, &next, count, &times))).collect();
            all.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err("a sender broke".into())))
        })?;
        let took = since.elapsed().as_secs_f64();
        let mut times = times.into_inner().map_err(|e| e.to_string())?;
        times.sort();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1000.0;
        println!("{senders:8} {count:8} {:10.0} {:9.2} {:9.2}", count as f64 / took, at(0.5), at(0.99));
    }
    Ok(())
}

fn send(address: &str, next: &AtomicUsize, count: usize, times: &Mutex<Vec<Duration>>) -> Anyhow<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    let request = format!(
        "POST /hooks/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let (mut own, mut line) = (Vec::new(), String::new());
    while next.fetch_add(1, Ordering::Relaxed) < count {
        let since = Instant::now();
        stream.write_all(request.as_bytes())?;
        let (mut length, mut first) = (0, true);
        loop {
            line.clear();
            answers.read_line(&mut line)?;
            if std::mem::take(&mut first) && !line.starts_with("HTTP/1.1 201") {
                return Err(format!("not taken: {line}").into());
            }
            if let Some(n) = line.to_lowercase().strip_prefix("content-length: ") {
                length = n.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        answers.read_exact(&mut vec![0; length])?;
        own.push(since.elapsed());
    }
    times.lock().map_err(|e| e.to_string())?.extend(own);
    Ok(())
}
