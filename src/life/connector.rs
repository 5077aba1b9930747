//! Loading a connector: its files, its sample's header, its findings.

use super::{Failure, io_words};
use crate::diagnostic::render::Sources;
use crate::diagnostic::{Diagnostic, Severity};
use crate::input::{InputError, Limits, ProbedTable, probe};
use crate::model::{NoTable, Project, SAVE_AS_UTF8, SampleFacts, SampleTable};
use crate::plan::{ConnectorPlan, InputPlan, Plan};
use crate::system::files::{Disk, Forbidden};
use crate::text::FileId;
use std::path::{Path, PathBuf};

/// A connector with what is known of it.
pub struct Connector {
    /// The model of it.
    pub project: Project,
    /// Why its sample cannot be read, where it names one that cannot.
    no_sample: Option<String>,
}

impl Connector {
    /// Reads a connector's file, what it imports, and its sample's header.
    ///
    /// # Errors
    /// Where it is no connector, or cannot be read.
    pub fn load(file: &Path) -> Result<Self, Failure> {
        let mut project = open(file)?;
        let facts = project.sample_path().map(|(sample, inputs)| sample_facts(&sample, &inputs, &disk(file)));
        let no_sample = match &facts {
            Some(SampleFacts::Unreadable { message }) => Some(message.clone()),
            _ => None,
        };
        project.set_sample(facts.unwrap_or_default());
        Ok(Self { project, no_sample })
    }

    /// Why the sample that it names cannot be read; none where it can, or none is named.
    pub(super) fn no_sample(&self) -> Option<&str> {
        self.no_sample.as_deref()
    }

    /// What a file says of its connector, whatever else is wrong with it; none where it has none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn declared(file: &Path) -> Result<Option<ConnectorPlan>, Failure> {
        Ok(open(file)?.connector().filter(|c| !c.name.is_empty()))
    }

    /// The plan; where the connector has errors, they.
    ///
    /// # Errors
    /// The findings that are errors.
    pub fn plan(&self) -> Result<Plan, Vec<Diagnostic>> {
        self.project
            .plan()
            .map_err(|findings| findings.into_iter().filter(|d| d.severity == Severity::Error).collect())
    }

    /// The plan; where the connector has errors, the first few of them in words.
    ///
    /// # Errors
    /// Where the connector has errors.
    pub fn plan_or_failure(&self) -> Result<Plan, Failure> {
        self.plan().map_err(|errors| {
            let first: Vec<String> =
                errors.iter().take(5).map(|d| format!("{}: {}", d.code.info().id, d.message)).collect();
            Failure::new(
                format!("the connector has {} errors: {}", errors.len(), first.join("; ")),
                "`sconn check` shows where they are",
            )
        })
    }
}

/// Reads a connector's file and what it imports.
fn open(file: &Path) -> Result<Project, Failure> {
    if file.is_dir() {
        return Err(Failure::new(
            format!("{}: this is a folder, not a connector", file.display()),
            "hand in the path of a .sconn file",
        ));
    }
    // Somebody's data, read as the language, gives nothing but findings.
    if file.is_file() && file.extension().is_none_or(|e| e != "sconn") {
        return Err(Failure::new(
            format!("{}: this is no connector", file.display()),
            "the file of a connector ends in .sconn; data is handed in with `sconn run CONNECTOR.sconn --input \
             FILE`",
        ));
    }
    Project::load(file, &disk(file)).map_err(|e| {
        let mend = match e.kind() {
            std::io::ErrorKind::InvalidData => SAVE_AS_UTF8,
            _ => "hand in the path of a .sconn file that you may read",
        };
        Failure::new(format!("{}: {}", file.display(), io_words(&e)), mend)
    })
}

/// The .sconn files below a folder; hidden folders and `target` are left out.
///
/// # Errors
/// Where a folder cannot be read.
pub fn connector_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |e: std::io::Error| {
        Failure::new(
            format!("{}: {}", folder.display(), io_words(&e)),
            "hand in files or folders that you may read",
        )
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link to a folder may lead around in a circle.
        if kind.is_dir() {
            if !name.starts_with('.') && name != "target" {
                connector_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|e| e == "sconn") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

impl Sources for Connector {
    fn name(&self, file: FileId) -> String {
        self.project.file_name(file)
    }

    fn text(&self, file: FileId) -> &str {
        self.project.text(file)
    }
}

/// What a connector's sources may name: files of its project.
fn disk(file: &Path) -> Disk {
    Disk::of(crate::project::Project::root_of(file))
}

fn sample_facts(sample: &Path, inputs: &[InputPlan], disk: &Disk) -> SampleFacts {
    if let Err(e) = disk.allowed(sample).and_then(std::fs::File::open) {
        let why = match Forbidden::of(&e) {
            Some(Forbidden { why, mend }) => format!("{why}; {mend}"),
            None => io_words(&e),
        };
        return SampleFacts::Unreadable { message: format!("{}: {why}", sample.display()) };
    }
    match probe(sample, inputs, &Limits::default()) {
        Err(e) => SampleFacts::Unreadable { message: e.to_string() },
        Ok(tables) => {
            let table = |(name, probed): (String, Result<ProbedTable, InputError>)| {
                let input = inputs.iter().find(|i| i.name == name);
                let mut table = sample_table(probed);
                if let (Some(input), Ok(table)) = (input, &mut table) {
                    table.header = later_header(sample, inputs, input, table);
                }
                (name, table)
            };
            SampleFacts::Given { tables: tables.into_iter().map(table).collect() }
        }
    }
}

/// How many lines may stand above the headers: titles, dates, notes.
const TITLE_LINES: u32 = 20;

/// The line in which the declared headers stand, where the sample does not have them in the one that is read.
fn later_header(sample: &Path, inputs: &[InputPlan], input: &InputPlan, read: &SampleTable) -> Option<u32> {
    let wanted: Vec<&str> =
        input.columns.iter().flatten().filter(|c| !c.optional).map(|c| c.header.as_str()).collect();
    let has_most =
        |table: &SampleTable| wanted.iter().filter(|header| table.has(header)).count() * 2 > wanted.len();
    // With some of them it is the headers' line, and another header was renamed.
    if wanted.is_empty() || wanted.iter().any(|header| read.has(header)) {
        return None;
    }
    let there = |line: u32| {
        let mut inputs = inputs.to_vec();
        inputs.iter_mut().filter(|i| i.name == input.name).for_each(|i| i.options.header = Some(line));
        let tables = probe(sample, &inputs, &Limits::default()).ok()?;
        let (_, probed) = tables.into_iter().find(|(name, _)| *name == input.name)?;
        sample_table(probed).ok().filter(has_most)
    };
    let from = if input.options.header.is_some_and(|h| h > 1) { 1 } else { 2 };
    let first = (from..=TITLE_LINES).find(|line| there(*line).is_some())?;
    // Blank lines above the headers are passed over.
    (first..=TITLE_LINES + 1).take_while(|line| there(*line).is_some()).last()
}

fn sample_table(probed: Result<ProbedTable, InputError>) -> Result<SampleTable, NoTable> {
    let table = probed.map_err(|e| NoTable { cause: e.to_string(), mend: e.hint().map(str::to_owned) })?;
    let ambiguous = ambiguous_dates(&table.rows, table.headers.len()).into_iter();
    Ok(SampleTable {
        ambiguous_dates: ambiguous.filter_map(|i| Some(table.headers.get(i)?.0.clone())).collect(),
        part: part_words(&table.part),
        header: None,
        headers: table.headers,
    })
}

fn part_words(part: &crate::input::Part) -> String {
    match &part.inner {
        Some(inner) if part.is_sheet => format!("sheet {inner:?}"),
        Some(inner) => inner.clone(),
        None => part.file.clone(),
    }
}

/// Columns with dates such as 03/04/2024 of which none tells day from month.
fn ambiguous_dates(rows: &[Vec<Option<String>>], columns: usize) -> Vec<usize> {
    (0..columns)
        .filter(|c| {
            let mut either = false;
            for cell in rows.iter().filter_map(|r| r.get(*c)?.as_deref()) {
                match day_and_month(cell) {
                    Some((a, b)) if a > 12 || b > 12 => return false,
                    Some((a, b)) => either |= a != b,
                    None => {}
                }
            }
            either
        })
        .collect()
}

/// The first two numbers of a text like `3/4/2024`, `03.04.2024` or `03-04-2024 10:00`.
fn day_and_month(text: &str) -> Option<(u32, u32)> {
    let date = text.trim().split([' ', 'T']).next()?;
    let mut parts = date.split(['/', '.', '-']);
    let (a, b, year) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |t: &str| (1..=2).contains(&t.len());
    if !(short(a) && short(b) && year.len() == 4 && year.parse::<u32>().is_ok()) {
        return None;
    }
    Some((a.parse().ok()?, b.parse().ok()?))
}
