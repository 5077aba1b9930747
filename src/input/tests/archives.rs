use super::*;
use std::io::{Cursor, Write};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file(*name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(*name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Replaces every occurrence; both texts have the same length.
fn swap(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut hits = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            hits += 1;
        }
    }
    assert!(hits > 0, "nothing to replace");
    bytes
}

#[test]
fn the_csvs_at_the_top_or_in_the_folder_named_like_the_zip_are_tables() {
    let bytes = zip(&[
        ("Batch/Orders.csv", b"x,y\n1,2\n"),
        ("lines.tsv", b"a\tb\n3\t4\n"),
        ("__MACOSX/._Orders.csv", b"junk"),
        ("._lines.tsv", b"junk"),
        ("elsewhere/x.csv", b"x\n1\n"),
        ("readme.md", b"hello"),
    ]);
    let desk = Desk::new();
    let intake = desk.one("batch.zip", bytes).unwrap();
    let named: Vec<&str> = intake.tables.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(named, ["orders", "lines"]);
    assert_eq!(cells(&intake.tables[1]), [["3", "4"]]);
    assert_eq!(intake.parts[0].inner.as_deref(), Some("Batch/Orders.csv"));
    assert!(told(&intake, "elsewhere/x.csv") && told(&intake, "readme.md"));
}

#[test]
fn paths_that_lead_out_and_links_are_refused() {
    for bad in ["../x.csv", "a/../b.csv", "/abs.csv", "C:/abs.csv", "a\\b.csv"] {
        let name = "n".repeat(bad.len());
        let bytes = swap(stored(&[(&name, b"x\n1\n")]), name.as_bytes(), bad.as_bytes());
        assert_refused(Desk::new().one("a.zip", bytes), "leads out");
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("x.csv", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_refused(Desk::new().one("a.zip", bytes), "link");
}

#[test]
fn overlapping_entries_are_refused() {
    let bytes = stored(&[("a.csv", b"x\n1\n"), ("b.csv", b"x\n1\n")]);
    // The second entry of the central directory points at the first file.
    let central =
        bytes.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").map(|(i, _)| i).nth(1).unwrap();
    let mut bytes = bytes;
    bytes[central + 42..central + 46].copy_from_slice(&[0; 4]);
    assert!(Desk::new().one("a.zip", bytes).is_err());
}

#[test]
fn a_zip_in_a_zip_is_refused() {
    let inner = zip(&[("x.csv", b"x\n1\n")]);
    assert_refused(Desk::new().one("a.zip", zip(&[("b.zip", &inner)])), "a ZIP in the ZIP");
    assert_refused(Desk::new().one("a.zip", zip(&[("b.csv", &inner)])), "a workbook in the ZIP");
}

#[test]
fn false_checksums_and_sizes_and_cut_off_zips_are_refused() {
    let good = stored(&[("a.csv", b"x\nabcdef\n")]);
    assert!(Desk::new().one("a.zip", &good).is_ok());
    assert_refused(Desk::new().one("a.zip", swap(good.clone(), b"abcdef", b"abcdeg")), "damaged");
    assert_refused(Desk::new().one("a.zip", &good[..good.len() - 10]), "cut off");
    let deflated = zip(&[("a.csv", "x\n1\n".repeat(100).as_bytes())]);
    let central = deflated.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut lying = deflated;
    lying[central + 24..central + 28].copy_from_slice(&50u32.to_le_bytes());
    assert_refused(Desk::new().one("a.zip", lying), "damaged");
}

#[test]
fn equal_names_and_encryption_are_refused() {
    assert_refused(Desk::new().one("a.zip", zip(&[("A.csv", b"x\n1\n"), ("a.csv", b"x\n1\n")])), "same name");
    let twins = swap(stored(&[("a.csv", b"x\n1\n"), ("b.csv", b"x\n1\n")]), b"b.csv", b"a.csv");
    assert_refused(Desk::new().one("a.zip", twins), "same name");
    let mut locked = stored(&[("a.csv", b"x\n1\n")]);
    let central = locked.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    locked[central + 8] |= 1;
    locked[6] |= 1;
    assert_refused(Desk::new().one("a.zip", locked), "encrypted");
}

#[test]
fn bombs_are_stopped_at_the_limits() {
    let bytes = zip(&[("a.csv", &vec![b'a'; 20 << 20])]);
    assert_limit(Desk::new().one("a.zip", &bytes), "zip_ratio");
    let desk = Desk::new();
    let file = desk.put("a.zip", &bytes);
    let limits = Limits { zip_total: 1 << 20, ..Limits::default() };
    assert_limit(desk.read_within(&[file], &[], &limits), "zip_total");
}

#[test]
fn a_zip_named_csv_is_refused() {
    assert_refused(Desk::new().one("a.csv", zip(&[("x.csv", b"x\n1\n")])), "this is a ZIP");
}

#[test]
fn a_zip_of_nothing_to_read_is_refused() {
    assert_refused(Desk::new().one("a.zip", zip(&[("x.pdf", b"hm")])), "no CSV");
}
