//! What a page is asked with. Where it does not fit, the reader gets a page that says so.

use super::PageError;
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

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let query = extract::Query::from_request_parts(parts, state).await;
        query.map(|q| Self(q.0)).map_err(|_| no_page(StatusCode::BAD_REQUEST))
    }
}
