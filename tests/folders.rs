//! Folders that executions have and that somebody chose (`--out`), that were copied or moved, or that two of them had.

use crate::common::output_of;
use crate::common::project::{Project, SHOP, opened};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An active shop, and a folder beside it.
fn desk() -> (Project, PathBuf) {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    let beside = project.path().with_file_name("beside");
    (project, beside)
}

fn submit(project: &Project, out: &Path) -> String {
    let out = out.to_str().unwrap();
    let args = ["submit", "shop.sconn", "--input", "good.csv", "--live", "--no-report", "--out", out];
    project.ends(0, &args).stdout.trim().to_owned()
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// What `sconn work` says in a folder.
fn work_in(folder: &Path) -> String {
    let mut command = crate::common::command_in(folder, &["work", "--until-empty"]);
    command.env("NO_COLOR", "1");
    output_of(command).stderr
}

fn records(folder: &Path) -> i64 {
    let store = folder.join(".sconn/store.sqlite");
    if !store.exists() {
        return 0;
    }
    let store = opened(store);
    store.query_row("SELECT count(*) FROM items", [], |r| r.get(0)).unwrap()
}

/// Its artefacts lie elsewhere; the execution is its project's all the same.
#[test]
fn an_execution_whose_folder_is_elsewhere_is_its_projects() {
    let (project, beside) = desk();
    let id = submit(&project, &beside.join("one"));
    let said = project.work();
    assert_eq!((project.state(&id).as_str(), project.count("items")), ("completed", 3), "{said}");

    let out = beside.join("two");
    project.file("more.csv", "SKU\nm1\nm2\nm3\nm4\nm5\n");
    let args = ["run", "shop.sconn", "--input", "more.csv", "--live", "--out", out.to_str().unwrap()];
    project.dies_at("committed", &args);
    // Nothing goes on live from here, and what was interrupted is only ended.
    project.ends(0, &["deactivate", "shop"]);
    project.ends(1, &["executions", "resume", out.to_str().unwrap()]);
    let newest = &project.executions()[0];
    assert_eq!((newest["state"].as_str(), project.count("items")), (Some("cancelled"), 5));
}

#[test]
fn a_copy_of_a_project_touches_nothing_of_the_original_wherever_its_executions_lie() {
    let (project, beside) = desk();
    let own = [submit(&project, Path::new("relative")), submit(&project, &project.at("absolute"))];
    let outside = submit(&project, &beside);
    let copied = project.path().with_file_name("copy");
    copy(project.path(), &copied);
    let said = work_in(&copied);
    assert!(said.contains(&format!("{outside} is of the project in")), "{said}");
    assert!(said.contains("which this one is a copy of"), "{said}");
    assert_eq!((records(&copied), project.count("items")), (3, 0), "{said}");
    let said = project.work();
    for id in own.iter().chain([&outside]) {
        assert_eq!(project.state(id), "completed", "{said}");
    }
    assert_eq!(project.count("items"), 3);
}

#[test]
fn a_project_that_was_moved_runs_what_waits_wherever_it_lies() {
    let (project, beside) = desk();
    let ids = [Path::new("relative"), &project.at("absolute"), &beside].map(|out| submit(&project, out));
    let moved = project.path().with_file_name("moved");
    fs::rename(project.path(), &moved).unwrap();
    let said = work_in(&moved);
    assert_eq!(records(&moved), 3, "{said}");
    assert_eq!(said.matches("completed").count(), ids.len(), "{said}");
    assert!(!project.path().exists(), "nothing is made where it was");
}

/// A project's last execution in a folder has ended; another one, of nobody's, was interrupted in it.
#[test]
fn what_is_swept_is_no_others() {
    let (project, beside) = desk();
    submit(&project, &beside);
    project.work();
    let alone = project.path().with_file_name("alone");
    fs::create_dir(&alone).unwrap();
    for name in ["shop.sconn", "good.csv"] {
        fs::copy(project.at(name), alone.join(name)).unwrap();
    }
    let args = ["run", "shop.sconn", "--input", "good.csv", "--live", "--out", beside.to_str().unwrap()];
    let mut run = crate::common::command_in(&alone, &args);
    run.env("SCONN_CRASH_AT", "committed");
    assert_eq!(output_of(run).code, -1);
    project.work();
    let resume = ["executions", "resume", beside.to_str().unwrap()];
    let resumed = output_of(crate::common::command_in(&alone, &resume));
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    assert_eq!(records(&alone), 3);
}

#[test]
fn a_submission_that_died_keeps_no_folder_and_is_not_run() {
    let (project, beside) = desk();
    let out = beside.to_str().unwrap();
    let args = ["submit", "shop.sconn", "--input", "good.csv", "--live", "--out", out];
    project.dies_at("renamed frozen.json", &args);
    let refused = project.ends(2, &["executions", "resume", out]).stderr;
    assert!(refused.contains("the project knows no execution"), "{refused}");
    assert_eq!(project.count("items"), 0);
    let id = submit(&project, &beside);
    project.work();
    assert_eq!((project.state(&id).as_str(), project.count("items")), ("completed", 3));
}

#[test]
fn what_died_before_its_input_was_kept_has_failed_and_says_so() {
    let (project, _) = desk();
    project.dies_at("input kept", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    project.database().execute("UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z'", []).unwrap();
    let said = project.work();
    assert!(said.contains("failed: its process was gone before it had kept its input"), "{said}");
    let row = &project.executions()[0];
    assert_eq!((row["state"].as_str(), project.count("items")), (Some("failed"), 0));
    assert!(row["failure"].as_str().unwrap().contains("hand the input in again"), "{row}");
}

/// A backup takes the state first: what was restored may have ended since, as its folder says.
#[test]
fn a_state_from_before_an_execution_ended_learns_of_its_end() {
    let (project, _) = desk();
    project.file("sconn.toml", "[mail]\nserver = \"127.0.0.1\"\nport = 9\nfrom = \"loads@example.com\"\n");
    let submit = ["submit", "shop.sconn", "--input", "good.csv", "--live", "--by", "a@example.com"];
    let id = project.ends(0, &submit).stdout.trim().to_owned();
    let run = project.sleeps_at("committed", &["executions", "resume", &id]);
    let (state, backup) = (project.at(".sconn/state.sqlite"), project.at("backup.sqlite"));
    project.database().execute("VACUUM INTO ?1", [backup.to_str()]).unwrap();
    run.wake();
    assert_eq!(run.ends().0, Some(0));
    let before = project.execution(&id);
    let messages = || {
        let all: serde_json::Value =
            serde_json::from_str(&project.ends(0, &["outbox", "list", "--format", "json"]).stdout).unwrap();
        let ids = all.as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let told = messages();
    assert_eq!(told.len(), 1);
    for by_hand in [true, false] {
        for more in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{more}", state.display()));
        }
        fs::copy(&backup, &state).unwrap();
        project
            .database()
            .execute("UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z'", [])
            .unwrap();
        if by_hand {
            let refused = project.ends(2, &["executions", "resume", &id]).stderr;
            assert!(refused.contains(&format!("{id} is completed")), "{refused}");
        }
        let said = project.work();
        assert!(by_hand || said.contains(&format!("{id}  completed")), "{said}");
        let after = project.execution(&id);
        for same in ["state", "failure", "steps"] {
            assert_eq!(after[same], before[same], "{after}");
        }
        // Whoever is told of it again sees that it is the same.
        assert_eq!((messages(), project.count("items")), (told.clone(), 3));
    }
}

#[test]
fn the_folder_in_which_something_was_submitted_may_go() {
    let (project, beside) = desk();
    fs::create_dir(&beside).unwrap();
    let (connector, input) = (project.at("shop.sconn"), project.at("good.csv"));
    let args = ["submit", connector.to_str().unwrap(), "--input", input.to_str().unwrap(), "--live"];
    let submitted = output_of(crate::common::command_in(&beside, &args));
    assert_eq!(submitted.code, 0, "{}", submitted.stderr);
    fs::remove_dir(&beside).unwrap();
    let said = project.work();
    assert_eq!(
        (project.state(submitted.stdout.trim()).as_str(), project.count("items")),
        ("completed", 3),
        "{said}"
    );
}

#[test]
fn a_folder_that_is_called_as_ours_is_left_alone() {
    let (project, beside) = desk();
    fs::create_dir_all(beside.join(".work")).unwrap();
    fs::write(beside.join(".work/thesis.txt"), "mine").unwrap();
    let args = ["run", "shop.sconn", "--input", "good.csv", "--out", beside.to_str().unwrap()];
    let refused = project.ends(2, &args).stderr;
    assert!(refused.contains("is no run's, and a run would remove it"), "{refused}");
    assert!(beside.join(".work/thesis.txt").is_file());
}
