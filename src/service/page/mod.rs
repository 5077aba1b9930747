//! The page: what people see in a browser. It is made on the server; everything is a link or a form, and
//! the script only keeps up to date what runs.

mod activation;
mod asked;
mod bar;
mod connector;
mod connectors;
mod decision;
mod decisions;
mod download;
mod error;
mod events;
mod execution;
mod executions;
mod flow;
mod login;
mod messages;
mod session;
mod show;
mod shown;
mod start;

pub use error::{errors, told_to, wanted};
pub use login::own_path;

use super::around::Quiet;
use super::{App, Upload};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::PageError;
use session::Visitor;

/// Everything comes from here, and nothing is written into the markup itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Bytes of a form without files.
const FORM: usize = 256 << 10;

/// The page's routes.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/connectors/{name}/start", get(start::form).post(start::submit).layer(Upload::limit(app)))
        .merge(forms().layer(DefaultBodyLimit::max(FORM)))
        .layer(Extension(login::Tries::default()))
        .layer(middleware::from_fn(headers))
}

fn forms() -> Router<App> {
    Router::new()
        .route("/", get(connectors::list))
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .route("/connectors/{name}", get(connector::show))
        .route("/connectors/{name}/activation", get(activation::prompt).post(activation::change))
        .route("/connectors/{name}/executions", get(executions::list))
        .route("/connectors/{name}/events", get(events::list).post(events::change))
        .route("/executions/{id}", get(execution::show))
        .route("/executions/{id}/decisions", get(decisions::show))
        .route("/executions/{id}/cancel", post(execution::cancel))
        .route("/executions/{id}/resume", post(execution::resume))
        .route("/executions/{id}/messages/{message}", post(messages::change))
        .route("/executions/{id}/files/{file}", get(download::artefact))
        .route("/executions/{id}/input/{number}", get(download::input))
        .route("/page.css", get(|| asset("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/page.js", get(|| asset("text/javascript; charset=utf-8", include_str!("page.js"))))
        .route("/icon.svg", get(|| asset("image/svg+xml", include_str!("icon.svg"))))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text).into_response()
}

/// What every answer of the page carries.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    dress(&mut response);
    response
}

fn dress(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // What a page shows is its reader's: nobody on the way keeps it.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// What every page has around its own: its title, who reads it, and what their forms are signed with.
struct Frame {
    title: String,
    project: String,
    visitor: Option<Visitor>,
    /// How often the script asks for what has changed, in milliseconds; none where nothing changes by itself.
    every: Option<u32>,
}

impl Frame {
    fn new(title: impl Into<String>, app: &App, visitor: &Visitor) -> Self {
        Self { title: title.into(), project: project_name(app), visitor: Some(visitor.clone()), every: None }
    }

    /// Of a page that anybody may see: it tells nothing.
    fn bare(title: &str) -> Self {
        Self { title: title.to_owned(), project: String::new(), visitor: None, every: None }
    }
}

fn project_name(app: &App) -> String {
    let root = app.project().root();
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    root.file_name().map(|n| show::clear(&n.to_string_lossy())).unwrap_or_default()
}

/// A page that may be asked for again and again; as long as it goes on, only the first time is news.
fn followed<T: askama::Template>(template: &T, frame: &Frame) -> Result<Response, PageError> {
    let mut response = page(template)?;
    if frame.every.is_some() && frame.visitor.as_ref().is_some_and(|v| v.polls) {
        response.extensions_mut().insert(Quiet);
    }
    Ok(response)
}

/// A page from its template.
fn page<T: askama::Template>(template: &T) -> Result<Response, PageError> {
    let html = template.render().map_err(|_| super::ApiError::broken())?;
    Ok(axum::response::Html(html).into_response())
}
