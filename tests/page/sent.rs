//! What is sent and cannot be: the form comes again with what is wrong at its field.

use super::desk::Desk;
use crate::common::project::SHOP;

const GOOD: (&str, &str) = ("good.csv", "SKU,Price\na,1\n");

#[test]
fn a_start_that_cannot_be_is_shown_again_with_what_was_typed() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    desk.file("dated.sconn", &format!("{}\nparam since: date\n", SHOP.replace("shop", "dated")));
    let form = ann.get("/connectors/dated/start").body;
    assert!(form.contains("date, required</span>"), "{form}");
    let sent = |since: &str, files: &[(&str, &str)]| {
        ann.send_form("dated", &[("csrf", &ann.csrf), ("mode", "live"), ("param.since", since)], files)
    };
    let wrong = sent("soon", &[GOOD]);
    assert_eq!(wrong.status, 422);
    let field = wrong.body.split("name=\"param.since\"").nth(1).unwrap();
    assert!(field.contains("value=\"soon\"") && field.contains("aria-invalid"), "{wrong:?}");
    let said = field.split("<p id=\"wrong-1\"").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(said.contains("the parameter `since` cannot be"), "{said}");
    assert!(wrong.body.contains("value=\"live\" checked"), "{wrong:?}");
    assert!(wrong.body.contains("Files have to be chosen once more"), "{wrong:?}");
    let none = sent("2026-03-01", &[]);
    assert_eq!(none.status, 422);
    let said = none.body.split("<p id=\"files-wrong\"").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(said.contains("no file was chosen"), "{said}");
    assert!(none.body.contains("value=\"2026-03-01\"") && !none.body.contains("wrong-1"), "{none:?}");
    assert_eq!(sent("2026-03-01", &[GOOD]).status, 303);
}

#[test]
fn of_a_file_that_is_too_large_what_was_typed_stays() {
    let desk = Desk::with("[serve]\nupload = \"64KiB\"\n");
    let ann = desk.logged_in("ann", "run");
    let large = format!("SKU,Price\na,{}\n", "1".repeat(70 << 10));
    let fields = [("csrf", ann.csrf.as_str()), ("mode", "live"), ("param.region", "APAC & more")];
    let refused = ann.send_form("shop", &fields, &[("large.csv", &large)]);
    assert_eq!(refused.status, 413);
    for said in [
        "an upload may have 65536 bytes: raise `upload`",
        "value=\"APAC &#38; more\"",
        "value=\"live\" checked",
        "Files have to be chosen once more",
    ] {
        assert!(refused.body.contains(said), "{said}: {}", refused.body);
    }
    // A browser sends its fields in the order in which they stand.
    let form = ann.get("/connectors/shop/start").body;
    assert!(form.find("name=\"param.region\"") < form.find("name=\"files\""), "{form}");
    let unsigned = ann.send_form("shop", &[("mode", "live")], &[("large.csv", &large)]);
    assert_eq!(unsigned.status, 403);
    assert_eq!(std::fs::read_dir(desk.at(".sconn/uploads")).unwrap().count(), 0);
}

/// A field shows what cannot be seen by its number; sent once more, it is what it was.
#[test]
fn a_value_with_what_cannot_be_seen_is_not_changed_by_sending_the_form_once_more() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let value = "A\u{200b}B\"<";
    let csrf = ("csrf", ann.csrf.as_str());
    let wrong = ann.send_form("shop", &[csrf, ("mode", "dry"), ("param.region", value)], &[]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("type=\"text\" value=\"A\\u{200b}B&#34;&#60;\""), "{}", wrong.body);
    assert!(wrong.body.contains("name=\"was.region\" value=\"A\u{200b}B&#34;&#60;\""), "{}", wrong.body);
    let shown = "A\\u{200b}B\"<";
    for (was, sent, given) in [(value, shown, value), (value, "other", "other"), ("", shown, shown)] {
        let fields = [csrf, ("mode", "dry"), ("param.region", sent), ("was.region", was)];
        let begun = ann.send_form("shop", &fields, &[GOOD]);
        assert_eq!(begun.status, 303, "{begun:?}");
        let params: String = desk
            .database()
            .query_row("SELECT params FROM submissions WHERE execution = ?1", [begun.id()], |r| r.get(0))
            .unwrap();
        let params: Vec<String> = serde_json::from_str(&params).unwrap();
        assert_eq!(params, [format!("region={given}")]);
    }
}

#[test]
fn a_file_that_declares_another_connector_is_told_and_not_tried_in_its_name() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    ann.post("/connectors/shop/activation", &[("to", "on")]);
    let good = std::fs::read_to_string(desk.at("shop.sconn")).unwrap();
    desk.file("shop.sconn", &good.replace("connector shop", "connector shop2"));
    for path in ["/connectors/shop", "/connectors/shop/start", "/connectors/shop/activation"] {
        let page = ann.get(path).body;
        let what = "shop.sconn declares `shop2` now, not `shop`";
        assert!(page.contains("declares another connector now") && page.contains(what), "{path}: {page}");
    }
    let dry = ann.upload("shop", &ann.csrf, "dry", &[GOOD]);
    assert_eq!(dry.status, 422);
    assert!(dry.body.contains("shop.sconn declares `shop2` now, not `shop`"), "{}", dry.body);
    let live = ann.upload("shop", &ann.csrf, "live", &[GOOD]);
    assert_eq!(desk.ended(&live.id()), "completed");
    let refused = ann.post("/connectors/shop/activation", &[("to", "on")]);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("take `shop2`, or give it its earlier name back"), "{}", refused.body);
}

#[test]
fn what_nobody_can_mean_is_said_and_nothing_is_done() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    ann.post("/connectors/shop/activation", &[("to", "on")]);
    assert_eq!(ann.post("/connectors/shop/activation", &[]).status, 400);
    assert_eq!(desk.status(), "Operational", "what is not said is not off");
    let id = desk.ran(&ann, ("bad.csv", "SKU,Price\nd,1\n,2\n"));
    for what in ["cancel", "resume"] {
        let late = ann.post(&format!("/executions/{id}/{what}"), &[]);
        assert_eq!(late.status, 409, "{what}: {late:?}");
        assert!(late.body.contains(&format!("{id} is completed with errors")), "{what}: {}", late.body);
    }
    let list = "/connectors/shop/executions";
    assert!(ann.get(&format!("{list}?state=completed_with_errors")).body.contains(&id));
    assert!(!ann.get(&format!("{list}?state=completed")).body.contains(&id));
    let own = format!("/executions/{id}/decisions");
    assert!(ann.get(&format!("{own}?outcome=not_processed")).body.contains("No decision like that"));
    for (path, status, said) in [
        (format!("{list}?state=nope"), 400, "there is no state `nope`"),
        (format!("{list}?mode=nope"), 400, "there is no mode `nope`"),
        (format!("{list}?before=nope"), 404, "there is no execution `nope`"),
        ("/connectors/shop/events?state=nope".to_owned(), 400, "there is no state `nope`"),
        (format!("{own}?outcome=nope"), 400, "there is no outcome `nope`"),
    ] {
        let page = ann.get(&path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.body.contains(said), "{path}: {}", page.body);
    }
    let live = ann.upload("shop", &ann.csrf, "live", &[GOOD]).id();
    assert_eq!(desk.ended(&live), "completed");
    let decisions = ann.get(&format!("/executions/{live}/decisions")).body;
    assert!(decisions.contains("committed in chunk 0, <time datetime="), "{decisions}");
}

#[test]
fn a_broken_file_keeps_only_dry_runs_from_starting() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    let start = "/connectors/shop/start";
    let disabled = "<button class=\"primary\" disabled>";
    let good = std::fs::read_to_string(desk.at("shop.sconn")).unwrap();
    desk.file("shop.sconn", &format!("{good}\nload nothing into nowhere {{"));
    assert!(ann.get(start).body.contains(disabled), "nothing of it can run");
    desk.file("shop.sconn", &good);
    ann.post("/connectors/shop/activation", &[("to", "on")]);
    desk.file("shop.sconn", &format!("{good}\nload nothing into nowhere {{"));
    let form = ann.get(start).body;
    assert!(form.contains("The file has errors: it cannot run dry"), "{form}");
    assert!(form.contains("value=\"dry\" disabled>") && form.contains("value=\"live\" checked>"), "{form}");
    assert!(!form.contains(disabled), "{form}");
    let begun = ann.upload("shop", &ann.csrf, "live", &[GOOD]);
    assert_eq!(begun.status, 303, "{begun:?}");
    assert_eq!(desk.ended(&begun.id()), "completed");
    // What is not there has no errors.
    std::fs::remove_file(desk.at("shop.sconn")).unwrap();
    for path in ["/connectors/shop", start, "/connectors/shop/activation"] {
        let page = ann.get(path).body;
        assert!(
            page.contains("is not there any more") && !page.contains("file has errors"),
            "{path}: {page}"
        );
    }
}

#[test]
fn of_events_only_those_are_discarded_of_which_nothing_became() {
    let desk = Desk::new();
    desk.file(
        "orders.sconn",
        "connector orders {\n  name \"Orders\"\n  trigger webhook { verify nothing }\n}\n",
    );
    let ann = desk.logged_in("ann", "run");
    let path = "/connectors/orders/events";
    assert_eq!(ann.get(path).status, 200);
    let sql =
        "INSERT INTO events(id, connector, received_at, employee, querystring, content_type, body, state)
               VALUES (1, 'orders', '2026-03-01T09:00:00.000Z', '', '', 'text/plain', ?1, 'batched')";
    desk.database().execute(sql, ["x".repeat(20_000)]).unwrap();
    let page = ann.get(path).body;
    assert!(page.contains("Try in a dry run") && !page.contains("Discard"), "{page}");
    assert!(!page.contains(&"x".repeat(10_001)) && page.contains("20,000 bytes"), "{page}");
    let sql =
        "INSERT INTO events(id, connector, received_at, employee, querystring, content_type, body, state)
               VALUES (2, 'orders', '2026-03-01T09:00:00.000Z', '', '', 'text/plain', 'y', 'captured')";
    desk.database().execute(sql, []).unwrap();
    assert!(ann.get(path).body.contains("Discard</button>"));
    for (chosen, said) in [
        (vec![], "No event was chosen"),
        (vec![("event", "1")], "None was discarded: something had become already of one, which stays"),
        (vec![("event", "1"), ("event", "2")], "One was discarded: something had become already of one"),
    ] {
        let answer = ann.post(path, &[&[("do", "discard")], chosen.as_slice()].concat());
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(said), "{said}: {answer:?}");
        assert_eq!(answer.body.contains("value=\"1\" checked"), !chosen.is_empty(), "{answer:?}");
        // The next look would take away what is said and chosen.
        assert!(!answer.body.contains("data-every"), "{answer:?}");
    }
    assert!(!ann.get(&format!("{path}?state=captured")).body.contains("event-2"));
}
