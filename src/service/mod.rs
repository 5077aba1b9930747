//! `sconn serve`: the HTTP API, webhooks and the page, and behind them what runs the queue.

mod auth;
mod error;
mod page;
mod upload;

pub use auth::{Admin, Caller, Read, Run};
pub use error::ApiError;
pub use upload::Upload;

use crate::life::{Failure, Workers, no_project};
use crate::project::state::State;
use crate::project::{Project, ProjectError};
use axum::Router;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often the queue is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// What every request handler has.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    project: Project,
    /// Connections to the state that nobody uses at the moment.
    idle: Mutex<Vec<State>>,
}

impl App {
    /// The app of a project.
    pub fn new(project: Project) -> Self {
        Self { inner: Arc::new(Inner { project, idle: Mutex::default() }) }
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.inner.project
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
        done.await.unwrap_or_else(|_| Err(ApiError::broken()))
    }
}

impl From<ProjectError> for ApiError {
    fn from(e: ProjectError) -> Self {
        Failure::from(e).into()
    }
}

/// Every route.
pub fn router(app: App) -> Router {
    Router::new().route("/health", get(|| async { "ok\n" })).merge(page::router(&app)).with_state(app)
}

/// Serves a project until it is told to stop: by Ctrl-C or SIGTERM. Executions that run then go on in
/// processes of their own, or are taken up again by the next worker: nothing is lost.
///
/// # Errors
/// Where the address cannot be had or the state not be opened.
pub async fn serve(project: Project, address: SocketAddr, at_once: usize) -> Result<(), Failure> {
    let Some(state) = project.state()? else { return Err(no_project(project.root())) };
    let listener = TcpListener::bind(address).await.map_err(|e| {
        Failure::new(
            format!("{address}: {}", crate::life::io_words(&e)),
            "choose another address with --listen",
        )
    })?;
    let address = listener.local_addr()?;
    eprintln!("serving {} at http://{address}", project.root().display());
    upload::sweep(&project);
    let (stop, stopping) = watch::channel(false);
    let workers = Workers::new(project.clone(), state, at_once);
    let queue = std::thread::spawn({
        let stopping = stopping.clone();
        move || run_queue(workers, &stopping)
    });
    let app = App::new(project);
    tokio::spawn(async move {
        asked_to_stop().await;
        eprintln!("stopping: what runs is taken up again by the next worker");
        let _ = stop.send(true);
    });
    let mut ends = stopping.clone();
    axum::serve(listener, router(app))
        .with_graceful_shutdown(async move {
            let _ = ends.wait_for(|stop| *stop).await;
        })
        .await?;
    let _ = tokio::task::spawn_blocking(move || queue.join()).await;
    Ok(())
}

/// Runs the queue until it is time to stop.
fn run_queue(mut workers: Workers, stopping: &watch::Receiver<bool>) {
    let news = |line: String| eprintln!("{line}");
    while !*stopping.borrow() {
        if let Err(failure) = workers.turn(&news) {
            // The disk may be full for a while; the next turn tries again.
            eprintln!("error: {}", failure.what);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Comes back once Ctrl-C or SIGTERM was heard.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}
