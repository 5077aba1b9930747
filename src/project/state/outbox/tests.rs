#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::project::state::ExecutionState::{Cancelled, Completed};
use crate::project::state::Outcome;
use crate::project::state::tests::{activate, at, queue, state};

fn anybody(_: MessageKind, _: &str) -> bool {
    true
}

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
    // That something ended is no message yet: perhaps nobody is to hear of it.
    assert_eq!(state.outbox_counts().unwrap(), (0, 0));
}

#[test]
fn a_message_is_with_one_process_at_a_time_and_a_late_one_is_not_heard() {
    let (_dir, mut state) = state();
    enter(&mut state, "e");
    assert!(state.outbox_due(at(10)).unwrap() && !state.outbox_due(at(1)).unwrap());
    let late = state.claim_message(None, at(10), &anybody).unwrap().unwrap();
    assert_eq!((late.attempts, late.id.as_str()), (1, "msg e"));
    assert_eq!(state.claim_message(None, at(11), &anybody).unwrap(), None);
    assert!(!state.outbox_due(at(11)).unwrap());
    assert_eq!(state.claim_message(Some("other"), at(400), &anybody).unwrap(), None);
    let own = state.claim_message(Some("e"), at(400), &anybody).unwrap().unwrap();
    assert_eq!((own.attempts, &own.id), (2, &late.id));
    state.message_failed(&late, "late", None, at(401)).unwrap();
    state.message_sent(&late, at(401)).unwrap();
    assert_eq!(state.message("msg e").unwrap().unwrap().state, MessageState::Waiting);
    state.message_sent(&own, at(402)).unwrap();
    assert_eq!(state.message("msg e").unwrap().unwrap().state, MessageState::Sent);
    assert_eq!(
        state.retry_message("msg e", at(403)).unwrap(),
        Touched::Sent,
        "what was sent is not sent again"
    );
    assert_eq!(state.retry_message("msg none", at(403)).unwrap(), Touched::Unknown);
    assert_eq!(state.claim_message(None, at(9_999), &anybody).unwrap(), None);
    assert_eq!(state.outbox_counts().unwrap(), (0, 0));
}

#[test]
fn what_was_not_taken_waits_and_what_was_given_up_can_be_retried_or_discarded() {
    let (_dir, mut state) = state();
    enter(&mut state, "e");
    let message = state.claim_message(None, at(10), &anybody).unwrap().unwrap();
    state.message_failed(&message, "busy", Some(at(70)), at(11)).unwrap();
    assert_eq!(state.claim_message(None, at(69), &anybody).unwrap(), None);
    let message = state.claim_message(None, at(70), &anybody).unwrap().unwrap();
    assert_eq!((message.attempts, message.last_error.as_deref()), (2, Some("busy")));
    // Whoever has it sends it: tried again meanwhile, it would be sent twice.
    assert_eq!(state.retry_message("msg e", at(70)).unwrap(), Touched::Underway);
    assert_eq!(state.claim_message(None, at(70), &anybody).unwrap(), None);
    state.message_failed(&message, "no", None, at(71)).unwrap();
    assert_eq!(state.claim_message(None, at(99_999), &anybody).unwrap(), None);
    assert_eq!(state.outbox_counts().unwrap(), (0, 1));
    assert_eq!(state.retry_message("msg e", at(80)).unwrap(), Touched::Done);
    assert_eq!(
        state.claim_message(None, at(80), &anybody).unwrap().unwrap().attempts,
        1,
        "all its tries again"
    );
    assert_eq!(state.discard_message("msg e", at(81)).unwrap(), Touched::Underway, "it cannot be held back");
    assert_eq!(state.discard_message("msg e", at(999)).unwrap(), Touched::Done);
    assert_eq!(state.discard_message("msg e", at(999)).unwrap(), Touched::Unknown);
    assert_eq!(state.messages(None, 9).unwrap(), []);
}

#[test]
fn a_message_from_before_the_clock_was_put_back_is_held_up_by_nothing() {
    const DAY: i64 = 86_400;
    let (_dir, mut state) = state();
    enter(&mut state, "e");
    // Whoever took it died, or was heard before the clock was put back.
    let late = state.claim_message(None, at(3 * DAY), &anybody).unwrap().unwrap();
    assert!(state.outbox_due(at(10)).unwrap());
    let own = state.claim_message(None, at(10), &anybody).unwrap().unwrap();
    state.message_failed(&late, "late", None, at(11)).unwrap();
    assert_eq!(state.claim_message(None, at(11), &anybody).unwrap(), None);
    assert_eq!(state.retry_message("msg e", at(11)).unwrap(), Touched::Underway);
    // The longest pause that there is counts; a longer one is none.
    state.message_failed(&own, "busy", Some(at(DAY + 11)), at(11)).unwrap();
    assert_eq!(state.claim_message(None, at(11), &anybody).unwrap(), None);
    assert!(!state.outbox_due(at(11)).unwrap());
    let own = state.claim_message(None, at(-DAY), &anybody).unwrap().unwrap();
    assert_eq!((own.id, own.attempts), (late.id, 3));
    assert_eq!(state.discard_message("msg e", at(-2 * DAY)).unwrap(), Touched::Done);
}

#[test]
fn what_was_sent_is_forgotten_after_a_while() {
    let (_dir, mut state) = state();
    enter(&mut state, "old");
    let message = state.claim_message(None, at(10), &anybody).unwrap().unwrap();
    state.message_sent(&message, Timestamp::from_second(1_600_000_000).unwrap()).unwrap();
    enter(&mut state, "new");
    let left: Vec<String> = state.messages(None, 9).unwrap().into_iter().map(|m| m.id).collect();
    assert_eq!(left, ["msg new"]);
}

#[test]
fn those_to_whom_nothing_may_be_sent_now_hold_up_nobody() {
    let (_dir, mut state) = state();
    queue(&mut state, "e", "shop", true, 0);
    state.cancel("e", at(1)).unwrap();
    let (seq, execution) = state.ended().unwrap().remove(0);
    let message = |n: i64, kind, to: &str| NewMessage {
        id: format!("msg {n}"),
        kind,
        recipient: to.into(),
        payload: "{}".into(),
    };
    let mail = |n| message(n, MessageKind::Mail, "a@example.com");
    let all = [mail(1), mail(2), message(3, MessageKind::Hook, "https://example.com/done")];
    state.enter(seq, &execution, &all, at(2)).unwrap();
    let mut next = |may: &dyn Fn(MessageKind, &str) -> bool| {
        state.claim_message(None, at(10), may).unwrap().map(|m| m.id)
    };
    assert_eq!(next(&|kind, _| kind != MessageKind::Mail).as_deref(), Some("msg 3"));
    assert_eq!(next(&|_, to| to != "a@example.com"), None);
    assert_eq!(next(&anybody).as_deref(), Some("msg 1"));
}
