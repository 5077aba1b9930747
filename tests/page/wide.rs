//! Rows of many fields and long values: a page of them stays small.

use super::desk::Desk;

const FIELDS: usize = 120;
const ROWS: usize = 50;

/// A connector of many fields.
fn connector() -> String {
    let each = |line: &dyn Fn(usize) -> String| (0..FIELDS).map(line).collect::<Vec<_>>().join("\n");
    format!(
        "connector many {{ name \"Many\" trigger spreadsheet }}\n\
         object things \"Things\" {{\nname: text required unique\n{}\n}}\n\
         input list {{\nname: \"Name\"\n{}\n}}\n\
         scope things from input.list {{\nname: string required\n{}\n}}\n\
         load things into things {{\nmatch name with name\nmap {{\nname <- name\n{}\n}}\n}}\n",
        each(&|i| format!("f{i}: longtext")),
        each(&|i| format!("f{i}: \"F{i}\"")),
        each(&|i| format!("f{i}: string")),
        each(&|i| format!("f{i} <- f{i}")),
    )
}

#[test]
fn a_page_of_wide_rows_ends_early_and_cuts_what_is_long() {
    let desk = Desk::new();
    desk.file("many.sconn", &connector());
    let ann = desk.logged_in("ann", "run");
    let head: Vec<_> = (0..FIELDS).map(|i| format!("F{i}")).collect();
    let mut text = format!("Name,{}\n", head.join(","));
    for row in 0..ROWS {
        // One cell of a megabyte, and others that are long.
        let long = if row == 3 { "y".repeat(1 << 20) } else { "z".repeat(400) };
        let cells: Vec<_> =
            (0..FIELDS).map(|i| if i == 0 { long.clone() } else { "x".repeat(400) }).collect();
        text += &format!("n{row},{}\n", cells.join(","));
    }
    let id = ann.send_form("many", &[("csrf", &ann.csrf), ("mode", "dry")], &[("many.csv", &text)]).id();
    assert_eq!(desk.ended(&id), "completed");
    let (mut path, mut rows, mut pages) = (format!("/executions/{id}/decisions"), 0, 0);
    loop {
        let page = ann.get(&path).body;
        assert!(page.len() < 3 << 20, "{} bytes", page.len());
        assert!(page.contains(&format!("and {} more fields", FIELDS + 1 - 8)), "of 121 changes 8 are seen");
        assert!(!page.contains(&"x".repeat(301)) && !page.contains(&"y".repeat(301)));
        rows += page.matches("data-label=\"Outcome\"").count();
        pages += 1;
        let Some((before, _)) = page.split_once("rel=\"next\"") else { break };
        assert!(page.contains("the page ends here, since its rows are long"), "{path}");
        assert_eq!(page.matches("rel=\"next\"").count(), 2, "above and below");
        path = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&#38;", "&");
    }
    assert!(rows == ROWS && pages > 1, "{rows} rows on {pages} pages");
    // What is not shown of a value is found all the same.
    let found = ann.get(&format!("/executions/{id}/decisions?text={}", "y".repeat(310))).body;
    assert_eq!(found.matches("data-label=\"Outcome\"").count(), 1);
}

#[test]
fn of_an_outcome_it_is_known_how_many_there_are() {
    let desk = Desk::new();
    let ann = desk.logged_in("ann", "run");
    let rows: String =
        (0..120).map(|i| if i % 2 == 0 { format!("k{i},1\n") } else { ",1\n".to_owned() }).collect();
    let id = desk.ran(&ann, ("list.csv", &format!("SKU,Price\n{rows}")));
    let own = format!("/executions/{id}/decisions");
    assert!(ann.get(&own).body.contains(">rows 1 to 50 of 120<"));
    let page = ann.get(&format!("{own}?outcome=errored")).body;
    assert!(page.contains("50 of 60 errored, among rows 2 to 100 of 120"), "{page}");
    assert!(ann.get(&format!("{own}?text=k1")).body.contains("found among rows"));
}
