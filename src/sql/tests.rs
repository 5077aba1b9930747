//! Faults stand at their place and all of them show; results have their order and their rows' origin.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod blame;
mod clock;
mod correlated;
mod dialect;
mod functions;
mod hostile;
mod inner;
mod misread;
mod shares;
mod spill;
mod ties;
mod turns;
mod unnest;

use super::*;
use crate::system::spool::{Spool, SpoolWriter};
use crate::value::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use crate::value::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use std::path::Path;
use std::sync::Arc;

fn text_column(name: &str) -> Column {
    Column { name: name.into(), ty: DataType::Utf8 }
}

fn catalog() -> Catalog {
    let table = |schema: &str, name: &str, columns: &[&str]| Table {
        schema: schema.into(),
        name: name.into(),
        columns: columns.iter().map(|c| text_column(c)).collect(),
    };
    Catalog {
        tables: vec![
            table("input", "prices", &["vendor_code", "vendor_name", "sku", "unit_price", "updated_at"]),
            table("records", "products", &["id", "name", "sku"]),
            table("", "cleaned", &["code", "sku", "updated_at"]),
        ],
        functions: vec![
            Function {
                name: "text.code".into(),
                parameters: vec![text_column("s")],
                defaults: vec![None],
                returns: DataType::Utf8,
                body: Some("upper(trim(s))".into()),
                native: None,
            },
            Function {
                name: "text.twice".into(),
                parameters: vec![text_column("s"), text_column("t")],
                defaults: vec![None, Some("'-'".into())],
                returns: DataType::Utf8,
                body: Some("concat(text.code(s), t, s)".into()),
                native: None,
            },
        ],
        parameters: vec![text_column("region")],
    }
}

/// (code, the text at the place) of each fault.
fn faults(sql: &str) -> Vec<(&'static str, String)> {
    let planning = plan(sql, &catalog());
    planning
        .faults
        .iter()
        .map(|f| (f.code.id(), sql[f.range.start as usize..f.range.end as usize].to_owned()))
        .collect()
}

#[test]
fn a_good_block_gives_its_columns_and_reads() {
    let sql = "SELECT text.code(vendor_code) AS code, count(*) AS n, $region AS region FROM input.prices GROUP BY 1";
    let planning = plan(sql, &catalog());
    assert_eq!(planning.faults, vec![]);
    let planned = planning.planned.unwrap();
    let columns: Vec<_> = planned.columns.iter().map(|c| (c.name.as_str(), type_words(&c.ty))).collect();
    assert_eq!(columns, [("code", "text"), ("n", "integer"), ("region", "text")]);
    assert_eq!(
        planned.tables,
        vec![TableRead {
            schema: "input".into(),
            name: "prices".into(),
            columns: vec!["vendor_code".into()]
        }]
    );
    assert_eq!(planned.parameters, ["region"]);
    assert_eq!(planned.functions, ["text.code"]);
}

#[test]
fn independent_faults_of_one_block_all_show_at_their_places() {
    let found = faults(
        "SELECT vendor_cod, lowr(sku), upper(unit_price) > 5 AND true AS x\nFROM input.prices\nWHERE nothing = 1 AND $regio = sku",
    );
    assert_eq!(
        found,
        [
            ("SC0202", "vendor_cod".into()),
            ("SC0204", "lowr".into()),
            ("SC0202", "nothing".into()),
            ("SC0211", "$regio".into()),
        ]
    );
}

#[test]
fn each_kind_of_fault_has_its_code_place_and_mend() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("SELECT vendor_nam FROM input.prices", "SC0202", "vendor_nam", "did you mean `vendor_name`?"),
        ("SELECT p.skuu FROM input.prices p", "SC0202", "p.skuu", "did you mean `p.sku`?"),
        ("SELECT sku FROM prices", "SC0203", "prices", "did you mean `input.prices`?"),
        ("SELECT sku FROM input.price", "SC0203", "input.price", "did you mean `input.prices`?"),
        ("SELECT text.cod(sku) FROM input.prices", "SC0204", "text.cod", "did you mean `text.code`?"),
        ("SELECT names.first(sku) FROM input.prices", "SC0204", "names.first", "use std.names"),
        ("SELECT text.code(sku, sku) FROM input.prices", "SC0205", "text.code", "text.code(s)"),
        ("SELECT sku, count(*) FROM input.prices GROUP BY vendor_code", "SC0206", "sku", "min(sku)"),
        ("SELECT sku FROM input.prices p JOIN records.products r ON p.sku = r.sku", "SC0207", "sku", "t.sku"),
        ("INSERT INTO x VALUES (1)", "SC0208", "INSERT", "load steps"),
        ("SELECT 1; SELECT 2", "SC0208", "SELECT 2", "its own"),
        ("COPY x TO 'y'", "SC0208", "COPY", "load steps"),
        ("SELECT random() FROM input.prices", "SC0209", "random", "dry run"),
        ("SELECT * FROM '/etc/passwd'", "SC0209", "'/etc/passwd'", "--input"),
        ("SELECT sku FROM input.prices WHERE", "SC0201", "E", "bracket"),
        (
            "SELECT date_trunc(sku, sku, sku) FROM input.prices",
            "SC0205",
            "date_trunc(sku, sku, sku",
            "it takes 2 values",
        ),
        ("SELECT sku AND unit_price FROM input.prices", "SC0205", "sku AND unit_price", "CAST"),
        ("SELECT p.sku, r.sku FROM input.prices p, records.products r", "SC0212", "", "AS"),
        ("SELECT sku, vendor_code AS sku FROM input.prices", "SC0212", "", "named `sku`"),
        ("SELECT sum(sku) FROM input.prices", "SC0205", "sum(sku)", "called with text"),
        ("SELECT sku + 1 FROM input.prices", "SC0205", "sku + 1", "text + integer"),
        ("SELECT upper(sku, 2) FROM input.prices", "SC0205", "upper(sku, 2)", "it takes 1 value"),
        ("SELECT sku FROM input.prices WHERE sku", "SC0205", "sku", "this is text"),
        ("SELECT CAST(sku AS MONEY) FROM input.prices", "SC0205", "sku", "no type `MONEY`"),
        ("SELECT row_number() FROM input.prices", "SC0210", "row_number", "OVER"),
        ("SELECT sku FROM input.prices UNION SELECT 1, 2", "SC0210", "", "same columns"),
        ("SELECT * FROM 'prices.csv'", "SC0209", "'prices.csv'", "--input"),
        ("SELECT * FROM read_csv('prices.csv')", "SC0209", "read_csv", "--input"),
    ];
    for (sql, code, at, help) in cases {
        let planning = plan(sql, &catalog());
        let fault = planning.faults.first().unwrap_or_else(|| panic!("no fault in {sql}"));
        let place = &sql[fault.range.start as usize..fault.range.end as usize];
        assert_eq!(fault.code.id(), *code, "{sql}: {fault:?}");
        assert!(place.contains(at), "{sql}: {at} is not at {place:?}");
        if !at.is_empty() {
            assert!(place.len() <= at.len() + 8, "{sql}: the place is too wide: {place:?}");
        }
        let text = format!("{} {}", fault.message, fault.help.clone().unwrap_or_default());
        assert!(text.contains(help), "{sql}: {help} is not in {text}");
    }
}

#[test]
fn mending_two_expressions_does_not_make_them_namesakes() {
    let faults = plan("SELECT one(sku), two(sku) FROM input.prices", &catalog()).faults;
    assert_eq!(faults.iter().map(|f| f.code.id()).collect::<Vec<_>>(), ["SC0204", "SC0204"], "{faults:?}");
}

#[test]
fn a_faulty_column_keeps_its_name_for_what_follows() {
    let planned = plan("SELECT vendor_cod, sku FROM input.prices", &catalog()).planned.unwrap();
    let names: Vec<_> = planned.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["vendor_cod", "sku"]);
    assert_eq!(planned.columns[0].ty, DataType::Null);
}

#[test]
fn two_thousand_additions_are_a_fault_and_no_crash() {
    let sql = format!("SELECT {} FROM input.prices", vec!["1"; 2000].join("+"));
    assert_eq!(plan(&sql, &catalog()).faults[0].code.id(), "SC0213");
    let sql = format!("SELECT {}1{} FROM input.prices", "(".repeat(3000), ")".repeat(3000));
    assert_eq!(plan(&sql, &catalog()).faults[0].code.id(), "SC0213");
}

fn spool(dir: &Path, name: &str, columns: &[(&str, Vec<Option<&str>>)], rows: &[i64]) -> Spool {
    let mut fields: Vec<Field> = columns.iter().map(|(n, _)| Field::new(*n, DataType::Utf8, true)).collect();
    fields.push(Field::new(ROW, DataType::Int64, true));
    let schema = Arc::new(Schema::new(fields));
    let mut arrays: Vec<ArrayRef> =
        columns.iter().map(|(_, v)| Arc::new(StringArray::from(v.clone())) as ArrayRef).collect();
    arrays.push(Arc::new(Int64Array::from(rows.to_vec())));
    let mut writer = SpoolWriter::create(&dir.join(name), schema.clone()).unwrap();
    writer.write(&RecordBatch::try_new(schema, arrays).unwrap()).unwrap();
    writer.finish().unwrap()
}

/// The last half hour of the leap day of 2024 in UTC; for a connector in Berlin it is March.
fn present() -> Present {
    Present {
        started: "2024-02-29T23:30:00Z".parse().unwrap(),
        zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
    }
}

fn engine(
    scratch: &Path,
    functions: Vec<Function>,
    parameters: Vec<(String, datafusion::common::ScalarValue)>,
) -> Engine {
    Engine::new(SqlLimits::default(), scratch, &present(), functions, parameters).unwrap()
}

/// Runs a query over a table of five rows; gives each row's cells and where it came from.
fn run(sql: &str) -> Vec<(Vec<String>, Option<i64>)> {
    let dir = tempfile::tempdir().unwrap();
    let region = crate::sql::parameter(
        &crate::value::Value::Text("EMEA".into()),
        crate::value::DataType::one(crate::value::BaseType::String),
    );
    let mut engine = engine(dir.path(), catalog().functions, vec![("region".into(), region)]);
    let prices = spool(
        dir.path(),
        "prices",
        &[
            ("sku", ["B", "A", "C", "A", "B"].map(Some).to_vec()),
            ("price", vec![Some("2"), Some("1"), None, Some("1"), Some("9")]),
        ],
        &[2, 3, 4, 5, 6],
    );
    engine.add_input("prices", &prices);
    let others = spool(
        dir.path(),
        "others",
        &[("sku", ["A", "A", "B"].map(Some).to_vec()), ("n", ["x", "y", "z"].map(Some).to_vec())],
        &[0, 1, 2],
    );
    engine.add_output("others", &others);
    engine.add_view("cleaned", "SELECT *, text.code(sku) AS code FROM input.prices").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let out = runtime.block_on(engine.run(sql, &dir.path().join("out"), &|_| true)).unwrap().unwrap();
    let mut rows = Vec::new();
    for batch in out.read(None).unwrap() {
        let batch = batch.unwrap();
        let origin = batch.column(batch.num_columns() - 1).as_primitive::<Int64Type>().clone();
        for r in 0..batch.num_rows() {
            let cells = (0..batch.num_columns() - 1)
                .map(|c| crate::value::cell(batch.column(c).as_ref(), r).to_string());
            let origin = crate::value::arrow::array::Array::is_valid(&origin, r).then(|| origin.value(r));
            rows.push((cells.collect(), origin));
        }
    }
    rows
}

fn table(rows: &[(Vec<String>, Option<i64>)]) -> String {
    rows.iter()
        .map(|(cells, at)| format!("{}@{}", cells.join(","), at.map_or("-".into(), |a| a.to_string())))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn rows_keep_the_input_order_and_their_line() {
    assert_eq!(table(&run("SELECT sku FROM input.prices")), "B@2 A@3 C@4 A@5 B@6");
    assert_eq!(table(&run("SELECT code FROM cleaned WHERE price IS NOT NULL")), "B@2 A@3 A@5 B@6");
    assert_eq!(table(&run("SELECT $region AS r, sku FROM input.prices LIMIT 1")), "EMEA,B@2");
}

#[test]
fn order_by_wins_and_ties_fall_to_the_input() {
    assert_eq!(table(&run("SELECT sku FROM input.prices ORDER BY sku")), "A@3 A@5 B@2 B@6 C@4");
    assert_eq!(table(&run("SELECT sku FROM input.prices ORDER BY sku DESC LIMIT 2")), "C@4 B@2");
}

#[test]
fn groups_stand_where_their_first_row_stood() {
    assert_eq!(
        table(&run("SELECT sku, count(*) AS n, string_agg(price, '+') AS p FROM input.prices GROUP BY sku")),
        "B,2,2+9@2 A,2,1+1@3 C,1,@4"
    );
    assert_eq!(table(&run("SELECT DISTINCT sku FROM input.prices")), "B@2 A@3 C@4");
    assert_eq!(table(&run("SELECT count(*) AS n FROM input.prices")), "5@2");
}

#[test]
fn windows_joins_unions_and_unnest_keep_the_line() {
    let latest = "SELECT sku, price FROM input.prices QUALIFY row_number() OVER (PARTITION BY sku ORDER BY price DESC) = 1";
    assert_eq!(table(&run(latest)), "A,1@3 C,@4 B,9@6");
    assert_eq!(
        table(&run("SELECT p.sku, o.n FROM input.prices p LEFT JOIN output.others o ON o.sku = p.sku")),
        "B,z@2 A,x@3 A,y@3 C,@4 A,x@5 A,y@5 B,z@6"
    );
    assert_eq!(
        table(&run("SELECT sku FROM input.prices WHERE sku = 'C' UNION ALL SELECT n FROM output.others")),
        "x@0 y@1 z@2 C@4"
    );
    assert_eq!(
        table(&run("SELECT sku, unnest(make_array('q', 'p')) AS u FROM input.prices WHERE sku = 'C'")),
        "C,q@4 C,p@4"
    );
    assert_eq!(
        table(&run(
            "SELECT sku FROM input.prices p WHERE EXISTS (SELECT 1 FROM output.others o WHERE o.sku = p.sku AND o.n = 'z')"
        )),
        "B@2 B@6"
    );
    assert_eq!(table(&run("SELECT DISTINCT ON (sku) sku, price FROM input.prices")), "B,2@2 A,1@3 C,@4");
    assert_eq!(
        table(&run(
            "WITH w AS (SELECT * FROM cleaned) SELECT a.code FROM w a JOIN w b ON a.sku = b.sku AND b.price = '9'"
        )),
        "B@2 B@6"
    );
}

#[test]
fn a_failing_cast_is_explained_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = engine(dir.path(), vec![], vec![]);
    let table = spool(dir.path(), "t", &[("a", vec![Some("x")])], &[1]);
    engine.add_input("t", &table);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime
        .block_on(engine.run("SELECT CAST(a AS INT) AS a FROM input.t", &dir.path().join("o"), &|_| true))
        .unwrap_err();
    assert!(error.hint.unwrap().contains("TRY_CAST"));
    assert!(error.cause.contains('x'), "{}", error.cause);
}

#[test]
fn ties_fall_to_the_input_in_frames_aggregates_and_distinct_on_too() {
    assert_eq!(
        table(&run("SELECT first_value(price ORDER BY sku) AS p FROM input.prices")),
        "1@2",
        "of the rows with the smallest sku the first"
    );
    assert_eq!(table(&run("SELECT string_agg(DISTINCT sku, '') AS s FROM input.prices")), "ABC@2");
    assert_eq!(
        table(&run(
            "SELECT sku, first_value(price) OVER (PARTITION BY sku) AS p FROM input.prices WHERE sku = 'B'"
        )),
        "B,2@2 B,2@6"
    );
    assert_eq!(
        table(&run(
            "SELECT DISTINCT ON (sku) sku, price FROM input.prices ORDER BY sku DESC, price DESC LIMIT 2"
        )),
        "C,@4 B,9@6"
    );
    assert_eq!(
        table(&run(
            "SELECT sku FROM (SELECT n AS sku FROM output.others UNION ALL SELECT sku FROM input.prices) u LIMIT 2"
        )),
        "x@0 y@1"
    );
}

#[test]
fn text_compared_with_a_number_is_told() {
    let told = |sql: &str| faults(sql);
    assert_eq!(told("SELECT sku FROM input.prices WHERE unit_price > 10"), [("SC0215", "unit_price".into())]);
    assert_eq!(
        told("SELECT sku FROM input.prices WHERE 10.5 = unit_price"),
        [("SC0215", "unit_price".into())]
    );
    assert_eq!(
        told("SELECT sku FROM input.prices WHERE unit_price IN (1, 2)"),
        [("SC0215", "unit_price".into())]
    );
    assert_eq!(told("SELECT sku FROM input.prices WHERE unit_price > '10'"), []);
    assert_eq!(told("SELECT sku FROM input.prices WHERE CAST(unit_price AS INT) > 10"), []);
}

#[test]
fn what_would_be_ignored_or_changed_in_silence_is_refused() {
    assert_eq!(faults("SELECT sku FROM input.prices FOR UPDATE"), [("SC0208", "FOR UPDATE".into())]);
    assert_eq!(faults("SELECT sku INTO x FROM input.prices"), [("SC0208", "INTO".into())]);
    let planning = plan("SELECT text.code(DISTINCT sku) AS c FROM input.prices", &catalog());
    assert!(planning.faults[0].message.contains("takes values only"), "{:?}", planning.faults);
}
