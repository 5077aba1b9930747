#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use jiff::{SignedDuration, Timestamp};

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(super) fn state() -> (tempfile::TempDir, State) {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(&dir.path().join(".sconn/state.sqlite")).unwrap();
    (dir, state)
}

pub(super) fn activate(state: &mut State, name: &str, hash: &str) -> i64 {
    let new = Activation {
        name,
        label: name,
        file: "a.sconn",
        hash,
        plan: hash,
        cancel: &[],
        replaces: &[],
        at: at(0),
    };
    state.activate(new).unwrap()
}

fn status(state: &State, name: &str) -> Status {
    state.connector(name).unwrap().unwrap().status
}

pub(super) fn queue(state: &mut State, id: &str, connector: &str, live: bool, second: i64) {
    let new =
        NewExecution { id, connector, version: Some(1), live, folder: id, triggered_by: "", at: at(second) };
    assert_eq!(state.submit(new, &Submission::default(), None).unwrap(), None);
}

/// So many rows are loaded, all of them created.
fn pace(done: i64) -> Pace {
    let counts = format!(r#"[{{"counts":{{"created":{done}}}}}]"#);
    Pace { stage: "loading".to_owned(), done, total: Some(9), counts: Some(counts) }
}

fn run(state: &mut State, id: &str, ended: ExecutionState) {
    let epoch = state.take(id, 1, at(10), None).unwrap().unwrap().epoch;
    let outcome = Outcome { state: ended, counts: None, failure: None, at: at(11) };
    state.end(id, epoch, outcome).unwrap();
}

#[test]
fn a_connector_goes_through_the_four_statuses() {
    let (_dir, mut state) = state();
    state.know("shop", "Shop", "shop.sconn").unwrap();
    assert_eq!(status(&state, "shop"), Status::Setup);
    activate(&mut state, "shop", "h1");
    assert_eq!(status(&state, "shop"), Status::Operational);
    use ExecutionState::*;
    let ends = [
        ("dry", false, CompletedWithErrors, Status::Operational),
        ("bad", true, CompletedWithErrors, Status::NeedsAttention),
        ("stopped", true, Cancelled, Status::NeedsAttention),
        ("dry again", false, Completed, Status::NeedsAttention),
        ("good", true, Completed, Status::Operational),
        ("failed", true, Failed, Status::NeedsAttention),
    ];
    for (id, live, ended, expected) in ends {
        queue(&mut state, id, "shop", live, 1);
        run(&mut state, id, ended);
        assert_eq!(status(&state, "shop"), expected, "{id}");
    }
    assert!(state.deactivate("shop").unwrap());
    assert_eq!(status(&state, "shop"), Status::Inactive);
    assert!(!state.deactivate("shop").unwrap(), "it was not active any more");
    activate(&mut state, "shop", "h1");
    assert_eq!(status(&state, "shop"), Status::NeedsAttention, "the last live run had errors");
}

#[test]
fn the_same_sources_are_the_same_version_and_others_the_next() {
    let (_dir, mut state) = state();
    assert_eq!(activate(&mut state, "shop", "h1"), 1);
    assert_eq!(activate(&mut state, "shop", "h1"), 1);
    assert_eq!(activate(&mut state, "shop", "h2"), 2);
    assert_eq!(activate(&mut state, "shop", "h1"), 3, "what is activated again is a new version");
    assert_eq!(state.plan("shop", 2).unwrap().as_deref(), Some("h2"));
    assert_eq!(activate(&mut state, "other", "h2"), 1);
}

#[test]
fn an_inactive_connector_queues_and_its_queue_runs_when_it_is_active_again() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    state.deactivate("shop").unwrap();
    queue(&mut state, "live", "shop", true, 1);
    assert_eq!(state.next(&|_| 1, &[], &[], at(9_999)).unwrap(), None);
    queue(&mut state, "dry", "shop", false, 2);
    assert_eq!(
        state.next(&|_| 1, &[], &[], at(9_999)).unwrap().unwrap().id,
        "dry",
        "a dry run is always possible"
    );
    activate(&mut state, "shop", "h1");
    assert_eq!(state.next(&|_| 1, &[], &[], at(9_999)).unwrap().unwrap().id, "live");
    assert_eq!(
        state.next(&|_| 0, &[], &[], at(9_999)).unwrap().unwrap().id,
        "dry",
        "a dry run waits for nobody"
    );
    state.take("dry", 1, at(5), None).unwrap().unwrap();
    assert_eq!(state.next(&|_| 0, &[], &[], at(9_999)).unwrap(), None, "a concurrency of 0 holds the queue");
    assert_eq!(
        state.next(&|_| 1, &[], &[], at(9_999)).unwrap().unwrap().id,
        "live",
        "and keeps nobody waiting"
    );
    assert!(state.take("live", 2, at(6), Some(1)).unwrap().is_some());
}

#[test]
fn the_queue_is_fair_between_connectors() {
    let (_dir, mut state) = state();
    for name in ["a", "b"] {
        activate(&mut state, name, "h");
    }
    for (id, connector, second) in [("a1", "a", 1), ("a2", "a", 2), ("a3", "a", 3), ("b1", "b", 4)] {
        queue(&mut state, id, connector, true, second);
    }
    let mut order = Vec::new();
    let passed = state.next(&|_| 1, &[], &["a1".to_owned()], at(9_999)).unwrap().unwrap();
    assert_eq!(passed.id, "a2", "whose turn it is not keeps nobody's place");
    while let Some(next) = state.next(&|_| 2, &[], &[], at(9_999)).unwrap() {
        state.take(&next.id, 1, at(5), None).unwrap().unwrap();
        order.push(next.id);
    }
    assert_eq!(order, ["a1", "b1", "a2"], "two at once of each at most, and nobody starves");
}

#[test]
fn a_connector_that_floods_the_queue_keeps_nobody_waiting() {
    let (_dir, mut state) = state();
    for name in ["flood", "late"] {
        activate(&mut state, name, "h");
    }
    for number in 0..4 {
        queue(&mut state, &format!("flood{number}"), "flood", true, number);
    }
    let mut order = Vec::new();
    let mut second = 10;
    while let Some(next) = state.next(&|_| 1, &[], &[], at(9_999)).unwrap() {
        // One at a time: whenever a place is free, nobody runs.
        let epoch = state.take(&next.id, 1, at(second), None).unwrap().unwrap().epoch;
        let outcome =
            Outcome { state: ExecutionState::Completed, counts: None, failure: None, at: at(second) };
        state.end(&next.id, epoch, outcome).unwrap();
        if order.is_empty() {
            queue(&mut state, "late0", "late", true, 11);
            queue(&mut state, "late1", "late", true, 12);
        }
        order.push(next.id);
        second += 1;
    }
    assert_eq!(order, ["flood0", "late0", "flood1", "late1", "flood2", "flood3"]);
}

#[test]
fn a_lease_that_ran_out_makes_an_execution_interrupted_and_its_old_worker_is_not_heard() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "e", "shop", true, 1);
    let old = state.take("e", 1, at(0), None).unwrap().unwrap().epoch;
    assert_eq!(state.beat("e", old, &pace(5), at(10)).unwrap(), Some(true));
    state.find_interrupted(at(20)).unwrap();
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Running, "it was heard of");
    let late = at(10) + SignedDuration::from_secs(16);
    state.find_interrupted(late).unwrap();
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Interrupted);
    // Whoever looks finds it so; it is nobody else's yet, so a worker that was only slow goes on.
    assert_eq!(state.beat("e", old, &pace(5), late).unwrap(), Some(true));
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Running);
    state.find_interrupted(late + SignedDuration::from_secs(16)).unwrap();
    let silent = state.silent_workers(at(0)).unwrap();
    assert_eq!(silent.iter().map(|s| (s.id.as_str(), s.pid)).collect::<Vec<_>>(), [("e", 1)]);
    state.silent_worker_gone("e", 1).unwrap();
    assert_eq!(state.silent_workers(at(0)).unwrap(), [], "its end was seen");
    assert!(state.next(&|_| 1, &["e".to_owned()], &[], at(9_999)).unwrap().is_none());
    let new = state.take("e", 2, at(40), None).unwrap().unwrap().epoch;
    assert!(new > old);
    // Until the new worker has counts of its own, those stay that the old one told.
    let begun = Pace { counts: None, ..pace(0) };
    assert_eq!(state.beat("e", new, &begun, at(41)).unwrap(), Some(true));
    assert_eq!(state.execution("e").unwrap().unwrap().counts, pace(5).counts);
    assert_eq!(state.beat("e", old, &pace(6), at(41)).unwrap(), None);
    let outcome = Outcome { state: ExecutionState::Completed, counts: None, failure: None, at: at(42) };
    assert!(!state.end("e", old, outcome).unwrap(), "it is another worker's by now");
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Running);
    state.end("e", new, outcome).unwrap();
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Completed);
}

#[test]
fn a_clock_that_was_put_back_keeps_nothing_waiting() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    for id in ["dead", "next", "tried"] {
        queue(&mut state, id, "shop", true, 1);
    }
    // A day later, before the clock was put back.
    const DAY: i64 = 86_400;
    let epoch = state.take("dead", 1, at(DAY), None).unwrap().unwrap().epoch;
    assert!(state.not_taken("tried", 0, "no room", true, at(DAY)).unwrap());
    assert_eq!(state.silent_workers(at(5)).unwrap().len(), 1, "it may be there still");
    assert!(state.take("next", 2, at(5), Some(1)).unwrap().is_some(), "its place is free");
    state.find_interrupted(at(5)).unwrap();
    assert_eq!(state.execution("dead").unwrap().unwrap().state, ExecutionState::Interrupted);
    // One that is well says so at once.
    assert_eq!(state.beat("dead", epoch, &pace(1), at(5)).unwrap(), Some(true));
    state.find_interrupted(at(5)).unwrap();
    assert_eq!(state.execution("dead").unwrap().unwrap().state, ExecutionState::Running);
    let tried = state.execution("tried").unwrap().unwrap();
    assert_eq!(state.waits(&tried, 9, at(5)).unwrap(), Some(Waits::Turn(0)));
    assert!(!state.any_later(at(5)).unwrap());
    assert_eq!(state.next(&|_| 9, &[], &[], at(5)).unwrap().unwrap().id, "tried");
}

#[test]
fn cancelling_ends_what_waits_and_asks_what_runs() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "waits", "shop", true, 1);
    queue(&mut state, "runs", "shop", true, 2);
    let epoch = state.take("runs", 1, at(3), None).unwrap().unwrap().epoch;
    assert_eq!(state.cancel("waits", at(4)).unwrap(), Some(ExecutionState::Queued));
    assert_eq!(state.execution("waits").unwrap().unwrap().state, ExecutionState::Cancelled);
    assert_eq!(state.cancel("runs", at(4)).unwrap(), Some(ExecutionState::Running));
    assert_eq!(state.beat("runs", epoch, &pace(1), at(5)).unwrap(), Some(false));
    assert_eq!(state.cancel("nobody", at(4)).unwrap(), None);
    assert_eq!(state.take("waits", 1, at(6), None).unwrap(), None);
}

#[test]
fn what_was_cancelled_after_its_worker_was_gone_is_only_to_be_ended() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "e", "shop", true, 1);
    assert!(!state.take("e", 1, at(3), None).unwrap().unwrap().cancelled);
    assert!(state.worker_gone("e", 1).unwrap());
    assert_eq!(state.next_cancelled(&[], at(4)).unwrap(), None);
    assert_eq!(state.cancel("e", at(4)).unwrap(), Some(ExecutionState::Interrupted));
    assert_eq!(state.next(&|_| 1, &[], &[], at(9_999)).unwrap(), None, "it does not go on");
    let next = state.next_cancelled(&[], at(4)).unwrap().unwrap();
    assert_eq!((next.id.as_str(), next.state), ("e", ExecutionState::Interrupted));
    assert!(state.take("e", 2, at(5), None).unwrap().unwrap().cancelled);
    assert!(state.worker_gone("e", 2).unwrap());
    let next = state.next_cancelled(&[], at(6)).unwrap().unwrap();
    assert!(state.not_taken("e", next.epoch, "its folder is gone", true, at(7)).unwrap());
    let row = state.execution("e").unwrap().unwrap();
    assert_eq!((row.state, row.failure.as_deref()), (ExecutionState::Cancelled, Some("its folder is gone")));
    assert!(row.ended_at.is_some());

    queue(&mut state, "dies", "shop", true, 8);
    state.take("dies", 1, at(9), None).unwrap().unwrap();
    state.cancel("dies", at(9)).unwrap();
    for _ in 0..8 {
        state.worker_gone("dies", 1).unwrap();
        assert_eq!(state.next_cancelled(&[], at(10)).unwrap().unwrap().id, "dies");
        state.take("dies", 1, at(10), None).unwrap().unwrap();
    }
    state.worker_gone("dies", 1).unwrap();
    assert_eq!(state.next_cancelled(&[], at(11)).unwrap(), None);
    assert_eq!(state.execution("dies").unwrap().unwrap().state, ExecutionState::Cancelled);
}

fn too_much(counts: Option<&str>, second: i64) -> Outcome<'_> {
    Outcome { state: ExecutionState::Failed, counts, failure: Some("too much"), at: at(second) }
}

#[test]
fn a_limit_ends_what_runs_and_nothing_else() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "e", "shop", true, 1);
    let old = state.take("e", 1, at(3), None).unwrap().unwrap().epoch;
    let new = state.take("e", 2, at(4), None).unwrap().unwrap().epoch;
    state.ended_at_limit("e", old, too_much(None, 5)).unwrap();
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Running);
    state.ended_at_limit("e", new, too_much(None, 6)).unwrap();
    let row = state.execution("e").unwrap().unwrap();
    assert_eq!((row.state, row.failure.as_deref()), (ExecutionState::Failed, Some("too much")));
    assert_eq!(state.connector("shop").unwrap().unwrap().status, Status::NeedsAttention);
    let outcome = Outcome { state: ExecutionState::Completed, counts: None, failure: None, at: at(7) };
    assert!(!state.end("e", new, outcome).unwrap(), "it ended before");
    assert_eq!(state.execution("e").unwrap().unwrap().state, ExecutionState::Failed);
}

#[test]
fn deactivating_stops_what_runs() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "runs", "shop", true, 2);
    let epoch = state.take("runs", 1, at(3), None).unwrap().unwrap().epoch;
    state.deactivate("shop").unwrap();
    assert_eq!(state.beat("runs", epoch, &pace(1), at(5)).unwrap(), Some(false));
}

#[test]
fn several_processes_use_the_state_at_once() {
    let (dir, mut first) = state();
    activate(&mut first, "shop", "h1");
    for i in 0..20 {
        queue(&mut first, &format!("e{i:02}"), "shop", true, i);
    }
    let path = dir.path().join(".sconn/state.sqlite");
    let workers: Vec<_> = (0..4)
        .map(|pid| {
            let path = path.clone();
            std::thread::spawn(move || {
                let mut state = State::open(&path).unwrap();
                let mut take = |i| state.take(&format!("e{i:02}"), pid, at(50), None).unwrap().unwrap().epoch;
                (0..20).map(&mut take).collect::<Vec<i64>>()
            })
        })
        .collect();
    let taken: Vec<Vec<i64>> = workers.into_iter().map(|w| w.join().unwrap()).collect();
    for i in 0..20 {
        let mut epochs: Vec<i64> = taken.iter().map(|t| t[i]).collect();
        epochs.sort_unstable();
        assert_eq!(epochs, [1, 2, 3, 4], "each has an epoch of its own");
    }
}

#[test]
fn an_interrupted_execution_is_next_again_but_not_for_ever() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    for id in ["silent", "gone"] {
        queue(&mut state, id, "shop", true, 1);
        for attempt in 1..=5 {
            assert_eq!(
                state.next(&|_| 1, &[], &[], at(9_999)).unwrap().map(|e| e.id).as_deref(),
                Some(id),
                "attempt {attempt}"
            );
            assert_eq!(status(&state, "shop"), Status::Operational);
            state.take(id, 1, at(attempt * 100), None).unwrap().unwrap();
            match id {
                "silent" => state.find_interrupted(at(attempt * 100 + 50)).unwrap(),
                _ => assert!(state.worker_gone(id, 1).unwrap()),
            }
        }
        assert_eq!(state.next(&|_| 1, &[], &[], at(9_999)).unwrap(), None, "it is left to people");
        assert_eq!(status(&state, "shop"), Status::NeedsAttention);
        queue(&mut state, &format!("after {id}"), "shop", true, 1);
        run(&mut state, &format!("after {id}"), ExecutionState::Completed);
    }
}

#[test]
fn a_state_of_layout_2_is_brought_to_the_current_one() {
    let (dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "before", "shop", true, 1);
    run(&mut state, "before", ExecutionState::Completed);
    let earlier = "ALTER TABLE submissions DROP COLUMN guard_formulas; DROP INDEX executions_tried;
        DROP INDEX executions_open; ALTER TABLE executions DROP COLUMN tried_at;
        ALTER TABLE executions DROP COLUMN not_before; DROP TRIGGER executions_ended;
        CREATE TRIGGER executions_ended AFTER UPDATE OF state ON executions BEGIN SELECT 1; END;
        PRAGMA user_version = 2";
    state.connection.execute_batch(earlier).unwrap();
    drop(state);
    let mut state = State::open(&dir.path().join(".sconn/state.sqlite")).unwrap();
    let turn = "SELECT tried_at = started_at FROM executions WHERE id = 'before'";
    assert!(state.connection.query_row(turn, [], |r| r.get::<_, bool>(0)).unwrap(), "when its turn was");
    let new = NewExecution {
        id: "e",
        connector: "shop",
        version: None,
        live: false,
        folder: "e",
        triggered_by: "",
        at: at(1),
    };
    let asked = Submission { guard_formulas: true, ..Submission::default() };
    assert!(state.submit(new, &asked, None).unwrap().is_none());
    assert!(state.submission("e").unwrap().guard_formulas);
    state.cancel("e", at(2)).unwrap();
    assert!(state.ended().unwrap().iter().any(|(_, id)| id == "e"), "its end is noted");
}

#[test]
fn what_could_not_begin_is_tried_again_a_while_later_and_others_meanwhile() {
    let (_dir, mut state) = state();
    for name in ["broken", "well"] {
        activate(&mut state, name, "h");
    }
    for (id, connector) in [("b1", "broken"), ("b2", "broken"), ("w1", "well"), ("w2", "well")] {
        queue(&mut state, id, connector, true, 1);
    }
    let next =
        |state: &State, second: i64| state.next(&|_| 1, &[], &[], at(second)).unwrap().map(|row| row.id);
    assert_eq!(next(&state, 10).as_deref(), Some("b1"));
    assert!(state.not_taken("b1", 0, "no room", true, at(10)).unwrap());
    // A try is a turn.
    assert_eq!(next(&state, 10).as_deref(), Some("w1"));
    run(&mut state, "w1", ExecutionState::Completed);
    assert!(state.not_taken("b2", 0, "no room", true, at(12)).unwrap());
    assert_eq!(next(&state, 12).as_deref(), Some("w2"));
    state.cancel("w2", at(12)).unwrap();
    state.cancel("b2", at(12)).unwrap();
    // 1, 3, 9 and 27 seconds, whoever asks.
    let mut time = 12;
    for (epoch, wait) in [(1, 3), (2, 9), (3, 27)] {
        assert_eq!(next(&state, time).as_deref(), Some("b1"));
        assert!(state.not_taken("b1", epoch, "no room", true, at(time)).unwrap());
        assert!(state.any_later(at(time + wait - 1)).unwrap());
        assert_eq!(next(&state, time + wait - 1), None);
        assert!(!state.any_later(at(time + wait)).unwrap());
        time += wait;
    }
    assert_eq!(state.ended().unwrap().len(), 2, "two ended, and nobody is told of a try");
    assert!(state.not_taken("b1", 4, "no room", true, at(time)).unwrap());
    assert_eq!((next(&state, 9_999), state.any_later(at(0)).unwrap()), (None, false));
    assert!(state.execution("b1").unwrap().unwrap().left_to_people);
    assert_eq!(state.ended().unwrap().last().unwrap().1, "b1", "that it is left to people is told");
    assert_eq!(status(&state, "broken"), Status::NeedsAttention);
    state.take_up_again("b1").unwrap();
    assert_eq!(next(&state, time).as_deref(), Some("b1"), "at once, where somebody says so");
}

#[test]
fn counts_that_were_told_stay_where_a_process_was_ended() {
    let (_dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    queue(&mut state, "e", "shop", true, 1);
    let epoch = state.take("e", 1, at(2), None).unwrap().unwrap().epoch;
    state.beat("e", epoch, &pace(5), at(3)).unwrap();
    let counts = pace(6).counts;
    state.ended_at_limit("e", epoch, too_much(counts.as_deref(), 4)).unwrap();
    let row = state.execution("e").unwrap().unwrap();
    assert_eq!((row.state, row.counts), (ExecutionState::Failed, counts));
    let created = state.totals().unwrap().into_iter().find(|t| t.kind == "rows" && t.label == "created");
    assert_eq!(created.unwrap().value, 6.0, "once");
}

#[test]
fn a_state_of_a_newer_version_is_refused() {
    let (dir, state) = state();
    state.connection.execute_batch("PRAGMA user_version = 99").unwrap();
    let told = State::open(&dir.path().join(".sconn/state.sqlite")).unwrap_err();
    assert!(told.to_string().contains("newer sconn"), "{told}");
}

#[test]
fn a_slot_is_queued_once() {
    let (dir, mut state) = state();
    activate(&mut state, "shop", "h1");
    let slot = at(1_000_000);
    state.pass_slots("shop", slot - SignedDuration::from_secs(60)).unwrap();
    let path = dir.path().join(".sconn/state.sqlite");
    let queue_slot = |state: &mut State, id: &str, slot| {
        let new = NewExecution {
            id,
            connector: "shop",
            version: None,
            live: true,
            folder: id,
            triggered_by: "schedule",
            at: at(2_000_000),
        };
        state.queue_slot(slot, new).unwrap()
    };
    let queued: usize = std::thread::scope(|s| {
        let one = |n: usize| {
            let path = &path;
            s.spawn(move || usize::from(queue_slot(&mut State::open(path).unwrap(), &format!("e{n}"), slot)))
        };
        let all: Vec<_> = (0..8).map(one).collect();
        all.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!((queued, state.executions(Some("shop"), 99).unwrap().len()), (1, 1));
    assert!(!queue_slot(&mut state, "late", slot - SignedDuration::from_secs(30)), "older ones are done");
    state.deactivate("shop").unwrap();
    assert!(!queue_slot(&mut state, "off", slot + SignedDuration::from_secs(60)), "it is not active");
    assert_eq!(state.scheduled().unwrap(), []);
    // The clock was put back before it was activated again.
    activate(&mut state, "shop", "h1");
    assert!(!queue_slot(&mut state, "again", slot), "this slot has an execution");
    assert!(queue_slot(&mut state, "new", slot + SignedDuration::from_secs(60)));
}

#[test]
fn a_file_is_claimed_once_until_it_is_archived() {
    let (_dir, mut state) = state();
    let claim = Claim { watch: "w".into(), name: "a.csv".into(), mtime: 7, sha256: "h".into() };
    let claims = |state: &mut State, id: &str| {
        let new = NewExecution {
            id,
            connector: "shop",
            version: None,
            live: true,
            folder: id,
            triggered_by: "folder w",
            at: at(1),
        };
        state.queue_watched(&claim, new).unwrap()
    };
    assert!(claims(&mut state, "one"));
    assert!(!claims(&mut state, "two"));
    assert_eq!(state.execution("two").unwrap(), None, "no claim, no execution");
    state.watched_archived("one").unwrap();
    assert!(claims(&mut state, "three"), "one like it that comes now is a new one");
    let all: Vec<_> = state.watched().unwrap().into_iter().map(|w| (w.execution, w.archived)).collect();
    assert_eq!(all, [("one".to_owned(), true), ("three".to_owned(), false)]);
    state.watched_done("one").unwrap();
    assert_eq!(state.watched().unwrap().len(), 1);
}
