//! Mixed load with kills: files into a watched folder, webhooks, uploads and submitted files, while workers and the
//! service itself are killed. In the end the queue is empty, each row was loaded once, and nothing is left behind, in
//! memory or on the disk.
//!
//! In the second half of the time the service lives on, so that what it takes can be compared: a leak would begin anew
//! with each process. `SCONN_SOAK_MINUTES=30 cargo test --test sconn soak -- --nocapture` for the long form.

mod left;

use crate::common::project::{Project, SHOP, opened, until};
use crate::common::service::Service;
use crate::hooks::serving::{post, rows as rows_of};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const HOOKS: &str = r#"
connector orders {
  name    "Orders"
  trigger webhook { batch 1s verify nothing }
  sample  "sample-hooks.csv"
}
object calls "Calls" { name: text required  body: text }
scope calls from input.webhooks { body: string required }
load calls into calls {
  match body with body
  map { name <- body  body <- body }
}
"#;

const SETTINGS: &str = "[watch.inbox]\nconnector = \"shop\"\nfolder = \"inbox\"\nsettle = \"1s\"\n";

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn count(file: &Path, sql: &str) -> i64 {
    let connection = opened(file);
    connection.query_row(sql, [], |r| r.get(0)).unwrap()
}

/// What a process takes.
#[derive(Clone, Copy, Debug, Default)]
struct Takes {
    files: usize,
    /// Memory of its own, in MB.
    memory: usize,
}

impl Takes {
    fn now(pid: u32) -> Self {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).unwrap_or("0");
        let memory = memory.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024;
        Self { files, memory }
    }

    fn at_most(&mut self, other: Self) {
        *self = Self { files: self.files.max(other.files), memory: self.memory.max(other.memory) };
    }
}

/// A project under load, and what was done to it.
struct Load {
    desk: Project,
    service: Service,
    token: String,
    dice: Dice,
    /// How much was handed in so far.
    number: usize,
    /// The calls that were answered 201.
    sent: Vec<String>,
    /// The rows that were handed in.
    rows: i64,
    killed: usize,
    /// The most that the service took.
    most: Takes,
}

impl Load {
    fn new() -> Self {
        let desk = Project::with_shop(&SHOP.replace("chunk   2", "chunk   20"), SETTINGS);
        desk.file("orders.sconn", HOOKS);
        desk.file("sample-hooks.csv", "timestamp,employee_id,querystring,body\n2026-01-01T00:00:00Z,,,x\n");
        std::fs::create_dir(desk.at("inbox")).unwrap();
        desk.ends(0, &["activate", "shop.sconn"]);
        desk.ends(0, &["activate", "orders.sconn"]);
        let token = desk.ends(0, &["tokens", "add", "ann", "--role", "run"]).stdout;
        let token = format!("Bearer {}", token.trim());
        let service = Service::start(desk.path(), &[]);
        let (sent, most) = (Vec::new(), Takes::default());
        Self { desk, service, token, dice: Dice(7), number: 0, sent, rows: 0, killed: 0, most }
    }

    fn state(&self) -> std::path::PathBuf {
        self.desk.at(".sconn/state.sqlite")
    }

    /// Load for so long; `kills` is what is killed now and then.
    fn go_on(&mut self, time: Duration, kills: impl Fn(&mut Self)) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.hand_in();
            if self.number.is_multiple_of(20) {
                kills(self);
            }
            self.look();
            std::thread::sleep(Duration::from_millis(50 + self.dice.below(250)));
        }
    }

    fn look(&mut self) -> Takes {
        let now = Takes::now(self.service.pid());
        self.most.at_most(now);
        now
    }

    /// A list of so many rows that no other has.
    fn list(&mut self, prefix: &str, rows: i64) -> String {
        self.rows += rows;
        let lines: String = (0..rows).map(|i| format!("{prefix}{}-{i}\n", self.number)).collect();
        format!("SKU\n{lines}")
    }

    fn hand_in(&mut self) {
        self.number += 1;
        let number = self.number;
        match self.dice.below(12) {
            0..7 => {
                let body = format!("call {number}");
                let headers = [("content-type", "text/plain")];
                let answer = post(self.service.address, "/hooks/orders", &headers, body.as_bytes());
                assert_eq!(answer.map(|a| a.status), Some(201), "{}", self.service.said());
                self.sent.push(body);
            }
            7..9 => {
                let list = self.list("f", 50);
                self.desk.file("inbox/.new", &list);
                let to = self.desk.at(&format!("inbox/{number}.csv"));
                std::fs::rename(self.desk.at("inbox/.new"), to).unwrap();
            }
            9..11 => {
                let list = self.list("s", 200);
                self.desk.file("list.csv", &list);
                self.desk.submit("list.csv");
            }
            _ => {
                let list = self.list("u", 200);
                let path = "/api/v1/connectors/shop/executions?mode=live&name=list.csv";
                let headers = [("content-type", "text/csv"), ("authorization", self.token.as_str())];
                let answer = post(self.service.address, path, &headers, list.as_bytes());
                assert_eq!(answer.map(|a| a.status), Some(202), "{}", self.service.said());
            }
        }
    }

    /// An execution that is killed again and again is left to people, so this is done seldom.
    fn kill_a_worker(&mut self) -> bool {
        let pid = "SELECT coalesce(max(pid), 0) FROM executions WHERE state = 'running'";
        let worker = count(&self.state(), pid);
        if worker > 0 && self.dice.below(4) == 0 {
            let _ = Command::new("kill").args(["-9", &worker.to_string()]).status();
            self.killed += 1;
            return true;
        }
        false
    }

    /// In the middle of an upload and of a call, neither of which is answered any more.
    fn kill_the_service(&mut self) {
        let address = self.service.address;
        let head = "HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\ncontent-type: text/csv\r\n";
        let upload = format!(
            "POST /api/v1/connectors/shop/executions {head}authorization: {}\r\n\r\nSKU\n",
            self.token
        );
        let begun = [upload, format!("POST /hooks/orders {head}\r\ncall")].map(|request| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        });
        until("the upload is begun", || {
            std::fs::read_dir(self.desk.at(".sconn/uploads"))
                .is_ok_and(|mut all| all.next().is_some())
                .then_some(())
        });
        let address = address.to_string();
        // And one that comes meanwhile may have been kept, or not.
        let sending = std::thread::spawn({
            let (address, body) = (self.service.address, format!("call {} and a kill", self.number));
            move || {
                let answer =
                    post(address, "/hooks/orders", &[("content-type", "text/plain")], body.as_bytes());
                answer.is_some_and(|a| a.status == 201).then_some(body)
            }
        });
        std::thread::sleep(Duration::from_millis(self.dice.below(5)));
        self.service.kill();
        self.sent.extend(sending.join().unwrap());
        drop(begun);
        self.service = Service::start_at(&address, self.desk.path(), &[], None);
        self.killed += 1;
    }

    /// How many executions, events and files wait or are at work.
    fn open(&self) -> i64 {
        let executions =
            "SELECT count(*) FROM executions WHERE state IN ('queued', 'running', 'interrupted')";
        let files = std::fs::read_dir(self.desk.at("inbox")).unwrap();
        let files = files.filter(|e| e.as_ref().unwrap().path().extension().is_some()).count();
        let events = count(&self.state(), "SELECT count(*) FROM events WHERE state = 'waiting'");
        count(&self.state(), executions) + events + files as i64
    }

    /// Waits until nothing waits or runs any more; while it gets less, it goes on. Gives what the service takes then.
    fn drain(&mut self) -> Takes {
        let mut before = self.open();
        while before > 0 {
            before = until("it gets less", || {
                self.look();
                Some(self.open()).filter(|now| *now < before)
            });
        }
        self.look()
    }
}

#[test]
#[cfg(target_os = "linux")]
fn under_mixed_load_and_kills_everything_is_done_once_and_nothing_is_left_behind() {
    let minutes: f64 = std::env::var("SCONN_SOAK_MINUTES").map_or(0.2, |m| m.parse().unwrap());
    let time = Duration::from_secs_f64(minutes * 60.0);
    let mut load = Load::new();
    load.go_on(time / 2, |load| {
        if !load.kill_a_worker() && load.dice.below(3) == 0 {
            load.kill_the_service();
        }
    });
    // However short it was.
    load.kill_the_service();
    // This service lives to the end. What it takes once it has done a bit of everything it does not take more of.
    let pid = load.service.pid();
    load.go_on(time / 8, |_| {});
    let early = load.drain();
    load.go_on(time * 3 / 8, |load| {
        load.kill_a_worker();
    });
    let late = load.drain();
    assert!(load.service.pid() == pid && load.service.runs(), "{}", load.service.said());

    let state = load.state();
    let left = "SELECT count(*) FROM executions WHERE state NOT IN ('completed', 'completed with errors')";
    assert_eq!(count(&state, left), 0, "{:?}", states(&state));
    let store = load.desk.at(".sconn/store.sqlite");
    assert_eq!(count(&store, "SELECT count(*) FROM items"), load.rows, "each row of each file, once");
    let twice: Vec<_> = calls(load.desk.path()).into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(twice.is_empty(), "calls in more than one execution: {twice:?}");
    for body in &load.sent {
        let there = format!("SELECT count(*) FROM calls WHERE body = '{body}'");
        assert_eq!(count(&store, &there), 1, "{body} was answered 201");
    }
    nothing_is_left_on_the_disk(load.desk.path());
    println!(
        "{minutes} minutes: {} executions, {} rows, {} calls answered 201, {} kills; the service had at most {} files \
         open and {} MB; idle {} and {} MB early, {} and {} MB in the end",
        count(&state, "SELECT count(*) FROM executions"),
        load.rows,
        load.sent.len(),
        load.killed,
        load.most.files,
        load.most.memory,
        early.files,
        early.memory,
        late.files,
        late.memory,
    );
    assert!(load.most.files < 100 && load.most.memory < 200, "{:?}", load.most);
    assert!(late.files <= early.files + FILES, "it has more files open: {early:?} {late:?}");
    assert!(late.memory <= early.memory + MEMORY, "it holds more memory: {early:?} {late:?}");
}

/// So many files more may be open in the end: connections that are kept.
const FILES: usize = 4;

/// So many MB more it may hold in the end: what the allocator keeps goes up and down by a few.
const MEMORY: usize = 24;

/// What is at its end, or was left by a process that died, goes a moment later.
fn nothing_is_left_on_the_disk(root: &Path) {
    let since = Instant::now();
    loop {
        let left = left::left(root);
        if left.is_empty() {
            return;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "{left:#?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// How many executions each call is in.
fn calls(path: &Path) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for execution in std::fs::read_dir(path.join(".sconn/executions")).unwrap() {
        // One that nobody has asked for yet has no input.
        let inputs = std::fs::read_dir(execution.unwrap().path().join("input"));
        for input in inputs.into_iter().flatten() {
            let input = input.unwrap();
            if input.file_name().to_string_lossy().starts_with("webhooks-") {
                rows_of(&input.path())
                    .into_iter()
                    .for_each(|[.., body]| *found.entry(body).or_default() += 1);
            }
        }
    }
    found
}

fn states(state: &Path) -> BTreeMap<String, i64> {
    let connection = opened(state);
    let sql = "SELECT state || coalesce(' ' || failure, ''), count(*) FROM executions GROUP BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    let all = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    all.map(Result::unwrap).collect()
}

#[test]
fn what_is_left_on_the_disk_is_found() {
    let desk = Project::with_shop(SHOP, "");
    desk.ends(0, &["activate", "shop.sconn"]);
    let id = desk.submit("good.csv");
    desk.work();
    let found = || left::left(desk.path());
    assert_eq!(found(), [""; 0]);
    let strange = [
        ".sconn/uploads/.tmp1/list.csv".to_owned(),
        ".sconn/executions/20260101T000000Z-000000/input/list.csv".to_owned(),
        format!(".sconn/executions/{id}/.work/frozen.json"),
        format!(".sconn/executions/{id}/report.xlsx.part"),
        format!(".sconn/executions/{id}/input/2.csv"),
        ".sconn/batching/.work/1/webhooks-1-2.csv".to_owned(),
        ".sconn/triggers/slot.csv".to_owned(),
        "inbox/late.csv".to_owned(),
        "inbox/archive/half.csv.part".to_owned(),
    ];
    for name in &strange {
        let file = desk.file(name, "x");
        assert!(!found().is_empty(), "{name}");
        // What it stands in goes too, where nothing else is in it.
        std::fs::remove_file(&file).unwrap();
        file.ancestors().skip(1).take_while(|folder| std::fs::remove_dir(folder).is_ok()).for_each(drop);
        assert_eq!(found(), [""; 0], "{name}");
    }
    std::fs::remove_dir_all(desk.folder(&id)).unwrap();
    assert_eq!(found(), [format!("an execution without a folder: {id}")]);
}
