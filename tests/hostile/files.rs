//! Input files.

use super::{Desk, assert_says, failure, notices, workbook, zip};
use crate::common::{counts, reasons, sql};

/// The file is refused: with these words, in a dry and a live run; no store is made, and one that is there
/// stays as it is.
fn assert_refused(name: &str, bytes: &[u8], expected: &[&str]) {
    assert_refused_by(super::LIST, name, bytes, expected);
}

fn assert_refused_by(connector: &str, name: &str, bytes: &[u8], expected: &[&str]) {
    let desk = Desk::new();
    let connector = desk.file("it.sconn", connector);
    let file = desk.file(name, bytes);
    for more in [&[][..], &["--live"][..]] {
        let run = desk.with(&connector, &[&file], more);
        assert_eq!(run.code, 2, "{name}: {}", run.stdout);
        assert_says(&failure(&run), &[&file]);
        assert_says(&failure(&run), expected);
        let (what, mend) = failure(&run).split_once('\n').map(|(w, m)| (w.to_owned(), m.to_owned())).unwrap();
        assert_says(
            &run.stderr,
            &[&format!("error: {what}\n"), &format!("\n  help: {}", mend.lines().next().unwrap())],
        );
        assert!(failure(&run).contains('\n'), "there is no word of what to do: {}", failure(&run));
        assert!(!desk.has_store(), "{name}: a store was made");
        assert!(!run.out.join("decisions.parquet").exists());
    }
    let desk = desk.filled();
    let before = desk.dump();
    assert_eq!(desk.live(&connector, &[&file]).code, 2);
    assert_eq!(desk.dump(), before, "{name}");
}

#[test]
fn an_empty_file() {
    assert_refused("list.csv", b"", &["the file is empty", "a header row is needed"]);
    assert_refused("list.csv", b"\n  \n\n", &["the file is empty"]);
}

#[test]
fn a_header_and_no_rows_is_no_error() {
    let desk = Desk::new();
    let file = desk.file("list.csv", "SKU,Unit Price\n");
    let run = desk.live(&desk.list(), &[&file]);
    assert_eq!(run.code, 0);
    assert_eq!(counts(&run, "items"), [0; 7]);
    assert_says(&notices(&run), &["the input table `list` has no rows"]);
}

#[test]
fn a_missing_column_and_the_nearest_header() {
    assert_refused(
        "list.csv",
        b"SKU,UnitPrices\n1,2\n",
        &["list.csv, line 1: there is no column `Unit Price`", "did you mean `UnitPrices`?"],
    );
    assert_refused("list.xlsx", &workbook(&[&["SKU", "Cost"]]), &["list, line 1: there is no column"]);
}

#[test]
fn workbooks_that_are_none() {
    let book = workbook(&[&["SKU", "Unit Price"], &["1", "2"]]);
    let old = [&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1][..], &[0; 2000]].concat();
    assert_refused("list.xlsx", &book[..book.len() / 2], &["the workbook is damaged or cut off"]);
    assert_refused("list.xlsx", b"PK\x03\x04 and so on", &["the workbook is damaged or cut off"]);
    assert_refused("list.xlsx", &old, &["an old workbook (.xls), not a .xlsx file", "the ending .xls"]);
    assert_refused("list.xls", &old, &["the workbook is damaged"]);
    assert_refused("list.xlsx", b"SKU,Unit Price\n1,2\n", &["this is not a workbook", "the ending .csv"]);
    assert_refused("list.csv", &book, &["this is a workbook, not a .csv file", "the ending .xlsx"]);
    assert_refused("list.xls", &book, &["this is a workbook, not a .xls file"]);
    // A workbook whose parts are there, but are nonsense.
    let hollow = zip(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<workbook><sheets><sheet")]);
    assert_refused("list.xlsx", &hollow, &["the workbook is damaged"]);
}

#[test]
fn encodings_that_are_wrong() {
    let declared =
        super::LIST.replace("kind:  \"Kind\" optional\n", "encoding \"utf-8\"\n  kind: \"Kind\" optional\n");
    let latin = b"SKU,Unit Price\nCaf\xe9,1\n";
    assert_refused_by(&declared, "list.csv", latin, &["line 2, column 4: the byte 0xE9 is not valid UTF-8"]);
    let desk = Desk::new();
    let unknown = desk.file("unknown.sconn", declared.replace("utf-8", "utf-42"));
    let run = desk.live(&unknown, &[&desk.file("list.csv", latin)]);
    assert_eq!(run.code, 2);
    assert_says(
        &run.stderr,
        &["error[SC0502]", "there is no encoding \"utf-42\"", "did you mean \"utf-8\"?"],
    );
    assert!(!desk.has_store());
    // Undeclared: letters that are right in UTF-8, then a byte that is not.
    let mixed = b"SKU,Unit Price\nCaf\xc3\xa9,1\nX\xe9,2\n";
    assert_refused(
        "list.csv",
        mixed,
        &["line 3, column 2: the byte 0xE9 is not valid UTF-8", "save the file as"],
    );
    // A byte that the guessed encoding does not have.
    let hole = b"SKU,Unit Price\nCaf\xe9,1\nX,\x81\n";
    assert_refused("list.csv", hole, &["line 3, column 3: the byte 0x81 is not valid windows-1252"]);
    let utf16: Vec<u8> = "SKU,Unit Price\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_refused(
        "list.csv",
        &utf16,
        &["UTF-16 without a byte order mark", "declare its encoding: `utf-16le`"],
    );
}

#[test]
fn encodings_that_are_right() {
    let desk = Desk::new();
    let text = "\u{FEFF}SKU,Unit Price\nCafé,1.5\n漢字,2\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [text.as_bytes(), little.as_slice(), big.as_slice()] {
        let run = desk.live(&desk.list(), &[&desk.file("list.csv", bytes)]);
        assert_eq!(run.code, 0, "{}", run.stdout);
        assert_eq!(sql(desk.path(), "SELECT sku, price FROM items ORDER BY id"), ["Café|1.5", "漢字|2"]);
        assert_eq!(run.summary["notices"].as_array().unwrap().len(), usize::from(bytes == text.as_bytes()));
    }
    // A guess is told.
    let desk = Desk::new();
    let run = desk.live(&desk.list(), &[&desk.file("list.csv", b"SKU,Unit Price\nCaf\xe9,1\n\xdcber,2\n")]);
    assert_eq!(sql(desk.path(), "SELECT sku FROM items ORDER BY id"), ["Café", "Über"]);
    assert_says(&notices(&run), &["list.csv: it is not UTF-8 and was read as windows-1252, a guess"]);
}

#[test]
fn rows_that_cannot_be_read_are_told_and_the_others_go_on() {
    let desk = Desk::new();
    let file = desk.file("list.csv", "SKU,Unit Price\n1\n2,3,4\n\n5,6\n7,\0\n\"8\n8\",9,9\n10,11\n");
    let run = desk.live(&desk.list(), &[&file]);
    assert_eq!(run.code, 1);
    assert_eq!(sql(desk.path(), "SELECT sku, price FROM items ORDER BY id"), ["5|6", "10|11"]);
    let rejected = &run.summary["rejected"];
    assert_eq!(rejected["count"], 4);
    let lines: Vec<String> = rejected["examples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{}:{}: {}", r["file"].as_str().unwrap(), r["line"], r["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            "list.csv:2: the row has 1 cell, fewer than the header's 2",
            "list.csv:3: the row has 3 cells, more than the header's 2",
            "list.csv:6: cell 2 (`Unit Price`): there is a NUL character in it",
            "list.csv:7: the row has 3 cells, more than the header's 2",
        ]
    );
    assert_says(
        &run.stdout,
        &[
            "4 rows of the input could not be read",
            "list.csv:2: the row has 1 cell",
            "and 1 more, in rejected.csv",
        ],
    );
    // Every one of them, with its text.
    let all = run.out.join("rejected.csv");
    assert_eq!(run.summary["artefacts"]["rejected"], all.to_str().unwrap());
    let listed: Vec<String> = csv::Reader::from_path(&all)
        .unwrap()
        .records()
        .map(|r| {
            let row = r.unwrap();
            assert_eq!(row[0], *file);
            format!("{} {}", &row[2], &row[5])
        })
        .collect();
    assert_eq!(listed, ["2 1", "3 2,3,4", "6 7,\0", "7 8\n8,9,9"]);
    // A later run into the same folder has none of it.
    let good = desk.file("list.csv", "SKU,Unit Price\n1,2\n");
    let again = crate::common::sconn(&[
        "run",
        &desk.list(),
        "--input",
        &good,
        "--out",
        run.out.to_str().unwrap(),
        "--target",
        desk.at("store.sqlite").to_str().unwrap(),
    ]);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    assert!(!all.exists() && !again.stdout.contains("rejected"));
}

#[test]
fn rows_beyond_those_that_are_shown_are_in_the_file() {
    let desk = Desk::new();
    let broken: String = (0..1500).map(|n| format!("{n}\n")).collect();
    let file = desk.file("list.csv", format!("SKU,Unit Price\n1,2\n{broken}"));
    let run = desk.with(&desk.list(), &[&file], &[]);
    assert_eq!(run.code, 1);
    assert_eq!(run.summary["rejected"]["count"], 1500);
    let rows = csv::Reader::from_path(run.out.join("rejected.csv")).unwrap().into_records().count();
    assert_eq!(rows, 1500);
    let mut report: calamine::Xlsx<_> = calamine::open_workbook(run.out.join("report.xlsx")).unwrap();
    let summary = calamine::Reader::worksheet_range(&mut report, "Summary").unwrap();
    let texts: Vec<String> = summary.used_cells().map(|(_, _, cell)| cell.to_string()).collect();
    assert_eq!(texts.iter().filter(|t| t.contains("fewer than the header's 2")).count(), 1000);
    assert!(texts.contains(&"and 500 rows more".to_owned()));
    assert!(texts.iter().any(|t| t.starts_with("Every one of them") && t.contains("rejected.csv")));
}

#[test]
fn cells_of_a_sheet_that_cannot_be_read_are_named() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("list").unwrap();
    for (r, row) in [["SKU", "Unit Price"], ["a", "1"], ["b", ""], ["c", "3"]].iter().enumerate() {
        for (c, cell) in row.iter().enumerate() {
            sheet.write_string(r as u32, c as u16, *cell).unwrap();
        }
    }
    sheet.write_formula(2, 1, rust_xlsxwriter::Formula::new("1/0").set_result("#DIV/0!")).unwrap();
    sheet.write_string(3, 3, "beyond").unwrap();
    let desk = Desk::new();
    let run = desk.live(&desk.list(), &[&desk.file("list.xlsx", book.save_to_buffer().unwrap())]);
    assert_eq!(run.code, 1);
    assert_eq!(sql(desk.path(), "SELECT sku FROM items"), ["a"]);
    assert_says(
        &run.stdout,
        &[
            "list.xlsx!list:3: cell B3: the cell has the error #DIV/0!",
            "list.xlsx!list:4: cell D4: there is a cell beyond",
        ],
    );
}

#[test]
fn a_quote_that_never_closes_and_a_wrong_delimiter() {
    let open = b"SKU,Unit Price\n1,2\n2,\"3\n4,5\n";
    assert_refused(
        "list.csv",
        open,
        &["list.csv, line 3: a quote (\") opens here and never closes", "write a quote"],
    );
    let semicolons =
        super::LIST.replace("kind:  \"Kind\" optional\n", "delimiter \";\"\n  kind: \"Kind\" optional\n");
    assert_refused_by(
        &semicolons,
        "list.csv",
        b"SKU,Unit Price\n1,2\n",
        &["list.csv, line 1: with the delimiter `;` the header row is one single column", "seems to be `,`"],
    );
}

#[test]
fn values_that_do_not_fit() {
    let desk = Desk::new();
    let file = desk.file("list.csv", "SKU,Unit Price,Kind\na,1,new\nb,two,new\n,3,new\nd,4,broken\n");
    let run = desk.live(&desk.list(), &[&file]);
    assert_eq!(run.code, 1);
    assert_eq!(counts(&run, "items"), [3, 0, 0, 0, 0, 1, 0]);
    assert_eq!(
        reasons(&run, "items"),
        ["error required sku 1", "warning not_a_number price 1", "warning unknown_option kind 1"]
    );
    assert_eq!(
        sql(desk.path(), "SELECT sku, price, kind FROM items ORDER BY id"),
        ["a|1|new", "b|NULL|new", "d|4|NULL"]
    );
    assert_says(
        &run.stdout,
        &[
            "list.csv:4: sku: a value is required",
            "list.csv:3: price: \"two\" is not a number written like 1,234.56",
            "list.csv:5: `kind` has no option `broken`: it has `new`, `used`",
        ],
    );
    // The same number, required.
    let strict = desk.variant("  price: number\n", "  price: number required\n");
    let run = desk.live(&strict, &[&file]);
    assert_eq!(counts(&run, "items"), [0, 0, 2, 0, 0, 2, 0]);
    assert_eq!(reasons(&run, "items")[0], "error not_a_number price 1");
}

#[test]
fn paths_that_are_no_files() {
    let desk = Desk::new();
    std::fs::create_dir(desk.at("folder")).unwrap();
    for (name, expected) in [
        ("folder", &["folder: this is a folder", "hand in the files in it"]),
        ("nothing.csv", &["nothing.csv: there is no such file", "check the path"]),
    ] {
        let run = desk.live(&desk.list(), &[desk.at(name).to_str().unwrap()]);
        assert_eq!(run.code, 2);
        assert_says(&failure(&run), expected);
        assert!(!desk.has_store());
    }
    let none = desk.live(&desk.list(), &[]);
    assert_eq!(none.code, 2);
    assert_says(&failure(&none), &["no file was given", "--input FILE"]);
}

#[test]
fn archives_with_traps() {
    let csv = b"SKU,Unit Price\n1,2\n";
    let good = zip(&[("list.csv", csv)]);
    let slip = zip(&[("../list.csv", csv)]);
    assert_refused(
        "a.zip",
        &slip,
        &["a.zip, ../list.csv: the ZIP has a link or a path that leads out of it"],
    );
    assert_refused("a.zip", &zip(&[("in.zip", &good)]), &["a.zip, in.zip: there is a ZIP in the ZIP"]);
    assert_refused(
        "a.zip",
        &zip(&[("list.csv", &good)]),
        &["list.csv: there is a ZIP or a workbook in the ZIP"],
    );
    assert_refused("a.zip", &zip(&[("list.pdf", csv)]), &["there is no CSV, TSV or DAT file in the ZIP"]);
    assert_refused(
        "a.zip",
        &good[..good.len() - 10],
        &["the ZIP is damaged or cut off", "send the file again"],
    );
    let mut locked = good.clone();
    let directory = locked.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    locked[6] |= 1;
    locked[directory + 8] |= 1;
    assert_refused("a.zip", &locked, &["a.zip, list.csv: the file is encrypted", "without a password"]);
    let bomb = zip(&[("list.csv", &[b'0'; 12 << 20])]);
    assert_refused("a.zip", &bomb, &["a.zip, list.csv: it unpacks to more than 250 times its size"]);
}

#[test]
fn limits() {
    let mut wide: String = (0..1_000_000).map(|i| format!("c{i},")).collect();
    wide.push_str("\n1,2\n");
    assert_refused("list.csv", wide.as_bytes(), &["list.csv, line 1: a row has more than 16384 columns"]);
    let long = format!("SKU,Unit Price\n1,2\n2,{}\n", "x".repeat(20 << 20));
    assert_refused("list.csv", long.as_bytes(), &["list.csv, line 3: a cell has more than 16777216 bytes"]);
}

#[test]
fn two_files_for_one_input() {
    let desk = Desk::new();
    std::fs::create_dir(desk.at("more")).unwrap();
    let one = desk.file("list.csv", "SKU,Unit Price\na,1\n");
    let two = desk.file("more/list.csv", "Unit Price,SKU\n2,b\nx,c\n");
    let run = desk.live(&desk.list(), &[&one, &two]);
    assert_eq!(run.code, 0);
    assert_eq!(sql(desk.path(), "SELECT sku, price FROM items ORDER BY id"), ["a|1", "b|2", "c|NULL"]);
    // Told apart by their paths.
    let place = run.summary["steps"][0]["by_code"][0]["example"]["source"].as_str().unwrap();
    assert_eq!(place, format!("{two}:3"));
}

#[test]
fn a_header_twice_is_told() {
    let desk = Desk::new();
    let file = desk.file("list.csv", "SKU,Unit Price,Unit Price,Colour\na,1,2,red\n");
    let run = desk.live(&desk.list(), &[&file]);
    assert_eq!(run.code, 0);
    assert_eq!(sql(desk.path(), "SELECT price FROM items"), ["1"]);
    assert_says(
        &notices(&run),
        &["more than once, the first is read: `Unit Price`", "not declared are left out: `Colour`"],
    );
    // Without a declaration the second gets a name of its own.
    let connector = desk.file(
        "any.sconn",
        "connector any {\n trigger spreadsheet\n sample \"list.csv\"\n}\n\
         scope all_of_it { sql { SELECT unit_price__duplicate_1__ AS second FROM input.list } }\n",
    );
    let run = desk.with(&connector, &[&file], &[]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_says(&notices(&run), &["repeated headers are named `unit_price__duplicate_1__`"]);
}
