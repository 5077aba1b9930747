//! What an execution was given and left, as files: their order, and downloads that go on where they broke.

use super::desk::{Answer, Desk, Service};
use super::{FORM, SHOP, activate, form};
use serde_json::json;
use std::path::Path;

/// Two lists, of which the second one counts.
fn two_lists(service: &Service, mode: &str) -> String {
    let (first, last) = ("SKU,Price\na,1\n", "SKU,Price\na,2\n");
    let body = form(&[("file", Some("z.csv"), first), ("file", Some("a.csv"), last), ("mode", None, mode)]);
    let answer = service.ask("POST", &format!("{SHOP}/executions"), &[FORM], &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// The rows that an execution's SQL gave, in their order.
fn given(desk: &Desk, id: &str) -> Vec<String> {
    let zip = std::fs::File::open(desk.folder(id).join("sql-output.zip")).unwrap();
    let mut zip = zip::ZipArchive::new(zip).unwrap();
    let text = std::io::read_to_string(zip.by_name("items.csv").unwrap()).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn run_again_several_files_are_read_in_the_order_in_which_they_were_given() {
    let desk = Desk::new("");
    let service = desk.serve_as("admin");
    let again = |id: &str| {
        let answer = service.post(&format!("/api/v1/executions/{id}/run-again?mode=dry"));
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(service.ended(&id)["inputs"], json!(["z.csv", "a.csv"]));
        given(&desk, &id)
    };
    // It waits: the connector is not active.
    let waits = two_lists(&service, "live");
    assert_eq!(service.execution(&waits)["inputs"], json!(["z.csv", "a.csv"]));
    let dry = two_lists(&service, "dry");
    service.ended(&dry);
    let rows = given(&desk, &dry);
    assert_eq!(rows.len(), 2);
    assert!(rows[0].contains('1') && rows[1].contains('2'), "{rows:?}");
    assert_eq!([again(&waits), again(&dry)], [rows.clone(), rows.clone()]);
    service.post(&format!("/api/v1/executions/{waits}/cancel"));
    assert_eq!(again(&waits), rows, "one that was cancelled before it began");
    assert_eq!(activate(&service, &json!({})).status, 200);
    service.ended(&two_lists(&service, "live"));
    let price = || service.read("/api/v1/targets/store/objects/items/records")["records"][0]["price"].clone();
    let whole = price();
    let live = service.read("/api/v1/executions?mode=live&limit=1")["executions"][0]["id"].clone();
    let answer = service.post(&format!("/api/v1/executions/{}/run-again", live.as_str().unwrap()));
    let ended = service.ended(answer.json()["id"].as_str().unwrap());
    assert_eq!((&ended["mode"], price()), (&json!("live"), whole));
}

fn age(path: &Path, seconds: u64) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    let at = file.metadata().unwrap().modified().unwrap();
    file.set_modified(at + std::time::Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_download_goes_on_only_with_the_same_file() {
    let desk = Desk::new("");
    let service = desk.serve_as("run");
    let id = two_lists(&service, "dry");
    service.ended(&id);
    let of = |artefact: &str| format!("/api/v1/executions/{id}/artefacts/{artefact}");
    let ask = |artefact: &str, headers: &[(&str, &str)]| service.ask("GET", &of(artefact), headers, b"");
    let part = ("range", "bytes=10-19");
    for artefact in ["report", "input"] {
        let whole = ask(artefact, &[]);
        let (etag, time) = (whole.header("etag"), whole.header("last-modified"));
        let is_part = |a: Answer| (a.status, a.body == whole.body[10..20]) == (206, true);
        assert!(is_part(ask(artefact, &[part])), "{artefact}");
        assert!(is_part(ask(artefact, &[part, ("if-range", etag)])), "{artefact}: {etag}");
        assert!(is_part(ask(artefact, &[part, ("if-range", time)])), "{artefact}: {time}");
        let weak = format!("W/{etag}");
        for other in [weak.as_str(), "\"other\"", "Thu, 01 Jan 1970 00:00:00 GMT", "yesterday"] {
            for range in [part, ("range", "bytes=99999999-")] {
                let answer = ask(artefact, &[range, ("if-range", other)]);
                assert_eq!((answer.status, answer.body == whole.body), (200, true), "{artefact} {other}");
            }
        }
        // What cannot be read, or is of several parts, is as if it were not there; so is more than there is.
        for range in ["bytes=9-0", "bytes=0-1,4-5", "bytes=abc", "rows=1-2", "bytes=-99999999"] {
            let answer = ask(artefact, &[("range", range)]);
            assert_eq!((answer.status, answer.body == whole.body), (200, true), "{artefact} {range}");
        }
        let past = ask(artefact, &[("range", "bytes=99999999-"), ("if-range", etag)]);
        assert_eq!(past.status, 416, "{artefact}");
        assert_eq!(past.header("content-range"), format!("bytes */{}", whole.body.len()));
    }
    let packed = ask("input", &[]).header("etag").to_owned();
    assert_eq!(ask("input", &[("if-none-match", &packed)]).status, 304, "it is the same, packed anew");
    age(&desk.folder(&id).join("input/z.csv"), 60);
    assert_ne!(ask("input", &[]).header("etag"), packed);
}
