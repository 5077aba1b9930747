//! A file's way out of its folder: what comes under its name meanwhile, and what a slow or hanging disk holds up.

use super::{Desk, NIGHTLY, files, names};
use crate::common::project::{Running, eventually, opened};
use std::process::Command;

/// As where the archive is on another disk.
const TO_ANOTHER_DISK: &[(&str, &str)] = &[("SCONN_FAIL_AT", "move to folder+"), ("SCONN_FAIL_WITH", "18")];

/// As on a disk of the network that knows no renaming that replaces nothing.
const PLAIN_RENAMES: &[(&str, &str)] = &[("SCONN_FAIL_AT", "rename beside+"), ("SCONN_FAIL_WITH", "22")];

/// Which files `list.csv` with one row were loaded, and which are in the archive; nothing else is left of them.
fn loaded_and_archived(desk: &Desk) -> (String, String) {
    let store = opened(desk.at(".sconn/store.sqlite"));
    let all = "SELECT group_concat(sku, '') FROM (SELECT sku FROM items ORDER BY sku)";
    let loaded: String = store.query_row(all, [], |r| r.get(0)).unwrap();
    assert_eq!(desk.executions().len(), loaded.len());
    assert_eq!(names(&desk.at("inbox")), ["archive"]);
    let archive = desk.at("inbox/archive");
    let mut archived: Vec<String> = files(&archive)
        .iter()
        .map(|name| {
            let id = name.strip_prefix("list.").and_then(|n| n.strip_suffix(".csv")).unwrap();
            let [text, kept] = [archive.join(name), desk.folder(id).join("input/list.csv")]
                .map(|path| std::fs::read_to_string(path).unwrap());
            assert_eq!(text, kept, "it has the id of the execution that loaded it");
            text.lines().nth(1).unwrap().split(',').next().unwrap().to_owned()
        })
        .collect();
    archived.sort();
    (loaded, archived.concat())
}

#[test]
fn a_file_that_replaces_one_on_its_way_to_the_archive_is_loaded_too() {
    for (point, env, loaded, archived) in [
        // What was replaced before it was claimed was withdrawn; later on nothing is left to archive.
        ("watched copied", &[][..], "b", "b"),
        ("watched claimed", &[], "ab", "b"),
        ("watched seen", &[], "ab", "b"),
        ("watched seen", PLAIN_RENAMES, "ab", "b"),
        ("watched held", &[], "ab", "ab"),
        ("moved to another disk", TO_ANOTHER_DISK, "ab", "ab"),
    ] {
        let desk = Desk::watching();
        desk.file("inbox/list.csv", "SKU,Price\na,1\n");
        let work = desk.sleeps_in(env, point, &["work", "--until-empty"]);
        // Written and renamed, as whoever delivers files is to do.
        let new = desk.file("new.csv", "SKU,Price\nb,1\n");
        std::fs::rename(new, desk.at("inbox/list.csv")).unwrap();
        work.wake();
        let (code, said) = work.ends();
        assert_eq!(code, Some(0), "{point} {env:?}: {said}");
        let expected = (loaded.to_owned(), archived.to_owned());
        assert_eq!(loaded_and_archived(&desk), expected, "{point} {env:?}: {said}");
    }
}

#[test]
fn a_process_that_dies_over_a_file_on_its_way_to_another_disk_leaves_it_to_the_next() {
    for point in ["watched held", "moved to another disk", "watched moved"] {
        let desk = Desk::watching();
        desk.file("inbox/list.csv", "SKU,Price\na,1\n");
        desk.dies_in(TO_ANOTHER_DISK, point);
        desk.file("inbox/list.csv", "SKU,Price\nb,1\n");
        desk.work_with(TO_ANOTHER_DISK);
        assert_eq!(loaded_and_archived(&desk), ("ab".into(), "ab".into()), "{point}");
        assert_eq!(desk.work(), "", "{point}: nothing is left to do");
    }
}

/// Somebody died over `a`, and what was held instead of it is `b`.
fn held_another() -> Desk {
    let desk = Desk::watching();
    desk.file("inbox/list.csv", "SKU,Price\na,1\n");
    desk.dies_at("watched held");
    let held = names(&desk.at("inbox")).into_iter().find(|n| n.starts_with(".list.")).unwrap();
    desk.file(&format!("inbox/{held}"), "SKU,Price\nb,1\n");
    desk
}

#[test]
fn a_file_that_was_held_instead_of_the_one_that_was_loaded_is_given_back() {
    for (env, point) in [(&[][..], "watched held"), (PLAIN_RENAMES, "linked beside")] {
        let desk = held_another();
        desk.dies_in(env, point);
        desk.work();
        assert_eq!(loaded_and_archived(&desk), ("ab".into(), "b".into()), "{point}");
    }
}

/// It may have come to replace the other one, or after it.
#[test]
fn of_two_files_that_came_under_one_name_meanwhile_one_is_told() {
    for env in [&[], PLAIN_RENAMES] {
        let desk = held_another();
        desk.file("inbox/list.csv", "SKU,Price\nc,1\n");
        let said = desk.work_with(env);
        let why = "another file came under its name before it could be loaded, and was loaded instead";
        assert!(said.contains(&format!("folder prices: list.csv could not be taken: {why}")), "{said}");
        assert_eq!((desk.count("items"), desk.executions().len()), (2, 2));
        assert_eq!(names(&desk.at("inbox")), ["archive", "errors"]);
        let errors = files(&desk.at("inbox/errors"));
        let text = |end: &str| {
            let name = errors.iter().find(|n| n.ends_with(end)).unwrap();
            std::fs::read_to_string(desk.at("inbox/errors").join(name)).unwrap()
        };
        assert_eq!((errors.len(), text(".csv").as_str()), (2, "SKU,Price\nb,1\n"), "{errors:?}");
        assert!(text(".csv.txt").contains(why), "{}", text(".csv.txt"));
    }
}

/// A file of so many bytes that it is copied in several pieces.
fn large() -> String {
    format!("SKU,Price,Note\n{}", format!("a,1,{}\n", "x".repeat(100_000)).repeat(30))
}

/// Starts the queue, and waits until it has passed a point.
fn passes(desk: &Desk, env: &[(&str, &str)], point: &str) -> Running {
    let points = desk.at("points");
    let mut command = desk.command(&["work"]);
    command.envs(env.iter().copied()).env("SCONN_POINTS", &points);
    let work = Running(command.stderr(std::process::Stdio::piped()).spawn().unwrap());
    let passed = || std::fs::read_to_string(&points).unwrap_or_default();
    eventually(point, || passed().lines().any(|line| line.split_once(' ').is_some_and(|(_, p)| p == point)));
    work
}

/// Asks the queue to stop; what it said.
fn stop(work: Running) -> String {
    let kill = Command::new("kill").args(["-TERM", &work.0.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let (code, said) = work.ends();
    assert_eq!(code, Some(0), "{said}");
    said
}

#[test]
fn a_stop_ends_the_copying_and_leaves_nothing_of_it() {
    let desk = Desk::watching();
    let list = desk.file("inbox/list.csv", &large());
    let said = stop(passes(&desk, &[("SCONN_STOP_AT", "write input copy")], "write input copy"));
    assert!(!said.contains("list.csv"), "it is no failure: {said}");
    assert!(list.is_file());
    assert_eq!((desk.executions().len(), names(&desk.at(".sconn/executions")).len()), (0, 0));
    // In the archive's disk the copy ends there; it is claimed by then, and has its own name.
    let there = [TO_ANOTHER_DISK, &[("SCONN_STOP_AT", "copy to another disk")]].concat();
    let said = stop(passes(&desk, &there, "copy to another disk"));
    assert!(said.contains("list.csv from folder prices is queued") && !said.contains("moved"), "{said}");
    assert_eq!((list.is_file(), files(&desk.at("inbox")).len()), (false, 1));
    assert_eq!(files(&desk.at("inbox/archive")), [""; 0]);
    desk.work_with(TO_ANOTHER_DISK);
    assert_eq!(loaded_and_archived(&desk), ("a".into(), "a".into()));
}

/// For an hour the disk gives nothing, longer than anything is waited for here.
#[test]
fn a_disk_that_hangs_holds_up_neither_the_queue_nor_schedules_nor_a_stop() {
    let desk = Desk::watching();
    desk.file("sconn.toml", &format!("[serve]\ndrain = \"1s\"\n{}", super::WATCH));
    desk.file("nightly.sconn", &NIGHTLY.replace("CRON", "0 0 1 1 *").replace("MISSED", "run_once"));
    desk.ends(0, &["activate", "nightly.sconn"]);
    let list = desk.file("inbox/list.csv", "SKU,Price\nz,1\n");
    let hangs = [("SCONN_SLEEP_AT", "watched copied"), ("SCONN_BALLAST", "0")];
    let work = passes(&desk, &hangs, "watched copied");
    desk.unseen_new_years(1);
    let submitted = desk.submit("good.csv");
    eventually("others are loaded", || {
        let all = desk.executions();
        all.len() == 2 && all.iter().all(|e| e["state"] == "completed")
    });
    stop(work);
    assert_eq!((desk.state(&submitted).as_str(), list.is_file()), ("completed", true));
    assert_eq!(desk.slots().len(), 1);
    desk.work();
    assert_eq!((desk.executions().len(), names(&desk.at(".sconn/executions")).len()), (3, 3));
    assert_eq!((desk.count("items"), files(&desk.at("inbox/archive")).len()), (4, 1));
}
