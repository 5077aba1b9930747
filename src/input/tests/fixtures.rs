//! Workbooks that another program wrote, in the four forms: see `tests/files`.

use super::*;

const FORMS: [&str; 8] = [
    "prices.xlsx",
    "prices.xlsm",
    "prices.xlsb",
    "prices.xls",
    "prices-1904.xlsx",
    "prices-1904.xlsm",
    "prices-1904.xlsb",
    "prices-1904.xls",
];

fn file(name: &str) -> PathBuf {
    PathBuf::from("tests/files").join(name)
}

#[test]
fn every_form_gives_the_same_tables() {
    for form in FORMS {
        let desk = Desk::new();
        let intake = desk.read(&[file(form)], &[]).unwrap();
        let named: Vec<&str> = intake.tables.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(named, ["prices", "stock", "uncached"], "{form}");
        let prices = &intake.tables[0];
        assert_eq!(
            names(prices),
            ["code", "name", "price", "card", "ok", "day", "at", "time", "sum"],
            "{form}"
        );
        let expected: [(i64, [&str; 9]); 5] = [
            (
                2,
                [
                    "0870",
                    "Café Zoë",
                    "12.5",
                    "12345678901234568",
                    "true",
                    "2024-03-04",
                    "2024-03-04T10:20:30",
                    "18:00:00",
                    "2",
                ],
            ),
            (4, ["SEPT2", "漢字 🙂 Łódź", "-3", "7", "false", "2024-12-31", "2024-12-31", "06:00:00", "2"]),
            (5, ["1E2", "=1+1", "0.1", "-", "-", "-", "-", "-", "-"]),
            (7, ["00012", "line\nbreak", "1234567.891", "-", "-", "2000-01-01", "-", "-", "-"]),
            (9, ["both", "-", "1", "-", "-", "-", "-", "-", "-"]),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(line, cells)| (*line, cells.map(str::to_owned).to_vec())).collect();
        assert_eq!(rows(prices), expected, "{form}");
        assert_eq!(
            rows(&intake.tables[1]),
            [
                (2, ["0870", "seen", "1000"].map(str::to_owned).to_vec()),
                (3, ["SEPT2", "-", "0"].map(str::to_owned).to_vec())
            ],
            "{form}"
        );
    }
}

#[test]
fn every_form_names_its_bad_cells_and_tells_of_what_is_hidden() {
    for form in FORMS {
        let desk = Desk::new();
        let intake = desk.read(&[file(form)], &[]).unwrap();
        let bad = |r: &RejectedRow| {
            let part = intake.parts[r.source.part as usize].inner.clone().unwrap_or_default();
            format!("{part} {}: {}", r.cell.as_deref().unwrap_or_default(), r.message)
        };
        let mut told_of: Vec<String> = intake.rejected.iter().map(bad).collect();
        assert_eq!(told_of.remove(0), "Prices C6: the cell has the error #N/A", "{form}");
        // Only the newer forms can say that a formula has no result; in the others it is empty.
        let uncached = cells(&intake.tables[2]);
        if form.contains(".xlsx") || form.contains(".xlsm") {
            assert!(told_of[0].starts_with("Uncached B2: the formula has no stored result"), "{form}");
            assert_eq!(uncached, [["b", "3"]], "{form}");
        } else {
            assert!(told_of.is_empty(), "{form}: {told_of:?}");
            assert_eq!(uncached, [["a", "-"], ["b", "3"]], "{form}");
        }
        for notice in [
            "there are merged cells",
            "hidden rows and columns are read",
            "the sheet `Stock` is hidden",
            "Prices: the column `Card` has numbers of more than 15 digits",
        ] {
            assert!(told(&intake, notice), "{form}: `{notice}` is not in {:?}", intake.notices);
        }
    }
}

/// Whatever is done to a workbook's bytes, it is read or refused.
#[test]
fn broken_workbooks_are_refused_or_read_and_nothing_worse() {
    let mut random = 0x2545_F491_4F6C_DD1Du64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize
    };
    for form in ["prices.xls", "prices-1904.xls", "prices.xlsb"] {
        let good = std::fs::read(file(form)).unwrap();
        let (mut refused, mut read) = (0, 0);
        for round in 0..300 {
            let mut bytes = good.clone();
            if round % 10 == 0 {
                bytes.truncate(next() % good.len());
            }
            for _ in 0..1 + round % 4 {
                if let Some(byte) =
                    bytes.len().checked_sub(1).and_then(|last| bytes.get_mut(next() % (last + 1)))
                {
                    *byte = next() as u8;
                }
            }
            let desk = Desk::new();
            match desk.one(form, bytes) {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0 && read + refused == 300, "{form}: {read} read, {refused} refused");
    }
}
