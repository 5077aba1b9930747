//! The rooms and their arrows, as `docs/architecture.md` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

struct Room {
    may_use: BTreeSet<String>,
    world: BTreeSet<String>,
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()
}

fn rooms() -> BTreeMap<String, Room> {
    let text = fs::read_to_string("docs/architecture.md").unwrap();
    let rows = text.lines().filter(|l| l.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 4, "four columns: {line}");
        let name = cells[0].trim().trim_matches('`').to_owned();
        (name, Room { may_use: words(cells[2]), world: words(cells[3]) })
    })
    .collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// (room, file, code without comments and tests) of every source file.
fn code() -> Vec<(String, PathBuf, String)> {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    files
        .into_iter()
        .filter(|f| {
            f.file_stem().is_none_or(|s| s != "tests") && !f.components().any(|c| c.as_os_str() == "tests")
        })
        .filter_map(|f| {
            let room =
                f.components().nth(1)?.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&f).unwrap();
            let code: Vec<&str> =
                without_tests(&text).lines().map(|l| l.split("//").next().unwrap_or_default()).collect();
            Some((room, f, code.join("\n")))
        })
        .filter(|(room, _, _)| room != "lib" && room != "main")
        .collect()
}

/// A file's text without its unit tests, which may use anything: a module of them stands at its end. Where they are
/// in a file of their own, the rest of this one is none.
fn without_tests(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text[from..].find("#[cfg(test)]").map(|at| from + at) {
        let item = text[at..]
            .lines()
            .find(|l| !l.trim_start().starts_with("#[") && !l.trim_start().starts_with("#!["));
        if item.is_some_and(|l| l.contains("mod ") && l.trim_end().ends_with('{')) {
            return &text[..at];
        }
        from = at + 1;
    }
    text
}

#[test]
fn only_a_module_of_tests_is_left_out() {
    let code = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {}\n";
    assert_eq!(without_tests(code), code);
    let tests = "#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests {\n}\n";
    assert_eq!(without_tests(&format!("{code}{tests}")), code);
}

#[test]
fn every_room_is_in_the_table_and_every_row_is_a_room() {
    let on_disk: BTreeSet<String> = code().into_iter().map(|(room, _, _)| room).collect();
    let in_table: BTreeSet<String> = rooms().into_keys().collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn a_room_uses_only_what_its_row_names() {
    let rooms = rooms();
    let mut wrong = Vec::new();
    for (room, file, code) in code() {
        for other in rooms.keys().filter(|o| **o != room) {
            let uses = [format!("crate::{other}::"), format!("crate::{other};"), format!("crate::{{{other}")];
            if uses.iter().any(|u| code.contains(u)) && !rooms[&room].may_use.contains(other) {
                wrong.push(format!("{}: {room} may not use {other}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rooms on a way from a room back to itself; none where there is no such way.
fn circle<'a>(
    rooms: &'a BTreeMap<String, Room>,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> bool {
    let here = *way.last().unwrap();
    for next in rooms[here].may_use.iter().map(String::as_str) {
        if way.contains(&next) {
            way.push(next);
            return true;
        }
        if done.contains(next) {
            continue;
        }
        way.push(next);
        if circle(rooms, way, done) {
            return true;
        }
        way.pop();
    }
    done.insert(here);
    false
}

#[test]
fn the_arrows_name_rooms_and_make_no_circle() {
    let rooms = rooms();
    for (name, room) in &rooms {
        let unknown: Vec<_> = room.may_use.iter().filter(|o| !rooms.contains_key(*o)).collect();
        assert!(unknown.is_empty(), "{name} may use what is no room: {unknown:?}");
    }
    let mut done = BTreeSet::new();
    for name in rooms.keys() {
        let mut way = vec![name.as_str()];
        assert!(!circle(&rooms, &mut way, &mut done), "the arrows go in a circle: {}", way.join(" → "));
    }
}

#[test]
fn a_circle_of_arrows_would_be_seen() {
    let room = |uses: &str| Room { may_use: words(uses), world: BTreeSet::new() };
    let rooms: BTreeMap<String, Room> =
        [("a", "b"), ("b", "c, d"), ("c", ""), ("d", "a")].map(|(n, u)| (n.to_owned(), room(u))).into();
    let mut way = vec!["a"];
    assert!(circle(&rooms, &mut way, &mut BTreeSet::new()));
    assert_eq!(way, ["a", "b", "d", "a"]);
}

#[test]
fn each_great_library_has_one_room() {
    let owners = [
        ("pest", "syntax"),
        ("salsa", "model"),
        ("clap", "cli"),
        ("rusqlite", "target, project"),
        ("calamine", "input"),
        ("rust_xlsxwriter", "report"),
        ("parquet", "report"),
        ("miette", "diagnostic"),
        ("indicatif", "cli"),
        ("lettre", "notify"),
    ];
    let mut wrong = Vec::new();
    for (room, file, code) in code() {
        for (library, owner) in owners {
            if !owner.split(", ").any(|o| o == room) && code.contains(&format!("{library}::")) {
                wrong.push(format!("{}: only {owner} may use {library}", file.display()));
            }
        }
        let engine = code.replace("datafusion::arrow", "").contains("datafusion::");
        if room != "sql" && engine {
            wrong.push(format!("{}: only sql may use the engine", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_outside_world_is_touched_only_where_the_table_says() {
    let world: [(&str, &[&str]); 4] = [
        ("files", &["std::fs", "fs::read", "File::open", "File::create", "tempfile::"]),
        ("clock", &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"]),
        ("environment", &["std::env", "env::var"]),
        ("network", &["std::net", "tokio::net"]),
    ];
    let rooms = rooms();
    let mut wrong = Vec::new();
    for (room, file, code) in code() {
        for (what, signs) in world {
            for sign in signs.iter().filter(|s| code.contains(**s)) {
                if !rooms[&room].world.contains(what) {
                    wrong.push(format!("{}: {room} may not touch {what} ({sign})", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_below_the_choice_of_target_asks_whether_the_run_is_dry() {
    let asking = ["dry_run", "is_dry", "is_live", "Mode::Dry", "Mode::Live"];
    for (room, file, code) in code() {
        if ["input", "load", "run", "value"].contains(&room.as_str()) {
            for word in asking {
                assert!(!code.contains(word), "{} asks {word}", file.display());
            }
        }
    }
}

#[test]
fn no_file_has_outgrown_its_room() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    sources(Path::new("tests"), &mut files);
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 700, "{} has {lines} lines: a second room wants out", file.display());
    }
}

/// `cargo run` and then `cargo test` build every dependency once: nothing that tests use asks for a
/// feature that the program does without. The engine alone takes minutes.
#[test]
fn the_tests_ask_for_no_feature_that_the_program_does_not() {
    let packages = |edges: &str| -> BTreeSet<String> {
        let out = std::process::Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--offline",
                "--prefix",
                "none",
                "--format",
                "{p} {f}",
                "--edges",
                edges,
            ])
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|l| l.trim_end_matches(" (*)").to_owned()).collect()
    };
    let (program, tests) = (packages("normal,build"), packages("normal,build,dev"));
    assert!(program.len() > 100, "{program:?}");
    let other: Vec<&String> = program.difference(&tests).collect();
    assert!(other.is_empty(), "built once more for the tests, with other features: {other:#?}");
}
