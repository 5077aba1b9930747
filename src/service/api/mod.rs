//! The API under `/api/v1`, one file a resource, and its description.

mod artefacts;
mod connectors;
mod events;
pub(super) mod examples;
mod executions;
mod outbox;
mod records;

pub(super) use outbox::done;

use super::{ApiError, App, Upload};
use crate::life::discover;
use crate::project::Project;
use crate::project::state::{ConnectorState, ExecutionRow, State};
use axum::http::StatusCode;
use utoipa::openapi::RefOr;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// Where the API is.
pub(super) const BASE: &str = "/api/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "sconn",
        description = "Connectors turn messy input into records. A token is needed for everything but webhooks, /health, /ready and this description: `sconn tokens add NAME --role read|run|admin` makes one.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    security(("token" = [])),
    // It has a router of its own.
    paths(super::hooks::receive),
    modifiers(&Token, &EmptyEvent),
    tags(
        (name = "health", description = "Whether the service lives and can work; metrics"),
        (name = "connectors", description = "Where connectors stand; making them active"),
        (name = "executions", description = "Begin, watch, cancel and resume executions"),
        (name = "artefacts", description = "What executions leave"),
        (name = "records", description = "What is in the targets"),
        (name = "events", description = "Webhook events: what came in, and what became of it"),
        (name = "outbox", description = "What is told of executions that ended"),
    ),
)]
pub(super) struct Description;

/// How callers say who they are.
struct Token;

impl Modify for Token {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token of `sconn tokens add`"))
            .build();
        api.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// An event without a body is one: a form that is none cannot say so itself.
struct EmptyEvent;

impl Modify for EmptyEvent {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let post = api.paths.paths.get_mut("/hooks/{connector}").and_then(|path| path.post.as_mut());
        if let Some(RefOr::T(body)) = post.and_then(|post| post.request_body.as_mut()) {
            body.required = None;
        }
    }
}

/// What every route may answer instead.
#[derive(IntoResponses)]
#[allow(dead_code)] // Only described, never made.
enum Refused {
    /// The request cannot be read
    #[response(status = 400, example = json!({"error": "`perhaps` is no mode", "help": "say dry or live"}))]
    Unreadable(ApiError),
    /// A token is needed
    #[response(status = 401, example = json!({"error": "a token is needed", "help": "send `Authorization: Bearer TOKEN`"}))]
    Unknown(ApiError),
    /// The token's role is not enough
    #[response(status = 403, example = json!({"error": "the token `me` may not do this: its role is read"}))]
    Forbidden(ApiError),
    /// There is no such thing
    #[response(status = 404, example = json!({"error": "there is no connector `vendor_price`", "help": "did you mean `vendor_prices`?"}))]
    Missing(ApiError),
    /// It can be read, and cannot be done
    #[response(status = 422, example = json!({"error": "the connector has no parameter `regoin`", "help": "did you mean `region`?"}))]
    Impossible(ApiError),
    /// A fault of ours
    #[response(status = 500, example = json!({"error": "the request could not be carried out", "help": "see the service's log"}))]
    Broken(ApiError),
    /// The disk is full, or the state or a target cannot be used
    #[response(status = 503, example = json!({"error": "the service cannot do this now", "help": "see the service's log"}))]
    Unable(ApiError),
}

/// What a route with a JSON body may answer instead as well.
#[derive(IntoResponses)]
#[allow(dead_code)] // Only described, never made.
enum RefusedBody {
    /// The sender was silent, or took too long
    #[response(status = 408, example = json!({"error": "the sender was too slow: after 30 seconds more was still to come", "help": "send it again"}))]
    Slow(ApiError),
    /// The body is too large
    #[response(status = 413, example = json!({"error": "the body has more than 262144 bytes"}))]
    Large(ApiError),
    /// The body is not JSON
    #[response(status = 415, example = json!({"error": "the body is not JSON", "help": "send it with the header `Content-Type: application/json`"}))]
    Other(ApiError),
}

/// The routes, with their descriptions.
pub(super) fn routes(app: &App) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(connectors::list))
        .routes(routes!(connectors::show))
        .routes(routes!(connectors::activate))
        .routes(routes!(connectors::deactivate))
        .routes(routes!(executions::submit).layer(Upload::limit(app)))
        .routes(routes!(executions::list))
        .routes(routes!(executions::show))
        .routes(routes!(executions::cancel))
        .routes(routes!(executions::resume))
        .routes(routes!(executions::again))
        .routes(routes!(executions::progress))
        .routes(routes!(artefacts::download))
        .routes(routes!(records::targets))
        .routes(routes!(records::objects))
        .routes(routes!(records::list))
        .routes(routes!(records::show))
        .routes(routes!(events::list))
        .routes(routes!(events::show))
        .routes(routes!(events::replay))
        .routes(routes!(events::discard))
        .routes(routes!(outbox::list))
        .routes(routes!(outbox::show))
        .routes(routes!(outbox::retry))
        .routes(routes!(outbox::discard))
}

/// The connector of that name, or 404. Its file may be newer than the last look into the project's folder.
fn connector(project: &Project, state: &mut State, name: &str) -> Result<ConnectorState, ApiError> {
    if let Some(found) = state.connector(name)? {
        return Ok(found);
    }
    discover(project, state)?;
    if let Some(found) = state.connector(name)? {
        return Ok(found);
    }
    let all = state.connectors()?;
    Err(ApiError::missing("connector", name)
        .near(crate::diagnostic::nearest(name, all.iter().map(|c| c.name.as_str()))))
}

/// The execution of that id, or 404.
fn execution(state: &State, id: &str) -> Result<ExecutionRow, ApiError> {
    state.execution(id)?.ok_or_else(|| ApiError::missing("execution", id))
}

/// Cuts a page of rows, of which one more was asked for than it has. Gives the last one, where there are more.
fn rest<T>(rows: &mut Vec<T>, limit: i64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more)
}

/// How many a page has.
fn page_size(asked: Option<u32>, usual: u32, most: u32) -> Result<i64, ApiError> {
    match asked.unwrap_or(usual) {
        limit if (1..=most).contains(&limit) => Ok(limit.into()),
        other => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            format!("a page of {other} is not possible"),
            format!("ask for 1 to {most}"),
        )),
    }
}
