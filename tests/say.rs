//! Whoever listens may be gone: a pipe that nobody reads any more ends nothing in the middle. And what a mistake of
//! ours ends can be gone on with.

use crate::common::project::{Project, Running, SHOP, eventually};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

const LIVE: [&str; 5] = ["run", "shop.sconn", "--live", "--input", "good.csv"];

/// A project with the shop, which is active.
fn desk() -> Project {
    let desk = Project::with_shop(SHOP, "");
    desk.ends(0, &["activate", "shop.sconn"]);
    desk
}

/// Starts a command to whose standard error nobody listens any more.
fn unheard(mut command: Command) -> Running {
    let mut child = Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    drop(child.0.stderr.take());
    child
}

#[test]
fn a_run_that_nobody_listens_to_ends_as_any_other() {
    let desk = desk();
    assert!(unheard(desk.command(&LIVE)).0.wait().unwrap().success());
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let done = desk.command(&LIVE).stdout(Stdio::null()).stderr(full).status().unwrap();
    assert!(done.success());
    let executions = desk.executions();
    assert_eq!((executions.len(), desk.count("items")), (2, 3));
    for execution in executions {
        assert_eq!(execution["state"], "completed");
        assert!(desk.folder(execution["id"].as_str().unwrap()).join("report.xlsx").is_file());
    }
}

/// A command whose results go to a full disk.
fn into_a_full_disk(desk: &Project, args: &[&str]) -> String {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let done = desk.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn what_was_done_is_told_where_only_its_result_cannot_be_written() {
    let desk = desk();
    let full = "standard output cannot be written: the disk or a quota is full";
    for format in ["text", "json"] {
        let said = into_a_full_disk(&desk, &["submit", "shop.sconn", "-i", "good.csv", "--format", format]);
        let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
        assert!(
            said.contains(&format!("error: {id} is queued; only that could not be told: {full}\n")),
            "{said}"
        );
    }
    assert_eq!(desk.executions().len(), 2);
    let said = into_a_full_disk(&desk, &LIVE);
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    assert!(
        said.contains(&format!("{id} has ended: completed; only that could not be told: {full}")),
        "{said}"
    );
    assert!(said.contains("help: what it did is in ") && said.contains("summary.json"), "{said}");
    // Why it failed is told before all else.
    desk.file("other.csv", "Other\n1\n");
    let said = into_a_full_disk(&desk, &["run", "shop.sconn", "--input", "other.csv"]);
    assert!(said.contains("error: ") && said.contains("other.csv") && !said.contains(full), "{said}");
    assert_eq!(into_a_full_disk(&desk, &["status"]), format!("error: {full}\n"));
}

#[test]
fn a_run_that_is_stopped_together_with_who_listens_has_its_report() {
    let desk = desk();
    // It stays awake in the middle, long enough to be stopped there.
    let mut run = desk.command(&LIVE);
    run.envs([("SCONN_STOP_AT", "committed#1")]);
    let mut run = unheard(run);
    assert_eq!(run.0.wait().unwrap().code(), Some(1));
    let execution = &desk.executions()[0];
    assert_eq!(execution["state"], "cancelled");
    let summary = desk.summary(execution["id"].as_str().unwrap());
    assert_eq!(summary["steps"][0]["counts"]["not_processed"], 1);
}

#[test]
fn a_queue_that_nobody_listens_to_is_run_to_its_end() {
    let desk = desk();
    let ids = [desk.submit("good.csv"), desk.submit("good.csv")];
    assert!(unheard(desk.command(&["work", "--until-empty"])).0.wait().unwrap().success());
    assert!(ids.iter().all(|id| desk.state(id) == "completed"));
}

#[test]
fn a_service_that_nobody_listens_to_goes_on_serving() {
    let desk = desk();
    let mut command = desk.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut service = Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(service.0.stderr.take().unwrap()).lines();
    let address = loop {
        let line = said.next().unwrap().unwrap();
        if let Some((_, address)) = line.split_once(" at http://") {
            break address.to_owned();
        }
    };
    drop(said);
    for _ in 0..2 {
        let id = desk.submit("good.csv");
        eventually("it runs what is queued", || desk.state(&id) == "completed");
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        std::io::Write::write_all(
            &mut stream,
            b"GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(service.0.try_wait().unwrap().is_none());
}

#[test]
fn a_run_that_a_mistake_of_ours_ended_can_be_gone_on_with() {
    let desk = desk();
    let mut run = desk.command(&LIVE);
    let ended = run.env("SCONN_PANIC_AT", "committed#1").stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert_eq!(ended.unwrap().code(), Some(101));
    assert_eq!(desk.count("items"), 2);
    let id = desk.executions()[0]["id"].as_str().unwrap().to_owned();
    desk.ends(0, &["executions", "resume", &id]);
    assert_eq!((desk.state(&id).as_str(), desk.count("items")), ("completed", 3));
    assert_eq!(desk.summary(&id)["steps"][0]["counts"]["created"], 3);
}

#[test]
fn a_service_whose_queue_a_mistake_of_ours_ended_is_none() {
    let desk = desk();
    let mut command = desk.command(&["serve", "--listen", "127.0.0.1:0"]);
    // The thread that runs the queue passes it.
    desk.submit("good.csv");
    let mut service = Running(
        command
            .env("SCONN_PANIC_AT", "execution begun")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut said = String::new();
    service.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(service.0.wait().unwrap().code(), Some(2), "{said}");
    assert!(said.contains("what runs the queue ended, which is a mistake in sconn"), "{said}");
}
