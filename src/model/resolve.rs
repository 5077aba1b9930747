//! Imports, and which item a name means.

use super::db::{SourceFile, Workspace};
use super::items::{self, Item};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::syntax::tree::{Path, Use};
use crate::system::files::{is_source, normal};
use crate::text::Span;
use salsa::Database;
use std::path::{Path as FilePath, PathBuf};

/// A file that another one uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, salsa::SalsaValue)]
pub struct Import<'db> {
    /// The `use`.
    pub item: Item<'db>,
    /// The file it brings.
    pub file: SourceFile,
}

impl<'db> Import<'db> {
    /// What stands before the dot: `crm` of `use "./crm.sconn"`, `text` of `use std.text`.
    pub fn module(self, db: &'db dyn Database) -> &'db str {
        module(db, self.file)
    }
}

/// The name by which a file's items are reached from elsewhere.
pub fn module(db: &dyn Database, file: SourceFile) -> &str {
    file.path(db).file_stem().and_then(|s| s.to_str()).unwrap_or_default()
}

/// The path that a `use` means, seen from a file.
pub fn used_path(from: &FilePath, import: &Use) -> PathBuf {
    match import {
        Use::Library(path) => {
            let name: Vec<_> = path.segments.iter().skip(1).map(|s| s.text.as_str()).collect();
            library_path(&name.join("."))
        }
        Use::File(text) => normal(&from.parent().unwrap_or(FilePath::new("")).join(&text.value)),
    }
}

/// Where a file of the standard library stands among the sources.
pub fn library_path(name: &str) -> PathBuf {
    PathBuf::from(format!("std/{name}.sconn"))
}

/// The files that a file uses, in the order written.
#[salsa::tracked]
pub fn imports<'db>(db: &'db dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Import<'db>> {
    let mut found: Vec<Import<'db>> = Vec::new();
    for item in items::of_kind(db, file, "use") {
        let Some(import) = item.import(db) else { continue };
        let path = used_path(file.path(db), import);
        let library = matches!(import, Use::Library(_));
        let target =
            workspace.files(db).iter().copied().find(|f| f.library(db) == library && f.path(db) == &path);
        if let Some(target) = target.filter(|t| found.iter().all(|i| i.file != *t)) {
            found.push(Import { item, file: target });
        }
    }
    found
}

/// Every file that a file uses, directly or through others; not itself unless it is used.
#[salsa::tracked]
pub fn reachable(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        for import in imports(db, workspace, next) {
            if !found.contains(&import.file) {
                found.push(import.file);
                open.push(import.file);
            }
        }
    }
    found
}

/// What is wrong with a file's imports.
#[salsa::tracked]
pub fn import_faults(db: &dyn Database, workspace: Workspace, file: SourceFile) -> Vec<Diagnostic> {
    let found = imports(db, workspace, file);
    let mut faults = Vec::new();
    for item in items::of_kind(db, file, "use") {
        let Some(import) = item.import(db) else { continue };
        let range = match import {
            Use::Library(path) => path.range,
            Use::File(text) => text.range,
        };
        let span = item.span(db, range);
        let path = used_path(file.path(db), import);
        if let Some(target) =
            found.iter().find(|i| i.file.path(db) == &path && i.item == item).map(|i| i.file)
        {
            if target == file || reachable(db, workspace, target).contains(&file) {
                faults.push(cycle(db, workspace, file, target, span));
            }
        } else if found.iter().any(|i| i.file.path(db) == &path) {
            let first = found.iter().find(|i| i.file.path(db) == &path);
            let mut fault =
                Diagnostic::new(Code::DuplicateName, span, format!("`{}` is used twice", item.name(db)))
                    .here("used again")
                    .help("leave one of the two out");
            if let Some(first) = first {
                let node = first.item.node(db);
                fault = fault.label(first.item.span(db, node.range), "used here first");
            }
            faults.push(fault);
        } else {
            faults.push(not_found(db, workspace, item, import, &path, span));
        }
    }
    faults
}

fn cycle(
    db: &dyn Database,
    workspace: Workspace,
    file: SourceFile,
    target: SourceFile,
    span: Span,
) -> Diagnostic {
    let name = |f: SourceFile| f.path(db).display().to_string();
    let fault = Diagnostic::new(
        Code::ImportCycle,
        span,
        if target == file {
            format!("`{}` uses itself", name(file))
        } else {
            format!("`{}` and `{}` use each other", name(file), name(target))
        },
    )
    .here("leads back to this file")
    .help("move what both need into a third file that uses neither");
    let back = imports(db, workspace, target).iter().find(|i| i.file == file && target != file);
    match back {
        Some(back) => fault.label(back.item.span(db, back.item.node(db).range), "and back again here"),
        None => fault,
    }
}

fn not_found(
    db: &dyn Database,
    workspace: Workspace,
    item: Item<'_>,
    import: &Use,
    path: &FilePath,
    span: Span,
) -> Diagnostic {
    match import {
        Use::Library(written) => {
            let name = written.text();
            let names: Vec<String> = crate::library::names().iter().map(|n| format!("std.{n}")).collect();
            let fault =
                Diagnostic::new(Code::ImportNotFound, span, format!("the standard library has no `{name}`"))
                    .here("not in the standard library");
            let bare = names.iter().find(|n| n.strip_prefix("std.") == Some(&name)).map(String::as_str);
            if let ([module], None) = (written.segments.as_slice(), bare) {
                let file = format!("for a file write `use \"./{}.sconn\"`", module.text);
                return fault.help(format!("{file}; the library has: {}", names.join(", ")));
            }
            match bare.or_else(|| nearest(&name, names.iter().map(String::as_str))) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help(format!("it has: {}", names.join(", "))),
            }
        }
        Use::File(_) => {
            let unread = workspace.missing(db).iter().find(|(p, _)| p == path).map(|(_, unread)| unread);
            let why = unread.map_or("no such file", |u| u.why.as_str());
            let others: Vec<String> = workspace
                .files(db)
                .iter()
                .filter(|f| !f.library(db) && **f != item.file(db))
                .map(|f| f.path(db).display().to_string())
                .collect();
            let shown = path.display().to_string();
            let near = nearest(&shown, others.iter().map(String::as_str));
            Diagnostic::new(Code::ImportNotFound, span, format!("`{}` cannot be read: {why}", item.name(db)))
                .here(format!("looked for {shown}"))
                .help(match (unread.and_then(|u| u.mend.clone()), near) {
                    // Of a slip in the ending the file that was meant says more.
                    (Some(mend), near) if is_source(path) || near.is_none() => mend,
                    (_, Some(near)) => format!("did you mean `{near}`?"),
                    (_, None) => "the path is counted from the folder of this file".to_owned(),
                })
        }
    }
}

/// Whether a `use` of the file brings nothing, because its file could not be read.
pub fn lacks_import(db: &dyn Database, workspace: Workspace, file: SourceFile) -> bool {
    let imported = imports(db, workspace, file);
    items::of_kind(db, file, "use").filter_map(|i| i.import(db)).any(|import| {
        let path = used_path(file.path(db), import);
        imported.iter().all(|i| i.file.path(db) != &path)
    })
}

/// How a keyword's things are called in messages.
fn word(keyword: &str) -> &str {
    match keyword {
        "fn" => "function",
        other => other,
    }
}

/// The item that a path means, of one keyword (`object`, `type`, `fn`): one of this file, else the
/// one that an import has.
///
/// # Errors
/// The diagnostic: unknown, or in several imports. None where it may stand in an import that could
/// not be read: that is told already.
pub fn resolve<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    file: SourceFile,
    keyword: &'static str,
    path: &Path,
    span: Span,
) -> Result<Item<'db>, Option<Diagnostic>> {
    let imported = imports(db, workspace, file);
    let text = path.text();
    let unknown = || {
        let module = path.segments.first().filter(|_| path.segments.len() > 1);
        let elsewhere = module.is_none_or(|m| imported.iter().all(|i| i.module(db) != m.text));
        if elsewhere && lacks_import(db, workspace, file) {
            return None;
        }
        let mut names: Vec<String> = items::of_kind(db, file, keyword).map(|i| i.name(db).clone()).collect();
        for import in imported {
            for item in items::of_kind(db, import.file, keyword) {
                names.push(format!("{}.{}", import.module(db), item.name(db)));
                names.push(item.name(db).clone());
            }
        }
        let what = word(keyword);
        let near = nearest(&text, names.iter().map(String::as_str));
        let foreign = match path.segments.as_slice() {
            [module, _] => Some(module.text.as_str()).filter(|m| imported.iter().all(|i| i.module(db) != *m)),
            _ => None,
        };
        let fault = Diagnostic::new(Code::UnknownName, span, format!("there is no {what} `{text}`"))
            .here("not declared")
            .help(match (near, foreign) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, Some(module)) => {
                    format!("`use` the file that has it, such as `use \"./{module}.sconn\"`")
                }
                (None, None) if names.is_empty() => {
                    format!("declare it with `{keyword}`, or `use` the file that does")
                }
                (None, None) => format!("those there are: {}", names.join(", ")),
            });
        Some(fault)
    };
    match path.segments.as_slice() {
        [name] => {
            if let Some(item) = items::named(db, file, keyword, &name.text) {
                return Ok(item);
            }
            let found: Vec<_> = imported
                .iter()
                .filter_map(|i| items::named(db, i.file, keyword, &name.text).map(|item| (i, item)))
                .collect();
            match found.as_slice() {
                [] => Err(unknown()),
                [(_, item)] => Ok(*item),
                several => {
                    let names: Vec<_> =
                        several.iter().map(|(i, _)| format!("`{}.{}`", i.module(db), name.text)).collect();
                    let mut fault = Diagnostic::new(
                        Code::AmbiguousName,
                        span,
                        format!("`{}` could be {}", name.text, names.join(" or ")),
                    )
                    .here("which one?")
                    .help("write the file's name before it");
                    for (_, item) in several {
                        fault = fault.label(item.name_span(db), "declared here");
                    }
                    Err(Some(fault))
                }
            }
        }
        [module, name] => imported
            .iter()
            .find(|i| i.module(db) == module.text)
            .and_then(|i| items::named(db, i.file, keyword, &name.text))
            .ok_or_else(unknown),
        _ => Err(unknown()),
    }
}
