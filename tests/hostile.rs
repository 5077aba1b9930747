//! What comes when it is not what was asked for: broken files, locked stores, full disks, Ctrl-C. Each
//! time: what is wrong, where, and what to do; and nothing half-written.

mod ends;
mod files;
mod targets;
mod values;
mod workbooks;

use crate::common::{Run, run_with, sql};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A folder with the connector `list.sconn`.
struct Desk {
    folder: tempfile::TempDir,
}

const LIST: &str = r#"
connector list {
  name    "List"
  trigger spreadsheet
  chunk   5
}

object items "Items" {
  name:  text required
  sku:   text unique
  price: decimal
  kind:  dropdown ["new", "used"]
}

input list {
  sku:   "SKU"
  price: "Unit Price"
  kind:  "Kind" optional
}

param least: number = 0

scope items from input.list {
  sku:   string required
  price: number
  kind:  string
}

load items into items {
  match sku with sku
  map {
    name  <- sku
    sku   <- sku
    price <- price overwrite
    kind  <- kind  overwrite
  }
}
"#;

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.file("list.sconn", LIST);
        desk
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.at(name), bytes).unwrap();
        self.at(name).display().to_string()
    }

    /// Another connector: [`LIST`] with something else in the place of something.
    fn variant(&self, from: &str, to: &str) -> String {
        assert!(LIST.contains(from), "{from}");
        self.file("variant.sconn", LIST.replace(from, to))
    }

    fn list(&self) -> String {
        self.at("list.sconn").display().to_string()
    }

    /// Runs a connector live on the desk's store.
    fn live(&self, connector: &str, files: &[&str]) -> Run {
        self.with(connector, files, &["--live"])
    }

    fn with(&self, connector: &str, files: &[&str], more: &[&str]) -> Run {
        let run = run_with(self.path(), connector, files, more);
        assert_sane(&run);
        run
    }

    /// A store with two records in it.
    fn filled(self) -> Self {
        let good = self.file("good.csv", "SKU,Unit Price,Kind\n0870,1.50,new\nSEPT2,2.50,used\n");
        let run = self.live(&self.list(), &[&good]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        self
    }

    fn has_store(&self) -> bool {
        self.at("store.sqlite").exists()
    }

    /// All that the store holds.
    fn dump(&self) -> Vec<String> {
        let mut all = sql(self.path(), "SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2");
        for table in sql(self.path(), "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1") {
            let mut rows = sql(self.path(), &format!("SELECT '{table}', * FROM \"{table}\""));
            rows.sort();
            all.extend(rows);
        }
        all
    }
}

/// What holds of every run, however it ended.
fn assert_sane(run: &Run) {
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    assert!((0..=2).contains(&run.code), "exit {}: {said}", run.code);
    if let Some(state) = run.summary["state"].as_str() {
        assert_eq!(i64::from(run.code), run.summary["exit_status"].as_i64().unwrap());
        let expected = match state {
            "completed" => 0,
            "completed_with_errors" | "cancelled" => 1,
            _ => 2,
        };
        assert_eq!(run.code, expected, "{state}");
    }
}

fn failure(run: &Run) -> String {
    run.summary["failure"].as_str().unwrap_or_default().to_owned()
}

/// Asserts that a text has each of these in it.
fn assert_says(text: &str, expected: &[&str]) {
    for part in expected {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

fn notices(run: &Run) -> String {
    let notices = run.summary["notices"].as_array().unwrap();
    notices.iter().map(|n| format!("{}\n", n.as_str().unwrap())).collect()
}

/// A ZIP of these files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with one sheet `list` of these texts.
fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("list").unwrap();
    for (r, row) in rows.iter().enumerate() {
        for (c, cell) in row.iter().enumerate() {
            sheet.write_string(r as u32, c as u16, *cell).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}
