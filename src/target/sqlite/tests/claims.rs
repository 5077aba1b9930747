//! Who may write: one worker of an execution at a time, one chunk at a time.

use super::*;

fn key(number: u64) -> ChunkKey<'static> {
    ChunkKey { execution: "e1", step: "load people", number }
}

#[test]
fn a_worker_whose_execution_was_taken_over_writes_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut old = store(&path);
    assert_eq!(wait(old.claim("e1", None)).unwrap(), Claim { lasting: true });
    assert_eq!(wait(old.begin(key(0))).unwrap(), Begun::Open);
    wait(old.write(chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
    wait(old.commit()).unwrap();
    let mut new = store(&path);
    wait(new.claim("e1", None)).unwrap();
    let told = wait(old.begin(key(1))).unwrap_err();
    assert!(matches!(&told, TargetError::TakenOver { execution, .. } if execution == "e1"), "{told}");
    assert_eq!(wait(new.begin(key(0))).unwrap(), Begun::Committed(Receipt::default()));
    assert_eq!(wait(new.begin(key(1))).unwrap(), Begun::Open, "nothing is left open by the old one");
    wait(new.write(chunk(1, &[create(2, &[("name", text("Bea"))])]))).unwrap();
    wait(new.commit()).unwrap();
    assert_eq!(new.count("people", &[]).unwrap(), 2);
}

#[test]
fn nobody_writes_without_a_claim_or_under_that_of_another_execution() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    assert!(matches!(wait(store.begin(key(0))), Err(TargetError::TakenOver { .. })));
    wait(store.claim("e2", None)).unwrap();
    assert!(matches!(wait(store.begin(key(0))), Err(TargetError::TakenOver { .. })));
}

#[test]
fn while_a_chunk_is_open_others_read_what_was_before_and_wait_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let (mut one, mut two) = (store(&path), store(&path));
    wait(one.claim("e1", None)).unwrap();
    wait(one.begin(key(0))).unwrap();
    impatient(&mut two, Duration::from_millis(10));
    assert!(matches!(wait(two.claim("e2", None)), Err(TargetError::Io { .. })), "the file is locked");
    assert_eq!(two.count("people", &[]).unwrap(), 0);
    wait(one.abandon());
    wait(two.claim("e2", None)).unwrap();
    assert_eq!(wait(one.begin(key(0))).unwrap(), Begun::Open, "what was abandoned can be done anew");
}

#[test]
fn what_was_refused_is_told_again_when_the_chunk_is_found_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    let writes = [create(1, &[("age", text("seven"))]), create(2, &[("age", number("2"))])];
    let first = wait(commit(&mut store, chunk(0, &writes))).unwrap();
    assert_eq!(first.refused.len(), 1);
    assert_eq!(wait(store.begin(key(0))).unwrap(), Begun::Committed(first));
}
