#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::Store;
use crate::target::{Chunk, ID, Lookup, Receipt, Record, Recording, Target, TargetError, Write};
use crate::value::{FieldSchema, FieldType, ObjectSchema, Value, field_column_type};
use proptest::prelude::*;
use rusqlite::Connection;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

fn field(name: &str, ty: FieldType) -> FieldSchema {
    FieldSchema { name: name.into(), ty, required: false, unique: false, options: Vec::new() }
}

fn choice(name: &str, ty: FieldType, options: &[&str]) -> FieldSchema {
    FieldSchema { options: options.iter().map(|o| (*o).to_owned()).collect(), ..field(name, ty) }
}

fn object(name: &str, fields: Vec<FieldSchema>) -> ObjectSchema {
    ObjectSchema { name: name.into(), label: name.to_uppercase(), fields }
}

fn people() -> ObjectSchema {
    object(
        "people",
        vec![
            FieldSchema { unique: true, ..field("email", FieldType::Email) },
            field("name", FieldType::Text),
            field("age", FieldType::Integer),
            field("balance", FieldType::Decimal),
            choice("tags", FieldType::Dynamictags, &["old"]),
            choice("stage", FieldType::Status, &["new", "won"]),
        ],
    )
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn labels(labels: &[&str]) -> Value {
    Value::List(labels.iter().map(|l| text(l)).collect())
}

fn fields(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect()
}

fn create(id: u128, pairs: &[(&str, Value)]) -> Write {
    Write::Create { id: Uuid::from_u128(id), fields: fields(pairs) }
}

fn update(id: u128, pairs: &[(&str, Value)], archived: Option<bool>) -> Write {
    Write::Update { id: Uuid::from_u128(id), fields: fields(pairs), archived }
}

fn chunk<'a>(number: u64, writes: &'a [Write]) -> Chunk<'a> {
    let (execution, step, object) = ("e1", "load people", "people");
    Chunk { execution, step, number, first_row: 0, rows: 9, object, new_options: &[], writes }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

fn store(path: &Path) -> Store {
    let mut store = Store::open(path).unwrap();
    wait(store.prepare(&[people()], &[("people".into(), "name".into())])).unwrap();
    store
}

fn find(target: &mut dyn Target, field: &str, values: &[Value], columns: &[&str]) -> Vec<Vec<Arc<Record>>> {
    let columns: Vec<String> = columns.iter().map(|c| (*c).to_owned()).collect();
    wait(target.find(Lookup { object: "people", field, values, columns: &columns })).unwrap()
}

fn ids(records: &[Arc<Record>]) -> Vec<u128> {
    records.iter().map(|r| r.id.as_u128()).collect()
}

fn plain<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path).unwrap().query_row(sql, [], |r| r.get(0)).unwrap()
}

fn sentences(changes: Vec<crate::target::SchemaChange>) -> Vec<String> {
    changes.into_iter().map(|c| c.what).collect()
}

// ---- opening

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
    store.set_busy_timeout(Duration::from_millis(20)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes = [create(1, &[("name", text("Ann"))])];
    let error = wait(store.commit(chunk(0, &writes))).unwrap_err();
    assert!(matches!(&error, TargetError::Io { cause, .. } if cause.contains("locked")), "{error}");
    assert!(error.hint().contains("wait"));
    other.execute_batch("ROLLBACK").unwrap();
    wait(store.commit(chunk(0, &writes))).unwrap();
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

// ---- schema

#[test]
fn objects_fields_and_options_appear_once_and_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = Store::open(&path).unwrap();
    let mut declared = people();
    assert_eq!(
        sentences(wait(store.plan_schema(&[declared.clone()])).unwrap()),
        [r#"created object "people""#]
    );
    assert!(store.objects().unwrap().is_empty(), "planning writes nothing");
    wait(store.prepare(&[declared.clone()], &[])).unwrap();
    assert_eq!(wait(store.prepare(&[declared.clone()], &[])).unwrap(), []);
    assert_eq!(store.objects().unwrap(), [declared.clone()]);

    declared.fields.insert(0, field("region", FieldType::Text));
    declared.fields[6].options.push("lost".into());
    let told = sentences(wait(store.prepare(&[declared.clone()], &[])).unwrap());
    assert_eq!(told, [r#"added field "region""#, r#"added option "lost" to field "stage""#]);
    drop(store);
    assert_eq!(Store::open(&path).unwrap().objects().unwrap(), [declared]);
}

#[test]
fn what_is_no_longer_declared_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    wait(store.commit(chunk(0, &[create(1, &[("age", number("7"))])]))).unwrap();
    let mut fewer = people();
    fewer.fields.retain(|f| f.name != "age");
    fewer.fields.iter_mut().for_each(|f| f.options.clear());
    assert_eq!(wait(store.prepare(&[fewer.clone()], &[])).unwrap(), []);
    wait(store.prepare(&[fewer], &[])).unwrap();
    let record = store.get("people", Uuid::from_u128(1)).unwrap().unwrap();
    assert_eq!(record.fields.last(), Some(&("age".to_owned(), number("7"))));
    assert_eq!(wait(store.options("people", "stage")).unwrap(), ["new", "won"]);
}

#[test]
fn a_type_change_that_could_lose_data_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    let other = object("orders", vec![field("total", FieldType::Decimal)]);
    for (at, ty) in
        [(2, FieldType::Date), (3, FieldType::Integer), (4, FieldType::Text), (1, FieldType::Email)]
    {
        let mut changed = people();
        let from = changed.fields[at].ty.name();
        changed.fields[at].ty = ty.clone();
        let objects = [other.clone(), changed.clone()];
        let planned = wait(store.plan_schema(&objects)).unwrap_err().to_string();
        let error = wait(store.prepare(&objects, &[])).unwrap_err();
        assert_eq!(planned, error.to_string());
        for part in ["people", &changed.fields[at].name, from, ty.name()] {
            assert!(planned.contains(part), "{planned}: {part}");
        }
        assert!(error.hint().contains("another name") && error.hint().contains(from), "{}", error.hint());
    }
    assert_eq!(store.objects().unwrap(), [people()], "not even the object before it was created");
}

#[test]
fn widening_keeps_every_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let big = number("9223372036854775807");
    let first = [("age", big.clone()), ("name", text("Ann")), ("stage", text("won"))];
    wait(store.commit(chunk(0, &[create(1, &first)]))).unwrap();
    let mut wider = people();
    wider.fields[1].ty = FieldType::Longtext;
    wider.fields[2].ty = FieldType::Decimal;
    wider.fields[5].ty = FieldType::Dropdown;
    let matched = [("people".to_owned(), "age".to_owned())];
    wait(store.prepare(&[people()], &matched)).unwrap();
    assert_eq!(wait(store.prepare(&[wider], &matched)).unwrap().len(), 3);
    wait(store.commit(chunk(1, &[create(2, &[("age", number("12.50"))])]))).unwrap();
    let found = find(&mut store, "age", &[big.clone(), number("12.5")], &["age", "name", "stage"]);
    assert_eq!(found[0][0].fields, fields(&first));
    assert_eq!(ids(&found[1]), [2]);
    assert_eq!(plain::<String>(&path, "SELECT age FROM people ORDER BY _rowid_ DESC LIMIT 1"), "12.5");
    let indexed = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = '_sconn_by_people_age'";
    assert_eq!(plain::<i64>(&path, indexed), 1);
}

#[test]
fn names_of_the_stores_own_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("crm.sqlite")).unwrap();
    for name in ["_sconn_journal", "_SCONN_x", "sqlite_master", ""] {
        let refused = wait(store.prepare(&[object(name, vec![])], &[]));
        assert!(matches!(refused, Err(TargetError::Schema { .. })), "{name}");
    }
    for name in ["id", "ID", "_sconn_new", "_archived", "_rowid_", ""] {
        let refused = wait(store.prepare(&[object("a", vec![field(name, FieldType::Text)])], &[]));
        assert!(matches!(refused, Err(TargetError::Schema { .. })), "{name}");
    }
    let twins = object("a", vec![field("x", FieldType::Text), field("X", FieldType::Text)]);
    assert!(wait(store.prepare(&[twins], &[])).is_err());
    assert!(wait(store.prepare(&[object("a", vec![]), object("A", vec![])], &[])).is_err());
    let odd =
        object("or\"der; DROP", vec![field("rowid", FieldType::Text), field("select", FieldType::Text)]);
    wait(store.prepare(&[odd.clone()], &[(odd.name.clone(), "select".into())])).unwrap();
    assert_eq!(store.objects().unwrap(), [odd]);
}

// ---- writing

#[test]
fn a_chunk_is_written_once_however_often_it_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let writes = [create(1, &[("name", text("Ann"))]), update(1, &[("name", text("Bea"))], None)];
    let options = [("stage".to_owned(), "lost".to_owned()), ("stage".to_owned(), "won".to_owned())];
    let again = Chunk { new_options: &options, ..chunk(3, &writes) };
    for _ in 0..2 {
        let receipt = wait(store.commit(again.clone())).unwrap();
        assert_eq!(receipt, Receipt { visible: true, refused: vec![] });
    }
    assert_eq!(store.count("people", &[]).unwrap(), 1);
    assert_eq!(wait(store.options("people", "stage")).unwrap(), ["new", "won", "lost"]);
    let entry =
        "SELECT execution||'/'||step||'/'||chunk||'/'||rows||'/'||creates||'/'||updates FROM _sconn_journal";
    assert_eq!(plain::<String>(&path, entry), "e1/load people/3/9/1/1");
    assert_eq!(plain::<i64>(&path, "SELECT count(*) FROM _sconn_before"), 2);
}

#[test]
fn a_chunk_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for scratch in [false, true] {
        let path = dir.path().join("crm.sqlite");
        let mut store =
            if scratch { Store::scratch(dir.path()).unwrap() } else { Store::open(&path).unwrap() };
        wait(store.prepare(&[people()], &[])).unwrap();
        wait(store.commit(chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
        let writes = [
            update(1, &[("name", text("Bea"))], None),
            create(2, &[("name", text("Cid"))]),
            create(1, &[("name", text("a second one with that id"))]),
        ];
        let options = [("stage".to_owned(), "lost".to_owned())];
        let failing = Chunk { new_options: &options, ..chunk(1, &writes) };
        assert!(matches!(wait(store.commit(failing)), Err(TargetError::Io { .. })));
        assert_eq!(ids(&find(&mut store, "name", &[text("Ann")], &[])[0]), [1]);
        assert_eq!(store.count("people", &[]).unwrap(), 1);
        assert_eq!(wait(store.options("people", "stage")).unwrap(), ["new", "won"]);
        let count = |sql: &str| store.connection.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM _sconn_journal"), 1);
        assert_eq!(count("SELECT count(*) FROM _sconn_before"), 1);
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
    wait(store.commit(chunk(0, &writes))).unwrap();
    assert_eq!(plain::<i64>(&path, "SELECT count(*) FROM _sconn_before WHERE image IS NULL"), 123);
    assert_eq!(plain::<i64>(&path, "SELECT count(DISTINCT record_id) FROM _sconn_before"), 123);
    let change = [
        ("name", Value::Null),
        ("age", number("8")),
        ("tags", Value::Null),
        ("balance", number("2")),
        ("email", text("a@b.c")),
    ];
    wait(store.commit(chunk(1, &[update(1, &change, Some(true))]))).unwrap();
    let image: String = plain(&path, "SELECT image FROM _sconn_before WHERE image IS NOT NULL");
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
    let receipt = wait(store.commit(chunk(0, &writes))).unwrap();
    assert_eq!(receipt.refused.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 2, 3, 4, 5]);
    assert!(receipt.refused[0].1.contains("age") && receipt.refused[0].1.contains("seven"));
    assert_eq!(store.count("people", &[]).unwrap(), 1);
    assert_eq!(plain::<String>(&path, "SELECT creates||'/'||updates FROM _sconn_journal"), "1/0");
}

// ---- reading

#[test]
fn look_ups_answer_each_value_oldest_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    // Ids that sort against age.
    let writes: Vec<Write> = (0..1200u128)
        .map(|n| {
            create(5000 - n, &[("name", text(&format!("n{}", n % 600))), ("age", number(&n.to_string()))])
        })
        .collect();
    wait(store.commit(chunk(0, &writes))).unwrap();
    wait(store.commit(chunk(1, &[update(5000, &[], Some(true))]))).unwrap();
    let values: Vec<Value> = (0..612).rev().map(|n| text(&format!("n{n}"))).collect();
    let found = find(&mut store, "name", &values, &["age"]);
    assert_eq!(found.len(), 612);
    assert!(found[0].is_empty() && found[11].is_empty());
    assert_eq!(ids(&found[12]), [5000 - 599, 5000 - 1199]);
    assert_eq!(ids(&found[611]), [5000, 4400]);
    assert!(found[611][0].archived && !found[611][1].archived);
    assert_eq!(found[611][1].fields, fields(&[("age", number("600"))]));
    let by_id = find(&mut store, ID, &[Value::Uuid(Uuid::from_u128(5000)), Value::Uuid(Uuid::nil())], &[]);
    assert_eq!((ids(&by_id[0]), by_id[1].len()), (vec![5000], 0));
    assert_eq!(ids(&find(&mut store, "age", &[number("3.0"), number("0.5")], &[])[0]), [4997]);
    assert!(find(&mut store, "nowhere", &[text("x")], &["nope"])[0].is_empty());
}

#[test]
fn a_scan_streams_live_records_in_order_while_others_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    let writes: Vec<Write> = (0..9000u128)
        .map(|n| create(20000 - n, &[("age", number(&n.to_string())), ("tags", labels(&["a", "b"]))]))
        .collect();
    wait(store.commit(chunk(0, &writes))).unwrap();
    wait(store.commit(chunk(1, &[update(19999, &[], Some(true))]))).unwrap();
    let mut declared = people();
    declared.fields.push(field("later", FieldType::Date));
    let columns: Vec<String> = ["id", "age", "tags", "later"].map(str::to_owned).to_vec();
    let mut scan = store.scan(&declared, &columns).unwrap();
    let first = scan.next().unwrap().unwrap();
    wait(store.commit(chunk(2, &[create(1, &[])]))).unwrap();
    let rest: Vec<_> = std::thread::spawn(move || scan.map(Result::unwrap).collect()).join().unwrap();
    assert_eq!((first.num_rows(), rest.iter().map(|b| b.num_rows()).sum::<usize>()), (8192, 8999 - 8192));
    for (at, name) in ["age", "tags", "later"].iter().enumerate() {
        assert_eq!(first.column(at + 1).data_type(), &field_column_type(&declared.field(name).unwrap().ty));
    }
    let cell = |row, column: usize| crate::value::cell(first.column(column).as_ref(), row);
    assert_eq!(cell(0, 0), text(&Uuid::from_u128(20000).to_string()));
    assert_eq!((cell(1, 1), cell(1, 2), cell(1, 3)), (number("2"), text("a; b"), Value::Null));
    let counted: Vec<_> = store.scan(&declared, &[]).unwrap().map(|b| b.unwrap().num_rows()).collect();
    assert_eq!(counted, [8192, 808]);
}

#[test]
fn lists_filter_by_canonical_text_and_name_near_fields() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    let writes = [
        create(1, &[("name", text("Ann")), ("balance", number("1.50")), ("tags", labels(&["a", "b"]))]),
        create(2, &[("name", text("Bea")), ("age", number("3"))]),
        create(3, &[("name", text("Ann")), ("balance", number("2"))]),
    ];
    wait(store.commit(chunk(0, &writes))).unwrap();
    assert!(store.set_archived("people", Uuid::from_u128(3), true).unwrap());
    assert!(!store.set_archived("people", Uuid::from_u128(4), true).unwrap());
    let listed = |filter: &[(&str, &str)], limit| {
        let filter: Vec<_> = filter.iter().map(|(f, t)| ((*f).to_owned(), (*t).to_owned())).collect();
        let mut ids = Vec::new();
        store.list("people", &filter, limit, |r| {
            ids.push(r.id.as_u128());
            true
        })?;
        assert!(limit.is_some() || store.count("people", &filter)? == ids.len() as u64);
        Ok::<_, TargetError>(ids)
    };
    assert_eq!(listed(&[], None).unwrap(), [1, 2, 3]);
    assert_eq!(listed(&[], Some(2)).unwrap(), [1, 2]);
    assert_eq!(listed(&[], Some(0)).unwrap(), [0u128; 0]);
    assert_eq!(listed(&[("name", "Ann"), ("_archived", "false")], None).unwrap(), [1]);
    assert_eq!(listed(&[("balance", "1.5")], None).unwrap(), [1]);
    assert_eq!(listed(&[("balance", "")], None).unwrap(), [2]);
    assert_eq!(listed(&[("tags", "a; b")], None).unwrap(), [1]);
    assert_eq!(listed(&[("age", "three")], None).unwrap(), [0u128; 0]);
    assert_eq!(listed(&[("balnce", "1")], None).unwrap_err().hint(), "did you mean \"balance\"?");
    assert!(store.count("peple", &[]).unwrap_err().hint().contains("people"));
    let record = store.get("people", Uuid::from_u128(2)).unwrap().unwrap();
    assert_eq!(record.created_at.len(), "2024-03-04T10:00:00.000Z".len());
    assert!(record.created_at.ends_with('Z') && record.created_at == record.updated_at);
}

fn every_type() -> Vec<(FieldType, Value, &'static str)> {
    let id = Uuid::from_u128(0xabc);
    vec![
        (FieldType::Text, text("0870"), "text:0870"),
        (FieldType::Longtext, text("a\nb\u{200f}\0c"), ""),
        (FieldType::Email, text("a@b.c"), "text:a@b.c"),
        (FieldType::Phonenumber, text("+4420"), "text:+4420"),
        (FieldType::Integer, number("-9223372036854775808"), "integer:-9223372036854775808"),
        (FieldType::Decimal, number("9007199254740993.000000000001"), "text:9007199254740993.000000000001"),
        (FieldType::Money { currency: "EUR".into() }, number("-12.50"), "text:-12.5"),
        (FieldType::Date, Value::Date(jiff::civil::date(2024, 2, 29)), "text:2024-02-29"),
        (
            FieldType::Datetime,
            Value::Datetime("2024-03-04T10:00:00.123456Z".parse().unwrap()),
            "text:2024-03-04T10:00:00.123456Z",
        ),
        (FieldType::Checkbox, Value::Boolean(false), "integer:0"),
        (FieldType::Dropdown, text("x"), "text:x"),
        (FieldType::Radio, text("x"), "text:x"),
        (FieldType::Status, text("x"), "text:x"),
        (FieldType::Checkboxes, labels(&["a; b", "\"c\""]), r#"text:["a; b","\"c\""]"#),
        (FieldType::Dynamictags, labels(&["ü"]), r#"text:["ü"]"#),
        (FieldType::Rating, number("5"), "integer:5"),
        (
            FieldType::Relationship { object: "o".into() },
            Value::Uuid(id),
            "text:00000000-0000-0000-0000-000000000abc",
        ),
        (FieldType::Yesnomaybe, text("maybe"), "text:maybe"),
        (FieldType::Timezone, text("Europe/Rome"), "text:Europe/Rome"),
    ]
}

#[test]
fn a_value_of_every_type_comes_back_exactly_and_is_plain_in_sql() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let all = every_type();
    assert_eq!(all.len(), FieldType::NAMES.len());
    let schema = all.iter().enumerate().map(|(n, (ty, _, _))| field(&format!("f{n}"), ty.clone())).collect();
    let declared = object("people", schema);
    let mut store = Store::open(&path).unwrap();
    wait(store.prepare(&[declared.clone()], &[])).unwrap();
    let values: Vec<(String, Value)> =
        all.iter().enumerate().map(|(n, (_, v, _))| (format!("f{n}"), v.clone())).collect();
    let write = Write::Create { id: Uuid::from_u128(1), fields: values.iter().cloned().collect() };
    assert_eq!(wait(store.commit(chunk(0, &[write, create(2, &[])]))).unwrap().refused, []);
    assert_eq!(store.get("people", Uuid::from_u128(1)).unwrap().unwrap().fields, values);
    assert!(
        store.get("people", Uuid::from_u128(2)).unwrap().unwrap().fields.iter().all(|f| f.1 == Value::Null)
    );
    let columns: Vec<String> = values.iter().map(|(n, _)| n.clone()).collect();
    let batch = store.scan(&declared, &columns).unwrap().next().unwrap().unwrap();
    for (n, (ty, value, kept)) in all.iter().enumerate() {
        let name = format!("f{n}");
        if !kept.is_empty() {
            let sql = format!("SELECT typeof({name}) || ':' || {name} FROM people WHERE {name} IS NOT NULL");
            assert_eq!(plain::<String>(&path, &sql), *kept);
        }
        if !ty.is_multiple() {
            let found = find(&mut store, &name, std::slice::from_ref(value), &[&name]);
            assert_eq!(found[0].len(), 1, "{}", ty.name());
            assert_eq!(found[0][0].value(&name), value);
        }
        let cell = crate::value::cell(batch.column(n).as_ref(), 0);
        assert_eq!(cell.to_string(), value.to_string(), "{}", ty.name());
        assert_eq!(crate::value::cell(batch.column(n).as_ref(), 1), Value::Null);
    }
}

#[test]
fn a_value_that_another_program_spoiled_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    wait(store.commit(chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
    Connection::open(&path).unwrap().execute_batch("UPDATE people SET age = 'old'").unwrap();
    let error = store.get("people", Uuid::from_u128(1)).unwrap_err().to_string();
    assert!(error.contains("\"age\"") && error.contains("people") && error.contains("0001"), "{error}");
    let columns = ["age".to_owned()];
    assert!(store.scan(&people(), &columns).unwrap().next().unwrap().is_err());
}

proptest! {
    #[test]
    fn decimals_come_back_exactly(mantissa in any::<i64>(), high in any::<i32>(), scale in 0u32..=28) {
        let mantissa = i128::from(mantissa) * i128::from(high.max(1) % 1000 + 1);
        let value = Value::Number(Decimal::from_i128_with_scale(mantissa, scale));
        round_trip(&FieldType::Decimal, &value)?;
    }

    #[test]
    fn texts_come_back_exactly(content in "\\PC*") {
        let wanted = if content.is_empty() { Value::Null } else { Value::Text(content) };
        round_trip(&FieldType::Longtext, &wanted)?;
    }

    #[test]
    fn labels_come_back_exactly(content in proptest::collection::vec("\\PC+", 1..5)) {
        round_trip(&FieldType::Checkboxes, &Value::List(content.into_iter().map(Value::Text).collect()))?;
    }
}

/// Through SQLite itself, in a column of the type that the store gives it.
fn round_trip(ty: &FieldType, value: &Value) -> Result<(), TestCaseError> {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&format!("CREATE TABLE t(x {})", super::storage::column_type(ty))).unwrap();
    connection.execute("INSERT INTO t VALUES (?1)", [super::storage::encode(ty, value).unwrap()]).unwrap();
    let back = connection.query_row("SELECT x FROM t", [], |r| Ok(super::storage::decode(ty, r.get_ref(0)?)));
    prop_assert_eq!(back.unwrap(), Some(value.clone()));
    Ok(())
}

// ---- dry runs

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
    wait(live.commit(chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
    drop(live);
    let before = std::fs::read(&path).unwrap();
    let base = Store::open_readonly_or_empty(&path).unwrap();
    let mut dry = Recording::new(Box::new(base), scratch.path()).unwrap();
    let told = sentences(wait(dry.prepare(&[people()], &[])).unwrap());
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(dry.info().mode, "dry run");
    let writes = [update(1, &[("age", number("3"))], None), create(2, &[("name", text("Ann"))])];
    assert_eq!(wait(dry.commit(chunk(0, &writes))).unwrap(), Receipt { visible: false, refused: vec![] });
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
    wait(dry.commit(chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
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
    assert!(wait(read_only.commit(chunk(0, &[create(1, &[])]))).is_err());
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
    wait(live.commit(chunk(0, &[create(1, &first), create(2, &[("name", text("Ann"))])]))).unwrap();
    wait(live.commit(chunk(1, &[update(2, &[], Some(true))]))).unwrap();
    drop(live);
    let mut dry = recording(Store::open_read_only(&path).unwrap(), scratch.path());
    let options = [("stage".to_owned(), "lost".to_owned())];
    let writes = [
        update(1, &[("name", text("Bea"))], None),
        update(2, &[], Some(false)),
        create(3, &[("name", text("Ann"))]),
    ];
    for _ in 0..2 {
        wait(dry.commit(Chunk { new_options: &options, ..chunk(2, &writes) })).unwrap();
    }
    let found = find(&mut dry, "name", &[text("Ann"), text("Bea")], &["name", "age", "tags"]);
    assert_eq!((ids(&found[0]), ids(&found[1])), (vec![2, 3], vec![1]));
    assert!(!found[0][0].archived, "taken out of the archive");
    let mut changed = fields(&first);
    changed.insert("name".into(), text("Bea"));
    assert_eq!(found[1][0].fields, changed, "what did not change was copied");
    wait(dry.commit(chunk(3, &[update(1, &[("name", text("Cid"))], None)]))).unwrap();
    assert_eq!(ids(&find(&mut dry, "name", &[text("Bea"), text("Cid")], &[])[1]), [1]);
    assert_eq!(find(&mut dry, ID, &[Value::Uuid(Uuid::from_u128(1))], &[])[0].len(), 1);
    assert_eq!(wait(dry.options("people", "stage")).unwrap(), ["new", "won", "lost"]);
    let receipt = wait(dry.commit(chunk(4, &[update(99, &[("name", text("x"))], None)]))).unwrap();
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
