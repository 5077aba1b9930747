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
    }
    assert!(!ann.get(&format!("{path}?state=captured")).body.contains("event-2"));
}
