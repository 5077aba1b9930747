//! An execution as it goes on, told as server-sent events.

use super::{ApiError, App, Caller};
use crate::project::ServeSettings;
use crate::project::state::{ExecutionRow, State};
use crate::system::clock::{Clock, SystemClock};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// How long one stream goes on: a connection is not to be held for ever by whoever has forgotten it.
const LONGEST: Duration = Duration::from_secs(600);
/// How many executions the holder of one token follows at once.
const OF_ONE: u32 = 8;

/// Who follows executions at the moment. A stream may last, and takes a connection meanwhile: most of these are for
/// requests that end.
#[derive(Debug)]
pub(super) struct Followers {
    most: u32,
    /// How many streams each token has, by its name.
    streams: Mutex<BTreeMap<String, u32>>,
}

impl Followers {
    /// A quarter of the connections are theirs, and one in any case.
    pub(super) fn of(settings: &ServeSettings) -> Self {
        Self { most: (settings.connections.get() / 4).max(1), streams: Mutex::default() }
    }

    /// # Errors
    /// 429, where there are enough.
    fn add(&self, token: &str) -> Result<(), ApiError> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |what, more| {
            let help = "close one of these connections, or ask for the execution now and then: GET /api/v1/executions/{id}";
            Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, what, format!("{help}{more}")))
        };
        if streams.get(token).is_some_and(|own| *own >= OF_ONE) {
            return refused(format!("the token `{token}` follows {OF_ONE} executions already"), "");
        }
        if streams.values().sum::<u32>() >= self.most {
            let what = format!("{} executions are followed already, and no more can be", self.most);
            return refused(
                what,
                "; or raise `connections` in [serve] of sconn.toml, of which they may take a quarter",
            );
        }
        *streams.entry(token.to_owned()).or_default() += 1;
        Ok(())
    }

    fn remove(&self, token: &str) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = streams.get_mut(token) {
            *own -= 1;
            if *own == 0 {
                streams.remove(token);
            }
        }
    }
}

/// The place of a stream; it is free again once that is gone, however it ended.
struct Place {
    app: App,
    token: String,
}

impl Place {
    /// # Errors
    /// Where there is none.
    fn of(app: &App, caller: &Caller) -> Result<Self, ApiError> {
        app.followers().add(&caller.name)?;
        Ok(Self { app: app.clone(), token: caller.name.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.followers().remove(&self.token);
    }
}

/// The execution of that id, with what is known of a worker that is gone.
pub(super) fn known(state: &mut State, id: &str) -> Result<ExecutionRow, ApiError> {
    state.find_interrupted(SystemClock.now())?;
    state.execution(id)?.ok_or_else(|| ApiError::missing("execution", id))
}

/// Tells an execution whenever `show` has something new to say of it, as an event `progress`; once it has
/// ended, as an event `ended`, which is the last. The stream ends early where the service stops, where it has gone on
/// for long, and where `token`, the caller's, is none any more: whoever listens asks again. Nothing goes on for one
/// that has gone away: the stream is what looks.
///
/// # Errors
/// Where there is no such execution, or too many are followed already.
pub(super) async fn follow(
    app: App,
    caller: &Caller,
    token: String,
    id: String,
    show: impl Fn(ExecutionRow) -> Result<String, ApiError> + Clone + Send + 'static,
) -> Result<Response, ApiError> {
    let wanted = id.clone();
    app.with(move |state| known(state, &wanted)).await?;
    let (place, begun) = (Place::of(&app, caller)?, Instant::now());
    let events = stream::unfold((place, Some(String::new())), move |(place, said)| {
        let (app, id, token, show) = (app.clone(), id.clone(), token.clone(), show.clone());
        async move {
            let said = said?;
            loop {
                if !said.is_empty() {
                    tokio::select! {
                        () = tokio::time::sleep(EVERY) => {}
                        () = app.stopping() => return None,
                    }
                }
                if begun.elapsed() > LONGEST {
                    return None;
                }
                let (wanted, token) = (id.clone(), token.clone());
                // What its holder was allowed once is asked again.
                let look = move |state: &mut State| match state.token(&token)? {
                    Some(_) => known(state, &wanted).map(Some),
                    None => Ok(None),
                };
                let row = app.with(look).await.ok()??;
                let ended = row.state.ended();
                let text = show(row).ok()?;
                let event = |name: &str| Ok::<_, Infallible>(Event::default().event(name).data(&text));
                if ended {
                    return Some((event("ended"), (place, None)));
                }
                if text != said {
                    return Some((event("progress"), (place, Some(text))));
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
