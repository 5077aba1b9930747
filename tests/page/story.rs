//! The whole story in Chromium: `story.py` does what a person does, and this starts it.

use super::desk::Desk;
use crate::common::project::SHOP;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python with Playwright and axe, in a virtual environment beside the build's other files.
fn python() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tmp-python-page");
    let python = home.join("bin/python");
    let asked = Command::new(&python).args(["-c", "import playwright, axe_playwright_python"]).output();
    if asked.is_ok_and(|o| o.status.success()) {
        return python;
    }
    let must = |command: &mut Command, mend: &str| {
        let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}: {mend}"));
        assert!(done.status.success(), "{mend}\n{}", String::from_utf8_lossy(&done.stderr));
    };
    must(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home),
        "install Python's venv: apt-get install python3-venv",
    );
    let packages = ["-m", "pip", "install", "-q", "playwright==1.65.2", "axe-playwright-python==0.1.8"];
    must(
        Command::new(&python).args(packages),
        "playwright and axe come from the Python package index: is there a network?",
    );
    python
}

fn chromium() -> &'static str {
    let known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = known.into_iter().find(|p| Path::new(p).exists());
    found.expect("the page is tested in Chromium: apt-get install chromium")
}

/// From logging in to the report, with a cancel in the middle; on the way each page is looked at by axe,
/// in light and dark, and at a width of 360 pixels. `SCONN_WRITE=1` draws the pictures in `docs` anew.
#[test]
fn the_whole_story_in_a_browser() {
    let desk = Desk::new();
    let fleet = desk.path().join("fleet");
    std::fs::create_dir_all(fleet.join("samples")).unwrap();
    for file in ["fleet.sconn", "fleet_schema.sconn", "samples/fleet.zip"] {
        std::fs::copy(Path::new("examples/fleet").join(file), fleet.join(file)).unwrap();
    }
    let long: String = (0..20_000).map(|i| format!("k{i},{i}\n")).collect();
    std::fs::write(desk.path().join("long.csv"), format!("SKU,Price\n{long}")).unwrap();
    std::fs::write(desk.path().join("bad.csv"), "SKU,Price\na,5\n,2\nnew,x\n").unwrap();
    let pictures = match std::env::var_os("SCONN_WRITE") {
        Some(_) => PathBuf::from("docs/pictures"),
        None => desk.path().join("pictures"),
    };
    played("story.py", &desk, &[&pictures]);
}

/// Runs a script in the browser, as somebody who may do everything.
fn played(script: &str, desk: &Desk, more: &[&Path]) {
    let told = Command::new(python())
        .arg(Path::new("tests/page").join(script))
        .args([&desk.address, &desk.token("ann", "admin"), chromium()])
        .arg(desk.path())
        .args(more)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{said}");
    assert!(said.contains("the end"), "{said}");
}

/// A connector with many nodes, of names that are long and begin alike.
fn wide() -> String {
    let mut out = "connector wide { name \"Wide\" trigger spreadsheet }\n\
                   input list { sku: \"SKU\"  price: \"Price\" }\n"
        .to_owned();
    for i in 0..4 {
        let from = if i == 0 { "input.list".to_owned() } else { format!("view_{}", i - 1) };
        out += &format!("view view_{i} = sql {{ SELECT sku, price FROM {from} }}\n");
    }
    for i in 0..14 {
        out += &format!(
            "object thing_with_a_long_name_{i} \"WIDE THING WITH A LONG NAME {i}\" {{ name: text required }}\n\
             scope scope_with_a_long_name_{i} {{ sql {{ SELECT sku FROM view_{} }}  sku: string required }}\n\
             load step_with_a_long_name_{i} from scope_with_a_long_name_{i} into thing_with_a_long_name_{i} {{\n\
             match name with sku\n map {{ name <- sku }}\n}}\n",
            i % 4
        );
    }
    out
}

/// What runs is kept up to date: stage, menu and notices, in one request a page. Long names stay readable.
#[test]
fn a_page_that_somebody_watches() {
    let desk = Desk::new();
    desk.file("wide.sconn", &wide());
    let long: String = (0..20_000).map(|i| format!("k{i},{i}\n")).collect();
    desk.file("long.csv", &format!("SKU,Price\n{long}"));
    played("watched.py", &desk, &[]);
}

/// What a reader holds (an open menu, the focus, a tick) stays theirs, also on pages that were opened while
/// nothing went on.
#[test]
fn what_a_reader_holds_is_not_taken_away() {
    let desk = Desk::new();
    desk.file(
        "orders.sconn",
        "connector orders {\n  name \"Orders\"\n  trigger webhook { verify nothing }\n}\n",
    );
    played("held.py", &desk, &[]);
}

const LONG_WORD: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

/// Words and values without a place to break fit a narrow window, and texts from right to left turn nothing around.
#[test]
fn a_page_in_a_narrow_window() {
    let desk = Desk::new();
    let connector = SHOP
        .replace("connector shop", "connector lang")
        .replace("\"Shop\"", &format!("{LONG_WORD:?}"))
        .replace("name  <- sku", "name  <- note overwrite")
        .replace("sku:   string required", "sku:   string required\n  note:  string")
        .replace("sku:   \"SKU\"", "sku:   \"SKU\"\n  note:  \"Note\" optional");
    let connector = format!("{connector}\nparam {}: string = \"EMEA\"\n", "p".repeat(63));
    desk.file("lang.sconn", &connector);
    let ann = desk.logged_in("anna", "admin");
    assert_eq!(
        ann.post("/connectors/lang/activation", &[("to", "on")]).header("location"),
        "/connectors/lang"
    );
    let run = |mode: &str, note: &str| {
        let text = format!("SKU,Note,Price\na,{note},{}\n", "x".repeat(80));
        let fields = [("csrf", ann.csrf.as_str()), ("mode", mode)];
        let id = ann.send_form("lang", &fields, &[("list.csv", &text)]).id();
        desk.ended(&id);
        id
    };
    run("live", "שלום אחת");
    let dry = run("dry", "עולם שתיים");
    let runs = desk.waits(&ann, ("good.csv", "SKU,Price\na,1\n"));
    let sql = "UPDATE executions SET state = 'running', stage = 'writing the report', started_at = queued_at,
               lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds') WHERE id = ?1";
    desk.database().execute(sql, [&runs]).unwrap();
    played("narrow.py", &desk, &[Path::new(&dry), Path::new(&runs)]);
}
