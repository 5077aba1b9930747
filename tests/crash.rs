//! kill -9 at every named point of an execution: resumed, it ends as an undisturbed one does, each row
//! exactly once, with the same records and the same report.

use crate::common::sconn_in;
use sconn::load::Committed;
use sconn::report::DecisionReader;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CONNECTOR: &str = r#"
connector shop {
  name    "Shop"
  trigger spreadsheet
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

/// What the store holds before the run.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// Nothing: every row creates.
    Empty,
    /// All of it, with other prices: every row updates.
    Full,
    /// Half of it.
    Half,
}

/// A folder with the connector, its input, and a store in the given state.
struct Desk {
    folder: tempfile::TempDir,
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
    text
}

impl Desk {
    fn new(before: Before) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(desk.path("shop.sconn"), CONNECTOR).unwrap();
        std::fs::write(desk.path("list.csv"), rows(0, 14, "2")).unwrap();
        let there = match before {
            Before::Empty => return desk,
            Before::Full => rows(0, 14, "1"),
            Before::Half => rows(0, 7, "1"),
        };
        std::fs::write(desk.path("before.csv"), there).unwrap();
        let seeded = desk.command(&["--input", "before.csv", "--out", "seed"], None);
        assert_eq!(seeded, Some(1), "one row has no key");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `sconn run … --live`; none where it was killed.
    fn command(&self, more: &[&str], crash: Option<&str>) -> Option<i32> {
        let mut args = vec!["run", "shop.sconn", "--live", "--target", "./store.sqlite"];
        args.extend(more);
        start(self.folder.path(), &args, crash)
    }

    /// The live run; the exit code, or none where it was killed.
    fn run(&self, crash: Option<&str>) -> Option<i32> {
        self.command(&["--input", "list.csv", "--out", "out"], crash)
    }

    fn resume(&self, crash: Option<&str>) -> Option<i32> {
        start(self.folder.path(), &["executions", "resume", "out"], crash)
    }

    /// All that must be the same: records, journal, counts, and every cell of the decisions.
    fn outcome(&self) -> (Vec<String>, Value, Vec<String>) {
        let run = Execution::read(&self.path("out"));
        let store = rusqlite::Connection::open(self.path("store.sqlite")).unwrap();
        let mut records = Vec::new();
        for sql in [
            "SELECT code, name, _archived FROM makers ORDER BY code",
            "SELECT i.sku, i.name, i.price, i.tags, m.code FROM items i LEFT JOIN makers m ON m.id = i.maker ORDER BY i.sku",
            "SELECT step, chunk, first_row, rows, creates, updates FROM _sconn_journal WHERE execution = '{execution}' ORDER BY 1, 2",
            "SELECT label FROM _sconn_options ORDER BY object, field, position",
            "SELECT count(*) FROM _sconn_before",
        ] {
            let mut statement = store.prepare(&sql.replace("{execution}", &run.id)).unwrap();
            let width = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let cells: Vec<String> =
                    (0..width).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
                records.push(cells.join("|"));
            }
        }
        (records, run.summary, run.decisions)
    }
}

fn start(folder: &Path, args: &[&str], crash: Option<&str>) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sconn"));
    command.current_dir(folder).args(args).stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(point) = crash {
        command.env("SCONN_CRASH_AT", point);
    }
    let out = command.output().unwrap();
    if let Some(code) = out.status.code() {
        assert!(code < 2, "{}", String::from_utf8_lossy(&out.stderr));
    }
    out.status.code()
}

/// What an execution left, without times and ids.
struct Execution {
    id: String,
    summary: Value,
    decisions: Vec<String>,
}

impl Execution {
    fn read(out: &Path) -> Self {
        let mut summary: Value =
            serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).unwrap();
        let fields = summary.as_object_mut().unwrap();
        let id = fields.remove("execution").unwrap();
        for name in ["started", "ended"] {
            fields.remove(name).unwrap();
        }
        let stages = fields["stages"].as_array_mut().unwrap();
        stages.iter_mut().for_each(|s| drop(s.as_object_mut().unwrap().remove("seconds")));
        assert!(!out.join(".work").exists(), "scratch files are gone");
        assert!(out.join("report.xlsx").is_file() && out.join("sql-output.zip").is_file());
        Self {
            id: id.as_str().unwrap().to_owned(),
            summary,
            decisions: decisions(&out.join("decisions.parquet")),
        }
    }
}

/// Every decision of every step. Ids are numbered as they come up, so that what they link is seen.
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
    let mut ids: Vec<String> = Vec::new();
    for line in &mut all {
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
    all
}

#[test]
fn an_execution_killed_anywhere_and_resumed_ends_as_an_undisturbed_one() {
    let mut trials = 0;
    for before in [Before::Empty, Before::Full, Before::Half] {
        let calm = Desk::new(before);
        assert_eq!(calm.run(None), Some(1));
        let expected = calm.outcome();
        assert_eq!(expected.2.len(), 3 + 14 + 14, "a decision for each row of each step");
        for point in ["frozen", "read", "queried", "prepared", "checkpoint", "loaded", "reported"] {
            trials += 1;
            disturbed(before, &[point], &expected);
        }
        // Three steps of one, four and four chunks.
        for point in ["before begin", "decided", "logged", "committed"] {
            for time in 1..=9 {
                trials += 1;
                disturbed(before, &[&format!("{point}#{time}")], &expected);
            }
        }
        // Again and again, each time a little further.
        trials += 1;
        disturbed(before, &["logged#2", "committed#3", "decided#4", "before begin#8", "reported"], &expected);
    }
    assert!(trials >= 120, "{trials}");
}

fn disturbed(before: Before, points: &[&str], expected: &(Vec<String>, Value, Vec<String>)) {
    let desk = Desk::new(before);
    let (first, later) = points.split_first().unwrap();
    assert_eq!(desk.run(Some(first)), None, "{before:?} {first}: the point was not passed");
    for point in later {
        assert_eq!(desk.resume(Some(point)), None, "{before:?} {point}: the point was not passed");
    }
    assert_eq!(desk.resume(None), Some(1), "{before:?} {points:?}");
    let outcome = desk.outcome();
    for (was, is) in [(&expected.0, &outcome.0), (&expected.2, &outcome.2)] {
        let differs = was.iter().zip(is).find(|(was, is)| was != is);
        assert!(differs.is_none(), "{before:?} {points:?}: {differs:#?}");
        assert_eq!(was.len(), is.len(), "{before:?} {points:?}");
    }
    assert_eq!(outcome.1, expected.1, "{before:?} {points:?}: summary");
}

#[test]
fn what_cannot_be_resumed_is_told() {
    let desk = Desk::new(Before::Empty);
    assert_eq!(desk.run(None), Some(1));
    let again = sconn_in(desk.folder.path(), &["executions", "resume", "out"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("there is nothing to resume in"), "{}", again.stderr);
    let none = sconn_in(desk.folder.path(), &["executions", "resume", "nowhere"]);
    assert!(none.stderr.contains("there is no execution nowhere"), "{}", none.stderr);
    assert_eq!(desk.run(Some("logged#2")), None);
    std::fs::write(desk.path("out/input/list.csv"), rows(0, 5, "2")).unwrap();
    let changed = sconn_in(desk.folder.path(), &["executions", "resume", "out"]);
    assert_eq!(changed.code, 2);
    assert!(changed.stderr.contains("list.csv has changed since the execution began"), "{}", changed.stderr);
    // What hinders a resume does not make it impossible.
    std::fs::write(desk.path("out/input/list.csv"), rows(0, 14, "2")).unwrap();
    let store = desk.path("store.sqlite");
    std::fs::rename(&store, desk.path("away.sqlite")).unwrap();
    std::fs::create_dir(&store).unwrap();
    let no_target = sconn_in(desk.folder.path(), &["executions", "resume", "out"]);
    assert_eq!(no_target.code, 2);
    assert!(no_target.stderr.contains("this is a folder"), "{}", no_target.stderr);
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(desk.path("away.sqlite"), &store).unwrap();
    assert_eq!(desk.resume(None), Some(1));
    assert_eq!(desk.outcome().2.len(), 3 + 14 + 14);
}
