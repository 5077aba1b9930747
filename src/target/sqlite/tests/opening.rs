//! Opening.

use super::*;

#[test]
fn a_missing_file_is_created_with_the_promised_settings() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let store = Store::open(&path).unwrap();
    let asked = |sql: &str| -> String {
        store
            .connection
            .query_row(sql, [], |r| r.get::<_, rusqlite::types::Value>(0))
            .map(|v| format!("{v:?}"))
            .unwrap()
    };
    assert_eq!(asked("PRAGMA journal_mode"), r#"Text("wal")"#);
    assert_eq!(asked("PRAGMA synchronous"), "Integer(2)");
    assert_eq!(asked("PRAGMA foreign_keys"), "Integer(0)");
    assert_eq!(asked("PRAGMA user_version"), "Integer(1)");
    assert_eq!(store.info().mode, "live");
    drop(store);
    assert!(Store::open_existing(&path).is_ok());
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.sqlite");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs(x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(&error, TargetError::Open { cause, .. } if cause.contains("another program")),
        "{error}"
    );
    assert!(!error.hint().is_empty());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.csv");
    let csv = "name,age\n".repeat(500);
    std::fs::write(&path, &csv).unwrap();
    for opened in [Store::open(&path), Store::open_existing(&path), Store::open_read_only(&path)] {
        let error = opened.unwrap_err();
        assert!(
            matches!(&error, TargetError::Open { cause, .. } if cause.contains("not a SQLite")),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), csv);
}

#[test]
fn a_newer_layout_a_missing_file_and_a_missing_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    drop(Store::open(&path).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    assert!(Store::open(&path).unwrap_err().to_string().contains("newer"));
    let missing = dir.path().join("none.sqlite");
    assert!(matches!(Store::open_existing(&missing), Err(TargetError::Open { .. })));
    assert!(matches!(Store::open(&dir.path().join("no/x.sqlite")), Err(TargetError::Open { .. })));
    assert!(!missing.exists());
}

#[test]
fn a_locked_file_is_an_error_with_a_hint_and_works_again_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    impatient(&mut store, Duration::from_millis(20));
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes = [create(1, &[("name", text("Ann"))])];
    let error = wait(commit(&mut store, chunk(0, &writes))).unwrap_err();
    assert!(matches!(&error, TargetError::Io { cause, .. } if cause.contains("locked")), "{error}");
    assert!(error.hint().contains("wait"));
    other.execute_batch("ROLLBACK").unwrap();
    wait(commit(&mut store, chunk(0, &writes))).unwrap();
    assert_eq!(store.count("people", &[]).unwrap(), 1);
}

#[test]
fn a_scratch_store_goes_away_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::scratch(dir.path()).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    drop(store);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
