//! What went wrong, as HTTP tells it.

use crate::life::Failure;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// An error as a response: a status, what is wrong and what to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiError {
    #[serde(skip)]
    status: u16,
    /// What is wrong, in one sentence.
    pub error: String,
    /// What to do, if anything can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl ApiError {
    /// An error with its status.
    pub fn new(status: StatusCode, error: impl Into<String>, help: impl Into<String>) -> Self {
        let help: String = help.into();
        Self { status: status.as_u16(), error: error.into(), help: Some(help).filter(|h| !h.is_empty()) }
    }

    /// Something of that kind and name is not there.
    pub fn missing(kind: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no {kind} `{name}`"), "")
    }

    /// We are wrong: nothing of it is told outside.
    pub fn broken() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request could not be carried out",
            "see the service's log",
        )
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What was asked for cannot be: 422, with the mend.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, failure.what, failure.hint.unwrap_or_default())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status(), axum::Json(self)).into_response()
    }
}
