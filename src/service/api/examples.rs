//! Examples in the API's description. They are made of what is sent, so that they cannot differ from it.

use super::super::health::Ready;
use super::connectors::{Activated, Connector, ConnectorDetails, Connectors, Parameter};
use super::events::{DiscardedEvents, Events};
use super::executions::{Executions, ProgressEvent, ProgressName, Submitted};
use super::outbox::Messages;
use super::records::{Field, Object, Objects, Targets};
use crate::life::views::{
    Counts, EventDetails, EventHead, EventState, Execution, ExecutionDetails, Message, MessageDetails,
    MessageKind, MessageState, Mode, Stage, State, Step,
};
use serde_json::{Value, json};

const ID: &str = "20240304T101500Z-3f9a1c";
const MESSAGE: &str = "msg_3f9a1c0e5d7b4a2f8c6e1d0b9a7f5e3c";

pub(in super::super) fn ready(ready: bool) -> Ready {
    Ready { ready, state: true, disk: ready }
}

pub(super) fn execution() -> Execution {
    let counts = Counts {
        created: 7,
        updated: 2,
        unchanged: 1,
        unarchived: 0,
        skipped: 1,
        errored: 1,
        not_processed: 0,
    };
    Execution {
        id: ID.into(),
        connector: "vendor_prices".into(),
        mode: Mode::Live,
        state: State::CompletedWithErrors,
        version: Some(3),
        triggered_by: "ann@example.com".into(),
        queued_at: "2024-03-04T10:15:00.000Z".into(),
        started_at: Some("2024-03-04T10:15:00.412Z".into()),
        ended_at: Some("2024-03-04T10:15:02.918Z".into()),
        stage: None,
        cancel_requested: false,
        steps: vec![Step {
            name: "products".into(),
            object: "products".into(),
            rows: 12,
            counts,
            warnings: 2,
        }],
        failure: None,
        left_to_people: false,
        files_removed_at: None,
    }
}

/// The same execution while it ran.
fn running() -> Execution {
    Execution {
        state: State::Running,
        ended_at: None,
        stage: Some(Stage { name: "loading products".into(), done: Some(5), total: Some(12) }),
        steps: Vec::new(),
        ..execution()
    }
}

pub(super) fn executions() -> Executions {
    Executions { executions: vec![execution()], next: Some(ID.into()) }
}

pub(super) fn execution_details() -> ExecutionDetails {
    ExecutionDetails {
        execution: execution(),
        params: vec!["region=APAC".into()],
        inputs: vec!["prices.csv".into()],
        waits: None,
        artefacts: ["report", "sql-output", "decisions", "summary", "input"].map(str::to_owned).into(),
    }
}

pub(super) fn progress() -> ProgressEvent {
    let data = serde_json::to_string(&running()).unwrap_or_default();
    ProgressEvent { event: ProgressName::Progress, data }
}

pub(super) fn submitted() -> Submitted {
    Submitted { id: ID.into(), before: false, notice: None }
}

fn connector() -> Connector {
    Connector {
        name: "vendor_prices".into(),
        label: "Vendor prices".into(),
        file: "vendor_prices.sconn".into(),
        status: "Operational".into(),
        version: Some(3),
        changed: None,
        queued: 0,
        running: 0,
        last_execution: Some(execution()),
        interrupted: 0,
        next_slot: None,
    }
}

pub(super) fn connectors() -> Connectors {
    Connectors { connectors: vec![connector()] }
}

pub(super) fn connector_details() -> ConnectorDetails {
    let parameter = Parameter { name: "region".into(), ty: "string".into(), default: Some("EMEA".into()) };
    ConnectorDetails {
        connector: connector(),
        description: Some("Price lists of our vendors".into()),
        trigger: "spreadsheet".into(),
        schedule: None,
        timezone: "Europe/Berlin".into(),
        chunk: 500,
        concurrency: 1,
        notify: vec!["ops@example.com".into()],
        parameters: vec![parameter],
        objects: vec!["suppliers".into(), "products".into()],
    }
}

pub(super) fn activated() -> Activated {
    Activated { connector: connector_details(), deactivated: Vec::new() }
}

fn event_head(id: i64) -> EventHead {
    EventHead {
        id,
        connector: "orders".into(),
        state: EventState::Captured,
        execution: None,
        received_at: "2024-03-04T10:15:00.000Z".into(),
        key: Some(format!("order-{id}")),
        employee_id: String::new(),
        querystring: "shop=Leeds".into(),
        content_type: "application/json".into(),
        bytes: 44,
    }
}

pub(super) fn events() -> Events {
    Events { events: vec![event_head(18), event_head(17)], next: None }
}

pub(super) fn event() -> EventDetails {
    let body = r#"{"order": {"number": "A-17", "total": 12.5}}"#.into();
    EventDetails { event: event_head(17), body }
}

pub(super) fn discarded() -> DiscardedEvents {
    DiscardedEvents { discarded: 2, already: 0 }
}

fn message_head() -> Message {
    Message {
        id: MESSAGE.into(),
        kind: MessageKind::Mail,
        state: MessageState::Waiting,
        execution: ID.into(),
        recipient: "ann@example.com".into(),
        created_at: "2024-03-04T10:15:03.102Z".into(),
        next_at: "2024-03-04T10:16:03.511Z".into(),
        attempts: 1,
        last_error: Some("the mail server cannot be reached".into()),
        done_at: None,
    }
}

pub(super) fn messages() -> Messages {
    Messages { messages: vec![message_head()], next: None }
}

pub(super) fn message() -> MessageDetails {
    let content = json!({
        "subject": "Vendor prices: completed with errors (live run)",
        "text": "Vendor prices: completed with errors (live run)\n",
        "attachment": format!("report-{ID}.xlsx"),
    });
    MessageDetails { message: message_head(), content }
}

pub(super) fn targets() -> Targets {
    Targets { targets: vec!["crm".into(), "store".into()] }
}

pub(super) fn objects() -> Objects {
    let field = |name: &str, ty: &str, unique: bool| Field {
        name: name.into(),
        ty: ty.into(),
        required: unique,
        unique,
        options: Vec::new(),
    };
    let fields = vec![field("sku", "text", true), field("price", "decimal", false)];
    Objects { objects: vec![Object { name: "products".into(), label: "Products".into(), fields }] }
}

pub(super) fn record() -> Value {
    json!({
        "id": "01a20a45-c3f9-756f-bce6-3d47399954e0", "sku": "0870", "price": "12.50",
        "_created_at": "2024-03-04T10:15:01.204Z", "_updated_at": "2024-03-04T10:15:01.204Z", "_archived": false,
    })
}

pub(super) fn records() -> Value {
    json!({"records": [record()], "next": null})
}

pub(super) fn summary() -> Value {
    json!({"execution": ID, "state": "completed_with_errors", "connector": "vendor_prices"})
}
