//! SQL that would write, read elsewhere, or never end.

use super::*;
use std::time::Duration;

/// Runs without a check before; gives the cause of the failure.
fn refused(sql: &str, time: Duration) -> String {
    let dir = tempfile::tempdir().unwrap();
    let limits = SqlLimits { time, memory: 64 << 20 };
    let mut engine = Engine::new(limits, dir.path(), &present(), vec![], vec![]).unwrap();
    engine.add_input("prices", &spool(dir.path(), "prices", &[("sku", vec![Some("A")])], &[1]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let out = dir.path().join("o");
    let error = runtime.block_on(engine.run(sql, &out, &|_| true)).map(|_| panic!("{sql} ran")).unwrap_err();
    error.cause
}

#[test]
fn statements_that_write_or_set_are_refused_twice() {
    for sql in [
        "COPY input.prices TO '/tmp/x.csv'",
        "COPY (SELECT 1) TO '/tmp/x.parquet'",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE VIEW v AS SELECT 1",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE prices",
        "ALTER TABLE prices ADD COLUMN x INT",
        "TRUNCATE TABLE prices",
        "SET datafusion.execution.batch_size = 1",
        "INSERT INTO prices VALUES ('x')",
        "UPDATE prices SET sku = 'x'",
        "DELETE FROM prices",
        "MERGE INTO prices USING prices ON true WHEN MATCHED THEN DELETE",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1",
        "PREPARE p AS SELECT 1",
        "SHOW TABLES",
        "BEGIN",
        "SELECT 1; DROP TABLE prices",
        "SELECT 1 INTO t",
    ] {
        let found = faults(sql);
        assert!(matches!(found[0].0, "SC0208" | "SC0201"), "{sql}: {found:?}");
        refused(sql, Duration::from_secs(60));
    }
    // One inside a query is one all the same.
    for sql in [
        "WITH t AS (INSERT INTO prices VALUES ('x')) SELECT 1 AS a",
        "WITH t AS (DELETE FROM prices) SELECT 1 AS a",
    ] {
        assert!(!faults(sql).is_empty(), "{sql}");
        refused(sql, Duration::from_secs(60));
    }
}

#[test]
fn files_addresses_and_the_engines_own_tables_are_no_tables() {
    for table in [
        "'/etc/passwd'",
        "\"/etc/passwd\"",
        "'file:///etc/passwd'",
        "'https://example.com/x.csv'",
        "'s3://bucket/x.parquet'",
        "read_csv('/etc/passwd')",
        "read_parquet('x.parquet')",
        "information_schema.tables",
        "information_schema.df_settings",
        "datafusion.public.prices",
        "pg_catalog.pg_class",
        "other.input.prices",
    ] {
        let sql = format!("SELECT * FROM {table}");
        let found = faults(&sql);
        assert!(matches!(found[0].0, "SC0203" | "SC0209" | "SC0204"), "{sql}: {found:?}");
        refused(&sql, Duration::from_secs(60));
    }
}

#[test]
fn what_nests_without_measure_is_refused_and_nothing_crashes() {
    for sql in [
        format!("SELECT {} AS n FROM input.prices", vec!["1"; 2000].join("+")),
        format!("SELECT {} AS n", vec!["1"; 100_000].join("+")),
        format!("SELECT {} AS n", vec!["true"; 100_000].join(" AND ")),
        format!("SELECT 1{} AS n", "::INT".repeat(100_000)),
        vec!["SELECT 1 AS n"; 5000].join(" UNION ALL "),
        format!("SELECT {}1{} AS n", "(".repeat(3000), ")".repeat(3000)),
        format!("SELECT {}1{} AS n", "abs(".repeat(3000), ")".repeat(3000)),
        format!("SELECT {} true AS n", "NOT ".repeat(3000)),
        format!("SELECT {}1{} AS n", "CASE WHEN true THEN ".repeat(2000), " END".repeat(2000)),
        format!("SELECT * FROM {}SELECT 1 AS n{}", "(".repeat(2000), ") t".repeat(2000)),
    ] {
        let codes: Vec<_> = plan(&sql, &catalog()).faults.iter().map(|f| f.code.id()).collect();
        assert!(!codes.is_empty(), "{}", &sql[..60]);
        refused(&sql, Duration::from_secs(60));
    }
    // Long is not deep.
    let union = vec!["SELECT 1 AS n"; 100].join(" UNION ALL ");
    assert_eq!(faults(&union), []);
    let list: Vec<String> = (0..20_000).map(|i| i.to_string()).collect();
    assert_eq!(
        faults(&format!("SELECT sku FROM input.prices WHERE length(sku) IN ({})", list.join(", "))),
        []
    );
}

#[test]
fn what_never_ends_ends_at_the_time_limit() {
    for sql in [
        "SELECT count(*) AS n FROM generate_series(1, 1000000000000)",
        "SELECT sum(a.value) AS n FROM generate_series(1, 1000000) a CROSS JOIN generate_series(1, 1000000) b",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) AS n FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r) SELECT n FROM r",
    ] {
        assert_eq!(faults(sql), [], "{sql}");
        let cause = refused(sql, Duration::from_secs(1));
        assert_eq!(cause, "the query took longer than 1 s", "{sql}");
    }
}

#[test]
fn what_grows_without_measure_meets_the_memory_limit() {
    for sql in [
        "WITH RECURSIVE r AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM r) SELECT max(length(s)) AS n FROM r",
        "SELECT sum(v) AS n FROM (SELECT unnest(generate_series(1, 1000000000000)) AS v)",
        "SELECT array_length(array_repeat(1, 1000000000000)) AS n",
        "SELECT length(repeat('x', 1000000000000)) AS n",
    ] {
        let cause = refused(sql, Duration::from_secs(60));
        assert!(!cause.contains("broke off"), "{sql}: {cause}");
    }
}

#[test]
fn a_join_that_the_engine_breaks_off_for_want_of_memory_says_so() {
    for sql in [
        "SELECT a.k AS k, count(*) AS n FROM input.many a, input.many b, input.many c
         WHERE concat(a.t, b.t, c.t) LIKE '%77%8%9%' GROUP BY a.k",
        // Here it is a panic of the thread that makes the rows, not an error.
        "SELECT a.k AS k FROM input.many a, input.many b, input.many c WHERE a.t || b.t || c.t = 'never'",
    ] {
        let little = SqlLimits { memory: 16 << 20, time: std::time::Duration::from_secs(60) };
        let error = super::turns::failing(sql, little);
        assert!(error.cause.starts_with("the query does not fit into its memory: "), "{error:?}");
        assert!(error.hint.as_deref().unwrap_or_default().contains("`memory`"), "{error:?}");
    }
}
