//! What the page says of executions: left to people, without files, told to others, refused.

use super::desk::Desk;
use crate::common::project::eventually;

const GOOD: (&str, &str) = ("good.csv", "SKU,Price\na,1\n");
const BAD: (&str, &str) = ("bad.csv", "SKU,Price\nd,1\n,2\n");

/// What the API says, asked with a token.
fn api(desk: &Desk, token: &str, path: &str) -> (u16, serde_json::Value) {
    let authorized = format!("Bearer {token}");
    let answer = desk.stranger().get_with(&format!("/api/v1{path}"), &[("authorization", &authorized)]);
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
}

#[test]
fn an_interrupted_execution_says_whether_it_goes_on_by_itself() {
    let desk = Desk::new();
    let (ann, rea) = (desk.logged_in("ann", "run"), desk.logged_in("rea", "read"));
    let token = desk.token("prog", "read");
    let id = desk.waits(&ann, GOOD);
    let own = format!("/executions/{id}");
    // It is live, and its connector is not active: nobody takes it up meanwhile.
    let interrupted = |workers: i64| {
        let sql = "UPDATE executions SET state = 'interrupted', epoch = ?1, failure = 'its folder is gone'";
        desk.database().execute(sql, [workers]).unwrap();
    };
    interrupted(4);
    let page = ann.get(&own).body;
    assert!(
        page.contains("it goes on from the last chunk") && page.contains("data-every=\"5000\""),
        "{page}"
    );
    assert!(!page.contains("It does not go on by itself"), "{page}");
    assert_eq!(api(&desk, &token, &own).1["left_to_people"], false);

    interrupted(5);
    let page = ann.get(&own).body;
    assert!(page.contains("It does not go on by itself") && page.contains("its folder is gone"), "{page}");
    assert!(page.contains("<button class=\"primary\">Resume</button>"), "{page}");
    assert!(!page.contains("goes on from the last chunk") && !page.contains("So far"), "{page}");
    assert!(!page.contains("data-every"), "nothing changes by itself: {page}");
    assert!(!rea.get(&own).body.contains("Resume</button>"));
    assert_eq!(api(&desk, &token, &own).1["left_to_people"], true);
    assert_eq!(desk.execution(&id)["left_to_people"], true);
    let shown = desk.sconn(&["executions", "show", &id]);
    assert!(
        shown.contains(&format!("left      to people: resume it (sconn executions resume {id})")),
        "{shown}"
    );

    assert_eq!(ann.post(&format!("{own}/resume"), &[]).status, 303);
    assert_eq!(desk.execution(&id)["left_to_people"], false);
    assert!(ann.get(&own).body.contains("it goes on from the last chunk"));
}

#[test]
fn an_execution_whose_files_were_removed_says_so_and_what_it_counted() {
    let desk = Desk::with("[retention]\nkeep = 1\n");
    let ann = desk.logged_in("ann", "run");
    let token = desk.token("prog", "read");
    let old = desk.ran(&ann, BAD);
    desk.ran(&ann, GOOD);
    eventually("the files of the older one are removed", || {
        desk.sconn(&["executions", "prune", "--older-than", "1s"]).contains(&old)
    });
    let own = format!("/executions/{old}");
    let page = ann.get(&own).body;
    assert!(page.contains("Its files were removed on"), "{page}");
    assert!(page.contains("<b>1</b> created") && page.contains("<b>1</b> errored"), "{page}");
    assert!(page.contains("Why rows or fields were left out"), "{page}");
    assert!(!page.contains("No summary") && !page.contains("/files/"), "{page}");
    let decisions = ann.get(&format!("{own}/decisions")).body;
    assert!(decisions.contains("Its decisions were removed with its other files"), "{decisions}");
    // The page and the API say the same of what is not there.
    let waits = desk.waits(&ann, GOOD);
    for (id, artefact, why) in [(&old, "report", "were removed at"), (&waits, "report", "no report.xlsx yet")]
    {
        let page = ann.get(&format!("/executions/{id}/files/{artefact}"));
        let (status, json) = api(&desk, &token, &format!("/executions/{id}/artefacts/{artefact}"));
        assert_eq!((page.status, status), (404, 404), "{id}");
        assert!(page.body.contains(why) && json["error"].as_str().unwrap().contains(why), "{page:?} {json}");
    }
    assert!(api(&desk, &token, &own).1["files_removed_at"].is_string());
    let again = ann.get(&format!("/connectors/shop/start?again={old}"));
    assert!(again.status == 404 && again.body.contains("were removed at"), "{again:?}");
}

#[test]
fn what_is_stopped_tells_its_last_chunk_and_then_what_it_is_at() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.waits(&ann, GOOD);
    for (stage, said) in [
        ("SQL", "stopping after the chunk in hand"),
        ("loading items", "stopping after the chunk in hand"),
        ("telling which rows were left out", "telling which rows were left out"),
        ("writing the report", "writing the report"),
    ] {
        let sql = "UPDATE executions SET state = 'running', cancel = 1, stage = ?1, started_at = queued_at,
                     lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+50 seconds')";
        desk.database().execute(sql, [stage]).unwrap();
        for path in [format!("/executions/{id}"), "/connectors/shop/executions".to_owned()] {
            let page = ann.get(&path).body;
            assert!(page.contains(said), "{path}, {stage}: {page}");
        }
    }
}

#[test]
fn who_was_told_is_shown_and_what_was_given_up_is_noticed() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.ran(&ann, GOOD);
    assert!(!ann.get("/").body.contains("given up"));
    let enter = |message: &str, state: &str, tries: i64, next: &str| {
        let sql = "INSERT INTO outbox(id, kind, execution, recipient, payload, created_at, next_at, attempts,
                     state, last_error, done_at)
                   VALUES (?1, 'mail', ?2, ?1 || '@example.com', '', '2026-03-01T09:00:00.000Z', ?5, ?4, ?3,
                     iif(?4 > 0, 'no such mailbox' || char(10) || 'ask them', NULL), iif(?3 = 'waiting', NULL, ?5))";
        desk.database().execute(sql, rusqlite::params![message, id, state, tries, next]).unwrap();
    };
    let later = "2099-03-01T09:05:00.000Z";
    enter("sent", "sent", 0, "2098-03-01T09:05:00.000Z");
    enter("waits", "waiting", 2, later);
    enter("lost", "given up", 8, "2026-03-02T09:05:00.000Z");
    let own = format!("/executions/{id}");
    let page = ann.get(&own).body;
    for said in
        ["Who was told", "sent@example.com", "next try at", "1 Mar 2099", "8 tries", "no such mailbox"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let home = ann.get("/").body;
    assert!(home.contains("A message could not be sent and was given up"), "{home}");
    assert!(home.contains("lost@example.com") && home.contains("no such mailbox"), "{home}");
    assert!(home.contains(&own) && !home.contains("waits@example.com"), "{home}");
    assert!(!desk.logged_in("rea", "read").get(&own).body.contains("Try again"));
    assert_eq!(ann.post(&format!("{own}/messages/nothing"), &[("do", "discard")]).status, 404);
    assert_eq!(ann.post(&format!("{own}/messages/sent"), &[("do", "discard")]).status, 422);
    assert_eq!(ann.post(&format!("{own}/messages/lost"), &[("do", "discard")]).header("location"), own);
    assert!(!ann.get("/").body.contains("given up"));
    assert!(!ann.get(&own).body.contains("lost@example.com"));
}

#[test]
fn errors_leave_the_reader_a_way_on() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "read");
    let id = desk.ran(&desk.logged_in("run", "run"), GOOD);
    let decisions = format!("/executions/{id}/decisions");
    let html = [("accept", "text/html,application/xhtml+xml")];
    for (path, status) in [
        ("/nope", 404),
        ("/executions", 404),
        ("/logout", 405),
        ("/executions/%FF", 404),
        ("/connectors/nothing", 404),
        (&format!("{decisions}?from=abc"), 400),
        (&format!("{decisions}?text=a&text=b"), 400),
        (&format!("/executions/{id}/input/one"), 404),
    ] {
        let answer = ann.get_with(path, &html);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}: {answer:?}");
        assert!(answer.body.contains("Log out") && answer.body.contains("aria-label=\"Main\""), "{path}");
        assert!(answer.header("content-security-policy").contains("style-src 'self'"), "{path}");
        assert!(!answer.body.contains("serde") && !answer.body.contains("eserialize"), "{}", answer.body);
    }
    let stranger = desk.stranger().get_with("/nope", &html);
    assert!(stranger.status == 404 && !stranger.body.contains("Log out"), "{stranger:?}");
    let slash = ann.get_with("/connectors/shop/", &html);
    assert_eq!((slash.status, slash.header("location")), (303, "/connectors/shop"));
    assert_eq!(ann.get_with("//example.org/", &html).status, 404);
    // Programs are told as before.
    for path in ["/nope", "/api/v1/nope"] {
        assert_eq!(ann.get(path).header("content-type"), "application/json", "{path}");
    }
    assert_eq!(ann.get_with("/api/v1/nope/", &[]).status, 404);
}

#[test]
fn pages_are_told_apart_by_their_titles_and_the_list_says_why_something_failed() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.ran(&ann, ("odd.csv", "Other\n1\n"));
    let title = |path: &str| {
        let body = ann.get(path).body;
        body.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    let shop = "Shop &#38; more";
    assert!(title(&format!("/executions/{id}")).starts_with(&format!("Dry run of {shop}, ")));
    assert!(title(&format!("/executions/{id}/decisions")).starts_with("Decisions: Dry run of"));
    assert_eq!(title("/connectors/shop/executions"), format!("Executions of {shop} · sconn"));
    assert_eq!(desk.execution(&id)["state"], "failed");
    let failure = desk.execution(&id)["failure"].as_str().unwrap().to_owned();
    let list = ann.get("/connectors/shop/executions").body;
    let why = "there is no column";
    assert!(failure.lines().next().unwrap().contains(why) && list.contains(why), "{failure}: {list}");
}

#[test]
fn a_reader_is_not_told_where_the_project_lies() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let id = desk.ran(&ann, GOOD);
    desk.file("broken.sconn", "connector broken { name \"Broken\" sample \"nothing.csv\" }\nscope a from input.x { b: number }\nload a into b {\n");
    desk.file("late.sconn", "connector late { name \"Late\" trigger spreadsheet sample \"nothing.csv\" }\n");
    let root = desk.path().canonicalize().unwrap().display().to_string();
    let page = ann.get(&format!("/executions/{id}")).body;
    assert!(page.contains("<dt>Target</dt><dd>sqlite .sconn/store.sqlite</dd>"), "{page}");
    for path in [
        format!("/executions/{id}"),
        "/".to_owned(),
        "/connectors/broken".to_owned(),
        "/connectors/broken/start".to_owned(),
        "/connectors/late".to_owned(),
        "/connectors/late/start".to_owned(),
    ] {
        let answer = ann.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains(&root), "{path}: {}", answer.body);
    }
    assert!(ann.get("/connectors/broken").body.contains("broken.sconn"));
}

#[test]
fn all_events_of_a_webhook_can_be_reached_and_its_settings_are_shown() {
    let desk = Desk::new();
    let connector = "connector orders {\n  name \"Orders\"\n  trigger webhook { batch 5m count 20 secret secret(\"ORDERS\") }\n}\n";
    desk.file("orders.sconn", connector);
    let ann = desk.logged_in("ann", "run");
    let page = ann.get("/connectors/orders").body;
    for said in
        ["Webhook events", "/hooks/orders", "within 300 s, at most 20", "standard, with the secret ORDERS"]
    {
        assert!(page.contains(said), "before its first event too: {said}: {page}");
    }
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)
               INSERT INTO events(connector, received_at, employee, querystring, content_type, body, state)
               SELECT 'orders', '2026-03-01T09:00:00.000Z', '', '', 'text/plain', 'ü' || i || char(7), 'captured' FROM n";
    desk.database().execute(sql, []).unwrap();
    let (mut path, mut seen) = ("/connectors/orders/events".to_owned(), Vec::new());
    loop {
        let body = ann.get(&path).body;
        seen.extend(
            body.split("name=\"event\" value=\"")
                .skip(1)
                .map(|v| v.split('"').next().unwrap().parse::<i64>().unwrap()),
        );
        let Some(older) = body.split("?state=&amp;before=").nth(1) else { break };
        path = format!("/connectors/orders/events?state=&before={}", older.split('"').next().unwrap());
    }
    assert_eq!(seen, (1..=250).rev().collect::<Vec<_>>());
    let last = ann.get("/connectors/orders/events?before=2").body;
    assert!(last.contains("<summary>4 bytes</summary>"), "of the body, not of how it is shown: {last}");
    assert!(last.contains("Newest"), "{last}");
}
