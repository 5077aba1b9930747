//! Which connector a name or a file means, what a submission takes while it is active, and what is asked before
//! it is active again.

use crate::api::desk::{CONNECTOR, Desk};
use crate::common::project::{GOOD, Project, SHOP};
use crate::common::{Output, output_of};
use crate::page;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

fn project(connector: &str) -> Project {
    Project::with_shop(connector, "")
}

fn active(connector: &str) -> Project {
    let project = project(connector);
    project.ends(0, &["activate", "shop.sconn"]);
    project
}

/// Status by name, as programs are told.
fn statuses(project: &Project) -> Vec<(String, String, Value)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = project.json(&["status"]);
    let all = all.as_array().unwrap().iter();
    all.map(|c| (text(&c["name"]), text(&c["status"]), c["changed"].clone())).collect()
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// The shop with another name.
fn renamed(to: &str) -> String {
    SHOP.replace("connector shop", &format!("connector {to}"))
}

/// The shop, with the region of a run as a field of its items.
fn with_region(default: &str) -> String {
    SHOP.replace("object items", &format!("param region: string{default}\n\nobject items"))
        .replace(
            "scope items from input.list {",
            "scope items {\n  sql { SELECT *, $region AS region FROM input.list }\n  region: string",
        )
        .replace("price: decimal", "price: decimal\n  region: text")
        .replace("sku   <- sku\n    price", "sku   <- sku\n    region <- region\n    price")
}

#[test]
fn a_connector_that_is_renamed_in_its_file_takes_the_place_of_the_earlier_one() {
    let project = active(SHOP);
    project.file("shop.sconn", &renamed("store"));
    assert_eq!(statuses(&project)[0], ("shop".into(), "Operational".into(), "renamed".into()));
    // Its earlier name is not what the file is any more.
    let other = project.ends(2, &["activate", "shop"]).stderr;
    assert_says(&other, &["declares `store` now, not `shop`"]);
    assert_says(&project.ends(2, &["deactivate", "shop.sconn"]).stderr, &["`store` was never activated"]);
    for asked in [&["submit", "shop", "--input", "good.csv"][..], &["run", "shop", "--input", "good.csv"]] {
        let refused = project.ends(2, asked).stderr;
        assert_says(&refused, &["shop.sconn declares `store` now, not `shop`", "take `store`"]);
    }
    assert_eq!(project.executions().len(), 0, "what is asked of one is not done with another");
    let waits = project.ends(0, &["submit", "shop", "--input", "good.csv", "--live"]).stdout;
    let done = project.ends(0, &["activate", "shop.sconn"]).stdout;
    assert_says(&done, &["store is active, version 1\n", "shop is inactive: its file is `store` now"]);
    let both = [("shop", "Inactive", json!("renamed")), ("store", "Operational", Value::Null)];
    let both = both.map(|(name, status, changed)| (name.to_owned(), status.to_owned(), changed));
    assert_eq!(statuses(&project), both);
    project.work();
    assert_eq!(project.state(waits.trim()), "queued");
    let one = project.ends(0, &["status", "shop.sconn"]).stdout;
    assert!(
        one.starts_with("store  Operational\n") || one.starts_with("store  Operational, version 1"),
        "{one}"
    );
    assert_eq!(one.lines().count(), 1, "{one}");
    assert_says(&project.ends(0, &["deactivate", "shop"]).stdout, &["shop was not active"]);
    assert_says(&project.ends(0, &["deactivate", "store"]).stdout, &["store is inactive"]);
    assert_eq!(statuses(&project)[1].1, "Inactive");
}

#[test]
fn a_name_is_one_files() {
    let project = active(SHOP);
    project.file("shop2.sconn", &SHOP.replace("price <- price overwrite", "price <- price"));
    let found = project.ends(1, &["check", "--format", "concise"]).stdout;
    assert_says(&found, &["shop2.sconn:2:11", "[SC0102]", "shop.sconn has a connector `shop` too"]);
    assert_eq!(found.matches("[SC").count(), 1, "{found}");
    let refused = project.ends(2, &["activate", "shop2.sconn"]).stderr;
    assert_says(
        &refused,
        &["`shop` is the connector of", "shop.sconn", "give the one in shop2.sconn another name"],
    );
    assert_eq!(statuses(&project), [("shop".into(), "Operational".into(), Value::Null)]);
    // Nor where neither was ever active.
    let fresh = self::project(SHOP);
    fresh.file("again.sconn", SHOP);
    assert_says(&fresh.ends(2, &["activate", "shop.sconn"]).stderr, &["again.sconn"]);
    // The file moved: the other is the connector's from then on.
    fs::remove_file(project.at("shop.sconn")).unwrap();
    assert_eq!(project.ends(0, &["activate", "shop2.sconn"]).stdout, "shop is active, version 2\n");
    // Without a project each file is on its own.
    fresh.ends(1, &["check"]);
    fs::remove_file(fresh.at("sconn.toml")).unwrap();
    fresh.ends(0, &["check"]);
}

/// What is meant for one file is not done with another that has the same name.
#[test]
fn what_is_done_with_a_file_is_not_done_with_another_of_its_name() {
    let project = active(SHOP);
    for text in [SHOP.to_owned(), SHOP.replace("price <- price overwrite", "price <- price")] {
        project.file("test/shop.sconn", &text);
        project.file("test/good.csv", GOOD);
        for args in [
            &["submit", "test/shop.sconn", "--input", "good.csv", "--live"][..],
            &["run", "test/shop.sconn", "--input", "good.csv", "--live"],
            &["deactivate", "test/shop.sconn"],
            &["status", "test/shop.sconn"],
            &["activate", "test/shop.sconn"],
        ] {
            let refused = project.ends(2, args).stderr;
            let mend = "give the one in test/shop.sconn another name, or remove one of the two files";
            assert_says(&refused, &["`shop` is the connector of", "warehouse/shop.sconn", mend]);
        }
    }
    assert_eq!(project.status(), "Operational");
    assert!(project.executions().is_empty());
    // A dry run takes the file that is given.
    project.ends(0, &["run", "test/shop.sconn", "--input", "good.csv"]);
    project.ends(0, &["submit", "test/shop.sconn", "--input", "good.csv"]);
    // Nor where neither was ever active.
    let fresh = self::project(SHOP);
    fresh.file("again.sconn", SHOP);
    let refused = fresh.ends(2, &["submit", "shop.sconn", "--input", "good.csv", "--live"]).stderr;
    assert_says(&refused, &["again.sconn"]);
}

#[test]
fn an_inactive_connector_takes_what_arrives_whatever_became_of_its_file() {
    let project = active(SHOP);
    project.ends(0, &["deactivate", "shop"]);
    let submit = || project.ends(0, &["submit", "shop", "--input", "good.csv", "--live"]);
    assert_eq!(submit().stderr, "");
    let waits = "it is queued as version 1 of `shop` takes it, and waits until `shop` is active";
    project.file("shop.sconn", &SHOP.replace("with sku", "with skuu"));
    assert_says(&submit().stderr, &["warning: shop.sconn has errors: ", waits]);
    project.file("shop.sconn", &renamed("store"));
    assert_says(&submit().stderr, &["warning: shop.sconn declares another connector now: ", waits]);
    fs::remove_file(project.at("shop.sconn")).unwrap();
    assert_says(&submit().stderr, &["warning: shop.sconn is gone: ", waits]);
    project.work();
    let all = project.executions();
    assert!(all.iter().all(|e| e["state"] == "queued" && e["connector"] == "shop"), "{all:?}");
    project.file("shop.sconn", SHOP);
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    project.work();
    assert!(project.executions().iter().all(|e| e["state"] == "completed"));
    // Over HTTP too.
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.ends(0, &["deactivate", "shop"]);
    fs::remove_file(desk.at("shop.sconn")).unwrap();
    let service = desk.serve_as("run");
    let path = "/api/v1/connectors/shop/executions?mode=live";
    let taken = service.ask("POST", path, &[("content-type", "text/csv")], GOOD.as_bytes());
    assert_eq!(taken.status, 202, "{}", taken.text());
    assert_says(taken.json()["notice"].as_str().unwrap(), &["shop.sconn is gone: ", waits]);
}

#[test]
fn a_live_submission_takes_the_active_version_and_says_that_its_file_was_edited() {
    let project = active(SHOP);
    let submit = |code: i32, more: &[&str]| {
        project.ends(code, &[&["submit", "shop.sconn", "--input", "good.csv"], more].concat())
    };
    assert_eq!(submit(0, &["--live"]).stderr, "");
    project.file("shop.sconn", &with_region(" = \"EU\""));
    // The version that will run has no such parameter: nothing of it is lost silently.
    let refused = submit(2, &["--live", "--param", "region=US"]).stderr;
    assert_says(&refused, &["the connector has no parameter `region`"]);
    let told = submit(0, &["--live"]).stderr;
    assert_says(
        &told,
        &["warning: shop.sconn was edited since version 1 of `shop` was activated", "activate it again"],
    );
    assert_eq!(submit(0, &["--param", "region=US"]).stderr, "", "a dry run takes the file as it is");
    // What is wrong in the file by now keeps nothing from the version that runs.
    project.file("shop.sconn", &SHOP.replace("with sku", "with skuu"));
    let id = submit(0, &["--live"]);
    assert_says(&id.stderr, &["warning: shop.sconn has errors: version 1 of `shop` runs"]);
    assert_says(&submit(2, &[]).stderr, &["no variable `skuu`"]);
    fs::remove_file(project.at("shop.sconn")).unwrap();
    assert_says(&submit(0, &["--live"]).stderr, &["warning: shop.sconn is gone: version 1"]);
    project.work();
    let row = project.execution(id.stdout.trim());
    assert_eq!((&row["state"], &row["version"]), (&"completed".into(), &1.into()));
    assert_eq!(project.count("items"), 3);
}

#[test]
fn parameters_are_those_of_the_version_that_begins_in_the_end() {
    let project = active(&with_region(" = \"EU\""));
    project.ends(0, &["deactivate", "shop"]);
    let args = ["submit", "shop.sconn", "--input", "good.csv", "--live", "--param", "region=US"];
    let id = project.ends(0, &args).stdout.trim().to_owned();
    project.file("shop.sconn", SHOP);
    project.ends(0, &["activate", "shop", "--keep-queued"]);
    project.work();
    let row = project.execution(&id);
    assert_eq!((&row["state"], project.count("items")), (&"interrupted".into(), 0));
    assert_says(row["failure"].as_str().unwrap(), &["the connector has no parameter `region`"]);
}

/// A live run whose process was killed after its first chunk.
fn interrupted(project: &Project) -> String {
    project.dies_at("committed", &["run", "shop.sconn", "--input", "good.csv", "--live"]);
    let sql = "UPDATE executions SET lease_until = '2020-01-01T00:00:00.000Z' WHERE state = 'running'";
    assert_eq!(project.database().execute(sql, []).unwrap(), 1);
    let row = project.executions().remove(0);
    assert_eq!(row["state"], "interrupted");
    row["id"].as_str().unwrap().to_owned()
}

#[test]
fn interrupted_executions_are_listed_before_their_connector_is_active_again() {
    for (how, state, items) in [("--keep-queued", "completed", 3), ("--cancel-queued", "cancelled", 2)] {
        let project = active(SHOP);
        let id = interrupted(&project);
        project.ends(0, &["deactivate", "shop"]);
        // A dry run does not wait for that, and is not asked about.
        project.ends(0, &["submit", "shop.sconn", "--input", "good.csv"]);
        let asked = project.ends(2, &["activate", "shop"]).stderr;
        let list =
            format!("1 execution would begin or go on once `shop` is active:\n  {id}  interrupted  since ");
        assert_says(&asked, &[&list]);
        project.ends(0, &["activate", "shop", how]);
        project.work();
        assert_eq!((project.state(&id).as_str(), project.count("items")), (state, items), "{how}");
    }
}

/// A project whose connector was made inactive while an execution of it was interrupted, after ten of thirty rows.
fn interrupted_and_inactive(desk: &Project) -> String {
    desk.ends(0, &["activate", "shop.sconn"]);
    let list: String = (0..30).map(|i| format!("k{i},{i}\n")).collect();
    desk.file("good.csv", &format!("SKU,Price\n{list}"));
    let id = interrupted(desk);
    desk.ends(0, &["deactivate", "shop"]);
    id
}

#[test]
fn over_http_interrupted_executions_are_listed_too() {
    let desk = Desk::new("");
    let id = interrupted_and_inactive(&desk);
    let service = desk.serve_as("admin");
    let path = "/api/v1/connectors/shop/activate";
    let asked = service.ask("POST", path, &[], b"");
    assert_eq!((asked.status, &asked.json()["queued"]), (409, &json!([id])), "{}", asked.text());
    let body = json!({"queued": [id]}).to_string();
    let done = service.ask("POST", path, &[("content-type", "application/json")], body.as_bytes());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(service.ended(&id)["state"], "cancelled");
    assert_eq!(desk.items(), 10, "what was committed stays");
}

#[test]
fn on_the_page_interrupted_executions_are_listed_too() {
    for (cancel, state, items) in [(true, "cancelled", 10), (false, "completed", 30)] {
        let project = Project::with_shop(CONNECTOR, "");
        let id = interrupted_and_inactive(&project);
        let desk = page::desk::Desk::over(project);
        let ann = desk.logged_in("ann", "admin");
        let path = "/connectors/shop/activation";
        let switched = ann.post(path, &[("to", "on")]);
        assert_eq!((switched.status, switched.header("location")), (303, path));
        assert_eq!(desk.status(), "Inactive", "nothing happens before the answer");
        let asked = ann.get(path);
        let link = format!("href=\"/executions/{id}\"");
        let list = ["1 execution would begin or go on at once", "interrupted", "good.csv", link.as_str()];
        assert_says(&asked.body, &list);
        assert_eq!(asked.field("cancel"), id, "it can be chosen to be cancelled");
        let shown = asked.field("shown");
        let mut answer = vec![("to", "on"), ("shown", shown.as_str())];
        answer.extend(cancel.then_some(("cancel", id.as_str())));
        assert_eq!(ann.post(path, &answer).header("location"), "/connectors/shop");
        assert_eq!((desk.ended(&id).as_str(), desk.count("items")), (state, items));
        assert_eq!(desk.status(), "Operational");
    }
}

/// Activates the shop at a terminal, where that is typed.
fn typed(project: &Project, answer: &str) -> Output {
    let mut command = Command::new("python3");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/active/prompt.py");
    let program = crate::common::program();
    command.args([script, answer]).arg(program).args(["activate", "shop.sconn"]).current_dir(project.path());
    output_of(command)
}

#[test]
fn at_the_prompt_only_an_answer_activates() {
    let project = project(SHOP);
    let [first, second] = ["good.csv", "bad.csv"].map(|file| project.submit(file));
    let before = |project: &Project| {
        let states = [project.state(&first), project.state(&second)];
        assert_eq!(
            (project.status().as_str(), states),
            ("Setup in Progress", ["queued", "queued"].map(Into::into))
        );
    };
    for (answer, said) in [
        ("", "nothing was changed"),
        ("quit", "nothing was changed"),
        ("all none", "`all` does not go together with other words"),
        ("good.csv", "`good.csv` is none of them"),
    ] {
        let done = typed(&project, answer);
        assert_eq!(done.code, 2, "{answer}: {}", done.stdout);
        assert_says(&done.stdout, &["2 executions would begin", &first, &second, said]);
        before(&project);
    }
    let by = ["submit", "shop.sconn", "--input", "good.csv", "bad.csv", "--live", "--by", "ann@example.com"];
    let third = project.ends(0, &by).stdout.trim().to_owned();
    let done = typed(&project, &format!("{first},{third}"));
    assert_eq!(done.code, 0, "{}", done.stdout);
    assert_says(&done.stdout, &["  good.csv\r\n", "  good.csv, bad.csv  by ann@example.com\r\n"]);
    assert_says(&done.stdout, &[&format!("cancelled {first}"), &format!("cancelled {third}")]);
    assert_says(&done.stdout, &["shop is active, version 1"]);
    assert_eq!([project.state(&first), project.state(&second)], ["cancelled", "queued"].map(str::to_owned));
    project.ends(0, &["deactivate", "shop"]);
    assert_eq!(typed(&project, "none").code, 0);
    assert_eq!((project.status().as_str(), project.state(&second).as_str()), ("Operational", "queued"));
    project.ends(0, &["deactivate", "shop"]);
    assert_eq!(typed(&project, "all").code, 0);
    assert_eq!((project.status().as_str(), project.state(&second).as_str()), ("Operational", "cancelled"));
}

#[test]
fn a_dry_run_needs_no_sample_and_warns_of_one_that_is_not_there() {
    let project = project(&SHOP.replace("good.csv", "gone.csv"));
    let words = "its sample cannot be read: gone.csv: there is no such file or folder";
    let found = project.ends(1, &["check", "--format", "concise"]).stdout;
    assert_says(&found, &["warning[SC0507]", "gone.csv: there is no such file or folder"]);
    for command in ["run", "submit"] {
        let dry = project.ends(0, &[command, "shop.sconn", "--input", "good.csv"]);
        assert_says(&dry.stderr, &[&format!("warning: `shop` is not complete: {words}")]);
    }
    let refused = project.ends(2, &["activate", "shop.sconn"]).stderr;
    assert_says(&refused, &["`shop` cannot be activated yet", words]);
    assert!(!refused.contains("os error"), "{refused}");
    // One that cannot be read is no better.
    project.file("gone.csv", "");
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv"]);
    assert_says(&project.ends(2, &["activate", "shop.sconn"]).stderr, &["its sample cannot be read"]);
    fs::remove_file(project.at("sconn.toml")).unwrap();
    fs::remove_file(project.at("gone.csv")).unwrap();
    let own = project.ends(0, &["run", "shop.sconn", "--input", "good.csv"]).stderr;
    assert_says(&own, &[words]);
}

#[test]
fn a_connector_is_known_by_its_name_before_it_is_activated() {
    let project = Project::with_shop(
        SHOP,
        "[watch.in]\nconnector = \"shop\"\nfolder = \"in\"\nsettle = \"0s\"\nlive = false\n",
    );
    let name = "connectors/nightly.sconn";
    let nightly =
        renamed("nightly").replace("trigger spreadsheet", "trigger schedule { cron \"0 6 * * *\" }");
    let nightly = nightly.replace("  sample  \"good.csv\"\n", "").replace("input list", "input schedule");
    project.file(
        name,
        &nightly.replace("input.list", "input.schedule").replace("\"SKU\"", "\"schedule_trigger_time\""),
    );
    project.file("in/good.csv", GOOD);
    project.work();
    assert_eq!(project.executions()[0]["state"], "completed", "a watched folder knows its connector by name");
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    let setup = |name: &str| (name.to_owned(), "Setup in Progress".to_owned(), Value::Null);
    assert_eq!(statuses(&project), [setup("nightly"), setup("shop")]);
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    assert_eq!(project.ends(0, &["schedule", "nightly"]).stdout.lines().count(), 5);
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    project.ends(0, &["run", "shop", "--input", "good.csv", "--no-report"]);
    project.ends(0, &["plan", "shop"]);
    assert_eq!(project.ends(0, &["activate", "shop"]).stdout, "shop is active, version 1\n");
    project.ends(0, &["submit", "shop", "--input", "good.csv", "--live"]);
    let wrong = project.ends(2, &["run", "shopp", "--input", "good.csv"]).stderr;
    assert_says(&wrong, &["the project knows no connector `shopp`", "did you mean `shop`?"]);
}

#[test]
fn a_status_is_json_for_programs_whatever_it_is() {
    let project = project(SHOP);
    // What lies in a hidden folder is not found by itself.
    project.file(".old/draft.sconn", &renamed("draft"));
    project.file(".old/good.csv", GOOD);
    for (file, name) in [("shop.sconn", "shop"), (".old/draft.sconn", "draft")] {
        let told = project.json(&["status", file]);
        let [one] = told.as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!((&one["name"], &one["status"]), (&name.into(), &"Setup in Progress".into()));
        let text = project.ends(0, &["status", file]).stdout;
        assert_eq!(text, format!("{name}  Setup in Progress\n"));
    }
}

#[test]
fn a_file_that_is_gone_or_has_errors_is_not_called_edited() {
    let project = active(SHOP);
    let told = |words: &str| {
        let text = project.ends(0, &["status"]).stdout;
        assert!(text.starts_with(&format!("shop  Operational, version 1, {words}\n")), "{text}");
    };
    project.file("shop.sconn", &SHOP.replace("with sku", "with skuu"));
    told("shop.sconn has errors: `sconn check` tells them");
    project.file("shop.sconn", "connector {");
    told("shop.sconn has errors: `sconn check` tells them");
    assert_says(&project.ends(2, &["activate", "shop.sconn"]).stderr, &["shop.sconn"]);
    fs::remove_file(project.at("shop.sconn")).unwrap();
    told("shop.sconn is gone");
    assert_says(&project.ends(2, &["activate", "shop.sconn"]).stderr, &["shop.sconn: there is no such file"]);
    assert_says(&project.ends(0, &["deactivate", "shop.sconn"]).stdout, &["shop is inactive"]);
    let never = project.ends(2, &["deactivate", "other.sconn"]).stderr;
    assert_says(&never, &["other.sconn is not there, and the project knows no connector by that file"]);
}

#[test]
fn over_http_a_connector_whose_file_declares_another_is_not_tried_in_its_name() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let service = desk.serve_as("admin");
    let id = service.submit("mode=live", GOOD);
    service.ended(&id);
    let file = fs::read_to_string(desk.at("shop.sconn")).unwrap();
    desk.file("shop.sconn", &file.replace("connector shop", "connector shop2"));
    let shop = service.read("/api/v1/connectors/shop");
    assert_eq!((&shop["changed"], &shop["edited"]), (&"renamed".into(), &Value::Null));
    let csv = [("content-type", "text/csv")];
    let submit = |mode: &str| {
        let path = format!("/api/v1/connectors/shop/executions?mode={mode}");
        service.ask("POST", &path, &csv, GOOD.as_bytes())
    };
    let dry = service.post(&format!("/api/v1/executions/{id}/run-again?mode=dry"));
    let activate = service.post("/api/v1/connectors/shop/activate");
    for refused in [submit("dry"), dry, activate] {
        assert_eq!(refused.status, 422, "{}", refused.text());
        let told = refused.json();
        assert_eq!(told["error"], "shop.sconn declares `shop2` now, not `shop`");
        assert_eq!(told["help"], "take `shop2`, or give it its earlier name back");
    }
    assert_eq!(service.read("/api/v1/executions")["executions"].as_array().unwrap().len(), 1);
    let live = submit("live").json();
    assert_says(
        live["notice"].as_str().unwrap(),
        &["declares another connector now: version 1 of `shop` runs"],
    );
}

#[test]
fn nothing_waits_that_lacks_what_it_needs() {
    let project = active(&with_region(""));
    let submit =
        |more: &[&str]| project.ends(2, &[&["submit", "shop.sconn", "--live"], more].concat()).stderr;
    assert_says(
        &submit(&["--param", "region=EU"]),
        &["`shop` reads input, and no file was given", "--input FILE"],
    );
    assert_says(&submit(&["--input", "good.csv"]), &["the parameter `region` of `shop` has no value"]);
    assert!(project.executions().is_empty());
    assert!(!project.at(".sconn/executions").exists());
    // Nor does anything wait where there is no project.
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    fs::remove_file(project.at("sconn.toml")).unwrap();
    assert_says(&submit(&["--input", "good.csv"]), &["sconn.toml"]);
    assert!(!project.at(".sconn").exists(), "nothing is left of what was refused");
}

#[test]
fn over_http_a_submission_says_that_the_file_was_edited_and_needs_its_input() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let service = desk.serve_as("run");
    let path = "/api/v1/connectors/shop/executions?mode=live";
    let submit = |query: &str, body: &[u8]| {
        service.ask("POST", &format!("{path}{query}"), &[("content-type", "text/csv")], body)
    };
    let empty = service.ask("POST", path, &[], b"");
    assert_eq!(empty.status, 422, "{}", empty.text());
    assert_says(&empty.text(), &["no file was given"]);
    assert!(!empty.text().contains("--input"), "{}", empty.text());
    let first = submit("", GOOD.as_bytes());
    assert_eq!((first.status, &first.json()["notice"]), (202, &Value::Null));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(service.ended(&id)["state"], "completed");
    let file = fs::read_to_string(desk.at("shop.sconn")).unwrap();
    desk.file("shop.sconn", &file.replace("with sku", "with skuu"));
    let again = service.ask("POST", &format!("/api/v1/executions/{id}/run-again"), &[], b"");
    for answer in [submit("&param.region=APAC", GOOD.as_bytes()), again] {
        let told = answer.json();
        assert_eq!(answer.status, 202, "{told}");
        assert_says(told["notice"].as_str().unwrap(), &["shop.sconn has errors: version 1 of `shop` runs"]);
        let row = service.ended(told["id"].as_str().unwrap());
        assert_eq!((&row["state"], &row["version"]), (&"completed".into(), &1.into()));
    }
    desk.file("shop.sconn", &file.replace("param region", "param zone").replace("$region", "$zone"));
    assert_eq!(
        submit("&param.zone=APAC", GOOD.as_bytes()).status,
        422,
        "the active version has no such parameter"
    );
    assert_says(
        submit("", GOOD.as_bytes()).json()["notice"].as_str().unwrap(),
        &["was edited since version 1"],
    );
}
