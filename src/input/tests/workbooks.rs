use super::archives::zip;
use super::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

const TYPES: &str = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK_RELS: &str = r#"<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
const STYLES: &str = r#"<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>"#;

/// A workbook of one sheet `Data`, by hand: what stands before and in `sheetData`.
pub(super) fn by_hand(properties: &str, before: &str, data: &str, doctype: &str) -> Vec<u8> {
    let book = format!(
        r#"<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr {properties}/><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let sheet = format!(
        r#"<?xml version="1.0"?>{doctype}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{before}<sheetData>{data}</sheetData></worksheet>"#
    );
    zip(&[
        ("[Content_Types].xml", TYPES.as_bytes()),
        ("_rels/.rels", RELS.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", BOOK_RELS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

pub(super) fn text(cell: &str, text: &str) -> String {
    format!(r#"<c r="{cell}" t="inlineStr"><is><t>{text}</t></is></c>"#)
}

pub(super) fn sheet(rows: &[String]) -> String {
    rows.iter().enumerate().map(|(i, r)| format!(r#"<row r="{}">{r}</row>"#, i + 1)).collect()
}

#[test]
fn cells_become_text_exactly() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    let data = book.add_worksheet().set_name("Price List").unwrap();
    for (c, h) in ["Code", "Price", "Day", "At", "Ok"].iter().enumerate() {
        data.write(0, c as u16, *h).unwrap();
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    data.write(1, 0, "0870").unwrap();
    data.write(1, 1, 12.5).unwrap();
    data.write_with_format(1, 2, ExcelDateTime::from_ymd(2024, 3, 4).unwrap(), &day).unwrap();
    let at = ExcelDateTime::from_ymd(2024, 3, 4).unwrap().and_hms(10, 20, 30).unwrap();
    data.write_with_format(1, 3, &at, &day).unwrap();
    data.write(1, 4, true).unwrap();
    data.write(3, 0, "=1+1 as text").unwrap();
    data.write(3, 1, 12).unwrap();
    book.save(desk.path("a.xlsx")).unwrap();
    let intake = desk.read(&[desk.path("a.xlsx")], &[]).unwrap();
    assert_eq!(intake.tables[0].name, "price_list");
    assert!(intake.parts[0].is_sheet);
    let got = rows(&intake.tables[0]);
    assert_eq!(got[0].1, ["0870", "12.5", "2024-03-04", "2024-03-04T10:20:30", "true"]);
    assert_eq!(
        (got[1].0, got[1].1.as_slice()),
        (4, ["=1+1 as text", "12", "-", "-", "-"].map(str::to_owned).as_slice())
    );
    let probed = probe(&desk.path("a.xlsx"), &[], &Limits::default()).unwrap();
    assert_eq!((probed[0].0.as_str(), probed[0].1.as_ref().unwrap().rows.len()), ("price_list", 2));
}

#[test]
fn both_epochs_are_respected() {
    let data = sheet(&[
        text("A1", "day"),
        r#"<c r="A2" s="1"><v>1</v></c>"#.to_owned(),
        r#"<c r="A3" s="1"><v>0</v></c>"#.to_owned(),
    ]);
    let desk = Desk::new();
    let old = desk.one("a.xlsx", by_hand(r#"date1904="1""#, "", &data, "")).unwrap();
    assert_eq!(cells(&old.tables[0]), [["1904-01-02"], ["1904-01-01"]]);
    let desk = Desk::new();
    let new = desk.one("a.xlsx", by_hand("", "", &data, "")).unwrap();
    // No day is counted as zero: it is a time of day.
    assert_eq!(cells(&new.tables[0]), [["1900-01-01"], ["00:00:00"]]);
}

#[test]
fn cells_that_cannot_be_read_reject_their_row_by_name() {
    let a = |n: usize| text(&format!("A{n}"), "k");
    let data = sheet(&[
        text("A1", "key") + &text("C1", "value"),
        a(2) + r#"<c r="C2" s="1"><v>60</v></c>"#,
        a(3) + r#"<c r="C3" t="e"><v>#N/A</v></c>"#,
        a(4) + r#"<c r="C4"><f>1+1</f></c>"#,
        a(5) + r#"<c r="C5"><f>1+1</f><v>2</v></c>"#,
        a(6) + &text("D6", "far"),
        a(7) + r#"<c r="C7" s="1"><v>61</v></c>"#,
    ]);
    let desk = Desk::new();
    let intake = desk.one("a.xlsx", by_hand("", "", &data, "")).unwrap();
    assert_eq!(names(&intake.tables[0]), ["key", "_1", "value"]);
    assert_eq!(cells(&intake.tables[0]), [["k", "-", "2"], ["k", "-", "1900-03-01"]]);
    let bad: Vec<&str> = intake.rejected.iter().map(|r| r.cell.as_deref().unwrap()).collect();
    assert_eq!(bad, ["C2", "C3", "C4", "D6"]);
    assert!(intake.rejected[1].message.contains("#N/A"));
    let texts: Vec<&str> = intake.rejected.iter().map(|r| r.text.as_str()).collect();
    assert_eq!(texts, ["k |  | ", "k |  | ", "k |  | ", "k |  |  | far"]);
    assert!(intake.rejected[2].message.contains("no stored result"));
}

#[test]
fn numbers_of_more_than_15_digits_are_told_once() {
    let data = sheet(&[
        text("A1", "card"),
        r#"<c r="A2"><v>12345678901234567</v></c>"#.into(),
        r#"<c r="A3"><v>12345678901234568</v></c>"#.into(),
        r#"<c r="A4"><v>1E20</v></c>"#.into(),
    ]);
    let desk = Desk::new();
    let intake = desk.one("a.xlsx", by_hand("", "", &data, "")).unwrap();
    assert_eq!(intake.notices.iter().filter(|n| n.message.contains("15 digits")).count(), 1);
    assert_eq!(cells(&intake.tables[0])[2], ["100000000000000000000"]);
}

#[test]
fn hidden_and_merged_cells_are_read_by_one_rule_and_told() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    let data = book.add_worksheet().set_name("Data").unwrap();
    data.write(0, 0, "x").unwrap().write(0, 1, "y").unwrap();
    data.merge_range(1, 0, 1, 1, "both", &Format::new()).unwrap();
    data.write(2, 0, "hidden").unwrap().set_row_hidden(2).unwrap();
    let side = book.add_worksheet().set_name("Side").unwrap();
    side.write(0, 0, "z").unwrap().write(1, 0, 1).unwrap().set_hidden(true);
    book.save(desk.path("a.xlsx")).unwrap();
    let intake = desk.read(&[desk.path("a.xlsx")], &[]).unwrap();
    assert_eq!(cells(&intake.tables[0]), [["both", "-"], ["hidden", "-"]]);
    assert_eq!(cells(&intake.tables[1]), [["1"]]);
    assert!(
        told(&intake, "merged cells") && told(&intake, "`Side` is hidden") && told(&intake, "hidden rows")
    );
}

#[test]
fn a_cell_longer_than_spreadsheets_have_is_refused_by_name() {
    let with = |text_of: String| sheet(&[text("A1", "x") + &text("B1", "y"), text("B2", &text_of)]);
    let desk = Desk::new();
    let most = desk.one("a.xlsx", by_hand("", "", &with("é".repeat(32_767)), "")).unwrap();
    assert_eq!(most.tables[0].rows, 1);
    // A sign beyond the first 65,536 counts twice.
    for long in ["é".repeat(32_768), "🙂".repeat(16_384)] {
        let Err(InputError::Limit(refused)) = desk.one("a.xlsx", by_hand("", "", &with(long), "")) else {
            panic!("it was taken")
        };
        assert!(
            refused.to_string().contains("a.xlsx, Data, cell B2: the cell has more than 32767"),
            "{refused}"
        );
    }
}

#[test]
fn a_text_that_many_cells_share_counts_as_often_as_it_stands_there() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    let long = "x".repeat(30_000);
    for name in ["One", "Two"] {
        let data = book.add_worksheet().set_name(name).unwrap();
        data.write(0, 0, "text").unwrap();
        for row in 1..=30 {
            data.write(row, 0, &long).unwrap();
        }
    }
    book.save(desk.path("a.xlsx")).unwrap();
    let read = |zip_total| {
        let limits = Limits { zip_total, ..Limits::default() };
        desk.read_within(&[desk.path("a.xlsx")], &[], &limits)
    };
    // 900 kB a sheet: it is the workbook's that count.
    assert_eq!(read(2_000_000).unwrap().tables.len(), 2);
    let Err(InputError::Limit(refused)) = read(1_000_000) else { panic!("it was taken") };
    assert!(refused.to_string().contains("a.xlsx, Two, line "), "{refused}");
    assert!(refused.to_string().contains("cells have more than 1000000 bytes (zip_total)"), "{refused}");
}

#[test]
fn the_right_sheet_feeds_the_table() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Cover").unwrap();
    for (name, value) in [("Stock 2024", "a"), ("Prices", "b")] {
        let data = book.add_worksheet().set_name(name).unwrap();
        data.write(0, 0, "x").unwrap().write(1, 0, value).unwrap();
    }
    book.save(desk.path("a.xlsx")).unwrap();
    let file = [desk.path("a.xlsx")];
    assert_eq!(cells(&desk.read(&file, &[table("prices")]).unwrap().tables[0]), [["b"]]);
    let mut stock = table("stock");
    stock.from = InputFrom::Sheet("Stock 2024".to_owned());
    assert_eq!(cells(&desk.read(&file, &[stock]).unwrap().tables[0]), [["a"]]);
    let refusal = assert_refused(desk.read(&file, &[table("price")]), "`price` needs a sheet `price`");
    assert_eq!(refusal.hint.as_deref(), Some("did you mean `Prices`?"));
    let all = desk.read(&file, &[]).unwrap();
    assert_eq!(all.tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["stock_2024", "prices"]);
}

#[test]
fn the_only_sheet_with_something_in_it_feeds_the_only_table() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Empty").unwrap();
    book.add_worksheet().set_name("Tabelle1").unwrap().write(0, 0, "x").unwrap().write(1, 0, 5).unwrap();
    book.save(desk.path("a.xlsx")).unwrap();
    let intake = desk.read(&[desk.path("a.xlsx")], &[table("orders")]).unwrap();
    assert_eq!(cells(&intake.tables[0]), [["5"]]);
    assert!(told(&intake, "no input table uses") && told(&intake, "Empty"));
}

#[test]
fn a_full_sheet_is_read_to_its_last_row() {
    let desk = Desk::new();
    let mut book = Workbook::new();
    let data = book.add_worksheet_with_constant_memory().unwrap();
    data.write(0, 0, "n").unwrap();
    for i in 1..1_048_576u32 {
        data.write(i, 0, i).unwrap();
    }
    book.save(desk.path("a.xlsx")).unwrap();
    let intake = desk.read(&[desk.path("a.xlsx")], &[]).unwrap();
    assert_eq!(intake.tables[0].rows, 1_048_575);
}
