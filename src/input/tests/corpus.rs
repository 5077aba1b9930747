//! What bad input gets, by the numbers of the hostile corpus: CSV 1 to 17, workbooks 37 to 47, ZIPs 49
//! to 53. Each is read exactly, or a row of it is left out, or it is refused, or a limit is named; and
//! whatever is said names the file, the line or sheet, and the cell.

use super::archives::{stored, swap, zip};
use super::workbooks::{by_hand, sheet, text};
use super::*;

enum Outcome {
    /// Exactly these cells; these notices.
    Read(&'static [&'static [&'static str]], &'static [&'static str]),
    /// These rows are left out, the others are there.
    LeftOut(&'static [&'static str], &'static [&'static [&'static str]]),
    Refused(&'static [&'static str]),
    Limit(&'static [&'static str]),
}

use Outcome::{LeftOut, Limit, Read, Refused};

struct Case {
    item: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    encoding: Option<&'static str>,
    delimiter: Option<char>,
    declared: &'static [&'static str],
    limits: Limits,
    outcome: Outcome,
}

fn case(item: &'static str, name: &'static str, bytes: impl Into<Vec<u8>>, outcome: Outcome) -> Case {
    let (encoding, delimiter, declared, limits) = (None, None, &[][..], Limits::default());
    Case { item, name, bytes: bytes.into(), encoding, delimiter, declared, limits, outcome }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn csvs() -> Vec<Case> {
    let small = Limits { max_field_bytes: 1000, ..Limits::default() };
    vec![
        case("1 empty", "a.csv", "", Refused(&["a.csv: the file is empty", "a header row is needed"])),
        case("1 blank", "a.csv", "\n \r\n", Refused(&["a.csv: the file is empty"])),
        case("1 mark alone", "a.csv", b"\xEF\xBB\xBF", Refused(&["a.csv: the file is empty"])),
        case("2 header only", "a.csv", "x,y\n", Read(&[], &["the input table `a` has no rows"])),
        case("3 mark", "a.csv", "\u{FEFF}x\nZoë\n", Read(&[&["Zoë"]], &[])),
        case("4 UTF-16", "a.csv", utf16("\u{FEFF}x,y\nŁ,🙂\n"), Read(&[&["Ł", "🙂"]], &[])),
        case(
            "5 UTF-16 without a mark",
            "a.csv",
            utf16("x,y\n1,2\n"),
            Refused(&["a.csv: this is UTF-16 without a byte order mark", "`utf-16le`"]),
        ),
        Case {
            encoding: Some("utf-16le"),
            ..case("5 declared", "a.csv", utf16("x,y\n1,Ł\n"), Read(&[&["1", "Ł"]], &[]))
        },
        case(
            "6 windows-1252, found out",
            "a.csv",
            b"x,y\nCaf\xE9,Fran\xE7ois\n",
            Read(&[&["Café", "François"]], &["a.csv: it is not UTF-8 and was read as windows-1252, a guess"]),
        ),
        Case {
            encoding: Some("windows-1252"),
            ..case("6 declared", "a.csv", b"x\n\x80 5\n", Read(&[&["€ 5"]], &[]))
        },
        Case {
            encoding: Some("utf-8"),
            ..case(
                "6 invalid",
                "a.csv",
                b"x,y\n1,ab\xFF\n",
                Refused(&[
                    "a.csv, line 2, column 5: the byte 0xFF is not valid UTF-8",
                    "declare its encoding",
                ]),
            )
        },
        case(
            "7 NUL",
            "a.csv",
            "x,Price\n1,2\n3,\0\n5,6\n",
            LeftOut(&["3: cell 2 (`Price`): there is a NUL character"], &[&["1", "2"], &["5", "6"]]),
        ),
        case("8 mixed line ends", "a.csv", "x\r\n1\r2\n3\n\r4", Read(&[&["1"], &["2"], &["3"], &["4"]], &[])),
        case(
            "9 newline in quotes",
            "a.csv",
            "x,y\n\"1\n\n1\",2\n3\n4,5\n",
            LeftOut(&["5: the row has 1 cell, fewer"], &[&["1\n\n1", "2"], &["4", "5"]]),
        ),
        case(
            "10 unclosed quote",
            "a.csv",
            "x,y\n1,2\n3,\"4\n5,6\n7,8\n",
            Refused(&["a.csv, line 3: a quote (\") opens here and never closes", "close the quote"]),
        ),
        case(
            "11 short, 12 long",
            "a.csv",
            "x,y,z\n1,2\n1,2,3\n1,2,3,4\n",
            LeftOut(
                &["2: the row has 2 cells, fewer than the header's 3", "4: the row has 4 cells, more than"],
                &[&["1", "2", "3"]],
            ),
        ),
        case(
            "13 repeated headers, 14 blank ones",
            "a.csv",
            "x,X,,\n1,2,3,4\n",
            Read(
                &[&["1", "2", "3", "4"]],
                &[
                    "a.csv: repeated headers are named `x__duplicate_1__`",
                    "without a header are named `_1`, `_2`",
                ],
            ),
        ),
        Case {
            delimiter: Some(','),
            declared: &["x", "y"],
            ..case(
                "15 wrong delimiter",
                "a.csv",
                "x;y\n1;2\n",
                Refused(&["a.csv, line 1: with the delimiter `,`", "the delimiter seems to be `;`"]),
            )
        },
        Case {
            limits: small,
            ..case(
                "16 a huge cell",
                "a.csv",
                format!("x,y\n1,2\n1,{}\n", "z".repeat(2000)),
                Limit(&["a.csv, line 3: a cell has more than 1000 bytes", "max_field_bytes"]),
            )
        },
        case(
            "17 100,000 columns",
            "a.csv",
            vec!["c"; 100_000].join(","),
            Limit(&["a.csv, line 1: a row has more than 16384 columns", "max_columns"]),
        ),
    ]
}

fn workbooks() -> Vec<Case> {
    let x = || text("A1", "x");
    let one = |cell: &str| sheet(&[x(), cell.to_owned(), text("A3", "on")]);
    let old = [&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1][..], &[0; 2000]].concat();
    let plain = || by_hand("", "", &sheet(&[x()]), "");
    vec![
        case(
            "37 days from 1904",
            "a.xlsx",
            by_hand(r#"date1904="1""#, "", &one(r#"<c r="A2" s="1"><v>0</v></c>"#), ""),
            Read(&[&["1904-01-01"], &["on"]], &[]),
        ),
        case(
            "38 day 60",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2" s="1"><v>60</v></c>"#), ""),
            LeftOut(&["2 A2: the date is 29 February 1900"], &[&["on"]]),
        ),
        case(
            "39 text that looks like a number",
            "a.xlsx",
            by_hand("", "", &one(&text("A2", "0870")), ""),
            Read(&[&["0870"], &["on"]], &[]),
        ),
        case(
            "40 more than 15 digits",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2"><v>12345678901234567</v></c>"#), ""),
            Read(
                &[&["12345678901234568"], &["on"]],
                &["a.xlsx, Data: the column `x` has numbers of more than 15"],
            ),
        ),
        case(
            "41 an error",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2" t="e"><v>#N/A</v></c>"#), ""),
            LeftOut(&["2 A2: the cell has the error #N/A"], &[&["on"]]),
        ),
        case(
            "41 no stored result",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2"><f>1+1</f></c>"#), ""),
            LeftOut(&["2 A2: the formula has no stored result; open the file"], &[&["on"]]),
        ),
        case(
            "41 the stored result is no text",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2" t="str"><f>""</f><v></v></c>"#), ""),
            Read(&[&["on"]], &[]),
        ),
        case(
            "42 hidden and merged",
            "a.xlsx",
            by_hand(
                "",
                r#"<cols><col min="1" max="1" hidden="true"/></cols>"#,
                &(one(&text("A2", "1"))
                    + r#"</sheetData><mergeCells><mergeCell ref="A2:B2"/></mergeCells><sheetData>"#),
                "",
            ),
            Read(
                &[&["1"], &["on"]],
                &["a.xlsx: hidden rows and columns are read", "a.xlsx: there are merged cells"],
            ),
        ),
        case(
            "43 encrypted",
            "a.xlsx",
            [old.as_slice(), &utf16("EncryptedPackage")].concat(),
            Refused(&["a.xlsx: the workbook is encrypted", "without a password"]),
        ),
        case(
            "43 an old one renamed",
            "a.xlsx",
            old.clone(),
            Refused(&["a.xlsx: this is an old workbook", ".xls"]),
        ),
        case("43 a new one renamed", "a.xls", plain(), Refused(&["a.xls: this is a workbook", ".xlsx"])),
        case("43 broken", "a.xls", old, Refused(&["a.xls: the workbook is damaged", "save it again"])),
        case(
            "45 a bomb",
            "a.xlsx",
            by_hand("", "", &(one("") + &" ".repeat(20 << 20)), ""),
            Limit(&[
                "a.xlsx, xl/worksheets/sheet1.xml: it unpacks to more than 250 times its size",
                "zip_ratio",
            ]),
        ),
        Case {
            limits: Limits { workbook_memory: 100, ..Limits::default() },
            ..case(
                "45 more texts than fit into memory",
                "a.xlsx",
                plain(),
                Limit(&[
                    "a.xlsx, xl/workbook.xml: its texts need more than 100 bytes of memory",
                    "workbook_memory",
                ]),
            )
        },
        Case {
            limits: Limits { xls_memory: 14_000, ..Limits::default() },
            ..case(
                "45 an old workbook is kept whole",
                "a.xls",
                std::fs::read("tests/files/prices.xls").unwrap(),
                Limit(&["a.xls: it needs more than 14000 bytes of memory (xls_memory)", "save it as .xlsx"]),
            )
        },
        case(
            "46 a sheet that claims all cells",
            "a.xlsx",
            by_hand("", r#"<dimension ref="A1:XFD1048576"/>"#, &one(""), ""),
            Read(&[&["on"]], &[]),
        ),
        case(
            "47 DOCTYPE",
            "a.xlsx",
            by_hand("", "", &one(""), r#"<!DOCTYPE x [<!ENTITY a "b">]>"#),
            Refused(&["a.xlsx, xl/worksheets/sheet1.xml: a part of the workbook has a DOCTYPE"]),
        ),
        case(
            "47 formulas numbered beyond all room",
            "a.xlsx",
            by_hand("", "", &one(r#"<c r="A2"><f t="shared" ref="A2:A3" si="4000000000">1</f></c>"#), ""),
            Refused(&[
                "a.xlsx, xl/worksheets/sheet1.xml: the workbook numbers its formulas beyond a million",
            ]),
        ),
    ]
}

fn zips() -> Vec<Case> {
    let csv = &b"x\n1\n"[..];
    let good = stored(&[("a.csv", b"x\nabcdef\n")]);
    let directory = |bytes: &[u8], n: usize| {
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(i, _)| i).nth(n).unwrap()
    };
    let mut lying = zip(&[("a.csv", "x\n1\n".repeat(100).as_bytes())]);
    let at = directory(&lying, 0);
    lying[at + 24..at + 28].copy_from_slice(&50u32.to_le_bytes());
    let mut locked = stored(&[("a.csv", csv)]);
    let at = directory(&locked, 0);
    locked[at + 8] |= 1;
    locked[6] |= 1;
    // The second entry of the directory says that it begins where the first does.
    let mut overlapping = stored(&[("a.csv", csv), ("b.csv", csv)]);
    let at = directory(&overlapping, 1);
    overlapping[at + 42..at + 46].copy_from_slice(&[0; 4]);
    let inner = zip(&[("x.csv", csv)]);
    let bomb = zip(&[("a.csv", &vec![b'a'; 20 << 20])]);
    let mut cases = vec![
        case("50 overlapping", "a.zip", overlapping, Refused(&["a.zip: files in the ZIP overlap"])),
        case(
            "51 a ZIP in a ZIP",
            "a.zip",
            zip(&[("b.zip", &inner)]),
            Refused(&["a.zip, b.zip: there is a ZIP in the ZIP", "into one ZIP"]),
        ),
        case(
            "51 by its content",
            "a.zip",
            zip(&[("b.csv", &inner)]),
            Refused(&["a.zip, b.csv: there is a ZIP or a workbook in the ZIP"]),
        ),
        case(
            "52 false checksum",
            "a.zip",
            swap(good.clone(), b"abcdef", b"abcdeg"),
            Refused(&["a.zip, a.csv: the ZIP is damaged", "send the file again"]),
        ),
        case("52 false size", "a.zip", lying, Refused(&["a.zip, a.csv: the ZIP is damaged"])),
        case(
            "52 cut off",
            "a.zip",
            &good[..good.len() - 10],
            Refused(&["a.zip: the ZIP is damaged or cut off"]),
        ),
        case(
            "52 a bomb",
            "a.zip",
            bomb.clone(),
            Limit(&["a.zip, a.csv: it unpacks to more than 250", "zip_ratio"]),
        ),
        Case {
            limits: Limits { zip_total: 1 << 20, ..Limits::default() },
            ..case(
                "52 too much in all",
                "a.zip",
                bomb,
                Limit(&["a.zip: unpacked, it has more than", "zip_total"]),
            )
        },
        case(
            "53 equal names",
            "a.zip",
            swap(stored(&[("a.csv", csv), ("b.csv", csv)]), b"b.csv", b"a.csv"),
            Refused(&["a.zip: two files in the ZIP have the same name"]),
        ),
        case(
            "53 equal but for case",
            "a.zip",
            zip(&[("A.csv", csv), ("a.csv", csv)]),
            Refused(&["a.zip, a.csv: two files in the ZIP have the same name"]),
        ),
        case("53 encrypted", "a.zip", locked, Refused(&["a.zip, a.csv: the file is encrypted"])),
    ];
    for bad in ["../x.csv", "a/../b.csv", "/abs.csv", "C:/abs.csv", "a\\b.csv"] {
        let name = "n".repeat(bad.len());
        let bytes = swap(stored(&[(&name, csv)]), name.as_bytes(), bad.as_bytes());
        cases.push(case(
            "49 a path that leads out",
            "a.zip",
            bytes,
            Refused(&["a.zip, ", "leads out of it"]),
        ));
    }
    let mut link = zip::write::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    link.add_symlink("x.csv", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    let bytes = link.finish().unwrap().into_inner();
    cases.push(case("49 a link", "a.zip", bytes, Refused(&["a.zip, x.csv: the ZIP has a link"])));
    cases
}

#[test]
fn every_item_gets_what_is_promised() {
    for case in csvs().into_iter().chain(workbooks()).chain(zips()) {
        let desk = Desk::new();
        let item = case.item;
        let file = desk.put(case.name, &case.bytes);
        let mut plan = table("a");
        plan.options.encoding = case.encoding.map(str::to_owned);
        plan.options.delimiter = case.delimiter;
        if !case.declared.is_empty() {
            plan.columns = Some(case.declared.iter().map(|c| column(c, c, false)).collect());
        }
        let intake = desk.read_within(&[file], &[plan], &case.limits);
        match (case.outcome, intake) {
            (Read(rows, notices), Ok(intake)) => {
                assert_eq!(cells(&intake.tables[0]), rows, "{item}");
                assert_eq!(intake.rejected_total, 0, "{item}: {:?}", intake.rejected);
                for notice in notices {
                    assert!(told(&intake, notice), "{item}: `{notice}` is not in {:?}", intake.notices);
                }
                assert_eq!(intake.notices.len(), notices.len(), "{item}: {:?}", intake.notices);
            }
            (LeftOut(left_out, rows), Ok(intake)) => {
                assert_eq!(cells(&intake.tables[0]), rows, "{item}");
                let got: Vec<String> = intake
                    .rejected
                    .iter()
                    .map(|r| match &r.cell {
                        Some(cell) => format!("{} {cell}: {}", r.source.line, r.message),
                        None => format!("{}: {}", r.source.line, r.message),
                    })
                    .collect();
                assert_eq!(got.len(), left_out.len(), "{item}: {got:?}");
                for (got, wanted) in got.iter().zip(left_out) {
                    assert!(got.starts_with(wanted), "{item}: {got}");
                }
            }
            (Refused(says), Err(InputError::Refused(r))) | (Limit(says), Err(InputError::Limit(r))) => {
                let said = format!("{r}\n{}", r.hint.as_deref().unwrap_or_default());
                for part in says {
                    assert!(said.contains(part), "{item}: `{part}` is not in {said}");
                }
            }
            (_, other) => panic!("{item}: {other:?}"),
        }
    }
}
