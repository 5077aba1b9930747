//! Queries that read the row around them: answered right, or refused.

use super::*;

// The tables of `run`: sku B A C A B, price 2 1 - 1 9; and of others: sku A A B, n x y z.

/// The help of the one fault.
fn refused(sql: &str) -> String {
    let planning = plan(sql, &catalog());
    assert_eq!(planning.faults.len(), 1, "{sql}: {:?}", planning.faults);
    assert_eq!(planning.faults[0].code.id(), "SC0210", "{sql}");
    planning.faults[0].help.clone().unwrap_or_default()
}

#[test]
fn what_would_be_done_over_the_rows_of_all_is_refused() {
    let lateral =
        |query: &str| format!("SELECT t.sku, z.n FROM input.prices t CROSS JOIN LATERAL ({query}) z");
    let exists = |query: &str| format!("SELECT t.sku FROM input.prices t WHERE EXISTS ({query})");
    let within = |query: &str| format!("SELECT t.sku FROM input.prices t WHERE t.unit_price IN ({query})");
    let value = |query: &str| format!("SELECT t.sku, ({query}) AS v FROM input.prices t");
    let from = "FROM records.products u WHERE u.sku = t.sku";
    let window = format!("SELECT count(*) OVER () AS n {from}");
    let qualify = format!("SELECT u.id AS n {from} QUALIFY row_number() OVER (ORDER BY u.id DESC) = 1");
    for query in [&window, &qualify] {
        assert!(refused(&lateral(query)).contains("PARTITION BY"), "{query}");
        assert!(refused(&exists(query)).contains("PARTITION BY"), "{query}");
    }
    assert!(refused(&within(&qualify)).contains("PARTITION BY"));
    assert!(refused(&value(&format!("SELECT max(n) FROM ({window}) w"))).contains("PARTITION BY"));
    let having = format!("SELECT count(*) AS n {from} HAVING count(*) > 1");
    assert!(refused(&lateral(&having)).contains("WHERE z.n > 1"));
    let all = format!("SELECT max(u.id) {from}");
    for sql in [
        exists(&all),
        exists(&having),
        format!("SELECT t.sku FROM input.prices t WHERE NOT EXISTS ({all})"),
        within(&all),
    ] {
        assert!(refused(&sql).contains("compare with its value"), "{sql}");
    }
    assert!(refused(&exists(&format!("SELECT 1 {from} OFFSET 5"))).contains("number the rows"));
    let not_in = format!("SELECT t.sku FROM input.prices t WHERE t.unit_price NOT IN (SELECT u.id {from})");
    assert!(refused(&not_in).contains("NOT EXISTS"));
    assert!(refused(&not_in.replace("t.unit_price NOT IN", "NOT t.unit_price IN")).contains("NOT EXISTS"));
    let outer = format!("SELECT p.id AS n FROM input.prices i LEFT JOIN (SELECT * {from}) p ON p.id = i.sku");
    assert!(refused(&lateral(&outer)).contains("join that side"));
    for fine in [
        lateral(&format!("SELECT count(*) AS n {from}")),
        lateral(&format!("SELECT u.id AS n {from}")),
        lateral(&format!("SELECT u.name AS n {from} GROUP BY u.name HAVING count(*) > 1")),
        lateral("SELECT n FROM (SELECT sku, row_number() OVER (PARTITION BY sku ORDER BY id) AS n FROM records.products) u WHERE u.sku = t.sku"),
        exists(&format!("SELECT u.name {from} GROUP BY u.name HAVING count(*) > 1")),
        exists(&format!("SELECT 1 {from} LIMIT 1")),
        within(&format!("SELECT u.id {from}")),
        value(&format!("SELECT max(u.id) {from}")),
        "SELECT t.sku FROM input.prices t WHERE EXISTS (SELECT max(id) FROM records.products)".to_owned(),
        "SELECT t.sku FROM input.prices t WHERE 0 = (SELECT count(*) FROM records.products u WHERE u.sku = t.sku)".to_owned(),
    ] {
        assert_eq!(faults(&fine), [], "{fine}");
    }
}

#[test]
fn what_is_said_instead_of_a_window_in_lateral_is_right() {
    let latest = "SELECT p.sku, z.n FROM input.prices p \
                  JOIN (SELECT *, row_number() OVER (PARTITION BY sku ORDER BY n DESC) AS r FROM output.others) z \
                  ON z.sku = p.sku AND z.r = 1";
    assert_eq!(table(&run(latest)), "B,z@2 A,y@3 A,y@5 B,z@6");
    let having = "SELECT p.sku, z.n FROM input.prices p CROSS JOIN LATERAL \
                  (SELECT count(*) AS n FROM output.others o WHERE o.sku = p.sku) z WHERE z.n > 1";
    assert_eq!(table(&run(having)), "A,2@3 A,2@5");
    let none =
        "SELECT sku FROM input.prices p WHERE 0 = (SELECT count(*) FROM output.others o WHERE o.sku = p.sku)";
    assert_eq!(table(&run(none)), "C@4");
}

#[test]
fn lateral_rows_are_in_order() {
    let lateral = |query: &str| {
        let sql = format!("SELECT p.sku, z.v FROM input.prices p LEFT JOIN LATERAL ({query}) z ON true");
        table(&run(&sql))
    };
    let from = "FROM output.others o WHERE o.sku = p.sku";
    assert_eq!(lateral(&format!("SELECT o.n AS v {from}")), "B,z@2 A,x@3 A,y@3 C,@4 A,x@5 A,y@5 B,z@6");
    assert_eq!(
        lateral(&format!("SELECT string_agg(o.n, '+') AS v {from}")),
        "B,z@2 A,x+y@3 C,@4 A,x+y@5 B,z@6"
    );
    assert_eq!(
        lateral(&format!("SELECT string_agg(o.n, '+' ORDER BY o.n DESC) AS v {from}")),
        "B,z@2 A,y+x@3 C,@4 A,y+x@5 B,z@6"
    );
    assert_eq!(lateral(&format!("SELECT first_value(o.n) AS v {from}")), "B,z@2 A,x@3 C,@4 A,x@5 B,z@6");
    assert_eq!(lateral(&format!("SELECT count(*) AS v {from}")), "B,1@2 A,2@3 C,0@4 A,2@5 B,1@6");
    assert_eq!(
        lateral(
            "SELECT o.r AS v FROM (SELECT sku, row_number() OVER () AS r FROM output.others) o WHERE o.sku = p.sku"
        ),
        "B,3@2 A,1@3 A,2@3 C,@4 A,1@5 A,2@5 B,3@6"
    );
}

#[test]
fn recursive_queries_begin_and_go_on_in_order() {
    assert_eq!(
        table(&run("WITH RECURSIVE r AS (SELECT 1 AS i, string_agg(sku, '') AS s FROM input.prices \
             UNION ALL SELECT i + 1, s || 'x' FROM r WHERE i < 2) SELECT i, s FROM r")),
        "1,BACAB@- 2,BACABx@-"
    );
    assert_eq!(
        table(&run("WITH RECURSIVE r AS (SELECT sku, row_number() OVER () AS n FROM input.prices \
             UNION ALL SELECT sku, n + 10 FROM r WHERE n < 3) SELECT sku, n FROM r ORDER BY n")),
        "B,1@- A,2@- C,3@- A,4@- B,5@- B,11@- A,12@-"
    );
    assert_eq!(
        table(&run("WITH RECURSIVE r AS (SELECT 1 AS i, '' AS s UNION ALL \
             SELECT r.i + 1, p.s FROM r CROSS JOIN (SELECT string_agg(sku, '') AS s FROM input.prices) p WHERE r.i < 2) \
             SELECT i, s FROM r")),
        "1,@- 2,BACAB@-"
    );
}
