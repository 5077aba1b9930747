//! What happens around every request: an id, a line in the log, a count, headers for browsers.

use super::{ApiError, App, page};
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of a path that the log has.
const LONGEST_PATH: usize = 500;

/// Who asks, for the log: known once the token was looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Who(Arc<OnceLock<String>>);

impl Who {
    /// Tells whose request it is.
    pub(super) fn is(&self, name: &str) {
        let _ = self.0.set(name.to_owned());
    }
}

/// Marks an answer that is not news: a page that asks again and again for itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quiet;

/// The id that the caller or a proxy gave the request, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok());
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    given.filter(plain).map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned)
}

/// The method's name, of those that HTTP has: anything may stand in its place, however long.
fn known(method: &Method) -> &'static str {
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    all.into_iter().find(|m| *m == method.as_str()).unwrap_or("other")
}

/// A path as far as it says anything: those of sconn are shorter.
fn short(path: &str) -> String {
    match path.char_indices().nth(LONGEST_PATH) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

/// Headers that a response has unless its handler says otherwise.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Goes around every handler. The log has the path, never the query: parameters may be confidential.
pub(super) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let who = Who::default();
    request.extensions_mut().insert(who.clone());
    let method = known(request.method());
    let path = short(request.uri().path());
    let route = request.extensions().get::<MatchedPath>().map(|m| m.as_str().to_owned());
    let mut response = next.run(request).await;
    let (seconds, status) = (began.elapsed().as_secs_f64(), response.status().as_u16());
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    app.metrics().request(method, route.as_deref().unwrap_or("none"), status, seconds);
    // Probes come every few seconds and say nothing.
    let probe = status < 400 && matches!(path.as_str(), "/health" | "/ready" | "/metrics");
    if !probe && response.extensions().get::<Quiet>().is_none() {
        let at = SystemClock.now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        let by = who.0.get().map_or("-", String::as_str);
        // What a caller can choose is quoted: it adds no line and no field.
        say(format_args!("{at} {method} {path:?} {status} {:.1}ms id={id} by={by:?}", seconds * 1000.0));
    }
    response
}

/// What a panic comes to; its words are in the log already.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::broken().into_response()
}

/// There is no such route. A path that only ends in a slash too many is led to the one without.
pub(super) async fn no_route(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let shorter = uri.path().trim_end_matches('/');
    let longer = shorter.len() < uri.path().len() && page::own_path(shorter) == shorter;
    if method == Method::GET && longer && page::wanted(&headers) {
        return Redirect::to(shorter).into_response();
    }
    let help = "see /api/v1/openapi.json for what there is";
    page::told_to(&headers, ApiError::new(StatusCode::NOT_FOUND, "there is nothing here", help))
}

/// There is such a route, but not for this method.
pub(super) async fn no_method(headers: HeaderMap) -> Response {
    let (what, help) = ("this method is not for this address", "the header `Allow` says which are");
    page::told_to(&headers, ApiError::new(StatusCode::METHOD_NOT_ALLOWED, what, help))
}
