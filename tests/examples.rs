//! The examples do what their READMEs say: checked, dry, live, and live again.

use crate::common::{Run, check, counts, reasons, run, sql};
use std::path::Path;

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

#[test]
fn a_dry_run_decides_what_the_live_run_then_does() {
    let dir = tempfile::tempdir().unwrap();
    for example in [vendor_prices, fleet, orders] {
        let (dry, live) = (example(dir.path(), false), example(dir.path(), true));
        assert_eq!(dry.summary["steps"], live.summary["steps"]);
        assert_eq!(dry.summary["scopes"], live.summary["scopes"]);
        assert_eq!(dry.summary["mode"], "dry run");
        assert_eq!(live.summary["mode"], "live");
        // And once those records are there, a dry run sees them.
        let after = example(dir.path(), false);
        let again = example(dir.path(), true);
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
