//! What bounds executions in a project: memory, time, tries, and how long their files stay.

mod places;

use crate::common::output_of;
use crate::common::project::{Project, Running, SHOP, eventually};
use serde_json::Value;
use std::ops::Deref;
use std::path::Path;
use std::process::Stdio;

struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    /// A project with an active connector and these settings.
    fn new(settings: &str) -> Self {
        let desk = Self(Project::with_shop(SHOP, settings));
        desk.file("good.csv", "SKU\na\nb\nc\nd\ne\n");
        desk.ends(0, &["activate", "shop.sconn"]);
        desk
    }

    /// A live run that has ended, long ago.
    fn ended(&self, more: &[&str]) -> String {
        let mut args = vec!["run", "shop.sconn", "--live", "--no-report", "--input", "good.csv"];
        args.extend(more);
        self.ends(0, &args);
        let id = self.executions()[0]["id"].as_str().unwrap().to_owned();
        self.set("UPDATE executions SET ended_at = '2020-01-01T00:00:00.000Z' WHERE id = ?1", &id);
        id
    }

    fn set(&self, sql: &str, id: &str) {
        assert_eq!(self.database().execute(sql, [id]).unwrap(), 1);
    }

    fn items(&self) -> i64 {
        self.count("items")
    }
}

fn assert_says(text: &Value, words: &[&str]) {
    let text = text.as_str().unwrap_or_default();
    for word in words {
        assert!(text.contains(word), "{word}: {text:?}");
    }
}

#[test]
fn an_execution_that_waited_says_which_version_it_took_and_began_when_it_did() {
    let desk = Desk::new("");
    let waited = desk.submit("good.csv");
    assert_eq!(desk.execution(&waited)["version"], Value::Null);
    desk.file("shop.sconn", &SHOP.replace("name  <- sku", "name  <- sku overwrite"));
    desk.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    let before = jiff::Timestamp::now();
    // It dies after each first commit, and is taken up again.
    desk.work_with(&[("SCONN_CRASH_AT", "committed")]);
    let row = desk.execution(&waited);
    assert_eq!((&row["state"], &row["version"]), (&"completed".into(), &2.into()));
    assert!(row["epoch"].as_i64().unwrap() > 1, "{row}");
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let started = time(&desk.summary(&waited)["started"]);
    // The row's time has milliseconds only.
    let first = time(&row["started_at"]) + jiff::SignedDuration::from_millis(1);
    assert!(before <= started && started <= first, "{before} {started} {first}");
    assert!(desk.ends(0, &["executions", "show", &waited]).stdout.contains("version   2\n"));
}

#[test]
fn an_execution_that_takes_too_much_memory_is_ended_and_has_failed() {
    let desk = Desk::new("[limits]\nmemory = \"600MiB\"\n");
    let id = desk.submit("good.csv");
    let said = desk.work_with(&[("SCONN_BALLAST", "700"), ("SCONN_SLEEP_AT", "committed")]);
    assert!(said.contains("failed: the execution took"), "{said}");
    let row = desk.execution(&id);
    assert_eq!((&row["state"], &row["epoch"]), (&"failed".into(), &1.into()), "it is not tried again");
    assert_says(&row["failure"], &["of memory, and may take 600 MiB", "`memory` in [limits] of sconn.toml"]);
    assert_eq!(desk.items(), 2, "what was committed stays");
    assert!(!desk.folder(&id).join(".work").exists(), "scratch files are gone");
    // It says itself why, and what there was until then.
    let summary = desk.summary(&id);
    assert_eq!((&summary["state"], &summary["failure"]), (&"failed".into(), &row["failure"]));
    assert_eq!((&summary["connector"], &summary["mode"]), (&"shop".into(), &"live".into()));
    assert_says(&summary["notices"][0], &["there is no report"]);
    assert!(
        desk.folder(&id).join("sql-output.zip").exists() && summary["artefacts"]["sql_output"].is_string()
    );
    let none = desk.ends(2, &["executions", "download", &id, "report"]).stderr;
    assert!(none.contains("or was ended at a limit"), "{none}");
    let log = std::fs::read_to_string(desk.folder(&id).join("worker.log")).unwrap();
    assert!(log.contains("\n  help: raise `memory`"), "{log}");
    assert_eq!(desk.status(), "Operational (Needs Attention)");
    // The next one may take what it needs.
    desk.file("sconn.toml", "");
    let id = desk.submit("good.csv");
    desk.work();
    assert_eq!((&desk.execution(&id)["state"], desk.items()), (&"completed".into(), 5));
}

#[test]
fn an_execution_past_its_deadline_is_stopped_and_has_failed() {
    let desk = Desk::new("[limits]\ndeadline = \"1s\"\n");
    let rows: String = (0..30_000).map(|i| format!("k{i}\n")).collect();
    desk.file("long.csv", &format!("SKU\n{rows}"));
    let id = desk.submit("long.csv");
    let said = desk.work();
    assert!(said.contains("failed: the execution was at work for longer than 1 s"), "{said}");
    let row = desk.execution(&id);
    assert_eq!((&row["state"], &row["epoch"]), (&"failed".into(), &1.into()), "{said}");
    assert_says(&row["failure"], &["longer than 1 s", "`deadline` in [limits] of sconn.toml"]);
    let summary = desk.summary(&id);
    assert_eq!((&summary["state"], &summary["failure"]), (&"failed".into(), &row["failure"]));
    let counts = &summary["steps"][0]["counts"];
    let count = |name: &str| counts[name].as_i64().unwrap_or_default();
    if counts.is_object() {
        assert_eq!((count("created"), count("created") + count("not_processed")), (desk.items(), 30_000));
    }
}

/// Nothing is left to stop then, and whoever loaded the rows wants the report.
#[test]
fn an_execution_whose_rows_are_done_is_reported_beyond_its_deadline() {
    let desk = Desk::new("[limits]\ndeadline = \"4s\"\n");
    let run = desk.sleeps_at("loaded", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    std::thread::sleep(std::time::Duration::from_secs(5));
    run.wake();
    let (code, said) = run.ends();
    assert_eq!(code, Some(0), "{said}");
    let row = &desk.executions()[0];
    assert_eq!((&row["state"], &row["failure"]), (&"completed".into(), &Value::Null));
    assert!(desk.folder(row["id"].as_str().unwrap()).join("report.xlsx").exists());
}

/// Its supervisor may be gone, or there is none.
#[test]
fn an_execution_keeps_to_its_limits_whoever_started_it() {
    let desk = Desk::new("[limits]\nmemory = \"600MiB\"\n");
    let mut run = desk.command(&["run", "shop.sconn", "--input", "good.csv", "--live", "--no-report"]);
    run.envs([("SCONN_BALLAST", "700"), ("SCONN_SLEEP_AT", "committed")]);
    let run = output_of(run);
    let said = run.stderr;
    assert_eq!(run.code, 2, "{said}");
    assert!(said.contains("error: the execution took") && said.contains("may take 600 MiB"), "{said}");
    let row = &desk.executions()[0];
    assert_eq!((&row["state"], desk.items()), (&"failed".into(), 2));
    assert_says(&row["failure"], &["`memory` in [limits] of sconn.toml"]);
    // Whoever asks is told the same rows, all of them.
    let (id, counts) = (row["id"].as_str().unwrap(), &row["steps"][0]["counts"]);
    assert_eq!(counts, &desk.summary(id)["steps"][0]["counts"]);
    let count = |name: &str| counts[name].as_i64().unwrap();
    assert_eq!(count("created") + count("not_processed"), 5, "{counts}");
    // Whoever runs the queue the next time removes what it left.
    let work = desk.folder(row["id"].as_str().unwrap()).join(".work");
    assert!(work.exists());
    desk.work();
    assert!(!work.exists());
}

/// A live run whose process was killed after its first chunk.
fn interrupted(desk: &Desk) -> String {
    desk.dies_at("committed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    desk.set("UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z' WHERE state = ?1", "running");
    let row = &desk.executions()[0];
    assert_eq!(row["state"], "interrupted");
    row["id"].as_str().unwrap().to_owned()
}

fn assert_cancelled(desk: &Desk, id: &str) {
    assert_eq!(desk.execution(id)["state"], "cancelled");
    let summary = desk.summary(id);
    let counts = &summary["steps"][0]["counts"];
    let expected = (&"cancelled".into(), &2.into(), &3.into());
    assert_eq!((&summary["state"], &counts["created"], &counts["not_processed"]), expected);
    assert!(desk.folder(id).join("report.xlsx").exists());
    assert!(!desk.folder(id).join(".work").exists());
    assert_eq!(desk.items(), 2, "what was committed stays");
}

#[test]
fn an_interrupted_execution_that_is_cancelled_tells_what_it_did() {
    let desk = Desk::new("");
    let id = interrupted(&desk);
    let said = desk.ends(0, &["executions", "cancel", &id]).stdout;
    assert!(said.contains("is cancelled; what was committed stays"), "{said}");
    assert_cancelled(&desk, &id);
    let again = desk.ends(0, &["executions", "cancel", &id]).stdout;
    assert!(again.contains("has ended already"), "{again}");
}

#[test]
fn a_worker_that_dies_while_it_is_asked_to_stop_leaves_the_end_to_the_next() {
    let desk = Desk::new("");
    let id = interrupted(&desk);
    desk.set("UPDATE executions SET cancel = 1 WHERE id = ?1", &id);
    // Its connector may be inactive by then.
    desk.ends(0, &["deactivate", "shop"]);
    desk.work();
    assert_cancelled(&desk, &id);
}

#[test]
fn what_cannot_even_be_ended_is_cancelled_and_says_why() {
    let desk = Desk::new("");
    let id = interrupted(&desk);
    let other = interrupted(&desk);
    std::fs::write(desk.folder(&id).join("input/good.csv"), "SKU\nz\n").unwrap();
    desk.ends(0, &["executions", "cancel", &id]);
    let row = desk.execution(&id);
    assert_eq!(row["state"], "cancelled");
    assert_says(&row["failure"], &["good.csv has changed since it was handed in"]);
    assert!(!desk.folder(&id).join(".work").exists());
    std::fs::remove_dir_all(desk.folder(&other)).unwrap();
    desk.ends(0, &["executions", "cancel", &other]);
    assert_eq!(desk.execution(&other)["state"], "cancelled");
    // What was queued and cancelled leaves nothing either.
    let waited = desk.submit("good.csv");
    desk.ends(0, &["executions", "cancel", &waited]);
    desk.work();
    assert!(!desk.folder(&waited).join(".work").exists());
}

#[test]
fn what_died_before_it_came_into_the_queue_leaves_nothing() {
    let desk = Desk::new("");
    let submit = ["submit", "shop.sconn", "--input", "good.csv", "--live"];
    for point in ["create input copy", "sync input copy", "input kept", "create frozen.json"] {
        desk.dies_at(point, &submit);
    }
    let folders = || entries(&desk.at(".sconn/executions"));
    assert_eq!(folders(), 4);
    // Of two, one is so fresh that somebody may be making it.
    for times in 0..2 {
        desk.dies_at("create folder", &submit);
        let ago = std::time::SystemTime::now() - std::time::Duration::from_secs(90 * times);
        let all = std::fs::read_dir(desk.at(".sconn/executions")).unwrap().map(|e| e.unwrap().path());
        let bare = all
            .filter(|p| !p.join(".work").exists())
            .max_by_key(|p| p.metadata().unwrap().modified().unwrap());
        std::fs::File::open(bare.unwrap()).unwrap().set_modified(ago).unwrap();
    }
    assert_eq!(folders(), 6);
    // What is being made has its lock; what waits is known.
    let waits = desk.submit("good.csv");
    let made = desk.sleeps_at("input kept", &submit);
    desk.work();
    assert_eq!((folders(), desk.state(&waits).as_str()), (3, "completed"));
    made.wake();
    assert_eq!(made.ends().0, Some(0));
    desk.work();
    assert_eq!((folders(), desk.executions().len(), desk.items()), (3, 2, 5));
}

#[test]
fn an_execution_whose_folder_is_gone_keeps_nothing_else_waiting() {
    let desk = Desk::new("");
    let lost = desk.submit("good.csv");
    std::fs::remove_dir_all(desk.folder(&lost)).unwrap();
    let id = desk.submit("good.csv");
    let said = desk.work();
    assert!(said.contains(&format!("{lost}  it could not begin")), "{said}");
    assert_eq!(desk.execution(&id)["state"], "completed");
    let row = desk.execution(&lost);
    assert_eq!(row["state"], "interrupted");
    assert_says(&row["failure"], &["bring its folder back, or cancel it"]);
}

const LIVE: [&str; 6] = ["run", "shop.sconn", "--live", "--no-report", "--input", "good.csv"];

#[test]
fn a_connector_that_becomes_inactive_while_a_run_begins_stops_it() {
    let desk = Desk::new("");
    let run = desk.sleeps_at("take execution", &LIVE);
    desk.ends(0, &["deactivate", "shop"]);
    run.wake();
    let (code, said) = run.ends();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`shop` does not run live: it is Inactive"), "{said}");
    let row = &desk.json(&["executions", "list"])[0];
    assert_eq!((&row["state"], &row["started_at"]), (&"cancelled".into(), &Value::Null));
}

#[test]
fn a_worker_that_was_only_slow_goes_on_whoever_looked_meanwhile() {
    let desk = Desk::new("");
    let run = desk.sleeps_at("committed", &LIVE);
    desk.set("UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z' WHERE state = ?1", "running");
    let id = desk.json(&["executions", "list"])[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.execution(&id)["state"], "interrupted");
    run.wake();
    let (code, said) = run.ends();
    assert_eq!((code, desk.items()), (Some(0), 5), "{said}");
    assert_eq!(desk.execution(&id)["state"], "completed");
}

#[test]
fn a_silent_worker_is_ended_whoever_found_it_so_and_nothing_else_waits_for_it() {
    let desk = Desk::new("");
    desk.file("other.sconn", &SHOP.replace("connector shop", "connector other"));
    desk.ends(0, &["activate", "other.sconn"]);
    let run = desk.sleeps_at("committed", &LIVE);
    desk.set("UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z' WHERE state = ?1", "running");
    let id = desk.json(&["executions", "list"])[0]["id"].as_str().unwrap().to_owned();
    let args = ["submit", "other.sconn", "--input", "good.csv", "--live", "--no-report"];
    let other = desk.ends(0, &args).stdout.trim().to_owned();
    let said = desk.work();
    assert!(said.contains("its worker is silent"), "{said}");
    assert_eq!(run.ends().0, None, "it was killed");
    for id in [&id, &other] {
        assert_eq!(desk.execution(id)["state"], "completed", "{said}");
    }
}

#[test]
fn a_folder_whose_execution_waits_or_was_interrupted_is_nobody_elses() {
    let desk = Desk::new("");
    let args = ["submit", "shop.sconn", "--input", "good.csv", "--live", "--out", "chosen"];
    let waits = desk.ends(0, &args).stdout.trim().to_owned();
    desk.file("other.csv", "SKU\nz\n");
    let out = desk.folder(&waits).display().to_string();
    for args in [
        vec!["submit", "shop.sconn", "--input", "other.csv", "--live", "--out", "chosen"],
        vec!["run", "shop.sconn", "--input", "other.csv", "--out", "chosen"],
    ] {
        let refused = desk.ends(2, &args).stderr;
        assert!(refused.contains("chosen is the folder of an execution that has not ended"), "{refused}");
        assert!(refused.contains("sconn executions resume chosen"), "{refused}");
    }
    let interrupted = interrupted(&desk);
    let args = [
        "run",
        "shop.sconn",
        "--input",
        "other.csv",
        "--out",
        &desk.folder(&interrupted).display().to_string(),
    ];
    assert!(desk.ends(2, &args).stderr.contains("has not ended"), "{out}");
    desk.work();
    for id in [&waits, &interrupted] {
        assert_eq!(desk.execution(id)["state"], "completed");
    }
    assert_eq!(desk.items(), 5);
    // Once it has ended the folder may be used again.
    desk.ends(0, &["run", "shop.sconn", "--input", "other.csv", "--out", "chosen"]);
}

#[test]
fn an_execution_that_cannot_begin_is_not_tried_for_ever() {
    let desk = Desk::new("");
    let id = desk.submit("good.csv");
    let copy = desk.folder(&id).join("input/good.csv");
    let whole = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, "SKU\nz\n").unwrap();
    let said = desk.work();
    assert_eq!(
        said.matches("it could not begin: ").count(),
        1,
        "another try would end like the first: {said}"
    );
    let row = desk.execution(&id);
    assert_eq!((&row["state"], &row["left_to_people"]), (&"interrupted".into(), &true.into()));
    assert_eq!(desk.json(&["status"])[0]["status"], "Operational (Needs Attention)");
    assert_says(&row["failure"], &["good.csv has changed since it was handed in"]);
    // It is left to people, who may mend what hindered it.
    std::fs::write(&copy, whole).unwrap();
    desk.ends(0, &["executions", "resume", &id]);
    let row = desk.execution(&id);
    assert_eq!(
        (&row["state"], &row["failure"], &row["version"]),
        (&"completed".into(), &Value::Null, &1.into())
    );
    assert_eq!(desk.items(), 5);
}

#[test]
fn an_execution_that_cannot_begin_now_is_tried_again_a_while_later() {
    let desk = Desk::new("");
    let id = desk.submit("good.csv");
    // Where its store should be there is a folder.
    desk.file(".sconn/store.sqlite/in the way", "");
    let mut work = desk.command(&["work", "--until-empty"]);
    let mut work = Running(work.stderr(Stdio::null()).spawn().unwrap());
    eventually("it was tried", || desk.execution(&id)["epoch"].as_i64().unwrap() > 0);
    std::fs::remove_dir_all(desk.at(".sconn/store.sqlite")).unwrap();
    assert!(work.0.wait().unwrap().success());
    let row = desk.execution(&id);
    assert_eq!((&row["state"], desk.items()), (&"completed".into(), 5), "{row}");
    // It was not tried all the time.
    assert!(row["epoch"].as_i64().unwrap() <= 4, "{row}");
}

#[test]
fn the_files_of_old_executions_go_and_they_stay_in_the_list() {
    let desk = Desk::new("[retention]\nkeep = 2\n");
    let refused = desk.ends(2, &["executions", "prune"]);
    assert!(refused.stderr.contains("--older-than 30d") && refused.stderr.contains("[retention]"));
    let old: Vec<String> = (0..2).map(|_| desk.ended(&[])).collect();
    // A folder that somebody chose, and one that is a link to elsewhere by now.
    let chosen = desk.ended(&["--out", "chosen"]);
    let linked = desk.ended(&[]);
    std::fs::rename(desk.folder(&linked), desk.at("elsewhere")).unwrap();
    std::os::unix::fs::symlink(desk.at("elsewhere"), desk.folder(&linked)).unwrap();
    // A link within a folder is removed, and not what it leads to.
    desk.file("precious.txt", "keep me");
    std::os::unix::fs::symlink(desk.at("precious.txt"), desk.folder(&old[0]).join("link")).unwrap();
    std::os::unix::fs::symlink(desk.at("elsewhere"), desk.folder(&old[0]).join("links")).unwrap();
    let interrupted = desk.ended(&[]);
    desk.set("UPDATE executions SET state = 'interrupted' WHERE id = ?1", &interrupted);
    let waits = desk.submit("good.csv");
    let newest = [desk.ended(&[]), desk.ended(&[])];

    let prune = ["executions", "prune", "--older-than", "30d"];
    let dry = desk.ends(0, &[&prune[..], &["--dry-run"]].concat()).stdout;
    assert_eq!(dry.matches("would go").count(), 2, "{dry}");
    assert!(old.iter().all(|id| desk.folder(id).is_dir()), "a dry run removes nothing");
    let said = desk.ends(0, &prune).stdout;
    for id in &old {
        assert!(said.contains(&format!("{id}  shop  ended 2020-01-01T00:00:00.000Z  removed")), "{said}");
        assert!(!desk.folder(id).exists());
        assert!(desk.execution(id)["files_removed_at"].is_string());
        assert!(desk.ends(0, &["executions", "show", id]).stdout.contains("files     removed at 2"));
        let download = desk.ends(2, &["executions", "download", id, "sql-output"]);
        assert!(download.stderr.contains("were removed at 2"), "{}", download.stderr);
    }
    for id in [&chosen, &linked] {
        assert!(
            said.contains(&format!("{id}  shop  ended 2020-01-01T00:00:00.000Z  stays: its folder")),
            "{said}"
        );
    }
    let list = desk.ends(0, &["executions", "list"]).stdout;
    assert_eq!((list.lines().count(), list.matches("(its files are gone)").count()), (8, 2), "{list}");
    for stays in [desk.at("precious.txt"), desk.at("elsewhere/summary.json"), desk.at("chosen/summary.json")]
    {
        assert!(stays.exists(), "{}", stays.display());
    }
    for id in [&interrupted, &waits, &newest[0], &newest[1]] {
        assert!(desk.folder(id).is_dir(), "{id}");
    }
}

#[test]
fn what_was_being_removed_when_the_process_died_is_removed_the_next_time() {
    let desk = Desk::new("[retention]\nexecutions = \"30d\"\nkeep = 0\n");
    let ids = [desk.ended(&[]), desk.ended(&[])];
    for point in ["rename expired", "expired renamed", "files removed"] {
        desk.dies_at(point, &["executions", "prune"]);
    }
    // Whoever runs the queue does it too.
    let said = desk.work();
    assert!(said.contains("the files of ") && said.contains("old executions were removed"), "{said}");
    assert!(ids.iter().all(|id| desk.execution(id)["files_removed_at"].is_string()));
    assert_eq!(entries(&desk.at(".sconn/executions")), 0);
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let desk = Desk::new("");
    for (settings, said) in [
        ("[limits]\nmemory = \"4 gigs\"\n", "it is written like 512MiB or 4GiB"),
        ("[limits]\ndeadline = \"0h\"\n", "it is written like 90s, 15m, 6h or 90d"),
        ("[retention]\nexecution = \"90d\"\n", "unknown field `execution`"),
    ] {
        desk.file("sconn.toml", settings);
        let refused = desk.ends(2, &["status"]);
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
}
