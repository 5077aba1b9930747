//! What the trials of crashes, stops, full disks and sleeping workers have in common: a project with a
//! connector whose every kind of row is in its input, what a run of it leaves, and the points it passes.

pub mod files;

use crate::common::command_in;
use crate::common::project::opened;
use rusqlite::OptionalExtension;
use sconn::load::Committed;
use sconn::report::DecisionReader;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The SQL reads records, which the loads then change: run again, it would give other rows.
const CONNECTOR: &str = r#"
connector shop {
  name    "Shop"
  trigger spreadsheet
  sample  "list.csv"
  chunk   4
}

object makers "Makers" {
  name: text required
  code: text unique
}

object items "Items" {
  name:  text required
  sku:   text unique
  price: decimal
  tags:  checkboxes ["old"]
  maker: relationship makers
}

input list {
  sku:   "SKU"
  maker: "Maker"
  price: "Price"
  tags:  "Tags"
}

scope makers {
  sql { SELECT DISTINCT maker AS code FROM input.list }
  code: string required
}

# Reads records, which the loads then change: run again, it would give other rows.
scope items {
  sql {
    SELECT l.*, coalesce(r.name, 'new ' || l.sku) AS title, r.id IS NOT NULL AS known
    FROM input.list l LEFT JOIN records.items r ON r.sku = l.sku
  }
  sku:   string required
  title: string required
  maker: string
  price: number
  tags:  string[] split ";"
}

load makers into makers {
  match code with code
  map {
    name <- code
    code <- code
  }
}

load items into items {
  match sku with sku
  map {
    name  <- title overwrite
    sku   <- sku
    price <- price overwrite
    tags  <- tags  only_add_options create_options
    maker <- find makers by code with maker
  }
  expose item
}

load links from items into items {
  match id with item
  map {
    name <- [title, sku] join "/" overwrite
  }
}
"#;

/// The same, but a second run of the same input comes to the same records.
fn repeatable() -> String {
    let reading = "coalesce(r.name, 'new ' || l.sku) AS title, r.id IS NOT NULL AS known\n    \
                   FROM input.list l LEFT JOIN records.items r ON r.sku = l.sku";
    assert!(CONNECTOR.contains(reading));
    CONNECTOR.replace(reading, "'item ' || l.sku AS title FROM input.list l")
}

/// What the store holds before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: every row creates.
    Empty,
    /// All of it, with other prices: every row updates.
    Full,
    /// Half of it.
    Half,
}

fn rows(from: usize, to: usize, price: &str) -> String {
    let mut text = "SKU,Maker,Price,Tags\n".to_owned();
    for i in from..to {
        let price = if i == 7 { "n/a" } else { price };
        // A key twice, a row without one, tags that are new.
        let sku = if i == 5 { "S3".to_owned() } else { format!("S{i}") };
        let sku = if i == 6 { String::new() } else { sku };
        text.push_str(&format!("{sku},M{},{price}.{i},t{}\n", i % 3, i % 4));
    }
    // A row that cannot be read.
    text + "S99,M1\n"
}

/// Decisions of an undisturbed run: of each row of each step.
pub const DECISIONS: usize = 3 + 14 + 14;

/// A folder in memory where there is one: the process dies, not the machine, and no disk is waited for.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A project as it is before each trial.
pub struct Template {
    folder: tempfile::TempDir,
    pub before: Before,
}

impl Template {
    /// With the connector that reads records.
    pub fn new(before: Before) -> Self {
        Self::of(before, CONNECTOR)
    }

    /// With the one that a second run does not change.
    pub fn repeatable(before: Before) -> Self {
        Self::of(before, &repeatable())
    }

    fn of(before: Before, connector: &str) -> Self {
        let desk = Desk { folder: folder() };
        for (name, text) in [("sconn.toml", ""), ("shop.sconn", connector), ("list.csv", &rows(0, 14, "2"))] {
            std::fs::write(desk.path(name), text).unwrap();
        }
        assert_eq!(desk.sconn(&["activate", "shop.sconn"], &[]).code, Some(0));
        let there = match before {
            Before::Empty => None,
            Before::Full => Some(rows(0, 14, "1")),
            Before::Half => Some(rows(0, 7, "1")),
        };
        if let Some(there) = there {
            std::fs::write(desk.path("before.csv"), there).unwrap();
            let seeded = desk.live(&["--input", "before.csv", "--out", "seed", "--no-report"], &[]);
            assert_eq!(seeded.code, Some(1), "{}", seeded.said);
        }
        Self { folder: desk.folder, before }
    }

    pub fn desk(&self) -> Desk {
        let desk = Desk { folder: folder() };
        copy(self.folder.path(), desk.folder.path());
        desk
    }

    /// The points that a live run passes, and how often; whether each is a write.
    pub fn points(&self) -> BTreeMap<String, (usize, bool)> {
        let desk = self.desk();
        let list = desk.path("points");
        assert_eq!(desk.run(&[("SCONN_POINTS", list.to_str().unwrap())]).code, Some(1));
        let mut points = BTreeMap::new();
        for (name, write) in passed(&list) {
            points.entry(name).or_insert((0, write)).0 += 1;
        }
        points
    }
}

/// The points that a run passed, in order; whether each is a write.
pub fn passed(list: &Path) -> Vec<(String, bool)> {
    let text = std::fs::read_to_string(list).unwrap();
    let lines = text.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(kind, name)| (name.to_owned(), kind == "write")).collect()
}

/// Copies a folder as it is.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(path, to).unwrap();
        }
    }
}

/// What a command came to: no code where it was killed.
pub struct Done {
    pub code: Option<i32>,
    pub said: String,
}

/// The project of one trial.
pub struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = command_in(self.folder.path(), args);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).envs(env.iter().copied());
        command
    }

    pub fn sconn(&self, args: &[&str], env: &[(&str, &str)]) -> Done {
        let out = self.command(args, env).output().unwrap();
        Done { code: out.status.code(), said: String::from_utf8_lossy(&out.stderr).into_owned() }
    }

    fn live(&self, more: &[&str], env: &[(&str, &str)]) -> Done {
        let mut args = vec!["run", "shop.sconn", "--live", "--target", "./store.sqlite"];
        args.extend(more);
        self.sconn(&args, env)
    }

    /// The live run.
    pub fn run(&self, env: &[(&str, &str)]) -> Done {
        self.live(&["--input", "list.csv", "--out", "out"], env)
    }

    /// The same input once more.
    pub fn again(&self) -> Done {
        self.live(&["--input", "list.csv", "--out", "again"], &[])
    }

    pub fn resume(&self, env: &[(&str, &str)]) -> Done {
        self.sconn(&["executions", "resume", "out"], env)
    }

    /// How the project's state says that the newest execution stands; nothing where there is none.
    pub fn state(&self) -> String {
        let state = opened(self.path(".sconn/state.sqlite"));
        let sql = "SELECT state FROM executions ORDER BY queued_at DESC, id DESC LIMIT 1";
        state.query_row(sql, [], |r| r.get(0)).optional().unwrap().unwrap_or_default()
    }

    /// How many workers the newest execution has had.
    pub fn workers(&self) -> i64 {
        let state = opened(self.path(".sconn/state.sqlite"));
        let sql = "SELECT epoch FROM executions ORDER BY queued_at DESC, id DESC LIMIT 1";
        state.query_row(sql, [], |r| r.get(0)).unwrap()
    }

    /// Whether the state can be written to.
    pub fn is_free(&self) -> bool {
        let state = opened(self.path(".sconn/state.sqlite"));
        state.busy_timeout(std::time::Duration::from_secs(1)).unwrap();
        state.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
    }

    fn ask(&self, queries: &[&str]) -> Vec<String> {
        let store = opened(self.path("store.sqlite"));
        let mut all = Vec::new();
        for sql in queries {
            let mut statement = store.prepare(sql).unwrap();
            let width = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let cells: Vec<String> =
                    (0..width).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
                all.push(cells.join("|"));
            }
        }
        all
    }

    /// Every record and option, without ids and times.
    pub fn records(&self) -> Vec<String> {
        self.ask(&[
            "SELECT code, name, _archived FROM makers ORDER BY code",
            "SELECT i.sku, i.name, i.price, i.tags, m.code, i._archived
             FROM items i LEFT JOIN makers m ON m.id = i.maker ORDER BY i.sku",
            "SELECT label FROM _sconn_options ORDER BY object, field, position",
        ])
    }

    /// Chunks, rows, creates and updates of each step of an execution, as its journal says.
    pub fn journal(&self, execution: &str) -> BTreeMap<String, [u64; 4]> {
        let sql = "SELECT step, count(*), sum(rows), sum(creates), sum(updates) FROM _sconn_journal
                   WHERE execution = ?1 GROUP BY step";
        let Ok(store) = rusqlite::Connection::open(self.path("store.sqlite")) else { return BTreeMap::new() };
        let Ok(mut statement) = store.prepare(sql) else { return BTreeMap::new() };
        let count = |r: &rusqlite::Row<'_>, at| r.get::<_, i64>(at).map(|n| n as u64);
        let rows = statement.query_map([execution], |r| {
            Ok((r.get(0)?, [count(r, 1)?, count(r, 2)?, count(r, 3)?, count(r, 4)?]))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// All that must be the same after a run that was disturbed.
    pub fn outcome(&self, out: &str) -> Outcome {
        let run = Execution::read(&self.path(out));
        let mut trail = self.ask(&["SELECT count(*) FROM _sconn_before"]);
        let journal = "SELECT step, chunk, first_row, rows, creates, updates FROM _sconn_journal
                       WHERE execution = '{}' ORDER BY 1, 2";
        trail.extend(self.ask(&[&journal.replace("{}", &run.id)]));
        let Execution { summary, decisions, .. } = run;
        let report = files::report(&self.path(out).join("report.xlsx"), self.folder.path());
        let csvs = files::unzipped(&self.path(out).join("sql-output.zip"));
        let (records, state) = (self.records(), self.state());
        Outcome { records, trail, summary, decisions, report, csvs, state }
    }
}

/// What a run left, without times and ids.
#[derive(Debug)]
pub struct Outcome {
    pub records: Vec<String>,
    pub trail: Vec<String>,
    pub decisions: Vec<String>,
    pub summary: Value,
    pub report: Vec<String>,
    pub csvs: Vec<(String, Vec<u8>)>,
    pub state: String,
}

impl Outcome {
    /// Says the first difference.
    pub fn assert_is(&self, expected: &Outcome, what: &str) {
        for (was, is) in [
            (&expected.records, &self.records),
            (&expected.trail, &self.trail),
            (&expected.decisions, &self.decisions),
            (&expected.report, &self.report),
        ] {
            let differs = was.iter().zip(is).find(|(was, is)| was != is);
            assert!(differs.is_none(), "{what}: {differs:#?}");
            assert_eq!(was.len(), is.len(), "{what}");
        }
        assert_eq!(self.summary, expected.summary, "{what}: summary");
        let names = |outcome: &Self| outcome.csvs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(self), names(expected), "{what}: SQL output");
        for ((name, is), (_, was)) in self.csvs.iter().zip(&expected.csvs) {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            assert!(is == was, "{what}: {name}: {} {}", text(was), text(is));
        }
        assert_eq!(self.state, expected.state, "{what}");
    }
}

/// What an execution left in its folder.
pub struct Execution {
    pub id: String,
    pub summary: Value,
    decisions: Vec<String>,
}

impl Execution {
    pub fn read(out: &Path) -> Self {
        let mut summary = summary(out).unwrap();
        let fields = summary.as_object_mut().unwrap();
        let id = fields.remove("execution").unwrap();
        for name in ["started", "ended"] {
            fields.remove(name).unwrap();
        }
        // Their paths are those of the folder.
        let artefacts = fields["artefacts"].as_object_mut().unwrap();
        artefacts.values_mut().for_each(|v| *v = Path::new(v.as_str().unwrap()).is_absolute().into());
        let stages = fields["stages"].as_array_mut().unwrap();
        stages.iter_mut().for_each(|s| drop(s.as_object_mut().unwrap().remove("seconds")));
        Self {
            id: id.as_str().unwrap().to_owned(),
            summary,
            decisions: decisions(&out.join("decisions.parquet")),
        }
    }
}

/// The summary of a folder; none where there is none.
pub fn summary(out: &Path) -> Option<Value> {
    let bytes = std::fs::read(out.join("summary.json")).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// Every decision of every step, with numbers for ids.
fn decisions(path: &Path) -> Vec<String> {
    let reader = DecisionReader::open(path).unwrap();
    let mut all = Vec::new();
    for step in reader.steps() {
        for decision in reader.step(&step.name).unwrap() {
            let mut decision = decision.unwrap();
            decision.committed =
                decision.committed.map(|c| Committed { at: jiff::Timestamp::UNIX_EPOCH, ..c });
            all.push(format!("{} {decision:?}", step.name));
        }
    }
    number_ids(&mut all);
    all
}

/// Puts numbers in the place of ids, as they come up: what they link is seen.
fn number_ids(all: &mut [String]) {
    let mut ids: Vec<String> = Vec::new();
    for line in all {
        let mut out = String::new();
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let id = rest.get(..36).filter(|t| uuid::Uuid::try_parse(t).is_ok());
            let Some(id) = id else {
                let next = rest.chars().next().unwrap();
                out.push(next);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            let number = ids.iter().position(|i| i == id).unwrap_or_else(|| {
                ids.push(id.to_owned());
                ids.len() - 1
            });
            out.push_str(&format!("<record {number}>"));
            rest = &rest[36..];
        }
        *line = out;
    }
}

/// The times of a point at which a trial is made: each where all are asked for, otherwise some of them.
pub fn times(passed: usize, some: &[usize]) -> Vec<usize> {
    let all = std::env::var_os("SCONN_ALL_TRIALS").is_some();
    (1..=passed).filter(|time| all || passed < 9 && *time == passed || some.contains(time)).collect()
}

/// Does the trials, several at once: most of each is waiting for a process to begin.
pub fn at_once<T: Sync>(trials: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(trial);
                }
            });
        }
    });
}

/// Numbers that look like chance and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    /// One of `0..many`.
    pub fn below(&mut self, many: usize) -> usize {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % many.max(1) as u64) as usize
    }
}
