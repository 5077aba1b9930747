//! What went wrong, as a page.

use super::super::{ApiError, App};
use super::Frame;
use super::session::{SessionId, Visitor};
use crate::life::Failure;
use crate::project::ProjectError;
use crate::report::ReportError;
use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

/// Why there is no page.
pub enum PageError {
    /// Nobody is logged in.
    Login {
        /// Where to go on afterwards.
        next: String,
        /// Whether a form was sent, which is not done.
        ended: bool,
    },
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

/// An answer that is still to become a page.
#[derive(Clone)]
struct Untold(ApiError);

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            PageError::Login { next, ended } => {
                let next = super::show::encode(&next);
                let ended = if ended { "&ended=true" } else { "" };
                Redirect::to(&format!("/login?next={next}{ended}")).into_response()
            }
            PageError::Other(e) => {
                let mut response = e.status().into_response();
                response.extensions_mut().insert(Untold(e));
                response
            }
        }
    }
}

/// Goes around every route: what went wrong is told on a page, with the reader's way on from there.
pub async fn errors(State(app): State<App>, request: Request, next: Next) -> Response {
    let session = SessionId::of(request.headers());
    let mut response = next.run(request).await;
    let Some(Untold(e)) = response.extensions_mut().remove() else { return response };
    // A reader whose session cannot be looked up is told all the same.
    let visitor = match session {
        Some(id) => Visitor::of(&app, id).await.ok().flatten(),
        None => None,
    };
    let frame = match &visitor {
        Some(visitor) => Frame::new("Not possible", &app, visitor),
        None => Frame::bare("Not possible"),
    };
    let status = e.status().as_u16();
    let template = ErrorPage { frame, status, what: e.error, help: e.help.unwrap_or_default() };
    if let Ok(html) = template.render() {
        let html_type = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html_type);
        // It was that of no body.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = html.into();
        super::dress(&mut response);
    }
    response
}

/// Whether it is a browser that asks.
pub fn wanted(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|a| a.contains("text/html"))
}

/// What somebody is told who asks for what there is not: a page in a browser, JSON elsewhere.
pub fn told_to(headers: &HeaderMap, mut e: ApiError) -> Response {
    if !wanted(headers) {
        return e.into_response();
    }
    // The way on is on the page itself.
    e.help = None;
    PageError::Other(e).into_response()
}
