//! What is in the targets, to read.

use super::super::extract::{Pairs, Path};
use super::super::{ApiError, App, Read};
use super::executions::target;
use super::{Refused, examples};
use crate::life::{RecordJson, without_archived};
use crate::project::DEFAULT_TARGET;
use crate::target::TargetError;
use crate::target::sqlite::Store;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The targets that can be read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Targets {
    /// By name; `store` is the one that is used where none is said.
    #[schema(example = json!(["crm", "store"]))]
    pub targets: Vec<String>,
}

/// The objects of a target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Objects {
    /// In the order in which they were made.
    pub objects: Vec<Object>,
}

/// An object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Object {
    /// Its API name.
    #[schema(example = "products")]
    pub name: String,
    /// What people call it.
    #[schema(example = "Products")]
    pub label: String,
    /// Its fields, in the order written.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Field {
    /// Its API name.
    #[schema(example = "sku")]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    pub ty: String,
    /// Whether a record must have it.
    pub required: bool,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// The options that were declared.
    pub options: Vec<String>,
}

/// A page of records; only described: what is sent is written record by record.
#[derive(Debug, ToSchema)]
#[allow(dead_code)]
struct Records {
    /// Each with `id`, its fields, `_created_at`, `_updated_at` and `_archived`. Exact numbers are texts.
    #[schema(example = json!([{"id": "01a20a45-c3f9-756f-bce6-3d47399954e0", "sku": "0870", "_archived": false}]))]
    records: Vec<std::collections::HashMap<String, serde_json::Value>>,
    /// The `after` of the next page; none on the last one.
    #[schema(value_type = Option<String>)]
    next: Option<Uuid>,
}

fn open(app: &App, name: &str) -> Result<Store, ApiError> {
    let path = app.project().target(Some(target(app, name)?))?;
    Ok(Store::open_readonly_or_empty(&path)?)
}

/// An object that is not there is 404; a filter that cannot be is 422.
fn known(store: &Store, object: &str) -> Result<(), ApiError> {
    let objects = store.objects()?;
    if objects.iter().any(|o| o.name == object) {
        return Ok(());
    }
    let near = crate::diagnostic::nearest(object, objects.iter().map(|o| o.name.as_str()));
    Err(ApiError::missing("object", object).near(near))
}

impl From<TargetError> for ApiError {
    fn from(e: TargetError) -> Self {
        crate::life::Failure::from(e).into()
    }
}

/// List targets
#[utoipa::path(
    get, path = "/targets", tag = "records",
    responses((status = 200, description = "The targets", body = Targets, example = json!(examples::targets())), Refused),
)]
pub(super) async fn targets(State(app): State<App>, _caller: Read) -> Json<Targets> {
    let mut targets: Vec<String> = app.project().targets().map(str::to_owned).collect();
    if !targets.iter().any(|t| t == DEFAULT_TARGET) {
        targets.push(DEFAULT_TARGET.to_owned());
    }
    targets.sort();
    Json(Targets { targets })
}

/// List a target's objects
#[utoipa::path(
    get, path = "/targets/{target}/objects", tag = "records",
    params(("target" = String, Path, description = "The target", example = "store")),
    responses((status = 200, description = "The objects", body = Objects, example = json!(examples::objects())), Refused),
)]
pub(super) async fn objects(
    State(app): State<App>,
    _caller: Read,
    Path(name): Path<String>,
) -> Result<Json<Objects>, ApiError> {
    let inner = app.clone();
    let objects = app.with(move |_| Ok::<_, ApiError>(open(&inner, &name)?.objects()?)).await?;
    let field = |f: crate::value::FieldSchema| Field {
        ty: f.ty.name().to_owned(),
        name: f.name,
        required: f.required,
        unique: f.unique,
        options: f.options,
    };
    let objects = objects.into_iter().map(|o| Object {
        name: o.name,
        label: o.label,
        fields: o.fields.into_iter().map(field).collect(),
    });
    Ok(Json(Objects { objects: objects.collect() }))
}

/// List records
///
/// Oldest first. `filter.FIELD=VALUE` gives only those whose field has that value, an empty one those where
/// it is blank; all filters must hold. Archived records are left out unless `filter._archived=true` asks
/// for them.
#[utoipa::path(
    get, path = "/targets/{target}/objects/{object}/records", tag = "records",
    params(
        ("target" = String, Path, description = "The target", example = "store"),
        ("object" = String, Path, description = "The object", example = "products"),
        ("after" = Option<String>, Query, format = "uuid", description = "Only those after this record: `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 where not said"),
    ),
    responses((status = 200, description = "A page of them", body = Records, example = json!(examples::records())), Refused),
)]
pub(super) async fn list(
    State(app): State<App>,
    _caller: Read,
    Path((name, object)): Path<(String, String)>,
    Pairs(query): Pairs,
) -> Result<Response, ApiError> {
    let (mut after, mut limit, mut filters) = (None, None, Vec::new());
    let bad = |what: String, help: &str| ApiError::new(StatusCode::BAD_REQUEST, what, help);
    for (key, value) in query {
        match key.as_str() {
            "after" => {
                after =
                    Some(value.parse::<Uuid>().map_err(|_| bad(format!("`{value}` is no record's id"), ""))?)
            }
            "limit" => {
                limit =
                    Some(value.parse().map_err(|_| bad(format!("`{value}` is no number of records"), ""))?)
            }
            other => match other.strip_prefix("filter.") {
                Some(field) => filters.push((field.to_owned(), value)),
                None => {
                    return Err(bad(
                        format!("nothing is known of `{other}`"),
                        "a filter is written filter.FIELD=VALUE",
                    ));
                }
            },
        }
    }
    let limit = super::page_size(limit, 100, 1000)?;
    let inner = app.clone();
    let json = app.with(move |_| {
        let store = open(&inner, &name)?;
        known(&store, &object)?;
        let mut records = Vec::new();
        let wanted = u64::try_from(limit).unwrap_or_default();
        store.page(&object, &without_archived(filters), after, Some(wanted + 1), |r| {
            records.push(r);
            true
        })?;
        let more = records.len() as u64 > wanted;
        records.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        #[derive(Serialize)]
        struct Page<'a> {
            records: Vec<RecordJson<'a>>,
            next: Option<Uuid>,
        }
        let next = records.last().filter(|_| more).map(|r| r.id);
        let page = Page { records: records.iter().map(RecordJson).collect(), next };
        serde_json::to_vec(&page).map_err(|_| ApiError::broken())
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], json.await?).into_response())
}

/// Look at one record
#[utoipa::path(
    get, path = "/targets/{target}/objects/{object}/records/{id}", tag = "records",
    params(
        ("target" = String, Path, description = "The target", example = "store"),
        ("object" = String, Path, description = "The object", example = "products"),
        ("id" = String, Path, format = "uuid", description = "The record", example = "01a20a45-c3f9-756f-bce6-3d47399954e0"),
    ),
    responses(
        (status = 200, description = "The record", body = std::collections::HashMap<String, serde_json::Value>, example = json!(examples::record())),
        Refused,
    ),
)]
pub(super) async fn show(
    State(app): State<App>,
    _caller: Read,
    Path((name, object, id)): Path<(String, String, Uuid)>,
) -> Result<Response, ApiError> {
    let inner = app.clone();
    let json = app.with(move |_| {
        let store = open(&inner, &name)?;
        known(&store, &object)?;
        let record = store.get(&object, id)?.ok_or_else(|| ApiError::missing("record", &id.to_string()))?;
        serde_json::to_vec(&RecordJson(&record)).map_err(|_| ApiError::broken())
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], json.await?).into_response())
}
