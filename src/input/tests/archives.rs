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

pub(super) fn stored(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        writer.start_file(*name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Replaces every occurrence; both texts have the same length.
pub(super) fn swap(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
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
fn a_zip_named_csv_is_refused() {
    assert_refused(Desk::new().one("a.csv", zip(&[("x.csv", b"x\n1\n")])), "this is a ZIP");
}

#[test]
fn a_zip_of_nothing_to_read_is_refused() {
    assert_refused(Desk::new().one("a.zip", zip(&[("x.pdf", b"hm")])), "no CSV");
}
