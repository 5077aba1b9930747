//! Rows that are equal in an ORDER BY come in the order of the input, wherever that decides a value.

use super::turns::{ROWS, rows};
use super::*;
use std::collections::BTreeMap;

/// The cells of a query without the rows' places. `input.many` has `k` from 99,999 down to 0, and `t`, its text of
/// six digits.
fn cells(sql: &str) -> Vec<Vec<String>> {
    let mut all = rows(sql, SqlLimits::default());
    all.iter_mut().for_each(|row| drop(row.pop()));
    all
}

/// What `value` gives for each row: it gets the rows of its group that are before it by `order` or equal to it, in
/// order and then in that of the input, and where in these the row itself stands.
fn windowed(
    group: impl Fn(i64) -> i64,
    order: impl Fn(i64) -> i64,
    value: impl Fn(&[i64], usize) -> String,
) -> Vec<String> {
    let input: Vec<i64> = (0..2_000).rev().collect();
    let mut groups: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    input.iter().for_each(|k| groups.entry(group(*k)).or_default().push(*k));
    groups.values_mut().for_each(|g| g.sort_by_key(|k| order(*k)));
    let one = |k: &i64| {
        let own = &groups[&group(*k)];
        let frame = own.partition_point(|other| order(*other) <= order(*k));
        value(&own[..frame], own.iter().position(|other| other == k).unwrap())
    };
    input.iter().map(one).collect()
}

fn text(k: i64) -> String {
    format!("{k:06}")
}

#[test]
fn what_counts_rows_and_what_ranks_them_stand_beside_each_other() {
    let sql = "SELECT k, row_number() OVER w AS n, rank() OVER w AS r, count(*) OVER w AS c, first_value(t) OVER w AS f,
               last_value(t) OVER w AS l, lag(t) OVER w AS b
               FROM input.many WHERE k < 2000 WINDOW w AS (PARTITION BY k % 7 ORDER BY k / 100)";
    let found = cells(sql);
    let (group, order) = (|k: i64| k % 7, |k: i64| k / 100);
    let column = |value: &dyn Fn(&[i64], usize) -> String| windowed(group, order, value);
    let rank = |frame: &[i64], at: usize| {
        (frame.iter().position(|k| order(*k) == order(frame[at])).unwrap() + 1).to_string()
    };
    let expected = [
        column(&|frame, at| frame[at].to_string()),
        column(&|_, at| (at + 1).to_string()),
        column(&rank),
        column(&|frame, _| frame.len().to_string()),
        column(&|frame, _| text(frame[0])),
        column(&|frame, _| text(*frame.last().unwrap())),
        column(&|frame, at| at.checked_sub(1).map(|b| text(frame[b])).unwrap_or_default()),
    ];
    for (number, expected) in expected.into_iter().enumerate() {
        assert_eq!(found.iter().map(|row| row[number].clone()).collect::<Vec<_>>(), expected, "{number}");
    }
}

#[test]
fn lists_over_a_window_are_in_the_order_of_the_input() {
    let sql = "SELECT k, string_agg(t, ',') OVER (PARTITION BY k % 5 ORDER BY k / 500) AS s
               FROM input.many WHERE k < 2000";
    let lists = windowed(
        |k| k % 5,
        |k| k / 500,
        |frame, _| frame.iter().map(|k| text(*k)).collect::<Vec<_>>().join(","),
    );
    assert!(cells(sql).into_iter().map(|mut row| row.remove(1)).collect::<Vec<_>>() == lists);
    let sql = "SELECT k, nth_value(t, 3) OVER (PARTITION BY k % 5 ORDER BY k / 500) AS s
               FROM input.many WHERE k < 2000";
    let third =
        windowed(|k| k % 5, |k| k / 500, |frame, _| frame.get(2).map(|k| text(*k)).unwrap_or_default());
    assert!(cells(sql).into_iter().map(|mut row| row.remove(1)).collect::<Vec<_>>() == third);
}

#[test]
fn the_first_of_equals_is_that_of_the_input_on_many_threads_too() {
    let sql = "SELECT a.k, first_value(a.t) OVER (PARTITION BY a.k % 10 ORDER BY left(a.t, 2)) AS f
               FROM input.many a JOIN input.more b ON a.k = b.k";
    let found = cells(sql);
    let expected: Vec<_> = (0..ROWS).rev().map(|k| vec![k.to_string(), text(9_990 + k % 10)]).collect();
    assert!(found == expected, "{:?}", &found[..3]);
}

#[test]
fn frames_of_rows_count_in_the_order_of_the_input() {
    let sql = "SELECT count(*) OVER (ROWS UNBOUNDED PRECEDING) AS n, count(*) OVER () AS all, row_number() OVER () AS r
               FROM input.many a JOIN input.more b ON a.k = b.k";
    let expected: Vec<_> = (1..=ROWS).map(|n| vec![n.to_string(), ROWS.to_string(), n.to_string()]).collect();
    assert!(cells(sql) == expected);
    let sql = "SELECT sum(k) OVER (PARTITION BY k % 2 ROWS 1 PRECEDING) AS n FROM input.many WHERE k < 6";
    assert_eq!(cells(sql).concat(), ["5", "4", "8", "6", "4", "2"]);
}

#[test]
fn an_order_that_is_said_twice_is_said_once() {
    let both = "(SELECT k, t FROM input.many WHERE k < 3 UNION ALL SELECT k, t FROM input.more WHERE k < 2)";
    let found = |sql: &str| {
        cells(&sql.replace("BOTH", both)).into_iter().map(|row| row.join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(found("SELECT DISTINCT ON (k) k, t FROM BOTH u"), ["2 000002", "1 000001", "0 000000"]);
    assert_eq!(
        found(
            "SELECT k, string_agg(t, ',' ORDER BY t) AS s, first_value(t ORDER BY t DESC) AS f FROM BOTH u GROUP BY k"
        ),
        ["2 000002 000002", "1 000001,000001 000001", "0 000000,000000 000000"]
    );
    assert_eq!(
        found(
            "SELECT max(array_to_string(a, ',')) AS a FROM (SELECT array_agg(k ORDER BY k) AS a FROM BOTH u) v"
        ),
        ["0,0,1,1,2"]
    );
    assert_eq!(found("SELECT k FROM BOTH u ORDER BY k"), ["0", "0", "1", "1", "2"]);
    assert_eq!(found("SELECT k, row_number() OVER (ORDER BY k) AS n FROM BOTH u WHERE k = 2"), ["2 1"]);
}

#[test]
fn elements_come_in_the_order_of_their_list() {
    let found = |sql: &str| cells(sql).into_iter().map(|row| row.join(" ")).collect::<Vec<_>>();
    let lists = "SELECT k, unnest(make_array('z', t, 'a')) AS e, unnest(make_array(9, 8)) AS n FROM input.many WHERE k < 2";
    let expected = ["1 z 9", "1 000001 8", "1 a ", "0 z 9", "0 000000 8", "0 a "];
    assert_eq!(found(lists), expected);
    let numbered = format!("SELECT e, row_number() OVER (PARTITION BY k) AS n FROM ({lists}) l");
    assert_eq!(found(&numbered), ["z 1", "000001 2", "a 3", "z 1", "000000 2", "a 3"]);
    assert_eq!(found(&format!("SELECT e FROM ({lists}) l LIMIT 4")), ["z", "000001", "a", "z"]);
    let again = format!("SELECT k, string_agg(e, '') AS s, first_value(e) AS f FROM ({lists}) l GROUP BY k");
    assert_eq!(found(&again), ["1 z000001a z", "0 z000000a z"]);
}

#[test]
fn aggregates_of_one_query_have_each_their_own_order() {
    let sql = "SELECT k % 3 AS g, string_agg(t, ',') AS a, string_agg(t, ',' ORDER BY t) AS b,
               string_agg(t, ',' ORDER BY k % 10, k DESC) AS c, array_to_string(array_agg(k ORDER BY t DESC), ',') AS d,
               string_agg(DISTINCT CAST(k % 2 AS VARCHAR), '') AS e, first_value(t ORDER BY t) AS f
               FROM input.many WHERE k < 30000 GROUP BY k % 3";
    let mut found = cells(sql);
    found.sort();
    for (g, row) in (0..3i64).zip(found) {
        let input: Vec<i64> = (0..30_000).rev().filter(|k| k % 3 == g).collect();
        let list = |sorted: Vec<i64>| sorted.into_iter().map(text).collect::<Vec<_>>().join(",");
        let mut up = input.clone();
        up.sort();
        let mut tens = input.clone();
        tens.sort_by_key(|k| (k % 10, -k));
        let numbers = input.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let expected = [g.to_string(), list(input), list(up), list(tens), numbers, "01".into(), text(g)];
        assert!(row == expected, "group {g}");
    }
    let whole = cells(
        "SELECT string_agg(t, '' ORDER BY k) AS a, string_agg(t, '' ORDER BY k DESC) AS b FROM input.many WHERE k < 2",
    );
    assert_eq!(whole, [["000000000001", "000001000000"]]);
}

#[test]
fn several_that_look_at_the_last_of_equals_stand_over_one_window_and_over_several() {
    let w = "OVER (PARTITION BY k % 7 ORDER BY k / 100)";
    let v = "OVER (PARTITION BY k % 5 ORDER BY k / 50)";
    let sql = format!(
        "SELECT k, last_value(t) {w} AS a, last_value(k) {w} AS b, array_to_string(array_agg(t) {w}, ',') AS c,
         nth_value(t, 2) {w} AS d, last_value(t) {v} AS e, string_agg(t, ',') {v} AS f, last_value(upper(t)) {w} AS g
         FROM input.many WHERE k < 2000"
    );
    let list = |frame: &[i64]| frame.iter().map(|k| text(*k)).collect::<Vec<_>>().join(",");
    let by_w = |value: &dyn Fn(&[i64], usize) -> String| windowed(|k| k % 7, |k| k / 100, value);
    let by_v = |value: &dyn Fn(&[i64], usize) -> String| windowed(|k| k % 5, |k| k / 50, value);
    let expected = [
        by_w(&|frame, at| frame[at].to_string()),
        by_w(&|frame, _| text(frame[frame.len() - 1])),
        by_w(&|frame, _| frame[frame.len() - 1].to_string()),
        by_w(&|frame, _| list(frame)),
        by_w(&|frame, _| frame.get(1).map_or(String::new(), |k| text(*k))),
        by_v(&|frame, _| text(frame[frame.len() - 1])),
        by_v(&|frame, _| list(frame)),
        by_w(&|frame, _| text(frame[frame.len() - 1])),
    ];
    let found = cells(&sql);
    for (i, expected) in expected.iter().enumerate() {
        assert!(found.iter().map(|row| &row[i]).eq(expected), "column {i}");
    }
    let two = cells(
        "SELECT last_value(k) OVER w AS a, last_value(k) OVER w AS b FROM input.many WHERE k < 3 WINDOW w AS (ORDER BY k / 2)",
    );
    assert_eq!(two, [["2", "2"], ["0", "0"], ["0", "0"]]);
}

#[test]
fn the_first_of_a_frame_that_may_be_empty_or_has_nulls_is_not_split_off() {
    // Equals by `k / 3`: 2 1 0, 5 4 3, 8 7 6. The rows come from 8 down.
    let first = |value: &str, frame: &str| {
        let sql = format!("SELECT {value} OVER (ORDER BY {frame}) AS f FROM input.many WHERE k < 9");
        cells(&sql).concat()
    };
    let before = "k / 3 GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING";
    assert_eq!(first("first_value(k)", before), ["2", "2", "2", "2", "2", "2", "", "", ""]);
    let two = "k / 3 RANGE BETWEEN UNBOUNDED PRECEDING AND 2 PRECEDING";
    assert_eq!(first("first_value(k)", two), ["2", "2", "2", "", "", "", "", "", ""]);
    let after = "k / 3 DESC RANGE BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING";
    assert_eq!(first("first_value(k)", after), ["8"; 9]);
    let odd = "first_value(CASE WHEN k % 3 = 1 THEN k END) IGNORE NULLS";
    assert_eq!(first(odd, "k / 3"), ["1"; 9]);
    assert_eq!(first("first_value(k)", "k / 3"), ["2"; 9]);
    let nulls = "first_value(k) OVER (ORDER BY nullif(k / 3, 2) DESC RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)";
    let found = cells(&format!("SELECT {nulls} AS f FROM input.many WHERE k < 9")).concat();
    // NULLs come first under DESC, and what is 1 before a NULL are all NULLs.
    assert_eq!(found, ["8"; 9]);
}

#[test]
fn ranks_heed_no_frame() {
    let sql = "SELECT rank() OVER w AS r, dense_rank() OVER w AS d, cume_dist() OVER w AS c, percent_rank() OVER w AS p,
               count(*) OVER w AS n FROM input.many WHERE k < 6
               WINDOW w AS (ORDER BY k / 3 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)";
    let found: Vec<String> = cells(sql).into_iter().map(|row| row.join(" ")).collect();
    let expected = [
        "4 2 1.0 0.6 4",
        "4 2 1.0 0.6 5",
        "4 2 1.0 0.6 6",
        "1 1 0.5 0.0 1",
        "1 1 0.5 0.0 2",
        "1 1 0.5 0.0 3",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_key_that_the_author_says_twice_is_there_once() {
    let both = "(SELECT k, t FROM input.many WHERE k < 3 UNION ALL SELECT k, t FROM input.more WHERE k < 2)";
    let found = |sql: &str| {
        cells(&sql.replace("BOTH", both)).into_iter().map(|row| row.join(" ")).collect::<Vec<_>>()
    };
    for keys in ["t, t", "t, t DESC", "t::text", "t::text, t", "k, t, CAST(k AS BIGINT)", "t, 1"] {
        let list = format!("SELECT string_agg(t, ',' ORDER BY {keys}) AS s FROM BOTH u");
        assert_eq!(found(&list), ["000000,000000,000001,000001,000002"], "{keys}");
        let group =
            format!("SELECT k, first_value(t ORDER BY {keys}) AS s FROM BOTH u GROUP BY k ORDER BY k");
        assert_eq!(found(&group), ["0 000000", "1 000001", "2 000002"], "{keys}");
        let window =
            format!("SELECT k, row_number() OVER (ORDER BY {keys}) AS n FROM BOTH u ORDER BY {keys} LIMIT 2");
        assert_eq!(found(&window), ["0 1", "0 2"], "{keys}");
    }
    assert_eq!(
        found("SELECT string_agg(DISTINCT t, ',' ORDER BY t, t) AS s FROM BOTH u"),
        ["000000,000001,000002"]
    );
    for on in ["(k) k, t FROM BOTH u ORDER BY k, t, t", "(k, k) k, t FROM BOTH u ORDER BY k, k, t::text, t"] {
        assert_eq!(found(&format!("SELECT DISTINCT ON {on}")), ["0 000000", "1 000001", "2 000002"], "{on}");
    }
    assert_eq!(
        found("SELECT DISTINCT ON (t, t::text) k, t FROM BOTH u"),
        ["2 000002", "1 000001", "0 000000"]
    );
}
