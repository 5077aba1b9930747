//! Writing.

use super::*;

#[test]
fn a_chunk_is_written_once_however_often_it_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let writes = [create(1, &[("name", text("Ann"))]), update(1, &[("name", text("Bea"))], None)];
    let options = [("stage".to_owned(), "lost".to_owned()), ("stage".to_owned(), "won".to_owned())];
    let again = Chunk { new_options: &options, ..chunk(3, &writes) };
    for _ in 0..2 {
        let receipt = wait(commit(&mut store, again.clone())).unwrap();
        assert_eq!(receipt, Receipt::default());
    }
    assert_eq!(store.count("people", &[]).unwrap(), 1);
    assert_eq!(wait(store.options("people", "stage")).unwrap(), ["new", "won", "lost"]);
    let entry =
        "SELECT execution||'/'||step||'/'||chunk||'/'||rows||'/'||creates||'/'||updates FROM _sconn_journal";
    assert_eq!(plain::<String>(&path, entry), "e1/load people/3/9/1/1");
    assert_eq!(plain::<i64>(&path, "SELECT count(*) FROM _sconn_before"), 1, "of the update");
}

#[test]
fn a_chunk_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for scratch in [false, true] {
        let path = dir.path().join("crm.sqlite");
        let mut store =
            if scratch { Store::scratch(dir.path()).unwrap() } else { Store::open(&path).unwrap() };
        wait(store.prepare(&[people()], &[])).unwrap();
        wait(commit(&mut store, chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
        let writes = [
            update(1, &[("name", text("Bea"))], None),
            create(2, &[("name", text("Cid"))]),
            create(1, &[("name", text("a second one with that id"))]),
        ];
        let options = [("stage".to_owned(), "lost".to_owned())];
        let failing = Chunk { new_options: &options, ..chunk(1, &writes) };
        assert!(matches!(wait(commit(&mut store, failing)), Err(TargetError::Io { .. })));
        assert_eq!(ids(&find(&mut store, "name", &[text("Ann")], &[])[0]), [1]);
        assert_eq!(store.count("people", &[]).unwrap(), 1);
        assert_eq!(wait(store.options("people", "stage")).unwrap(), ["new", "won"]);
        let count = |sql: &str| store.connection.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM _sconn_journal"), 1);
        assert_eq!(count("SELECT count(*) FROM _sconn_before"), 0);
    }
}

#[test]
fn before_images_hold_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let first = [
        ("name", text("Ann")),
        ("age", number("7")),
        ("tags", labels(&["a", "b"])),
        ("balance", number("1.50")),
    ];
    let writes: Vec<Write> = (1..=123).map(|id| create(id, if id == 1 { &first } else { &[] })).collect();
    wait(commit(&mut store, chunk(0, &writes))).unwrap();
    // What was created is told by its ids.
    let created = "SELECT count(*) FROM people, _sconn_journal WHERE id BETWEEN created_from AND created_to";
    assert_eq!(plain::<i64>(&path, created), 123);
    assert_eq!(plain::<i64>(&path, "SELECT count(*) FROM _sconn_before"), 0);
    let change = [
        ("name", Value::Null),
        ("age", number("8")),
        ("tags", Value::Null),
        ("balance", number("2")),
        ("email", text("a@b.c")),
    ];
    wait(commit(&mut store, chunk(1, &[update(1, &change, Some(true))]))).unwrap();
    let image: String = plain(&path, "SELECT image FROM _sconn_before");
    let image: serde_json::Value = serde_json::from_str(&image).unwrap();
    let before =
        serde_json::json!({"age": 7, "balance": "1.5", "email": null, "name": "Ann", "tags": ["a", "b"]});
    assert_eq!(image, serde_json::json!({"fields": before, "archived": false}));
    let record = store.get("people", Uuid::from_u128(1)).unwrap().unwrap();
    assert!(record.archived && record.fields[1].1 == Value::Null && record.fields[2].1 == number("8"));
}

#[test]
fn a_write_that_cannot_be_stored_is_refused_and_the_others_stand() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let writes = [
        create(1, &[("age", text("seven"))]),
        create(2, &[("age", number("2"))]),
        create(3, &[("age", number("2.5"))]),
        update(9, &[("age", number("1"))], None),
        update(2, &[("nope", text("x"))], None),
        create(4, &[("age", number("9223372036854775808"))]),
    ];
    let receipt = wait(commit(&mut store, chunk(0, &writes))).unwrap();
    assert_eq!(receipt.refused.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
    assert!(receipt.refused[0].1.contains("age") && receipt.refused[0].1.contains("seven"));
    assert_eq!(store.count("people", &[]).unwrap(), 1);
    assert_eq!(plain::<String>(&path, "SELECT creates||'/'||updates FROM _sconn_journal"), "1/0");
}
