//! What the engine would answer wrong is refused at its place, and nothing else.

use super::*;

fn only(sql: &str) -> String {
    let found = faults(sql);
    assert_eq!(found.len(), 1, "{sql}: {found:?}");
    assert_eq!(found[0].0, "SC0210", "{sql}");
    found[0].1.clone()
}

const LIST: &str = "(SELECT sku FROM records.products)";

fn wheres(condition: &str) -> String {
    format!("SELECT sku FROM input.prices WHERE {}", condition.replace("LIST", LIST))
}

fn joined(condition: &str) -> String {
    let on = condition.replace("LIST", "(SELECT code FROM cleaned)");
    format!("SELECT i.sku FROM input.prices i JOIN records.products p ON p.sku = i.sku AND {on}")
}

#[test]
fn in_with_a_query_stands_where_a_missing_value_makes_no_difference() {
    for condition in [
        "unit_price = '1' OR sku NOT IN LIST",
        "NOT (unit_price = '1' OR sku IN LIST)",
        "(sku NOT IN LIST) IS TRUE",
        "(sku IN LIST) IS FALSE",
        "(sku IN LIST) IS NULL",
        "(sku IN LIST) IS UNKNOWN",
        "(sku IN LIST) = (unit_price = '1')",
        "(sku IN LIST) <> true",
        "coalesce(sku IN LIST, true)",
        "CASE WHEN sku IN LIST THEN unit_price = '1' ELSE true END",
        "NOT (sku NOT IN LIST)",
        "(sku IN LIST) IN (SELECT id = '1' FROM records.products)",
        "NULL NOT IN LIST",
        "nullif(1, 1) NOT IN LIST",
    ] {
        assert!(only(&wheres(condition)).contains("IN"), "{condition}");
    }
    for condition in [
        "sku NOT IN LIST",
        "unit_price = '1' AND (sku NOT IN LIST)",
        "NOT (sku IN LIST)",
        "sku IN LIST OR unit_price = '1'",
        "unit_price = '1' AND (unit_price = '2' OR sku IN LIST) AND sku NOT IN LIST",
        "EXISTS (SELECT 1 FROM records.products p WHERE p.id = unit_price AND p.sku NOT IN LIST)",
        "NOT EXISTS (SELECT 1 FROM records.products p WHERE p.id = unit_price AND p.sku IN LIST)",
        "(NOT EXISTS LIST) IS TRUE",
    ] {
        assert_eq!(faults(&wheres(condition)), [], "{condition}");
    }
    for condition in ["(i.sku NOT IN LIST OR p.id = '1')", "(i.sku IN LIST) IS NULL"] {
        assert!(only(&joined(condition)).contains("IN"), "{condition}");
    }
    assert_eq!(faults(&joined("i.unit_price IN LIST")), []);
}

#[test]
fn a_column_of_both_sides_is_not_taken_from_one() {
    let join = |how: &str| format!("SELECT p.name FROM input.prices i {how}");
    assert_eq!(only(&join("FULL JOIN records.products p USING (sku)")), "sku");
    assert_eq!(only(&join("RIGHT JOIN records.products p USING (sku)")), "sku");
    only(&join("NATURAL FULL JOIN records.products p"));
    for how in ["LEFT JOIN records.products p USING (sku)", "FULL JOIN records.products p ON p.sku = i.sku"] {
        assert_eq!(faults(&join(how)), [], "{how}");
    }
}

#[test]
fn sets_that_count_rows_are_refused() {
    let both = |op: &str| format!("SELECT sku FROM input.prices {op} SELECT sku FROM records.products");
    assert_eq!(only(&both("EXCEPT ALL")), "EXCEPT ALL");
    assert_eq!(only(&both("intersect all")), "intersect all");
    assert_eq!(
        only(&format!("SELECT * FROM ({} EXCEPT ALL (SELECT '1')) e", both("UNION ALL"))),
        "EXCEPT ALL"
    );
    for op in ["EXCEPT", "INTERSECT", "UNION ALL", "UNION"] {
        assert_eq!(faults(&both(op)), [], "{op}");
    }
    // What the help says instead.
    let numbered =
        |table: &str| format!("SELECT sku, row_number() OVER (PARTITION BY sku) AS n FROM {table}");
    let instead =
        format!("SELECT sku FROM ({} EXCEPT {}) e", numbered("input.prices"), numbered("output.others"));
    assert_eq!(table(&run(&instead)), "C@4 B@6");
}

#[test]
fn unnest_in_from_is_told_where_it_stands() {
    for from in [
        "CROSS JOIN UNNEST(string_to_array(t.sku, ';')) AS e(v)",
        ", UNNEST(string_to_array(sku, ';')) AS e(v)",
        "CROSS JOIN LATERAL (SELECT unnest(string_to_array(t.sku, ';')) AS v) AS e",
        "CROSS JOIN LATERAL unnest(string_to_array(t.sku, ';')) AS e(v)",
    ] {
        let planning = plan(&format!("SELECT t.sku FROM input.prices t {from}"), &catalog());
        assert_eq!(planning.faults.len(), 1, "{from}: {:?}", planning.faults);
        let help = planning.faults[0].help.as_deref().unwrap_or_default();
        assert!(help.contains("FROM (SELECT *, unnest(…) AS e FROM t)"), "{from}: {help}");
    }
    assert_eq!(faults("SELECT v FROM UNNEST(make_array(1, 2)) AS e(v)"), []);
}

#[test]
fn names_that_number_the_rows_are_taken() {
    for name in ["__row", "__sconn_1", "__sconn_place"] {
        let found = faults(&format!("SELECT sku AS {name} FROM input.prices"));
        assert_eq!(found, [("SC0106", name.into())]);
        let found = faults(&format!("SELECT sku FROM (SELECT sku, 1 AS {name} FROM input.prices) p"));
        assert_eq!(found, [("SC0106", name.into())]);
    }
}

#[test]
fn what_only_a_run_would_find_is_told_by_the_check() {
    let found = faults(
        "SELECT lag(sku, 1, (SELECT max(sku) FROM records.products)) OVER (ORDER BY sku) AS l FROM input.prices",
    );
    assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), ["SC0210"], "{found:?}");
}
