//! The order that lineage or an ORDER BY made is the order of the result, however many threads there
//! are and however many batches.

use super::*;
use datafusion::physical_plan::{ExecutionPlanProperties, displayable};

/// More than a few batches, so that dealing them out would show.
pub(super) const ROWS: i64 = 100_000;

/// `k` counts down, `t` is a text of it.
fn table(dir: &Path) -> Spool {
    let fields = [("k", DataType::Int64), ("t", DataType::Utf8), (ROW, DataType::Int64)];
    let schema =
        Arc::new(Schema::new(fields.map(|(n, t)| Field::new(n, t, true)).into_iter().collect::<Vec<_>>()));
    let mut writer = SpoolWriter::create(&dir.join("many"), schema.clone()).unwrap();
    for first in (0..ROWS).step_by(5000) {
        let rows = first..first + 5000;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.clone().map(|i| ROWS - 1 - i))),
            Arc::new(StringArray::from_iter_values(rows.clone().map(|i| format!("{:06}", ROWS - 1 - i)))),
            Arc::new(Int64Array::from_iter_values(rows)),
        ];
        writer.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
    }
    writer.finish().unwrap()
}

/// The first column of the whole result. Nothing between the result and its sort may be in parts.
fn numbers(sql: &str) -> Vec<i64> {
    rows(sql, SqlLimits::default()).into_iter().map(|row| row[0].parse().unwrap()).collect()
}

/// Why a query fails.
pub(super) fn failing(sql: &str, limits: SqlLimits) -> SqlError {
    let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut engine = Engine::new(limits, scratch.path(), &present(), vec![], vec![]).unwrap();
    engine.add_input("many", &table(dir.path()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(engine.run(sql, &dir.path().join("o"), &|_| true)).unwrap_err()
}

/// All cells of the whole result, with the rows' places.
pub(super) fn rows(sql: &str, limits: SqlLimits) -> Vec<Vec<String>> {
    let (dir, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut engine = Engine::new(limits, scratch.path(), &present(), vec![], vec![]).unwrap();
    let spool = table(dir.path());
    engine.add_input("many", &spool);
    engine.add_input("more", &spool);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let places = crate::sql::places::Places::new(sql);
    let plan = engine.traced(crate::sql::parse::query(sql, &places).unwrap(), &places).unwrap();
    let physical = runtime.block_on(engine.physical(&plan)).ok().unwrap();
    let shown = displayable(physical.as_ref()).indent(false).to_string();
    assert_eq!(physical.output_partitioning().partition_count(), 1, "{sql}\n{shown}");
    let spool = runtime.block_on(engine.run(sql, &dir.path().join("o"), &|_| true)).unwrap().unwrap();
    let mut all = Vec::new();
    for batch in spool.read(None).unwrap() {
        let batch = batch.unwrap();
        let cell = |row, c: &ArrayRef| crate::value::cell(c.as_ref(), row).to_string();
        all.extend(
            (0..batch.num_rows()).map(|r| batch.columns().iter().map(|c| cell(r, c)).collect::<Vec<_>>()),
        );
    }
    all
}

#[test]
fn a_join_has_the_order_of_its_input() {
    let down: Vec<i64> = (0..ROWS).rev().collect();
    assert!(numbers("SELECT a.k, b.t FROM input.many a JOIN input.more b ON a.k = b.k") == down);
}

#[test]
fn a_join_has_the_order_that_it_says() {
    let up: Vec<i64> = (0..ROWS).collect();
    assert!(numbers("SELECT a.k, b.t FROM input.many a JOIN input.more b ON a.k = b.k ORDER BY b.t") == up);
}

#[test]
fn a_query_in_another_gives_it_rows_and_no_order_with_a_name_or_without() {
    let down: Vec<i64> = (0..90_000).rev().collect();
    let inner = "SELECT k, t FROM input.many ORDER BY t LIMIT 90000";
    for outer in ["SELECT k + 0 AS k, upper(t) AS t FROM", "SELECT * FROM"] {
        for rest in ["", " s", " WHERE length(t) > 0"] {
            assert!(numbers(&format!("{outer} ({inner}){rest}")) == down, "{outer}{rest}");
        }
    }
}

#[test]
fn what_a_limit_skips_is_what_comes_first() {
    let up: Vec<i64> = (30_000..80_000).collect();
    let (below, down) = (|k: &i64| *k < 90_000, || (0..ROWS).rev());
    let own = "SELECT abs(k) AS k FROM input.many ORDER BY t OFFSET 30000 LIMIT 50000";
    assert!(numbers(own) == up);
    let first = "SELECT k, t FROM input.many ORDER BY t LIMIT 90000";
    let then = format!("SELECT abs(k) AS k FROM ({first}) OFFSET 30000 LIMIT 50000");
    let second: Vec<i64> = down().filter(below).skip(30_000).take(50_000).collect();
    assert!(numbers(&then) == second);
    let joined = format!("SELECT s.k, b.t FROM ({then}) s JOIN input.more b ON s.k = b.k ORDER BY s.k DESC");
    assert!(numbers(&joined) == second);
}

#[test]
fn an_inner_query_beside_a_join_changes_no_order() {
    let (down, up): (Vec<i64>, Vec<i64>) = ((0..ROWS).rev().collect(), (0..ROWS).collect());
    let join = "FROM input.many a JOIN input.more b ON a.k = b.k";
    assert!(numbers(&format!("SELECT a.k, (SELECT count(*) FROM input.more) AS n {join}")) == down);
    assert!(numbers(&format!("SELECT a.k, (SELECT min(k) FROM input.more) AS n {join} ORDER BY b.t")) == up);
    assert!(numbers(&format!("SELECT a.k, b.t {join} WHERE a.k >= (SELECT min(k) FROM input.more)")) == down);
}

#[test]
fn windows_and_groups_over_a_join_have_their_order() {
    let down: Vec<i64> = (0..ROWS).rev().collect();
    let windows =
        "SELECT a.k, row_number() OVER (ORDER BY b.t) AS n FROM input.many a JOIN input.more b ON a.k = b.k";
    assert!(numbers(windows) == down);
    let groups =
        "SELECT a.k, max(b.t) AS t FROM input.many a LEFT JOIN input.more b ON a.k = b.k GROUP BY a.k";
    assert!(numbers(groups) == down);
    let scalar = "SELECT a.k, (SELECT max(b.k) FROM input.more b) - a.k AS d FROM input.many a";
    assert!(numbers(scalar) == down);
    let semi = "SELECT a.k, upper(a.t) AS t FROM input.many a WHERE a.k IN (SELECT b.k FROM input.more b)";
    assert!(numbers(semi) == down);
}

#[test]
fn small_batches_that_spill_give_the_same_rows_in_the_same_order() {
    let little = SqlLimits { memory: 16 << 20, ..SqlLimits::default() };
    for sql in [
        "SELECT a.k % 7 AS m, b.t FROM input.many a JOIN input.more b ON a.k = b.k ORDER BY m",
        "SELECT a.k, b.t FROM input.many a LEFT JOIN input.more b ON a.k = b.k + 5000",
        "SELECT a.k, b.t FROM input.many a FULL JOIN input.more b ON a.k = b.k + 5000",
        "SELECT k, t FROM input.many UNION ALL SELECT k + 1, lower(t) FROM input.more",
        "SELECT DISTINCT k % 9000 AS d FROM input.many",
        "SELECT DISTINCT ON (k % 500) k, t FROM input.many",
        "SELECT k % 9000 AS g, count(*) AS n, first_value(t) AS f FROM input.many GROUP BY 1",
        "SELECT k, lag(t) OVER (PARTITION BY k % 11) AS before FROM input.many",
        "SELECT k, unnest([k, k + 1]) AS u FROM input.many WHERE k % 3 = 0",
        "SELECT k, t FROM input.many LIMIT 30000 OFFSET 20000",
        "SELECT upper(s.t) AS t, s.n FROM (SELECT a.t, row_number() OVER () AS n \
         FROM input.many a JOIN input.more b ON a.k = b.k LIMIT 60000) s WHERE s.n % 2 = 0",
    ] {
        let whole = rows(sql, SqlLimits::default());
        assert!(whole.len() > 400, "{sql}");
        assert!(rows(sql, little.clone()) == whole, "{sql}");
    }
}
