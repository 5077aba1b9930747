//! The files of an execution.

use super::super::progress::known;
use super::super::{ApiError, App, send};
use super::PageError;
use super::asked::Path as Asked;
use super::session::Visitor;
use crate::life::{Artefact, InputFile, kept_files, kept_input};
use axum::extract::{self, Request};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use std::path::{Path, PathBuf};

pub async fn artefact(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Asked((id, artefact)): Asked<(String, String)>,
    request: Request,
) -> Result<Response, PageError> {
    let wanted = Artefact::ALL.into_iter().find(|a| a.name() == artefact && *a != Artefact::Input);
    let wanted = wanted.ok_or_else(|| PageError::missing("file", &artefact))?;
    // Several reports in one folder of downloads are told apart.
    let name = format!("{id}-{}", wanted.file());
    let project = app.project().clone();
    let file = app.with(move |state| {
        let row = known(state, &id)?;
        let there = wanted.of_execution(&project, state, &row);
        there.map_err(|e| ApiError::not_there(e).without(project.root()))
    });
    sent(&file.await?, &name, request).await
}

/// A file of the input, by its place in the list: names do not come into it.
pub async fn input(
    extract::State(app): extract::State<App>,
    _: Visitor,
    Asked((id, number)): Asked<(String, usize)>,
    request: Request,
) -> Result<Response, PageError> {
    let folder = folder(&app, &id).await?;
    let Some(InputFile { path, name, .. }) = kept_input(&folder).into_iter().nth(number) else {
        return Err(PageError::missing("input file", &number.to_string()));
    };
    sent(&path, &name, request).await
}

async fn folder(app: &App, id: &str) -> Result<PathBuf, PageError> {
    let id = id.to_owned();
    let row = app.with(move |state| known(state, &id)).await?;
    Ok(kept_files(app.project(), &row).map_err(|e| ApiError::not_there(e).without(app.project().root()))?)
}

/// Streams a file, to be kept and not to be shown: what is in it is somebody else's.
async fn sent(file: &Path, name: &str, request: Request) -> Result<Response, PageError> {
    let mut sent = send::file(file, name, request).await?;
    if sent.headers().contains_key(header::CONTENT_TYPE) {
        let bytes = HeaderValue::from_static("application/octet-stream");
        sent.headers_mut().insert(header::CONTENT_TYPE, bytes);
    }
    Ok(sent)
}
