//! Whether the service lives, and whether it can do its work.

use super::api::examples;
use super::{ApiError, App};
use crate::system::clock::{Clock, SystemClock};
use crate::system::machine::free_bytes;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use utoipa::ToSchema;

/// How long what was found is told without looking again.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the service can do its work.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Whether all is well.
    pub ready: bool,
    /// Whether the project's state can be written.
    pub state: bool,
    /// Whether the disk has room.
    pub disk: bool,
}

/// Whether it lives
#[utoipa::path(
    get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "It does", body = String, content_type = "text/plain", example = "ok\n")),
)]
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Whether it can do its work
///
/// It writes to the project's state, and looks how much room the disk has. It does so once a second at most, however
/// many ask.
#[utoipa::path(
    get, path = "/ready", tag = "health", security(()),
    responses(
        (status = 200, description = "It can", body = Ready, example = json!(examples::ready(true))),
        (status = 503, description = "It cannot", body = Ready, example = json!(examples::ready(false))),
    ),
)]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let ready = app.looked().of(&app).await;
    let status = if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ready))
}

/// What was found last, for all who ask within a moment: nobody needs a token for it, and it writes.
#[derive(Debug, Default)]
pub(super) struct Looked(Mutex<Option<(Instant, Ready)>>);

impl Looked {
    /// What holds now. One looks, and the others wait for what it finds.
    async fn of(&self, app: &App) -> Ready {
        let mut last = self.0.lock().await;
        if let Some((at, ready)) = &*last
            && at.elapsed() < FRESH
        {
            return ready.clone();
        }
        let ready = look(app).await;
        *last = Some((Instant::now(), ready.clone()));
        ready
    }
}

async fn look(app: &App) -> Ready {
    let needed = app.project().serve().disk;
    let root = app.project().root().to_path_buf();
    let looked = app.with(move |state| {
        let disk = free_bytes(&root).is_ok_and(|free| free >= needed);
        Ok::<_, ApiError>((state.try_write(SystemClock.now()).is_ok(), disk))
    });
    let (state, disk) = looked.await.unwrap_or((false, false));
    Ready { ready: state && disk, state, disk }
}
