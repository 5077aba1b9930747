//! `sconn serve`: the HTTP API, webhooks and the page, and behind them what runs the queue.

mod api;
mod around;
mod auth;
mod connections;
mod error;
mod extract;
mod health;
mod hooks;
mod listen;
mod metrics;
mod page;
mod progress;
mod send;
mod upload;

pub use auth::{Admin, Caller, Read, Run};
pub use error::ApiError;
pub use listen::{Serving, serve};
pub use upload::Upload;

use crate::life::{Failure, no_project};
use crate::project::state::State;
use crate::project::{Project, ProjectError};
use axum::routing::get;
use axum::{Json, Router};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What every request handler has.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    project: Project,
    /// Connections to the state that nobody uses at the moment.
    idle: Mutex<Vec<State>>,
    metrics: metrics::Metrics,
    looked: health::Looked,
    followers: progress::Followers,
    stopping: watch::Receiver<bool>,
}

impl App {
    /// The app of a project; `stopping` turns true once it is time to stop.
    pub fn new(project: Project, stopping: watch::Receiver<bool>) -> Self {
        let inner = Inner {
            idle: Mutex::default(),
            metrics: metrics::Metrics::default(),
            looked: health::Looked::default(),
            followers: progress::Followers::of(project.serve()),
            project,
            stopping,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.inner.project
    }

    /// Comes back once it is time to stop.
    async fn stopping(&self) {
        connections::told(self.inner.stopping.clone()).await;
    }

    /// What it counts.
    fn metrics(&self) -> &metrics::Metrics {
        &self.inner.metrics
    }

    /// Whether it is ready, as was found last.
    fn looked(&self) -> &health::Looked {
        &self.inner.looked
    }

    /// Who follows executions.
    fn followers(&self) -> &progress::Followers {
        &self.inner.followers
    }

    /// Does something with the state, or other work that waits for the disk, away from the threads that
    /// answer requests.
    ///
    /// # Errors
    /// What `work` gives, or where the state cannot be opened.
    pub async fn with<T, E>(
        &self,
        work: impl FnOnce(&mut State) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        let app = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let idle = app.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut state = match idle {
                Some(state) => state,
                None => {
                    app.project().state()?.ok_or_else(|| ApiError::from(no_project(app.project().root())))?
                }
            };
            let done = work(&mut state).map_err(Into::into);
            app.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(state);
            done
        });
        let done = done.await.unwrap_or_else(|_| Err(ApiError::broken()));
        done.map_err(|e| e.without(self.project().root()))
    }
}

impl From<ProjectError> for ApiError {
    fn from(e: ProjectError) -> Self {
        Failure::from(e).into()
    }
}

/// Every route with a description, and the descriptions.
fn described(app: &App) -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(api::Description::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .nest(api::BASE, api::routes(app))
        .split_for_parts()
}

/// The API's description, OpenAPI 3.1, as JSON.
pub fn openapi(project: Project) -> String {
    described(&App::new(project, watch::channel(false).1)).1.to_pretty_json().unwrap_or_default()
}

/// Every route.
pub fn router(app: App) -> Router {
    let (described, description) = described(&app);
    let description = Json(description);
    described
        .route(&format!("{}/openapi.json", api::BASE), get(|| async { description }))
        .merge(hooks::router())
        .merge(page::router(&app))
        .fallback(around::no_route)
        .method_not_allowed_fallback(around::no_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), page::errors))
        .layer(CatchPanicLayer::custom(around::panicked))
        .layer(axum::middleware::from_fn_with_state(app.clone(), around::around))
        .with_state(app)
}
