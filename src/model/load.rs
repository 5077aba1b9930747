//! `load` items: what they read and write, and what names in them mean.

use super::db::Workspace;
use super::items::{self, Item};
use super::mapping::check_mappings;
use super::object::object_schema;
use super::resolve::resolve;
use super::scope::{Exposed, exposed, is_for_people, variables};
use super::settings;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{LoadPlan, Place};
use crate::syntax::tree::{Load, Name};
use crate::value::{BaseType, DataType, ObjectSchema, VariableSpec};
use salsa::Database;

/// What a load step sees while it is checked.
pub struct Step<'db> {
    /// The database.
    pub db: &'db dyn Database,
    /// The sources.
    pub workspace: Workspace,
    /// The step.
    pub item: Item<'db>,
    /// Its scope, where there is one.
    pub scope: Option<Item<'db>>,
    /// The scope's variables.
    pub variables: &'db [VariableSpec],
    /// The object, where there is one.
    pub object: Option<(Item<'db>, &'db ObjectSchema)>,
    /// What the step's rules and mappings found wrong.
    pub faults: Vec<Diagnostic>,
}

/// What a name in a load step stands for.
pub enum Given<'db> {
    /// A variable of the scope.
    Variable(&'db VariableSpec),
    /// An id that an earlier step exposed: the object's item.
    Exposed(Option<Item<'db>>),
}

impl Given<'_> {
    /// Its type.
    pub fn ty(&self) -> DataType {
        match self {
            Given::Variable(v) => v.ty,
            Given::Exposed(_) => DataType::one(BaseType::Uuid),
        }
    }
}

/// A load step as planned (its place not filled in), and what is wrong with it. None where its scope
/// or object is not known.
#[salsa::tracked]
pub fn check_load<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (Option<LoadPlan>, Vec<Diagnostic>) {
    let Some(load) = item.load(db) else { return (None, Vec::new()) };
    let mut step =
        Step { db, workspace, item, scope: None, variables: &[], object: None, faults: Vec::new() };
    step.find_scope(load);
    step.find_object(load);
    if let Some(after) = &load.after {
        step.faults.extend(settings::check_after(db, item, after));
    }
    let rules = step.check_rules(load);
    let mappings = check_mappings(&mut step, load);
    if let Some(name) = &load.expose {
        step.check_expose(name);
    }
    let plan = step.scope.zip(step.object).map(|(scope, (_, object))| LoadPlan {
        name: load.name.text.clone(),
        scope: scope.name(db).clone(),
        object: object.name.clone(),
        rules,
        mappings,
        expose: load.expose.as_ref().map(|n| n.text.clone()),
        automations: load.after.as_deref().map(settings::automations).unwrap_or_default(),
        place: Place { file: String::new(), line: 0, column: 0 },
    });
    (plan, step.faults)
}

impl<'db> Step<'db> {
    /// A finding of this step at a range.
    pub fn fault(&self, code: Code, range: crate::text::Range, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.item.span(self.db, range), message)
    }

    fn find_scope(&mut self, load: &'db Load) {
        let db = self.db;
        let name = load.from.as_ref().unwrap_or(&load.name);
        if name.text.is_empty() {
            return;
        }
        let file = self.item.file(db);
        let Some(scope) = items::named(db, file, "scope", &name.text) else {
            let names: Vec<&str> = items::of_kind(db, file, "scope").map(|i| i.name(db).as_str()).collect();
            let near = nearest(&name.text, names.iter().copied());
            let view = items::named(db, file, "view", &name.text);
            let help = match (view, near) {
                (Some(_), _) => "it is a view: only a scope can be loaded".to_owned(),
                (None, Some(near)) if load.from.is_none() => {
                    format!("a step reads the scope of its own name; did you mean `from {near}`?")
                }
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("write `load {} from SCOPE into …`", load.name.text),
            };
            let message = format!("there is no scope `{}`", name.text);
            let fault = self.fault(Code::UnknownName, name.range, message).here("not declared").help(help);
            self.faults.push(fault);
            return;
        };
        if is_for_people(&name.text) {
            let message = format!("the scope `{}` is for people and is never loaded", name.text);
            let fault = self
                .fault(Code::ErrorsScopeLoaded, name.range, message)
                .here("its name ends in `errors`")
                .label(scope.name_span(db), "declared here")
                .help("rename the scope if its rows are to be loaded");
            self.faults.push(fault);
            return;
        }
        self.scope = Some(scope);
        self.variables = variables(db, self.workspace, scope);
    }

    fn find_object(&mut self, load: &Load) {
        let Some(path) = &load.into else { return };
        let span = self.item.span(self.db, path.range);
        match resolve(self.db, self.workspace, self.item.file(self.db), "object", path, span) {
            Ok(object) => self.object = Some((object, object_schema(self.db, self.workspace, object))),
            Err(fault) => self.faults.extend(fault),
        }
    }

    /// This step's position among the file's steps.
    fn position(&self) -> usize {
        items::of_kind(self.db, self.item.file(self.db), "load").position(|i| i == self.item).unwrap_or(0)
    }

    /// What an exposed id points to.
    fn exposed_object(&self, exposed: &Exposed) -> Option<Item<'db>> {
        let load = items::of_kind(self.db, self.item.file(self.db), "load").nth(exposed.step)?;
        let path = load.load(self.db)?.into.as_ref()?;
        let span = load.span(self.db, path.range);
        resolve(self.db, self.workspace, load.file(self.db), "object", path, span).ok()
    }

    /// What a name stands for; where it is nothing, that is a fault.
    pub fn given(&mut self, name: &Name) -> Option<Given<'db>> {
        if name.text.is_empty() {
            return None;
        }
        let scope = self.scope?;
        if let Some(variable) = self.variables.iter().find(|v| v.name == name.text) {
            return Some(Given::Variable(variable));
        }
        // A variable that is declared but could not be typed has its own diagnostic already, and so has
        // a scope that could not be read in full.
        let declared = |s: &crate::syntax::tree::Scope| s.variables.iter().any(|v| v.name.text == name.text);
        if scope.scope(self.db).is_some_and(declared) || !scope.node(self.db).whole {
            return None;
        }
        let db = self.db;
        let here = self.position();
        let all = exposed(db, self.item.file(db));
        let of_scope = |e: &&Exposed| &e.scope == scope.name(db);
        if let Some(found) = all.iter().filter(of_scope).find(|e| e.name == name.text && e.step < here) {
            return Some(Given::Exposed(self.exposed_object(found)));
        }
        if let Some(other) = all.iter().find(|e| e.name == name.text) {
            let load = items::of_kind(db, self.item.file(db), "load").nth(other.step);
            let message = if &other.scope == scope.name(db) {
                format!("`{}` is not there yet", name.text)
            } else {
                format!(
                    "`{}` belongs to the rows of `{}`, not to those of `{}`",
                    name.text,
                    other.scope,
                    scope.name(db)
                )
            };
            let mut fault = self
                .fault(Code::ExposedTooEarly, name.range, message)
                .here("used here")
                .help(if &other.scope == scope.name(db) {
                    "an exposed id is there for later steps: move this step below the one that exposes it"
                        .to_owned()
                } else {
                    let object = other.object.rsplit('.').next().unwrap_or_default();
                    format!(
                        "from the rows of another scope, find the record: `find {object} by FIELD with VARIABLE`"
                    )
                });
            if let Some(load) = load
                && let Some(expose) = load.load(db).and_then(|l| l.expose.as_ref())
            {
                fault = fault.label(load.span(db, expose.range), "exposed here");
            }
            self.faults.push(fault);
            return None;
        }
        let mut names: Vec<&str> = self.variables.iter().map(|v| v.name.as_str()).collect();
        names.extend(all.iter().filter(of_scope).filter(|e| e.step < here).map(|e| e.name.as_str()));
        let help = match nearest(&name.text, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("the scope `{}` declares no variables", scope.name(db)),
            None => format!("its variables are {}", names.join(", ")),
        };
        let message = format!("the scope `{}` has no variable `{}`", scope.name(db), name.text);
        let fault = self
            .fault(Code::UnknownName, name.range, message)
            .here("not declared")
            .label(scope.name_span(db), "the scope")
            .help(help);
        self.faults.push(fault);
        None
    }

    /// A fault for a field that the object does not have.
    pub fn unknown_field(&mut self, object: (Item<'db>, &ObjectSchema), field: &Name, also: &[&str]) {
        if field.text.is_empty() {
            return;
        }
        // A field whose type could not be read has its own diagnostic already; so have an object without
        // a name, and one that could not be read in full.
        let tree = object.0.object(self.db);
        let declared = tree.is_some_and(|o| o.fields.iter().any(|f| f.name.text == field.text));
        if declared || field.text == "name" || !object.0.node(self.db).whole {
            return;
        }
        let names: Vec<&str> =
            object.1.fields.iter().map(|f| f.name.as_str()).chain(also.iter().copied()).collect();
        let help = match nearest(&field.text, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its fields are {}", names.join(", ")),
        };
        let message = format!("the object `{}` has no field `{}`", object.1.name, field.text);
        let fault = self
            .fault(Code::UnknownField, field.range, message)
            .here("unknown field")
            .label(object.0.name_span(self.db), "declared here")
            .help(help);
        self.faults.push(fault);
    }

    fn check_expose(&mut self, name: &Name) {
        let here = self.position();
        let scope = self.scope.map(|s| s.name(self.db).clone());
        let all = exposed(self.db, self.item.file(self.db));
        let Some(first) =
            all.iter().find(|e| e.name == name.text && e.step < here && Some(&e.scope) == scope.as_ref())
        else {
            return;
        };
        let load = items::of_kind(self.db, self.item.file(self.db), "load").nth(first.step);
        let mut fault = self
            .fault(Code::DuplicateName, name.range, format!("`{}` is exposed already", name.text))
            .here("exposed again")
            .help("choose another name");
        if let Some(load) = load
            && let Some(expose) = load.load(self.db).and_then(|l| l.expose.as_ref())
        {
            fault = fault.label(load.span(self.db, expose.range), "exposed here first");
        }
        self.faults.push(fault);
    }

    /// A fault: the id of another object's record.
    pub fn foreign_id(&self, name: &Name, target: Item<'db>, wanted: &str) -> Diagnostic {
        let has = target.name(self.db);
        self.fault(
            Code::WrongRelationship,
            name.range,
            format!("`{}` is the id of a record of `{has}`, not of `{wanted}`", name.text),
        )
        .here(format!("a record of `{has}`"))
        .help(format!("use the id that a step into `{wanted}` exposes"))
    }

    /// Points at the field's declaration too.
    pub fn declared(&self, fault: Diagnostic, object: Item<'db>, field: &str) -> Diagnostic {
        let found = object.object(self.db).and_then(|o| o.fields.iter().find(|f| f.name.text == field));
        match found {
            Some(found) => fault.label(object.span(self.db, found.range), "declared here"),
            None => fault,
        }
    }
}
