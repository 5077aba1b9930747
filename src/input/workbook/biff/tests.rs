#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
}

/// A workbook of sheets with these records.
fn book(globals: &[Vec<u8>], sheets: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let head = [record(BEGIN, &[0, 6, 5, 0]), globals.concat()].concat();
    let mut at = head.len() + 8 * sheets.len() + 4;
    let (mut places, mut bodies) = (Vec::new(), Vec::new());
    for sheet in sheets {
        places.extend(record(SHEET, &(at as u32).to_le_bytes()));
        let body = [record(BEGIN, &[0, 6, 16, 0]), sheet.concat(), record(END, &[])].concat();
        at += body.len();
        bodies.extend(body);
    }
    [head, places, record(END, &[]), bodies].concat()
}

fn number(row: u16, column: u16) -> Vec<u8> {
    record(NUMBER, &[&row.to_le_bytes()[..], &column.to_le_bytes(), &[0; 10]].concat())
}

fn tamed(mut book: Vec<u8>) -> (Result<(), Fault>, Seen, Vec<u8>) {
    let mut seen = Seen::default();
    let done = tame(&mut book, 1 << 20, &mut seen);
    (done, seen, book)
}

#[test]
fn what_the_reader_would_keep_in_memory_is_counted_before() {
    assert_eq!(tamed(book(&[], &[vec![number(0, 0), number(100, 100)]])).0, Ok(()));
    // Two cells at the corners of a sheet cost as much as all between them.
    assert_eq!(tamed(book(&[], &[vec![number(0, 0), number(65535, 255)]])).0, Err(Fault::TooLarge));
    let far = [&[0, 0, 0, 0][..], &[0; 6 * 3], &[2, 0]].concat();
    assert_eq!(tamed(book(&[], &[vec![record(NUMBERS, &far), number(6000, 0)]])).0, Err(Fault::TooLarge));
    // One long text in many cells.
    let texts = record(TEXTS, &[&[0; 8][..], &[0xE8, 3, 0], &[b'a'; 1000]].concat());
    let cell = |row: u8| record(SHARED_TEXT, &[row, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let sheet = |rows: u8| vec![(0..rows).map(cell).collect::<Vec<_>>()];
    assert_eq!(tamed(book(std::slice::from_ref(&texts), &sheet(200))).0, Ok(()));
    let several: Vec<_> = (0..4).flat_map(|_| sheet(200)).collect();
    assert_eq!(tamed(book(&[texts], &several)).0, Err(Fault::TooLarge));
}

#[test]
fn claimed_sizes_and_formulas_are_taken_out() {
    let size = record(SIZE, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0xFF, 0xFF, 0, 0]);
    let formula = record(FORMULA, &[&[0; 20][..], &[3, 0, 0x1E, 1, 0]].concat());
    let (done, _, after) = tamed(book(&[], &[vec![size, formula]]));
    assert_eq!(done, Ok(()));
    let emptied = record(FORMULA, &[&[0; 22][..], &[0x1E, 1, 0]].concat());
    let small = record(SIZE, &[0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(after, book(&[], &[vec![small, emptied]]));
}

#[test]
fn formats_get_numbers_that_the_reader_knows() {
    let format = |n: u8| record(FORMAT, &[n, 0, 1, 0, 0, b'd']);
    let style = |n: u8| record(STYLE, &[[0, 0, n, 0], [0; 4]].concat());
    let made = |numbers: [u8; 3]| {
        book(&[format(numbers[0]), format(numbers[1]), style(14), style(numbers[1]), style(numbers[2])], &[])
    };
    let (done, _, after) = tamed(made([164, 60, 60]));
    assert_eq!((done, after), (Ok(()), made([164, 165, 165])));
    assert_eq!(tamed(made([164, 41, 14])).2, made([164, 41, 14]));
}

#[test]
fn merged_and_hidden_cells_are_seen_and_charts_are_not_looked_into() {
    let hidden_row = record(ROW, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0]);
    let hidden_column = record(COLUMNS, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    let chart = [record(BEGIN, &[0; 4]), record(MERGED, &[0; 2]), record(END, &[])].concat();
    for (records, merged, hidden) in [
        (vec![hidden_row], false, true),
        (vec![hidden_column], false, true),
        (vec![record(MERGED, &[0; 2])], true, false),
        (vec![chart, number(0, 0)], false, false),
    ] {
        let (done, seen, _) = tamed(book(&[], &[records]));
        assert_eq!((done, seen.merged, seen.hidden), (Ok(()), merged, hidden));
    }
}

#[test]
fn broken_books_are_refused() {
    let good = book(&[], &[vec![number(0, 0)]]);
    for end in 1..good.len() {
        assert!(tamed(good[..end].to_vec()).0.is_err(), "{end} bytes of {}", good.len());
    }
    assert_eq!(tamed(book(&[record(PASSWORD, &[0; 2])], &[])).0, Err(Fault::Encrypted));
    let lost = record(SHARED_TEXT, &[0, 0, 0, 0, 0, 0, 9, 0, 0, 0]);
    assert!(matches!(tamed(book(&[], &[vec![lost]])).0, Err(Fault::Damaged(_))));
    let text = vec![record(FORMULA, &[4; 25]), record(FORMULA_TEXT, &[1; 9]), record(CONTINUE, &[0; 9])];
    assert_eq!(tamed(book(&[], &[text])).0, Err(Fault::LongText(0x0404 + 1)));
    // Both sheets in the same place.
    let mut twice = book(&[], &[vec![number(0, 0)], vec![]]);
    let first = twice[12..16].to_vec();
    twice[20..24].copy_from_slice(&first);
    assert!(matches!(tamed(twice).0, Err(Fault::Damaged(_))));
}

#[test]
fn shared_texts_go_on_in_further_records() {
    let sizes = |pieces: Vec<&[u8]>| Texts::of(pieces).sizes();
    assert_eq!(sizes(vec![&[2, 0, 0, b'a', b'b', 1, 0, 1, 0x42, 0x6F]]), Some(vec![4, 3]));
    // Four characters: two narrow, then two wide.
    assert_eq!(sizes(vec![&[4, 0, 0, b'a', b'b'], &[1, 1, 2, 3, 4]]), Some(vec![10]));
    // With formats behind, in the next record.
    assert_eq!(sizes(vec![&[1, 0, 8, 1, 0, b'a', 9], &[9, 9, 9, 0, 0, 0]]), Some(vec![2, 0]));
    assert_eq!(sizes(vec![&[4, 0, 0, b'a']]), None);
}
