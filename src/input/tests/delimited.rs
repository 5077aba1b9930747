use super::*;

#[test]
fn marks_of_utf8_and_utf16_are_read() {
    let utf16 = |little: bool, text: &str| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() }).collect()
    };
    let text = "name,city\nZoë,Łódź 🙂\n";
    for bytes in [format!("\u{FEFF}{text}").into_bytes(), utf16(true, text), utf16(false, text)] {
        let desk = Desk::new();
        let intake = desk.one("a.csv", bytes).unwrap();
        assert_eq!(names(&intake.tables[0]), ["name", "city"]);
        assert_eq!(cells(&intake.tables[0]), [["Zoë", "Łódź 🙂"]]);
    }
}

#[test]
fn bytes_that_the_encoding_does_not_have_are_refused_with_their_place() {
    let desk = Desk::new();
    for (label, bytes) in [
        ("utf-8", &b"x,y\nab,c\xFFd\n"[..]),
        ("windows-1252", b"x,y\nab,c\x81d\n"),
        ("utf-8", b"x,y\r\n\xC3\xA9b,c\xC3(\n"),
    ] {
        let file = desk.put("a.csv", bytes);
        let mut plan = table("a");
        plan.options.encoding = Some(label.to_owned());
        let refusal = assert_refused(desk.read(&[file], &[plan]), "the byte 0x");
        assert_eq!((refusal.place.line, refusal.place.column), (Some(2), Some(5)), "{label}");
    }
    let broken = "name\nZoë\n".bytes().chain(*b"x\xFF\n").collect::<Vec<_>>();
    let refusal = assert_refused(desk.one("b.csv", broken), "the byte 0xFF is not valid UTF-8");
    assert_eq!((refusal.place.line, refusal.place.column), (Some(3), Some(2)));
    let file = desk.put("c.csv", "x\n1\n");
    let mut plan = table("c");
    plan.options.encoding = Some("klingon".to_owned());
    assert_refused(desk.read(&[file], &[plan]), "not the name of an encoding");
}

#[test]
fn mixed_line_ends_and_quoted_newlines_keep_true_line_numbers() {
    let text = "x,y\r\n1,a\r2,\"b\nc\r\nd\"\n\n\r\n3,e\r\r4,\"f \"\"g\"\"\"";
    let desk = Desk::new();
    let intake = desk.one("a.csv", text).unwrap();
    let expected = [(2, ["1", "a"]), (3, ["2", "b\nc\r\nd"]), (8, ["3", "e"]), (10, ["4", "f \"g\""])];
    let got = rows(&intake.tables[0]);
    assert_eq!(got.len(), expected.len());
    for ((line, cells), (want_line, want)) in got.iter().zip(expected) {
        assert_eq!((*line, cells.as_slice()), (want_line, want.map(str::to_owned).as_slice()));
    }
}

#[test]
fn line_numbers_hold_across_the_reader_s_buffers() {
    let mut text = String::from("x,y\r\n");
    for i in 0..60_000 {
        text.push_str(&format!("{i},\"a\r\nb\"\r\n"));
    }
    let desk = Desk::new();
    let intake = desk.one("a.csv", &text).unwrap();
    let got = rows(&intake.tables[0]);
    assert_eq!(got.len(), 60_000);
    for (i, (line, cells)) in got.iter().enumerate() {
        assert_eq!((*line, cells[0].as_str()), (2 + 2 * i as i64, i.to_string().as_str()));
    }
}

#[test]
fn repeated_and_blank_headers_get_names_and_notices() {
    let desk = Desk::new();
    let intake = desk.one("a.csv", "Name, name ,,2nd,\n1,2,3,4,5\n").unwrap();
    assert_eq!(names(&intake.tables[0]), ["name", "name__duplicate_1__", "_1", "_2nd", "_2"]);
    assert!(told(&intake, "`name__duplicate_1__`") && told(&intake, "`_1`, `_2`"));
    let many = ["", "1", "x", "x", "x"].map(str::to_owned);
    assert_eq!(
        crate::input::headers::normalise_headers(&many),
        ["_1", "_1__duplicate_1__", "x", "x__duplicate_1__", "x__duplicate_2__"]
    );
}

#[test]
fn delimiters_are_found() {
    for (name, d) in [("a.csv", ";"), ("a.dat", "|"), ("a.tsv", "\t"), ("a.csv", "\t"), ("a.csv", ",")] {
        let text = format!("x{d}y{d}z\n1{d}\"2,;|\"{d}3\n");
        let desk = Desk::new();
        let intake = desk.one(name, text).unwrap();
        assert_eq!(cells(&intake.tables[0]), [["1", "2,;|", "3"]], "{name} {d:?}");
    }
}

#[test]
fn cells_and_tables_beyond_the_limits_are_refused() {
    let limits = Limits { max_field_bytes: 1000, ..Limits::default() };
    let desk = Desk::new();
    for big in ["z".repeat(2000), "\n".repeat(2000), "\"\"".repeat(2000)] {
        let file = desk.put("a.csv", format!("x,y\n1,\"{big}\"\n"));
        let refusal = assert_limit(desk.read_within(&[file], &[], &limits), "max_field_bytes");
        assert_eq!(refusal.place.line, Some(2));
    }
    let wide = vec!["c"; 100_000].join(",");
    assert_limit(desk.one("b.csv", wide), "max_columns");
}

#[test]
fn every_rejected_row_is_in_the_file_and_the_first_are_kept() {
    let limits = Limits { max_rejected_kept: 2, ..Limits::default() };
    let desk = Desk::new();
    let file = desk.put("a.csv", "x,y\n1\n\"2\n, \"\"2\"\"\"\n3,=3,\0\n4,5\n");
    let intake = desk.read_within(std::slice::from_ref(&file), &[], &limits).unwrap();
    assert_eq!((intake.rejected.len(), intake.rejected_total), (2, 3));
    let mut listed = csv::Reader::from_path(intake.rejected_file.unwrap()).unwrap();
    assert_eq!(listed.headers().unwrap(), vec!["file", "part", "line", "cell", "reason", "text"]);
    let shown = file.display().to_string();
    let fewer = "the row has 1 cell, fewer than the header's 2";
    let rows: Vec<csv::StringRecord> = listed.records().map(Result::unwrap).collect();
    assert_eq!(rows[0], vec![&shown, "", "2", "", fewer, "1"]);
    assert_eq!(rows[1], vec![&shown, "", "3", "", fewer, "2\n, \"2\""]);
    let more = "the row has 3 cells, more than the header's 2";
    assert_eq!(rows[2], vec![&shown, "", "5", "", more, "3,=3,\0"]);
    assert_eq!(rows.len(), 3);
    let clean = desk.one("b.csv", "x\n1\n").unwrap();
    assert!(clean.rejected_file.is_none());
}

type Read = Vec<(i64, Vec<String>)>;

/// Line and cells of what was read, and line and reason of what was not.
fn read_and_rejected(text: &str) -> (Read, Vec<(i64, String)>) {
    let desk = Desk::new();
    let intake = desk.one("a.csv", text).unwrap();
    let rejected = intake.rejected.iter().map(|r| (r.source.line as i64, r.message.clone())).collect();
    (rows(&intake.tables[0]), rejected)
}

#[test]
fn a_quote_that_closes_inside_of_a_cell_costs_that_line_and_no_other() {
    let text = "id;name;price\n1;\"5 inch;1\n2;Elbow;2\n3;Tee 7\" wide;3\n4;\"Mug\" blue;4\r\n5;\"x\\\"y\";5\n\
                6;\"fine\" \t;6\n7;\"last\" one;7";
    let (read, rejected) = read_and_rejected(text);
    let of = |line: i64, cells: [&str; 3]| (line, cells.map(str::to_owned).to_vec());
    assert_eq!(
        read,
        [of(3, ["2", "Elbow", "2"]), of(4, ["3", "Tee 7\" wide", "3"]), of(7, ["6", "fine", "6"])]
    );
    let same =
        "cell 2 (`name`): there is text after the closing quote (\"); write a quote inside a cell as \"\"";
    let other = "cell 2 (`name`): the quote (\") that opens on line 2 closes on line 4, with text after it; \
                 close the quote, or write a quote inside a cell as \"\"";
    let expected = [(2, other), (5, same), (6, same), (8, same)].map(|(n, why)| (n, why.to_owned()));
    assert_eq!(rejected, expected);
}

#[test]
fn the_rest_of_a_row_with_a_faulty_quote_is_not_taken_for_a_row() {
    let text = "name,price\n\"He said \"hi\"\nand left\",5\nKim 7\",6\nZoe,7\nJo 8\",8\n";
    let (read, rejected) = read_and_rejected(text);
    assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4, 5, 6]);
    let rest = "cell 1 (`name`): there is a quote (\") in it, and this may be the rest of the row of line 2; \
                mend line 2 first";
    assert_eq!(rejected.len(), 2);
    assert_eq!(rejected[1], (3, rest.to_owned()));
}

#[test]
fn a_faulty_row_is_listed_as_it_stands_in_the_file() {
    let desk = Desk::new();
    let intake = desk.one("a.csv", "x,y\n1,\"a\"b \"\"\n3,4\n").unwrap();
    assert_eq!(intake.rejected[0].text, "1,\"a\"b \"\"");
    let refused =
        assert_refused(desk.one("b.csv", "x,\"y\"z\n1,2\n"), "cell 2: there is text after the closing");
    assert_eq!(refused.place.line, Some(1));
    assert!(refused.hint.unwrap().ends_with("or is the delimiter another one than `,`?"));
    let refused =
        assert_refused(desk.one("d.csv", "x;\"y\"z\n1;2\n"), "cell 2: there is text after the closing");
    assert!(refused.hint.unwrap().ends_with("than `;`?"));
    // What stands above the header is no row.
    let file = desk.put("c.csv", "Report\n\"May\" 2024\n\nsize 5\",y\n1,2\n");
    let mut plan = table("c");
    plan.options.header = Some(4);
    assert_eq!(rows(&desk.read(&[file], &[plan]).unwrap().tables[0])[0].0, 5);
}

#[test]
fn faulty_quotes_are_found_wherever_the_reader_s_buffers_end() {
    use super::super::records::{Record, Records};
    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);
    impl std::io::Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(self.0.len()).min(out.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let text = b"1,\"a\r\nb\r\n\r\nc\"d,2\r\n3,4\r\n5,\"6\"x\r\n7,\"8\"";
    let read = |piece: usize| -> Vec<(u64, bool, Vec<String>)> {
        let mut records = Records::new(Box::new(Drip(text, piece)), "a.csv", b',', &Limits::default());
        let (mut record, mut out) = (Record::default(), Vec::new());
        while records.next(&mut record).unwrap() {
            out.push((record.line, record.fault.is_some(), record.strings()));
        }
        out
    };
    let whole = read(text.len());
    let of = |line: u64, fault: bool, cells: &[&str]| {
        (line, fault, cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(
        whole,
        [
            of(1, true, &["1,\"a"]),
            of(2, false, &["b"]),
            of(4, false, &["c\"d", "2"]),
            of(5, false, &["3", "4"]),
            of(6, true, &["5,\"6\"x"]),
            of(7, false, &["7", "8"]),
        ]
    );
    for piece in 1..text.len() {
        assert_eq!(read(piece), whole, "{piece}");
    }
}

#[test]
fn quotes_that_would_have_a_file_read_over_and_over_refuse_it() {
    let desk = Desk::new();
    let limits = Limits { max_row_bytes: 1 << 16, ..Limits::default() };
    // Each second line opens a quote that closes at the end only, where there is text after it.
    let text = format!("x\n{}\"x", "y\na\",\"\n".repeat(5_000));
    let file = desk.put("a.csv", text);
    let started = std::time::Instant::now();
    let refused = assert_refused(desk.read_within(&[file], &[], &limits), "close amiss");
    assert!(refused.place.line.is_some() && started.elapsed().as_secs() < 20);
}

#[test]
fn memory_does_not_grow_with_a_file() {
    use super::super::records::{Record, Records};
    /// Rows without end, made as they are read.
    struct Endless(usize);
    impl std::io::Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let row = b"12345,\"a text\nof two lines\",0.5\n";
            for (i, byte) in out.iter_mut().enumerate() {
                *byte = row[(self.0 + i) % row.len()];
            }
            self.0 += out.len();
            Ok(out.len())
        }
    }
    let mut records = Records::new(Box::new(Endless(0)), "endless", b',', &Limits::default());
    let mut record = Record::default();
    for _ in 0..100_000 {
        assert!(records.next(&mut record).unwrap());
        assert_eq!(record.len(), 3);
        assert!(record.room() < 1024 && records.room() < (1 << 18) + 1024);
    }
    assert!(records.taken > 3 << 20);
}

#[test]
fn declared_columns_are_picked_by_header_and_missing_ones_are_told() {
    let desk = Desk::new();
    let file = desk.put("a.csv", "E-Mail,Full Name,Extra\na@b.c,NA,1\n");
    let mut plan = table("people");
    plan.options.missing = vec!["NA".to_owned()];
    plan.columns = Some(vec![
        column("who", "full_name", false),
        column("mail", "E-Mail", false),
        column("note", "Note", true),
    ]);
    let intake = desk.read(std::slice::from_ref(&file), std::slice::from_ref(&plan)).unwrap();
    assert_eq!(names(&intake.tables[0]), ["who", "mail", "note"]);
    assert_eq!(cells(&intake.tables[0]), [["-", "a@b.c", "-"]]);
    assert!(told(&intake, "not declared are left out: `Extra`"));
    plan.columns = Some(vec![column("who", "Ful Name", false)]);
    let refusal = assert_refused(desk.read(&[file], &[plan]), "no column `Ful Name`");
    assert!(refusal.hint.unwrap().contains("did you mean `Full Name`"));
}

#[test]
fn the_header_line_can_be_declared() {
    let desk = Desk::new();
    let file = desk.put("a.csv", "Report of May\n\nx,y\n1,2\n");
    let mut plan = table("a");
    plan.options.header = Some(3);
    assert_eq!(rows(&desk.read(&[file], &[plan]).unwrap().tables[0])[0].0, 4);
}

#[test]
fn several_files_of_one_table_are_appended() {
    let desk = Desk::new();
    let files = [desk.put("may.csv", "x,y\n1,2\n"), desk.put("june.csv", "y,x\n4,3\n")];
    let intake = desk.read(&files, &[table("sales")]).unwrap();
    assert_eq!(cells(&intake.tables[0]), [["1", "2"], ["3", "4"]]);
    let files = [files[0].clone(), desk.put("july.csv", "x,z\n1,2\n")];
    assert_refused(desk.read(&files, &[table("sales")]), "headers differ");
}

#[test]
fn each_table_finds_its_file_and_the_rest_is_told() {
    let desk = Desk::new();
    let files = [
        desk.put("Order Lines.csv", "x\n1\n"),
        desk.put("orders_2024.csv", "y\n2\n"),
        desk.put("other.csv", "z\n3\n"),
    ];
    let mut orders = table("orders");
    orders.from = InputFrom::File("orders_*.csv".to_owned());
    let intake = desk.read(&files, &[orders, table("order_lines")]).unwrap();
    assert_eq!(
        (cells(&intake.tables[0]), cells(&intake.tables[1])),
        (vec![vec!["2".to_owned()]], vec![vec!["1".to_owned()]])
    );
    assert!(told(&intake, "no input table uses") && told(&intake, "other.csv"));
    let refusal = assert_refused(desk.read(&files, &[table("others"), table("orders")]), "`others` needs");
    assert!(refusal.hint.unwrap().contains("other.csv"));
}

#[test]
fn a_file_with_another_kind_s_name_is_refused() {
    let desk = Desk::new();
    assert!(
        assert_refused(desk.one("a.xlsx", "x,y\n1,2\n"), "not a workbook").hint.unwrap().contains(".csv")
    );
    assert_refused(desk.one("a.zip", "x,y\n1,2\n"), "not a ZIP");
}

#[test]
fn reading_stops_when_asked_and_tells_how_far_it_is() {
    let desk = Desk::new();
    let file = desk.put("a.csv", "x\n1\n");
    let stopped = read(
        &[InputFile::from(file.clone())],
        &[],
        desk.scratch.path(),
        &Limits::default(),
        &|_, _| {},
        &|| true,
    );
    assert!(matches!(stopped, Err(InputError::Stopped)));
    let last = std::cell::Cell::new((0, 0));
    read(
        &[InputFile::from(file)],
        &[],
        desk.scratch.path(),
        &Limits::default(),
        &|a, b| last.set((a, b)),
        &|| false,
    )
    .unwrap();
    assert_eq!(last.get(), (4, 4));
}

#[test]
fn a_probe_shows_headers_and_rows() {
    let desk = Desk::new();
    let file = desk.put("My Data.csv", "Name;Age\nZoë;\n\nshort\nKim;7\n");
    let probed = probe(&file, &[], &Limits::default()).unwrap();
    let (name, table) = &probed[0];
    let table = table.as_ref().unwrap();
    assert_eq!((name.as_str(), table.delimiter), ("my_data", Some(';')));
    assert_eq!(table.headers[0], ("name".to_owned(), "Name".to_owned()));
    assert_eq!(
        table.rows,
        [vec![Some("Zoë".to_owned()), None], vec![Some("Kim".to_owned()), Some("7".to_owned())]]
    );
}
