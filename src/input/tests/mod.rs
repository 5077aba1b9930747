#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod archives;
mod corpus;
mod delimited;
mod fixtures;
mod workbooks;

use super::*;
use crate::plan::{InputColumnPlan, InputFrom, InputPlan, ReaderOptions};
use crate::value::arrow::array::{Array, AsArray};
use crate::value::arrow::datatypes::Int64Type;
use std::path::PathBuf;

/// Files in a folder of their own.
pub(super) struct Desk {
    dir: tempfile::TempDir,
    scratch: tempfile::TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), scratch: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    pub fn read(&self, files: &[PathBuf], tables: &[InputPlan]) -> Result<Intake, InputError> {
        self.read_within(files, tables, &Limits::default())
    }

    pub fn read_within(
        &self,
        files: &[PathBuf],
        tables: &[InputPlan],
        limits: &Limits,
    ) -> Result<Intake, InputError> {
        let files: Vec<InputFile> = files.iter().cloned().map(InputFile::from).collect();
        read(&files, tables, self.scratch.path(), limits, &|_, _| {}, &|| false)
    }

    /// Reads one file without declarations.
    pub fn one(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Intake, InputError> {
        let path = self.put(name, bytes);
        self.read(&[path], &[])
    }
}

/// Rows of a table: the line, then the cells with NULL as `-`.
pub(super) fn rows(table: &IntakeTable) -> Vec<(i64, Vec<String>)> {
    let mut out = Vec::new();
    for batch in table.spool.read(None).unwrap() {
        let batch = batch.unwrap();
        let last = batch.num_columns() - 1;
        let sources = batch.column(last).as_primitive::<Int64Type>().clone();
        for i in 0..batch.num_rows() {
            let cell = |c: usize| {
                let a = batch.column(c).as_string::<i32>();
                if a.is_null(i) { "-".to_owned() } else { a.value(i).to_owned() }
            };
            out.push((sources.value(i) & ((1 << 40) - 1), (0..last).map(cell).collect()));
        }
    }
    out
}

pub(super) fn cells(table: &IntakeTable) -> Vec<Vec<String>> {
    rows(table).into_iter().map(|(_, cells)| cells).collect()
}

pub(super) fn names(table: &IntakeTable) -> Vec<&str> {
    table.headers.iter().map(|(n, _)| n.as_str()).collect()
}

pub(super) fn told(intake: &Intake, text: &str) -> bool {
    intake.notices.iter().any(|n| n.message.contains(text))
}

#[track_caller]
pub(super) fn assert_refused(result: Result<Intake, InputError>, text: &str) -> Refusal {
    match result {
        Err(InputError::Refused(r)) if r.to_string().contains(text) => *r,
        other => panic!("expected a refusal with `{text}`, got {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_limit(result: Result<Intake, InputError>, text: &str) -> Refusal {
    match result {
        Err(InputError::Limit(r)) if r.to_string().contains(text) => *r,
        other => panic!("expected a limit with `{text}`, got {other:?}"),
    }
}

pub(super) fn table(name: &str) -> InputPlan {
    InputPlan {
        name: name.to_owned(),
        from: InputFrom::Name,
        columns: None,
        options: ReaderOptions::default(),
    }
}

pub(super) fn column(name: &str, header: &str, optional: bool) -> InputColumnPlan {
    InputColumnPlan { name: name.to_owned(), header: header.to_owned(), optional }
}
