//! Habits of other dialects: what is said, and that following it works.

use super::super::dialect::FUNCTIONS;
use super::*;

/// The one fault of a query: code, place, message and help.
fn only(sql: &str) -> (&'static str, String, String, String) {
    let found = plan(sql, &catalog()).faults;
    let [fault] = found.as_slice() else { panic!("{sql}: {found:?}") };
    let place = sql[fault.range.start as usize..fault.range.end as usize].to_owned();
    (fault.code.id(), place, fault.message.clone(), fault.help.clone().unwrap_or_default())
}

#[test]
fn what_is_written_instead_of_a_foreign_function_can_be_planned() {
    for (names, instead) in FUNCTIONS {
        let sql = format!(
            "SELECT {instead} AS r FROM (SELECT sku AS x, sku AS y, 1.5 AS n, DATE '2024-01-01' AS d, \
             DATE '2024-01-02' AS e, true AS c FROM input.prices) t"
        );
        assert_eq!(faults(&sql), [], "{names:?}");
    }
}

#[test]
fn each_habit_is_told_with_what_to_write() {
    for (sql, code, at, message, help) in [
        (
            "SELECT TOP 5 sku FROM input.prices",
            "SC0210",
            "TOP",
            "this SQL has no TOP",
            "write `LIMIT 5` at the end of the query",
        ),
        (
            "SELECT sku FROM input.prices FETCH FIRST 5 ROWS ONLY",
            "SC0210",
            "FETCH",
            "this SQL has no FETCH",
            "write `LIMIT 5`",
        ),
        (
            "SELECT sku FROM input.prices MINUS SELECT sku FROM records.products",
            "SC0210",
            "MINUS",
            "this SQL has no MINUS",
            "write `EXCEPT`",
        ),
        (
            "SELECT CONVERT(sku, INT) AS n FROM input.prices",
            "SC0210",
            "CONVERT",
            "this SQL has no CONVERT",
            "write `CAST(sku AS INT)`",
        ),
        (
            "SELECT TRY_CONVERT(INT, sku) AS n FROM input.prices",
            "SC0210",
            "TRY_CONVERT",
            "this SQL has no TRY_CONVERT",
            "write `TRY_CAST(sku AS INT)`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku REGEXP 'a'",
            "SC0210",
            "REGEXP",
            "this SQL has no REGEXP",
            "write `regexp_like(sku, 'a')`",
        ),
        (
            "SELECT sku FROM input.prices CONNECT BY PRIOR sku = unit_price",
            "SC0210",
            "CONNECT",
            "this SQL has no CONNECT BY",
            "write `WITH RECURSIVE t AS (SELECT … UNION ALL SELECT … FROM t JOIN …) SELECT * FROM t`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = N'a'",
            "SC0210",
            "N'a'",
            "this SQL has no texts with N before them",
            "write `'a'`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = 'a' && sku = 'b'",
            "SC0210",
            "&&",
            "this SQL has no `&&`",
            "write `AND`",
        ),
        (
            "SELECT isnull(sku, 'a') AS s FROM input.prices",
            "SC0204",
            "isnull",
            "there is no function `isnull`",
            "write `coalesce(x, y)`",
        ),
        (
            "SELECT len(sku) AS s FROM input.prices",
            "SC0204",
            "len",
            "there is no function `len`",
            "write `length(x)`",
        ),
        (
            "SELECT sysdate AS s FROM input.prices",
            "SC0202",
            "sysdate",
            "there is no column `sysdate`",
            "write `now()`",
        ),
        (
            "SELECT 1 AS n FROM dual",
            "SC0203",
            "dual",
            "there is no table `dual`",
            "leave FROM out: `SELECT 1 AS n` makes one row",
        ),
        (
            "DECLARE @x INT = 5",
            "SC0208",
            "DECLARE",
            "DECLARE is not a query",
            "a value from outside is a parameter: `param name: string`, and `$name` in the query",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = :id",
            "SC0211",
            ":id",
            "there is no parameter `:id`",
            "write `$id`, and declare it: `param id: string`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = :region",
            "SC0211",
            ":region",
            "there is no parameter `:region`",
            "write `$region`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = @region",
            "SC0211",
            "@region",
            "there is no variable `@region`",
            "write `$region`",
        ),
        (
            "SELECT sku FROM input.prices WHERE sku = ?",
            "SC0211",
            "?",
            "there is no parameter `?`",
            "parameters have names: write `$name`, and declare it: `param name: string`",
        ),
        (
            "SELECT 7 DIV 2 AS n",
            "SC0201",
            "DIV",
            "this SQL cannot be read: `DIV` is not expected here",
            "write `floor(a / b)`",
        ),
        (
            "SELECT sku || 'a' AS s FROM [input].prices",
            "SC0201",
            "[",
            "this SQL cannot be read: expected: identifier, found: [",
            "a name stands in double quotes, as in \"Unit Price\"",
        ),
        (
            "SELECT \u{200B}sku FROM input.prices",
            "SC0201",
            "\u{200B}",
            "an invisible character stands here: U+200B",
            crate::text::DELETE_INVISIBLE,
        ),
    ] {
        assert_eq!(only(sql), (code, at.to_owned(), message.to_owned(), help.to_owned()), "{sql}");
    }
    for sql in [
        "SELECT * FROM input.prices PIVOT (sum(unit_price) FOR sku IN ('a', 'b'))",
        "SELECT * FROM input.prices UNPIVOT (v FOR n IN (sku, unit_price))",
        "SELECT sku FROM input.prices PREWHERE sku = 'a'",
        "SELECT sku FROM input.prices GROUP BY sku WITH ROLLUP",
        "SELECT sku FROM input.prices FOR JSON PATH",
        "SELECT * ILIKE 's%' FROM input.prices",
        "SELECT p.sku FROM input.prices p CROSS APPLY (SELECT 1 AS a) z",
        "SELECT sku COLLATE nocase AS s FROM input.prices",
        "SELECT * FROM OPENJSON('[]')",
        "SELECT sku -> 'a' AS s FROM input.prices",
        "SELECT sku ->> 'a' AS s FROM input.prices",
        "SELECT array_transform(string_to_array(sku, ','), x -> upper(x)) AS r FROM input.prices",
    ] {
        let (code, _, message, help) = only(sql);
        assert!(
            code == "SC0210" && message.starts_with("this SQL has no ") && !help.is_empty(),
            "{sql}: {message}"
        );
    }
}

#[test]
fn calls_are_refused_for_what_is_wrong_with_them() {
    let text = "input columns are text: convert first, as in ";
    for (call, message, help) in [
        (
            "round(sku)",
            "`round` cannot be called with text",
            format!("{text}round(CAST(x AS DECIMAL(12, 4)), 2)"),
        ),
        (
            "round(sku, 2)",
            "`round` cannot be called with text",
            format!("{text}round(CAST(x AS DECIMAL(12, 4)), 2)"),
        ),
        (
            "trunc(sku, 1)",
            "`trunc` cannot be called with text",
            format!("{text}trunc(CAST(x AS DECIMAL(12, 4)), 2)"),
        ),
        ("left(sku, 'a')", "`left` cannot be called with text, text", crate::sql::calls::TEXT_HELP.into()),
        ("upper(sku, 2)", "`upper` cannot be called with 2 values", "it takes 1 value".into()),
        (
            "lpad(sku)",
            "`lpad` cannot be called with 1 value",
            "it takes 2 or 3 values: lpad(x, 8, '0')".into(),
        ),
        (
            "string_agg(sku)",
            "`string_agg` cannot be called with 1 value",
            "it takes 2 values: string_agg(x, ', ')".into(),
        ),
        (
            "substr(sku)",
            "`substr` cannot be called with 1 value",
            "it takes 2 or 3 values: substr(sku, 2, 3)".into(),
        ),
        (
            "date_format(sku)",
            "`date_format` cannot be called with 1 value",
            "it takes 2 values: to_char(CAST(x AS DATE), '%d.%m.%Y')".into(),
        ),
        ("sum()", "`sum` cannot be called with 0 values", "it takes 1 value".into()),
        (
            "coalesce()",
            "`coalesce` cannot be called like this: must have at least one argument",
            "it is called like coalesce(x, y)".into(),
        ),
        (
            "sku + vendor_code",
            "text + text has no meaning",
            "to join texts write `||`; to add numbers convert both first, as in CAST(x AS DECIMAL(12, 4))"
                .into(),
        ),
    ] {
        let (code, _, said, mend) = only(&format!("SELECT {call} AS r FROM input.prices"));
        assert_eq!((code, said.as_str(), mend), ("SC0205", message, help), "{call}");
    }
}

#[test]
fn nothing_that_the_planner_prints_of_itself_is_shown() {
    for sql in [
        "SELECT sku FROM input.prices WHERE sku IS NORMALIZED",
        "SELECT * FROM TABLE(generate_series(1, 2))",
        "SELECT sku FROM input.prices WHERE row_number() OVER (ORDER BY sku) = 1",
        "SELECT DISTINCT ON (sku) unnest(string_to_array(sku, ',')) AS x FROM input.prices ORDER BY sku",
        "SELECT DISTINCT unnest(string_to_array(sku, ',')) AS x FROM input.prices ORDER BY unnest(string_to_array(sku, ','))",
        "SELECT p.sku FROM input.prices p, LATERAL (SELECT DISTINCT o.id FROM records.products o WHERE o.sku > p.sku) z",
        "SELECT max(count(*)) AS n FROM input.prices",
        "SELECT sku FROM input.prices WHERE count(*) > 1",
        "SELECT (SELECT id, sku FROM records.products) AS x FROM input.prices",
    ] {
        let (code, _, message, help) = only(sql);
        assert_eq!(code, "SC0210", "{sql}");
        let said = format!("{message} {help}");
        assert!(!said.contains("planner") && !super::super::words::is_debug(&said), "{sql}: {said}");
    }
}

/// What the helps say instead runs.
#[test]
fn what_is_to_be_written_can_be_planned() {
    for sql in [
        "SELECT DISTINCT e FROM (SELECT *, unnest(string_to_array(sku, ',')) AS e FROM input.prices) z ORDER BY e",
        "SELECT DISTINCT p.sku, o.id FROM input.prices p JOIN records.products o ON o.sku > p.sku",
        "SELECT sku FROM input.prices QUALIFY row_number() OVER (ORDER BY sku) = 1",
        "SELECT sku FROM (SELECT *, row_number() OVER (ORDER BY sku) AS n FROM input.prices) z WHERE z.n = 1",
        "SELECT p.sku FROM input.prices p LEFT JOIN LATERAL (SELECT o.id FROM records.products o WHERE o.sku = p.sku) z ON true",
        "SELECT sku, count(*) AS n FROM input.prices GROUP BY ROLLUP (sku)",
        "SELECT max(n) AS n FROM (SELECT count(*) AS n FROM input.prices GROUP BY sku) z",
        "SELECT sku FROM input.prices GROUP BY sku HAVING count(*) > 1",
    ] {
        assert_eq!(faults(sql), [], "{sql}");
    }
}
