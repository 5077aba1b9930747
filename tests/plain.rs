//! Settings, files and a state that cannot be used: what is told of them, and that nothing is done meanwhile.

use crate::api;
use crate::common::project::{Project, SHOP};
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// A project must not be none because its settings are no file: a run would write unactivated.
#[test]
fn settings_that_are_no_file_switch_no_project_off() {
    let project = Project::with_shop(SHOP, "");
    let toml = project.at("sconn.toml");
    let elsewhere = project.path().join("gone.toml");
    let kinds: [(&str, &dyn Fn()); 3] = [
        ("this is a link to a file that is not there", &|| {
            std::os::unix::fs::symlink(&elsewhere, &toml).unwrap()
        }),
        ("this is no file", &|| fs::create_dir(&toml).unwrap()),
        ("this is no file", &|| {
            assert!(std::process::Command::new("mkfifo").arg(&toml).status().unwrap().success());
        }),
    ];
    for (why, make) in kinds {
        let _ = fs::remove_file(&toml);
        make();
        for args in [
            &["run", "shop.sconn", "--input", "good.csv", "--live"][..],
            &["submit", "shop.sconn", "--input", "good.csv", "--live"],
            &["activate", "shop.sconn"],
            &["status"],
            &["work", "--until-empty"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["records", "list", "items"],
        ] {
            let refused = project.ends(2, args).stderr;
            assert_says(&refused, &["sconn.toml: ", why, "make sure that the file is text and can be read"]);
        }
        if toml.is_dir() {
            fs::remove_dir(&toml).unwrap();
        }
    }
    assert!(!project.at(".sconn").exists(), "nothing is written");
}

#[test]
fn a_file_without_a_connector_says_how_one_begins() {
    let project = Project::with_shop(SHOP, "");
    project.file("nothing.sconn", "");
    let refused = project.ends(2, &["activate", "nothing.sconn"]).stderr;
    assert_says(
        &refused,
        &["nothing.sconn declares no connector", "one begins like this:", "connector shop {"],
    );
    project.file("nothing.sconn", "scope broken {\n");
    let refused = project.ends(2, &["activate", "nothing.sconn"]).stderr;
    assert_says(&refused, &["declares no connector", "`sconn check nothing.sconn` tells what is wrong"]);
}

#[test]
fn a_file_that_cannot_be_read_keeps_no_other_from_being_checked() {
    let project = Project::with_shop(&SHOP.replace("with sku", "with skuu"), "");
    fs::write(project.at("latin.sconn"), b"connector caf\xe9 { }\n").unwrap();
    let checked = project.ends(2, &["check", "--format", "concise"]);
    assert_says(&checked.stderr, &["latin.sconn: it is not UTF-8 text", "save it as UTF-8"]);
    fs::write(project.at("wide.sconn"), b"c\0o\0n\0n\0").unwrap();
    let refused = project.ends(2, &["check", "wide.sconn"]);
    assert_says(&refused.stderr, &["wide.sconn: it is not UTF-8 text", "save it as UTF-8"]);
    fs::remove_file(project.at("wide.sconn")).unwrap();
    assert_says(&checked.stdout, &["no variable `skuu`"]);
    project.file("shop.sconn", SHOP);
    let checked = project.ends(2, &["check"]);
    assert_says(&checked.stdout, &["1 file checked, nothing to say"]);
    assert_eq!(project.ends(2, &["check", "latin.sconn", "--format", "json"]).stdout, "");
}

#[test]
fn a_state_that_cannot_be_used_is_told_with_its_mend() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    let state = project.at(".sconn/state.sqlite");
    let told = |words: &[&str]| assert_says(&project.ends(2, &["status"]).stderr, words);
    project.database().execute_batch("PRAGMA user_version = 99").unwrap();
    told(&[
        "state.sqlite: ",
        "written by a newer sconn: its layout is 99, and sconn ",
        "use the newer sconn",
    ]);
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    // Somebody else's, which stays as it was.
    fs::create_dir(project.at(".sconn")).unwrap();
    project.database().execute_batch("CREATE TABLE songs(title TEXT)").unwrap();
    let before = fs::read(&state).unwrap();
    told(&["this is a database of something else", "move it away"]);
    assert_eq!(fs::read(&state).unwrap(), before);
    fs::write(&state, "no database, and longer than the hundred bytes of a header: ".repeat(4)).unwrap();
    told(&["this is no SQLite file, or it is damaged", "restore a backup of it"]);
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    told(&["it cannot be written to", "also commands that only show something write to the state"]);
    fs::remove_dir_all(project.at(".sconn")).unwrap();
    project.file(".sconn", "");
    told(&["there is a file where the folder of the project's state belongs", "move that file away"]);
}

#[test]
fn numbers_are_refused_in_the_users_words() {
    let project = Project::with_shop(SHOP, "");
    for (args, words) in [
        (&["records", "list", "items", "--limit", "x"][..], "write a whole number, 1 or more"),
        (&["executions", "list", "--limit", "0"], "write a whole number, 1 or more"),
        (&["work", "--at-once", "two"], "write a whole number, 0 or more"),
        (&["serve", "--at-once", "99999999999999999999"], "0 or more; this one is too large"),
        (&["events", "show", "first"], "write an event's id, as `sconn events list` tells it"),
        (&["events", "discard", "shop", "1.5"], "write an event's id, as `sconn events list` tells it"),
    ] {
        assert_says(&project.ends(2, args).stderr, &[words]);
    }
}

#[test]
fn programs_hear_nothing_before_an_error_and_every_field_of_a_status() {
    let project = Project::with_shop(SHOP, "");
    project.ends(0, &["activate", "shop.sconn"]);
    project.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--live", "--no-report"]);
    let refused = project.ends(2, &["records", "list", "nope", "--format", "json"]);
    assert_eq!(refused.stdout, "", "{}", refused.stderr);
    let status = project.json(&["status"]);
    assert!(status[0].as_object().unwrap().get("next_slot").is_some_and(|slot| slot.is_null()), "{status}");
    let row = project.executions().remove(0);
    let documented = fs::read_to_string("docs/commands.md").unwrap();
    for field in row.as_object().unwrap().keys() {
        assert!(documented.contains(&format!("\"{field}\"")), "{field} is not in docs/commands.md");
    }
}

#[test]
fn a_token_that_is_not_known_is_not_called_missing() {
    let desk = api::desk::Desk::new("");
    let mut service = desk.serve_as("read");
    let ask = |service: &api::desk::Service| service.ask("GET", "/api/v1/connectors", &[], b"");
    assert_eq!(ask(&service).status, 200);
    service.token = "sconn_nobody".to_owned();
    let refused = ask(&service);
    assert_eq!((refused.status, &refused.json()["error"]), (401, &"this token is not known".into()));
}

#[test]
fn a_connector_that_was_never_used_goes_with_its_file() {
    let project = Project::with_shop(SHOP, "");
    let renamed = |to: &str| SHOP.replace("connector shop", &format!("connector {to}"));
    project.file("slip.sconn", "connector slip {\n");
    project.file("tried.sconn", &renamed("tried"));
    project.ends(0, &["run", "tried.sconn", "--input", "good.csv", "--no-report"]);
    let names = || {
        let status = project.json(&["status"]);
        status.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["shop", "slip", "tried"]);
    fs::remove_file(project.at("slip.sconn")).unwrap();
    fs::remove_file(project.at("tried.sconn")).unwrap();
    assert_eq!(names(), ["shop", "tried"], "of one there is an execution");
    project.file("shop.sconn", &renamed("store"));
    assert_eq!(names(), ["store", "tried"]);
}

#[test]
fn a_folder_that_cannot_be_read_is_not_called_empty() {
    let project = Project::new("");
    assert_eq!(project.ends(0, &["status"]).stdout, "there is no connector in the project's folder yet\n");
    let may = |mode| fs::set_permissions(project.path(), PermissionsExt::from_mode(mode)).unwrap();
    may(0o311);
    // Root may read everything.
    if fs::read_dir(project.path()).is_err() {
        for format in ["text", "json"] {
            let refused = project.sconn(&["status", "--format", format]);
            assert_says(&refused.stderr, &["permission denied", "that you may read"]);
            assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
        }
    }
    may(0o755);
}

/// What a run would read of the sample is what `check` holds against the inputs.
#[test]
fn a_sample_is_checked_as_a_run_would_read_it() {
    let project = Project::new("");
    let connector = |input: &str| {
        format!(
            r#"connector stock {{ trigger spreadsheet  sample "sample.zip" }}
input stock {input}
scope stock {{
  sql {{ SELECT sku, qty FROM input.stock }}
  sku: string required
  qty: number
}}
object item {{ name: text required  sku: text required unique  qty: decimal }}
load items from stock into item {{ match sku with sku  map {{ name <- sku
  sku <- sku
  qty <- qty }} }}
"#
        )
    };
    let zip = |files: &[(&str, &str)]| {
        let mut zip = zip::ZipWriter::new(fs::File::create(project.at("sample.zip")).unwrap());
        for (name, text) in files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    };
    let check = |code: i32, input: &str| {
        project.file("stock.sconn", &connector(input));
        let done = project.ends(code, &["check", "stock.sconn"]);
        // What `check` refuses is refused before a run, too.
        let run = project.ends(code * 2, &["run", "stock.sconn", "--input", "sample.zip"]);
        assert!(code != 0 || run.stdout.contains("item"), "{}", run.stdout);
        // Lines are broken to the width of the page.
        done.stdout.replace("\n  │ ", " ")
    };
    let columns = "{ sku: \"SKU\"\n qty: \"Qty\"";
    let (first, notes) = (("stock-2024.csv", "Report\n\nSKU;Qty\nA;1\n"), ("notes.csv", "a,b\n1,2\n"));
    zip(&[first, notes]);
    check(0, &format!("from file \"stock-*.csv\" {columns}\n header 3 }}"));
    check(0, "from file \"stock-*.csv\" { header 3 }");
    assert_says(
        &check(1, &format!("from file \"stock-*.csv\" {columns} }}")),
        &["SC0508", "the headers of `input.stock` stand in line 3 of stock-2024.csv", "write `header 3`"],
    );
    assert_says(
        &check(1, &format!("from file \"stok-*.csv\" {columns}\n header 3 }}")),
        &[
            "SC0508",
            "`input.stock` cannot be read from the sample: sample.zip: the input table `stock` needs a file",
            "did you mean `stock-2024.csv`?",
        ],
    );
    assert_says(
        &check(1, &format!("from file \"stock-*.csv\" {columns}\n header 3\n delimiter \",\" }}")),
        &["SC0508", "the header row is one single column", "the delimiter seems to be `;`"],
    );
    zip(&[first, notes, ("stock-2025.csv", "\n\nSKU;Menge\nA;1\n")]);
    assert_says(
        &check(1, &format!("from file \"stock-*.csv\" {columns}\n header 3 }}")),
        &["SC0508", "sample.zip, stock-2025.csv", "there is no column `Qty`", "the file has `SKU`, `Menge`"],
    );
    assert_says(
        &check(1, "from file \"stock-*.csv\" { header 3 }"),
        &[
            "SC0508",
            "sample.zip, stock-2025.csv",
            "differ from the first file's of the same table: `menge`, `qty`",
        ],
    );
}
