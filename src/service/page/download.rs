//! The files of an execution.

use super::super::progress::known;
use super::super::{ApiError, App};
use super::asked::Path;
use super::session::Visitor;
use super::{PageError, show};
use crate::life::{Artefact, InputFile, kept_files, kept_input};
use axum::extract::{self, Request};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use std::path::PathBuf;
use tower_http::services::ServeFile;

pub async fn artefact(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Path((id, artefact)): Path<(String, String)>,
    request: Request,
) -> Result<Response, PageError> {
    let known = Artefact::ALL.into_iter().find(|a| a.name() == artefact && *a != Artefact::Input);
    let known = known.ok_or_else(|| PageError::missing("file", &artefact))?;
    let file = known.of(&folder(&app, &id).await?).map_err(ApiError::not_there)?;
    // Several reports in one folder of downloads are told apart.
    send(file, &format!("{id}-{}", known.file()), request).await
}

/// A file of the input, by its place in the list: names do not come into it.
pub async fn input(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Path((id, number)): Path<(String, usize)>,
    request: Request,
) -> Result<Response, PageError> {
    let folder = folder(&app, &id).await?;
    let Some(InputFile { path, name }) = kept_input(&folder).into_iter().nth(number) else {
        return Err(PageError::missing("input file", &number.to_string()));
    };
    send(path, &name, request).await
}

async fn folder(app: &App, id: &str) -> Result<PathBuf, PageError> {
    let id = id.to_owned();
    let row = app.with(move |state| known(state, &id)).await?;
    Ok(kept_files(app.project(), &row).map_err(|e| ApiError::not_there(e).without(app.project().root()))?)
}

/// Streams a file, to be kept and not to be shown: what is in it is somebody else's.
async fn send(file: PathBuf, name: &str, request: Request) -> Result<Response, PageError> {
    let sent = ServeFile::new(&file).try_call(request).await;
    let sent = sent.map_err(|_| PageError::missing("file", name))?;
    if sent.status().is_client_error() {
        return Err(PageError::missing("file", name));
    }
    let mut response = sent.into_response();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", show::encode(name));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}
