//! Logging in with a token, and out.

use super::super::around::Who;
use super::asked::Query;
use super::session::{Fields, SessionId, Visitor};
use super::{App, Frame, PageError, page};
use crate::project::ProjectError;
use crate::system::clock::{Clock, SystemClock};
use askama::Template;
use axum::extract::Extension;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// So many wrong tries within a minute are answered; tokens are far too long to be found by trying.
const TRIES: usize = 10;
const WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// When wrong tokens were tried last.
#[derive(Clone, Default)]
pub struct Tries(Arc<Mutex<VecDeque<Timestamp>>>);

impl Tries {
    fn exhausted(&self, now: Timestamp) -> bool {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|at| now.duration_since(*at) < WITHIN);
        tries.len() >= TRIES
    }

    fn add(&self, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(now);
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    csrf: String,
    next: String,
    error: String,
}

#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
    /// Whether a form was sent after the session had ended.
    #[serde(default)]
    ended: bool,
}

/// Somebody who is not known yet gets an id too: their form is signed with it.
fn shown(headers: &HeaderMap, next: &str, status: StatusCode, error: &str) -> Result<Response, PageError> {
    let id = SessionId::of(headers).unwrap_or_else(SessionId::new);
    let template = LoginPage {
        frame: Frame::bare("Log in"),
        csrf: id.csrf(),
        next: own_path(next).to_owned(),
        error: error.to_owned(),
    };
    Ok((status, [(header::SET_COOKIE, id.cookie(headers))], page(&template)?).into_response())
}

/// A path of this page; another site is nowhere to be sent to. Browsers take tabs and line ends out of an
/// address, and a backslash for a slash.
pub fn own_path(next: &str) -> &str {
    let plain = !next.contains(|c: char| c == '\\' || c.is_control());
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { "/" }
}

pub async fn form(headers: HeaderMap, Query(next): Query<Next>) -> Result<Response, PageError> {
    let ended = "The session has ended, and what was sent was not done. Log in, then send it once more.";
    shown(&headers, &next.next, StatusCode::OK, if next.ended { ended } else { "" })
}

pub async fn login(
    axum::extract::State(app): axum::extract::State<App>,
    Extension(tries): Extension<Tries>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    form: Fields,
) -> Result<Response, PageError> {
    let next = form.get("next").unwrap_or("/").to_owned();
    let before = SessionId::of(&headers);
    if !before.is_some_and(|id| form.get("csrf").is_some_and(|word| id.signed(word))) {
        let error = "The form was too old. Try again; your browser has to take cookies from here.";
        return shown(&headers, &next, StatusCode::FORBIDDEN, error);
    }
    let now = SystemClock.now();
    let token = form.get("token").unwrap_or_default().trim().to_owned();
    // A new id: nobody can have known it before.
    let id = SessionId::new();
    let new = id.clone();
    let known = app
        .with(move |state| {
            let known = state.token(&token)?;
            if known.is_some() {
                state.add_session(new.reveal(), &token, now)?;
            }
            Ok::<_, ProjectError>(known)
        })
        .await?;
    let Some(known) = known else {
        // Who has the right one is let in all the same: others' tries keep nobody out.
        if tries.exhausted(now) {
            let error = "Too many wrong tokens. Wait a minute, then try again.";
            let mut response = shown(&headers, &next, StatusCode::TOO_MANY_REQUESTS, error)?;
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("60"));
            return Ok(response);
        }
        tries.add(now);
        let error = "This token is not known. `sconn tokens add NAME` makes one.";
        return shown(&headers, &next, StatusCode::UNAUTHORIZED, error);
    };
    who.is(&known.name);
    let to = Redirect::to(own_path(&next));
    Ok(([(header::SET_COOKIE, id.cookie(&headers))], to).into_response())
}

pub async fn logout(
    axum::extract::State(app): axum::extract::State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Fields,
) -> Result<Response, PageError> {
    visitor.signs(form.get("csrf"), crate::project::state::Role::Read)?;
    app.with(move |state| state.end_session(visitor.id.reveal())).await?;
    Ok(([(header::SET_COOKIE, SessionId::forget(&headers))], Redirect::to("/login")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_logging_in_nobody_is_sent_elsewhere() {
        for (next, to) in [
            ("/connectors/shop?mode=live", "/connectors/shop?mode=live"),
            ("https://example.org/", "/"),
            ("//example.org/", "/"),
            ("/\\example.org", "/"),
            ("/\t/example.org/x", "/"),
            ("/\u{0}/example.org", "/"),
            ("/connectors\n", "/"),
            ("connectors", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_path(next), to, "{next:?}");
        }
    }

    #[test]
    fn wrong_tries_are_counted_for_a_minute() {
        let (tries, now) = (Tries::default(), SystemClock.now());
        for _ in 0..TRIES {
            assert!(!tries.exhausted(now));
            tries.add(now);
        }
        assert!(tries.exhausted(now));
        assert!(!tries.exhausted(now + WITHIN));
    }
}
