//! The present of a query is its execution's start.

use super::*;

/// One row's cells.
fn row(engine: &Engine, dir: &Path, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let out = runtime.block_on(engine.run(sql, &dir.join("o"), &|_| true)).unwrap().unwrap();
    let batch = out.read(None).unwrap().next().unwrap().unwrap();
    (0..batch.num_columns() - 1)
        .map(|c| crate::value::cell(batch.column(c).as_ref(), 0).to_string())
        .collect()
}

#[test]
fn the_clock_stands_still_and_shows_the_connectors_zone() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), vec![], vec![]);
    let sql = "SELECT now() AS a, current_timestamp AS b, current_date AS c, today() AS d, current_time AS e, \
               CAST(now() AS DATE) AS f, now() = TIMESTAMPTZ '2024-02-29T23:30:00Z' AS g";
    let first = row(&engine, dir.path(), sql);
    let now = "2024-02-29T23:30:00Z";
    assert_eq!(first, [now, now, "2024-03-01", "2024-03-01", "00:30:00", "2024-02-29", "true"]);
    assert_eq!(row(&engine, dir.path(), sql), first);
}

#[test]
fn a_local_time_compared_with_now_counts_as_utc_however_it_is_planned() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = engine(dir.path(), vec![], vec![]);
    let table = spool(dir.path(), "t", &[("t", vec![Some("2024-02-29 23:45:00")])], &[1]);
    engine.add_input("t", &table);
    let sql = "SELECT CAST(t AS TIMESTAMP) <= now() AS a, to_timestamp(t) <= now() AS b, \
               TIMESTAMP '2024-02-29 23:45:00' <= now() AS c, \
               TIMESTAMP '2024-02-29 23:15:00' <= now() AS d, to_timestamp(t) AS e FROM input.t";
    assert_eq!(row(&engine, dir.path(), sql), ["false", "false", "false", "true", "2024-02-29T23:45:00"]);
}

#[test]
fn views_filters_and_functions_see_the_same_instant() {
    let dir = tempfile::tempdir().unwrap();
    let today = Function {
        name: "today_text".into(),
        parameters: vec![],
        defaults: vec![],
        returns: DataType::Utf8,
        body: Some("CAST(current_date AS TEXT)".into()),
        native: None,
    };
    let mut engine = engine(dir.path(), vec![today], vec![]);
    engine
        .add_view(
            "days",
            "SELECT value AS day FROM generate_series(DATE '2024-02-28', current_date, INTERVAL '1 day')",
        )
        .unwrap();
    let sql = "SELECT today_text() AS a, count(*) AS n FROM days WHERE day <= current_date";
    assert_eq!(row(&engine, dir.path(), sql), ["2024-03-01", "3"]);
}
