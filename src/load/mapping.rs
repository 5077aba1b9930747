//! From a row to the value of a field, and what the conflict resolution makes of it.

use super::FieldEffect;
use super::options::parts;
use super::rows::{Asked, Column, Rows};
use super::workspace::{Slot, Workspace};
use crate::plan::{MappingPlan, MappingSource};
use crate::target::{Lookup, Target, TargetError};
use crate::value::{Problem, ProblemCode, Resolution, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A mapping, ready to be used.
pub(super) struct Mapping {
    pub(super) plan: MappingPlan,
    /// The field's name, as its records share it.
    pub(super) name: Arc<str>,
    /// For `find`: what the value is fitted to.
    pub(super) find: Option<Asked>,
    /// For `find` among the step's own records: how they are looked up.
    pub(super) own: Option<Slot>,
}

/// The columns of a mapping in one chunk, and the records that its `find` found.
pub(super) struct Incoming<'a> {
    columns: Vec<Option<Column<'a>>>,
    found: HashMap<Value, Vec<Uuid>>,
}

impl Mapping {
    /// The variables it reads.
    pub(super) fn variables(&self) -> &[String] {
        match &self.plan.source {
            MappingSource::Variable(v) | MappingSource::Exposed(v) => std::slice::from_ref(v),
            MappingSource::Find { with, .. } => std::slice::from_ref(with),
            MappingSource::Concat { parts, .. } => parts,
            MappingSource::Literal(_) => &[],
        }
    }

    /// Its columns.
    pub(super) fn columns<'a>(&self, rows: &'a Rows) -> Incoming<'a> {
        let columns = self.variables().iter().map(|v| rows.column(v)).collect();
        Incoming { columns, found: HashMap::new() }
    }

    /// Whether a value that it reads was lost on that row; its problem is on the row already.
    pub(super) fn lost(&self, rows: &Rows, row: usize) -> bool {
        rows.problems_of(row).iter().any(|p| !p.taken && self.variables().contains(&p.problem.name))
    }

    /// The row's value, fitted to the field, but for a `find`.
    pub(super) fn own_value(&self, incoming: &Incoming<'_>, row: usize) -> Result<Value, Problem> {
        let first = incoming.columns.first().copied().flatten();
        let field = &self.plan.field;
        self.fitted(match &self.plan.source {
            MappingSource::Variable(_) => first.map_or(Value::Null, |c| c.value_for(row, Some(&field.ty))),
            MappingSource::Exposed(_) => first.map_or(Value::Null, |c| c.value(row)),
            MappingSource::Literal(value) => value.clone(),
            MappingSource::Concat { join, .. } => {
                let texts = incoming.columns.iter().flatten().map(|c| c.text(row));
                Value::Text(texts.filter(|t| !t.is_empty()).collect::<Vec<_>>().join(join))
            }
            MappingSource::Find { .. } => Value::Null,
        })
    }

    /// The id that a `find` found for the row; needs [`Self::look`] first.
    pub(super) fn found_value(
        &self,
        incoming: &Incoming<'_>,
        row: usize,
        workspace: &Workspace<'_>,
    ) -> Result<Value, Problem> {
        let MappingSource::Find { object, by, .. } = &self.plan.source else { return Ok(Value::Null) };
        let Some(key) = self.key(incoming, row)? else { return Ok(Value::Null) };
        let ids: Vec<Uuid> = match self.own {
            Some(slot) => workspace.find(slot, &key).iter().filter(|r| !r.archived).map(|r| r.id).collect(),
            None => incoming.found.get(&key).cloned().unwrap_or_default(),
        };
        match ids.as_slice() {
            [id] => self.fitted(Value::Uuid(*id)),
            [] => {
                let message = format!("no record of `{object}` has `{key}` in `{by}`");
                Err(self.problem(ProblemCode::NotFound, &key, message))
            }
            several => {
                let count = several.len();
                let message =
                    format!("{count} records of `{object}` have `{key}` in `{by}`; one is expected");
                Err(self.problem(ProblemCode::FoundSeveral, &key, message))
            }
        }
    }

    fn fitted(&self, value: Value) -> Result<Value, Problem> {
        if value.is_blank() {
            return Ok(Value::Null);
        }
        Ok(match crate::value::fit(value, &self.plan.field)? {
            Value::List(items) => once(items),
            blank if blank.is_blank() => Value::Null,
            value => value,
        })
    }

    /// The text that a variable was read from, or its value where it was no text.
    pub(super) fn source_text(&self, rows: &Rows, row: usize) -> Option<String> {
        let MappingSource::Variable(name) = &self.plan.source else { return None };
        if let Some(text) = rows.text(name, row) {
            return Some(text.to_owned());
        }
        let value = rows.column(name)?.value(row);
        (!value.is_blank()).then(|| value.to_string())
    }

    /// The text that a variable's value was read from, where the value is printed otherwise.
    pub(super) fn text(&self, rows: &Rows, row: usize, value: &Value) -> Option<String> {
        let MappingSource::Variable(name) = &self.plan.source else { return None };
        let text = rows.text(name, row)?;
        (!value.prints_as(text)).then(|| text.to_owned())
    }

    /// For `find`: looks up the values of this row and all later ones at once, where this row's is
    /// not known yet.
    pub(super) async fn look(
        &self,
        incoming: &mut Incoming<'_>,
        row: usize,
        count: usize,
        workspace: &mut Workspace<'_>,
        target: &mut dyn Target,
    ) -> Result<(), TargetError> {
        let MappingSource::Find { object, by, .. } = &self.plan.source else { return Ok(()) };
        let Ok(Some(key)) = self.key(incoming, row) else { return Ok(()) };
        let known = self.own.map_or(incoming.found.contains_key(&key), |slot| workspace.knows(slot, &key));
        if known {
            return Ok(());
        }
        let mut seen = HashSet::new();
        let mut values = Vec::new();
        for later in row..count {
            if let Ok(Some(value)) = self.key(incoming, later)
                && seen.insert(value.clone())
            {
                values.push(value);
            }
        }
        if let Some(slot) = self.own {
            return workspace.fetch(target, slot, values).await;
        }
        let answers = target.find(Lookup { object, field: by, values: &values, columns: &[] }).await?;
        for (value, records) in values.into_iter().zip(answers) {
            incoming.found.insert(value, records.iter().filter(|r| !r.archived).map(|r| r.id).collect());
        }
        Ok(())
    }

    fn key(&self, incoming: &Incoming<'_>, row: usize) -> Result<Option<Value>, Problem> {
        let (Some(asked), Some(Some(column))) = (&self.find, incoming.columns.first()) else {
            return Ok(None);
        };
        Ok(Some(asked.fit(*column, row)?).filter(|v| !v.is_blank()))
    }

    fn problem(&self, code: ProblemCode, key: &Value, message: String) -> Problem {
        Problem { code, name: self.plan.field.name.clone(), text: key.to_string(), message }
    }
}

/// What a record has in a field after a row, and why. `new`: the record is only just being made.
pub(super) fn resolve(
    resolution: Resolution,
    before: &Value,
    incoming: Value,
    new: bool,
) -> (Value, FieldEffect) {
    let keep = |effect| (before.clone(), effect);
    let blank = incoming.is_blank();
    match resolution {
        _ if new && blank => keep(FieldEffect::Unchanged),
        _ if new => (incoming, FieldEffect::Written),
        Resolution::OverwriteExceptNull if blank => keep(FieldEffect::KeptNull),
        // Equal, so there is no need for a copy.
        _ if *before == incoming => (incoming, FieldEffect::Unchanged),
        _ if same(before, &incoming) => keep(FieldEffect::Unchanged),
        Resolution::OnlyUpdateBlank if !before.is_blank() => keep(FieldEffect::KeptNotBlank),
        Resolution::OnlyAddOptions => {
            let mut all = parts(before).to_vec();
            all.extend(parts(&incoming).iter().filter(|v| !parts(before).contains(v)).cloned());
            if all.len() == parts(before).len() {
                return keep(FieldEffect::Unchanged);
            }
            let effect = if before.is_blank() { FieldEffect::Written } else { FieldEffect::MergedOptions };
            (Value::List(all), effect)
        }
        _ => (incoming, FieldEffect::Written),
    }
}

/// Whether two values are the same; the order of several options does not matter.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(x), Value::List(y)) => x.len() == y.len() && x.iter().all(|v| y.contains(v)),
        (x, y) => x == y || (x.is_blank() && y.is_blank()),
    }
}

fn once(items: Vec<Value>) -> Value {
    let mut kept: Vec<Value> = Vec::with_capacity(items.len());
    for item in items {
        if !item.is_blank() && !kept.contains(&item) {
            kept.push(item);
        }
    }
    if kept.is_empty() { Value::Null } else { Value::List(kept) }
}
