//! What the program tells of what it does: how executions stand, results for programs, and what is wrong.

use crate::common::project::{GOOD, Project, SHOP, eventually, shop};
use crate::common::service::Service;
use crate::common::{command_in, output_of, program};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

const ORDERS: &str = r#"
connector orders {
  name    "Orders"
  trigger webhook { verify nothing }
  sample  "orders.csv"
}

object orders "Orders" { name: text required unique }

scope orders {
  sql { SELECT body AS text FROM input.webhooks }
  text: string required
}

load orders into orders {
  match name with text
  map { name <- text }
}
"#;

/// A project with a shop and a webhook.
fn desk() -> Project {
    let project = Project::with_shop(SHOP, "");
    project.file("orders.sconn", ORDERS);
    project.file("orders.csv", "timestamp,employee_id,querystring,body\n2024-03-04T10:15:00Z,,,x\n");
    project
}

/// Queues a run of the shop; gives its id.
fn submit(project: &Project, more: &[&str]) -> String {
    let args = [&["submit", "shop.sconn", "--input", "good.csv"], more].concat();
    project.ends(0, &args).stdout.trim().to_owned()
}

/// Runs the queue, which must end with that code; gives what was said.
fn work(project: &Project, code: i32) -> String {
    project.ends(code, &["work", "--until-empty"]).stderr
}

#[test]
fn a_source_quotes_from_no_file_outside_of_its_project() {
    let project = Project::with_shop(SHOP, "");
    project.file(".sconn/secrets/TOK.sconn", "s3cret-1 {\n");
    project.file("../beside.sconn", "s3cret-2 {\n");
    project.file("../beside.csv", "s3cret-3\nx\n");
    let inputs = format!("{}/../beside.csv", project.path().display());
    for (line, why, mend) in [
        ("use \".sconn/secrets/TOK.sconn\"", "it lies in .sconn", "copy it to a place beside the connector"),
        ("use \"../beside.sconn\"", "it lies outside of the project", "below the folder of sconn.toml"),
        ("use \"/etc/passwd\"", "it does not end in .sconn", "data is named by `sample`"),
        ("sample \"../beside.csv\"", "it lies outside of the project", "below the folder of sconn.toml"),
        (&format!("sample {inputs:?}"), "it lies outside of the project", "below the folder of sconn.toml"),
    ] {
        let text = match line.strip_prefix("sample ") {
            Some(_) => SHOP.replace("sample  \"good.csv\"", line),
            None => format!("{line}\n{SHOP}"),
        };
        project.file("shop.sconn", &text);
        let said = project.ends(1, &["check", "shop.sconn", "--format", "json"]).stdout;
        assert!(said.contains(why) && said.contains(mend), "{line}: {said}");
        assert!(!said.contains("s3cret"), "{line}: {said}");
    }
}

/// What `show` says of a line.
fn shown(project: &Project, id: &str, line: &str) -> Vec<String> {
    let text = project.ends(0, &["executions", "show", id]).stdout;
    let lines = text.lines().filter_map(|l| l.strip_prefix(&format!("{line:10}")));
    lines.map(str::to_owned).collect()
}

/// Changes the project's state as nobody should.
fn state(project: &Project, sql: &str) {
    assert!(project.database().execute(sql, []).unwrap() > 0, "{sql}");
}

/// Two events that came while the webhook was not active.
fn events(project: &Project) {
    project.ends(0, &["events", "list", "orders.sconn"]);
    state(
        project,
        "INSERT INTO events(connector, received_at, employee, querystring, content_type, body, state)
         VALUES ('orders', '2024-03-04T10:15:00.000Z', '', '', 'text/plain', 'one', 'captured'),
                ('orders', '2024-03-04T10:16:00.000Z', '', '', 'text/plain', 'two', 'captured')",
    );
}

#[test]
fn why_an_execution_waits_is_told() {
    let project = desk();
    project.ends(0, &["activate", "shop.sconn"]);
    let first = submit(&project, &["--live", "--by", "you@example.com"]);
    let second = submit(&project, &[]);
    let waits = |id: &str| shown(&project, id, "waits").concat();
    assert_eq!(waits(&first), "for `sconn work` or `sconn serve` to take it");
    assert_eq!(waits(&second), "for its turn: 1 execution of `shop` comes before it");
    assert_eq!(shown(&project, &first, "by"), ["you@example.com"]);
    assert!(shown(&project, &second, "by").is_empty());
    project.ends(0, &["deactivate", "shop"]);
    assert_eq!(waits(&first), "`shop` is not active: `sconn activate shop`");
    assert_eq!(
        waits(&second),
        "for its turn: 1 execution of `shop` comes before it",
        "dry runs need nothing"
    );
    project.file("shop.sconn", &shop("  concurrency 0"));
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    assert_eq!(waits(&first), "the concurrency of `shop` is 0: it holds its queue");
    let held = project.ends(2, &["executions", "resume", &first]).stderr;
    assert!(held.contains("`shop` holds its executions back: its `concurrency` is 0"), "{held}");
    assert_eq!(project.json(&["executions", "show", &first])["state"], "queued", "it waits still");
    assert_eq!(project.json(&["executions", "show", &first])["waits"], waits(&first));
    project.file("shop.sconn", SHOP);
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    state(
        &project,
        &format!(
        "UPDATE executions SET state = 'running', lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds'), stage = 'loading items', done = 4,
           total = 7, cancel = 1 WHERE id = '{first}'"
    ),
    );
    let third = submit(&project, &["--live"]);
    assert_eq!(waits(&third), "another execution of `shop` runs, and its concurrency is 1");
    project.ends(0, &["executions", "cancel", &third]);
    assert_eq!(waits(&second), "for `sconn work` or `sconn serve` to take it", "dry runs wait for no place");
    assert_eq!(shown(&project, &first, "progress"), ["57 %, 4 of 7"]);
    assert_eq!(shown(&project, &first, "state"), ["running, asked to stop"]);
    assert_eq!(waits(&first), "", "what runs does not wait");
    let status = project.ends(0, &["status"]).stdout;
    assert!(status.contains(", 1 running, 1 queued\n"), "{status}");
    let list = project.ends(0, &["executions", "list"]).stdout;
    assert!(list.contains("running (loading items, 57 %, asked to stop)"), "{list}");
    state(
        &project,
        &format!("UPDATE executions SET state = 'interrupted', cancel = 0, epoch = 5 WHERE id = '{first}'"),
    );
    let people = format!("`sconn executions resume {first}`, or `sconn executions cancel {first}`");
    assert_eq!(waits(&first), format!("for people, since it does not go on by itself: {people}"));
}

#[test]
fn what_an_execution_did_is_told_to_people_and_programs() {
    let project = desk();
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    let all = project.json(&["executions", "list"]);
    let id = all[0]["id"].as_str().unwrap();
    assert_eq!(shown(&project, id, "rows"), ["items: 3 created"]);
    let shown = project.json(&["executions", "show", id]);
    for steps in [&shown["steps"], &all[0]["steps"]] {
        assert_eq!((&steps[0]["name"], &steps[0]["counts"]["created"]), (&json!("items"), &json!(3)));
    }
}

#[test]
fn rows_that_are_only_told_as_left_out_have_a_stage_of_their_own() {
    let project = desk();
    let run = ["run", "shop.sconn", "--input", "good.csv", "--no-report"];
    let mut stopped = command_in(project.path(), &run);
    stopped.env("SCONN_STOP_AT", "committed");
    let stopped = output_of(stopped);
    let said = stopped.stderr;
    assert_eq!(stopped.code, 1, "{said}");
    let at =
        |stage: &str| said.lines().position(|l| l == stage).unwrap_or_else(|| panic!("no {stage}: {said}"));
    assert!(at("loading items") < at("telling which rows were left out"));
    let whole = project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--no-report"]);
    assert!(!whole.stderr.contains("left out"), "{}", whole.stderr);
}

#[test]
fn an_event_that_is_given_twice_is_loaded_once() {
    let project = desk();
    project.ends(0, &["activate", "orders.sconn"]);
    events(&project);
    project.ends(0, &["events", "replay", "orders", "2", "1", "2", "1", "--live"]);
    work(&project, 0);
    let done = project.json(&["executions", "list"]);
    assert_eq!((&done[0]["state"], &done[0]["steps"][0]["rows"]), (&json!("completed"), &json!(2)));
}

#[test]
fn the_input_of_an_execution_is_run_again() {
    let project = desk();
    let first = project.submit("good.csv");
    let again = |more: &[&str]| {
        let args = [&["executions", "run-again", first.as_str()], more].concat();
        let id = project.json(&args)["id"].as_str().unwrap().to_owned();
        project.execution(&id)
    };
    std::fs::remove_file(project.at("good.csv")).unwrap();
    let (same, dry) = (again(&[]), again(&["--mode", "dry", "--by", "ann@example.com"]));
    assert_eq!(
        (&same["mode"], &same["state"], &same["triggered_by"]),
        (&json!("live"), &json!("queued"), &json!(""))
    );
    assert_eq!((&dry["mode"], &dry["triggered_by"]), (&json!("dry"), &json!("ann@example.com")));
    assert_eq!(same["inputs"], json!(["good.csv"]));
    assert!(project.ends(0, &["executions", "run-again", &first]).stdout.starts_with("20"));
    project.file("good.csv", GOOD);
    project.ends(0, &["activate", "shop.sconn", "--keep-queued"]);
    project.file("shop.sconn", &SHOP.replace("chunk   2", "chunk   3"));
    let said = project.ends(0, &["executions", "run-again", &first]).stderr;
    assert!(said.contains("warning: shop.sconn was edited since"), "{said}");
    let none = project.ends(2, &["executions", "run-again", "20240304T101500Z-3f9a1c"]).stderr;
    assert!(none.contains("there is no execution 20240304T101500Z-3f9a1c"), "{none}");
}

#[test]
fn programs_are_told_what_people_are_told() {
    let project = desk();
    let json = |args: &[&str]| project.json(args);
    let queue = |live: &[&str]| {
        let args = [&["submit", "shop.sconn", "--input", "good.csv"], live].concat();
        json(&args)["id"].as_str().unwrap().to_owned()
    };
    let waiting = queue(&["--live"]);
    assert_eq!(
        json(&["activate", "shop.sconn", "--cancel-queued"]),
        json!({ "connector": "shop", "version": 1, "cancelled": [waiting], "deactivated": [] })
    );
    let queued = queue(&[]);
    let cancel = ["executions", "cancel", queued.as_str()];
    assert_eq!(json(&cancel), json!({ "id": queued, "was": "queued", "cancelled": true }));
    assert_eq!(json(&cancel), json!({ "id": queued, "was": "cancelled", "cancelled": false }));
    let live = queue(&["--live", "--no-report"]);
    work(&project, 0);
    assert_eq!(json(&["executions", "show", &live])["state"], "completed");
    assert_eq!(json(&["records", "count", "items"]), json!({ "object": "items", "count": 3 }));
    let record = json(&["records", "list", "items"])[0]["id"].as_str().unwrap().to_owned();
    let archived = json!({ "object": "items", "changed": 1, "already": 0 });
    assert_eq!(json(&["records", "archive", "items", &record]), archived);
    assert_eq!(json(&["records", "unarchive", "items", &record]), archived);
    let down = json(&["executions", "download", &live, "sql-output"]);
    assert_eq!(down, json!({ "path": "sql-output.zip" }));
    project.file("sconn.toml", "[retention]\nkeep = 0\n");
    let pruned = json(&["executions", "prune", "--older-than", "1s", "--dry-run"]);
    assert!(
        pruned.as_array().unwrap().iter().all(|p| p["removed"] == false && p["stays"].is_null()),
        "{pruned}"
    );
    assert_eq!(json(&["deactivate", "shop"]), json!({ "connector": "shop", "was_active": true }));

    let token = json(&["tokens", "add", "ci", "--role", "run", "--email", "you@example.com"]);
    assert!(token["token"].as_str().unwrap().starts_with("sconn_"), "{token}");
    assert_eq!(
        (&token["name"], &token["role"], &token["email"]),
        (&json!("ci"), &json!("run"), &json!("you@example.com"))
    );
    let listed = json(&["tokens", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["token"]), (&json!("ci"), &Value::Null));
    assert_eq!(json(&["tokens", "remove", "ci"]), json!({ "name": "ci", "removed": true }));

    project.file(
        "nightly.sconn",
        "connector nightly { trigger schedule { cron \"0 6 * * *\" timezone \"Asia/Tokyo\" } }\n",
    );
    let slots = json(&["schedule", "nightly.sconn", "--count", "2"]);
    assert_eq!((&slots["connector"], slots["slots"].as_array().unwrap().len()), (&json!("nightly"), 2));
    assert!(slots["slots"][0]["local"].as_str().unwrap().ends_with("T06:00:00+09:00"), "{slots}");
    assert!(slots["slots"][0]["at"].as_str().unwrap().ends_with("T21:00:00Z"), "{slots}");

    project.ends(0, &["activate", "orders.sconn"]);
    events(&project);
    assert_eq!(
        json(&["events", "sample", "orders", "--to", "two.csv"]),
        json!({ "events": 2, "file": "two.csv" })
    );
    assert_eq!(json(&["events", "replay", "orders", "1", "--no-report"])["state"], "completed");
    assert_eq!(json(&["events", "discard", "orders", "2"]), json!({ "discarded": 1, "already": 0 }));
    assert!(json(&["events", "replay", "orders", "--live"])["id"].is_string());
}

#[test]
fn what_an_execution_left_is_copied_where_nothing_is_lost() {
    let project = desk();
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv"]);
    let id = project.json(&["executions", "list"])[0]["id"].as_str().unwrap().to_owned();
    std::fs::create_dir(project.path().join("folder")).unwrap();
    project.file("mine.csv", "mine");
    project.file("folder/report.xlsx", "mine");
    let down =
        |code: i32, more: &[&str]| project.ends(code, &[&["executions", "download", &id], more].concat());
    let own = format!(".sconn/executions/{id}/report.xlsx");
    for (args, what, mend) in [
        (&["report", "--to", "nodir/x.xlsx"][..], "nodir: there is no such folder", "make it first"),
        (&["report", "--to", "mine.csv"], "mine.csv: it is there already", "--force"),
        (&["report", "--to", "folder"], "folder/report.xlsx: it is there already", "--force"),
        (&["report", "--to", &own, "--force"], "report.xlsx: this is what the execution keeps", "--to"),
        (&["input", "--to", "mine.csv"], "mine.csv: this is a file, and the input is a folder", "--to"),
    ] {
        let told = down(2, args).stderr;
        assert!(told.contains(what) && told.contains(mend) && !told.contains("os error"), "{args:?}: {told}");
    }
    let read = |name: &str| std::fs::read(project.path().join(name)).unwrap();
    assert_eq!((read("mine.csv"), read("folder/report.xlsx")), (b"mine".to_vec(), b"mine".to_vec()));
    assert_eq!(&read(&own)[..2], b"PK");
    down(0, &["report", "--to", "folder", "--force"]);
    assert_eq!(read("folder/report.xlsx"), read(&own));
    assert_eq!(down(0, &["decisions", "--to", "folder"]).stdout, "folder/decisions.parquet\n");
    assert_eq!(down(0, &["input", "--to", "folder"]).stdout, "folder/input\n");
    down(0, &["input", "--to", "new"]);
    assert_eq!((read("folder/input/good.csv"), read("new/good.csv")), (read("good.csv"), read("good.csv")));
    assert!(down(2, &["input", "--to", "folder"]).stderr.contains("folder/input: it is there already"));
}

#[test]
fn what_an_execution_never_left_and_cannot_go_on_with_is_told_with_its_mend() {
    let project = desk();
    project.ends(0, &["activate", "shop.sconn"]);
    let cancelled = submit(&project, &["--live"]);
    let refused = |args: &[&str]| project.ends(2, args).stderr;
    let waits = refused(&["executions", "download", &cancelled, "report"]);
    assert!(waits.contains("has no report.xlsx yet: it is queued"), "{waits}");
    project.ends(0, &["executions", "cancel", &cancelled]);
    let completed = submit(&project, &["--live", "--no-report"]);
    work(&project, 0);
    let again = |id: &str| {
        format!(
            "run its input again: sconn run ./shop.sconn --input ./.sconn/executions/{id}/input/good.csv --live"
        )
    };
    let root = project.path().canonicalize().unwrap().display().to_string();
    for (id, artefact, what) in [
        (&cancelled, "report", "has no report.xlsx: it was cancelled before it began"),
        (&cancelled, "sql-output", "has no sql-output.zip: it was cancelled before it began"),
        (&completed, "report", "has no report.xlsx: it ran with --no-report"),
    ] {
        let told = refused(&["executions", "download", id, artefact]).replace(&root, ".");
        assert!(told.contains(what) && told.contains(&again(id)), "{told}");
    }
    let folder = format!(".sconn/executions/{completed}");
    for (given, id, state) in [
        (&completed, &completed, "completed"),
        (&folder, &completed, "completed"),
        (&cancelled, &cancelled, "cancelled"),
    ] {
        let told = refused(&["executions", "resume", given]).replace(&root, ".");
        assert!(told.contains(&format!("error: {id} is {state}\n")) && told.contains(&again(id)), "{told}");
    }
    // The mend is one.
    let mend = refused(&["executions", "resume", &completed]);
    let mend = mend.split("again: sconn ").nth(1).unwrap().trim();
    assert_eq!(project.ends(0, &mend.split(' ').collect::<Vec<_>>()).code, 0);
}

#[test]
fn slips_are_told_and_nothing_is_done() {
    let project = desk();
    project.ends(0, &["activate", "shop.sconn"]);
    project.ends(0, &["activate", "orders.sconn"]);
    let input = ["--input", "good.csv"];
    for (args, what, mend) in [
        (
            vec!["executions", "list", "--connector", "shp"],
            "the project knows no connector `shp`",
            "did you mean `shop`?",
        ),
        (vec!["executions", "list", "--limit", "0"], "invalid value '0' for '--limit <N>'", "try '--help'"),
        (vec!["events", "list", "orders", "--limit", "0"], "invalid value '0'", "try '--help'"),
        (vec!["records", "list", "items", "--limit", "0"], "invalid value '0'", "try '--help'"),
        (vec!["outbox", "list", "--limit", "0"], "invalid value '0'", "try '--help'"),
        (vec!["schedule", "shop", "--count", "0"], "invalid value '0'", "try '--help'"),
        (
            vec!["run", "shop.sconn", input[0], input[1], "--by", "not an address"],
            "'not an address'",
            "you@example.com",
        ),
        (vec!["submit", "shop.sconn", input[0], input[1], "--by", "nobody"], "'nobody'", "you@example.com"),
        (vec!["tokens", "add", "bob", "--email", "nonsense"], "'nonsense'", "you@example.com"),
        (vec!["tokens", "add", ""], "for '<NAME>'", "1 to 100 characters"),
        (
            vec!["events", "replay", "orders", "--since", "yesterday"],
            "'yesterday'",
            "or how long ago: 30m, 6h, 2d",
        ),
        (vec!["serve", "--listen", "nowhere"], "'nowhere'", "write ADDRESS:PORT, as in 127.0.0.1:8080"),
    ] {
        let told = project.ends(2, &args);
        assert!(told.stderr.contains(what) && told.stderr.contains(mend), "{args:?}: {}", told.stderr);
        assert_eq!(told.stdout, "", "{args:?}");
    }
    assert_eq!(project.json(&["executions", "list"]), json!([]));
    assert_eq!(project.ends(0, &["executions", "list", "--connector", "shop"]).stdout, "no executions yet\n");
    assert_eq!(project.ends(0, &["tokens", "list"]).stdout, "");
    assert_eq!(project.ends(0, &["explain", "503"]).stdout, project.ends(0, &["explain", "SC0503"]).stdout);

    std::fs::create_dir(project.path().join("inbox")).unwrap();
    project.file(
        "sconn.toml",
        "[watch.z]\nconnector = \"shop\"\nfolder = \"inbox\"\n\n[watch.a]\nconnector = \"orders\"\nfolder = \"./inbox/\"\n",
    );
    let told = project.ends(2, &["status"]).stderr;
    assert!(told.contains("sconn.toml:7: watch.a: this folder is watched already, by watch.z"), "{told}");
    // Connectors and settings are no input.
    for folder in ["", ".", "inbox/..", ".sconn", ".sconn/executions"] {
        project.file("sconn.toml", &format!("[watch.z]\nconnector = \"shop\"\nfolder = \"{folder}\"\n"));
        let told = project.ends(2, &["status"]).stderr;
        assert!(
            told.contains("sconn.toml:3: watch.z: what is in this folder is the project's own"),
            "{told}"
        );
        assert!(told.contains("folder = \"inbox\""), "{told}");
    }
}

#[test]
fn a_queue_that_was_emptied_beside_something_wrong_says_so() {
    let project = desk();
    project.ends(0, &["activate", "shop.sconn"]);
    let watch = |connector: &str| {
        let text =
            format!("[watch.lists]\nconnector = \"{connector}\"\nfolder = \"inbox\"\nsettle = \"0s\"\n");
        project.file("sconn.toml", &text);
    };
    watch("shop");
    assert!(work(&project, 1).contains("folder lists: "), "the folder is not there");
    std::fs::create_dir(project.path().join("inbox")).unwrap();
    assert_eq!(work(&project, 0), "");
    watch("shp");
    let told = work(&project, 1);
    assert!(told.contains("there is no connector `shp`; did you mean `shop`?"), "{told}");
    project.file("inbox/list.csv", "SKU,Price\nz,1\n");
    assert!(work(&project, 1).contains("`shp`"));
    watch("shop");
    work(&project, 0);
    assert_eq!(project.ends(0, &["records", "count", "items"]).stdout, "1\n");
    let idle = project.ends(0, &["work", "--until-empty", "--at-once", "0"]).stderr;
    assert!(idle.contains("nothing is run; what comes due is only queued"), "{idle}");
}

/// Colour is forced on, as on a terminal.
#[test]
fn usage_errors_and_help_keep_to_the_colour_that_is_asked_for() {
    let said = |args: &[&str]| {
        let mut command = Command::new(program());
        let done = command.args(args).env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1").output().unwrap();
        String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
    };
    for args in [&["--help"][..], &["chekc"], &["run"], &["executions", "list", "--limit", "0"]] {
        assert!(said(args).contains('\u{1b}'), "{args:?}: nothing would be shown in colour");
        assert!(!said(&[args, &["--color", "never"]].concat()).contains('\u{1b}'), "{args:?}");
        assert!(!said(&[&["--color=never"], args].concat()).contains('\u{1b}'), "{args:?}");
    }
}

#[test]
fn what_nobody_is_told_does_not_wait_in_the_outbox() {
    let project = desk();
    let id = submit(&project, &[]);
    project.ends(0, &["executions", "cancel", &id]);
    let status = project.ends(0, &["status"]).stdout;
    assert!(!status.contains("outbox"), "{status}");
    assert_eq!(project.ends(0, &["outbox", "list"]).stdout, "the outbox is empty\n");
}

#[test]
fn a_webhook_whose_version_cannot_be_read_lets_its_senders_come_again() {
    let project = desk();
    project.ends(0, &["activate", "orders.sconn"]);
    state(&project, "UPDATE versions SET plan = '{\"future\": true}'");
    let service = Service::start_at("0", project.path(), &["--at-once", "0"], None);
    let post = |connector: &str| {
        let mut stream = TcpStream::connect(service.address).unwrap();
        let head = "host: x\r\ncontent-type: text/plain\r\ncontent-length: 1\r\nconnection: close";
        write!(stream, "POST /hooks/{connector} HTTP/1.1\r\n{head}\r\n\r\nx").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.to_lowercase()
    };
    let answer = post("orders");
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("\r\nretry-after: "), "{answer}");
    assert!(post("nope").starts_with("http/1.1 404 "));
    eventually("it says why", || service.said().contains("version 1 of `orders` cannot be read"));
}
