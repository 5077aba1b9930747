//! Whoever runs the queue: when it is empty, what a turn that fails is to it, and how it is told to stop.

use crate::common::output_of;
use crate::common::project::{Project, Running, SHOP, eventually, locked, shop, until};
use std::io::Read;
use std::process::{Command, Stdio};

fn active(connector: &str, toml: &str) -> Project {
    let project = Project::with_shop(connector, toml);
    project.ends(0, &["activate", "shop.sconn"]);
    project
}

/// Whoever runs the queue, and what it says is to be read.
fn worker(project: &Project, more: &[&str], env: &[(&str, &str)]) -> Running {
    let mut command = project.command(&[&["work"], more].concat());
    command.envs(env.iter().copied()).stdout(Stdio::null()).stderr(Stdio::piped());
    Running(command.spawn().unwrap())
}

fn signal(process: &Running, name: &str) {
    assert!(Command::new("kill").args([name, &process.0.id().to_string()]).status().unwrap().success());
}

/// An execution in the queue, of many small chunks.
fn long(project: &Project) -> String {
    let rows: String = (0..8_000).map(|i| format!("k{i},{i}\n")).collect();
    project.file("long.csv", &format!("SKU,Price\n{rows}"));
    project.submit("long.csv")
}

fn loads(project: &Project, id: &str) {
    eventually("it loads", || {
        project.execution(id)["stage"]["done"].as_i64() > Some(0) && project.count("items") > 0
    });
}

#[test]
fn a_queue_is_empty_once_nothing_of_it_runs_anywhere() {
    let project = active(SHOP, "");
    let id = long(&project);
    // Another process is at it.
    let _elsewhere = project.start(&["executions", "resume", &id]);
    loads(&project, &id);
    project.work();
    assert_eq!(project.state(&id), "completed");
}

#[test]
fn a_queue_is_not_empty_before_the_lease_of_a_dead_worker_has_ended() {
    let project = active(SHOP, "");
    project.dies_at("committed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    project.work_with(&[("SCONN_LEASE_EARLY", "12")]);
    assert_eq!((project.executions()[0]["state"].as_str(), project.count("items")), (Some("completed"), 3));
}

#[test]
fn a_lease_from_before_the_clock_was_put_back_holds_nothing_up() {
    let project = active(SHOP, "");
    project.dies_at("committed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    let tomorrow = "UPDATE executions SET lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 day')";
    assert_eq!(project.database().execute(tomorrow, []).unwrap(), 1);
    let _work = worker(&project, &[], &[]);
    eventually("it is gone on with", || project.executions()[0]["state"] == "completed");
    assert_eq!(project.count("items"), 3);
}

#[test]
fn what_waits_for_somebody_keeps_no_queue_from_being_empty() {
    let project = active(&shop("  concurrency 0"), "");
    project.file("other.sconn", &SHOP.replace("connector shop", "connector other"));
    let held = project.submit("good.csv");
    let other = ["submit", "other.sconn", "--input", "good.csv", "--live"];
    let inactive = project.ends(0, &other).stdout.trim().to_owned();
    project.work();
    assert_eq!([project.state(&held), project.state(&inactive)], ["queued", "queued"].map(str::to_owned));
    // One that runs nothing waits for nothing.
    project.file("shop.sconn", SHOP);
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    project.ends(0, &["work", "--until-empty", "--at-once", "0"]);
    assert_eq!(project.state(&held), "queued");
}

#[test]
fn a_turn_that_fails_is_told_once_and_the_queue_goes_on() {
    let project = active(SHOP, "");
    // Its tables are away for a while.
    let rename = |from: &str, to: &str| {
        project.database().execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    };
    let mut work = worker(&project, &[], &[]);
    let first = project.submit("good.csv");
    eventually("it works", || project.state(&first) == "completed");
    rename("outbox", "outbox_away");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(work.0.try_wait().unwrap().is_none(), "it goes on");
    rename("outbox_away", "outbox");
    let second = project.submit("good.csv");
    eventually("it works again", || project.state(&second) == "completed");
    signal(&work, "-TERM");
    let mut said = String::new();
    work.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(work.0.wait().unwrap().success(), "{said}");
    assert_eq!(said.matches("no such table").count(), 1, "{said}");
}

/// Nobody can be heard of then, and all are well.
#[test]
fn workers_are_not_ended_where_somebody_else_keeps_the_state_locked() {
    let project = active(SHOP, "");
    let id = long(&project);
    let mut work = worker(&project, &["--until-empty"], &[("SCONN_LEASE_EARLY", "12")]);
    loads(&project, &id);
    // The store, too: it is not to come to its end meanwhile.
    let held = ["store.sqlite", "state.sqlite"].map(|file| locked(project.at(".sconn").join(file)));
    // Whoever waits for the state gives up after 20 seconds, and tries again.
    std::thread::sleep(std::time::Duration::from_secs(28));
    drop(held);
    let mut said = String::new();
    work.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(work.0.wait().unwrap().success(), "{said}");
    assert!(said.contains("another process has locked it") && !said.contains("its worker"), "{said}");
    let row = project.execution(&id);
    assert_eq!((&row["state"], &row["epoch"]), (&"completed".into(), &1.into()), "{said}");
}

#[test]
fn nothing_begins_while_the_settings_are_wrong_and_nothing_is_lost() {
    let project = active(SHOP, "");
    let (first, second) = (long(&project), project.submit("good.csv"));
    let work = worker(&project, &[], &[]);
    loads(&project, &first);
    project.file("sconn.toml", "[limits]\nmemory = lots\n");
    let state = |id: &str| {
        let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?));
        project.database().query_row("SELECT state, epoch FROM executions WHERE id = ?1", [id], read).unwrap()
    };
    eventually("what runs comes to its end", || state(&first).0 == "completed");
    // One that cannot begin would have been tried twice by then.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(state(&second), ("queued".to_owned(), 0));
    project.file("sconn.toml", "");
    eventually("the queue goes on", || state(&second) == ("completed".to_owned(), 1));
    signal(&work, "-TERM");
    let (code, said) = work.ends();
    assert_eq!((code, said.matches("sconn.toml:2: ").count()), (Some(0), 1), "{said}");
}

/// Executions that were asked to stop after their workers were gone.
fn cancelled(project: &Project, many: usize) {
    for _ in 0..many {
        project.dies_at("committed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
        let set =
            "UPDATE executions SET state = 'interrupted', pid = NULL, cancel = 1 WHERE state = 'running'";
        assert_eq!(project.database().execute(set, []).unwrap(), 1);
    }
}

#[test]
fn what_was_cancelled_is_ended_beside_what_runs_and_not_all_at_once() {
    let project = active(SHOP, "");
    cancelled(&project, 3);
    // One that is ended has its connector's place.
    project.file("other.sconn", &SHOP.replace("connector shop", "connector other"));
    project.ends(0, &["activate", "other.sconn"]);
    project.ends(0, &["submit", "other.sconn", "--input", "good.csv", "--live"]);
    let _work = worker(&project, &["--at-once", "1"], &[("SCONN_SLEEP_AT", "taken")]);
    let at_work = || -> Vec<(u32, bool)> {
        let database = project.database();
        let running = "SELECT pid, cancel FROM executions WHERE state = 'running' ORDER BY cancel";
        let mut running = database.prepare(running).unwrap();
        running.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    eventually("one of each is begun", || at_work().len() >= 2);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let at_work = at_work();
    for (pid, _) in &at_work {
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    }
    assert_eq!(at_work.iter().map(|(_, cancel)| *cancel).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn told_to_stop_a_queue_lets_what_runs_end_or_interrupts_it() {
    for (name, drain, state) in [("-INT", "0s", "interrupted"), ("-TERM", "100s", "completed")] {
        let project = active(SHOP, &format!("[serve]\ndrain = \"{drain}\"\n"));
        let id = long(&project);
        let mut work = worker(&project, &[], &[]);
        loads(&project, &id);
        signal(&work, name);
        let mut said = String::new();
        work.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(work.0.wait().unwrap().success(), "{said}");
        assert!(
            said.contains("stopping: executions that run have ") && said.ends_with("stopped\n"),
            "{said}"
        );
        assert_eq!(project.state(&id), state, "{said}");
    }
}

#[test]
fn a_run_whose_machine_or_terminal_goes_stops_as_with_ctrl_c() {
    for name in ["-TERM", "-HUP"] {
        let project = active(SHOP, "");
        long(&project);
        let queued = project.executions()[0]["id"].as_str().unwrap().to_owned();
        project.ends(0, &["executions", "cancel", &queued]);
        let mut run = project.start(&["run", "shop.sconn", "--input", "long.csv", "--live", "--no-report"]);
        let id = until("it is there", || {
            let newest = project.executions()[0]["id"].as_str().unwrap().to_owned();
            (newest != queued).then_some(newest)
        });
        loads(&project, &id);
        signal(&run, name);
        assert_eq!(run.0.wait().unwrap().code(), Some(1), "{name}");
        assert_eq!(project.state(&id), "cancelled", "{name}");
        assert!(project.summary(&id)["steps"][0]["counts"]["not_processed"].as_i64() > Some(0));
    }
    // One that was told not to mind its terminal does not.
    let project = active(SHOP, "");
    let args = ["run", "shop.sconn", "--input", "good.csv", "--live"];
    let mut command = Command::new("nohup");
    command.arg(crate::common::program()).args(args).current_dir(project.path());
    command
        .env("SCONN_SLEEP_AT", "committed")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut run = Running(command.spawn().unwrap());
    eventually("it sleeps", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", run.0.id()));
        stat.is_ok_and(|stat| stat.contains(") T "))
    });
    signal(&run, "-HUP");
    run.wake();
    assert_eq!(run.0.wait().unwrap().code(), Some(0));
}

#[test]
fn the_folder_of_an_execution_that_has_ended_may_be_used_again() {
    let project = active(SHOP, "");
    let run = ["run", "shop.sconn", "--input", "good.csv", "--live", "--out", "o1"];
    project.ends(0, &run);
    let submit = ["submit", "shop.sconn", "--input", "bad.csv", "--live", "--out", "o1"];
    let id = project.ends(0, &submit).stdout.trim().to_owned();
    let said = project.work();
    assert_eq!(project.state(&id), "completed_with_errors", "{said}");
}

#[test]
fn a_file_that_no_run_wrote_is_not_written_over() {
    let project = active(SHOP, "");
    for name in ["report.xlsx", "summary.json", "decisions.parquet", "sql-output.zip", "rejected.csv"] {
        let file = project.file(&format!("docs-{name}/{name}"), "{\"mine\": true}");
        let out = format!("docs-{name}");
        for command in ["run", "submit"] {
            let mut command = project.command(&[command, "shop.sconn", "--input", "good.csv", "--out", &out]);
            command.stdin(Stdio::null());
            let refused = output_of(command);
            assert_eq!(refused.code, 2, "{name}");
            let words = [&format!("{out}/{name} is no earlier run's"), "choose another folder with --out"];
            assert!(words.iter().all(|word| refused.stderr.contains(word)), "{}", refused.stderr);
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"mine\": true}");
        assert_eq!(std::fs::read_dir(project.at(&out)).unwrap().count(), 1, "nothing is left there");
    }
    assert!(project.executions().is_empty());
    // An earlier run's are.
    for _ in 0..2 {
        project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--out", "out"]);
    }
}
