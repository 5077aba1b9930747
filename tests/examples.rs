//! The examples do what their READMEs say: checked, dry, live, and live again.

use crate::common::{Run, check, counts, reasons, run, sql};
use sconn::load::{Action, FieldEffect, RowDecision};
use sconn::report::DecisionReader;
use sconn::value::Value;
use std::collections::BTreeSet;
use std::path::Path;
use uuid::Uuid;

/// What was decided about each row of a step.
fn decisions(run: &Run, step: &str) -> Vec<RowDecision> {
    let reader = DecisionReader::open(&run.out.join("decisions.parquet")).unwrap();
    reader.step(step).unwrap().map(|d| d.unwrap()).collect()
}

/// The decision about the row of this line.
fn of_line(decisions: &[RowDecision], line: u64) -> &RowDecision {
    decisions.iter().find(|d| d.source.is_some_and(|s| s.line == line)).unwrap_or_else(|| panic!("{line}"))
}

fn vendor_prices(dir: &Path, live: bool) -> Run {
    run(
        dir,
        "examples/vendor_prices/vendor_prices.sconn",
        &["examples/vendor_prices/samples/prices.csv"],
        live,
    )
}

fn fleet(dir: &Path, live: bool) -> Run {
    run(dir, "examples/fleet/fleet.sconn", &["examples/fleet/samples/fleet.zip"], live)
}

fn orders(dir: &Path, live: bool) -> Run {
    run(dir, "examples/orders_workbook/orders.sconn", &["examples/orders_workbook/samples/orders.xlsx"], live)
}

#[test]
fn every_example_checks_without_a_finding() {
    assert_eq!(check("examples"), (0, String::new()));
}

#[test]
fn vendor_prices_dry_decides_every_row_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dry = vendor_prices(dir.path(), false);
    assert_eq!(dry.code, 1, "rows with errors: {}", dry.stderr);
    assert_eq!(counts(&dry, "vendors"), [6, 0, 0, 0, 0, 2, 0]);
    assert_eq!(counts(&dry, "products"), [52, 0, 0, 0, 0, 1, 0]);
    assert_eq!(reasons(&dry, "vendors"), ["error not_an_email email 2"]);
    assert_eq!(
        reasons(&dry, "products"),
        [
            "error required sku 1",
            "warning not_a_boolean active 3",
            "warning not_a_date listed 2",
            "warning not_a_number price 4",
            "warning not_found vendor 5",
            "warning too_many_decimals price 1",
        ]
    );
    assert!(!dir.path().join("store.sqlite").exists(), "a dry run leaves no store");
}

/// Holds each decision of a dry run against that of the live run after it: the rules and what they found, the action,
/// the record, each field before and after, errors and warnings. Only the records that the live run made have an id
/// there that no dry run can know.
fn assert_same_decisions(dry: &Run, live: &Run) {
    let steps = live.summary["steps"].as_array().unwrap();
    let decided = |run: &Run| -> Vec<(String, RowDecision)> {
        let names = steps.iter().map(|s| s["name"].as_str().unwrap().to_owned());
        names.flat_map(|name| decisions(run, &name).into_iter().map(move |d| (name.clone(), d))).collect()
    };
    let (was, is) = (decided(dry), decided(live));
    let made: BTreeSet<Uuid> =
        is.iter().filter(|(_, d)| d.action == Action::Create).filter_map(|(_, d)| d.record).collect();
    assert!(was.len() == is.len() && is.len() > 10, "{} {}", was.len(), is.len());
    for ((step, was), (_, mut is)) in was.into_iter().zip(is) {
        assert!(is.committed.is_some() == is.action.writes() && was.committed.is_none(), "{step}: {is:?}");
        is.committed = None;
        if is.record.is_some_and(|id| made.contains(&id)) {
            (is.record, is.visible) = (None, false);
        }
        let is_new = |value: &Value| matches!(value, Value::Uuid(id) if made.contains(id));
        for field in &mut is.fields {
            if is_new(&field.after) {
                field.text = None;
            }
        }
        let values = is.fields.iter_mut().flat_map(|f| [&mut f.before, &mut f.after]);
        for value in values.chain(is.rules.iter_mut().map(|r| &mut r.value)).filter(|v| is_new(v)) {
            *value = Value::Text("(new record)".to_owned());
        }
        is.rules.iter_mut().for_each(|r| r.ids.retain(|id| !made.contains(id)));
        assert_eq!(was, is, "{step}");
    }
}

#[test]
fn a_dry_run_decides_what_the_live_run_then_does() {
    let dir = tempfile::tempdir().unwrap();
    for example in [vendor_prices, fleet, orders] {
        let (dry, live) = (example(dir.path(), false), example(dir.path(), true));
        assert_same_decisions(&dry, &live);
        assert_eq!(dry.summary["steps"], live.summary["steps"]);
        assert_eq!(dry.summary["scopes"], live.summary["scopes"]);
        assert_eq!(dry.summary["mode"], "dry");
        assert_eq!(live.summary["mode"], "live");
        // And once those records are there, a dry run sees them.
        let after = example(dir.path(), false);
        let again = example(dir.path(), true);
        assert_same_decisions(&after, &again);
        assert_eq!(after.summary["steps"], again.summary["steps"]);
    }
}

#[test]
fn vendor_prices_live_writes_exact_records_and_the_second_run_changes_none() {
    let dir = tempfile::tempdir().unwrap();
    let first = vendor_prices(dir.path(), true);
    assert_eq!(counts(&first, "products"), [52, 0, 0, 0, 0, 1, 0]);
    let product = |sku: &str| {
        sql(
            dir.path(),
            &format!(
                "SELECT p.price, p.active, p.listed, p.tags, p.origin, v.name FROM products p \
                 LEFT JOIN vendors v ON v.id = p.vendor WHERE p.sku = '{sku}'"
            ),
        )
    };
    // The newest of three rows, thousands separators, a leading zero, a link to a vendor of this run.
    assert_eq!(product("0870"), ["1199|1|2024-01-15|[\"new\",\"sale\"]|price list|Acme Hardware Ltd"]);
    // 2^53 + 1 is exact, and so is a cent.
    assert_eq!(product("Q-4")[0].split('|').next(), Some("9007199254740993"));
    assert_eq!(product("NRD-003"), ["0.05|1|NULL|NULL|price list|Nørdisk Stål A/S"]);
    // Text stays text.
    assert_eq!(
        sql(dir.path(), "SELECT count(*) FROM products WHERE sku IN ('0870', '00012', 'SEPT2', '1E2')"),
        ["4"]
    );
    // A value that does not fit leaves its field alone.
    assert_eq!(product("ACM-8")[0].split('|').next(), Some("NULL"));
    assert_eq!(sql(dir.path(), "SELECT name FROM vendors WHERE code = 'NL1'"), ["Van der Berg\nPapier B.V."]);

    let second = vendor_prices(dir.path(), true);
    assert_eq!(counts(&second, "vendors"), [0, 0, 6, 0, 0, 2, 0]);
    assert_eq!(counts(&second, "products"), [0, 0, 52, 0, 0, 1, 0]);
    assert_eq!(sql(dir.path(), "SELECT count(*) FROM products"), ["52"]);
    assert_eq!(sql(dir.path(), "SELECT count(*) FROM vendors"), ["6"]);
}

#[test]
fn fleet_loads_real_data_and_links_planes_to_their_makers() {
    let dir = tempfile::tempdir().unwrap();
    let first = fleet(dir.path(), true);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(counts(&first, "airlines"), [16, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts(&first, "airports"), [1458, 0, 0, 0, 0, 0, 0]);
    assert_eq!(counts(&first, "planes"), [3322, 0, 0, 0, 0, 0, 0]);
    // Coordinates with more decimals than a number has are told, never rounded.
    assert_eq!(
        reasons(&first, "airports"),
        ["warning too_many_decimals lat 9", "warning too_many_decimals lon 6"]
    );
    // NA is no value.
    let missing = sql(dir.path(), "SELECT count(*) FROM planes WHERE year IS NULL");
    assert_eq!(missing, ["70"]);
    let makers = "SELECT count(*) FROM planes p JOIN manufacturers m ON m.id = p.manufacturer";
    assert_eq!(sql(dir.path(), makers), ["3322"]);
    let second = fleet(dir.path(), true);
    for (step, rows) in [("airlines", 16), ("airports", 1458), ("planes", 3322)] {
        assert_eq!(counts(&second, step), [0, 0, rows, 0, 0, 0, 0], "{step}");
    }
}

#[test]
fn orders_link_parents_and_children_and_take_an_order_out_of_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let first = orders(dir.path(), true);
    assert_eq!(counts(&first, "customers"), [5, 0, 2, 0, 0, 1, 0]);
    assert_eq!(counts(&first, "orders"), [7, 0, 0, 0, 0, 1, 0]);
    assert_eq!(counts(&first, "order_lines"), [13, 0, 0, 0, 0, 1, 0]);
    assert_eq!(first.summary["rejected"]["count"], 1);
    let parents = "SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.\"order\" JOIN customers c ON c.id = o.customer";
    assert_eq!(sql(dir.path(), parents), ["11"]);

    let id = sql(dir.path(), "SELECT id FROM orders WHERE number = '1002'").remove(0);
    let store = dir.path().join("store.sqlite");
    let archived =
        crate::common::sconn(&["records", "archive", "orders", &id, "--target", store.to_str().unwrap()]);
    assert_eq!(archived.code, 0, "{}", archived.stderr);
    let second = orders(dir.path(), true);
    assert_eq!(
        counts(&second, "orders"),
        [0, 0, 6, 1, 0, 1, 0],
        "one is unarchived, the others are unchanged"
    );
    assert_eq!(sql(dir.path(), "SELECT count(*) FROM orders WHERE _archived = 1"), ["0"]);
    let third = orders(dir.path(), true);
    assert_eq!(counts(&third, "orders"), [0, 0, 7, 0, 0, 1, 0]);
}

#[test]
fn the_dirt_of_the_price_list_becomes_what_its_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let live = vendor_prices(dir.path(), true);
    let one = |query: &str| sql(dir.path(), query).join("\n");
    // Codes in any case and with spaces are one vendor; quotes, commas and scripts are kept.
    assert_eq!(
        one("SELECT group_concat(code) FROM (SELECT code FROM vendors ORDER BY code)"),
        "ACM,JPN,MUE,NL1,NRD,QUO"
    );
    assert_eq!(one("SELECT name FROM vendors WHERE code = 'QUO'"), "The \"Quality\" Office, Inc.");
    assert_eq!(one("SELECT name FROM vendors WHERE code = 'JPN'"), "東京文具株式会社");
    // Both ways of writing a day; a day that is none, and a year of two digits, leave the field empty.
    assert_eq!(one("SELECT listed FROM products WHERE sku = '00012'"), "2024-01-31");
    assert_eq!(one("SELECT listed FROM products WHERE sku = '4711'"), "2023-12-24");
    assert_eq!(one("SELECT count(*) FROM products WHERE listed IS NULL AND sku IN ('NRD-003', '4715')"), "2");
    // Prices: thousands, a full-width digit, three decimals.
    assert_eq!(one("SELECT price FROM products WHERE sku = 'ACM-9'"), "1000000");
    assert_eq!(one("SELECT count(*) FROM products WHERE price IS NULL AND sku IN ('ペン-03', 'MAR-1')"), "2");
    // Tags grow; no price is for people.
    let schema = crate::common::sconn(&[
        "schema",
        "show",
        "--target",
        dir.path().join("store.sqlite").to_str().unwrap(),
    ]);
    assert!(
        schema.stdout.contains("[\"new\", \"sale\", \"clearance\", \"bundle\", \"eco\"]"),
        "{}",
        schema.stdout
    );
    assert_eq!(live.summary["scopes"][2]["rows"], 3);

    let products = decisions(&live, "products");
    let missing = of_line(&products, 46);
    assert_eq!(
        (missing.action, missing.errors[0].message.as_str()),
        (Action::Error, "sku: a value is required, and there is none")
    );
    assert!(missing.record.is_none());
    // Nothing of the row is written, and its texts are told.
    assert!(missing.fields.iter().all(|f| f.effect == FieldEffect::LeftAlone && f.after.is_blank()));
    let price = missing.fields.get(2).and_then(|f| f.text.as_deref());
    assert_eq!(price, Some("5.00"), "{missing:?}");
    let created = of_line(&products, 10);
    assert_eq!(
        (created.action, created.decided_by, created.committed.map(|c| c.chunk)),
        (Action::Create, Some(0), Some(0))
    );
    assert_eq!(created.warnings[0].text, "12.345,00");
    assert_eq!(
        vec![created.record.unwrap().to_string()],
        sql(dir.path(), "SELECT id FROM products WHERE sku = 'ACM-8'")
    );
    // The newest of three rows is the one that counts.
    assert!(products.iter().all(|d| d.source.unwrap().line != 2));
    assert_eq!(of_line(&products, 3).action, Action::Create);
    let again = vendor_prices(dir.path(), true);
    assert_eq!(of_line(&decisions(&again, "products"), 10).action, Action::Unchanged);
}

#[test]
fn the_fleet_in_the_store_is_the_fleet_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    fleet(dir.path(), true);
    for (file, query) in [
        ("airlines", "SELECT code, name FROM airlines"),
        ("airports", "SELECT faa, name, lat, lon, alt, utc_offset, dst, tzone FROM airports"),
        (
            "planes",
            "SELECT p.tailnum, p.year, p.kind, m.name, p.model, p.engines, p.seats, p.speed, p.engine \
             FROM planes p JOIN manufacturers m ON m.id = p.manufacturer",
        ),
    ] {
        let mut stored = sql(dir.path(), query);
        let mut reader = csv::Reader::from_path(format!("examples/fleet/samples/{file}.csv")).unwrap();
        let mut wanted: Vec<String> = reader
            .records()
            .map(|r| {
                let cells = r.unwrap();
                let cells = cells.iter().enumerate().map(|(column, cell)| match cell {
                    "NA" => "NULL".to_owned(),
                    // Coordinates that an exact number cannot hold are left out; zeros at the end are none.
                    number if file == "airports" && (2..=5).contains(&column) => coordinate(number),
                    text => text.to_owned(),
                });
                cells.collect::<Vec<_>>().join("|")
            })
            .collect();
        stored.sort();
        wanted.sort();
        assert_eq!(stored.len(), wanted.len());
        for (stored, wanted) in stored.iter().zip(&wanted) {
            assert_eq!(stored, wanted, "{file}");
        }
    }
    // The grouping agrees with the planes.
    let off = "SELECT count(*) FROM manufacturers m WHERE m.planes <> (SELECT count(*) FROM planes p WHERE p.manufacturer = m.id)";
    assert_eq!(sql(dir.path(), off), ["0"]);
    assert_eq!(sql(dir.path(), "SELECT count(*) FROM manufacturers"), ["35"]);
}

fn coordinate(text: &str) -> String {
    match text.split_once('.') {
        Some((_, decimals)) if decimals.len() > 12 => "NULL".into(),
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text.to_owned(),
    }
}

#[test]
fn the_orders_become_what_their_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let live = orders(dir.path(), true);
    assert_eq!(live.code, 1);
    assert_eq!(
        [reasons(&live, "customers"), reasons(&live, "orders"), reasons(&live, "order_lines")].concat(),
        [
            "error required customer_email 1",
            "error required customer_email 1",
            "warning not_a_boolean gift 1",
            "warning not_a_date ordered_on 1",
            "warning unknown_option handling 1",
            "warning unknown_option status 1",
            "error not_a_number quantity 1",
            "warning not_found order 2",
            "warning too_many_decimals price 1",
            "warning too_many_decimals quantity 1",
        ]
    );
    // One customer, three orders: the first row creates her, the others find her in the same run.
    let customers = decisions(&live, "customers");
    let hers: Vec<_> = [2, 3, 8].map(|line| of_line(&customers, line)).to_vec();
    assert_eq!(
        hers.iter().map(|d| d.action).collect::<Vec<_>>(),
        [Action::Create, Action::Unchanged, Action::Unchanged]
    );
    assert!(hers.iter().all(|d| d.record == hers[0].record));
    let numbers =
        "SELECT o.number, c.email FROM orders o JOIN customers c ON c.id = o.customer ORDER BY o.number";
    assert_eq!(
        sql(dir.path(), numbers),
        [
            "0042|lukasz@nowak.example",
            "1001|ada@example.com",
            "1002|ada@example.com",
            "1003|taro@tokyo.example",
            "1004|ada@example.com",
            "1E3|soeren@oe.example",
            "A-7|zoe@mueller.example",
        ]
    );
    assert_eq!(
        sql(
            dir.path(),
            "SELECT number, status, gift, handling FROM orders WHERE number IN ('1001', '1002', 'A-7', '1003') ORDER BY 1"
        ),
        [
            "1001|paid|1|[\"rush\"]",
            "1002|open|0|[\"rush\",\"fragile\"]",
            "1003|paid|NULL|NULL",
            "A-7|NULL|0|[\"fragile\"]"
        ]
    );
    assert_eq!(
        sql(dir.path(), "SELECT flags FROM order_lines WHERE sku = 'PAP-A4'"),
        ["[\"sale\",\"bulk\"]"]
    );
    assert_eq!(
        sql(dir.path(), "SELECT count(*) FROM order_lines WHERE quantity IS NULL AND sku = 'Q-4'"),
        ["1"]
    );
    assert_eq!(live.summary["rejected"]["examples"][0]["line"], 13);
    assert_eq!(live.summary["scopes"][2]["rows"], 2);

    // An archived match: the row takes its order out of the archive, and says so.
    let id = sql(dir.path(), "SELECT id FROM orders WHERE number = '1002'").remove(0);
    let store = dir.path().join("store.sqlite");
    crate::common::sconn(&["records", "archive", "orders", &id, "--target", store.to_str().unwrap()]);
    let again = orders(dir.path(), true);
    let decided = decisions(&again, "orders");
    let back = of_line(&decided, 3);
    assert!(matches!(back.action, Action::Unarchive | Action::UnarchiveAndUpdate), "{:?}", back.action);
    assert_eq!(back.record.unwrap().to_string(), id);
    assert!(
        decided
            .iter()
            .filter(|d| d.action != Action::Error && d.row != back.row)
            .all(|d| d.action == Action::Unchanged)
    );
}
