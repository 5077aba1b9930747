//! A disk that is full or fails at each place where something is written: the run ends with an error and its
//! mend, nothing half-written passes for whole, and the next run comes to what an undisturbed one does.

use crate::common::project::opened;
use crate::trials::{Before, Desk, Template, at_once, summary, times};
use sconn::report::DecisionReader;
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the system says of a broken disk, as a number.
const BROKEN: &str = "5";

#[test]
fn a_write_that_fails_ends_the_run_with_a_mend_and_the_next_run_does_the_rest() {
    let (mut trials, mut templates) = (Vec::new(), Vec::new());
    for (number, (before, some)) in [(Before::Empty, [1, 9]), (Before::Half, [4, 6])].into_iter().enumerate()
    {
        let template = Template::repeatable(before);
        for (name, (passed, writes)) in template.points() {
            for time in times(passed, &some).into_iter().filter(|_| writes) {
                // A disk that is full stays so.
                let stays = if before == Before::Half { "+" } else { "" };
                trials.push((number, format!("{name}#{time}{stays}")));
            }
        }
        let calm = template.desk();
        assert_eq!((calm.run(&[]).code, calm.again().code), (Some(1), Some(1)));
        templates.push((template, calm.records()));
    }
    assert!(trials.len() >= 100, "{}", trials.len());
    at_once(&trials, |(number, point)| {
        let (template, expected) = &templates[*number];
        let desk = template.desk();
        let what = format!("{:?} {point}", template.before);
        let mut env = vec![("SCONN_FAIL_AT", point.as_str())];
        if template.before == Before::Half {
            env.push(("SCONN_FAIL_WITH", BROKEN));
        }
        let done = desk.run(&env);
        assert_eq!(done.code, Some(2), "{what}: {}", done.said);
        let (_, said) = done.said.split_once("error: ").unwrap_or_else(|| panic!("{what}: {}", done.said));
        assert!(!said.contains("panicked") && said.trim().lines().count() >= 2, "{what}: no mend: {said}");
        // The library that packs would write a line of its own.
        assert!(!done.said.contains("ZipWriter"), "{what}: {}", done.said);
        assert_nothing_half_written(&desk, &what);
        let resumed = desk.path("out/.work/frozen.json").exists();
        let rest = if resumed { desk.resume(&[]) } else { desk.again() };
        assert_eq!(rest.code, Some(1), "{what}: {}", rest.said);
        assert_eq!(desk.records(), *expected, "{what}");
    });
}

/// What is in its place is whole, and no piece lies beside it.
fn assert_nothing_half_written(desk: &Desk, what: &str) {
    let out = desk.path("out");
    for name in ["report.xlsx", "sql-output.zip"] {
        if let Ok(file) = File::open(out.join(name)) {
            zip::ZipArchive::new(file).unwrap_or_else(|e| panic!("{what}: {name}: {e}"));
        }
    }
    let decisions = out.join("decisions.parquet");
    if decisions.exists() {
        let reader = DecisionReader::open(&decisions).unwrap();
        let step = |name: &str| reader.step(name).unwrap().for_each(|d| drop(d.unwrap()));
        reader.steps().iter().for_each(|s| step(&s.name));
    }
    let state = summary(&out).map(|s| s["state"].as_str().unwrap().to_owned());
    // Nothing began where it had no folder: what is told is the run before.
    let of_another = what.contains("create folder");
    let only_the_state_is_not_told = what.contains("end execution");
    assert!(state.is_none_or(|s| s == "failed" || of_another || only_the_state_is_not_told), "{what}");
    assert!(!desk.state().starts_with("completed") || of_another, "{what}");
    for entry in std::fs::read_dir(&out).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".part") && !name.starts_with(".report"), "{what}: {name}");
    }
}

#[test]
fn a_store_without_room_keeps_whole_chunks_and_takes_the_rest_once_there_is_room() {
    let template = Template::repeatable(Before::Empty);
    let desk = || {
        let desk = template.desk();
        let rows: String = (0..180).map(|i| format!("{i}-{},M{i},2.5,t1\n", "x".repeat(200))).collect();
        std::fs::write(desk.path("list.csv"), format!("SKU,Maker,Price,Tags\n{rows}")).unwrap();
        desk
    };
    let calm = desk();
    assert_eq!((calm.run(&[]).code, calm.again().code), (Some(0), Some(0)));
    let (expected, needed) = (calm.records(), pages(&calm));
    let room: Vec<i64> = (2..needed).step_by(3).collect();
    let (full, halfway) = (AtomicUsize::new(0), AtomicUsize::new(0));
    at_once(&room, |room| {
        let desk = desk();
        let what = format!("{room} of {needed} pages");
        let done = desk.run(&[("SCONN_STORE_PAGES", &room.to_string())]);
        if done.code == Some(2) {
            full.fetch_add(1, Ordering::Relaxed);
            for said in ["store.sqlite: the disk is full", "free some space"] {
                assert!(done.said.contains(said), "{what}: {}", done.said);
            }
            assert_nothing_half_written(&desk, &what);
            let summary = summary(&desk.path("out")).unwrap();
            let done = desk.journal(summary["execution"].as_str().unwrap());
            halfway.fetch_add(usize::from(!done.is_empty()), Ordering::Relaxed);
        }
        assert_eq!(desk.again().code, Some(0), "{what}");
        assert_eq!(desk.records(), expected, "{what}");
    });
    let (full, halfway) = (full.into_inner(), halfway.into_inner());
    assert!(full >= 5 && halfway >= 1, "{full} of {} were full, {halfway} of them halfway", room.len());
}

fn pages(desk: &Desk) -> i64 {
    let store = opened(desk.path("store.sqlite"));
    store.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap()
}
