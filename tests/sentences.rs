//! Sentences of the source document that no other test holds, a test each. The table in docs/life.md says which
//! sentence is held by which test.

mod cancel;
mod outputs;
mod statuses;

use crate::common::project::{Project, SHOP, eventually, locked, opened, shop};
use serde_json::Value;

/// Live runs say nothing that a test reads but in their folder.
fn live(project: &Project, code: i32, input: &str) {
    project.ends(code, &["run", "shop.sconn", "--input", input, "--live", "--no-report"]);
}

/// A list with so many rows.
fn list(rows: usize) -> String {
    let rows: String = (0..rows).map(|i| format!("k{i},{i}\n")).collect();
    format!("SKU,Price\n{rows}")
}

/// The newest execution.
fn newest(project: &Project) -> Value {
    project.executions().swap_remove(0)
}

fn id(execution: &Value) -> String {
    execution["id"].as_str().unwrap().to_owned()
}

/// Activation: Validations are performed continuously as you configure, so any configuration errors should already
/// be surfaced before you reach activation.
#[test]
fn validations_are_performed_continuously_so_errors_are_told_before_activation() {
    let project = Project::with_shop(SHOP, "");
    let told = |code: i32| {
        let run = ["run", "shop.sconn", "--input", "good.csv", "--no-report"];
        let submit = ["submit", "shop.sconn", "--input", "good.csv", "--no-report"];
        let commands = [&["check", "shop.sconn"][..], &["plan", "shop.sconn"], &run, &submit];
        commands.map(|command| {
            let done = project.sconn(command);
            let said = done.stdout + &done.stderr;
            assert_eq!(
                (done.code == 0, said.contains("error[")),
                (code == 0, code != 0),
                "{command:?}: {said}"
            );
            said
        })
    };
    told(0);
    for (wrong, mistake) in [
        (SHOP.replace("with sku", "with skuu"), "skuu"),
        (SHOP.replace("price <- price", "cost <- price"), "cost"),
        (SHOP.replace("into items", "into things"), "things"),
    ] {
        // Edit after edit, the file as it is now.
        project.file("shop.sconn", &wrong);
        for said in told(1) {
            assert!(said.contains("shop.sconn:") && said.contains(mistake), "{mistake}: {said}");
        }
        let refused = project.ends(2, &["activate", "shop.sconn"]);
        assert!(refused.stderr.contains(mistake), "{}", refused.stderr);
    }
    project.file("shop.sconn", SHOP);
    told(0);
    project.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
}

/// Whether the shop was never active.
fn is_set_up(project: &Project) -> bool {
    project.ends(0, &["status", "shop.sconn"]).stdout.contains("Setup in Progress")
}

/// Activation: At activation, the system performs one additional check for queued executions.
#[test]
fn at_activation_there_is_one_more_check_for_queued_executions() {
    let project = Project::with_shop(SHOP, "");
    let queued = project.submit("good.csv");
    project.ends(0, &["check", "shop.sconn"]);
    let asked = project.ends(2, &["activate", "shop.sconn"]);
    assert!(asked.stderr.contains(&queued) && asked.stderr.contains("--cancel-queued"), "{}", asked.stderr);
    assert!(is_set_up(&project), "nothing changed");
    assert_eq!(project.state(&queued), "queued");
    project.ends(0, &["executions", "cancel", &queued]);
    project.ends(0, &["activate", "shop.sconn"]);
    assert_eq!(project.status(), "Operational", "with nothing in the queue there is nothing to ask");
}

/// Activation: If configuration steps are incomplete, the system displays a warning before allowing even a dry run
/// to proceed.
#[test]
fn incomplete_steps_warn_before_even_a_dry_run_proceeds() {
    let project = Project::with_shop(SHOP, "");
    let without_load = SHOP.split("load items").next().unwrap();
    for (connector, warning) in [
        (SHOP.replace("  sample  \"good.csv\"\n", ""), Some("it has no sample")),
        (without_load.to_owned(), Some("it has no load step")),
        (SHOP.to_owned(), None),
    ] {
        project.file("shop.sconn", &connector);
        let dry = project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
        let (before, _) = dry.stderr.split_once("reading input").unwrap();
        match warning {
            Some(warning) => assert!(
                before.contains(&format!("warning: `shop` is not complete: {warning}")),
                "{warning}: {}",
                dry.stderr
            ),
            None => assert_eq!(before, "", "a complete one gives no warning"),
        }
        assert!(dry.stdout.contains("dry run"), "it proceeds: {}", dry.stdout);
    }
}

/// Activation: Toggling a SmartConnector inactive stops all processing immediately.
#[test]
fn toggling_a_connector_inactive_stops_all_processing_whatever_it_is_at() {
    let project = Project::with_shop(&shop("  concurrency 5"), "");
    project.file("long.csv", &list(4_000));
    project.ends(0, &["activate", "shop.sconn"]);
    let run = ["run", "shop.sconn", "--input", "long.csv", "--no-report"];
    let live = [&run[..], &["--live"]].concat();
    let asleep = [("read", &live[..]), ("checkpoint", &live), ("committed#2", &live), ("decided#2", &run)];
    let asleep = asleep.map(|(point, args)| {
        let process = project.sleeps_at(point, args);
        (point, process, id(&newest(&project)))
    });
    let waits = project.submit("good.csv");
    project.ends(0, &["deactivate", "shop"]);
    asleep.iter().for_each(|(_, process, _)| process.wake());
    let mut created = 0;
    for (point, mut process, id) in asleep {
        assert_eq!(process.0.wait().unwrap().code(), Some(1), "{point}");
        assert_eq!(project.state(&id), "cancelled", "{point}");
        let summary = project.summary(&id);
        // One that was stopped before it came to its load step has none.
        let counts = summary["steps"].get(0).map(|step| &step["counts"]);
        assert!(counts.is_some() || !point.contains('#'), "{point}: {summary}");
        if let Some(counts) = counts {
            assert!(counts["not_processed"].as_i64().unwrap() > 0, "{point}: {counts}");
            created += if summary["mode"] == "live" { counts["created"].as_i64().unwrap() } else { 0 };
        }
    }
    project.work();
    assert_eq!(project.state(&waits), "queued", "nor does what waits begin");
    assert_eq!(project.count("items"), created, "nothing is written but what is told");
    assert_eq!(project.status(), "Inactive");
}

/// Activation: Executions that were queued during the inactive period will begin processing on reactivation (assuming
/// max concurrency is greater than zero).
#[test]
fn queued_executions_begin_on_reactivation_where_max_concurrency_is_above_zero() {
    let project = Project::with_shop(&shop("  concurrency 0"), "");
    project.ends(0, &["activate", "shop.sconn"]);
    project.ends(0, &["deactivate", "shop"]);
    let queued = project.submit("good.csv");
    project.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    project.work();
    assert_eq!((project.state(&queued).as_str(), project.count("items")), ("queued", 0));
    project.file("shop.sconn", &shop("  concurrency 1"));
    project.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    project.work();
    assert_eq!((project.state(&queued).as_str(), project.count("items")), ("completed", 3));
}

/// What's Next: concurrent executions.
#[test]
fn concurrent_executions_are_as_many_as_the_connector_says() {
    for at_once in [1, 2] {
        let project = Project::with_shop(&shop(&format!("  concurrency {at_once}")), "");
        project.ends(0, &["activate", "shop.sconn"]);
        live(&project, 0, "good.csv");
        let ids = [(); 3].map(|()| project.submit("good.csv"));
        // While another holds the store none of them ends.
        let store = locked(project.at(".sconn/store.sqlite"));
        let mut work = project.start(&["work", "--until-empty", "--at-once", "5"]);
        let running = || project.executions().iter().filter(|e| e["state"] == "running").count();
        eventually("as many run as may", || running() == at_once);
        store.execute_batch("ROLLBACK").unwrap();
        assert!(work.0.wait().unwrap().success());
        let times: Vec<(String, String)> = ids
            .iter()
            .map(|id| {
                let e = project.execution(id);
                assert_eq!(e["state"], "completed", "{e}");
                let time = |name: &str| e[name].as_str().unwrap().to_owned();
                (time("started_at"), time("ended_at"))
            })
            .collect();
        // How many others were at work when each began.
        let most = times
            .iter()
            .map(|(began, _)| times.iter().filter(|(start, end)| start <= began && began < end).count());
        assert_eq!(most.max(), Some(at_once), "{times:?}");
    }
}

/// Live Run: processes the input file and writes matched and created Records.
#[test]
fn a_live_run_writes_matched_and_created_records() {
    let project = Project::with_shop(SHOP, "");
    project.file("next.csv", "SKU,Price\nb,20\nd,4\n");
    project.ends(0, &["activate", "shop.sconn"]);
    live(&project, 0, "good.csv");
    live(&project, 0, "next.csv");
    let counts = &project.summary(&id(&newest(&project)))["steps"][0]["counts"];
    assert_eq!((&counts["updated"], &counts["created"]), (&1.into(), &1.into()));
    assert_eq!(prices(&project), ["a 1", "b 20", "c 3", "d 4"]);
}

/// Every item and its price, as somebody sees them who has nothing to do with the run.
fn prices(project: &Project) -> Vec<String> {
    let store = opened(project.at(".sconn/store.sqlite"));
    let mut all = store.prepare("SELECT sku || ' ' || price FROM items ORDER BY sku").unwrap();
    all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Live Run: Records are created or updated as the SmartConnector processes each chunk of information.
#[test]
fn records_are_created_and_updated_as_each_chunk_is_processed() {
    let all = ["a 10", "b 20", "c 30", "d 4", "e 5"];
    for (chunk, seen) in [
        ("committed#1", ["a 10", "b 20", "c 3"].as_slice()),
        ("committed#2", &["a 10", "b 20", "c 30", "d 4"]),
        ("committed#3", &all),
    ] {
        let project = Project::with_shop(SHOP, "");
        project.file("next.csv", "SKU,Price\na,10\nb,20\nc,30\nd,4\ne,5\n");
        project.ends(0, &["activate", "shop.sconn"]);
        live(&project, 0, "good.csv");
        let mut run =
            project.sleeps_at(chunk, &["run", "shop.sconn", "--input", "next.csv", "--live", "--no-report"]);
        assert_eq!(newest(&project)["state"], "running");
        assert_eq!(prices(&project), seen, "{chunk}: chunks of two rows");
        run.wake();
        assert_eq!(run.0.wait().unwrap().code(), Some(0));
        assert_eq!(prices(&project), all);
    }
}

/// SQL Output: becomes available as soon as the SQL execution completes, which means you can inspect SQL results while
/// the Load Steps are still running.
#[test]
fn the_sql_output_can_be_inspected_while_the_load_steps_are_still_running() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    let mut run = project.sleeps_at("committed#1", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    let execution = newest(&project);
    assert_eq!((&execution["state"], project.count("items")), (&"running".into(), 2), "one chunk of two");
    let id = id(&execution);
    let download = |what: &str, to: &str| {
        let done = project.sconn(&["executions", "download", &id, what, "--to", to]);
        (done.code, done.stderr)
    };
    assert_eq!(download("sql-output", "early.zip"), (0, String::new()));
    assert_eq!(
        outputs::csvs(&project.at("early.zip")),
        [("items.csv".to_owned(), "sku,price\na,1\nb,2\nc,3\n".to_owned())]
    );
    let (code, said) = download("report", "early.xlsx");
    assert!(code == 2 && said.contains("has no report.xlsx yet"), "{code} {said}");
    run.wake();
    assert_eq!(run.0.wait().unwrap().code(), Some(0));
    assert_eq!(download("sql-output", "late.zip").0, 0);
    let bytes = |name: &str| std::fs::read(project.at(name)).unwrap();
    assert_eq!(bytes("early.zip"), bytes("late.zip"), "it was whole");
}

/// Execution Statuses: Setup in Progress. The SmartConnector has been created but has never been activated.
#[test]
fn setup_in_progress_means_created_and_never_activated() {
    let project = Project::with_shop(SHOP, "");
    let queued = project.submit("good.csv");
    assert!(is_set_up(&project));
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    project.work();
    assert_eq!((is_set_up(&project), project.state(&queued).as_str()), (true, "queued"));
    project.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    project.work();
    project.ends(0, &["deactivate", "shop"]);
    assert_eq!(project.status(), "Inactive", "once it was active it is never in setup again");
}

/// Execution Statuses: Operational. If a live run has completed, the most recent one completed without errors.
#[test]
fn operational_means_active_and_the_most_recent_live_run_without_errors() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    assert_eq!(project.status(), "Operational", "before any live run");
    for (input, code, status) in [
        ("good.csv", 0, "Operational"),
        ("bad.csv", 1, "Operational (Needs Attention)"),
        ("good.csv", 0, "Operational"),
    ] {
        live(&project, code, input);
        assert_eq!(project.status(), status, "{input}");
    }
}

/// Execution Statuses: Operational (Needs Attention). The SmartConnector will continue to accept and process runs.
#[test]
fn a_connector_that_needs_attention_continues_to_accept_and_process_runs() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    live(&project, 1, "bad.csv");
    let attention = "Operational (Needs Attention)";
    assert_eq!((project.status().as_str(), project.count("items")), (attention, 1));
    project.file("more.csv", "SKU,Price\ne,1\n,2\n");
    let queued = project.submit("more.csv");
    project.work();
    assert_eq!((project.state(&queued).as_str(), project.count("items")), ("completed_with_errors", 2));
    assert_eq!(project.status(), attention);
    project.file("last.csv", "SKU,Price\nf,1\n,2\n");
    live(&project, 1, "last.csv");
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    assert_eq!((project.status().as_str(), project.count("items")), (attention, 3));
}

/// Execution Statuses: Inactive. It will not process any runs until reactivated. Here a dry run is always possible.
#[test]
fn an_inactive_connector_processes_no_live_run_until_it_is_reactivated() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    project.ends(0, &["deactivate", "shop"]);
    let queued = project.submit("good.csv");
    live(&project, 2, "good.csv");
    project.ends(2, &["executions", "resume", &queued]);
    project.work();
    assert_eq!((project.state(&queued).as_str(), project.count("items")), ("queued", 0));
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    let dry = project.ends(0, &["submit", "shop.sconn", "--input", "good.csv", "--no-report"]);
    project.work();
    assert_eq!(project.state(dry.stdout.trim()), "completed");
    assert_eq!(
        (project.status().as_str(), project.count("items")),
        ("Inactive", 0),
        "dry runs write nothing"
    );
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    project.work();
    assert_eq!((project.state(&queued).as_str(), project.count("items")), ("completed", 3));
}
