//! The service over HTTP: who may do what, uploads, executions, artefacts, records, and that stopping it
//! loses nothing.

mod described;
pub mod desk;
mod events;
mod files;
mod follow;
mod names;
mod outbox;
mod probes;
mod slow;

use crate::common::project::{GOOD, eventually};
use desk::{CONNECTOR, Desk, Service};
use serde_json::{Value, json};
use std::io::{Cursor, Read};

const SHOP: &str = "/api/v1/connectors/shop";

fn activate(service: &Service, body: &Value) -> desk::Answer {
    let path = format!("{SHOP}/activate");
    service.ask("POST", &path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

#[test]
fn a_role_decides_what_a_token_may_do() {
    let desk = Desk::new("");
    let (read, run) = (desk.token("reader", "read"), desk.token("runner", "run"));
    let mut service = desk.serve_as("admin");
    let admin = service.token.clone();
    let mut status = |token: &str, method: &str, path: &str| {
        service.token = token.to_owned();
        service.ask(method, path, &[], b"").status
    };
    let (submit, activate) = (format!("{SHOP}/executions"), format!("{SHOP}/activate"));
    for nobody in ["", "sconn_made_up"] {
        for (method, path) in [("GET", SHOP), ("POST", &submit), ("POST", &activate), ("GET", "/metrics")] {
            assert_eq!(status(nobody, method, path), 401, "{method} {path}");
        }
        assert_eq!(status(nobody, "GET", "/health"), 200);
        assert_eq!(status(nobody, "GET", "/ready"), 200);
    }
    assert_eq!(
        [status(&read, "GET", SHOP), status(&read, "POST", &submit), status(&read, "POST", &activate)],
        [200, 403, 403]
    );
    assert_eq!(
        [status(&run, "GET", SHOP), status(&run, "POST", &submit), status(&run, "POST", &activate)],
        [200, 422, 403],
        "it may submit, and nothing was handed in"
    );
    assert_eq!([status(&admin, "GET", SHOP), status(&admin, "POST", &submit)], [200, 422]);
    desk.ends(0, &["tokens", "remove", "reader"]);
    assert_eq!(status(&read, "GET", SHOP), 401, "a token that was removed is none at once");
}

#[test]
fn a_connector_goes_through_its_life_over_http() {
    let desk = Desk::new("");
    let service = desk.serve_as("admin");
    let all = service.read("/api/v1/connectors");
    assert_eq!(all["connectors"][0]["name"], "shop", "it lies in the project's folder");
    assert_eq!(all["connectors"][0]["status"], "Setup in Progress");
    let late = CONNECTOR.replace("connector shop {", "connector late {");
    desk.file("late.sconn", &late);
    let path = "/api/v1/connectors/late/executions";
    let taken = service.ask("POST", path, &[("content-type", "text/csv")], GOOD.as_bytes());
    assert_eq!(taken.status, 202, "its file is new: {}", taken.text());
    let first = service.submit("mode=live&name=list.csv&param.region=APAC", GOOD);
    let second = service.submit("mode=live", GOOD);
    let waits = activate(&service, &json!({}));
    assert_eq!((waits.status, &waits.json()["queued"]), (409, &json!([first, second])), "{}", waits.text());
    assert_eq!(activate(&service, &json!({"queued": ["nothing"]})).status, 409);
    let active = activate(&service, &json!({"queued": [second]}));
    assert_eq!(active.status, 200, "{}", active.text());
    assert_eq!((&active.json()["status"], &active.json()["version"]), (&json!("Operational"), &json!(1)));
    let done = service.ended(&first);
    assert_eq!(done["state"], "completed", "{done}");
    assert_eq!(done["steps"][0]["counts"]["created"], 3);
    assert_eq!(done["triggered_by"], "admin@example.com", "the report is sent to the token's holder");
    assert_eq!((&done["params"], &done["inputs"]), (&json!(["region=APAC"]), &json!(["list.csv"])));
    assert_eq!(done["artefacts"], json!(["report", "sql-output", "decisions", "summary", "input"]));
    assert_eq!(service.execution(&second)["state"], "cancelled");
    let records = service.read("/api/v1/targets/store/objects/items/records?filter.region=APAC&filter.sku=b");
    assert_eq!(
        (records["records"].as_array().unwrap().len(), &records["records"][0]["price"]),
        (1, &json!("2"))
    );
    let inactive = service.post(&format!("{SHOP}/deactivate")).json();
    assert_eq!(inactive["status"], "Inactive");
    let (connector, settings) = (service.read(SHOP), ["trigger", "chunk", "parameters", "objects"]);
    let shown = settings.map(|s| connector[s].clone());
    let parameter = json!([{"name": "region", "type": "string", "default": "EMEA"}]);
    assert_eq!(shown, [json!("spreadsheet"), json!(10), parameter, json!(["items"])]);
    // A file is one connector: under another name it is another, and that is said.
    assert_eq!(activate(&service, &json!({})).json()["deactivated"], json!([]));
    desk.file("shop.sconn", &CONNECTOR.replace("connector shop {", "connector outlet {"));
    let renamed = service.post("/api/v1/connectors/outlet/activate").json();
    assert_eq!((&renamed["status"], &renamed["deactivated"]), (&json!("Operational"), &json!(["shop"])));
}

#[test]
fn executions_are_listed_cancelled_and_run_again() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let ids: Vec<String> = (0..5).map(|_| service.submit("mode=live&param.region=APAC", GOOD)).collect();
    let dry = service.submit("name=list.csv", GOOD);
    assert_eq!(service.ended(&dry)["state"], "completed", "a dry run needs no activation");
    let mut seen = Vec::new();
    let mut page = service.read("/api/v1/executions?connector=shop&mode=live&state=queued&limit=2");
    loop {
        seen.extend(
            page["executions"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        page = service.read(&format!("/api/v1/executions?mode=live&limit=2&before={next}"));
    }
    seen.sort();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(seen, sorted, "each once, over three pages");
    let cancel = format!("/api/v1/executions/{}/cancel", ids[0]);
    assert_eq!(service.post(&cancel).json()["state"], "cancelled");
    assert_eq!(service.post(&cancel).status, 409);
    assert_eq!(service.post(&format!("/api/v1/executions/{}/resume", ids[0])).status, 409);
    let again = service.post(&format!("/api/v1/executions/{}/run-again?mode=dry", ids[0]));
    assert_eq!(again.status, 202, "{}", again.text());
    let again = service.ended(again.json()["id"].as_str().unwrap());
    assert_eq!((&again["mode"], &again["state"]), (&json!("dry"), &json!("completed")));
    assert_eq!((&again["params"], &again["inputs"]), (&json!(["region=APAC"]), &json!(["input.csv"])));
}

#[test]
fn the_same_request_sent_twice_is_one_execution() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let path = format!("{SHOP}/executions?mode=live");
    let send = |body: &str| service.ask("POST", &path, &[("idempotency-key", "monday")], body.as_bytes());
    let first = send(GOOD).json();
    assert_eq!(first["before"], false);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| send(GOOD).json())).collect();
        all.into_iter().map(|a| a.join().unwrap()).collect()
    });
    for answer in answers {
        assert_eq!((&answer["id"], &answer["before"]), (&first["id"], &json!(true)));
    }
    for body in ["SKU,Price\na,1\n", &GOOD.replace("a,1", "a,9")] {
        let other = send(body);
        assert_eq!(other.status, 409, "a key is for one request: {}", other.text());
    }
    assert_eq!(service.read("/api/v1/executions")["executions"].as_array().unwrap().len(), 1);
    let kept = std::fs::read_dir(desk.at(".sconn/executions")).unwrap().count();
    assert_eq!(kept, 1, "what was not needed is gone");
}

fn form(parts: &[(&str, Option<&str>, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, file, text) in parts {
        let file = file.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
        body += &format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n");
    }
    (body + "--XX--\r\n").into_bytes()
}

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

#[test]
fn a_form_may_have_several_files_and_leaves_nothing_behind() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let body = form(&[
        ("mode", None, "dry"),
        ("param.region", None, "APAC"),
        ("file", Some("list.csv"), GOOD),
        ("file", Some("../../../etc/passwd"), "other"),
        ("file", Some("list.csv"), "SKU,Price\nd,4\n"),
        ("file", Some(""), ""),
    ]);
    let answer = service.ask("POST", &format!("{SHOP}/executions"), &[FORM], &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let shown = service.ended(&id);
    assert_eq!(shown["inputs"], json!(["list.csv", "passwd", "2-list.csv"]));
    assert_eq!(shown["params"], json!(["region=APAC"]));
    let input = format!("/api/v1/executions/{id}/artefacts/input");
    assert_eq!(service.get(&format!("{input}?file=passwd")).text(), "other");
    let packed = service.get(&input);
    assert!(packed.header("content-disposition").contains("-input.zip"));
    let mut zip = zip::ZipArchive::new(Cursor::new(packed.body)).unwrap();
    let mut text = String::new();
    zip.by_name("list.csv").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!((zip.len(), text.as_str()), (3, GOOD));
    let left = std::fs::read_dir(desk.at(".sconn/uploads")).unwrap().count();
    assert_eq!(left, 0, "the scratch folders are gone");
}

#[test]
fn cells_that_look_like_formulas_are_guarded_where_that_is_asked_for() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let path = format!("{SHOP}/executions");
    let text = "SKU,Price\n=1+1,2\n";
    let output = |query: &str, body: &[u8], headers: &[(&str, &str)]| {
        let answer = service.ask("POST", &format!("{path}?name=list.csv{query}"), headers, body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        service.ended(&id);
        let zip = service.get(&format!("/api/v1/executions/{id}/artefacts/sql-output")).body;
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut all = String::new();
        for n in 0..zip.len() {
            zip.by_index(n).unwrap().read_to_string(&mut all).unwrap();
        }
        (id, all)
    };
    assert!(!output("", text.as_bytes(), &[]).1.contains("'=1+1"));
    assert!(!output("&guard_formulas=false", text.as_bytes(), &[]).1.contains("'=1+1"));
    assert!(output("&guard_formulas=true", text.as_bytes(), &[]).1.contains("'=1+1"));
    let fields = form(&[("guard_formulas", None, "true"), ("file", Some("list.csv"), text)]);
    let (id, guarded) = output("", &fields, &[FORM]);
    assert!(guarded.contains("'=1+1"), "{guarded}");
    assert_eq!(service.post(&format!("/api/v1/executions/{id}/run-again")).status, 202);
    for query in ["guard_formulas=yes", "guard_formulas=true&guard_formulas=false"] {
        let wrong = service.ask("POST", &format!("{path}?{query}"), &[], text.as_bytes());
        assert_eq!(wrong.status, 400, "{}", wrong.text());
        assert!(wrong.json()["error"].as_str().unwrap().contains("`guard_formulas` is"), "{}", wrong.text());
    }
    // It is part of what a key stands for.
    let send = |query: &str| {
        service.ask("POST", &format!("{path}?{query}"), &[("idempotency-key", "k")], text.as_bytes()).status
    };
    assert_eq!([send(""), send("guard_formulas=false"), send("guard_formulas=true")], [202, 202, 409]);
}

#[test]
fn an_upload_beyond_the_limit_is_refused() {
    let desk = Desk::new("[serve]\nupload = \"8KiB\"\n");
    let service = desk.serve_as("run");
    let path = format!("{SHOP}/executions");
    let large = "x".repeat(9 << 10);
    let bodies = [
        service.ask("POST", &path, &[], large.as_bytes()),
        service.ask("POST", &path, &[FORM], &form(&[("file", Some("list.csv"), &large)])),
    ];
    for answer in bodies {
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert_eq!(answer.json()["error"], "an upload may have 8192 bytes");
    }
    // Of a body whose length nobody tells, wherever in the form it is too much.
    for name in ["; filename=\"\"", "; filename=\"list.csv\"", ""] {
        let text = "x".repeat(9 << 10);
        let part =
            format!("--XX\r\nContent-Disposition: form-data; name=\"f\"{name}\r\n\r\n{text}\r\n--XX--\r\n");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n{}: {}\r\n\
             transfer-encoding: chunked\r\n\r\n{:x}\r\n",
            service.token,
            FORM.0,
            FORM.1,
            part.len()
        );
        let answer = service.raw(format!("{head}{part}\r\n0\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 413, "{name}: {}", answer.body);
        assert_eq!(answer.json()["error"], "an upload may have 8192 bytes", "{name}");
        assert!(
            answer.json()["help"].as_str().unwrap().contains("raise `upload`"),
            "{name}: {}",
            answer.body
        );
    }
    let broken =
        service.ask("POST", &path, &[FORM], b"--XX\r\nContent-Disposition: form-data; name=\"f\"; fi");
    assert_eq!(broken.status, 400, "{}", broken.text());
    assert_eq!(service.read("/api/v1/executions")["executions"], json!([]));
    assert_eq!(std::fs::read_dir(desk.at(".sconn/uploads")).unwrap().count(), 0);
}

#[test]
fn artefacts_are_downloaded_whole_in_parts_and_not_twice() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let id = service.submit("name=Preise%20M%C3%A4rz.csv", GOOD);
    service.ended(&id);
    let of = |artefact: &str| format!("/api/v1/executions/{id}/artefacts/{artefact}");
    let report = service.get(&of("report"));
    assert_eq!((report.status, &report.body[..2]), (200, &b"PK"[..]));
    assert!(report.header("content-disposition").contains(&format!("filename=\"{id}-report.xlsx\"")));
    let part = service.ask("GET", &of("report"), &[("range", "bytes=10-19")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &report.body[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{}", report.body.len()));
    let past = service.ask("GET", &of("report"), &[("range", "bytes=999999999-")], b"");
    assert_eq!(past.status, 416);
    let etag = report.header("etag").to_owned();
    assert!(!etag.is_empty());
    assert_eq!(service.ask("GET", &of("report"), &[("if-none-match", &etag)], b"").status, 304);
    let head = service.ask("HEAD", &of("sql-output"), &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let summary = service.get(&of("summary")).json();
    assert_eq!((&summary["execution"], &summary["state"]), (&json!(id), &json!("completed")));
    let input = service.get(&of("input"));
    assert_eq!((input.text().as_str(), input.header("content-type")), (GOOD, "application/octet-stream"));
    assert!(input.header("content-disposition").ends_with("filename*=UTF-8''Preise%20M%C3%A4rz.csv"));
    let wrong = service.get(&of("raport"));
    assert_eq!((wrong.status, &wrong.json()["help"]), (404, &json!("did you mean `report`?")));
    let later = service.submit("mode=live", GOOD);
    let not_yet = service.get(&format!("/api/v1/executions/{later}/artefacts/report"));
    assert_eq!((not_yet.status, &not_yet.json()["help"]), (404, &json!("it is there at the end")));
    let details = service.get(&format!("/api/v1/executions/{later}")).json();
    assert_eq!(details["waits"], "`shop` is not active: `sconn activate shop`");
}

#[test]
fn records_are_read_a_page_at_a_time() {
    let desk = Desk::new("[targets.crm]\nsqlite = \"crm.sqlite\"\n");
    let service = desk.serve_as("admin");
    activate(&service, &json!({}));
    let rows: String = (0..25).map(|i| format!("k{i},{}\n", i % 2)).collect();
    let id = service.submit("mode=live&target=crm", &format!("SKU,Price\n{rows}"));
    assert_eq!(service.ended(&id)["state"], "completed");
    assert_eq!(service.read("/api/v1/targets")["targets"], json!(["crm", "store"]));
    let objects = service.read("/api/v1/targets/crm/objects");
    let price = &objects["objects"][0]["fields"][2];
    assert_eq!((&price["name"], &price["type"]), (&json!("price"), &json!("decimal")));
    let base = "/api/v1/targets/crm/objects/items/records";
    let mut seen = Vec::new();
    let mut page = service.read(&format!("{base}?limit=10&filter.price=1"));
    loop {
        seen.extend(
            page["records"].as_array().unwrap().iter().map(|r| r["sku"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        page = service.read(&format!("{base}?limit=10&filter.price=1&after={next}"));
    }
    assert_eq!(seen, (0..25).filter(|i| i % 2 == 1).map(|i| format!("k{i}")).collect::<Vec<_>>());
    let first = &service.read(&format!("{base}?limit=1"))["records"][0];
    assert_eq!(service.read(&format!("{base}/{}", first["id"].as_str().unwrap())), *first);
    for (path, status) in [
        ("/api/v1/targets/crn/objects/items/records", 404),
        ("/api/v1/targets/..%2Fcrm.sqlite/objects/items/records", 404),
        ("/api/v1/targets/crm/objects/item/records", 404),
        ("/api/v1/targets/store/objects/items/records", 404),
        ("/api/v1/targets/crm/objects/items/records?filter.prize=1", 422),
        ("/api/v1/targets/crm/objects/items/records?filter.price=cheap", 422),
        ("/api/v1/targets/crm/objects/items/records?limit=0", 400),
        ("/api/v1/targets/crm/objects/items/records?price=1", 400),
        ("/api/v1/targets/crm/objects/items/records/1", 400),
    ] {
        assert_eq!(service.get(path).status, status, "{path}");
    }
}

#[test]
fn errors_have_one_shape_and_tell_nothing_of_the_machine() {
    let desk = Desk::new("");
    let service = desk.serve_as("admin");
    desk.file("shop.sconn", &CONNECTOR.replace("sample  \"good.csv\"", "sample  \"none.csv\""));
    let json = [("content-type", "application/json")];
    let submit = format!("{SHOP}/executions");
    let activate = format!("{SHOP}/activate");
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        service.ask(method, path, headers, body.as_bytes())
    };
    for (answer, status) in [
        (ask("GET", "/api/v1/nothing", &[], ""), 404),
        (ask("DELETE", SHOP, &[], ""), 405),
        (ask("GET", "/api/v1/connectors/shpo", &[], ""), 404),
        (ask("GET", "/api/v1/executions?limit=many", &[], ""), 400),
        (ask("GET", "/api/v1/executions?colour=red", &[], ""), 400),
        (ask("GET", "/api/v1/executions?before=nothing", &[], ""), 404),
        (ask("GET", "/api/v1/executions/%FF", &[], ""), 400),
        (ask("POST", &format!("{submit}?mode=perhaps"), &[], GOOD), 400),
        (ask("POST", &format!("{submit}?mode=dry&mode=live"), &[], GOOD), 400),
        (ask("POST", &format!("{submit}?target=/etc/passwd"), &[], GOOD), 404),
        (ask("POST", &format!("{submit}?param.regoin=APAC"), &[], GOOD), 422),
        (ask("POST", &submit, &[("content-type", "multipart/form-data")], GOOD), 400),
        (ask("POST", &activate, &json, "{"), 400),
        (ask("POST", &activate, &json, "{\"queue\": \"keep\"}"), 400),
        (ask("POST", &activate, &[], "{}"), 415),
        (ask("POST", &activate, &json, &format!("{{\"queued\": [\"{}\"]}}", "x".repeat(300 << 10))), 413),
        (ask("POST", &activate, &json, "{}"), 422),
    ] {
        let told = answer.text();
        assert_eq!(answer.status, status, "{told}");
        assert!(answer.json()["error"].as_str().is_some_and(|e| !e.is_empty()), "{told}");
        assert!(!told.contains(desk.path().to_str().unwrap()), "{told}");
    }
    let wrong = ask("DELETE", SHOP, &[], "");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    let mended = ask("GET", "/api/v1/connectors/shpo", &[], "").json();
    assert_eq!(mended["help"], "did you mean `shop`?");
    // The state cannot be read: that is ours, and its words are for the log.
    std::fs::write(desk.at(".sconn/store.sqlite"), "no database").unwrap();
    let broken = ask("GET", "/api/v1/targets/store/objects", &[], "");
    assert_eq!((broken.status, &broken.json()["error"]), (503, &json!("the service cannot do this now")));
    eventually("its words are in the log", || service.said().contains("store.sqlite"));
}

#[test]
fn every_answer_has_an_id_and_headers_for_browsers_and_the_log_has_no_query() {
    let desk = Desk::new("");
    let service = desk.serve_as("read");
    let answer = service.ask(
        "GET",
        "/api/v1/executions?connector=confidential",
        &[("x-request-id", "from-proxy.1")],
        b"",
    );
    assert_eq!(answer.header("x-request-id"), "from-proxy.1");
    for (header, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(answer.header(header), value, "{header}");
    }
    let own = service.ask(
        "GET",
        "/api/v1/connectors",
        &[("x-request-id", "a b \u{7f}")].map(|(n, _)| (n, "a b")),
        b"",
    );
    assert_eq!(own.header("x-request-id").len(), 32, "one that is no id is not taken");
    let log = service.said();
    assert!(log.contains("GET \"/api/v1/executions\" 200"), "{log}");
    assert!(log.contains("id=from-proxy.1 by=\"read\""), "{log}");
    assert!(!log.contains("confidential") && !log.contains(&service.token), "{log}");
}

#[test]
fn metrics_count_what_ran_and_go_on_after_a_restart() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    desk.ends(0, &["run", "shop.sconn", "--input", "good.csv", "--live", "--no-report"]);
    let given_up = "INSERT INTO outbox(id, kind, execution, recipient, payload, created_at, next_at, state)
        VALUES ('m', 'mail', 'e', 'a@example.com', '{}', '', '', 'given up')";
    desk.database().execute(given_up, []).unwrap();
    let service = desk.serve_as("read");
    service.get("/api/v1/executions/none");
    let text = service.get("/metrics").text();
    for line in [
        "sconn_executions{connector=\"shop\",mode=\"live\",state=\"completed\"} 1",
        "sconn_executions_ended_total{connector=\"shop\",mode=\"live\",state=\"completed\"} 1",
        "sconn_rows_total{connector=\"shop\",mode=\"live\",action=\"created\"} 3",
        "sconn_executions_ended_total{connector=\"shop\",mode=\"live\",state=\"failed\"} 0",
        "sconn_executions_ended_total{connector=\"shop\",mode=\"dry\",state=\"completed_with_errors\"} 0",
        "sconn_rows_total{connector=\"shop\",mode=\"live\",action=\"errored\"} 0",
        "sconn_outbox{state=\"given_up\"} 1",
        "sconn_execution_duration_seconds_count{connector=\"shop\",mode=\"live\"} 1",
        "sconn_execution_duration_seconds_bucket{le=\"300.0\",connector=\"shop\",mode=\"live\"} 1",
        "sconn_execution_duration_seconds_bucket{le=\"+Inf\",connector=\"shop\",mode=\"live\"} 1",
        "sconn_queue_length{may_run=\"true\"} 0",
        "sconn_running 0",
        "sconn_http_requests_total{method=\"GET\",route=\"/api/v1/executions/{id}\",status=\"404\"} 1",
        &format!("sconn_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l.trim_end_matches(".0") == line), "{line}\n{text}");
    }
    // What the alerts ask for is there, under these names and values.
    let operations = std::fs::read_to_string("docs/operations.md").unwrap();
    let alerts = operations.split("groups:\n").nth(1).unwrap().split("```").next().unwrap();
    let asked = alerts.split(|c: char| !c.is_alphanumeric() && !"_=\"".contains(c));
    let asked: Vec<&str> = asked
        .filter(|w| w.starts_with("sconn_") || w.contains("=\""))
        .filter(|w| !w.starts_with("job="))
        .collect();
    assert!(asked.len() > 10, "{asked:?}");
    for asked in asked {
        let known = asked != "state=\"interrupted\"" && !text.contains(asked);
        assert!(!known, "an alert asks for {asked}, which is nowhere\n{text}");
    }
    for metric in ["process_resident_memory_bytes", "sconn_disk_free_bytes"] {
        assert!(text.lines().any(|l| l.starts_with(&format!("{metric} "))), "{metric}\n{text}");
    }
}

#[test]
fn the_length_of_the_queue_says_what_may_run() {
    let desk = Desk::new("");
    let held = CONNECTOR.replace("chunk   10", "concurrency 0");
    desk.file("shop.sconn", &held);
    desk.ends(0, &["activate", "shop.sconn"]);
    let token = desk.token("reader", "read");
    // Nobody runs the queue.
    let process = crate::common::service::Service::start(desk.path(), &["--at-once", "0"]);
    let length = || {
        let address = format!("http://{}/metrics", process.address);
        let answer = ureq::get(address).header("authorization", format!("Bearer {token}")).call();
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        [true, false].map(|may| {
            let line = format!("sconn_queue_length{{may_run=\"{may}\"}} ");
            let value = text.lines().find_map(|l| l.strip_prefix(&line)).unwrap_or_else(|| panic!("{text}"));
            value.parse::<f64>().unwrap() as i64
        })
    };
    let submit = |more: &[&str]| desk.ends(0, &[&["submit", "shop", "--input", "good.csv"], more].concat());
    submit(&[]);
    assert_eq!(length(), [1, 0], "a dry run may run whatever `concurrency` says");
    submit(&["--live"]);
    assert_eq!(length(), [1, 1]);
    // Those that were interrupted and go on by themselves wait too; what is left to people does not.
    let interrupted = |workers: i64| {
        let sql = "UPDATE executions SET state = 'interrupted', epoch = ?1 WHERE live = 0";
        desk.database().execute(sql, [workers]).unwrap();
    };
    interrupted(1);
    assert_eq!(length(), [1, 1]);
    interrupted(5);
    assert_eq!(length(), [0, 1]);
}

#[test]
fn the_case_of_a_media_type_does_not_count() {
    let desk = Desk::new("");
    let service = desk.serve_as("admin");
    let mixed = ("content-type", "Multipart/Form-Data; boundary=XX");
    let parts = form(&[("mode", None, "dry"), ("file", Some("list.csv"), GOOD)]);
    let begun = service.ask("POST", &format!("{SHOP}/executions"), &[mixed], &parts);
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(service.ended(begun.json()["id"].as_str().unwrap())["inputs"], json!(["list.csv"]));
    let raw = [("content-type", "Text/Tab-Separated-Values; charset=utf-8")];
    let begun = service.ask("POST", &format!("{SHOP}/executions"), &raw, b"SKU\tPrice\na\t1\n");
    assert_eq!(begun.status, 202, "{}", begun.text());
    assert_eq!(service.ended(begun.json()["id"].as_str().unwrap())["inputs"], json!(["input.tsv"]));
    let json = [("content-type", "Application/JSON")];
    let activated = service.ask("POST", &format!("{SHOP}/activate"), &json, b"{}");
    assert_eq!(activated.status, 200, "{}", activated.text());
}

#[test]
fn it_is_not_ready_while_the_disk_has_no_room() {
    let desk = Desk::new("[serve]\ndisk = \"1000000GiB\"\n");
    let service = desk.serve("0s");
    let answer = service.get("/ready");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json(), json!({"ready": false, "state": true, "disk": false}));
    assert_eq!(service.get("/health").text(), "ok\n", "it lives all the same");
}

#[test]
fn others_do_not_reach_it_without_a_token() {
    let desk = Desk::new("");
    let refused = desk.sconn(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("no token is known"), "{}", refused.stderr);
    assert!(refused.stderr.contains("sconn tokens add"), "{}", refused.stderr);
}

/// A live run of many small chunks, and its id once it is loading.
fn long_run(service: &Service, rows: usize) -> String {
    let rows: String = (0..rows).map(|i| format!("k{i},{i}\n")).collect();
    let id = service.submit("mode=live", &format!("SKU,Price\n{rows}"));
    service.once(&id, |e| {
        let loads = e["stage"]["name"].as_str().is_some_and(|s| s.starts_with("loading"));
        loads && e["stage"]["done"].as_i64().is_some_and(|d| d > 0)
    });
    id
}

#[test]
fn told_to_stop_in_the_middle_of_a_live_run_it_loses_nothing() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let service = desk.serve_as("run");
    let token = service.token.clone();
    let id = long_run(&service, 20_000);
    let early = service.get(&format!("/api/v1/executions/{id}/artefacts/sql-output"));
    assert_eq!((early.status, &early.body[..2]), (200, &b"PK"[..]), "it is there while the loads run");
    service.terminate();
    assert!(service.wait().success(), "{}", service.said());
    let shown = desk.ends(0, &["executions", "show", &id, "--format", "json"]).stdout;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "interrupted", "its state says so");
    let before = desk.items();
    assert!(before < 20_000, "it was in the middle");
    let mut service = desk.serve("0s");
    service.token = token;
    let done = service.ended(&id);
    assert_eq!((&done["state"], desk.items()), (&json!("completed"), 20_000), "{done}");
    assert_eq!(done["steps"][0]["counts"]["created"], 20_000, "each row exactly once");
}

#[test]
fn told_to_stop_it_lets_what_runs_end() {
    let desk = Desk::new("");
    desk.ends(0, &["activate", "shop.sconn"]);
    let token = desk.token("run", "run");
    let mut service = desk.serve("120s");
    service.token = token;
    let id = long_run(&service, 3_000);
    service.terminate();
    assert!(service.wait().success(), "{}", service.said());
    let shown = desk.ends(0, &["executions", "show", &id, "--format", "json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["state"], "completed", "{}", service.said());
    assert_eq!(desk.items(), 3_000);
}
