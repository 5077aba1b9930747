//! The description of the API: it is whole, it is true, and strangers' requests get what it says.

use super::desk::Desk;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every (method, path, operation) of the description.
fn operations(api: &Value) -> Vec<(String, String, &Value)> {
    let paths = api["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
        })
        .collect()
}

#[test]
fn the_description_tells_every_route_and_every_route_is_there() {
    let desk = Desk::new("");
    let service = desk.serve("0s");
    let api = service.read("/api/v1/openapi.json");
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"), "{}", api["openapi"]);
    let printed: Value = serde_json::from_str(&desk.ends(0, &["serve", "--openapi"]).stdout).unwrap();
    assert_eq!(printed, api, "it is printed as it is served");
    let operations = operations(&api);
    for (method, path, operation) in &operations {
        let open = matches!(path.as_str(), "/health" | "/ready");
        let asked = service.ask(method, &path.replace(['{', '}'], ""), &[], b"").status;
        assert_eq!(asked, if open { 200 } else { 401 }, "{method} {path} is there");
        let told = operation["responses"].as_object().unwrap();
        assert!(open || told.contains_key("401"), "{method} {path} does not say that it needs a token");
        assert!(operation["summary"].is_string(), "{method} {path} is not described");
        for (status, response) in told {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
        }
    }
    let described: BTreeSet<String> = operations.iter().map(|(m, p, _)| format!("{m} {p}")).collect();
    let page = std::fs::read_to_string("docs/api.md").unwrap();
    let listed: BTreeSet<String> =
        page.lines().filter_map(|l| l.strip_prefix("| `")?.split('`').next()).map(str::to_owned).collect();
    let routes = listed.into_iter().filter(|l| l.contains(" /")).collect::<BTreeSet<_>>();
    assert_eq!(routes, described, "docs/api.md lists them all");
}

/// Schemathesis, in a virtual environment beside the build's other files.
fn schemathesis() -> PathBuf {
    const PINNED: &str = "schemathesis==4.32.5";
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tmp-schemathesis");
    let (python, tool) = (home.join("bin/python"), home.join("bin/st"));
    let version = || Command::new(&tool).arg("--version").output().is_ok_and(|o| o.status.success());
    if !version() {
        let must = |command: &mut Command, mend: &str| {
            let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}: {mend}"));
            assert!(done.status.success(), "{command:?}: {mend}\n{}", String::from_utf8_lossy(&done.stderr));
        };
        let venv = "install Python's venv: apt-get install python3-venv";
        must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home), venv);
        let network = "it comes from the Python package index: is there a network?";
        must(Command::new(&python).args(["-m", "pip", "install", "-q", PINNED]), network);
    }
    tool
}

#[test]
fn strangers_requests_get_what_the_description_says() {
    let desk = Desk::new("");
    // The examples in the description are of this project.
    for file in ["vendor_prices.sconn", "crm.sconn", "samples/prices.csv"] {
        let to = desk.at("vendor").join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(Path::new("examples/vendor_prices").join(file), to).unwrap();
    }
    desk.ends(0, &["activate", "vendor/vendor_prices.sconn"]);
    desk.ends(
        // Some rows of the sample have errors.
        1,
        &[
            "run",
            "vendor/vendor_prices.sconn",
            "--input",
            "vendor/samples/prices.csv",
            "--live",
            "--no-report",
        ],
    );
    let service = desk.serve_as("admin");
    // A form has more fields than its description can name, those of the run's parameters; and what is no
    // form in JSON's types, such as null, is sent as an empty one.
    let form = "[[operations]]\ninclude-name = \"POST /api/v1/connectors/{name}/executions\"\n\
                checks.positive_data_acceptance.enabled = false\n\
                checks.negative_data_rejection.enabled = false\n";
    desk.file("schemathesis.toml", form);
    let done = Command::new(schemathesis())
        .current_dir(desk.path())
        .args([
            "--config-file",
            "schemathesis.toml",
            "run",
            &format!("http://{}/api/v1/openapi.json", service.address),
        ])
        .args(["--header", &format!("Authorization: Bearer {}", service.token)])
        .args(["--max-examples", "15", "--seed", "1", "--no-shrink"])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
        ])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&done.stderr), service.said());
}
