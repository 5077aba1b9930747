//! What went wrong, as HTTP tells it.

use crate::life::Failure;
use crate::system::say::say;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::path::Path;
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
    /// The executions that wait, where it must be said what becomes of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub queued: Vec<String>,
}

impl ApiError {
    /// An error with its status.
    pub fn new(status: StatusCode, error: impl Into<String>, help: impl Into<String>) -> Self {
        let help: String = help.into();
        Self {
            status: status.as_u16(),
            error: error.into(),
            help: Some(help).filter(|h| !h.is_empty()),
            queued: Vec::new(),
        }
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

    /// The disk is full, or the state or a target cannot be used: not for the caller to mend.
    pub fn unable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the service cannot do this now", "see the service's log")
    }

    /// What was probably meant.
    pub fn near(mut self, near: Option<&str>) -> Self {
        self.help = near.map(|near| format!("did you mean `{near}`?")).or(self.help);
        self
    }

    /// The executions that wait.
    pub fn with_queued(mut self, queued: Vec<String>) -> Self {
        self.queued = queued;
        self
    }

    /// Leaves a folder of this machine out of its words.
    pub(super) fn without(mut self, root: &Path) -> Self {
        self.error = without(root, &self.error);
        self.help = self.help.map(|help| without(root, &help));
        self
    }

    /// What was asked for is not there, or not any more.
    pub(super) fn not_there(failure: Failure) -> Self {
        Self::new(StatusCode::NOT_FOUND, failure.what, failure.hint.unwrap_or_default())
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A text in which paths within a folder of this machine are counted from there.
pub(super) fn without(root: &Path, text: &str) -> String {
    text.replace(&format!("{}/", root.display()), "")
}

/// What was asked for cannot be: 422, with the mend. What is not for the caller to mend is for the log.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        if failure.broken {
            say(format_args!("error: {}: {}", failure.what, failure.hint.unwrap_or_default()));
            return Self::unable();
        }
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, failure.what, failure.hint.unwrap_or_default())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, axum::Json(self)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
