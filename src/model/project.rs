//! A connector and everything it uses, loaded once and kept up to date edit by edit.

use super::db::{Database, SourceFile, Unread, Workspace};
use super::sample::SampleFacts;
use super::{connector, functions, input, items, load, names, object, query, resolve, scope, types, unused};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{InputPlan, Place};
use crate::syntax::tree::{ItemKind, SyntaxError, Use};
use crate::system::files::{Files, Forbidden, NO_SOURCE, is_source, normal};
use crate::text::{Anchor, FileId, LineIndex, Range, Span};
use salsa::{Durability, Setter};
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// A connector's file with all that it uses, checked incrementally.
pub struct Project {
    db: Database,
    workspace: Workspace,
}

impl Project {
    /// Reads a connector's file and, eagerly, everything that it uses.
    ///
    /// # Errors
    /// Where the file itself cannot be read. An import that cannot is a diagnostic.
    pub fn load(root: &Path, files: &dyn Files) -> io::Result<Self> {
        let root = normal(root);
        let text = files.read(&root)?;
        let db = Database::default();
        let first = SourceFile::new(&db, FileId(0), root, text, false);
        let workspace = Workspace::new(&db, vec![first], Vec::new(), SampleFacts::NotGiven);
        let mut project = Self { db, workspace };
        project.refresh(files);
        Ok(project)
    }

    /// Reads what the sources use and is not there yet; after edits that add a `use`.
    pub fn refresh(&mut self, files: &dyn Files) {
        let mut missing: Vec<(PathBuf, Unread)> = Vec::new();
        let mut at = 0;
        loop {
            let known = self.workspace.files(&self.db).clone();
            let Some(file) = known.get(at).copied() else { break };
            at += 1;
            let mut list = known.clone();
            for (path, library) in self.used(file) {
                let seen = list.iter().any(|f| f.path(&self.db) == &path && f.library(&self.db) == library);
                if seen || missing.iter().any(|(p, _)| p == &path) {
                    continue;
                }
                let id = FileId(u32::try_from(list.len()).unwrap_or(u32::MAX));
                if library {
                    let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
                    if let Some(text) = crate::library::file(name) {
                        list.push(
                            SourceFile::builder(id, path, text.to_owned(), true)
                                .durability(Durability::HIGH)
                                .new(&self.db),
                        );
                    }
                    continue;
                }
                let text = if is_source(&path) {
                    files.read_named(&path).map_err(|e| unread(&e))
                } else {
                    Err(forbidden(NO_SOURCE))
                };
                match text {
                    Ok(text) => list.push(SourceFile::new(&self.db, id, path, text, false)),
                    Err(why) => missing.push((path, why)),
                }
            }
            if list != known {
                self.workspace.set_files(&mut self.db).to(list);
            }
        }
        if self.workspace.missing(&self.db) != &missing {
            self.workspace.set_missing(&mut self.db).to(missing);
        }
    }

    /// The paths that a file uses, and whether each is of the standard library.
    fn used(&self, file: SourceFile) -> Vec<(PathBuf, bool)> {
        items::parse(&self.db, file)
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Use(import) => Some(import),
                _ => None,
            })
            .map(|import| {
                (resolve::used_path(file.path(&self.db), import), matches!(import, Use::Library(_)))
            })
            .collect()
    }

    /// Replaces the text of a file that was read. The same text again changes nothing. It is for editors;
    /// there is none in here yet, but tests hold that only what depends on an edit is checked again.
    ///
    /// Gives false where there is no such file.
    pub fn set_text(&mut self, path: &Path, text: &str) -> bool {
        let path = normal(path);
        let found = self
            .workspace
            .files(&self.db)
            .iter()
            .copied()
            .find(|f| f.path(&self.db) == &path && !f.library(&self.db));
        let Some(file) = found else { return false };
        if file.text(&self.db) != text {
            file.set_text(&mut self.db).to(text.to_owned());
        }
        true
    }

    /// Tells what the sample holds.
    pub fn set_sample(&mut self, facts: SampleFacts) {
        if self.workspace.sample(&self.db) != &facts {
            self.workspace.set_sample(&mut self.db).to(facts);
        }
    }

    /// The sample's path, as the sources were found, and how its tables are to be read.
    pub fn sample_path(&self) -> Option<(PathBuf, Vec<InputPlan>)> {
        let file = self.root()?;
        let sample = connector::connector_plan(&self.db, file)?.sample?;
        let folder = file.path(&self.db).parent().unwrap_or(Path::new("")).to_path_buf();
        Some((normal(&folder.join(sample)), self.inputs()))
    }

    /// What the connector says of itself, whatever else is wrong with the file; none where it has no
    /// connector.
    pub fn connector(&self) -> Option<crate::plan::ConnectorPlan> {
        connector::connector_plan(&self.db, self.root()?)
    }

    /// That another file has a connector of this one's name.
    pub fn name_taken(&self, by: &str) -> Option<Diagnostic> {
        let item = items::of_kind(&self.db, self.root()?, "connector").next()?;
        let message = format!("{by} has a connector `{}` too", item.name(&self.db));
        let span = self.absolute(item.name_span(&self.db), &mut HashMap::new());
        let found = Diagnostic::new(Code::DuplicateName, span, message).here("the name is taken");
        Some(found.help("a project knows its connectors by their names: give one of the two another name"))
    }

    /// The inputs, as planned.
    pub fn inputs(&self) -> Vec<InputPlan> {
        self.root().map(|file| input::input_plans(&self.db, self.workspace, file)).unwrap_or_default()
    }

    /// Every finding, with spans counted from the start of their files; by file and place.
    pub fn check(&self) -> Vec<Diagnostic> {
        let files = self.workspace.files(&self.db);
        let mut found: Vec<Diagnostic> = Vec::new();
        for file in files.iter().copied().filter(|f| !f.library(&self.db)) {
            found.extend(self.check_file(file));
        }
        let mut offsets: HashMap<FileId, HashMap<Anchor, u32>> = HashMap::new();
        for diagnostic in &mut found {
            for label in &mut diagnostic.labels {
                label.span = self.absolute(label.span, &mut offsets);
            }
        }
        found.sort_by_key(|d| {
            let span = d.span();
            (span.file, span.range.start, span.range.end, d.code)
        });
        let mut seen = HashSet::new();
        found.retain(|d| seen.insert(d.clone()));
        found
    }

    /// The findings of one file, spans not yet absolute.
    fn check_file(&self, file: SourceFile) -> Vec<Diagnostic> {
        let (db, workspace) = (&self.db, self.workspace);
        let tree = items::parse(db, file);
        let mut found: Vec<Diagnostic> = tree
            .errors
            .iter()
            .map(|e| {
                Diagnostic::new(e.code, Span::in_file(file.id(db), e.range), e.message.clone())
                    .here(e.label.clone())
                    .maybe_help(e.help.clone())
            })
            .collect();
        found.extend(resolve::import_faults(db, workspace, file).iter().cloned());
        found.extend(names::name_faults(db, file).iter().cloned());
        found.extend(connector::missing_connector(db, file).clone());
        let mut loads_are_faulty = false;
        for (item, at) in items::items(db, file).iter().copied().zip(&tree.items) {
            let faults = match item.keyword(db) {
                "connector" => connector::connector_faults(db, workspace, item).clone(),
                "param" => connector::check_param(db, workspace, item).1.clone(),
                "input" => input::input_faults(db, workspace, item).clone(),
                "view" => query::block_faults(db, workspace, item),
                "scope" => {
                    let mut faults = query::block_faults(db, workspace, item);
                    faults.extend(scope::check_scope(db, workspace, item).1.iter().cloned());
                    faults
                }
                "load" => load::check_load(db, workspace, item).1.clone(),
                "object" => object::check_object(db, workspace, item).1.clone(),
                "type" => types::alias(db, workspace, item).1.clone(),
                "fn" => functions::function_faults(db, workspace, item).clone(),
                _ => Vec::new(),
            };
            // An item that could not be read in full lacks things that its author may have written.
            let whole = at.range.shift(at.offset);
            let within = |e: &&SyntaxError| e.range.start <= whole.end && e.range.end >= whole.start;
            let broken = !item.node(db).whole;
            let cut = tree.errors.iter().filter(within).any(|e| is_about_an_end(e.code));
            let follows = |code: Code| (broken && is_about_absence(code)) || (cut && code == Code::SqlSyntax);
            loads_are_faulty |= item.keyword(db) == "load" && !faults.is_empty();
            found.extend(faults.into_iter().filter(|f| !follows(f.code)));
        }
        if file.id(db) == FileId(0) && tree.errors.is_empty() {
            // A misspelt name in a load step leaves the right one unused: one finding is enough.
            let follows =
                |code: Code| loads_are_faulty && matches!(code, Code::UnusedVariable | Code::UnusedScope);
            let unused = unused::unused(db, workspace, file);
            found.extend(unused.iter().filter(|f| !follows(f.code)).cloned());
        }
        found
    }

    /// Counts a span from the start of its file.
    fn absolute(&self, span: Span, known: &mut HashMap<FileId, HashMap<Anchor, u32>>) -> Span {
        if span.anchor == Anchor::FILE {
            return span;
        }
        let Some(file) = self.file(span.file) else { return span };
        let offsets = known.entry(span.file).or_insert_with(|| items::offsets(&self.db, file));
        let by = offsets.get(&span.anchor).copied().unwrap_or(0);
        Span::in_file(span.file, span.range.shift(by))
    }

    /// A range of an item, counted from the start of its file.
    pub(super) fn place(&self, item: items::Item<'_>, range: Range) -> Place {
        let span = self.absolute(item.span(&self.db, range), &mut HashMap::new());
        let text = self.text(span.file);
        let at = LineIndex::new(text).line_column(text, span.range.start);
        Place { file: self.file_name(span.file), line: at.line, column: at.column }
    }

    /// The file's path as it is shown.
    pub fn file_name(&self, file: FileId) -> String {
        self.file(file).map(|f| f.path(&self.db).display().to_string()).unwrap_or_default()
    }

    /// The file's text.
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map(|f| f.text(&self.db).as_str()).unwrap_or_default()
    }

    fn file(&self, id: FileId) -> Option<SourceFile> {
        self.workspace.files(&self.db).get(id.0 as usize).copied()
    }

    /// The connector's own file.
    pub(super) fn root(&self) -> Option<SourceFile> {
        self.file(FileId(0))
    }

    /// The database and the sources, for the plan's compiler.
    pub(super) fn parts(&self) -> (&Database, Workspace) {
        (&self.db, self.workspace)
    }

    /// The queries that ran since this was last asked, one entry an execution; the first call starts
    /// the log. Tests hold with it what an edit costs.
    pub fn executed(&self) -> Vec<String> {
        self.db.take_log()
    }
}

/// Whether a finding says that something is not there.
fn is_about_absence(code: Code) -> bool {
    matches!(
        code,
        Code::NoMatchingRule
            | Code::NoMapping
            | Code::NameNotMapped
            | Code::RequiredNotMapped
            | Code::ObjectWithoutName
            | Code::ScopeWithoutQuery
            | Code::BadOptions
            | Code::MissingFieldArgument
            | Code::BadSplit
            | Code::SampleLacksColumn
    )
}

/// Whether a finding says that something does not end.
fn is_about_an_end(code: Code) -> bool {
    matches!(code, Code::MissingBrace | Code::UnclosedText)
}

/// What to do about a source that is not UTF-8 text.
pub const SAVE_AS_UTF8: &str = "save it as UTF-8 in your editor: it is UTF-16, Latin-1 or no text at all";

/// Why a file cannot be read, in a few words.
fn unread(error: &io::Error) -> Unread {
    if let Some(why) = Forbidden::of(error) {
        return forbidden(why);
    }
    let mend = (error.kind() == io::ErrorKind::InvalidData).then(|| SAVE_AS_UTF8.to_owned());
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        io::ErrorKind::PermissionDenied => "reading it is not allowed".to_owned(),
        _ => error.to_string(),
    };
    Unread { why, mend }
}

fn forbidden(what: Forbidden) -> Unread {
    Unread { why: what.why.to_owned(), mend: Some(what.mend.to_owned()) }
}
