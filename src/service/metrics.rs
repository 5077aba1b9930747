//! Metrics for Prometheus. What is said of executions comes from the project's state, so it is the same
//! whichever process ran them, and goes on after a restart.

use super::{ApiError, App, Read};
use crate::life::known_plan;
use crate::project::state::{DURATION_BOUNDS, ExecutionState, State, StateCount, Total, WaitCount};
use crate::system::machine::{free_bytes, resident_bytes};
use axum::extract;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;

/// The bounds of the durations of requests, in seconds.
const REQUEST_BOUNDS: [f64; 8] = [0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

/// How executions end.
const ENDS: [&str; 4] = ["completed", "completed with errors", "failed", "cancelled"];
/// What becomes of rows.
const ACTIONS: [&str; 7] =
    ["created", "updated", "unchanged", "unarchived", "skipped", "errored", "not_processed"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What this process counts itself: requests.
#[derive(Debug)]
pub(super) struct Metrics {
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(REQUEST_BOUNDS);
        Self { requests: Family::default(), seconds: Family::new_with_constructor(histogram) }
    }
}

impl Metrics {
    /// Counts a request. The route is that of the router, so that callers cannot make up new ones.
    pub(super) fn request(&self, method: &str, route: &str, status: u16, seconds: f64) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.seconds.get_or_create(&Route { route: route.clone() }).observe(seconds);
        self.requests.get_or_create(&Request { method, route, status }).inc();
    }
}

/// What the project's state and the machine say at one moment.
#[derive(Debug)]
struct Moment {
    /// The connectors that are known, and whether what waits for them may run live.
    connectors: Vec<(String, bool)>,
    counts: Vec<StateCount>,
    waits: Vec<WaitCount>,
    totals: Vec<Total>,
    messages: Vec<(String, String, i64)>,
    free: Option<u64>,
    memory: Option<u64>,
}

type Labels = Vec<(&'static str, String)>;
/// Bounds, and how many are within each and no smaller one.
type Buckets = Vec<(f64, u64)>;

fn labels(connector: &str, live: bool) -> Labels {
    let mode = if live { "live" } else { "dry" };
    vec![("connector", connector.to_owned()), ("mode", mode.to_owned())]
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, f64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

impl Moment {
    fn counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        kind: &str,
        (label, values): (&'static str, &[&str]),
    ) -> fmt::Result {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        // Each is there before its first one: of what begins with one nothing has increased.
        let modes = self.connectors.iter().flat_map(|(c, _)| [(c.as_str(), false), (c.as_str(), true)]);
        let none = modes.flat_map(|(c, live)| values.iter().map(move |v| ((c, live, *v), 0.0)));
        let mut all: BTreeMap<(&str, bool, &str), f64> = none.collect();
        let counted = self.totals.iter().filter(|t| t.kind == kind);
        all.extend(counted.map(|t| ((t.connector.as_str(), t.live, t.label.as_str()), t.value)));
        for ((connector, live, value), count) in all {
            let mut labels = labels(connector, live);
            labels.push((label, value.replace(' ', "_")));
            metric.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    /// How long executions took, by connector and mode.
    fn durations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        // Every bound is always there, or rates over them would be wrong at first.
        let bounds = || DURATION_BOUNDS.into_iter().chain([f64::INFINITY]).map(|b| (b, 0)).collect();
        let mut all: BTreeMap<(&str, bool), (f64, Buckets)> = BTreeMap::new();
        for total in self.totals.iter().filter(|t| matches!(t.kind.as_str(), "seconds" | "within")) {
            let one = all.entry((&total.connector, total.live)).or_insert_with(|| (0.0, bounds()));
            match total.label.parse::<f64>() {
                Ok(bound) => one.1.iter_mut().filter(|b| b.0 == bound).for_each(|b| b.1 = total.value as u64),
                Err(_) => one.0 = total.value,
            }
        }
        let (name, help) = ("sconn_execution_duration_seconds", "How long executions took");
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for ((connector, live), (sum, buckets)) in all {
            let count = buckets.iter().map(|(_, n)| n).sum();
            let labels = labels(connector, live);
            metric.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}

impl Collector for Moment {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let e = &mut encoder;
        let states = self.counts.iter().map(|c| {
            let mut labels = labels(&c.connector, c.live);
            labels.push(("state", c.state.words().replace(' ', "_")));
            (labels, c.count as f64)
        });
        gauges(e, "sconn_executions", "Executions that are kept, by state", states)?;
        // A dry run changes nothing: it may run whatever its connector is.
        let may = |w: &WaitCount| {
            !w.live || self.connectors.iter().any(|(name, runs)| *name == w.connector && *runs)
        };
        let waiting = [true, false].map(|may_run| {
            let these = self.waits.iter().filter(|w| may(w) == may_run);
            let count = these.map(|w| w.count).sum::<i64>() as f64;
            (vec![("may_run", may_run.to_string())], count)
        });
        gauges(e, "sconn_queue_length", "Executions that wait", waiting)?;
        let running = self.counts.iter().filter(|c| c.state == ExecutionState::Running);
        let running = running.map(|c| c.count).sum::<i64>() as f64;
        gauges(e, "sconn_running", "Executions that run", [(Labels::new(), running)])?;
        self.counters(e, ("sconn_executions_ended", "Executions that ended"), "ended", ("state", &ENDS))?;
        self.counters(
            e,
            ("sconn_rows", "Rows of load steps by what became of them"),
            "rows",
            ("action", &ACTIONS),
        )?;
        self.durations(e)?;
        for (table, name, help) in [
            ("events", "sconn_webhook_events", "Webhook events that are kept, by state"),
            ("outbox", "sconn_outbox", "E-mails and requests to others, by state"),
        ] {
            let these = self.messages.iter().filter(|(t, ..)| t == table);
            gauges(
                e,
                name,
                help,
                these.map(|(_, state, n)| (vec![("state", state.replace(' ', "_"))], *n as f64)),
            )?;
        }
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        gauges(e, "sconn_build_info", "The version that runs", [(version, 1.0)])?;
        let known = |value: Option<u64>| value.map(|v| (Labels::new(), v as f64));
        gauges(e, "sconn_disk_free_bytes", "Room on the disk of the project", known(self.free))?;
        gauges(e, "process_resident_memory_bytes", "Memory of the service itself", known(self.memory))
    }
}

/// The connectors that are known, and whether what waits for them may run live.
fn connectors(state: &State) -> Result<Vec<(String, bool)>, ApiError> {
    let mut all = Vec::new();
    for connector in state.connectors()? {
        let plan = known_plan(state, &connector.name, connector.version)?;
        let places = plan.is_none_or(|plan| plan.connector.places() > 0);
        all.push((connector.name, places && connector.status.runs()));
    }
    Ok(all)
}

/// Metrics for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses(
        (status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text", example = "# HELP sconn_running Executions that run.\n# TYPE sconn_running gauge\nsconn_running 0\n# EOF\n"),
        (status = 401, description = "A token is needed", body = ApiError, example = json!({"error": "a token is needed"})),
        (status = 503, description = "The state cannot be read", body = ApiError, example = json!({"error": "the service cannot do this now"})),
    ),
)]
pub(super) async fn metrics(
    extract::State(app): extract::State<App>,
    _caller: Read,
) -> Result<Response, ApiError> {
    let root = app.project().root().to_path_buf();
    let moment = app.with(move |state| {
        Ok::<_, ApiError>(Moment {
            connectors: connectors(state)?,
            counts: state.state_counts()?,
            waits: state.wait_counts()?,
            totals: state.totals()?,
            messages: state.waiting_counts()?,
            free: free_bytes(&root).ok(),
            memory: resident_bytes(),
        })
    });
    let mut registry = Registry::default();
    registry.register_collector(Box::new(moment.await?));
    let own = app.metrics();
    registry.register("sconn_http_requests", "Requests that were answered", own.requests.clone());
    registry.register("sconn_http_request_duration_seconds", "How long answers took", own.seconds.clone());
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| ApiError::broken())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
