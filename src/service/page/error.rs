//! What went wrong, as a page.

use super::super::ApiError;
use super::{Frame, page};
use crate::life::Failure;
use crate::project::ProjectError;
use crate::report::ReportError;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

/// Why there is no page.
pub enum PageError {
    /// Nobody is logged in; where to go on afterwards.
    Login(String),
    /// Something else.
    Other(ApiError),
}

impl PageError {
    /// There is no such thing.
    pub fn missing(kind: &str, name: &str) -> Self {
        Self::Other(ApiError::missing(kind, name))
    }

    /// The form did not come from a page of this session.
    pub fn unsigned() -> Self {
        Self::Other(ApiError::new(
            StatusCode::FORBIDDEN,
            "this form is not from your session",
            "go back, reload the page, and send it again",
        ))
    }
}

impl From<ApiError> for PageError {
    fn from(e: ApiError) -> Self {
        Self::Other(e)
    }
}

impl From<Failure> for PageError {
    fn from(e: Failure) -> Self {
        Self::Other(e.into())
    }
}

impl From<ProjectError> for PageError {
    fn from(e: ProjectError) -> Self {
        Self::Other(e.into())
    }
}

/// Why is told: the file is the execution's own.
impl From<ReportError> for ApiError {
    fn from(e: ReportError) -> Self {
        Failure::new(e.to_string(), "the execution's files may have been removed or changed").into()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    what: String,
    help: String,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            PageError::Login(next) => {
                let next = super::show::encode(&next);
                Redirect::to(&format!("/login?next={next}")).into_response()
            }
            PageError::Other(e) => {
                let status = e.status();
                let template = ErrorPage {
                    frame: Frame::bare("Not possible"),
                    status: status.as_u16(),
                    what: e.error,
                    help: e.help.unwrap_or_default(),
                };
                match page(&template) {
                    Ok(body) => (status, body).into_response(),
                    Err(_) => status.into_response(),
                }
            }
        }
    }
}
