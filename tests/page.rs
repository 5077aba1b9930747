//! The page: over HTTP, what must not be possible; and its whole story in a real browser.

mod asked;
pub mod desk;
mod sent;
mod stands;
mod story;
mod told;
mod wide;

use desk::{Answer, Desk};

#[test]
fn nothing_is_shown_to_somebody_who_has_not_logged_in() {
    let desk = Desk::new();
    let stranger = desk.stranger();
    for path in [
        "/",
        "/connectors/shop",
        "/connectors/shop/executions",
        "/executions/x",
        "/executions/x/files/report",
    ] {
        let answer = stranger.get(path);
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.header("location").starts_with("/login?next="), "{path}: {answer:?}");
    }
    // To ask for a page's head is to look, too.
    let request = ureq::http::Request::head(format!("{}/connectors/shop", desk.address)).body(()).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
    let head = agent.run(request).unwrap();
    assert_eq!(head.headers()["location"], "/login?next=%2Fconnectors%2Fshop");
    let refused = stranger.post("/connectors/shop/activation", &[("to", "on")]);
    assert_eq!((refused.status, refused.header("location")), (303, "/login?next=%2F&ended=true"));
    let told = stranger.get("/login?next=%2F&ended=true").body;
    assert!(told.contains("The session has ended, and what was sent was not done"), "{told}");
    assert_eq!(desk.status(), "Setup in Progress");
}

#[test]
fn a_token_opens_a_session_that_ends_with_it() {
    let desk = Desk::new();
    let token = desk.token("ann", "run");
    let wrong = desk.stranger().login("sconn_wrong");
    assert_eq!(wrong.0.status, 401);
    assert!(wrong.0.body.contains("This token is not known"), "{}", wrong.0.body);
    let (answer, ann) = desk.stranger().login(&token);
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    assert!(!cookie.contains(&token), "{cookie}");
    assert_eq!(ann.get("/").status, 200);
    desk.sconn(&["tokens", "remove", "ann"]);
    assert_eq!(ann.get("/").status, 303);
    // Nothing that is kept could open a session.
    let id = cookie.split(['=', ';']).nth(1).unwrap();
    for file in ["state.sqlite", "state.sqlite-wal"] {
        let kept = std::fs::read(desk.path().join(".sconn").join(file)).unwrap_or_default();
        assert!(!kept.windows(id.len()).any(|w| w == id.as_bytes()), "{file}");
    }
}

#[test]
fn logging_out_ends_the_session_and_behind_https_its_cookie_is_secure() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "read");
    assert_eq!(ann.post("/logout", &[]).status, 303);
    assert_eq!(ann.get("/").status, 303);
    let answer = desk.stranger().get_with("/login", &[("x-forwarded-proto", "https")]);
    assert!(answer.header("set-cookie").contains("; Secure"), "{answer:?}");
}

#[test]
fn wrong_tokens_are_answered_only_so_often() {
    let desk = Desk::new();
    let token = desk.token("ann", "read");
    let tried: Vec<u16> = (0..11).map(|_| desk.stranger().login("sconn_wrong").0.status).collect();
    assert_eq!(tried[..10], [401; 10]);
    assert_eq!(tried[10], 429);
    let (late, _) = desk.stranger().login("sconn_wrong");
    assert_eq!((late.status, late.header("retry-after")), (429, "60"));
    let (right, _) = desk.stranger().login(&token);
    assert_eq!(right.status, 303, "others' tries keep nobody out");
}

#[test]
fn a_form_that_is_not_from_the_session_does_nothing() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    let other = desk.logged_in("eve", "admin");
    for word in ["", "0000", other.csrf.as_str()] {
        let refused = ann.post_raw("/connectors/shop/activation", &[("csrf", word), ("to", "on")]);
        assert_eq!(refused.status, 403, "{word}");
        assert!(refused.body.contains("this form is not from your session"), "{}", refused.body);
    }
    assert_eq!(ann.upload("shop", "", "dry", &[("good.csv", "SKU,Price\na,1\n")]).status, 403);
    assert_eq!(desk.status(), "Setup in Progress");
    assert_eq!(ann.post("/connectors/shop/activation", &[("to", "on")]).status, 303);
    assert_eq!(desk.status(), "Operational");
    // The session is the page's alone: with it, nothing of the API is reached.
    for path in ["/api/v1/connectors", "/api/v1/executions"] {
        assert_ne!(ann.get(path).status, 200, "{path}");
    }
}

#[test]
fn roles_say_what_somebody_may_do() {
    let desk = Desk::new();
    let (reader, runner) = (desk.logged_in("rea", "read"), desk.logged_in("run", "run"));
    let file = [("good.csv", "SKU,Price\na,1\n")];
    assert_eq!(reader.get("/connectors/shop").status, 200);
    assert!(!reader.get("/connectors/shop").body.contains("Start a run"));
    assert_eq!(reader.get("/connectors/shop/start").status, 403);
    assert_eq!(reader.upload("shop", &reader.csrf, "dry", &file).status, 403);
    assert_eq!(runner.post("/connectors/shop/activation", &[("to", "on")]).status, 403);
    let begun = runner.upload("shop", &runner.csrf, "live", &file);
    assert_eq!(begun.status, 303, "{begun:?}");
    let own = begun.header("location").to_owned();
    assert!(own.starts_with("/executions/"), "{own}");
    // It waits: the connector is not active. Whoever only reads cannot cancel it.
    assert_eq!(reader.post(&format!("{own}/cancel"), &[]).status, 403);
    assert!(reader.get(&own).body.contains("queued"));
    assert_eq!(runner.post(&format!("{own}/cancel"), &[]).status, 303);
    assert!(reader.get(&own).body.contains("cancelled"));
}

#[test]
fn before_a_connector_is_active_again_it_is_asked_what_becomes_of_its_queue() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    let file = [("good.csv", "SKU,Price\na,1\n")];
    let first = ann.upload("shop", &ann.csrf, "live", &file).header("location").to_owned();
    let second = ann.upload("shop", &ann.csrf, "live", &file).header("location").to_owned();
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let asked = ann.post("/connectors/shop/activation", &[("to", "on")]);
    assert_eq!(asked.header("location"), "/connectors/shop/activation");
    assert_eq!(desk.status(), "Setup in Progress", "nothing happens before the answer");
    let prompt = ann.get("/connectors/shop/activation");
    assert!(prompt.body.contains("2 executions would begin or go on at once"), "{prompt:?}");
    assert!(prompt.body.contains(&id(&first)) && prompt.body.contains(&id(&second)), "{prompt:?}");
    // An answer to another question is asked again.
    let other = ann.post("/connectors/shop/activation", &[("to", "on"), ("shown", &id(&first))]);
    assert_eq!(other.status, 409);
    assert!(other.body.contains("Nothing was done yet"), "{other:?}");
    assert_eq!(desk.status(), "Setup in Progress");
    let done = ann.post(
        "/connectors/shop/activation",
        &[("to", "on"), ("shown", &prompt.field("shown")), ("cancel", &id(&second))],
    );
    assert_eq!(done.header("location"), "/connectors/shop");
    assert_eq!(desk.ended(&id(&first)), "completed");
    assert_eq!(desk.ended(&id(&second)), "cancelled");
    assert_eq!(ann.post("/connectors/shop/activation", &[("to", "off")]).status, 303);
    assert_eq!(desk.status(), "Inactive");
}

#[test]
fn webhook_events_are_listed_tried_in_a_dry_run_and_discarded() {
    let desk = Desk::new();
    let connector = "connector orders {\n  name \"Orders\"\n  trigger webhook { verify nothing }\n}\n\
        object calls \"Calls\" { name: text required  body: text }\n\
        scope calls from input.webhooks { body: string required }\n\
        load calls into calls {\n  match body with body\n  map { name <- body  body <- body }\n}\n";
    std::fs::write(desk.path().join("orders.sconn"), connector).unwrap();
    let ann = desk.logged_in("ann", "run");
    let mut taken = None;
    for body in ["<b>first</b>", "second"] {
        let address = format!("{}/hooks/orders", desk.address);
        let sent = ureq::post(address).content_type("text/plain").send(body).unwrap();
        assert_eq!(sent.status(), 201);
        taken = taken.or(Some(sent));
    }
    let event: serde_json::Value =
        serde_json::from_str(&taken.unwrap().body_mut().read_to_string().unwrap()).unwrap();
    let event = event["event"].to_string();
    let list = ann.get("/connectors/orders/events").body;
    assert!(list.contains("captured") && list.contains("second"), "{list}");
    assert!(list.contains("&#60;b&#62;first") || list.contains("&lt;b&gt;first"), "it is escaped: {list}");
    let path = "/connectors/orders/events";
    assert_eq!(ann.post_raw(path, &[("csrf", "x"), ("do", "discard"), ("event", &event)]).status, 403);
    assert_eq!(desk.logged_in("rea", "read").post(path, &[("do", "replay"), ("event", &event)]).status, 403);
    let tried = ann.post(path, &[("do", "replay"), ("event", &event)]);
    assert_eq!(tried.status, 303, "{tried:?}");
    let id = tried.header("location").rsplit('/').next().unwrap().to_owned();
    assert_eq!(desk.ended(&id), "completed");
    let shown = ann.get(&format!("/executions/{id}")).body;
    assert!(shown.contains("Dry run"), "{shown}");
    assert_eq!(ann.post(path, &[("do", "discard"), ("event", &event)]).header("location"), path);
    let left = ann.get("/connectors/orders/events?state=captured").body;
    assert!(left.contains("second") && !left.contains("first"), "{left}");
}

#[test]
fn what_others_wrote_is_shown_and_does_nothing() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "admin");
    let evil = "<script>alert(1)</script>";
    let data = format!("SKU,Price\n{evil},1\n\"a\u{202e}b\",x\n");
    let begun = ann.upload("shop", &ann.csrf, "dry", &[("<img src=x>\u{202e}.csv", &data)]);
    let own = begun.header("location").to_owned();
    desk.ended(own.rsplit('/').next().unwrap());
    for path in [own.clone(), format!("{own}/decisions"), format!("{own}/decisions?text={evil}&step=\"><b>")]
    {
        let body = ann.get(&path.replace('<', "%3C").replace('>', "%3E").replace('"', "%22")).body;
        assert!(!body.contains(evil) && !body.contains("<img src=x") && !body.contains("<b>\""), "{body}");
    }
    let body = ann.get(&format!("{own}/decisions")).body;
    assert!(body.contains("&#60;script&#62;alert(1)"), "{body}");
    assert!(body.contains(r"a\u{202e}b") && !body.contains('\u{202e}'), "what cannot be seen is told");
    // Only what was asked for is found.
    let found = ann.get(&format!("{own}/decisions?text=ALERT(1)")).body;
    assert!(found.contains("alert(1)") && !found.contains(r"a\u{202e}b"), "{found}");
    let none = ann.get(&format!("{own}/decisions?text=nothing+like+it")).body;
    assert!(none.contains("No decision like that"), "{none}");
    let sent = ann.get(&format!("{own}/input/0"));
    assert_eq!((sent.status, sent.body.as_str()), (200, data.as_str()));
    let named = sent.header("content-disposition");
    assert!(named.starts_with("attachment; filename=\"") && !named.contains('<'), "{named}");
    assert_eq!(sent.header("content-type"), "application/octet-stream");
    for path in ["/input/7", "/files/nothing", "/files/input", "/files/..%2Fsummary.json"] {
        assert_eq!(ann.get(&format!("{own}{path}")).status, 404, "{path}");
    }
}

#[test]
fn every_answer_says_that_nothing_from_elsewhere_runs() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "read");
    for path in ["/", "/connectors/shop", "/connectors/nothing", "/login", "/page.css"] {
        let answer = ann.get(path);
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        inline_free(&answer);
    }
}

/// The policy would not let it run; there is none to begin with.
fn inline_free(answer: &Answer) {
    for inline in ["<style", " style=", " onclick", " onload", "javascript:"] {
        assert!(!answer.body.contains(inline), "{inline}: {}", answer.body);
    }
    for script in answer.body.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/page.js\" defer></script>"), "{script}");
    }
}
