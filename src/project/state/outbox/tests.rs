#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::project::state::ExecutionState::{Cancelled, Completed};
use crate::project::state::Outcome;
use crate::project::state::tests::{activate, at, queue, state};

fn enter(state: &mut State, id: &str) {
    queue(state, id, "shop", true, 0);
    state.cancel(id, at(1)).unwrap();
    let (seq, execution) = state.ended().unwrap().remove(0);
    let message = NewMessage {
        id: format!("msg {id}"),
        kind: MessageKind::Mail,
        recipient: "a@example.com".into(),
        payload: "{}".into(),
    };
    state.enter(seq, &execution, std::slice::from_ref(&message), at(2)).unwrap();
    // Whoever comes second enters nothing.
    state.enter(seq, &execution, &[message], at(2)).unwrap();
}

#[test]
fn an_execution_that_ended_however_is_noted_once() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    for id in ["ran", "cancelled", "stuck"] {
        queue(&mut state, id, "shop", true, 0);
    }
    assert_eq!(state.ended().unwrap(), []);
    let epoch = state.take("ran", 1, at(1), None).unwrap().unwrap().epoch;
    let outcome = Outcome { state: Completed, counts: None, failure: None, at: at(2) };
    state.end("ran", epoch, outcome).unwrap();
    state.end("ran", epoch, outcome).unwrap();
    assert_eq!(state.cancel("cancelled", at(3)).unwrap().map(|s| s != Cancelled), Some(true));
    for attempt in 1..=5 {
        state.take("stuck", 1, at(attempt * 100), None).unwrap().unwrap();
        state.find_interrupted(at(attempt * 100 + 50)).unwrap();
        // As long as somebody takes it up again, it has not ended.
        assert_eq!(state.ended().unwrap().len(), if attempt < 5 { 2 } else { 3 }, "attempt {attempt}");
    }
    let ended: Vec<String> = state.ended().unwrap().into_iter().map(|(_, id)| id).collect();
    assert_eq!(ended, ["ran", "cancelled", "stuck"]);
    assert_eq!(state.outbox_counts().unwrap(), (3, 0));
}

#[test]
fn a_message_is_with_one_process_at_a_time_and_a_late_one_is_not_heard() {
    let (_dir, mut state) = state();
    enter(&mut state, "e");
    assert!(state.outbox_due(at(10)).unwrap() && !state.outbox_due(at(1)).unwrap());
    let late = state.claim_message(None, at(10)).unwrap().unwrap();
    assert_eq!((late.attempts, late.id.as_str()), (1, "msg e"));
    assert_eq!(state.claim_message(None, at(11)).unwrap(), None);
    assert!(!state.outbox_due(at(11)).unwrap());
    assert_eq!(state.claim_message(Some("other"), at(400)).unwrap(), None);
    let own = state.claim_message(Some("e"), at(400)).unwrap().unwrap();
    assert_eq!((own.attempts, &own.id), (2, &late.id));
    state.message_failed(&late, "late", None, at(401)).unwrap();
    state.message_sent(&late, at(401)).unwrap();
    assert_eq!(state.message("msg e").unwrap().unwrap().state, MessageState::Waiting);
    state.message_sent(&own, at(402)).unwrap();
    assert_eq!(state.message("msg e").unwrap().unwrap().state, MessageState::Sent);
    assert!(!state.retry_message("msg e", at(403)).unwrap(), "what was sent is not sent again");
    assert_eq!(state.claim_message(None, at(9_999)).unwrap(), None);
    assert_eq!(state.outbox_counts().unwrap(), (0, 0));
}

#[test]
fn what_was_not_taken_waits_and_what_was_given_up_can_be_retried_or_discarded() {
    let (_dir, mut state) = state();
    enter(&mut state, "e");
    let message = state.claim_message(None, at(10)).unwrap().unwrap();
    state.message_failed(&message, "busy", Some(at(70)), at(11)).unwrap();
    assert_eq!(state.claim_message(None, at(69)).unwrap(), None);
    let message = state.claim_message(None, at(70)).unwrap().unwrap();
    assert_eq!((message.attempts, message.last_error.as_deref()), (2, Some("busy")));
    state.message_failed(&message, "no", None, at(71)).unwrap();
    assert_eq!(state.claim_message(None, at(99_999)).unwrap(), None);
    assert_eq!(state.outbox_counts().unwrap(), (0, 1));
    assert!(state.retry_message("msg e", at(80)).unwrap());
    assert_eq!(state.claim_message(None, at(80)).unwrap().unwrap().attempts, 1, "all its tries again");
    assert!(state.discard_message("msg e").unwrap() && !state.discard_message("msg e").unwrap());
    assert_eq!(state.messages(None, 9).unwrap(), []);
}

#[test]
fn what_was_sent_is_forgotten_after_a_while() {
    let (_dir, mut state) = state();
    enter(&mut state, "old");
    let message = state.claim_message(None, at(10)).unwrap().unwrap();
    state.message_sent(&message, Timestamp::from_second(1_600_000_000).unwrap()).unwrap();
    enter(&mut state, "new");
    let left: Vec<String> = state.messages(None, 9).unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(left, ["msg new"]);
}
