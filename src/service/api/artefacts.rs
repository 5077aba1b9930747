//! What executions leave, for download.

use super::super::extract::{Path, Query};
use super::super::{ApiError, App, Read, send};
use super::{Refused, examples, execution};
use crate::life::{Artefact, InputFile, kept_input, pack};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use std::path::PathBuf;
use tempfile::TempDir;
use utoipa::IntoParams;

/// Which of several input files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Of the input: the file of this name; all of them, as a ZIP where there are several, where not said.
    #[param(example = "prices.csv")]
    file: Option<String>,
}

/// A file to send; a packed one lies in a folder that goes once it is open.
struct Found {
    path: PathBuf,
    name: String,
    scratch: Option<TempDir>,
}

/// Download what an execution left
///
/// `report` (report.xlsx), `sql-output` (a ZIP of CSVs; there as soon as the SQL has run, while load steps
/// still do), `decisions` (decisions.parquet), `summary` (summary.json) or `input`. Conditional requests and
/// single ranges are answered; with `If-Range` a part is of the same file, or the whole one is sent.
#[utoipa::path(
    get, path = "/executions/{id}/artefacts/{artefact}", tag = "artefacts",
    params(
        ("id" = String, Path, description = "The execution", example = "20240304T101500Z-3f9a1c"),
        ("artefact" = String, Path, description = "Which", example = "report"),
        Which,
    ),
    responses(
        (status = 200, description = "The file", headers(("ETag" = String, description = "Changes when the file does")), content(
            (String = "application/octet-stream"), (String = "application/zip"), (serde_json::Value = "application/json", example = json!(examples::summary())),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "application/vnd.apache.parquet"),
        )),
        (status = 206, description = "A part of it", content(
            (String = "application/octet-stream"), (String = "application/zip"), (serde_json::Value = "application/json", example = json!(examples::summary())),
            (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "application/vnd.apache.parquet"),
        )),
        (status = 304, description = "It is as it was"),
        (status = 412, description = "It is not as it was"),
        (status = 416, description = "It has no such part"),
        Refused,
    ),
)]
pub(super) async fn download(
    State(app): State<App>,
    _caller: Read,
    Path((id, name)): Path<(String, String)>,
    Query(which): Query<Which>,
    request: Request,
) -> Result<Response, ApiError> {
    let artefact = Artefact::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
        let near = crate::diagnostic::nearest(&name, Artefact::ALL.map(Artefact::name));
        ApiError::missing("artefact", &name).near(near)
    })?;
    let project = app.project().clone();
    let found = app.with(move |state| {
        let row = execution(state, &id)?;
        let folder = project.root().join(&row.folder);
        let path = artefact.of_execution(&project, state, &row);
        let path = path.map_err(|e| ApiError::not_there(e).without(project.root()))?;
        if artefact != Artefact::Input {
            return Ok(Found { path, name: format!("{id}-{}", artefact.file()), scratch: None });
        }
        input(&id, kept_input(&folder), which.file.as_deref(), project.uploads())
    });
    answer(found.await?, artefact, request).await
}

/// One input file, or all of them packed.
fn input(
    id: &str,
    mut files: Vec<InputFile>,
    only: Option<&str>,
    scratch: PathBuf,
) -> Result<Found, ApiError> {
    if let Some(only) = only {
        files.retain(|f| f.name == only);
    }
    match files.as_slice() {
        [] => Err(match only {
            Some(file) => ApiError::missing("input file", file),
            None => ApiError::new(StatusCode::NOT_FOUND, format!("{id} has no input files"), ""),
        }),
        [one] => Ok(Found { path: one.path.clone(), name: one.name.clone(), scratch: None }),
        all => {
            let kept = |e: std::io::Error| crate::life::Failure::from(e);
            std::fs::create_dir_all(&scratch).map_err(kept)?;
            let scratch = tempfile::tempdir_in(scratch).map_err(kept)?;
            let path = scratch.path().join("input.zip");
            pack(all, &path)?;
            Ok(Found { path, name: format!("{id}-input.zip"), scratch: Some(scratch) })
        }
    }
}

async fn answer(found: Found, artefact: Artefact, request: Request) -> Result<Response, ApiError> {
    let mut sent = send::file(&found.path, &found.name, request).await?;
    // It is open: what is sent needs the folder no more.
    drop(found.scratch);
    let headers = sent.headers_mut();
    if artefact == Artefact::Input && headers.contains_key(header::CONTENT_TYPE) {
        // Whatever it is, a browser is not to show it.
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(sent)
}
