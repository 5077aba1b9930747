//! Schema.

use super::*;

#[test]
fn objects_fields_and_options_appear_once_and_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = Store::open(&path).unwrap();
    let mut declared = people();
    assert_eq!(sentences(wait(store.plan_schema(&[declared.clone()])).unwrap()), ["a new object"]);
    assert!(store.objects().unwrap().is_empty(), "planning writes nothing");
    wait(store.prepare(&[declared.clone()], &[])).unwrap();
    assert_eq!(wait(store.prepare(&[declared.clone()], &[])).unwrap(), []);
    assert_eq!(store.objects().unwrap(), [declared.clone()]);

    declared.fields.insert(0, field("region", FieldType::Text));
    declared.fields[6].options.push("lost".into());
    let told = sentences(wait(store.prepare(&[declared.clone()], &[])).unwrap());
    assert_eq!(told, ["a new field `region`", "a new option `lost` of `stage`"]);
    drop(store);
    assert_eq!(Store::open(&path).unwrap().objects().unwrap(), [declared]);
}

#[test]
fn what_is_no_longer_declared_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    wait(commit(&mut store, chunk(0, &[create(1, &[("age", number("7"))])]))).unwrap();
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
fn a_field_becomes_unique_only_where_its_values_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(&dir.path().join("crm.sqlite"));
    let aged = |n| create(n, &[("age", number("7"))]);
    wait(commit(&mut store, chunk(0, &[aged(1), aged(2), create(3, &[])]))).unwrap();
    let mut unique = people();
    unique.fields.iter_mut().filter(|f| f.name == "age").for_each(|f| f.unique = true);
    let objects = [unique];
    let planned = wait(store.plan_schema(&objects)).unwrap_err();
    let error = wait(store.prepare(&objects, &[])).unwrap_err();
    assert_eq!(planned.to_string(), error.to_string());
    assert!(error.to_string().contains("`age` is to be unique, and 2 records have `7` there"), "{error}");
    assert!(error.hint().contains("archive all but one"), "{}", error.hint());
    assert_eq!(store.objects().unwrap(), [people()]);
    // What is archived does not count.
    store.set_archived("people", Uuid::from_u128(2), true).unwrap();
    assert_eq!(wait(store.prepare(&objects, &[])).unwrap(), []);
    assert_eq!(store.objects().unwrap(), objects);
}

#[test]
fn widening_keeps_every_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crm.sqlite");
    let mut store = store(&path);
    let big = number("9223372036854775807");
    let first = [("age", big.clone()), ("name", text("Ann")), ("stage", text("won"))];
    wait(commit(&mut store, chunk(0, &[create(1, &first)]))).unwrap();
    let mut wider = people();
    wider.fields[1].ty = FieldType::Longtext;
    wider.fields[2].ty = FieldType::Decimal;
    wider.fields[5].ty = FieldType::Dropdown;
    let matched = [("people".to_owned(), "age".to_owned())];
    wait(store.prepare(&[people()], &matched)).unwrap();
    assert_eq!(wait(store.prepare(&[wider], &matched)).unwrap().len(), 3);
    wait(commit(&mut store, chunk(1, &[create(2, &[("age", number("12.50"))])]))).unwrap();
    let found = find(&mut store, "age", &[big.clone(), number("12.5")], &["age", "name", "stage"]);
    assert_eq!(found[0][0].fields, fields(&first));
    assert_eq!(ids(&found[1]), [2]);
    assert_eq!(plain::<String>(&path, "SELECT age FROM people ORDER BY _rowid_ DESC LIMIT 1"), "12.5");
    let indexed =
        "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = '_sconn_by_6_people_age'";
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
    wait(store.prepare(std::slice::from_ref(&odd), &[(odd.name.clone(), "select".into())])).unwrap();
    assert_eq!(store.objects().unwrap(), [odd]);
}
