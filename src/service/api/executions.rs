//! Executions: begin one, list them, look at one, cancel, resume, run again.

use super::super::auth::token;
use super::super::extract::{Pairs, Path, Query};
use super::super::progress::follow;
use super::super::{ApiError, App, Read, Run, Upload};
use super::{Refused, connector, examples, execution, rest};
use crate::life::views::{Execution, ExecutionDetails, Mode, State as View};
use crate::life::{Ask, Cancel, Key, Queued, TOO_LATE, plan_to_queue, queue_once, run_again};
use crate::project::DEFAULT_TARGET;
use crate::project::state::{ExecutionState, Wanted};
use crate::system::clock::{Clock, SystemClock};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What was asked of `POST …/executions`, but for the files.
struct Asked {
    live: bool,
    params: Vec<String>,
    target: Option<String>,
    guard_formulas: bool,
}

impl Asked {
    /// Reads the query and the fields of a form, which may say the same things.
    fn read(app: &App, pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut asked = Self { live: false, params: Vec::new(), target: None, guard_formulas: false };
        let (mut mode, mut place, mut guard) = (None, None, None);
        for (key, value) in pairs {
            match key.as_str() {
                "mode" => {
                    asked.live = live(&value)?;
                    once("mode", &mut mode, value)?;
                }
                "target" => {
                    asked.target = Some(target(app, &value)?.to_owned());
                    once("target", &mut place, value)?;
                }
                "guard_formulas" => {
                    asked.guard_formulas = boolean("guard_formulas", &value)?;
                    once("guard_formulas", &mut guard, value)?;
                }
                // Read by the upload.
                "name" => {}
                other => match other.strip_prefix("param.") {
                    Some(name) => asked.params.push(format!("{name}={value}")),
                    None => {
                        return Err(ApiError::new(
                            StatusCode::BAD_REQUEST,
                            format!("nothing is known of `{other}`"),
                            "a run parameter is written param.NAME=VALUE; besides these there are mode, target, guard_formulas and name",
                        ));
                    }
                },
            }
        }
        Ok(asked)
    }
}

/// What is said twice is said alike.
fn once(what: &str, said: &mut Option<String>, value: String) -> Result<(), ApiError> {
    match said.replace(value) {
        Some(before) if said.as_ref() != Some(&before) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            format!("`{what}` is said twice: {before} and {}", said.as_deref().unwrap_or_default()),
            "say it once, in the query or in the form",
        )),
        _ => Ok(()),
    }
}

fn live(mode: &str) -> Result<bool, ApiError> {
    match mode {
        "dry" => Ok(false),
        "live" => Ok(true),
        _ => Err(ApiError::new(StatusCode::BAD_REQUEST, format!("`{mode}` is no mode"), "say dry or live")),
    }
}

fn boolean(what: &str, value: &str) -> Result<bool, ApiError> {
    value.parse().map_err(|_| {
        let wrong = format!("`{what}` is `{value}`, which is neither true nor false");
        ApiError::new(StatusCode::BAD_REQUEST, wrong, "say true or false")
    })
}

/// A target that `sconn.toml` names: a path is not for others to choose.
pub(super) fn target<'a>(app: &App, name: &'a str) -> Result<&'a str, ApiError> {
    let known = name == DEFAULT_TARGET || app.project().targets().any(|t| t == name);
    known.then_some(name).ok_or_else(|| ApiError::missing("target", name))
}

/// A form with the input. Run parameters are fields `param.NAME`.
///
/// Only described: it is read part by part.
#[derive(Debug, ToSchema)]
#[allow(dead_code)]
struct Form {
    /// A file; there may be several. A part with a file name is a file, whatever the part is called.
    #[schema(value_type = String, format = Binary)]
    input: Vec<u8>,
    /// Dry or live; dry where not said.
    mode: Option<Mode>,
    /// A target of sconn.toml, or `store`.
    target: Option<String>,
    /// Whether a `'` is put before cells of the SQL output that a spreadsheet could take for formulas; false where not
    /// said.
    guard_formulas: Option<bool>,
}

/// An execution that waits now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// Its id.
    #[schema(example = "20240304T101500Z-3f9a1c")]
    pub id: String,
    /// Whether an earlier request with the same Idempotency-Key began it.
    pub before: bool,
    /// What is to be known of its connector's file: the active version runs, and the file was edited since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub notice: Option<String>,
}

pub(super) fn accepted((queued, notice): (Queued, Option<String>)) -> Result<Response, ApiError> {
    let (id, before) = match queued {
        Queued::New(id) => (id, false),
        Queued::Before(id) => (id, true),
        Queued::KeyTaken => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                "another request had this Idempotency-Key",
                "a key is for one request: take a new one for a new request",
            ));
        }
    };
    let location = [(header::LOCATION, format!("{}/executions/{id}", super::BASE))];
    Ok((StatusCode::ACCEPTED, location, Json(Submitted { id, before, notice })).into_response())
}

/// The key of a request, if it has one; `request` is what it asks, in short.
fn key(headers: &HeaderMap, caller: &str, request: String) -> Result<Option<Key>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|k| (1..=255).contains(&k.len()) && k.bytes().all(|b| b.is_ascii_graphic()));
    let key = key.ok_or_else(|| {
        let what = "the Idempotency-Key is not 1 to 255 visible characters";
        ApiError::new(StatusCode::BAD_REQUEST, what, "a UUID will do")
    })?;
    Ok(Some(Key { caller: caller.to_owned(), key: key.to_owned(), request }))
}

/// Hand in files and begin an execution
///
/// It goes into the queue and runs from copies of the files. The body is a form (`multipart/form-data`)
/// with one or more files, or the bytes of one file. Run parameters are written `param.NAME=VALUE` in the
/// query, or as fields of the form. A live run takes the version of its connector that is active, whatever its file
/// looks like by now; while none is, it waits.
#[utoipa::path(
    post, path = "/connectors/{name}/executions", tag = "executions",
    params(
        ("name" = String, Path, description = "The connector", example = "vendor_prices"),
        ("mode" = Option<Mode>, Query, description = "Whether records are written; dry where not said"),
        ("target" = Option<String>, Query, description = "A target of sconn.toml, or `store`", example = "store"),
        ("guard_formulas" = Option<bool>, Query, description = "Whether a `'` is put before cells of the SQL output that a spreadsheet could take for formulas; false where not said"),
        ("name" = Option<String>, Query, description = "The file's name, where the body is the file", example = "prices.csv"),
        ("params" = Option<HashMap<String, String>>, Query, style = Form, explode, description = "Run parameters: each key is `param.NAME`", example = json!({"param.region": "APAC"})),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "Sent twice with one key, a request begins one execution"),
    ),
    request_body(description = "The input; none where the connector needs none", content(
        (Option<Form> = "multipart/form-data", example = json!({"input": "SKU,Price\n0870,12.50\n", "mode": "dry"})),
        (Option<String> = "application/octet-stream", example = "SKU,Price\n0870,12.50\n"),
        (Option<String> = "text/csv", example = "SKU,Price\n0870,12.50\n"),
    )),
    responses(
        (status = 202, description = "It waits", headers(("Location" = String, description = "The execution")),
            body = Submitted, example = json!(examples::submitted())),
        (status = 409, description = "Another request had the key", body = ApiError, example = json!({"error": "another request had this Idempotency-Key", "help": "a key is for one request: take a new one for a new request"})),
        (status = 408, description = "The sender was silent for too long", body = ApiError, example = json!({"error": "the sender was too slow: after 30 seconds more was still to come", "help": "send it again"})),
        (status = 413, description = "More than the project allows", body = ApiError, example = json!({"error": "an upload may have 524288000 bytes"})),
        (status = 507, description = "The disk is full", body = ApiError, example = json!({"error": "the disk is full"})),
        Refused,
    ),
)]
pub(super) async fn submit(
    State(app): State<App>,
    Run(caller): Run,
    Path(name): Path<String>,
    Pairs(query): Pairs,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&app, query.into_iter().chain(upload.fields.iter().cloned()).collect())?;
    let files: Vec<_> = upload.files.iter().map(|f| &f.name).zip(&upload.sha256).collect();
    let mut request = format!("{name} {} {:?} {:?} {files:02x?}", asked.live, asked.params, asked.target);
    // Without it a request is what it was before there was such a field: its key may be older.
    if asked.guard_formulas {
        request.push_str(" guard_formulas");
    }
    let key = key(&headers, &caller.name, request)?;
    let project = app.project().clone();
    let queued = app.with(move |state| {
        let known = connector(&project, state, &name)?;
        let (plan, notice) = plan_to_queue(&project, state, &known, asked.live)?;
        let ask = Ask {
            file: project.root().join(&known.file),
            input: upload.files.clone(),
            live: asked.live,
            params: asked.params,
            target: asked.target,
            out: None,
            workbook: true,
            guard_formulas: asked.guard_formulas,
            triggered_by: caller.who().to_owned(),
        };
        let queued = queue_once(plan, ask, key.as_ref());
        // The execution has its own copies now.
        drop(upload);
        Ok::<_, ApiError>((queued?, notice))
    });
    queued.await.and_then(accepted)
}

/// Which executions to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// Only those of this connector.
    #[param(example = "vendor_prices")]
    connector: Option<String>,
    /// Only those in this state.
    state: Option<View>,
    /// Only dry runs, or only live ones.
    mode: Option<Mode>,
    /// Only those older than this execution: `next` of the page before.
    before: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

/// A page of executions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Executions {
    /// The executions, the newest first.
    pub executions: Vec<Execution>,
    /// The `before` of the next page; none on the last one.
    pub next: Option<String>,
}

/// List executions
#[utoipa::path(
    get, path = "/executions", tag = "executions", params(Listing),
    responses((status = 200, description = "A page of them", body = Executions, example = json!(examples::executions())), Refused),
)]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Read,
    Query(wanted): Query<Listing>,
) -> Result<Json<Executions>, ApiError> {
    let limit = super::page_size(wanted.limit, 50, 500)?;
    let rows = app.with(move |state| {
        state.find_interrupted(SystemClock.now())?;
        if let Some(before) = &wanted.before {
            execution(state, before)?;
        }
        let filter = Wanted {
            connector: wanted.connector.as_deref(),
            state: wanted.state.map(ExecutionState::from),
            live: wanted.mode.map(|m| m == Mode::Live),
            before: wanted.before.as_deref(),
        };
        Ok::<_, ApiError>(state.history(filter, limit + 1)?)
    });
    let mut rows = rows.await?;
    let next = rest(&mut rows, limit).map(|r| r.id.clone());
    Ok(Json(Executions { executions: rows.into_iter().map(Execution::from).collect(), next }))
}

/// Look at one execution
#[utoipa::path(
    get, path = "/executions/{id}", tag = "executions",
    params(("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c")),
    responses((status = 200, description = "The execution", body = ExecutionDetails, example = json!(examples::execution_details())), Refused),
)]
pub(super) async fn show(
    State(app): State<App>,
    _caller: Read,
    Path(id): Path<String>,
) -> Result<Json<ExecutionDetails>, ApiError> {
    details(&app, id).await
}

/// What the events of an execution are called.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code)] // Only described.
pub enum ProgressName {
    /// Something has changed.
    Progress,
    /// It has ended; no other event follows.
    Ended,
}

/// An event of an execution; only described.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProgressEvent {
    /// What happened.
    pub event: ProgressName,
    /// The execution, as JSON.
    #[schema(content_media_type = "application/json")]
    pub data: String,
}

/// Follow an execution
///
/// Server-sent events: `progress` whenever something has changed, `ended` once it has ended, which is the
/// last. The stream ends early where the service stops, where the token is taken back, and after 10 minutes: who still
/// wants to know asks again. A token may have 8 at once, all together a quarter of the service's connections.
#[utoipa::path(
    get, path = "/executions/{id}/progress", tag = "executions",
    params(("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c")),
    responses(
        (status = 200, description = "The events, each like this", body = ProgressEvent, content_type = "text/event-stream", example = json!(examples::progress())),
        (status = 429, description = "Too many are followed at once", body = ApiError, example = json!({"error": "the token `me` follows 8 executions already", "help": "close one of these connections, or ask for the execution now and then: GET /api/v1/executions/{id}"})),
        Refused,
    ),
)]
pub(super) async fn progress(
    State(app): State<App>,
    Read(caller): Read,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let json = |row| serde_json::to_string(&Execution::from(row)).map_err(|_| ApiError::broken());
    follow(app, &caller, token(&headers).unwrap_or_default(), id, json).await
}

async fn details(app: &App, id: String) -> Result<Json<ExecutionDetails>, ApiError> {
    let project = app.project().clone();
    let found = app.with(move |state| {
        state.find_interrupted(SystemClock.now())?;
        let row = execution(state, &id)?;
        Ok::<_, ApiError>(ExecutionDetails::of(&project, state, row)?)
    });
    found.await.map(Json)
}

/// Stop an execution
///
/// One that waits is cancelled at once, a running one stops after the chunk in hand. What was committed
/// stays.
#[utoipa::path(
    post, path = "/executions/{id}/cancel", tag = "executions",
    params(("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c")),
    responses(
        (status = 200, description = "It stops, or has stopped", body = ExecutionDetails, example = json!(examples::execution_details())),
        (status = 409, description = "It has ended already, or all its rows are done", body = ApiError, example = json!({"error": "20240304T101500Z-3f9a1c is completed", "help": "nothing is to be done"})),
        Refused,
    ),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    _caller: Run,
    Path(id): Path<String>,
) -> Result<Json<ExecutionDetails>, ApiError> {
    let wanted = id.clone();
    app.with(move |state| {
        execution(state, &wanted)?;
        match crate::life::cancel(state, &wanted)? {
            Cancel::Asked(_) => Ok(()),
            Cancel::Ended(was) => Err(ended(&wanted, was, "nothing is to be done")),
            Cancel::TooLate => {
                let [what, help] = TOO_LATE;
                Err(ApiError::new(StatusCode::CONFLICT, what, help))
            }
        }
    })
    .await?;
    details(&app, id).await
}

fn ended(id: &str, was: ExecutionState, help: &str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, format!("{id} is {}", was.words()), help)
}

/// Go on with an interrupted execution
///
/// Interrupted executions are taken up again by themselves, up to four times. This lets one go on that was
/// left to people. A live one goes on only while its connector is active.
#[utoipa::path(
    post, path = "/executions/{id}/resume", tag = "executions",
    params(("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c")),
    responses(
        (status = 200, description = "It is taken up again soon", body = ExecutionDetails, example = json!(examples::execution_details())),
        (status = 409, description = "It is not interrupted", body = ApiError, example = json!({"error": "20240304T101500Z-3f9a1c is completed", "help": "only an interrupted execution can be resumed"})),
        Refused,
    ),
)]
pub(super) async fn resume(
    State(app): State<App>,
    _caller: Run,
    Path(id): Path<String>,
) -> Result<Json<ExecutionDetails>, ApiError> {
    let wanted = id.clone();
    app.with(move |state| {
        state.find_interrupted(SystemClock.now())?;
        execution(state, &wanted)?;
        match state.take_up_again(&wanted)? {
            Some(was) if was != ExecutionState::Interrupted => Err(ended(
                &wanted,
                was,
                "only an interrupted execution can be resumed; run the input of one that has ended again",
            )),
            _ => Ok(()),
        }
    })
    .await?;
    details(&app, id).await
}

/// How to run again.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Again {
    /// Dry or live; as it was where not said.
    mode: Option<Mode>,
}

/// Run an execution's input again
///
/// A new execution with the same input, parameters and target.
#[utoipa::path(
    post, path = "/executions/{id}/run-again", tag = "executions",
    params(
        ("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "Sent twice with one key, a request begins one execution"),
        Again,
    ),
    responses(
        (status = 202, description = "It waits", headers(("Location" = String, description = "The execution")),
            body = Submitted, example = json!(examples::submitted())),
        (status = 409, description = "Another request had the key", body = ApiError, example = json!({"error": "another request had this Idempotency-Key", "help": "a key is for one request: take a new one for a new request"})),
        Refused,
    ),
)]
pub(super) async fn again(
    State(app): State<App>,
    Run(caller): Run,
    Path(id): Path<String>,
    Query(how): Query<Again>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = key(&headers, &caller.name, format!("again {id} {:?}", how.mode))?;
    let project = app.project().clone();
    let queued = app.with(move |state| {
        let row = execution(state, &id)?;
        let live = how.mode.map(|m| m == Mode::Live);
        Ok::<_, ApiError>(run_again(&project, state, &row, live, caller.who(), key.as_ref())?)
    });
    queued.await.and_then(accepted)
}
