//! `sconn records`

use super::args::{RecordFormat, RecordsCommand, Which};
use super::{Exit, Failure, print};
use crate::project::Project;
use crate::target::sqlite::{Store, StoredRecord};
use crate::value::Value;
use serde_json::{Map, json};
use std::io::Write;
use std::path::PathBuf;

pub(super) fn records(command: RecordsCommand) -> Result<Exit, Failure> {
    match command {
        RecordsCommand::List { which, limit, format } => list(&which, Some(limit), format),
        RecordsCommand::Export { which, format } => list(&which, None, format),
        RecordsCommand::Count { which } => {
            let store = Store::open_read_only(&path(which.target.as_deref())?)?;
            print(&format!("{}\n", store.count(&which.object, &filters(&which.filter)?)?))?;
            Ok(Exit::Clean)
        }
        RecordsCommand::Get { object, id, target, format } => {
            let store = Store::open_read_only(&path(target.as_deref())?)?;
            let Some(record) = store.get(&object, id)? else {
                return Err(Failure::new(
                    format!("{object} has no record {id}"),
                    "sconn records list shows ids",
                ));
            };
            match format {
                RecordFormat::Table => print(&card(&record))?,
                RecordFormat::Json => print(&format!("{:#}\n", object_of(&record)))?,
                RecordFormat::Csv => print(&csv_text(std::slice::from_ref(&record))?)?,
            }
            Ok(Exit::Clean)
        }
        RecordsCommand::Archive { object, ids, target } => set_archived(&object, &ids, target, true),
        RecordsCommand::Unarchive { object, ids, target } => set_archived(&object, &ids, target, false),
    }
}

fn path(target: Option<&str>) -> Result<PathBuf, Failure> {
    Ok(Project::here()?.target(target)?)
}

/// `FIELD=VALUE`; archived records are left out unless they are asked for.
fn filters(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let mut filters = given
        .iter()
        .map(|f| {
            let (field, value) = f
                .split_once('=')
                .ok_or_else(|| Failure::new(format!("`{f}` is no filter"), "write --filter FIELD=VALUE"))?;
            Ok((field.to_owned(), value.to_owned()))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    if !filters.iter().any(|(f, _)| f == "_archived") {
        filters.push(("_archived".into(), "false".into()));
    }
    Ok(filters)
}

fn set_archived(
    object: &str,
    ids: &[uuid::Uuid],
    target: Option<String>,
    archived: bool,
) -> Result<Exit, Failure> {
    let mut store = Store::open_existing(&path(target.as_deref())?)?;
    for id in ids {
        if store.get(object, *id)?.is_none() {
            return Err(Failure::new(format!("{object} has no record {id}"), "sconn records list shows ids"));
        }
    }
    let mut changed = 0;
    for id in ids {
        changed += u64::from(store.set_archived(object, *id, archived)?);
    }
    let what = if archived { "archived" } else { "taken out of the archive" };
    print(&format!("{changed} of {} {what}\n", ids.len()))?;
    Ok(Exit::Clean)
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
                eprintln!("{} of {total}; --limit shows more", records.len());
            }
        }
        RecordFormat::Json => stream(|out| {
            let (mut first, mut failed) = (true, None);
            let _ = out.write_all(b"[");
            store.list(&which.object, &filters, limit, |r| {
                let text = format!("{}{}", if first { "\n" } else { ",\n" }, object_of(&r));
                first = false;
                failed = out.write_all(text.as_bytes()).err();
                failed.is_none()
            })?;
            failed.map_or_else(|| out.write_all(b"\n]\n"), Err).or_else(gone)
        })?,
        RecordFormat::Csv => stream(|out| {
            let mut writer = csv::Writer::from_writer(out);
            let (mut headed, mut failed) = (false, None);
            store.list(&which.object, &filters, limit, |r| {
                let written = if headed { Ok(()) } else { writer.write_record(headers(&r)) }
                    .and_then(|()| writer.write_record(cells(&r)));
                headed = true;
                failed = written.err();
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
    let fields = record.fields.iter().map(|(n, _)| n.clone());
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

/// A value as JSON; exact numbers stay text, so that no reader rounds them.
fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Boolean(b) => json!(b),
        Value::List(l) => l.iter().map(json_of).collect(),
        other => json!(other.to_string()),
    }
}

fn object_of(record: &StoredRecord) -> serde_json::Value {
    let mut map = Map::new();
    map.insert("id".into(), json!(record.id));
    map.extend(record.fields.iter().map(|(n, v)| (n.clone(), json_of(v))));
    map.insert("_created_at".into(), json!(record.created_at));
    map.insert("_updated_at".into(), json!(record.updated_at));
    map.insert("_archived".into(), json!(record.archived));
    serde_json::Value::Object(map)
}

/// How wide a column of the table may get.
const WIDEST: usize = 40;

fn table(records: &[StoredRecord]) -> String {
    let Some(first) = records.first() else { return "no records\n".into() };
    let shown = |text: &str| {
        let text = text.replace(['\n', '\r', '\t'], " ");
        if text.chars().count() > WIDEST {
            format!("{}…", text.chars().take(WIDEST - 1).collect::<String>())
        } else {
            text
        }
    };
    // Times are in `get`, JSON and CSV; a list is for the fields.
    let keep = first.fields.len() + 1;
    let mut rows = vec![headers(first)[..keep].to_vec()];
    rows.extend(records.iter().map(|r| cells(r)[..keep].iter().map(|c| shown(c)).collect()));
    let widths: Vec<usize> =
        (0..keep).map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
    let mut out = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:w$}")).collect();
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
