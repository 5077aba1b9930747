//! `sconn serve` in a process of its own.

use super::command_in;
use super::project::{Running, until};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

/// A running service, which ends with this value.
pub struct Service {
    process: Mutex<Running>,
    pub address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Service {
    /// Serves a folder's project at a port that is free.
    pub fn start(folder: &Path, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", folder, more, None)
    }

    /// At that address; it dies at a point, where one is named.
    pub fn start_at(address: &str, folder: &Path, more: &[&str], crash: Option<&str>) -> Self {
        let mut command = command_in(folder, &[&["serve", "--listen", address], more].concat());
        if let Some(point) = crash {
            command.env("SCONN_CRASH_AT", point);
        }
        let mut process = Running(
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap(),
        );
        let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
        let mut said = String::new();
        // Notices may come before the address.
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap();
            said += &format!("{line}\n");
            if let Some((_, address)) = line.split_once(" at http://") {
                break address.parse().unwrap_or_else(|e| panic!("{e}: {line}"));
            }
        };
        let said = Arc::new(Mutex::new(said));
        let heard = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *heard.lock().unwrap() += &format!("{line}\n");
            }
        });
        Self { process: Mutex::new(process), address, said }
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.lock().unwrap().0.id()
    }

    /// kill -9, and it is gone.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        let _ = process.0.kill();
        let _ = process.0.wait();
    }

    /// Tells it to stop.
    pub fn terminate(&self) {
        let _ = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
    }

    /// How it ended, once it has by itself.
    pub fn wait(&self) -> ExitStatus {
        until("the service ends", || self.process.lock().unwrap().0.try_wait().unwrap())
    }

    /// Whether it still runs.
    pub fn runs(&self) -> bool {
        self.process.lock().unwrap().0.try_wait().is_ok_and(|ended| ended.is_none())
    }
}
