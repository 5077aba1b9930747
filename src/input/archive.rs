//! ZIPs of CSVs: their entries are checked, counted and copied to scratch files with names of our own.

use super::errors::InputError;
use super::parts::{Found, Kind, stem};
use super::{Limits, Notice, Part};
use crate::system::crash::{self, Disk};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use zip::ZipArchive;

/// A ZIP that was opened, and who may want no more of it.
pub(super) struct Archive<'a> {
    zip: ZipArchive<BufReader<File>>,
    stop: &'a dyn Fn() -> bool,
}

/// Opens a ZIP.
///
/// # Errors
/// Where it is truncated or damaged.
pub(super) fn open<'a>(
    path: &Path,
    shown: &str,
    stop: &'a dyn Fn() -> bool,
) -> Result<Archive<'a>, InputError> {
    let file = File::open(path).map_err(|e| InputError::io(path, e))?;
    let zip = ZipArchive::new(BufReader::new(file));
    let zip = zip.map_err(|_| damaged(shown, "its list of contents is not there"))?;
    Ok(Archive { zip, stop })
}

fn damaged(shown: &str, cause: &str) -> InputError {
    let ending = shown.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let what = if ending.starts_with("xls") { "workbook" } else { "ZIP" };
    InputError::refused(shown, format!("the {what} is damaged or cut off ({cause})"))
        .with_hint("make or send the file again")
}

/// Whether it is a workbook by what is in it.
pub(super) fn is_workbook(path: &Path, shown: &str) -> Result<bool, InputError> {
    let archive = open(path, shown, &|| false)?.zip;
    Ok(archive.file_names_raw().any(|n| n == b"[Content_Types].xml"))
}

/// One entry, by what the ZIP says of it.
pub(super) struct Entry {
    pub index: usize,
    pub name: String,
    pub size: u64,
    pub is_dir: bool,
}

/// Checks the list of entries: names, links, encryption, overlaps, declared sizes.
pub(super) fn entries(
    archive: &mut Archive<'_>,
    shown: &str,
    limits: &Limits,
) -> Result<Vec<Entry>, InputError> {
    let archive = &mut archive.zip;
    if archive.len() > limits.zip_entries {
        let limit = limits.zip_entries;
        return Err(InputError::limit(shown, format!("the ZIP has more than {limit} files (zip_entries)")));
    }
    if archive.has_duplicate_names() {
        return Err(InputError::refused(shown, "two files in the ZIP have the same name"));
    }
    if archive.has_overlapping_entries().map_err(|e| damaged(shown, &e.to_string()))? {
        return Err(InputError::refused(shown, "files in the ZIP overlap; it was made to mislead"));
    }
    let mut names = HashSet::new();
    let mut total = 0u64;
    let mut list = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|e| damaged(shown, &e.to_string()))?;
        let name = entry.name().map_err(|e| damaged(shown, &e.to_string()))?.into_owned();
        let inside = |e: InputError| e.inside(Some(&name));
        if entry.encrypted() {
            return Err(inside(InputError::refused(shown, "the file is encrypted"))
                .with_hint("make the ZIP again without a password"));
        }
        if unsafe_name(&name) || entry.is_symlink() {
            return Err(inside(InputError::refused(
                shown,
                "the ZIP has a link or a path that leads out of it",
            ))
            .with_hint("make the ZIP again with plain files only"));
        }
        if !names.insert(name.to_lowercase()) {
            return Err(inside(InputError::refused(shown, "two files in the ZIP have the same name")));
        }
        let (size, packed) = (entry.size(), entry.compressed_size());
        total = total.saturating_add(size);
        if total > limits.zip_total {
            let limit = limits.zip_total;
            return Err(InputError::limit(
                shown,
                format!("unpacked, it has more than {limit} bytes (zip_total)"),
            ));
        }
        check_ratio(shown, &name, size, packed, limits)?;
        list.push(Entry { index, is_dir: entry.is_dir(), name: name.clone(), size });
    }
    Ok(list)
}

fn check_ratio(shown: &str, name: &str, size: u64, packed: u64, limits: &Limits) -> Result<(), InputError> {
    if size > limits.zip_ratio_from && size / packed.max(1) > limits.zip_ratio {
        let limit = limits.zip_ratio;
        let cause =
            format!("it unpacks to more than {limit} times its size (zip_ratio): a decompression bomb?");
        return Err(InputError::limit(shown, cause)
            .inside(Some(name))
            .with_hint("if the file is what you expect, hand it in unpacked"));
    }
    Ok(())
}

fn unsafe_name(name: &str) -> bool {
    name.starts_with(['/', '\\'])
        || name.contains(['\\', '\0'])
        || name.as_bytes().get(1) == Some(&b':')
        || name.split('/').any(|p| p == "..")
}

/// Reads an entry to its end, giving each piece to `each`; checks its size and checksum.
pub(super) fn stream(
    archive: &mut Archive<'_>,
    entry: &Entry,
    shown: &str,
    each: &mut dyn FnMut(&[u8]) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let mut file = archive
        .zip
        .by_index(entry.index)
        .map_err(|e| damaged(shown, &e.to_string()).inside(Some(&entry.name)))?;
    let mut buffer = vec![0u8; 1 << 16];
    let mut read = 0u64;
    loop {
        let n =
            file.read(&mut buffer).map_err(|e| damaged(shown, &e.to_string()).inside(Some(&entry.name)))?;
        read += n as u64;
        if read > entry.size || (n == 0 && read != entry.size) {
            return Err(
                damaged(shown, "a file does not have the size that the ZIP says").inside(Some(&entry.name))
            );
        }
        if n == 0 {
            return Ok(());
        }
        if (archive.stop)() {
            return Err(InputError::Stopped);
        }
        each(buffer.get(..n).unwrap_or_default())?;
    }
}

/// Copies the CSVs of a ZIP to scratch and lists them.
pub(super) fn unpack(
    archive: &mut Archive<'_>,
    shown: &str,
    number: usize,
    scratch: &Path,
    limits: &Limits,
    found: &mut Vec<Found>,
    notices: &mut Vec<Notice>,
) -> Result<(), InputError> {
    let list = entries(archive, shown, limits)?;
    let folder = stem(shown).to_lowercase();
    let before = found.len();
    for entry in &list {
        let parts: Vec<&str> = entry.name.split('/').collect();
        let base = parts.last().copied().unwrap_or_default();
        if entry.is_dir || parts.contains(&"__MACOSX") || base.starts_with("._") || base == ".DS_Store" {
            continue;
        }
        let ending = base.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
        if ending == "zip" {
            return Err(InputError::refused(shown, "there is a ZIP in the ZIP")
                .inside(Some(&entry.name))
                .with_hint("put the CSV files into one ZIP"));
        }
        let here = match parts.as_slice() {
            [_] => true,
            [dir, _] => dir.to_lowercase() == folder,
            _ => false,
        };
        if !here || !matches!(ending.as_str(), "csv" | "tsv" | "tab" | "dat" | "txt") {
            let why = if here { "is not a CSV, TSV or DAT file" } else { "is in a folder" };
            notices.push(Notice { message: format!("{shown}: `{}` {why} and is not read", entry.name) });
            continue;
        }
        let target = scratch.join(format!("zip-{number}-{}.bin", entry.index));
        let file = crash::write("create unpacked").and_then(|()| File::create(&target));
        let mut out = Disk::new(file.map_err(|e| InputError::io(&target, e))?, "write unpacked".into());
        let mut first = true;
        stream(archive, entry, shown, &mut |piece| {
            if std::mem::take(&mut first) && piece.starts_with(b"PK\x03\x04") {
                return Err(InputError::refused(shown, "there is a ZIP or a workbook in the ZIP")
                    .inside(Some(&entry.name))
                    .with_hint("put the CSV files into one ZIP; hand in a workbook by itself"));
            }
            out.write_all(piece).map_err(|e| InputError::io(&target, e))
        })?;
        let part = Part { file: shown.to_owned(), inner: Some(entry.name.clone()), is_sheet: false };
        let title = stem(base).to_owned();
        found.push(Found { part, kind: Kind::Text { path: target }, title, whole: false, bytes: entry.size });
    }
    if found.len() == before {
        return Err(InputError::refused(shown, "there is no CSV, TSV or DAT file in the ZIP")
            .with_hint(format!("put them at the top, or in one folder named `{}`", stem(shown))));
    }
    Ok(())
}
