//! Where executions and connectors stand, as the page tells it.

use super::desk::{Answer, Desk, Visitor};

const GOOD: (&str, &str) = ("good.csv", "SKU,Price\na,1\n");

/// The page of an execution, and the list that it is in.
fn both(ann: &Visitor<'_>, id: &str) -> [Answer; 2] {
    [ann.get(&format!("/executions/{id}")), ann.get("/connectors/shop/executions")]
}

#[test]
fn what_waits_says_what_it_waits_for() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.waits(&ann, GOOD);
    for page in both(&ann, &id) {
        assert!(page.body.contains("waits: `shop` is not active: `sconn activate shop`"), "{page:?}");
    }
    desk.database().execute("UPDATE executions SET state = 'interrupted', epoch = 1", []).unwrap();
    for page in both(&ann, &id) {
        assert!(page.body.contains("its worker is gone; waits: `shop` is not active"), "{page:?}");
    }
    // What never began has committed nothing.
    let other = desk.waits(&ann, GOOD);
    desk.sconn(&["executions", "cancel", &other]);
    let page = ann.get(&format!("/executions/{other}")).body;
    assert!(page.contains("cancelled") && !page.contains("What was committed before stays"), "{page}");
}

#[test]
fn the_bar_of_what_is_not_done_is_not_full() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.waits(&ann, GOOD);
    let counts = r#"[{"name":"items","object":"items","scope":"items","rows":2000,"warnings":1234,"by_code":[],"counts":
        {"created":4,"updated":0,"unchanged":0,"unarchived":0,"skipped":0,"errored":1,"not_processed":1995}}]"#;
    let set = |state: &str| {
        let sql =
            "UPDATE executions SET state = ?1, stage = 'loading items', done = 5, total = 2000, counts = ?2,
                   started_at = queued_at, lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds')";
        desk.database().execute(sql, [state, counts]).unwrap();
    };
    set("running");
    let [own, list] = both(&ann, &id);
    assert!(own.body.contains("<b>1,995</b> not processed") && own.body.contains("2,000 rows"), "{own:?}");
    assert!(own.body.contains("Rows so far") && own.body.contains("1,234 with warnings"), "{own:?}");
    for page in [list, ann.get("/")] {
        assert!(page.body.contains("2,000 rows, 1,995 not processed, 1 errored"), "{page:?}");
    }
    set("interrupted");
    assert!(ann.get(&format!("/executions/{id}")).body.contains("Rows, as last told"));
}

#[test]
fn what_writes_its_report_cannot_be_cancelled_any_more() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.waits(&ann, GOOD);
    let set = |stage: &str, cancel: bool| {
        let sql = "UPDATE executions SET state = 'running', cancel = ?2, stage = ?1, started_at = queued_at,
                   lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds')";
        desk.database().execute(sql, rusqlite::params![stage, cancel]).unwrap();
    };
    let cancel = format!("/executions/{id}/cancel");
    set("loading items", false);
    assert!(both(&ann, &id).iter().all(|page| page.body.contains(&cancel)));
    set("writing the report", false);
    assert!(!both(&ann, &id).iter().any(|page| page.body.contains(&cancel)));
    let late = ann.post(&cancel, &[]);
    assert!(late.status == 409 && late.body.contains("too late to cancel"), "{late:?}");
    let late = desk.ends(2, &["executions", "cancel", &id]);
    assert!(late.stderr.contains("it is too late to cancel it"), "{}", late.stderr);
    let token = format!("Bearer {}", desk.token("bot", "run"));
    let late = ureq::post(format!("{}/api/v1{cancel}", desk.address)).header("authorization", token);
    assert!(matches!(late.send_empty(), Err(ureq::Error::StatusCode(409))));
    assert_eq!(desk.execution(&id)["cancel_requested"], false);
    set("writing the report", true);
    for page in both(&ann, &id) {
        assert!(page.body.contains("writing the report; asked to stop"), "{page:?}");
    }
}

#[test]
fn from_the_older_ones_there_is_a_way_back_and_a_filter_stays() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let ids: Vec<_> = (0..2).map(|_| desk.waits(&ann, GOOD)).collect();
    let list = "/connectors/shop/executions";
    let newest = format!("href=\"{list}?state=queued&#38;mode=live\">Newest");
    assert!(!ann.get(&format!("{list}?state=queued&mode=live")).body.contains("Newest"));
    let here = format!("{list}?state=queued&mode=live&before={}", ids[1]);
    let page = ann.get(&here).body;
    assert!(page.contains(&newest), "{page}");
    let back = page.split("name=\"back\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(back.replace("&#38;", "&"), here);
    let form = [("back", here.replace('&', "%26"))];
    let cancelled =
        ann.post(&format!("/executions/{}/cancel", ids[0]), &form.each_ref().map(|(n, v)| (*n, v.as_str())));
    assert_eq!(cancelled.header("location"), here);
}

#[test]
fn reasons_that_are_not_shown_are_counted() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.ran(&ann, ("bad.csv", "SKU,Price\nd,1\n,2\n"));
    let path = desk.folder(&id).join("summary.json");
    let mut summary: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let own = format!("/executions/{id}");
    assert!(!ann.get(&own).body.contains("> has all"), "there is one");
    let reasons = summary["steps"][0]["by_code"].as_array_mut().unwrap();
    *reasons = vec![reasons[0].clone(); 30];
    std::fs::write(&path, summary.to_string()).unwrap();
    let page = ann.get(&own).body;
    assert!(page.contains("and 10 more; the <a") && page.contains("report</a> has all"), "{page}");
}

#[test]
fn a_schedule_is_told_in_its_own_zone() {
    let desk = Desk::new();
    let trigger = "trigger schedule { cron \"0 6 * * *\" timezone \"Europe/Berlin\" missed run_all }";
    let shop = std::fs::read_to_string(desk.at("shop.sconn")).unwrap();
    let (head, rest) = shop.split_once("input list {").unwrap();
    let (_, rest) = rest.split_once("scope items from input.list {").unwrap();
    let head = head.replace("trigger spreadsheet", trigger).replace("sample  \"good.csv\"", "");
    let scope =
        "scope items {\n sql { SELECT schedule_trigger_time AS sku, '1' AS price FROM input.schedule }";
    desk.file("shop.sconn", &format!("{head}{scope}{rest}"));
    let ann = desk.logged_in("ann", "admin");
    ann.post("/connectors/shop/activation", &[("to", "on")]);
    let page = ann.get("/connectors/shop").body;
    for said in [
        "<dd>a schedule: 0 6 * * * in Europe/Berlin</dd>",
        "<dt>Missed times</dt><dd>run, each</dd>",
        "<dt>Next run</dt><dd><time datetime=",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let list = ann.get("/").body;
    assert!(list.contains("0 6 * * * in Europe/Berlin · next at <time datetime="), "{list}");
    // A run that failed is no news of a good one.
    let id = desk.ran(&ann, ("odd.csv", "Other\n1\n"));
    let page = ann.get("/connectors/shop").body;
    let counts = page.split("counts of ").nth(1).unwrap().split("</div>").next().unwrap();
    assert!(counts.contains(&id) && counts.contains("dry run") && counts.contains("failed"), "{counts}");
}
