//! `POST /hooks/{connector}`: webhooks come in. Everything that counts is in `life::hooks`.

use super::extract::Path;
use super::{ApiError, App};
use crate::life::Failure;
use crate::life::hooks::{Doors, Full, Hook, Inbox, Kind, Malformed, Refusal};
use crate::project::HookSettings;
use crate::project::state::NewEvent;
use crate::system::clock::{Clock, SystemClock};
use crate::system::say::say;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::StreamExt;
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use utoipa::ToSchema;

/// Seconds after which a sender should try again when nothing more is taken.
const AGAIN: HeaderValue = HeaderValue::from_static("1");

/// The characters of a header that is kept, at most: else it would be a body beside the body.
const LONGEST_HEADER: usize = 256;

/// The headers that count: who sends an event, and which.
const HEADERS: [&str; 8] = [
    "content-type",
    "x-user-id",
    "webhook-id",
    "idempotency-key",
    "webhook-timestamp",
    "webhook-signature",
    "authorization",
    "x-api-key",
];

/// The route of webhooks.
pub fn router() -> Router<App> {
    let desk = Arc::new(Desk { open: OnceLock::new() });
    Router::new().route(
        "/hooks/{connector}",
        post(move |State(app): State<App>, Path(connector): Path<String>, request: Request<Body>| {
            let desk = desk.clone();
            async move {
                let mut answer = receive(&app, &desk, connector, request).await.into_response();
                if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                    answer.headers_mut().insert(header::RETRY_AFTER, AGAIN);
                }
                answer
            }
        }),
    )
}

/// What the route has open, from its first request on.
pub(super) struct Desk {
    open: OnceLock<Open>,
}

struct Open {
    doors: Arc<Doors>,
    inbox: Inbox,
}

/// What is answered to a request that was kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Kept {
    /// The event's id.
    pub event: i64,
    /// Whether the same one had come before: its sender's id was known already.
    pub known: bool,
}

/// Hand in a webhook event
///
/// It is answered once it is kept. No token of the API is needed: who may send says the connector's `verify`. It is
/// `standard` (a signature of Standard Webhooks: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`),
/// `token` (`Authorization: Bearer` or `X-API-Key`) or `nothing`. It takes JSON (`application/json` and every
/// `application/…+json`), XML (`application/xml`, `text/xml` and every `application/…+xml`), a form without files, or any
/// other `text/…`, in UTF-8.
#[utoipa::path(
    post, path = "/hooks/{connector}", tag = "events",
    security(()),
    params(
        ("connector" = String, Path, description = "The connector; its trigger is webhook", example = "orders"),
        ("x-user-id" = Option<String>, Header, max_length = 256, description = "Who sends it: `employee_id` of the event"),
    ),
    request_body(content(
        (Option<serde_json::Value> = "application/json", example = json!({"order": {"number": "A-17", "total": 12.5}})),
        (Option<serde_json::Value> = "application/cloudevents+json", example = json!({"id": "A-17", "data": {"total": 12.5}})),
        (Option<String> = "application/xml", example = "<order><number>A-17</number></order>"),
        (Option<String> = "text/xml", example = "<order><number>A-17</number></order>"),
        (Option<String> = "application/soap+xml", example = "<order><number>A-17</number></order>"),
        (Option<String> = "application/x-www-form-urlencoded", example = "number=A-17"),
        (std::collections::HashMap<String, String> = "multipart/form-data", example = json!({"number": "A-17"})),
        (Option<String> = "text/plain", example = "A-17"),
    )),
    responses(
        (status = 201, description = "It is kept", body = Kept, example = json!(Kept { event: 17, known: false })),
        (status = 200, description = "It was kept before: the sender's id was known", body = Kept, example = json!(Kept { event: 17, known: true })),
        (status = 400, description = "It cannot be read", body = ApiError, example = json!({"error": "the body did not come in whole", "help": "send it again"})),
        (status = 401, description = "Not from one who may send", body = ApiError, example = json!({"error": "the signature does not fit"})),
        (status = 404, description = "There is no such webhook", body = ApiError, example = json!({"error": "there is no webhook `order`"})),
        (status = 408, description = "The body did not come in in time", body = ApiError, example = json!({"error": "the body did not come in within 10 seconds", "help": "send it faster, or in smaller requests"})),
        (status = 413, description = "The body is too large", body = ApiError, example = json!({"error": "the body has more than 262144 bytes"})),
        (status = 414, description = "The query string is too long", body = ApiError, example = json!({"error": "the query string has 5000 bytes; 4096 are taken", "help": "send what is long in the body"})),
        (status = 415, description = "Another content type, or compressed", body = ApiError, example = json!({"error": "the body is compressed", "help": "send it as it is, without Content-Encoding"})),
        (status = 503, description = "Nothing can be kept for the moment; `Retry-After` says when to try again", body = ApiError, example = json!({"error": "nothing more can be kept for the moment", "help": "send it again"})),
    ),
)]
pub(super) async fn receive(
    app: &App,
    desk: &Desk,
    connector: String,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let open = desk.open(app).await?;
    let limits = app.project().hooks();
    let hook = open.hook(&connector).await?.ok_or_else(|| ApiError::missing("webhook", &connector))?;
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    if query.len() > limits.query {
        return Err(ApiError::new(
            StatusCode::URI_TOO_LONG,
            format!("the query string has {} bytes; {} are taken", query.len(), limits.query),
            "send what is long in the body",
        ));
    }
    readable(&parts.headers)?;
    let text = |name: &str| parts.headers.get(name).and_then(as_text);
    let content_type = short(&parts.headers, header::CONTENT_TYPE.as_str())?.to_owned();
    let employee = short(&parts.headers, "x-user-id")?.to_owned();
    let kind = kind(&parts.headers, &content_type)?;
    let body = read(&parts.headers, body, &limits).await?;
    // Only now: a signature is of the whole body.
    let now = SystemClock.now();
    let key = hook.admit(text, &body, now).map_err(|r| refused(&hook, r))?.map(str::to_owned);
    if kind.is_none() && !body.is_empty() {
        return Err(other_type(""));
    }
    let kind = kind.unwrap_or(Kind::Text);
    if kind == Kind::Multipart {
        parts_are_text(&content_type, &body).await?;
    }
    let body = kind.read(body).map_err(malformed)?;
    let event = NewEvent {
        connector: hook.connector.clone(),
        at: now,
        key,
        employee,
        querystring: query.to_owned(),
        content_type: content_type.clone(),
        body,
    };
    let answer = open.inbox.put(event).map_err(|Full| busy())?;
    let kept = answer.await.map_err(|_| busy())?;
    let status = if kept.new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Kept { event: kept.id, known: !kept.new })).into_response())
}

impl Desk {
    async fn open(&self, app: &App) -> Result<&Open, ApiError> {
        if let Some(open) = self.open.get() {
            return Ok(open);
        }
        let project = app.project().clone();
        let made = tokio::task::spawn_blocking(move || {
            let doors = Arc::new(Doors::of(&project)?);
            let state = project.state()?.ok_or_else(|| crate::life::no_project(project.root()))?;
            Ok::<_, Failure>(Open { doors, inbox: Inbox::open(state, project.hooks().queue) })
        });
        let made = made.await.map_err(|_| ApiError::broken())?.map_err(unready)?;
        // One that was made at the same time is as good: this one's thread ends with it.
        Ok(self.open.get_or_init(|| made))
    }
}

impl Open {
    async fn hook(&self, name: &str) -> Result<Option<Arc<Hook>>, ApiError> {
        if let Some(found) = self.doors.fresh(name) {
            return Ok(found);
        }
        let (doors, name) = (self.doors.clone(), name.to_owned());
        let found = tokio::task::spawn_blocking(move || doors.look(&name)).await;
        found.map_err(|_| ApiError::broken())?.map_err(unready)
    }
}

/// The text of a header: UTF-8, as that of a body.
fn as_text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

/// What counts of a request's headers can be read: left out, an id would let an event in twice.
fn readable(headers: &HeaderMap) -> Result<(), ApiError> {
    let unreadable = |name: &&str| headers.get(*name).is_some_and(|v| as_text(v).is_none());
    match HEADERS.into_iter().find(unreadable) {
        Some(name) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            format!("the header `{name}` is not UTF-8 text"),
            "send it in UTF-8",
        )),
        None => Ok(()),
    }
}

/// A header that is kept with the event: its text, or nothing where there is none.
fn short<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, ApiError> {
    let text = headers.get(name).and_then(as_text).unwrap_or_default();
    let count = text.chars().count();
    if count > LONGEST_HEADER {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            format!("the header `{name}` has {count} characters; {LONGEST_HEADER} are taken"),
            "send what is long in the body",
        ));
    }
    Ok(text)
}

/// What the body will be; none where there is no content type, which is right for an empty one.
fn kind(headers: &HeaderMap, content_type: &str) -> Result<Option<Kind>, ApiError> {
    let plain = |v: &HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get(header::CONTENT_ENCODING).is_some_and(|v| !plain(v)) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is compressed",
            "send it as it is, without Content-Encoding",
        ));
    }
    if content_type.is_empty() {
        return Ok(None);
    }
    Kind::of(content_type).map(Some).ok_or_else(|| other_type(content_type))
}

fn other_type(content_type: &str) -> ApiError {
    let what = if content_type.is_empty() {
        "a body without a content type is not taken".to_owned()
    } else {
        format!("a body of the content type `{content_type}` is not taken")
    };
    ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        what,
        "send JSON, XML, a form or text, in UTF-8, and say which in Content-Type",
    )
}

/// The whole body, within its limits.
async fn read(headers: &HeaderMap, body: Body, limits: &HookSettings) -> Result<Vec<u8>, ApiError> {
    let most = limits.body;
    let large = || {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body has more than {most} bytes"),
            "send less at once; `body` in the section [hooks] of sconn.toml sets the limit",
        )
    };
    let told = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|n| n > most as u64) {
        return Err(large());
    }
    let whole = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| {
                ApiError::new(StatusCode::BAD_REQUEST, "the body did not come in whole", "send it again")
            })?;
            if bytes.len() + chunk.len() > most {
                return Err(large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(limits.wait, whole).await.unwrap_or_else(|_| {
        Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the body did not come in within {} seconds", limits.wait.as_secs()),
            "send it faster, or in smaller requests",
        ))
    })
}

/// A form in parts is taken where every part is a text: files have no place in a row.
async fn parts_are_text(content_type: &str, body: &[u8]) -> Result<(), ApiError> {
    let wrong = |what: String| malformed(Malformed { what });
    let mut request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body.to_vec()))
        .map_err(|e| wrong(e.to_string()))?;
    // It is there already, within the project's own limit.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| wrong(e.body_text()))?;
    while let Some(part) = form.next_field().await.map_err(|e| wrong(e.body_text()))? {
        if let Some(file) = part.file_name() {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("the form has a file, `{file}`; only texts are taken"),
                "send files to a connector with a spreadsheet trigger",
            ));
        }
        part.bytes().await.map_err(|e| wrong(e.body_text()))?;
    }
    Ok(())
}

fn malformed(why: Malformed) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        why.what,
        "mend the body; what is text of any other kind is sent as text/plain",
    )
}

fn refused(hook: &Hook, refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Unknown(why) => ApiError::new(StatusCode::UNAUTHORIZED, why, ""),
        Refusal::BadId(why) => {
            ApiError::new(StatusCode::BAD_REQUEST, why, "give each event a short id of its own")
        }
        Refusal::Unready(why) => {
            say(format_args!("error: the webhook `{}` takes nothing: {why}", hook.connector));
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the webhook takes nothing for the moment",
                "whoever runs the service finds the reason in its log",
            )
        }
    }
}

/// The project's state cannot be read for the moment: that is no fault of the sender's.
fn unready(why: Failure) -> ApiError {
    say(format_args!("error: webhooks: {}", why.what));
    busy()
}

/// What could not be put on the disk is to be sent again.
fn busy() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "nothing more can be kept for the moment", "send it again")
}
