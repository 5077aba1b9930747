//! The life of a connector in a project: activation, statuses, the queue, executions. What the source
//! document says of it, a test each.

use crate::common::project::{Project, Running, SHOP, opened, until};
use crate::common::{Output, command_in, output_of};
use std::ops::Deref;
use std::process::Stdio;

/// A project with the shop, which is not active.
struct Desk(Project);

impl Deref for Desk {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.0
    }
}

impl Desk {
    fn new() -> Self {
        Self(Project::with_shop(SHOP, ""))
    }

    fn live(&self, file: &str) -> Output {
        self.sconn(&["run", "shop.sconn", "--input", file, "--live", "--no-report"])
    }

    fn items(&self) -> i64 {
        self.count("items")
    }

    /// A live run of many small chunks, and its id once it is loading.
    fn long_run(&self) -> (Running, String) {
        let rows: String = (0..20_000).map(|i| format!("k{i},{i}\n")).collect();
        self.file("long.csv", &format!("SKU,Price\n{rows}"));
        let child = self.start(&["run", "shop.sconn", "--input", "long.csv", "--live"]);
        let id = until("it loads", || {
            let newest = self.executions().first()?.clone();
            let stage = &newest["stage"];
            let loading = stage["name"].as_str()?.starts_with("loading") && stage["done"].as_i64()? > 0;
            loading.then(|| newest["id"].as_str().unwrap().to_owned())
        });
        (child, id)
    }

    /// What a run that was stopped on its way left: exactly what its report says was done.
    fn assert_stopped(&self, mut child: Running, id: &str) {
        assert_eq!(child.0.wait().unwrap().code(), Some(1));
        assert_eq!(self.state(id), "cancelled");
        let counts = &self.summary(id)["steps"][0]["counts"];
        assert!(counts["not_processed"].as_i64().unwrap() > 0, "{counts}");
        assert_eq!(counts["created"].as_i64().unwrap(), self.items(), "what was committed stays");
    }
}

#[test]
fn before_a_connector_can_run_live_it_must_be_activated() {
    let desk = Desk::new();
    let refused = desk.live("good.csv");
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("`shop` does not run live: it is Setup in Progress"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("sconn activate shop.sconn"), "{}", refused.stderr);
    desk.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    assert_eq!(desk.items(), 0, "a dry run is always possible, and writes nothing");
    let active = desk.ends(0, &["activate", "shop.sconn"]);
    assert_eq!(active.stdout, "shop is active, version 1\n");
    assert_eq!(desk.status(), "Operational");
    assert_eq!(desk.live("good.csv").code, 0);
    assert_eq!(desk.items(), 3);
}

#[test]
fn activation_needs_a_connector_without_errors_a_sample_and_a_load_step() {
    let desk = Desk::new();
    let (loads, _) = SHOP.split_once("load items").unwrap();
    for (connector, why) in [
        (SHOP.replace("with sku", "with skuu"), "no variable `skuu`"),
        (SHOP.replace("  sample  \"good.csv\"\n", ""), "it has no sample"),
        (SHOP.replace("good.csv", "gone.csv"), "gone.csv"),
        (loads.to_owned(), "it has no load step"),
    ] {
        desk.file("shop.sconn", &connector);
        let refused = desk.ends(2, &["activate", "shop.sconn"]);
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
    }
    desk.file("shop.sconn", loads);
    let dry = desk.sconn(&["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    assert_eq!(dry.code, 0);
    assert!(dry.stderr.contains("warning: `shop` is not complete: it has no load step"), "{}", dry.stderr);
}

#[test]
fn a_live_run_with_errors_needs_attention_and_the_next_clean_one_clears_it() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    assert_eq!(desk.live("bad.csv").code, 1);
    assert_eq!(desk.status(), "Operational (Needs Attention)");
    desk.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    assert_eq!(desk.status(), "Operational (Needs Attention)", "a dry run says nothing of it");
    assert_eq!(desk.live("good.csv").code, 0, "it goes on accepting runs");
    assert_eq!(desk.status(), "Operational");
}

#[test]
fn an_active_connector_runs_the_version_that_was_activated() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.file("shop.sconn", &SHOP.replace("name  <- sku", "name  <- sku overwrite"));
    let refused = desk.live("good.csv");
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("was edited since version 1 of `shop` was activated"),
        "{}",
        refused.stderr
    );
    assert!(desk.ends(0, &["status"]).stdout.contains("edited since"));
    assert_eq!(desk.ends(0, &["activate", "shop"]).stdout, "shop is active, version 2\n");
    assert_eq!(desk.live("good.csv").code, 0);
}

#[test]
fn an_inactive_connector_queues_what_arrives_and_runs_it_when_it_is_active_again() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.ends(0, &["deactivate", "shop"]);
    assert_eq!(desk.status(), "Inactive");
    let (first, second) = (desk.submit("good.csv"), desk.submit("bad.csv"));
    desk.work();
    assert_eq!((desk.state(&first), desk.items()), ("queued".to_owned(), 0));
    // Nor does anybody begin it by hand, and it is not lost by trying.
    let refused = desk.ends(2, &["executions", "resume", &first]);
    assert!(refused.stderr.contains("`shop` does not run live: it is Inactive"), "{}", refused.stderr);
    let asked = desk.ends(2, &["activate", "shop"]);
    for said in ["2 executions would begin or go on", &first, &second, "--keep-queued or --cancel-queued"] {
        assert!(asked.stderr.contains(said), "{said}: {}", asked.stderr);
    }
    desk.ends(0, &["executions", "cancel", &second]);
    desk.ends(0, &["activate", "shop", "--keep-queued"]);
    desk.work();
    assert_eq!((desk.state(&first).as_str(), desk.state(&second).as_str()), ("completed", "cancelled"));
    assert_eq!(desk.items(), 3);
    let to = desk.path().join("copy.zip");
    desk.ends(0, &["executions", "download", &first, "sql-output", "--to", to.to_str().unwrap()]);
    assert!(to.is_file());
    let none = desk.ends(2, &["executions", "download", &second, "report"]);
    assert!(none.stderr.contains("has no report.xlsx: it was cancelled before it began"), "{}", none.stderr);
}

#[test]
fn queued_executions_can_be_cancelled_before_a_connector_is_active_again() {
    let desk = Desk::new();
    let queued = desk.submit("good.csv");
    desk.ends(0, &["activate", "shop.sconn", "--cancel-queued"]);
    desk.work();
    assert_eq!((desk.state(&queued).as_str(), desk.items()), ("cancelled", 0));
}

#[test]
fn what_waits_for_an_active_connector_runs_what_is_activated_and_that_is_said() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.submit("good.csv");
    let asked = desk.ends(2, &["activate", "shop.sconn"]).stderr;
    assert!(asked.contains("1 execution of `shop` would run the version that is activated now"), "{asked}");
}

#[test]
fn what_is_no_file_is_not_kept_as_input() {
    let desk = Desk::new();
    let refused = desk.ends(2, &["submit", "shop.sconn", "--input", "/dev/zero"]).stderr;
    assert!(refused.contains("/dev/zero: this is a device or a pipe, not a file"), "{refused}");
    assert_eq!(desk.executions().len(), 0);
}

#[test]
fn nothing_is_left_of_files_that_a_killed_process_was_writing() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.dies_at("recorded", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    let hidden = || {
        let names = std::fs::read_dir(desk.folder(&id)).unwrap().map(|e| e.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with('.')).count()
    };
    assert!(hidden() > 1, "its scratch, and what it was writing");
    desk.ends(0, &["executions", "resume", &id]);
    assert_eq!(hidden(), 0);
}

#[test]
fn an_execution_in_the_queue_runs_from_the_copies_of_its_input() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let queued = desk.submit("good.csv");
    std::fs::remove_file(desk.path().join("good.csv")).unwrap();
    desk.work();
    assert_eq!((desk.state(&queued).as_str(), desk.items()), ("completed", 3));
}

#[test]
fn a_worker_that_is_killed_again_and_again_ends_what_it_began() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let queued = desk.submit("good.csv");
    let said = desk.work_with(&[("SCONN_CRASH_AT", "committed")]);
    assert!(said.matches("it goes on from the last chunk that was committed").count() >= 2, "{said}");
    assert_eq!((desk.state(&queued).as_str(), desk.items()), ("completed", 3), "{said}");
    assert_eq!(desk.status(), "Operational");
}

#[test]
fn a_worker_that_is_killed_too_often_leaves_its_execution_to_people_and_says_so() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let rows: String = (0..14).map(|n| format!("k{n},1\n")).collect();
    desk.file("long.csv", &format!("SKU,Price\n{rows}"));
    let queued = desk.submit("long.csv");
    let said = desk.work_with(&[("SCONN_CRASH_AT", "committed")]);
    assert_eq!(said.matches("it goes on from the last chunk that was committed").count(), 4, "{said}");
    assert!(said.contains(&format!("left to people: sconn executions resume {queued}")), "{said}");
    assert_eq!((desk.state(&queued).as_str(), desk.items()), ("interrupted", 10), "{said}");
    assert_eq!(desk.status(), "Operational (Needs Attention)");
    desk.ends(0, &["executions", "resume", &queued]);
    assert_eq!((desk.items(), desk.status().as_str()), (14, "Operational"));
}

#[test]
fn what_became_of_the_rows_is_told_while_an_execution_runs() {
    let desk = Desk::new();
    desk.file("long.csv", "SKU,Price\na,1\n,2\nb,3\nc,4\nd,5\ne,6\nf,7\n");
    desk.ends(0, &["activate", "shop.sconn"]);
    let mut run = desk.command(&["run", "shop.sconn", "--input", "long.csv", "--live", "--no-report"]);
    // It stays awake, in the commit of its third chunk.
    run.envs([("SCONN_SLEEP_AT", "committed#3"), ("SCONN_BALLAST", "1")]);
    let run = Running(run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let id = until("it counts", || {
        let executions = desk.executions();
        let running = executions.first()?;
        let counts = &running["steps"][0]["counts"];
        let count = |name: &str| counts[name].as_i64();
        assert_eq!(count("created")? + count("errored")? + count("not_processed")?, 7, "all its rows");
        let counted = running["state"] == "running" && count("created")? >= 1;
        counted.then(|| running["id"].as_str().unwrap().to_owned())
    });
    let shown = desk.ends(0, &["executions", "show", &id]).stdout;
    let rows = shown.lines().find(|line| line.starts_with("rows")).unwrap_or_else(|| panic!("{shown}"));
    assert!(rows.contains("created, 1 errored"), "{shown}");
    drop(run);
    // It goes on from the counts that it had, and ends with all of them.
    desk.ends(1, &["executions", "resume", &id, "--format", "json"]);
    let counts = &desk.execution(&id)["steps"][0]["counts"];
    assert_eq!((&counts["created"], &counts["errored"]), (&6.into(), &1.into()));
}

#[test]
fn a_run_can_be_cancelled_at_any_time_and_what_was_committed_stays() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let (child, id) = desk.long_run();
    let said = desk.ends(0, &["executions", "cancel", &id]);
    assert!(said.stdout.contains("stops after the chunk in hand"), "{}", said.stdout);
    desk.assert_stopped(child, &id);
    assert_eq!(desk.status(), "Operational", "what was stopped says nothing of the connector");
}

#[test]
fn deactivating_a_connector_stops_all_processing() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let (child, id) = desk.long_run();
    desk.ends(0, &["deactivate", "shop"]);
    desk.assert_stopped(child, &id);
    assert_eq!(desk.status(), "Inactive");
    assert_eq!(desk.live("good.csv").code, 2);
}

#[test]
fn without_a_project_runs_are_on_their_own() {
    let desk = Desk::new();
    std::fs::remove_file(desk.path().join("sconn.toml")).unwrap();
    assert_eq!(desk.live("good.csv").code, 0, "no activation is needed");
    for command in
        ["status", "work", "activate shop.sconn", "submit shop.sconn --input good.csv", "executions list"]
    {
        let words: Vec<&str> = command.split(' ').collect();
        let refused = desk.ends(2, &words);
        assert!(refused.stderr.contains("sconn.toml"), "{command}: {}", refused.stderr);
    }
}

#[test]
fn what_is_wrong_in_the_settings_is_told_at_its_line() {
    let desk = Desk::new();
    for (settings, line, said) in [
        ("[retention]\nkeep = 3\n\n[limits]\nmemory = \"4GB\"\n", 5, "`4GB` is no size"),
        ("[limts]\n", 1, "unknown field `limts`"),
    ] {
        desk.file("sconn.toml", settings);
        let told = desk.ends(2, &["status"]).stderr;
        assert!(told.contains(&format!("sconn.toml:{line}: {said}")), "{told}");
        let wrong = settings.lines().nth(line - 1).unwrap();
        assert!(told.contains(&format!("mend `{wrong}`")), "{told}");
    }
}

#[test]
fn a_project_that_was_copied_or_moved_runs_its_queue_into_its_own_store() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let id = desk.submit("good.csv");
    let copy = desk.path().with_file_name("copy");
    let copied = std::process::Command::new("cp").arg("-a").arg(desk.path()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let count = |dir: &std::path::Path| {
        let store = opened(dir.join(".sconn/store.sqlite"));
        store.query_row("SELECT count(*) FROM items", [], |r| r.get::<_, i64>(0)).unwrap_or(0)
    };
    let work = |dir: &std::path::Path| {
        let done = output_of(command_in(dir, &["work", "--until-empty"]));
        assert_eq!(done.code, 0, "{}", done.stderr);
    };
    work(&copy);
    assert_eq!((count(&copy), count(desk.path())), (3, 0));
    // The original has its own to do still, wherever it is by then.
    let moved = desk.path().with_file_name("moved");
    std::fs::rename(desk.path(), &moved).unwrap();
    work(&moved);
    assert_eq!(count(&moved), 3);
    let shown = output_of(command_in(&moved, &["executions", "show", &id]));
    assert!(shown.stdout.contains("completed"), "{}", shown.stdout);
}

#[test]
fn who_waits_no_longer_for_an_execution_that_was_there_leaves_it_as_it_was() {
    let desk = Desk::new();
    desk.ends(0, &["activate", "shop.sconn"]);
    let mut busy =
        desk.sleeps_at("taken", &["run", "shop.sconn", "--input", "good.csv", "--live", "--no-report"]);
    let id = desk.submit("bad.csv");
    let folder = desk.folder(&id);
    let mut waits = desk.start(&["executions", "resume", &id]);
    let state = |of: &str| desk.execution(&id)[of].clone();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let status =
        std::process::Command::new("sh").args(["-c", &format!("kill -INT {}", waits.0.id())]).status();
    assert!(status.unwrap().success());
    assert_eq!(until("it ends", || waits.0.try_wait().unwrap()).code(), Some(1));
    assert_eq!(state("state"), "queued", "nobody cancelled it");
    assert!(folder.join(".work/frozen.json").is_file());
    let status =
        std::process::Command::new("sh").args(["-c", &format!("kill -CONT {}", busy.0.id())]).status();
    assert!(status.unwrap().success());
    assert_eq!(until("it ends", || busy.0.try_wait().unwrap()).code(), Some(0));
    desk.work();
    assert_eq!(state("state"), "completed_with_errors");
}
