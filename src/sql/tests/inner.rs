//! Queries inside expressions have the order that all others have.

use super::*;

// The table of `run`: sku B A C A B, price 2 1 - 1 9.

#[test]
fn scalar_queries_take_the_first_row_of_the_input() {
    assert_eq!(
        table(&run("SELECT (SELECT sku FROM input.prices LIMIT 1) AS s FROM output.others")),
        "B@0 B@1 B@2"
    );
    assert_eq!(
        table(&run(
            "SELECT (SELECT sku FROM input.prices ORDER BY price DESC NULLS LAST LIMIT 1) AS s FROM output.others LIMIT 1"
        )),
        "B@0"
    );
    assert_eq!(
        table(&run("SELECT (SELECT string_agg(sku, '') FROM input.prices) AS s FROM output.others LIMIT 1")),
        "BACAB@0"
    );
    assert_eq!(
        table(&run(
            "SELECT (SELECT last_value(sku) FROM cleaned WHERE price = '1') AS s, n FROM output.others WHERE n = 'y'"
        )),
        "A,y@1"
    );
    assert_eq!(
        table(&run(
            "SELECT (SELECT array_to_string(array_agg(sku), '') FROM input.prices) FROM output.others LIMIT 1"
        )),
        "BACAB@0"
    );
}

#[test]
fn correlated_queries_are_in_order_too() {
    assert_eq!(
        table(&run(
            "SELECT sku, (SELECT string_agg(o.n, '+') FROM output.others o WHERE o.sku = p.sku) AS n FROM input.prices p"
        )),
        "B,z@2 A,x+y@3 C,@4 A,x+y@5 B,z@6"
    );
    assert_eq!(
        table(&run(
            "SELECT n FROM output.others o WHERE n < (SELECT coalesce(first_value(p.price), '') || 'y' FROM input.prices p WHERE p.sku = o.sku)"
        )),
        ""
    );
    assert_eq!(
        table(&run(
            "SELECT n, (SELECT first_value(p.price ORDER BY p.price DESC) FROM input.prices p WHERE p.sku = o.sku) AS p FROM output.others o"
        )),
        "x,1@0 y,1@1 z,9@2"
    );
}

#[test]
fn which_rows_are_in_a_limited_list_is_no_chance() {
    assert_eq!(
        table(&run("SELECT n FROM output.others WHERE sku IN (SELECT sku FROM input.prices LIMIT 1)")),
        "z@2"
    );
    assert_eq!(
        table(&run("SELECT n FROM output.others WHERE sku NOT IN (SELECT sku FROM input.prices LIMIT 1)")),
        "x@0 y@1"
    );
    assert_eq!(
        table(&run(
            "SELECT sku FROM input.prices WHERE EXISTS (SELECT 1 FROM output.others o WHERE o.sku = input.prices.sku LIMIT 1)"
        )),
        "B@2 A@3 A@5 B@6"
    );
    assert_eq!(
        table(&run(
            "SELECT n FROM output.others o WHERE EXISTS (SELECT 1 FROM (SELECT sku FROM input.prices LIMIT 1) f WHERE f.sku = o.sku)"
        )),
        "z@2"
    );
}

#[test]
fn an_inner_query_that_the_engine_cannot_run_is_told_by_the_check() {
    let found = faults(
        "SELECT sku, (SELECT r.name FROM records.products r WHERE r.sku = p.sku ORDER BY r.id LIMIT 1) AS n FROM input.prices p",
    );
    assert_eq!(found, [("SC0210", "r.sku = p.sku".into())]);
    let found = faults(
        "SELECT CASE WHEN sku IN (SELECT sku FROM records.products) THEN 'y' END AS y FROM input.prices",
    );
    assert_eq!(found, [("SC0210", "sku IN (SELECT sku FROM records.products)".into())]);
    let fine = "SELECT sku, (SELECT first_value(r.name ORDER BY r.id) FROM records.products r WHERE r.sku = p.sku) AS n \
                FROM input.prices p WHERE EXISTS (SELECT 1 FROM records.products r WHERE r.sku = p.sku LIMIT 1)";
    assert_eq!(faults(fine), []);
}
