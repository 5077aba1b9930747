//! `sconn check` and `sconn explain`

use super::args::{Check, CheckFormat};
use super::{Exit, Failure, Look, print, tell};
use crate::diagnostic::{Code, Diagnostic, nearest, render};
use crate::life::{Connector, connector_files};
use crate::project::Project;
use crate::text::FileId;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub(super) fn check(args: &Check, look: Look) -> Result<Exit, Failure> {
    let given = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
    let mut files = Vec::new();
    for path in &given {
        if path.is_dir() {
            connector_files(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    if files.is_empty() {
        let places: Vec<String> = given.iter().map(|p| p.display().to_string()).collect();
        return Err(Failure::new(
            format!("there is no .sconn file in {}", places.join(", ")),
            "hand in a file or a folder: sconn check connectors/",
        ));
    }
    let (mut findings, mut unread) = (0, 0);
    let mut shown = BTreeSet::new();
    let mut json = Vec::new();
    let mut names = BTreeMap::new();
    for file in &files {
        let connector = match Connector::load(file) {
            Ok(connector) => connector,
            // It keeps no other one from being checked.
            Err(failure) => {
                tell(&failure, look.err_color);
                unread += 1;
                continue;
            }
        };
        // A file that several connectors import is told of once.
        let mut fresh = connector.project.check();
        fresh.extend(name_taken(&connector, file, &mut names)?);
        fresh.retain(|d| {
            let span = d.span();
            shown.insert((connector.project.file_name(span.file), span.range, d.code, d.message.clone()))
        });
        findings += fresh.len();
        match args.format {
            CheckFormat::Json => json.push(render::json(&fresh, &connector)),
            CheckFormat::Concise if !fresh.is_empty() => print(&render::concise(&fresh, &connector))?,
            CheckFormat::Full if !fresh.is_empty() => {
                let style = render::Look { color: look.out_color, unicode: true, width: look.width };
                print(&render::full(&fresh, &connector, style))?;
            }
            _ => {}
        }
    }
    match args.format {
        _ if unread == files.len() => {}
        CheckFormat::Json => print(&joined(&json))?,
        _ if findings == 0 => {
            let n = files.len() - unread;
            print(&format!("{n} {} checked, nothing to say\n", if n == 1 { "file" } else { "files" }))?;
        }
        _ => {}
    }
    Ok(match () {
        () if unread > 0 => Exit::Failed,
        () if findings > 0 => Exit::Findings,
        () => Exit::Clean,
    })
}

/// The first file of each name, by its project's root.
type Names = BTreeMap<(PathBuf, String), String>;

/// That a file before this one declares the same connector. Without a project each file is on its own.
///
/// # Errors
/// Where the project's `sconn.toml` cannot be read: nothing in it could be used.
fn name_taken(connector: &Connector, file: &Path, names: &mut Names) -> Result<Option<Diagnostic>, Failure> {
    let project = Project::of(file)?;
    let Some(declared) = connector.project.connector().filter(|_| project.is_declared()) else {
        return Ok(None);
    };
    Ok(match names.entry((project.root().to_path_buf(), declared.name)) {
        Entry::Occupied(first) => connector.project.name_taken(first.get()),
        Entry::Vacant(free) => {
            free.insert(connector.project.file_name(FileId(0)));
            None
        }
    })
}

/// Several JSON lists as one.
fn joined(lists: &[String]) -> String {
    let mut all: Vec<serde_json::Value> = Vec::new();
    for list in lists {
        if let Ok(serde_json::Value::Array(items)) = serde_json::from_str(list) {
            all.extend(items);
        }
    }
    format!("{:#}\n", serde_json::Value::Array(all))
}

pub(super) fn explain(code: &str) -> Result<Exit, Failure> {
    // A number is one of ours: `503` is SC0503.
    let wanted = match code.parse::<u16>() {
        Ok(number) => format!("SC{number:04}"),
        Err(_) => code.to_uppercase(),
    };
    let Some(code) = Code::from_id(&wanted) else {
        let ids: Vec<&str> = crate::diagnostic::CODES.iter().map(|c| c.id()).collect();
        let hint = nearest(&wanted, ids).map_or_else(
            || "`sconn check` shows each finding's code: error[SC0101]".to_owned(),
            |n| format!("did you mean {n}?"),
        );
        return Err(Failure::new(format!("there is no diagnostic {wanted}"), hint));
    };
    print(code.page())?;
    Ok(Exit::Clean)
}
