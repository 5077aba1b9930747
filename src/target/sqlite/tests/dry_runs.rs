//! Dry runs.

use super::*;

fn recording(base: Store, dir: &Path) -> Recording {
    let mut recording = Recording::new(Box::new(base), dir).unwrap();
    wait(recording.prepare(&[people()], &[])).unwrap();
    recording
}

#[test]
fn a_dry_run_leaves_the_file_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut live = Store::open(&path).unwrap();
    wait(live.prepare(&[object("people", vec![field("name", FieldType::Text)])], &[])).unwrap();
    wait(commit(&mut live, chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
    drop(live);
    let before = std::fs::read(&path).unwrap();
    let base = Store::open_readonly_or_empty(&path).unwrap();
    let mut dry = Recording::new(Box::new(base), scratch.path()).unwrap();
    let told = sentences(wait(dry.prepare(&[people()], &[])).unwrap());
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(dry.info().mode, "dry run");
    let writes = [update(1, &[("age", number("3"))], None), create(2, &[("name", text("Ann"))])];
    assert_eq!(wait(commit(&mut dry, chunk(0, &writes))).unwrap(), Receipt::default());
    let found = find(&mut dry, "name", &[text("Ann")], &["age"]);
    assert_eq!(ids(&found[0]), [1, 2]);
    drop(dry);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    assert_eq!(Store::open(&path).unwrap().objects().unwrap()[0].fields.len(), 1);
}

#[test]
fn a_dry_run_into_a_missing_file_leaves_it_missing() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut dry = recording(Store::open_readonly_or_empty(&path).unwrap(), scratch.path());
    wait(commit(&mut dry, chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
    assert_eq!(ids(&find(&mut dry, "name", &[text("Ann")], &[])[0]), [1]);
    assert_eq!(dry.scan(&people(), &["id".to_owned()]).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_store_opened_for_reading_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    drop(store(&path));
    let mut read_only = Store::open_read_only(&path).unwrap();
    assert!(wait(commit(&mut read_only, chunk(0, &[create(1, &[])]))).is_err());
    let mut empty = Store::open_readonly_or_empty(&dir.path().join("none")).unwrap();
    assert!(wait(empty.prepare(&[people()], &[])).is_err());
}

#[test]
fn a_recording_sees_its_own_writes_and_hides_the_old_version() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut live = store(&path);
    let first = [("name", text("Ann")), ("age", number("7")), ("tags", labels(&["a"]))];
    wait(commit(&mut live, chunk(0, &[create(1, &first), create(2, &[("name", text("Ann"))])]))).unwrap();
    wait(commit(&mut live, chunk(1, &[update(2, &[], Some(true))]))).unwrap();
    drop(live);
    let mut dry = recording(Store::open_read_only(&path).unwrap(), scratch.path());
    let options = [("stage".to_owned(), "lost".to_owned())];
    let writes = [
        update(1, &[("name", text("Bea"))], None),
        update(2, &[], Some(false)),
        create(3, &[("name", text("Ann"))]),
    ];
    for _ in 0..2 {
        wait(commit(&mut dry, Chunk { new_options: &options, ..chunk(2, &writes) })).unwrap();
    }
    let found = find(&mut dry, "name", &[text("Ann"), text("Bea")], &["name", "age", "tags"]);
    assert_eq!((ids(&found[0]), ids(&found[1])), (vec![2, 3], vec![1]));
    assert!(!found[0][0].archived, "taken out of the archive");
    let mut changed = fields(&first);
    changed.insert("name".into(), text("Bea"));
    assert_eq!(found[1][0].fields, changed, "what did not change was copied");
    wait(commit(&mut dry, chunk(3, &[update(1, &[("name", text("Cid"))], None)]))).unwrap();
    assert_eq!(ids(&find(&mut dry, "name", &[text("Bea"), text("Cid")], &[])[1]), [1]);
    assert_eq!(find(&mut dry, ID, &[Value::Uuid(Uuid::from_u128(1))], &[])[0].len(), 1);
    assert_eq!(wait(dry.options("people", "stage")).unwrap(), ["new", "won", "lost"]);
    let receipt = wait(commit(&mut dry, chunk(4, &[update(99, &[("name", text("x"))], None)]))).unwrap();
    assert_eq!(receipt.refused.len(), 1, "there is no such record anywhere");
}

#[test]
fn a_recording_refuses_what_a_live_run_would() {
    let dir = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    drop(store(&path));
    let mut dry = Recording::new(Box::new(Store::open_read_only(&path).unwrap()), scratch.path()).unwrap();
    let mut changed = people();
    changed.fields[2].ty = FieldType::Date;
    assert!(matches!(wait(dry.prepare(&[changed], &[])), Err(TargetError::Schema { .. })));
}
