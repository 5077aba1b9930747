//! What a project has on the disk once its queue is empty.

use crate::common::project::opened;
use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::path::Path;

/// What may be in the folder of an execution that has ended.
const OF_AN_EXECUTION: [&str; 8] = [
    "input",
    "inputs.json",
    "summary.json",
    "decisions.parquet",
    "report.xlsx",
    "sql-output.zip",
    "rejected.csv",
    "worker.log",
];

/// What may be in `.sconn`; the databases have two more files each while somebody has them open.
const OF_A_PROJECT: [&str; 3] = ["state.sqlite", "store.sqlite", "executions"];

fn entries(folder: &Path) -> Vec<DirEntry> {
    std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap).collect()
}

fn name(entry: &DirEntry) -> String {
    entry.file_name().into_string().unwrap()
}

/// All that should not be there now, and what is missing: executions without a folder, folders without an execution,
/// scratch files, uploads, pieces of files, files in the inbox.
pub fn left(root: &Path) -> Vec<String> {
    let own = root.join(".sconn");
    let mut faults = Vec::new();
    for entry in entries(&own) {
        let name = name(&entry);
        let database = name.trim_end_matches("-wal").trim_end_matches("-shm");
        if ["uploads", "batching", "triggers"].contains(&name.as_str()) {
            pieces(&entry.path(), &mut faults);
        } else if !OF_A_PROJECT.contains(&database) {
            faults.push(format!(".sconn/{name}"));
        }
    }
    let executions = own.join("executions");
    let there: BTreeSet<String> = entries(&executions).iter().map(name).collect();
    let known = with_files(&own.join("state.sqlite"));
    faults.extend(there.difference(&known).map(|id| format!("a folder of no execution: {id}")));
    faults.extend(known.difference(&there).map(|id| format!("an execution without a folder: {id}")));
    for id in &there {
        let folder = executions.join(id);
        let names: Vec<String> = entries(&folder).iter().map(name).collect();
        let strange = names.iter().filter(|n| !OF_AN_EXECUTION.contains(&n.as_str()));
        faults.extend(strange.map(|n| format!("{id}/{n}")));
        let lacks = ["input", "summary.json", "decisions.parquet", "sql-output.zip"];
        let lacks = lacks.iter().filter(|n| !names.iter().any(|name| name == *n));
        faults.extend(lacks.map(|n| format!("{id} lacks {n}")));
        let inputs = entries(&folder.join("input"));
        let whole = |e: &DirEntry| e.file_type().unwrap().is_file() && name(e).ends_with(".csv");
        if inputs.len() != 1 || !inputs.iter().all(whole) {
            faults.push(format!("{id}/input has {:?}", inputs.iter().map(name).collect::<Vec<_>>()));
        }
    }
    // Its archive is a folder in it.
    let inbox = entries(&root.join("inbox"));
    let files = inbox.iter().filter(|e| !e.file_type().unwrap().is_dir());
    faults.extend(files.map(|e| format!("inbox/{}", name(e))));
    let archive = entries(&root.join("inbox/archive"));
    let pieces = archive.iter().map(name).filter(|n| !n.ends_with(".csv"));
    faults.extend(pieces.map(|n| format!("inbox/archive/{n}")));
    faults
}

/// What lies in a folder where files are only for a while. Of what is triggered there is a note, which is locked, and
/// empty where nothing is being made.
fn pieces(folder: &Path, faults: &mut Vec<String>) {
    for entry in entries(folder) {
        let (path, kind) = (entry.path(), entry.metadata().unwrap());
        if kind.is_dir() && name(&entry) == "input" {
            pieces(&path, faults);
        } else if !(kind.is_file() && kind.len() == 0 && path.ends_with("triggers/taking")) {
            faults.push(path.display().to_string());
        }
    }
}

/// The executions whose files were not removed.
fn with_files(state: &Path) -> BTreeSet<String> {
    let state = opened(state);
    let mut ids = state.prepare("SELECT id FROM executions WHERE files_gone_at IS NULL").unwrap();
    ids.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}
