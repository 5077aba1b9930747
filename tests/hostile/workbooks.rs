//! Workbooks of the old and the binary form, from the file to the records.

use super::{Desk, assert_says, notices};
use crate::common::{counts, reasons, sql};
use std::io::Read;

const PRICES: &str = r#"
connector prices {
  name    "Prices"
  trigger spreadsheet
}

object items "Items" {
  name:  text required
  label: text
  price: decimal
  day:   date
}

input prices from sheet "Prices" {
  code:  "Code"
  name:  "Name"
  price: "Price"
  day:   "Day"
}

scope items from input.prices {
  code:  string required
  name:  string
  price: number
  day:   date
}

load items into items {
  match name with code
  map {
    name  <- code
    label <- name
    price <- price
    day   <- day
  }
}
"#;

/// The only CSV of a run's SQL output.
fn csv(out: &std::path::Path) -> String {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(out.join("sql-output.zip")).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_workbook_of_any_form_is_run_alike() {
    for form in ["prices.xls", "prices.xlsb", "prices-1904.xls", "prices-1904.xlsb"] {
        let desk = Desk::new();
        let connector = desk.file("prices.sconn", PRICES);
        let file = desk.file(form, std::fs::read(format!("tests/files/{form}")).unwrap());
        for more in [&[][..], &["--live"][..]] {
            let run = desk.with(&connector, &[&file], more);
            // One row has an error cell.
            assert_eq!(run.code, 1, "{form}: {}", run.stdout);
            assert_eq!(counts(&run, "items"), [5, 0, 0, 0, 0, 0, 0], "{form}");
            assert_eq!(reasons(&run, "items"), Vec::<String>::new(), "{form}");
            assert_says(&run.stdout, &[&format!("{form}!Prices:6: cell C6: the cell has the error #N/A")]);
            assert_says(&notices(&run), &["there are merged cells", "the sheet `Stock` is hidden"]);
            assert_eq!(
                csv(&run.out),
                "code,name,price,day\n0870,Café Zoë,12.5,2024-03-04\nSEPT2,漢字 🙂 Łódź,-3,2024-12-31\n\
                 1E2,=1+1,0.1,\n00012,\"line\nbreak\",1234567.891,2000-01-01\nboth,,1,\n",
                "{form}"
            );
        }
        assert_eq!(
            sql(desk.path(), "SELECT name, price, day FROM items ORDER BY name"),
            [
                "00012|1234567.891|2000-01-01",
                "0870|12.5|2024-03-04",
                "1E2|0.1|NULL",
                "SEPT2|-3|2024-12-31",
                "both|1|NULL"
            ],
            "{form}"
        );
    }
}

/// What looks like a number in a sheet is one where the variable is declared so, and a text where not; a
/// number beyond the 15 digits that sheets keep is told.
#[test]
fn cells_are_what_their_variables_say() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("list").unwrap();
    for (c, header) in ["SKU", "Unit Price"].iter().enumerate() {
        sheet.write_string(0, c as u16, *header).unwrap();
    }
    sheet.write_string(1, 0, "0870").unwrap().write_string(1, 1, "1.50").unwrap();
    sheet.write_number(2, 0, 12.0).unwrap().write_string(2, 1, "1E2").unwrap();
    sheet.write_number(3, 0, 12_345_678_901_234_567.0).unwrap().write_number(3, 1, 3.0).unwrap();
    let desk = Desk::new();
    let run = desk.live(&desk.list(), &[&desk.file("list.xlsx", book.save_to_buffer().unwrap())]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert_eq!(
        sql(desk.path(), "SELECT sku, price FROM items ORDER BY sku"),
        ["0870|1.5", "12|NULL", "12345678901234568|3"]
    );
    assert_eq!(reasons(&run, "items"), ["warning not_a_number price 1"]);
    assert_says(&notices(&run), &["list.xlsx, list: the column `SKU` has numbers of more than 15 digits"]);
}
