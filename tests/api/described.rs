//! The description of the API: it is whole, it is true, and strangers' requests get what it says.

use super::desk::Desk;
use super::events::captured;
use super::outbox::MAIL;
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
    let hook = api["paths"]["/hooks/{connector}"]["post"]["description"].as_str().unwrap();
    for way in ["`standard`", "`webhook-signature`", "`token`", "`X-API-Key`", "`nothing`"] {
        assert!(hook.contains(way), "{way}: {hook}");
    }
    let operations = operations(&api);
    for (method, path, operation) in &operations {
        let open = matches!(path.as_str(), "/health" | "/ready" | "/hooks/{connector}");
        let asked = service.ask(method, &path.replace(['{', '}'], ""), &[], b"");
        if path.starts_with("/hooks/") {
            assert_eq!(asked.json()["error"], "there is no webhook `connector`", "{method} {path} is there");
        } else {
            assert_eq!(asked.status, if open { 200 } else { 401 }, "{method} {path} is there");
        }
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

/// What is wrong with a value by a schema of the description; of JSON Schema what the description uses.
fn misfit(api: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(path) = schema["$ref"].as_str() {
        return misfit(api, api.pointer(&path[1..]).unwrap(), value);
    }
    let all = |name: &str| schema[name].as_array().cloned().unwrap_or_default();
    let wrong = || Some(format!("{value} is not {schema}"));
    let one_of = [all("oneOf"), all("anyOf")].concat();
    if !one_of.is_empty() && one_of.iter().all(|s| misfit(api, s, value).is_some()) {
        return wrong();
    }
    if let Some(told) = all("allOf").iter().find_map(|s| misfit(api, s, value)) {
        return Some(told);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        Value::Null => vec![Value::from(kind)],
        one => vec![one.clone()],
    };
    if !kinds.iter().any(|k| k == kind) || (schema["enum"].is_array() && !all("enum").contains(value)) {
        return wrong();
    }
    let items = value.as_array().into_iter().flatten();
    if let Some(told) = items.filter_map(|v| misfit(api, schema.get("items")?, v)).next() {
        return Some(told);
    }
    let object = value.as_object()?;
    if let Some(name) = all("required").iter().find(|n| !object.contains_key(n.as_str().unwrap())) {
        return Some(format!("{value} has no {name}"));
    }
    object.iter().find_map(|(name, value)| misfit(api, schema["properties"].get(name)?, value))
}

#[test]
fn every_request_and_every_answer_has_an_example_that_is_one() {
    let desk = Desk::new("");
    let api: Value = serde_json::from_str(&desk.ends(0, &["serve", "--openapi"]).stdout).unwrap();
    let mut wrong = Vec::new();
    for (method, path, operation) in operations(&api) {
        let answers = operation["responses"].as_object().unwrap().iter();
        let bodies = answers.chain(operation.get("requestBody").map(|b| (&method, b)));
        for (of, body) in bodies {
            for (kind, content) in body["content"].as_object().into_iter().flatten() {
                let told = match content.get("example") {
                    Some(example) => misfit(&api, &content["schema"], example),
                    // An example of these would be no text.
                    None if kind != "application/json"
                        && kind.starts_with("application/")
                        && of != &method =>
                    {
                        None
                    }
                    None => Some("no example".to_owned()),
                };
                wrong.extend(told.map(|told| format!("{method} {path} {of} {kind}: {told}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_example_that_is_none_would_be_seen() {
    let desk = Desk::new("");
    let api: Value = serde_json::from_str(&desk.ends(0, &["serve", "--openapi"]).stdout).unwrap();
    let schema = serde_json::json!({"$ref": "#/components/schemas/Executions"});
    let good = &api["paths"]["/api/v1/executions"]["get"]["responses"]["200"]["content"]["application/json"]
        ["example"];
    assert_eq!(misfit(&api, &schema, good), None);
    for (place, value) in [
        ("/executions/0/state", Value::from("done")),
        ("/executions/0/steps/0/rows", Value::from("12")),
        ("/executions/0", Value::from(1)),
        ("/executions", Value::Null),
        ("/executions/0", serde_json::json!({"id": "x"})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(misfit(&api, &schema, &bad).is_some(), "{place}");
    }
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
    let desk = Desk::new(MAIL);
    // The examples in the description are of this project: this connector, these events.
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
    let (service, _) = captured(&desk, "admin", 20);
    // A form has more fields than its description can name, those of the run's parameters; and what is no
    // form in JSON's types, such as null, is sent as an empty one.
    // Whether there are events to take is nothing that a schema tells.
    let settings = "[[operations]]\ninclude-name = \"POST /api/v1/connectors/{name}/executions\"\n\
                checks.positive_data_acceptance.enabled = false\n\
                checks.negative_data_rejection.enabled = false\n\
                [[operations]]\ninclude-path-regex = \"/events/(replay|discard)$\"\n\
                checks.positive_data_acceptance.expected-statuses = [\"2xx\", 404, 422]\n";
    desk.file("schemathesis.toml", settings);
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
    // With --nocapture its figures are seen.
    println!("{}", said.rsplit("SUMMARY").next().unwrap());
    assert!(done.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&done.stderr), service.said());
}
