//! Reading.

use super::*;

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
    wait(commit(&mut store, chunk(0, &writes))).unwrap();
    wait(commit(&mut store, chunk(1, &[update(5000, &[], Some(true))]))).unwrap();
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
    wait(commit(&mut store, chunk(0, &writes))).unwrap();
    wait(commit(&mut store, chunk(1, &[update(19999, &[], Some(true))]))).unwrap();
    let mut declared = people();
    declared.fields.push(field("later", FieldType::Date));
    let columns: Vec<String> = ["id", "age", "tags", "later"].map(str::to_owned).to_vec();
    let mut scan = store.scan(&declared, &columns).unwrap();
    let first = scan.next().unwrap().unwrap();
    wait(commit(&mut store, chunk(2, &[create(1, &[])]))).unwrap();
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
    wait(commit(&mut store, chunk(0, &writes))).unwrap();
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
    let told = listed(&[("age", "three")], None).unwrap_err();
    assert!(told.to_string().contains("\"three\" is no value of \"age\""), "{told}");
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
    wait(store.prepare(std::slice::from_ref(&declared), &[])).unwrap();
    let values: Vec<(String, Value)> =
        all.iter().enumerate().map(|(n, (_, v, _))| (format!("f{n}"), v.clone())).collect();
    let write = Write::Create(Arc::new(Record {
        id: Uuid::from_u128(1),
        archived: false,
        fields: values.iter().map(|(n, v)| (n.as_str().into(), v.clone())).collect(),
    }));
    assert_eq!(wait(commit(&mut store, chunk(0, &[write, create(2, &[])]))).unwrap().refused, []);
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
    wait(commit(&mut store, chunk(0, &[create(1, &[("name", text("Ann"))])]))).unwrap();
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
    connection
        .execute_batch(&format!("CREATE TABLE t(x {})", crate::target::sqlite::storage::column_type(ty)))
        .unwrap();
    connection
        .execute("INSERT INTO t VALUES (?1)", [crate::target::sqlite::storage::encode(ty, value).unwrap()])
        .unwrap();
    let back = connection
        .query_row("SELECT x FROM t", [], |r| Ok(crate::target::sqlite::storage::decode(ty, r.get_ref(0)?)));
    prop_assert_eq!(back.unwrap(), Some(value.clone()));
    Ok(())
}
