//! From the given files to the spooled tables.

use super::delimited;
use super::errors::InputError;
use super::headers::{self, Mapped, few};
use super::parts::{self, Found, Kind};
use super::records::Record;
use super::rejects::Rejects;
use super::sink::Sink;
use super::workbook::{self, Book, Room, SheetRow, cell_name};
use super::{InputFile, Intake, IntakeTable, Limits, Notice};
use crate::plan::{InputFrom, InputPlan, ReaderOptions};
use crate::value::{SourceRef, sql_name};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Reads the files into one spooled table for each of `tables`; where there are none, each part becomes
/// a table by its name. `progress` gets the bytes done and the bytes in all.
///
/// # Errors
/// Where a file is refused, a limit is passed, the disk is full or `stop` says true.
pub fn read(
    files: &[InputFile],
    tables: &[InputPlan],
    scratch: &Path,
    limits: &Limits,
    progress: &dyn Fn(u64, u64),
    stop: &dyn Fn() -> bool,
) -> Result<Intake, InputError> {
    let mut notices = Vec::new();
    let found = parts::list(files, scratch, limits, stop, &mut notices)?;
    if found.is_empty() {
        return Err(InputError::refused("the input", "there is no file to read"));
    }
    let made;
    let (tables, feeds) = if tables.is_empty() {
        let (all, feeds) = every_part(&found)?;
        made = all;
        (made.as_slice(), feeds)
    } else {
        (tables, parts::assign(&found, tables)?)
    };
    notice_unused(&found, &feeds, &mut notices);
    let mut pass = Pass {
        found: &found,
        limits,
        progress,
        stop,
        notices,
        rejects: Rejects::new(scratch, limits),
        rooms: HashMap::new(),
        done: 0,
        total: feeds.iter().flatten().filter_map(|i| found.get(*i)).map(|f| f.bytes).sum(),
    };
    let mut out = Vec::with_capacity(tables.len());
    for (n, (table, feed)) in tables.iter().zip(&feeds).enumerate() {
        let mut target = Target { plan: table, path: scratch.join(format!("input-{n}.arrow")), sink: None };
        let mut read = Vec::with_capacity(feed.len());
        for i in feed {
            let before = target.sink.as_ref().map_or(0, |s| s.rows);
            pass.part(*i, &mut target)?;
            read.push((*i, target.sink.as_ref().map_or(0, |s| s.rows) - before));
        }
        let Some(sink) = target.sink else {
            return Err(InputError::refused(&table.name, "nothing was read for this table"));
        };
        if sink.rows == 0 {
            let message = format!("the input table `{}` has no rows", table.name);
            pass.notices.push(Notice { message });
        }
        out.push(IntakeTable { parts: read, ..sink.finish()? });
    }
    let Pass { notices, rejects, total, .. } = pass;
    progress(total, total);
    let rejected = rejects.finish()?;
    Ok(Intake {
        tables: out,
        parts: found.iter().map(|f| f.part.clone()).collect(),
        rejected: rejected.kept,
        rejected_total: rejected.total,
        rejected_file: rejected.file,
        notices,
    })
}

/// A table for each part that is not a blank sheet.
fn every_part(found: &[Found]) -> Result<(Vec<InputPlan>, Vec<Vec<usize>>), InputError> {
    let (mut tables, mut feeds) = (Vec::<InputPlan>::new(), Vec::new());
    for (i, part) in found.iter().enumerate() {
        if let Kind::Sheet { path, book } = &part.kind
            && workbook::is_blank(path, &part.part.file, *book, &part.title)?
        {
            continue;
        }
        let name = sql_name(&part.title);
        if tables.iter().any(|t| t.name == name) {
            let cause = format!("two sheets or files would both be the table `{name}`");
            return Err(
                InputError::refused(&part.part.file, cause).with_hint("rename one, or declare the inputs")
            );
        }
        let options = ReaderOptions::default();
        tables.push(InputPlan { name, from: InputFrom::Name, columns: None, options });
        feeds.push(vec![i]);
    }
    if tables.is_empty() {
        let file = found.first().map(|f| f.part.file.as_str()).unwrap_or("the input");
        return Err(InputError::refused(file, "every sheet is empty"));
    }
    Ok((tables, feeds))
}

fn notice_unused(found: &[Found], feeds: &[Vec<usize>], notices: &mut Vec<Notice>) {
    let used: HashSet<usize> = feeds.iter().flatten().copied().collect();
    let unused: Vec<String> =
        found.iter().enumerate().filter(|(i, _)| !used.contains(i)).map(|(_, f)| f.shown()).collect();
    if !unused.is_empty() {
        let names: Vec<&str> = unused.iter().map(String::as_str).collect();
        notices.push(Notice { message: format!("no input table uses {}", few(&names)) });
    }
}

/// A row's cells as headers, with blanks between.
pub(super) fn header_texts(row: &SheetRow) -> Vec<String> {
    let width = row.cells.iter().filter(|(_, t)| !t.trim().is_empty()).map(|(c, _)| c + 1).max().unwrap_or(0);
    (0..width).map(|i| row.cell(i).unwrap_or_default().to_owned()).collect()
}

struct Target<'a> {
    plan: &'a InputPlan,
    path: PathBuf,
    sink: Option<Sink>,
}

impl Target<'_> {
    /// Where each column of the table stands in a part with these headers.
    fn begin(
        &mut self,
        found: &Found,
        headers: &[String],
        line: u64,
        notices: &mut Vec<Notice>,
    ) -> Result<Vec<Option<usize>>, InputError> {
        let shown = found.shown();
        let (columns, told) =
            headers::map(&shown, headers, self.plan.columns.as_deref()).map_err(|e| e.at_line(line))?;
        notices.extend(told.into_iter().map(|t| Notice { message: format!("{shown}: {t}") }));
        let Some(sink) = &self.sink else {
            self.sink =
                Some(Sink::create(&self.plan.name, &columns, &self.plan.options.missing, &self.path)?);
            return Ok(columns.into_iter().map(|c| c.at).collect());
        };
        let names: Vec<String> = sink.names().map(str::to_owned).collect();
        headers::same(&shown, &columns, sink.names()).map_err(|e| e.at_line(line))?;
        let at = |name: &String| columns.iter().find(|c: &&Mapped| c.name == *name).and_then(|c| c.at);
        Ok(names.iter().map(at).collect())
    }
}

struct Pass<'a> {
    found: &'a [Found],
    limits: &'a Limits,
    progress: &'a dyn Fn(u64, u64),
    stop: &'a dyn Fn() -> bool,
    notices: Vec<Notice>,
    rejects: Rejects,
    /// What is left of each workbook's.
    rooms: HashMap<PathBuf, Room>,
    done: u64,
    total: u64,
}

impl Pass<'_> {
    fn tick(&self, within: u64) -> Result<(), InputError> {
        if (self.stop)() {
            return Err(InputError::Stopped);
        }
        (self.progress)((self.done + within).min(self.total), self.total);
        Ok(())
    }

    fn part(&mut self, i: usize, target: &mut Target<'_>) -> Result<(), InputError> {
        let Some(found) = self.found.get(i) else { return Ok(()) };
        self.tick(0)?;
        let number = u32::try_from(i).unwrap_or(u32::MAX);
        match &found.kind {
            Kind::Text { path } => self.text(number, found, path, target)?,
            Kind::Sheet { path, book } => self.sheet(number, found, path, *book, target)?,
        }
        self.done += found.bytes;
        Ok(())
    }

    fn text(
        &mut self,
        number: u32,
        found: &Found,
        path: &Path,
        target: &mut Target<'_>,
    ) -> Result<(), InputError> {
        let mut opened = delimited::open(path, &found.shown(), &target.plan.options, self.limits)?;
        if let Some(encoding) = opened.guessed {
            let message = format!(
                "{}: it is not UTF-8 and was read as {encoding}, a guess; declare the encoding to be sure",
                found.shown()
            );
            self.notices.push(Notice { message });
        }
        delimited::check_delimiter(
            &found.shown(),
            &opened.headers,
            char::from(opened.delimiter),
            opened.header_line,
            target.plan.columns.as_deref(),
        )?;
        let at = target.begin(found, &opened.headers, opened.header_line, &mut self.notices)?;
        let width = opened.headers.len();
        let Some(sink) = &mut target.sink else { return Ok(()) };
        let mut record = Record::default();
        while opened.records.next(&mut record)? {
            if record.fault.is_some() || record.len() != width || record.has_nul() {
                if !record.is_blank() {
                    self.reject(found, number, &record, &opened.headers, opened.delimiter)?;
                }
                continue;
            }
            if record.is_blank() {
                continue;
            }
            let source = SourceRef { part: number, line: record.line };
            let Some(text) = record.text() else {
                self.rejects.add(&found.part, source, None, "the row is not text".to_owned(), "")?;
                continue;
            };
            let full =
                sink.push(source, |c| at.get(c).copied().flatten().and_then(|i| record.cell(text, i)))?;
            if full {
                self.tick(opened.records.taken)?;
            }
        }
        Ok(())
    }

    fn reject(
        &mut self,
        found: &Found,
        number: u32,
        record: &Record,
        headers: &[String],
        delimiter: u8,
    ) -> Result<(), InputError> {
        let width = headers.len();
        let text = record.strings().join(&char::from(delimiter).to_string());
        let message = if let Some(fault) = record.fault {
            format!("{}; {}", fault.cause(headers), fault.mend())
        } else if record.len() == width {
            let at = record.strings().iter().position(|c| c.contains('\0')).unwrap_or_default();
            let header = headers.get(at).map(|h| h.trim()).unwrap_or_default();
            format!("cell {} (`{header}`): there is a NUL character in it", at + 1)
        } else {
            let n = record.len();
            let cells = if n == 1 { "1 cell".to_owned() } else { format!("{n} cells") };
            let less = if n < width { "fewer" } else { "more" };
            format!("the row has {cells}, {less} than the header's {width}")
        };
        let source = SourceRef { part: number, line: record.line };
        self.rejects.add(&found.part, source, None, message, &text)
    }

    fn sheet(
        &mut self,
        number: u32,
        found: &Found,
        path: &Path,
        book: Book,
        target: &mut Target<'_>,
    ) -> Result<(), InputError> {
        let from = u64::from(target.plan.options.header.unwrap_or(1));
        let mut headers: Option<(Vec<String>, Vec<Option<usize>>)> = None;
        let mut long: BTreeSet<usize> = BTreeSet::new();
        let limits = self.limits;
        let mut room = self.rooms.remove(path).unwrap_or_else(|| Room::new(limits));
        workbook::rows(path, &found.part.file, book, &found.title, &mut room, &mut |row| {
            if row.line < from {
                return Ok(true);
            }
            let Some((texts, at)) = &headers else {
                let texts = header_texts(row);
                if texts.len() > self.limits.max_columns {
                    let cause = format!(
                        "it has more than {} columns, the limit (max_columns)",
                        self.limits.max_columns
                    );
                    return Err(InputError::limit(&found.shown(), cause));
                }
                let at = target.begin(found, &texts, row.line, &mut self.notices)?;
                headers = Some((texts, at));
                return Ok(true);
            };
            let source = SourceRef { part: number, line: row.line };
            if let Some((column, why)) = bad_cell(row, texts.len()) {
                let cell = Some(cell_name(column, row.line));
                self.rejects.add(&found.part, source, cell, why, &in_place(row, texts.len()))?;
                return Ok(true);
            }
            long.extend(row.long_numbers.iter().filter(|c| at.contains(&Some(**c))));
            let Some(sink) = &mut target.sink else { return Ok(true) };
            let full = sink.push(source, |c| at.get(c).copied().flatten().and_then(|i| row.cell(i)))?;
            if full {
                self.tick(0)?;
            }
            Ok(true)
        })?;
        self.rooms.insert(path.to_path_buf(), room);
        let Some((texts, _)) = headers else {
            return Err(found.empty());
        };
        for column in long {
            let header = texts.get(column).map(String::as_str).unwrap_or_default();
            let message = format!(
                "{}: the column `{header}` has numbers of more than 15 digits; spreadsheets do not keep them exactly",
                found.shown()
            );
            self.notices.push(Notice { message });
        }
        Ok(())
    }
}

/// Cells that stand in their places in the text of a row: a far one must not make a long text.
const PLACED: usize = 1000;

/// A row's cells, empty ones too as far as the header goes; then those beyond it.
fn in_place(row: &SheetRow, width: usize) -> String {
    let last = row.cells.last().map_or(0, |(c, _)| c + 1).max(row.bad.as_ref().map_or(0, |(c, _)| c + 1));
    let width = width.min(last).min(PLACED);
    let placed = (0..width).map(|i| row.cell(i).unwrap_or_default());
    let beyond = row.cells.iter().filter(|(c, _)| *c >= width).map(|(_, text)| text.as_str());
    placed.chain(beyond).collect::<Vec<_>>().join(" | ")
}

/// The first cell that makes the row unreadable.
fn bad_cell(row: &SheetRow, width: usize) -> Option<(usize, String)> {
    let beyond = row.cells.iter().find(|(c, t)| *c >= width && !t.trim().is_empty());
    row.bad.clone().or_else(|| {
        beyond.map(|(c, _)| (*c, format!("there is a cell beyond the {width} columns of the header")))
    })
}
