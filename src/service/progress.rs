//! An execution as it goes on, told as server-sent events.

use super::{ApiError, App};
use crate::project::state::{ExecutionRow, State};
use crate::system::clock::{Clock, SystemClock};
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use std::convert::Infallible;
use std::time::Duration;

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(500);

/// The execution of that id, with what is known of a worker that is gone.
pub(super) fn known(state: &mut State, id: &str) -> Result<ExecutionRow, ApiError> {
    state.find_interrupted(SystemClock.now())?;
    state.execution(id)?.ok_or_else(|| ApiError::missing("execution", id))
}

/// Tells an execution whenever `show` has something new to say of it, as an event `progress`; once it has
/// ended, as an event `ended`, which is the last. The stream ends early where the service stops: whoever
/// listens asks again. Nothing goes on for one that has gone away: the stream is what looks.
///
/// # Errors
/// Where there is no such execution.
pub(super) async fn follow(
    app: App,
    id: String,
    show: impl Fn(ExecutionRow) -> Result<String, ApiError> + Clone + Send + 'static,
) -> Result<Response, ApiError> {
    let wanted = id.clone();
    app.with(move |state| known(state, &wanted)).await?;
    let events = stream::unfold(Some(String::new()), move |said| {
        let (app, id, show) = (app.clone(), id.clone(), show.clone());
        async move {
            let said = said?;
            loop {
                if !said.is_empty() {
                    tokio::select! {
                        () = tokio::time::sleep(EVERY) => {}
                        () = app.stopping() => return None,
                    }
                }
                let wanted = id.clone();
                let row = app.with(move |state| known(state, &wanted)).await.ok()?;
                let ended = row.state.ended();
                let text = show(row).ok()?;
                let event = |name: &str| Ok::<_, Infallible>(Event::default().event(name).data(&text));
                if ended {
                    return Some((event("ended"), None));
                }
                if text != said {
                    return Some((event("progress"), Some(text)));
                }
            }
        }
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::default()).into_response();
    // nginx would keep it until it has a page full.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().extend([unbuffered]);
    Ok(response)
}
