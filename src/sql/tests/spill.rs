//! More data than memory: what can go to the disk does, and leaves nothing there.

use super::*;

const ROWS: i64 = 120_000;

/// Enough for one sort of 40 MB.
const LITTLE: usize = 32 << 20;

/// Enough for sorts that wait for each other, of 80 MB and more.
const SOME: usize = 64 << 20;

/// A table of about 40 MB for [`ROWS`]: `k` has each value twice, `n` counts down, `pad` is wide.
fn big(dir: &Path, total: i64) -> Spool {
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Utf8, true),
        Field::new("n", DataType::Utf8, true),
        Field::new("pad", DataType::Utf8, true),
        Field::new(ROW, DataType::Int64, true),
    ]));
    let mut writer = SpoolWriter::create(&dir.join("big"), schema.clone()).unwrap();
    for first in (0..total).step_by(1000) {
        let rows = first..first + 1000;
        let text = |f: &dyn Fn(i64) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.clone().map(f)))
        };
        let columns = vec![
            text(&|i| format!("{:06}", i % (total / 2) * 7919 % (total / 2))),
            text(&|i| format!("{:08}", total - i)),
            text(&|i| format!("{i:0300}")),
            Arc::new(Int64Array::from_iter_values(rows.clone())),
        ];
        writer.write(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
    }
    writer.finish().unwrap()
}

/// The number of rows, and the first rows' first cells with their origins.
fn run_big(memory: usize, total: i64, sql: &str) -> Result<(u64, Vec<(String, i64)>), SqlError> {
    let dir = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let limits = SqlLimits { memory, ..SqlLimits::default() };
    let mut engine = Engine::new(limits, scratch.path(), &present(), vec![], vec![]).unwrap();
    engine.add_input("big", &big(dir.path(), total));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let done = runtime.block_on(engine.run(sql, &dir.path().join("o"), &|_| true));
    drop(engine);
    // Threads that were at work when a query failed are not waited for; they clean up all the same.
    while std::fs::read_dir(scratch.path()).unwrap().next().is_some() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let spool = done?.unwrap();
    let batch = spool.read(None).unwrap().next().unwrap().unwrap();
    let rows = batch.column(batch.num_columns() - 1).as_primitive::<Int64Type>();
    let first = (0..batch.num_rows().min(3))
        .map(|r| (crate::value::cell(batch.column(0).as_ref(), r).to_string(), rows.value(r)))
        .collect();
    Ok((spool.rows(), first))
}

fn firsts(rows: &[(&str, i64)]) -> Vec<(String, i64)> {
    rows.iter().map(|(t, r)| ((*t).to_owned(), *r)).collect()
}

#[test]
fn a_big_sort_spills() {
    let (rows, first) = run_big(LITTLE, ROWS, "SELECT n, k, pad FROM input.big ORDER BY n").unwrap();
    assert_eq!(rows, ROWS as u64);
    assert_eq!(first, firsts(&[("00000001", 119_999), ("00000002", 119_998), ("00000003", 119_997)]));
}

#[test]
fn the_order_of_the_input_is_made_again_on_disk() {
    // A join loses the order, the lineage brings it back over all columns.
    let (rows, first) =
        run_big(SOME, ROWS, "SELECT a.n, a.pad, b.pad AS p FROM input.big a JOIN input.big b ON a.n = b.n")
            .unwrap();
    assert_eq!(rows, ROWS as u64);
    assert_eq!(first, firsts(&[("00120000", 0), ("00119999", 1), ("00119998", 2)]));
}

#[test]
fn big_groups_spill() {
    let (rows, first) =
        run_big(LITTLE, ROWS, "SELECT k, count(*) AS c, max(pad) AS p FROM input.big GROUP BY k").unwrap();
    assert_eq!(rows, ROWS as u64 / 2);
    assert_eq!(first, firsts(&[("000000", 0), ("007919", 1), ("015838", 2)]));
}

#[test]
fn distinct_spills() {
    let (rows, first) =
        run_big(LITTLE, ROWS, "SELECT DISTINCT k, right(pad, 1) AS p, left(pad, 290) AS q FROM input.big")
            .unwrap();
    assert_eq!(rows, ROWS as u64 / 2);
    assert_eq!(first, firsts(&[("000000", 0), ("007919", 1), ("015838", 2)]));
}

#[test]
fn windows_over_many_partitions_spill_their_sort() {
    let (rows, first) = run_big(
        SOME,
        2 * ROWS,
        "SELECT n, pad, row_number() OVER (PARTITION BY k ORDER BY n) AS r FROM input.big QUALIFY r = 1",
    )
    .unwrap();
    assert_eq!(rows, ROWS as u64);
    assert_eq!(first, firsts(&[("00120000", 120_000), ("00119999", 120_001), ("00119998", 120_002)]));
}

#[test]
fn what_cannot_spill_names_the_setting() {
    let error =
        run_big(LITTLE, ROWS, "SELECT array_agg(pad) AS all, array_agg(DISTINCT pad) AS each FROM input.big")
            .unwrap_err();
    assert!(error.hint.as_deref().unwrap_or_default().contains("connector's `memory`"), "{error:?}");
    assert!(error.cause.starts_with("the query does not fit into its memory: "), "{error:?}");
}
