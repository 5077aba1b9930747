//! Connectors: where they stand, and whether they are active.

use super::super::extract::{Body, Path};
use super::super::{Admin, ApiError, App, Read};
use super::{Refused, RefusedBody, connector, examples};
use crate::life::views::{Changed, Execution};
use crate::life::{
    Connector as Loaded, Failure, Known, Standing, activate as begin, discover, known_plan, standing, waiting,
};
use crate::plan::{Plan, Trigger};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A connector and where it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Connector {
    /// Its API name.
    #[schema(example = "vendor_prices")]
    pub name: String,
    /// What people call it.
    #[schema(example = "Vendor prices")]
    pub label: String,
    /// Its file, from the project's folder.
    #[schema(example = "vendor_prices.sconn")]
    pub file: String,
    /// `Setup in Progress`, `Operational`, `Operational (Needs Attention)` or `Inactive`.
    #[schema(example = "Operational")]
    pub status: String,
    /// The version that was activated last.
    pub version: Option<i64>,
    /// What became of its file; null where it is as it was activated, or was not activated yet and can be.
    pub changed: Option<Changed>,
    /// How many of its executions wait.
    pub queued: usize,
    /// How many of its executions run.
    pub running: usize,
    /// Its newest execution.
    pub last_execution: Option<Execution>,
    /// How many of its executions were interrupted, and go on or are left to people.
    pub interrupted: usize,
    /// The next slot of its schedule, RFC 3339; none where it has none, or is not active.
    #[schema(example = "2024-03-05T05:00:00Z")]
    pub next_slot: Option<String>,
}

impl From<Standing> for Connector {
    fn from(s: Standing) -> Self {
        Self {
            changed: s.changed.map(Changed::from),
            name: s.connector.name,
            label: s.connector.label,
            file: s.connector.file,
            status: s.connector.status.words().to_owned(),
            version: s.connector.version,
            queued: s.queued,
            running: s.running,
            last_execution: s.last.map(Execution::from),
            interrupted: s.interrupted,
            next_slot: s.next_slot,
        }
    }
}

/// The project's connectors.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Connectors {
    /// By name.
    pub connectors: Vec<Connector>,
}

/// A connector with its settings: those of the active version, or of its file where none is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorDetails {
    /// Where it stands.
    #[serde(flatten)]
    pub connector: Connector,
    /// What it is for.
    pub description: Option<String>,
    /// What starts it: `spreadsheet`, `webhook` or `schedule`.
    #[schema(example = "schedule")]
    pub trigger: String,
    /// The cron line of a schedule.
    #[schema(example = "0 6 * * 1-5")]
    pub schedule: Option<String>,
    /// The time zone that it counts in.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// Rows a commit.
    pub chunk: u64,
    /// How many executions run at once.
    pub concurrency: u64,
    /// Whom it mails.
    pub notify: Vec<String>,
    /// What it may be given.
    pub parameters: Vec<Parameter>,
    /// The objects that its load steps write, in order.
    #[schema(example = json!(["suppliers", "products"]))]
    pub objects: Vec<String>,
}

/// A run parameter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Parameter {
    /// Its name.
    #[schema(example = "region")]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "string")]
    pub ty: String,
    /// What it is where nothing is given.
    pub default: Option<String>,
}

impl ConnectorDetails {
    fn of(connector: Connector, plan: Plan) -> Self {
        let settings = plan.connector;
        let schedule = match &settings.trigger {
            Trigger::Schedule(s) => Some(s.cron.clone()),
            _ => None,
        };
        let parameter = |p: crate::plan::ParameterPlan| Parameter {
            name: p.name,
            ty: p.ty.to_string(),
            default: p.default.map(|d| d.to_string()),
        };
        Self {
            connector,
            description: settings.description,
            trigger: settings.trigger.name().to_owned(),
            schedule,
            timezone: settings.timezone,
            chunk: settings.chunk,
            concurrency: settings.concurrency.unwrap_or(1),
            notify: settings.notify.to,
            parameters: plan.parameters.into_iter().map(parameter).collect(),
            objects: plan.loads.into_iter().map(|l| l.object).collect(),
        }
    }
}

/// List connectors
///
/// All that lie in the project's folder, finished or not, and all that were ever active.
#[utoipa::path(
    get, path = "/connectors", tag = "connectors",
    responses((status = 200, description = "The connectors", body = Connectors, example = json!(examples::connectors())), Refused),
)]
pub(super) async fn list(State(app): State<App>, _caller: Read) -> Result<Json<Connectors>, ApiError> {
    let project = app.project().clone();
    let all = app.with(move |state| {
        discover(&project, state)?;
        let known = state.connectors()?.into_iter();
        let all = known.map(|c| standing(&project, state, c)).collect::<Result<Vec<_>, Failure>>()?;
        Ok::<_, ApiError>(all)
    });
    Ok(Json(Connectors { connectors: all.await?.into_iter().map(Connector::from).collect() }))
}

/// Look at one connector
#[utoipa::path(
    get, path = "/connectors/{name}", tag = "connectors",
    params(("name" = String, Path, description = "The connector", example = "vendor_prices")),
    responses((status = 200, description = "The connector", body = ConnectorDetails, example = json!(examples::connector_details())), Refused),
)]
pub(super) async fn show(
    State(app): State<App>,
    _caller: Read,
    Path(name): Path<String>,
) -> Result<Json<ConnectorDetails>, ApiError> {
    details(&app, name).await
}

async fn details(app: &App, name: String) -> Result<Json<ConnectorDetails>, ApiError> {
    let project = app.project().clone();
    let found = app.with(move |state| {
        let known = connector(&project, state, &name)?;
        let plan = match known_plan(state, &name, known.version)? {
            Some(plan) => plan,
            None => Loaded::load(&project.root().join(&known.file))?.plan_or_failure()?,
        };
        let connector = Connector::from(standing(&project, state, known)?);
        Ok::<_, ApiError>(ConnectorDetails::of(connector, plan))
    });
    found.await.map(Json)
}

/// What becomes of the executions that wait.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activate {
    /// Needed where executions wait.
    pub queued: Option<Waiting>,
}

/// What becomes of the executions that wait: all are kept, all are cancelled, or those with these ids are
/// cancelled and the others kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "`queued` is \"keep\", \"cancel\", or a list of the ids to cancel")]
pub enum Waiting {
    /// For all of them.
    All(KeepOrCancel),
    /// The ids of those to cancel.
    Cancel(Vec<String>),
}

/// A connector that was made active.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Activated {
    /// As it stands now.
    #[serde(flatten)]
    pub connector: ConnectorDetails,
    /// The connectors that its file declared before, under other names, and that were active until now.
    #[schema(example = json!([]))]
    pub deactivated: Vec<String>,
}

/// Keep or cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeepOrCancel {
    /// They begin.
    Keep,
    /// They are cancelled first.
    Cancel,
}

/// Activate a connector
///
/// Its file as it is now becomes the version that runs live. Where live runs wait or were interrupted they would
/// begin or go on, and it must be said what becomes of them; otherwise the answer is 409 with their ids, and
/// nothing changes. A connector that the same file declared before is deactivated.
#[utoipa::path(
    post, path = "/connectors/{name}/activate", tag = "connectors",
    params(("name" = String, Path, description = "The connector", example = "vendor_prices")),
    request_body(content = Option<Activate>, example = json!({"queued": "keep"})),
    responses(
        (status = 200, description = "It is active", body = Activated, example = json!(examples::activated())),
        (status = 409, description = "Executions wait: say what becomes of them", body = ApiError, example = json!({
            "error": "1 execution would begin or go on once `vendor_prices` is active",
            "help": "say what becomes of them: {\"queued\": \"keep\"}, \"cancel\", or a list of the ids to cancel",
            "queued": ["20240304T101500Z-3f9a1c"],
        })),
        RefusedBody,
        Refused,
    ),
)]
pub(super) async fn activate(
    State(app): State<App>,
    _caller: Admin,
    Path(name): Path<String>,
    Body(wanted): Body<Activate>,
) -> Result<Json<Activated>, ApiError> {
    let (project, wanted_name) = (app.project().clone(), name.clone());
    let activated = app.with(move |state| {
        connector(&project, state, &wanted_name)?;
        let Some(own) = project.state()? else { return Err(ApiError::broken()) };
        let mut known = Known::named(project, own, &wanted_name)?;
        let loaded = Loaded::load(&known.file)?;
        let plan = loaded.plan_or_failure()?;
        let mut conflict = None;
        let runs = known.state.connector(&wanted_name)?.is_some_and(|c| c.status.runs());
        let done = begin(&mut known, &loaded, &plan, |queued| {
            let ids: Vec<String> = queued.iter().map(|e| e.id.clone()).collect();
            let what = match wanted.queued {
                Some(Waiting::All(KeepOrCancel::Keep)) => return Ok(Vec::new()),
                Some(Waiting::All(KeepOrCancel::Cancel)) => return Ok(ids),
                Some(Waiting::Cancel(these)) => match these.iter().find(|id| !ids.contains(id)) {
                    None => return Ok(these),
                    Some(other) => format!("`{other}` is none that waits; nothing was changed"),
                },
                None => waiting(&wanted_name, ids.len(), runs),
            };
            conflict = Some((what, ids));
            Err(Failure::new("", ""))
        });
        let Some((what, ids)) = conflict else { return Ok(done?.before) };
        let help =
            "say what becomes of them: {\"queued\": \"keep\"}, \"cancel\", or a list of the ids to cancel";
        Err(ApiError::new(StatusCode::CONFLICT, what, help).with_queued(ids))
    });
    let deactivated = activated.await?;
    let Json(connector) = details(&app, name).await?;
    Ok(Json(Activated { connector, deactivated }))
}

/// Deactivate a connector
///
/// What runs stops after the chunk in hand, what arrives waits.
#[utoipa::path(
    post, path = "/connectors/{name}/deactivate", tag = "connectors",
    params(("name" = String, Path, description = "The connector", example = "vendor_prices")),
    responses((status = 200, description = "It is not active", body = ConnectorDetails, example = json!(examples::connector_details())), Refused),
)]
pub(super) async fn deactivate(
    State(app): State<App>,
    _caller: Admin,
    Path(name): Path<String>,
) -> Result<Json<ConnectorDetails>, ApiError> {
    let (project, wanted) = (app.project().clone(), name.clone());
    app.with(move |state| {
        connector(&project, state, &wanted)?;
        state.deactivate(&wanted).map_err(ApiError::from)
    })
    .await?;
    details(&app, name).await
}
