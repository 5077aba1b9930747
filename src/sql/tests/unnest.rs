//! Rows made of lists, and where they go: their order is the list's.

use super::*;

// The table of `run`: sku B A C A B, price 2 1 - 1 9, rows 2 to 6.

#[test]
fn lists_in_lists_become_rows_level_by_level() {
    let nested = "make_array(make_array('p', 'o'), make_array('q'))";
    assert_eq!(
        table(&run(&format!("SELECT sku, unnest(unnest({nested})) AS e FROM input.prices WHERE sku = 'A'"))),
        "A,p@3 A,o@3 A,q@3 A,p@5 A,o@5 A,q@5"
    );
    assert_eq!(
        table(&run(&format!(
            "SELECT unnest(unnest({nested})) AS e, unnest(make_array(1, 2)) AS n FROM input.prices WHERE sku = 'C'"
        ))),
        "p,1@4 o,2@4 q,1@4 ,2@4"
    );
    assert_eq!(
        table(&run(
            "SELECT unnest(unnest(make_array(make_array(sku, 'x'), string_to_array('', ';'), make_array(price)))) AS e FROM input.prices LIMIT 5"
        )),
        "B@2 x@2 2@2 A@3 x@3"
    );
    let deep = "make_array(make_array(make_array('d'), make_array('c', 'b')), make_array(make_array('a')))";
    assert_eq!(
        table(&run(&format!("SELECT unnest(unnest(unnest({deep}))) AS e FROM input.prices WHERE sku = 'C'"))),
        "d@4 c@4 b@4 a@4"
    );
    assert_eq!(
        table(&run(&format!(
            "SELECT string_agg(e, '') AS s FROM (SELECT sku, unnest(unnest(unnest({deep}))) AS e FROM input.prices) u GROUP BY sku"
        ))),
        "dcbadcba@2 dcbadcba@3 dcba@4"
    );
}

#[test]
fn a_list_may_become_rows_in_two_ways_at_once() {
    let nested = "make_array(make_array('p', 'o'), make_array('q'))";
    assert_eq!(
        table(&run(&format!(
            "SELECT array_to_string(unnest({nested}), '+') AS l, unnest(unnest({nested})) AS e FROM input.prices WHERE sku = 'C'"
        ))),
        // As many rows for each outer list as the longer has: the outer lists beside its elements.
        "p+o,p@4 q,o@4 p+o,q@4 q,@4"
    );
}

#[test]
fn what_is_selected_beside_rows_of_a_list_may_sort_them() {
    let lists = "unnest(string_to_array(concat(sku, ';', coalesce(price, '-')), ';')) AS e";
    assert_eq!(
        table(&run(&format!("SELECT {lists} FROM input.prices ORDER BY price DESC NULLS LAST, sku"))),
        "B@6 9@6 B@2 2@2 A@3 1@3 A@5 1@5 C@4 -@4"
    );
    assert_eq!(
        table(&run(&format!("SELECT {lists}, sku FROM input.prices ORDER BY upper(sku) DESC LIMIT 3"))),
        "C,C@4 -,C@4 B,B@2"
    );
    assert_eq!(
        faults("SELECT unnest(string_to_array(sku, ';')) AS e FROM input.prices ORDER BY vendor_code"),
        []
    );
}

#[test]
fn elements_keep_their_order_in_a_union() {
    let rows = "SELECT sku, unnest(make_array('z', 'm', 'a')) AS e FROM input.prices WHERE sku = 'C'";
    let others = "SELECT n, sku FROM output.others WHERE sku = 'A'";
    let expected = "x,A@0 y,A@1 C,z@4 C,m@4 C,a@4";
    assert_eq!(table(&run(&format!("{rows} UNION ALL {others}"))), expected);
    assert_eq!(table(&run(&format!("{others} UNION ALL {rows}"))), expected);
    assert_eq!(
        table(&run(&format!(
            "SELECT * FROM ({rows} UNION ALL {others} UNION ALL SELECT sku, 'b' FROM input.prices WHERE sku = 'C') u"
        ))),
        "x,A@0 y,A@1 C,z@4 C,m@4 C,a@4 C,b@4"
    );
    assert_eq!(
        table(&run(&format!("SELECT string_agg(e, '') AS s FROM ({rows} UNION ALL {others}) u"))),
        "AAzma@0"
    );
}

#[test]
fn elements_keep_their_order_in_the_output_of_a_scope() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = engine(dir.path(), vec![], vec![]);
    let elements = spool(
        dir.path(),
        "elements",
        &[
            ("id", ["1", "1", "1", "2", "2"].map(Some).to_vec()),
            ("e", ["c", "a", "b", "z", "y"].map(Some).to_vec()),
        ],
        &[7, 7, 7, 3, 3],
    );
    engine.add_output("elements", &elements);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cells = |sql: &str| {
        let out = runtime.block_on(engine.run(sql, &dir.path().join("out"), &|_| true)).unwrap().unwrap();
        let batches: Vec<RecordBatch> = out.read(None).unwrap().map(Result::unwrap).collect();
        let cell = |b: &RecordBatch, r| crate::value::cell(b.column(0).as_ref(), r).to_string();
        batches
            .iter()
            .flat_map(|b| (0..b.num_rows()).map(|r| cell(b, r)).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert_eq!(cells("SELECT e FROM output.elements"), ["z", "y", "c", "a", "b"]);
    assert_eq!(cells("SELECT string_agg(e, ',') AS l FROM output.elements GROUP BY id"), ["z,y", "c,a,b"]);
    assert_eq!(cells("SELECT count(*) AS n FROM output.elements"), ["5"]);
    assert_eq!(
        cells("SELECT concat(e, row_number() OVER (PARTITION BY id)) AS e FROM output.elements"),
        ["z1", "y2", "c1", "a2", "b3"]
    );
}
