//! A query that fails while it runs says which expression it was, with which value of which row.

use super::*;

const PRICES: [(&str, [&str; 5]); 4] = [
    ("sku", ["A", "B", "C", "D", "E"]),
    ("price", ["1", "2.50", "abc", "4", "xyz"]),
    ("count", ["1", "0", "3", "4", "5"]),
    ("day", ["2024-01-01", "2024-01-02", "2024-01-03", "soon", "2024-01-05"]),
];

/// (view, the text at fault, what is said, the row) of a query that fails.
fn failure(views: &[(&str, &str)], sql: &str) -> (Option<String>, String, String, Option<i64>) {
    let dir = tempfile::tempdir().unwrap();
    let money = Function {
        name: "money".into(),
        parameters: vec![text_column("s")],
        defaults: vec![None],
        returns: DataType::Utf8,
        body: Some("CAST(s AS DECIMAL(10, 2))".into()),
        native: None,
    };
    let mut engine = engine(dir.path(), vec![money], vec![]);
    let columns: Vec<(&str, Vec<Option<&str>>)> =
        PRICES.iter().map(|(n, v)| (*n, v.iter().map(|t| Some(*t)).collect())).collect();
    engine.add_input("prices", &spool(dir.path(), "prices", &columns, &[2, 3, 4, 5, 6]));
    for (name, text) in views {
        engine.add_view(name, text).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let error = runtime
        .block_on(engine.run(sql, &dir.path().join("o"), &|_| true))
        .map(|_| panic!("{sql} does not fail"))
        .unwrap_err();
    let text = match &error.view {
        Some(view) => views.iter().find(|(n, _)| n == view).unwrap().1,
        None => sql,
    };
    let at = error.range.map_or("", |r| &text[r.start as usize..r.end as usize]);
    (error.view, at.to_owned(), error.cause, error.row)
}

#[test]
fn the_expression_is_found_with_its_value_and_row() {
    let number = "CAST: the text 'abc' is not an exact number";
    let cases: &[(&str, &str, &str, Option<i64>)] = &[
        (
            "SELECT CAST(price AS DECIMAL(10, 2)) AS p FROM input.prices",
            "CAST(price AS DECIMAL(10, 2))",
            number,
            Some(4),
        ),
        (
            "SELECT sku, price::DECIMAL(10, 2) AS p, upper(sku) AS u FROM input.prices",
            "price::DECIMAL(10, 2)",
            number,
            Some(4),
        ),
        (
            "SELECT CAST(count AS INT) AS n, sku, CAST(trim(price) AS DECIMAL(10, 2)) AS p FROM input.prices",
            "CAST(trim(price) AS DECIMAL(10, 2))",
            number,
            Some(4),
        ),
        (
            "SELECT sku FROM input.prices WHERE CAST(count AS INT) > 0 AND CAST(price AS DECIMAL(10, 2)) > 1",
            "CAST(price AS DECIMAL(10, 2))",
            number,
            Some(4),
        ),
        (
            "SELECT sum(CAST(count AS INT)) AS n, max(CAST(price AS DECIMAL(10, 2))) AS p FROM input.prices",
            "CAST(price AS DECIMAL(10, 2))",
            number,
            Some(4),
        ),
        (
            "SELECT 10 / CAST(count AS INT) AS n, 7 / CAST('7' AS INT) AS m FROM input.prices",
            "10 / CAST(count AS INT)",
            "something is divided by zero",
            None,
        ),
        (
            "SELECT CAST(count AS INT) AS n, CAST(day AS DATE) AS d FROM input.prices",
            "CAST(day AS DATE)",
            "CAST: the text 'soon' is not a date",
            Some(5),
        ),
        (
            "SELECT CAST(count AS INT) AS n, to_date(day) AS d FROM input.prices",
            "to_date(day)",
            "a text is not a date",
            None,
        ),
        (
            "SELECT CAST(count AS DECIMAL(38, 0)) * CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) AS n FROM input.prices",
            "CAST(count AS DECIMAL(38, 0)) * CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0))",
            "the result is too large",
            None,
        ),
        (
            "SELECT regexp_like(sku, '(' || sku) AS m, lower(sku) AS l FROM input.prices",
            "regexp_like(sku, '(' || sku)",
            "the regular expression `(A` cannot be read: unclosed group",
            None,
        ),
        (
            "SELECT CAST(count AS INT) AS n, money(price) AS p FROM input.prices",
            "money(price)",
            "is not an exact number",
            None,
        ),
        (
            "WITH w AS (SELECT CAST(price AS DECIMAL(10, 2)) AS p, count FROM input.prices) \
             SELECT p, CAST(count AS INT) AS n FROM w",
            "CAST(price AS DECIMAL(10, 2))",
            number,
            Some(4),
        ),
    ];
    for (sql, place, cause, row) in cases {
        let (view, at, said, found) = failure(&[], sql);
        assert_eq!((view, at.as_str(), found), (None, *place, *row), "{sql}: {said}");
        assert!(said.contains(cause), "{sql}: {said}");
    }
}

#[test]
fn the_first_row_of_the_input_is_told_among_those_that_the_query_keeps() {
    let (_, at, said, row) = failure(
        &[],
        "SELECT CAST(price AS DECIMAL(10, 2)) AS p, CAST(count AS INT) AS n FROM input.prices WHERE sku > 'C'",
    );
    assert_eq!((at.as_str(), row), ("CAST(price AS DECIMAL(10, 2))", Some(6)));
    assert_eq!(said, "CAST: the text 'xyz' is not an exact number");
}

#[test]
fn a_view_at_fault_is_named() {
    let views = [
        ("raw", "SELECT sku, CAST(count AS INT) AS n, price FROM input.prices"),
        ("priced", "SELECT sku, n, CAST(price AS DECIMAL(10, 2)) AS p FROM raw"),
    ];
    let (view, at, said, row) = failure(&views, "SELECT sku, CAST(sku AS TEXT) AS s, p FROM priced");
    assert_eq!(
        (view.as_deref(), at.as_str(), row),
        (Some("priced"), "CAST(price AS DECIMAL(10, 2))", Some(4)),
        "{said}"
    );
    let (view, at, ..) = failure(&views, "SELECT CAST(price AS INT) AS i FROM raw");
    assert_eq!((view, at.as_str()), (None, "CAST(price AS INT)"));
}

#[test]
fn a_silent_conversion_is_found_too() {
    let (_, at, said, _) = failure(&[], "SELECT sku FROM input.prices WHERE price > 10 AND sku = 'C'");
    assert_eq!(at, "price > 10", "{said}");
}
