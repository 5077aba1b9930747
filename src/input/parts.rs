//! What the given files hold, and which part feeds which table.

use super::errors::InputError;
use super::headers::{few, nearest};
use super::workbook::Book;
use super::{InputFile, Limits, Notice, Part, archive, workbook};
use crate::plan::{InputFrom, InputPlan};
use crate::value::sql_name;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a part is read with.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Text { path: PathBuf },
    Sheet { path: PathBuf, book: Book },
}

/// A part of the input and how to reach it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub part: Part,
    pub kind: Kind,
    /// The sheet's name, or the file's without folder and ending.
    pub title: String,
    /// Whether it is a file that the user gave, not something inside one.
    pub whole: bool,
    /// The given file's bytes that this part stands for, for progress.
    pub bytes: u64,
}

impl Found {
    /// The file's name with its ending, or the sheet's name.
    fn name(&self) -> &str {
        let full = self.part.inner.as_deref().unwrap_or(&self.part.file);
        if self.part.is_sheet { full } else { full.rsplit(['/', '\\']).next().unwrap_or(full) }
    }

    /// What messages call it.
    pub fn shown(&self) -> String {
        match &self.part.inner {
            Some(inner) => format!("{}, {inner}", self.part.file),
            None => self.part.file.clone(),
        }
    }

    /// That it is a sheet without a header row.
    pub fn empty(&self) -> InputError {
        InputError::refused(&self.part.file, "the sheet is empty")
            .inside(self.part.inner.as_deref())
            .with_hint("a header row is needed")
    }
}

pub(super) fn stem(name: &str) -> &str {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match base.rfind('.') {
        Some(dot) if dot > 0 => base.get(..dot).unwrap_or(base),
        _ => base,
    }
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default()
}

/// Tells of files that are not there or are no files, before anything is made of them.
///
/// # Errors
/// For the first of them.
pub fn check_given(files: &[PathBuf]) -> Result<(), InputError> {
    let mut seen = std::collections::HashSet::new();
    for path in files {
        let shown = path.display().to_string();
        if path.canonicalize().is_ok_and(|p| !seen.insert(p)) {
            return Err(InputError::refused(&shown, "this file is given twice")
                .with_hint("leave one of them out: its rows would be loaded twice"));
        }
        match path.metadata() {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(InputError::refused(&shown, "there is no such file")
                    .with_hint("check the path that --input was given"));
            }
            Err(e) => return Err(InputError::io(path, e).with_hint("check that you may read the file")),
            Ok(m) if m.is_dir() => {
                return Err(InputError::refused(&shown, "this is a folder")
                    .with_hint("hand in the files in it: --input FILE, as often as needed"));
            }
            Ok(m) if !m.is_file() => {
                return Err(InputError::refused(&shown, "this is a device or a pipe, not a file")
                    .with_hint("write what it gives into a file, and hand that in"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Lists the parts of the files; the CSVs of a ZIP go to scratch files with names of our own.
pub(super) fn list(
    files: &[InputFile],
    scratch: &Path,
    limits: &Limits,
    stop: &dyn Fn() -> bool,
    notices: &mut Vec<Notice>,
) -> Result<Vec<Found>, InputError> {
    let mut found = Vec::new();
    for (i, InputFile { path, name: shown, .. }) in files.iter().enumerate() {
        let shown = shown.clone();
        let given = Path::new(&shown);
        let mut file = File::open(path).map_err(|e| InputError::io(given, e))?;
        let bytes = file.metadata().map_err(|e| InputError::io(given, e))?.len();
        let mut head = Vec::new();
        (&mut file).take(8).read_to_end(&mut head).map_err(|e| InputError::io(given, e))?;
        let ext = ending(&shown);
        let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
        let is_cfb = head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]);
        let texty = matches!(ext.as_str(), "csv" | "tsv" | "tab" | "dat" | "txt");
        if head.is_empty() {
            return Err(InputError::refused(&shown, "the file is empty").with_hint("a header row is needed"));
        }
        if is_zip && archive::is_workbook(path, &shown)? {
            if texty || ext == "xls" {
                return Err(InputError::refused(&shown, format!("this is a workbook, not a .{ext} file"))
                    .with_hint("give it the ending .xlsx"));
            }
            let copy = scratch.join(format!("book-{i}.xlsb"));
            let (book, path) = workbook::check_zipped(path, &shown, &copy, limits, stop, notices)?;
            sheets(&path, &shown, book, bytes, &mut found, notices)?;
        } else if is_zip {
            if texty || ext.starts_with("xls") {
                return Err(InputError::refused(&shown, format!("this is a ZIP, not a .{ext} file"))
                    .with_hint("give it the ending .zip"));
            }
            let mut zip = archive::open(path, &shown, stop)?;
            archive::unpack(&mut zip, &shown, i, scratch, limits, &mut found, notices)?;
        } else if is_cfb {
            let copy = scratch.join(format!("book-{i}.xls"));
            workbook::check_old(path, &shown, &ext, &copy, limits, notices)?;
            sheets(&copy, &shown, Book::Xls, bytes, &mut found, notices)?;
        } else if ext.starts_with("xls") || ext == "zip" {
            let what = if ext == "zip" { "a ZIP" } else { "a workbook" };
            return Err(InputError::refused(&shown, format!("this is not {what}, whatever its name says"))
                .with_hint("if it is text, give it the ending .csv; else it is damaged: make it again"));
        } else {
            let part = Part { file: shown.clone(), inner: None, is_sheet: false };
            let title = stem(&shown).to_owned();
            found.push(Found { part, kind: Kind::Text { path: path.clone() }, title, whole: true, bytes });
        }
    }
    Ok(found)
}

fn sheets(
    path: &Path,
    shown: &str,
    book: Book,
    bytes: u64,
    found: &mut Vec<Found>,
    notices: &mut Vec<Notice>,
) -> Result<(), InputError> {
    let names = workbook::sheets(path, shown, book)?;
    let share = bytes / (names.len().max(1) as u64);
    for (name, hidden) in names {
        if hidden {
            notices.push(Notice {
                message: format!("{shown}: the sheet `{name}` is hidden; it is read like the others"),
            });
        }
        let part = Part { file: shown.to_owned(), inner: Some(name.clone()), is_sheet: true };
        let kind = Kind::Sheet { path: path.to_path_buf(), book };
        found.push(Found { part, kind, title: name, whole: false, bytes: share });
    }
    Ok(())
}

/// Which parts feed each table, in the order of `tables`.
///
/// # Errors
/// A table that nothing feeds, or more than one part could.
pub(super) fn assign(found: &[Found], tables: &[InputPlan]) -> Result<Vec<Vec<usize>>, InputError> {
    let only = tables.len() == 1;
    tables.iter().map(|table| feed(found, table, only)).collect()
}

/// Which parts feed a table; `only` where there is no other one.
///
/// # Errors
/// Where nothing feeds it, or more than one part could.
pub(super) fn feed(found: &[Found], table: &InputPlan, only: bool) -> Result<Vec<usize>, InputError> {
    match &table.from {
        InputFrom::Sheet(name) => by_sheet(found, table, name),
        InputFrom::File(pattern) => by_file(found, table, pattern),
        InputFrom::Name => by_name(found, table, only),
    }
}

fn by_sheet(found: &[Found], table: &InputPlan, name: &str) -> Result<Vec<usize>, InputError> {
    let pick = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let at = found.iter().enumerate().filter(|(_, f)| f.part.is_sheet && same(&f.title));
        at.map(|(i, _)| i).collect()
    };
    let exact = pick(&|t| t == name);
    let at = if exact.is_empty() { pick(&|t| t.trim().eq_ignore_ascii_case(name.trim())) } else { exact };
    if at.is_empty() { Err(nothing(found, table, &format!("a sheet `{name}`"), name)) } else { Ok(at) }
}

fn by_file(found: &[Found], table: &InputPlan, pattern: &str) -> Result<Vec<usize>, InputError> {
    let whole_path = pattern.contains('/');
    let at: Vec<usize> = found
        .iter()
        .enumerate()
        .filter(|(_, f)| {
            let inside = !f.part.is_sheet && f.part.inner.is_some();
            let name = match &f.part.inner {
                Some(inner) if inside && whole_path => inner.as_str(),
                Some(_) if inside => f.name(),
                // A sheet belongs to the file of its workbook.
                _ => f.part.file.rsplit(['/', '\\']).next().unwrap_or(&f.part.file),
            };
            like(&pattern.to_lowercase(), &name.to_lowercase())
        })
        .map(|(i, _)| i)
        .collect();
    if at.is_empty() {
        return Err(nothing(found, table, &format!("a file `{pattern}`"), pattern));
    }
    if at.iter().all(|i| found.get(*i).is_some_and(|f| f.part.is_sheet)) {
        return one_sheet(found, table, at);
    }
    Ok(at)
}

fn by_name(found: &[Found], table: &InputPlan, only: bool) -> Result<Vec<usize>, InputError> {
    let named = |f: &Found| sql_name(&f.title) == sql_name(&table.name);
    let at: Vec<usize> = found.iter().enumerate().filter(|(_, f)| named(f)).map(|(i, _)| i).collect();
    match at.as_slice() {
        // Sheets or files of one name in several given files are one table in pieces.
        [_, ..] if at.iter().all(|i| found.get(*i).is_some_and(|f| f.part.is_sheet)) => return Ok(at),
        [_] => return Ok(at),
        [] => {}
        _ if found.iter().all(|f| f.whole) => return Ok(at),
        _ => return Err(nothing(found, table, "one part of that name only", &table.name)),
    }
    if !only {
        return Err(nothing(found, table, &format!("a sheet or file `{}`", table.name), &table.name));
    }
    if found.len() == 1 || (!found.is_empty() && found.iter().all(|f| f.whole)) {
        return Ok((0..found.len()).collect());
    }
    if found.iter().all(|f| f.part.is_sheet) {
        return one_sheet(found, table, (0..found.len()).collect());
    }
    Err(nothing(found, table, &format!("a sheet or file `{}`", table.name), &table.name))
}

/// Of several sheets: the one named like the table, else the only one with anything in it.
fn one_sheet(found: &[Found], table: &InputPlan, at: Vec<usize>) -> Result<Vec<usize>, InputError> {
    let mut full = Vec::new();
    for i in at {
        let Some(f) = found.get(i) else { continue };
        if sql_name(&f.title) == sql_name(&table.name) {
            return Ok(vec![i]);
        }
        if let Kind::Sheet { path, book } = &f.kind
            && !workbook::is_blank(path, &f.part.file, *book, &f.title)?
        {
            full.push(i);
        }
    }
    match full.as_slice() {
        [_] => Ok(full),
        [] => Err(InputError::refused(&files(found), "every sheet is empty")),
        _ => Err(nothing(found, table, &format!("a sheet `{}`", table.name), &table.name)),
    }
}

fn files(found: &[Found]) -> String {
    let mut names: Vec<&str> = found.iter().map(|f| f.part.file.as_str()).collect();
    names.dedup();
    if names.is_empty() { "the input".to_owned() } else { names.join(", ") }
}

fn nothing(found: &[Found], table: &InputPlan, wanted: &str, near: &str) -> InputError {
    let titles: Vec<&str> = found.iter().map(Found::name).collect();
    let error = InputError::refused(
        &files(found),
        format!("the input table `{}` needs {wanted}; there is {}", table.name, few(&titles)),
    );
    match nearest(near, titles.iter().copied()) {
        Some(close) => error.with_hint(format!("did you mean `{close}`?")),
        None => error.with_hint("name the sheet or file in the input declaration"),
    }
}

/// Whether `name` is what `pattern` says, where `*` stands for any text.
fn like(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}
