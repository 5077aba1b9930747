//! What a page is asked with. Where it does not fit, the reader gets a page that says so.

use super::{PageError, show};
use crate::service::{ApiError, extract};
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

fn no_page(status: StatusCode) -> PageError {
    ApiError::new(status, "this is not the address of a page", "go on from the connectors").into()
}

/// The variable parts of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let path = extract::Path::from_request_parts(parts, state).await;
        path.map(|p| Self(p.0)).map_err(|_| no_page(StatusCode::NOT_FOUND))
    }
}

/// What a filter asks for, by the words that the page has for it; in an address underscores will do for spaces, as in
/// the API. None where nothing is asked for.
pub fn asked_for<T: Copy>(
    what: &str,
    asked: &str,
    all: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<Option<T>, ApiError> {
    if asked.is_empty() {
        return Ok(None);
    }
    let words = asked.replace('_', " ");
    let all: Vec<_> = all.into_iter().collect();
    if let Some((_, found)) = all.iter().find(|(name, _)| *name == words) {
        return Ok(Some(*found));
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let asked = show::clear(&show::shortened(asked, 100));
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        format!("there is no {what} `{asked}`"),
        format!("choose one of these: {}", names.join(", ")),
    ))
}

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let query = extract::Query::from_request_parts(parts, state).await;
        query.map(|q| Self(q.0)).map_err(|_| no_page(StatusCode::BAD_REQUEST))
    }
}
