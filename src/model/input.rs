//! `input` items: declared columns against the sample, reader options.

use super::catalog::{awaits_sample, handed_in, input_tables};
use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use super::names::repeated;
use super::sample::{NoTable, SampleFacts};
use super::setting_values;
use super::settings::{self, READER};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{InputColumnPlan, InputFrom, InputPlan, ReaderOptions};
use crate::syntax::tree::{Input, InputFrom as WrittenFrom};
use crate::text::FileId;
use crate::value::sql_name;
use salsa::Database;

/// What is wrong with an input.
#[salsa::tracked]
pub fn input_faults<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<Diagnostic> {
    let Some(input) = item.input(db) else { return Vec::new() };
    let mut faults = settings::check(db, item, &input.options, READER, "an input");
    faults.extend(repeated(db, item, "column", input.columns.iter().map(|c| &c.name)));
    for column in input.columns.iter().filter(|c| crate::sql::reserved(&c.name.text)) {
        let message = format!("a column cannot be called `{}`", column.name.text);
        faults.push(
            Diagnostic::new(Code::ReservedName, item.span(db, column.name.range), message)
                .here("the name is taken")
                .help("choose another name: this one numbers the rows"),
        );
    }
    for (i, column) in input.columns.iter().enumerate() {
        let same = |h: &str| sql_name(h) == sql_name(&column.header.value);
        let first =
            input.columns.iter().take(i).find(|c| same(&c.header.value) && c.name.text != column.name.text);
        if let Some(first) = first {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    item.span(db, column.header.range),
                    format!(
                        "the header \"{}\" is already the column `{}`",
                        column.header.value, first.name.text
                    ),
                )
                .here("declared again")
                .label(item.span(db, first.header.range), "declared here first")
                .help("leave one of the two out"),
            );
        }
    }
    if let Some((kind, fixed, _)) = handed_in(db, item.file(db))
        && input.name.text != fixed
    {
        faults.push(
            Diagnostic::new(
                Code::InputNotFed,
                item.span(db, input.name.range),
                format!("nothing is handed in for `input.{}`, so every execution would fail", input.name.text),
            )
            .here(format!("a {kind} hands in `input.{fixed}` alone"))
            .help(format!(
                "read `input.{fixed}` or `records.OBJECT`; files are handed in with `trigger spreadsheet`, also \
                 from a watched folder"
            )),
        );
        return faults;
    }
    if item.file(db).id(db) == FileId(0) {
        match workspace.sample(db) {
            SampleFacts::Given { .. } => against_sample(db, workspace, item, input, &mut faults),
            SampleFacts::NotGiven | SampleFacts::Unreadable { .. }
                if input.columns.is_empty() && !awaits_sample(db, workspace, item.file(db)) =>
            {
                faults.push(unknown_columns(db, item, input));
            }
            SampleFacts::NotGiven | SampleFacts::Unreadable { .. } => {}
        }
    }
    faults
}

fn unknown_columns(db: &dyn Database, item: Item<'_>, input: &Input) -> Diagnostic {
    Diagnostic::new(
        Code::ColumnsUnknown,
        item.span(db, input.name.range),
        format!("the columns of `input.{}` are not known", input.name.text),
    )
    .here("declares no columns, and there is no sample to take them from")
    .help("declare the columns, or give the connector a `sample \"…\"`")
}

fn against_sample(
    db: &dyn Database,
    workspace: Workspace,
    item: Item<'_>,
    input: &Input,
    faults: &mut Vec<Diagnostic>,
) {
    let table = match workspace.sample(db).table(&input.name.text) {
        Some(Ok(table)) => table,
        Some(Err(NoTable { cause, mend })) => {
            let message = format!("`input.{}` cannot be read from the sample: {cause}", input.name.text);
            faults.push(
                Diagnostic::new(Code::SampleLacksColumn, item.span(db, input.name.range), message)
                    .here("as it is declared here")
                    .maybe_help(mend.clone()),
            );
            return;
        }
        None => return,
    };
    if let Some(line) = table.header {
        let written = input.options.iter().find(|o| o.name.text == "header");
        let place = written.map_or(input.name.range, |o| o.range);
        let part = if table.part.is_empty() { "the sample" } else { table.part.as_str() };
        faults.push(
            Diagnostic::new(
                Code::SampleLacksColumn,
                item.span(db, place),
                format!("the headers of `input.{}` stand in line {line} of {part}", input.name.text),
            )
            .here("reads them from another line")
            .help(format!("write `header {line}` in its braces")),
        );
        return;
    }
    // Of a file that has none of them nothing would be read.
    let or_optional = if input.columns.iter().any(|c| table.has(&c.header.value)) {
        "; or write `optional` after it"
    } else {
        ""
    };
    for column in input.columns.iter().filter(|c| !c.optional) {
        let header = &column.header.value;
        if table.has(header) {
            continue;
        }
        let originals: Vec<&str> = table.headers.iter().map(|(_, original)| original.as_str()).collect();
        let part = if table.part.is_empty() { String::new() } else { format!(" ({})", table.part) };
        faults.push(
            Diagnostic::new(
                Code::SampleLacksColumn,
                item.span(db, column.header.range),
                format!("the sample{part} has no column \"{header}\""),
            )
            .here("not in the sample")
            .help(match nearest(header, originals.iter().copied()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("its columns are \"{}\"{or_optional}", originals.join("\", \"")),
            }),
        );
    }
}

/// The inputs as planned. Where the file declares none: the tables of its sample, or the one table
/// of its trigger.
pub fn input_plans(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<InputPlan> {
    let declared: Vec<InputPlan> =
        items::of_kind(db, file, "input").filter_map(|i| i.input(db)).map(plan_of).collect();
    let others = input_tables(db, workspace, file)
        .iter()
        .filter(|t| declared.iter().all(|d| d.name != t.name))
        .map(|t| InputPlan {
            name: t.name.clone(),
            from: InputFrom::Name,
            columns: None,
            options: ReaderOptions::default(),
        })
        .collect::<Vec<_>>();
    declared.into_iter().chain(others).collect()
}

fn plan_of(input: &Input) -> InputPlan {
    let option = |name: &str| input.options.iter().find(|s| s.name.text == name);
    InputPlan {
        name: input.name.text.clone(),
        from: match &input.from {
            None => InputFrom::Name,
            Some(WrittenFrom::Sheet(sheet)) => InputFrom::Sheet(sheet.value.clone()),
            Some(WrittenFrom::File(file)) => InputFrom::File(file.value.clone()),
        },
        columns: (!input.columns.is_empty()).then(|| {
            let columns = input.columns.iter();
            columns
                .map(|c| InputColumnPlan {
                    name: c.name.text.clone(),
                    header: c.header.value.clone(),
                    optional: c.optional,
                })
                .collect()
        }),
        options: ReaderOptions {
            delimiter: option("delimiter").and_then(setting_values::text).and_then(|t| t.chars().next()),
            encoding: option("encoding").and_then(setting_values::text).map(str::to_owned),
            header: option("header").and_then(setting_values::whole).and_then(|n| u32::try_from(n).ok()),
            missing: option("missing")
                .map(|s| setting_values::texts(s).into_iter().map(str::to_owned).collect())
                .unwrap_or_default(),
        },
    }
}
