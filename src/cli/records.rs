//! `sconn records`

use super::args::{Named, RecordFormat, RecordsCommand, Which};
use super::{Exit, Failure, print, tell_result};
use crate::life::{RecordJson, without_archived};
use crate::project::Project;
use crate::report::{columns_of, visible};
use crate::system::say::say;
use crate::target::sqlite::{Store, StoredRecord};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn records(command: RecordsCommand) -> Result<Exit, Failure> {
    match command {
        RecordsCommand::List { which, limit, format } => list(&which, Some(limit), format),
        RecordsCommand::Export { which, format } => list(&which, None, format),
        RecordsCommand::Count { which, format } => {
            let store = Store::open_read_only(&path(which.target.as_deref())?)?;
            let count = store.count(&which.object, &filters(&which.filter)?)?;
            tell_result(format, &count.to_string(), &json!({ "object": which.object, "count": count }))
        }
        RecordsCommand::Get { object, id, target, format } => {
            let store = Store::open_read_only(&path(target.as_deref())?)?;
            let Some(record) = store.get(&object, id)? else {
                return Err(no_record(&object, id));
            };
            match format {
                RecordFormat::Table => print(&card(&record))?,
                RecordFormat::Json => print(&format!(
                    "{}\n",
                    serde_json::to_string_pretty(&RecordJson(&record)).map_err(std::io::Error::from)?
                ))?,
                RecordFormat::Csv => print(&csv_text(std::slice::from_ref(&record))?)?,
            }
            Ok(Exit::Clean)
        }
        RecordsCommand::Archive(named) => set_archived(named, true),
        RecordsCommand::Unarchive(named) => set_archived(named, false),
    }
}

fn no_record(object: &str, id: uuid::Uuid) -> Failure {
    Failure::new(
        format!("{object} has no record {id}"),
        format!("`sconn records list {object}` shows the ids"),
    )
}

fn path(target: Option<&str>) -> Result<PathBuf, Failure> {
    Ok(Project::here()?.target(target)?)
}

/// `FIELD=VALUE`; archived records are left out unless they are asked for.
fn filters(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let filters = given
        .iter()
        .map(|f| {
            let (field, value) = f
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("`{f}` is no filter"), "write --filter FIELD=VALUE"))?;
            Ok((field.to_owned(), value.to_owned()))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(without_archived(filters))
}

fn set_archived(named: Named, archived: bool) -> Result<Exit, Failure> {
    let Named { object, ids, target, format } = named;
    let mut store = Store::open_existing(&path(target.as_deref())?)?;
    let mut wanted = Vec::new();
    for id in &ids {
        match store.get(&object, *id)? {
            None => return Err(no_record(&object, *id)),
            Some(record) if record.archived == archived => {}
            Some(_) => wanted.push(*id),
        }
    }
    let mut changed = 0;
    for id in wanted {
        changed += usize::from(store.set_archived(&object, id, archived)?);
    }
    let before = ids.len() - changed;
    let what = if archived { "archived" } else { "taken out of the archive" };
    let already = if before > 0 { format!("; {before} already so") } else { String::new() };
    let text = format!("{changed} of {} {what}{already}", ids.len());
    tell_result(format, &text, &json!({ "object": object, "changed": changed, "already": before }))
}

fn list(which: &Which, limit: Option<u64>, format: RecordFormat) -> Result<Exit, Failure> {
    let store = Store::open_read_only(&path(which.target.as_deref())?)?;
    let filters = filters(&which.filter)?;
    match format {
        RecordFormat::Table => {
            let mut records = Vec::new();
            store.list(&which.object, &filters, limit, |r| {
                records.push(r);
                true
            })?;
            let total = store.count(&which.object, &filters)?;
            print(&table(&records))?;
            if (records.len() as u64) < total {
                say(format_args!("{} of {total}; --limit shows more", records.len()));
            }
        }
        RecordFormat::Json => stream(|out| {
            // What cannot be asked is told before anything is written.
            store.list(&which.object, &filters, Some(0), |_| true)?;
            let (mut first, mut failed) = (true, None);
            let _ = out.write_all(b"[");
            store.list(&which.object, &filters, limit, |r| {
                let start: &[u8] = if first { b"\n" } else { b",\n" };
                first = false;
                failed = out
                    .write_all(start)
                    .and_then(|()| {
                        serde_json::to_writer(&mut *out, &RecordJson(&r)).map_err(std::io::Error::from)
                    })
                    .err();
                failed.is_none()
            })?;
            failed.map_or_else(|| out.write_all(b"\n]\n"), Err).or_else(gone)
        })?,
        RecordFormat::Csv => stream(|out| {
            // What cannot be asked is told before the header is written.
            store.list(&which.object, &filters, Some(0), |_| true)?;
            let objects = store.objects()?;
            let mut writer = csv::Writer::from_writer(out);
            let fields = objects.iter().find(|o| o.name == which.object).map(|o| o.fields.iter());
            let names = fields.into_iter().flatten().map(|f| f.name.clone());
            let mut failed = writer.write_record(columns(names)).err();
            store.list(&which.object, &filters, limit, |r| {
                failed = failed.take().or_else(|| writer.write_record(cells(&r)).err());
                failed.is_none()
            })?;
            let ended = writer.flush();
            failed.map_or(ended, |e| Err(e.into())).or_else(gone)
        })?,
    }
    Ok(Exit::Clean)
}

/// Writes to standard output through a buffer.
fn stream(write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    write(&mut out)?;
    out.flush().or_else(gone)
}

/// A reader that went away (`| head`) is no error.
fn gone(e: std::io::Error) -> Result<(), Failure> {
    if e.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e.into()) }
}

fn headers(record: &StoredRecord) -> Vec<String> {
    columns(record.fields.iter().map(|(n, _)| n.clone()))
}

/// All columns of a record with these fields.
fn columns(fields: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once("id".to_owned())
        .chain(fields)
        .chain(["_created_at", "_updated_at", "_archived"].map(str::to_owned))
        .collect()
}

fn cells(record: &StoredRecord) -> Vec<String> {
    std::iter::once(record.id.to_string())
        .chain(record.fields.iter().map(|(_, v)| v.to_string()))
        .chain([record.created_at.clone(), record.updated_at.clone(), record.archived.to_string()])
        .collect()
}

fn csv_text(records: &[StoredRecord]) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let io = |e: csv::Error| Failure::new(e.to_string(), "");
    for (i, r) in records.iter().enumerate() {
        if i == 0 {
            writer.write_record(headers(r)).map_err(io)?;
        }
        writer.write_record(cells(r)).map_err(io)?;
    }
    let bytes = writer.into_inner().map_err(|e| Failure::new(e.to_string(), ""))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// How wide a column of the table may get.
const WIDEST: usize = 40;

fn table(records: &[StoredRecord]) -> String {
    let Some(first) = records.first() else { return "no records\n".into() };
    let shown = |text: &str| {
        let text = visible(&text.replace(['\n', '\r', '\t'], " ")).into_owned();
        let mut end = text.len();
        while columns_of(&text[..end]) > WIDEST {
            end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
        }
        if end < text.len() { format!("{}…", &text[..end]) } else { text }
    };
    // Times are in `get`, JSON and CSV; a list is for the fields.
    let keep = first.fields.len() + 1;
    let mut rows = vec![headers(first)[..keep].to_vec()];
    rows.extend(records.iter().map(|r| cells(r)[..keep].iter().map(|c| shown(c)).collect()));
    let widths: Vec<usize> =
        (0..keep).map(|c| rows.iter().map(|r| columns_of(&r[c])).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let padded = |cell: &String, width: usize| format!("{cell}{}", " ".repeat(width - columns_of(cell)));
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| padded(cell, *w)).collect();
        out.push_str(line.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn card(record: &StoredRecord) -> String {
    let names = headers(record);
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    names.iter().zip(cells(record)).map(|(n, c)| format!("{n:width$}  {c}\n")).collect()
}
