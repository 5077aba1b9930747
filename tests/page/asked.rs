//! What is asked of the page: logging in, starting, activating, and what of it is logged.

use super::desk::Desk;
use std::io::{Read, Write};
use std::net::TcpStream;

const GOOD: (&str, &str) = ("good.csv", "SKU,Price\na,1\n");

#[test]
fn after_logging_in_nobody_is_sent_elsewhere() {
    let desk = Desk::new();
    let (_, ann) = desk.stranger().login(&desk.token("ann", "read"));
    for (next, to) in
        [("/\t/example.org/x", "/"), ("//example.org", "/"), ("/connectors/shop", "/connectors/shop")]
    {
        // Whoever is logged in has a form that is signed as well.
        let token = desk.token("ann", "read");
        let (_, again) = desk.stranger().login(&token);
        let sent = again.post("/login", &[("token", &token), ("next", &next.replace('\t', "%09"))]);
        assert_eq!((sent.status, sent.header("location")), (303, to), "{next:?}");
    }
    let form = ann.get("/login?next=/%09/example.org/x").body;
    assert!(form.contains("name=\"next\" value=\"/\""), "{form}");
}

#[test]
fn the_log_says_whose_request_it_was() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    ann.get("/connectors/shop");
    ann.post("/connectors/shop/activation", &[("to", "on")]);
    for path in ["/login", "/connectors/shop", "/connectors/shop/activation"] {
        let last = desk.logged(path).pop().unwrap();
        assert!(last.ends_with("by=\"ann\""), "{last}");
    }
    desk.stranger().get("/connectors/shop/executions");
    assert!(desk.logged("/connectors/shop/executions")[0].ends_with("by=\"-\""));
}

#[test]
fn a_page_that_asks_for_itself_is_not_news_as_long_as_something_goes_on() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let list = "/connectors/shop/executions";
    let poll = [("x-poll", "1")];
    let ids: Vec<_> = (0..3).map(|_| desk.waits(&ann, GOOD)).collect();
    assert!(
        ann.get(list).body.contains("data-every=\"1000\""),
        "what was just asked for may begin and end at once"
    );
    desk.database().execute("UPDATE executions SET queued_at = '2020-01-01T00:00:00.000Z'", []).unwrap();
    assert!(ann.get(list).body.contains("data-every=\"5000\""), "one question for all that wait");
    let own = format!("/executions/{}", ids[0]);
    assert_eq!(ann.get(&own).status, 200);
    for _ in 0..5 {
        assert_eq!(ann.get_with(&own, &poll).status, 200);
    }
    assert_eq!(desk.stranger().get_with(&own, &poll).status, 303);
    for id in ids {
        desk.sconn(&["executions", "cancel", &id]);
    }
    let ended = ann.get_with(&own, &poll).body;
    assert!(ended.contains("cancelled") && !ended.contains("data-every"), "{ended}");
    ann.get("/connectors/nothing");
    desk.logged("/connectors/nothing");
    let logged: Vec<_> =
        desk.logged(&own).iter().map(|l| l.split_whitespace().nth(3).unwrap().to_owned()).collect();
    assert_eq!(logged, ["200", "303", "200"], "asked by hand, refused, and that it ended");
    // Something may begin elsewhere.
    for path in [list, "/", "/connectors/shop", "/connectors/shop/events"] {
        assert!(ann.get(path).body.contains("data-every=\"5000\""), "{path}");
    }
    assert!(!ann.get(&format!("{list}?before=zzz")).body.contains("data-every"), "the older ones stay");
}

#[test]
fn who_may_not_start_a_run_is_refused_before_anything_is_read() {
    let desk = Desk::new();
    let rea = desk.logged_in("rea", "read");
    let mut service = TcpStream::connect(desk.address.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /connectors/shop/start HTTP/1.1\r\nhost: x\r\ncookie: {}\r\ncontent-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=X\r\n\r\n\
         --X\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.csv\"\r\n\r\nSKU,Price\r\n",
        rea.cookie
    );
    service.write_all(head.as_bytes()).unwrap();
    // Most of the body never comes.
    let mut answer = [0; 12];
    service.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    let uploads = std::fs::read_dir(desk.at(".sconn/uploads")).map_or(0, Iterator::count);
    assert_eq!(uploads, 0);
}

#[test]
fn the_question_before_activation_says_what_would_run_and_can_cancel_all() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    let ids: Vec<_> = ["march.csv", "april.csv"].map(|name| desk.waits(&ann, (name, GOOD.1))).into();
    let path = "/connectors/shop/activation";
    let asked = ann.get(path);
    for said in ["march.csv", "april.csv", " by <bdi>ann</bdi>", "Cancel all 2, then activate"] {
        assert!(asked.body.contains(said), "{said}: {asked:?}");
    }
    for id in &ids {
        assert!(asked.body.contains(&format!("href=\"/executions/{id}\"")), "{asked:?}");
    }
    // Something came in meanwhile: it is asked about first, and what was ticked stays so.
    let late = desk.waits(&ann, ("may.csv", GOOD.1));
    let answer = |page: &super::desk::Answer, how: &[(&str, &str)]| {
        let (shown, last) = (page.field("shown"), page.field("last"));
        ann.post(path, &[&[("to", "on"), ("shown", shown.as_str()), ("last", &last)], how].concat())
    };
    let again = answer(&asked, &[("cancel", &ids[1])]);
    assert_eq!(again.status, 409);
    assert!(again.body.contains("1 more came in meanwhile"), "{again:?}");
    for (id, ticked) in [(&ids[0], false), (&ids[1], true), (&late, false)] {
        assert_eq!(again.body.contains(&format!("value=\"{id}\" checked")), ticked, "{id}: {again:?}");
    }
    assert_eq!(again.body.matches("<span class=\"tag\">new</span>").count(), 1, "{again:?}");
    assert_eq!(answer(&again, &[("first", "all")]).header("location"), "/connectors/shop");
    assert_eq!(desk.status(), "Operational");
    for id in ids.iter().chain([&late]) {
        assert_eq!(desk.ended(id), "cancelled");
    }
}

#[test]
fn run_again_runs_with_what_was_given_before() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let odd = "a\u{202e}b\nc & d";
    let first = ann.send_form(
        "shop",
        &[("csrf", &ann.csrf), ("mode", "dry"), ("param.region", odd), ("guard", "on")],
        &[GOOD],
    );
    let first = first.id();
    desk.ended(&first);
    let form = ann.get(&format!("/connectors/shop/start?again={first}")).body;
    let field = form.split("name=\"param.region\"").nth(1).unwrap();
    let value = field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    assert_eq!(value, r"a\u{202e}b\u{000a}c & d", "what cannot be seen, or be in a field, is told");
    assert!(form.contains("name=\"guard\" value=\"on\" checked"), "{form}");
    let asked = |value: &str| {
        let fields =
            [("csrf", ann.csrf.as_str()), ("mode", "dry"), ("param.region", value), ("again", &first)];
        let id = ann.send_form("shop", &fields, &[]).id();
        let sql = "SELECT params, guard_formulas FROM submissions WHERE execution = ?1";
        let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?));
        let (params, guard) = desk.database().query_row(sql, [&id], read).unwrap();
        (serde_json::from_str::<Vec<String>>(&params).unwrap(), guard)
    };
    assert_eq!(
        asked(&value),
        (vec![format!("region={odd}")], false),
        "left as it was shown, it is what it was"
    );
    assert_eq!(asked("EU").0, ["region=EU"]);
    // Over the API all of it is as it was.
    let bearer = format!("Bearer {}", desk.token("prog", "run"));
    let again = ureq::post(format!("{}/api/v1/executions/{first}/run-again", desk.address))
        .header("authorization", &bearer)
        .send_empty()
        .unwrap();
    assert_eq!(again.status(), 202);
    let guarded: i64 =
        desk.database().query_row("SELECT sum(guard_formulas) FROM submissions", [], |r| r.get(0)).unwrap();
    assert_eq!(guarded, 2, "the first, and the one like it");
}
