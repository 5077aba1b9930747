//! A small project in a folder of its own, and the program at work in it.

use super::{Output, command_in, output_of};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A connector that loads a list of two columns, two rows a chunk.
pub const SHOP: &str = r#"
connector shop {
  name    "Shop"
  trigger spreadsheet
  sample  "good.csv"
  chunk   2
}

object items "Items" {
  name:  text required
  sku:   text unique
  price: decimal
}

input list {
  sku:   "SKU"
  price: "Price" optional
}

scope items from input.list {
  sku:   string required
  price: number
}

load items into items {
  match sku with sku
  map {
    name  <- sku
    sku   <- sku
    price <- price overwrite
  }
}
"#;

/// [`SHOP`] with more settings.
pub fn shop(settings: &str) -> String {
    SHOP.replacen("  chunk   2\n", &format!("  chunk   2\n{settings}\n"), 1)
}

/// Three rows, in the folder of every shop as `good.csv`.
pub const GOOD: &str = "SKU,Price\na,1\nb,2\nc,3\n";

/// A process that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Lets one go on that sleeps.
    pub fn wake(&self) {
        let kill = Command::new("kill").args(["-CONT", &self.0.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// The exit code of one that [`Project::sleeps_at`] gave, and what it said.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }
}

/// What a look finds, once it finds something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "it never was so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for something to be so.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    until(what, || is_so().then_some(()));
}

/// A database that somebody else may be writing to, which is waited for as long as for anything else here.
///
/// It looks for a gap a thousand times a second: SQLite's own waiting looks ten times, and one that writes
/// chunk after chunk on a busy machine may have it locked each time.
pub fn opened(database: impl AsRef<Path>) -> rusqlite::Connection {
    let mut connection = rusqlite::Connection::open(database).unwrap();
    let wait = |tries| {
        std::thread::sleep(Duration::from_millis(1));
        tries < 120_000
    };
    connection.busy_handler(Some(wait)).unwrap();
    connection
}

/// A database that nobody else can write to, while this is kept.
pub fn locked(database: impl AsRef<Path>) -> rusqlite::Connection {
    let connection = opened(database);
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// A project; its folder goes with it.
pub struct Project {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Project {
    /// A folder `warehouse` with this `sconn.toml`, and nothing else.
    pub fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = Self { path: folder.path().join("warehouse"), _folder: folder };
        project.file("sconn.toml", toml);
        project
    }

    /// A project with that connector `shop`, which is not active, and a good and a bad list for it.
    pub fn with_shop(connector: &str, toml: &str) -> Self {
        let project = Self::new(toml);
        project.file("shop.sconn", connector);
        project.file("good.csv", GOOD);
        // A row without its key is left out.
        project.file("bad.csv", "SKU,Price\nd,1\n,2\n");
        project
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        command_in(&self.path, args)
    }

    pub fn sconn(&self, args: &[&str]) -> Output {
        output_of(self.command(args))
    }

    /// Runs a command that must end with that code.
    pub fn ends(&self, code: i32, args: &[&str]) -> Output {
        let done = self.sconn(args);
        assert_eq!(done.code, code, "{args:?}: {}{}", done.stdout, done.stderr);
        done
    }

    /// What a command tells programs.
    pub fn json(&self, args: &[&str]) -> Value {
        let done = self.ends(0, &[args, &["--format", "json"]].concat());
        serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", done.stdout))
    }

    /// Starts a command that nobody listens to.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = self.command(args);
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Runs a command that dies at a point.
    pub fn dies_at(&self, point: &str, args: &[&str]) {
        self.dies_in(&[], point, args);
    }

    /// The same, in another environment.
    pub fn dies_in(&self, env: &[(&str, &str)], point: &str, args: &[&str]) {
        let mut command = self.command(args);
        command.envs(env.iter().copied()).env("SCONN_CRASH_AT", point);
        let done = output_of(command);
        assert_eq!(done.code, -1, "nothing passes the point {point}: {}", done.stderr);
    }

    /// Starts a command that sleeps at a point; gives it once it does.
    pub fn sleeps_at(&self, point: &str, args: &[&str]) -> Running {
        self.sleeps_in(&[], point, args)
    }

    /// The same, in another environment.
    pub fn sleeps_in(&self, env: &[(&str, &str)], point: &str, args: &[&str]) -> Running {
        let mut command = self.command(args);
        command.envs(env.iter().copied());
        command.env("SCONN_SLEEP_AT", point).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Running(command.spawn().unwrap());
        let stat = format!("/proc/{}/stat", process.0.id());
        eventually(point, || {
            assert!(process.0.try_wait().unwrap().is_none(), "it ended before {point}");
            std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "))
        });
        process
    }

    /// Runs the queue until nothing is left; gives what was said.
    pub fn work(&self) -> String {
        self.work_with(&[])
    }

    /// The same, in another environment.
    pub fn work_with(&self, env: &[(&str, &str)]) -> String {
        let mut command = self.command(&["work", "--until-empty"]);
        command.envs(env.iter().copied());
        let done = output_of(command);
        assert_eq!(done.code, 0, "{}", done.stderr);
        done.stderr
    }

    /// Queues a live run of the shop; gives its id.
    pub fn submit(&self, input: &str) -> String {
        let args = ["submit", "shop.sconn", "--input", input, "--live", "--no-report"];
        self.ends(0, &args).stdout.trim().to_owned()
    }

    /// Every execution, the newest first.
    pub fn executions(&self) -> Vec<Value> {
        self.json(&["executions", "list", "--limit", "100000"]).as_array().unwrap().clone()
    }

    pub fn execution(&self, id: &str) -> Value {
        self.json(&["executions", "show", id])
    }

    /// How an execution stands.
    pub fn state(&self, id: &str) -> String {
        self.execution(id)["state"].as_str().unwrap().to_owned()
    }

    /// The folder of an execution.
    pub fn folder(&self, id: &str) -> PathBuf {
        self.at(".sconn/executions").join(id)
    }

    pub fn summary(&self, id: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder(id).join("summary.json")).unwrap()).unwrap()
    }

    /// The status of the only connector.
    pub fn status(&self) -> String {
        self.json(&["status"])[0]["status"].as_str().unwrap().to_owned()
    }

    /// How many records of an object the store holds.
    pub fn count(&self, object: &str) -> i64 {
        let store = self.at(".sconn/store.sqlite");
        if !store.exists() {
            return 0;
        }
        let store = rusqlite::Connection::open(store).unwrap();
        store.query_row(&format!("SELECT count(*) FROM {object}"), [], |r| r.get(0)).unwrap()
    }

    /// The project's state, as SQLite reads it.
    pub fn database(&self) -> rusqlite::Connection {
        opened(self.at(".sconn/state.sqlite"))
    }
}
