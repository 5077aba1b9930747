//! A load step over chunks of rows: one decision a row, and the writes they lead to.

use super::mapping::{Incoming, Mapping, resolve};
use super::matching::{Key, Verdict, ask};
use super::options::{FieldOptions, Options};
use super::prepare::{Fitted, Prepared, Preparer, RowAhead};
use super::rows::Rows;
use super::shape::{Shape, problem};
use super::workspace::{Slot, Workspace};
use super::{Action, FieldChange, FieldEffect, NewIds, RowDecision};
use crate::plan::{LoadPlan, MatchAction};
use crate::target::{Fields, Record, Target, TargetError, Write};
use crate::value::{ObjectSchema, Problem, ProblemCode, Value, VariableSpec};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// A load step that decides chunk after chunk.
pub struct Step {
    shape: Arc<Shape>,
    /// Of the fields that are mapped or matched; asked for with the first chunk.
    options: Option<FieldOptions>,
}

/// What a step decided about a chunk.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// One decision a row, in row order.
    pub decisions: Vec<RowDecision>,
    /// What to write: one for each decision that writes, in row order.
    pub writes: Vec<Write>,
    /// Options to add first: (field, label).
    pub new_options: Vec<(String, String)>,
}

impl Step {
    /// The step that is `number` in its plan, from 0; its new records get their ids from `ids`.
    pub fn new(
        plan: &LoadPlan,
        number: usize,
        scope_variables: &[VariableSpec],
        objects: &[ObjectSchema],
        ids: NewIds,
    ) -> Self {
        Self { shape: Arc::new(Shape::new(plan, number, scope_variables, objects, ids)), options: None }
    }

    /// The fields it looks records up by: (object, field), each once. They deserve an index.
    pub fn match_fields(&self) -> Vec<(String, String)> {
        self.shape.match_fields()
    }

    /// What prepares its chunks.
    pub fn preparer(&self) -> Preparer {
        Preparer { shape: self.shape.clone() }
    }

    /// Decides about a chunk. Nothing is written.
    ///
    /// # Errors
    /// What the target said.
    pub async fn decide(
        &mut self,
        target: &mut dyn Target,
        prepared: Prepared,
    ) -> Result<Decided, TargetError> {
        let Prepared { rows, keys, ahead } = prepared;
        let mut options = match self.options.take() {
            Some(options) => options,
            None => self.fetch_options(target).await?,
        };
        let shape = &*self.shape;
        let mut decided = Decided::default();
        decided.decisions.reserve(ahead.len());
        let mut chunk = ChunkRun {
            shape,
            options: &mut options,
            keys,
            incoming: shape.mappings.iter().map(|m| m.columns(&rows)).collect(),
            asked_unique: HashSet::new(),
            workspace: Workspace::new(&shape.plan.object, &shape.columns, &shape.slots),
            count: ahead.len(),
            ahead,
            rows: &rows,
        };
        let mut row = 0;
        while let Some(ahead) = chunk.ahead.pop_front() {
            let decision = chunk.row(row, ahead, target, &mut decided).await?;
            decided.decisions.push(decision);
            row += 1;
        }
        drop(chunk);
        self.options = Some(options);
        Ok(decided)
    }

    async fn fetch_options(&self, target: &mut dyn Target) -> Result<FieldOptions, TargetError> {
        let mut all = FieldOptions::new();
        for field in self.shape.fields_with_options() {
            let options = Options::fetch(target, &self.shape.plan.object, field).await?;
            all.insert(field.to_owned(), options);
        }
        Ok(all)
    }
}

/// One chunk on its way through a step.
struct ChunkRun<'c> {
    shape: &'c Shape,
    options: &'c mut FieldOptions,
    keys: Vec<Vec<Key>>,
    incoming: Vec<Incoming<'c>>,
    /// The rows that were not decided about yet.
    ahead: VecDeque<RowAhead>,
    /// Unique slots whose values were looked up for all rows.
    asked_unique: HashSet<Slot>,
    workspace: Workspace<'c>,
    rows: &'c Rows,
    count: usize,
}

/// What a row does to its record.
#[derive(Default)]
struct Mapped {
    changes: Fields,
    /// The field, and the label that it gets.
    new_options: Vec<(String, String)>,
}

impl ChunkRun<'_> {
    async fn row(
        &mut self,
        row: usize,
        ahead: RowAhead,
        target: &mut dyn Target,
        out: &mut Decided,
    ) -> Result<RowDecision, TargetError> {
        let RowAhead { decision, fitted } = ahead;
        let mut decision = self.decide(row, decision, fitted, target, out).await?;
        // Nothing of a row that fails is written: it is told with what it had.
        if decision.action == Action::Error {
            decision.fields = self.unwritten(row);
        }
        Ok(decision)
    }

    /// Each mapped field of a row of which nothing is written, with the text it was read from.
    fn unwritten(&self, row: usize) -> Vec<FieldChange> {
        let unwritten = |m: &Mapping| FieldChange {
            before: Value::Null,
            after: Value::Null,
            effect: FieldEffect::LeftAlone,
            text: m.source_text(self.rows, row),
        };
        self.shape.mappings.iter().map(unwritten).collect()
    }

    async fn decide(
        &mut self,
        row: usize,
        mut decision: RowDecision,
        fitted: Vec<Option<Fitted>>,
        target: &mut dyn Target,
        out: &mut Decided,
    ) -> Result<RowDecision, TargetError> {
        if !decision.errors.is_empty() {
            return Ok(decision);
        }
        let Verdict { answers, decided, error } =
            ask(&self.shape.rules, self.options, &self.keys, row, &mut self.workspace, target).await?;
        decision.rules = answers;
        if let Some(error) = error {
            // It was a warning only as long as no rule asked for it.
            decision.warnings.retain(|w| *w != error);
            decision.errors.push(error);
            return Ok(decision);
        }
        let Some((rule, action, found)) = decided else {
            decision.action = Action::Skip;
            return Ok(decision);
        };
        decision.decided_by = Some(rule);
        let creates = action == MatchAction::CreateNew;
        let unarchives = matches!(action, MatchAction::UnarchiveAndUpdate | MatchAction::UnarchiveOnly);
        if !creates && let [only] = found.as_slice() {
            decision.record = Some(only.id);
            decision.visible = !self.shape.ids.made(only.id);
        }
        if action == MatchAction::DoNotUpload {
            decision.action = Action::Skip;
            return Ok(decision);
        }
        if !creates && found.len() > 1 {
            let value = decision.rules.last().map(|r| r.value.to_string()).unwrap_or_default();
            let field = self.shape.rules.get(rule).map_or("", |r| r.plan.field.as_str());
            let message = format!("{} records have `{value}` in `{field}`; one is expected", found.len());
            decision.errors.push(problem(ProblemCode::SeveralMatches, field, &value, message));
            return Ok(decision);
        }
        let current = if creates { None } else { found.into_iter().next() };
        let mut mapped = Mapped::default();
        if action != MatchAction::UnarchiveOnly {
            mapped = self.map(row, fitted, current.as_deref(), target, &mut decision).await?;
        }
        self.check_unique(&mapped, current.as_deref(), unarchives, target, &mut decision).await?;
        if !decision.errors.is_empty() {
            return Ok(decision);
        }
        if creates
            && !self.keys.is_empty()
            && self.keys.iter().all(|k| matches!(k.get(row), Some(Key::Blank)))
        {
            let names: Vec<&str> = self.shape.rules.iter().map(|r| r.plan.variable.as_str()).collect();
            let message = format!("`{}` is empty, so no record could match", names.join("`, `"));
            decision.warnings.push(problem(
                ProblemCode::EmptyMatchValue,
                names.first().unwrap_or(&""),
                "",
                message,
            ));
        }
        self.apply(row, mapped, current, unarchives, &mut decision, out);
        Ok(decision)
    }

    async fn map(
        &mut self,
        row: usize,
        fitted: Vec<Option<Fitted>>,
        current: Option<&Record>,
        target: &mut dyn Target,
        decision: &mut RowDecision,
    ) -> Result<Mapped, TargetError> {
        let mut mapped = Mapped::default();
        let shape = self.shape;
        decision.fields.reserve(shape.mappings.len());
        for ((number, mapping), fitted) in shape.mappings.iter().enumerate().zip(fitted) {
            let field = &mapping.plan.field;
            let Some(incoming) = self.incoming.get_mut(number) else { continue };
            let mut change = FieldChange {
                before: current.map_or(Value::Null, |r| r.value(&field.name).clone()),
                after: Value::Null,
                effect: FieldEffect::LeftAlone,
                text: None,
            };
            let fitted = match fitted {
                None if mapping.find.is_some() && !mapping.lost(self.rows, row) => {
                    mapping.look(incoming, row, self.count, &mut self.workspace, target).await?;
                    Some(Fitted { value: mapping.found_value(incoming, row, &self.workspace), text: None })
                }
                fitted => fitted,
            };
            if let Some(Fitted { value, text }) = fitted {
                match value {
                    Err(problem) => decision.warnings.push(problem),
                    Ok(value) => {
                        change.text = text;
                        let (after, effect) =
                            resolve(mapping.plan.resolution, &change.before, value, current.is_none());
                        let writes = matches!(effect, FieldEffect::Written | FieldEffect::MergedOptions);
                        (change.after, change.effect) = (after, effect);
                        if let (true, Some(options)) = (writes, self.options.get(&field.name)) {
                            let missing = options.missing(&change.after, &change.before);
                            if !missing.is_empty() && mapping.plan.adds_options() {
                                change.effect = FieldEffect::CreatedOption;
                                mapped
                                    .new_options
                                    .extend(missing.into_iter().map(|m| (field.name.clone(), m)));
                            } else if !missing.is_empty() {
                                decision.warnings.push(options.unknown(&field.name, &missing));
                                change.effect = FieldEffect::LeftAlone;
                            }
                        }
                    }
                }
            }
            if change.effect == FieldEffect::LeftAlone {
                change.after = change.before.clone();
            }
            if matches!(
                change.effect,
                FieldEffect::Written | FieldEffect::MergedOptions | FieldEffect::CreatedOption
            ) {
                mapped.changes.insert(mapping.name.clone(), change.after.clone());
            }
            if (field.required || field.name == "name") && change.after.is_blank() {
                decision.errors.push(empty_field(&field.name, &self.shape.plan.object));
            }
            decision.fields.push(change);
        }
        if current.is_none() {
            for field in self.shape.object.iter().flat_map(|o| &o.fields) {
                let asked = field.required || field.name == "name";
                if asked && !self.shape.mappings.iter().any(|m| m.plan.field.name == field.name) {
                    decision.errors.push(empty_field(&field.name, &self.shape.plan.object));
                }
            }
        }
        Ok(mapped)
    }

    /// A unique field must not get a value that another live record has.
    async fn check_unique(
        &mut self,
        mapped: &Mapped,
        current: Option<&Record>,
        unarchives: bool,
        target: &mut dyn Target,
        decision: &mut RowDecision,
    ) -> Result<(), TargetError> {
        for (field, slot) in &self.shape.unique {
            // A record that comes out of the archive brings all its values back.
            let kept = current.filter(|_| unarchives).map(|r| r.value(field));
            let Some(value) = mapped.changes.get(field.as_str()).or(kept).filter(|v| !v.is_blank()) else {
                continue;
            };
            if !self.workspace.knows(*slot, value) {
                let mut values = vec![value.clone()];
                let mapping = self.shape.mappings.iter().position(|m| m.plan.field.name == *field);
                if let (Some(number), true) = (mapping, self.asked_unique.insert(*slot)) {
                    let later =
                        self.ahead.iter().filter_map(|a| a.fitted.get(number)?.as_ref()?.value.as_ref().ok());
                    values.extend(later.cloned());
                }
                self.workspace.fetch(target, *slot, values).await?;
            }
            let own = current.map(|r| r.id);
            let others = self.workspace.find(*slot, value);
            let Some(other) = others.iter().find(|r| !r.archived && Some(r.id) != own) else { continue };
            let name = other.value("name");
            let text = value.to_string();
            // A provisional id means nothing to anybody; the record's name does.
            let who =
                if name.is_blank() { "another record".to_owned() } else { format!("the record `{name}`") };
            let message = format!("{who} already has `{text}` in `{field}`, which must be unique");
            decision.errors.push(problem(ProblemCode::NotUnique, field, &text, message));
        }
        Ok(())
    }

    /// Enters what the row does into the workspace and the writes.
    fn apply(
        &mut self,
        row: usize,
        mapped: Mapped,
        current: Option<Arc<Record>>,
        unarchives: bool,
        decision: &mut RowDecision,
        out: &mut Decided,
    ) {
        for (field, label) in mapped.new_options {
            if self.options.get_mut(&field).is_some_and(|options| options.add(label.clone())) {
                out.new_options.push((field, label));
            }
        }
        let Some(current) = current else {
            let id = self.shape.ids.id(self.shape.number, self.rows.first_row + row as u64);
            let record = Arc::new(Record { id, archived: false, fields: mapped.changes });
            self.workspace.create(record.clone());
            decision.action = Action::Create;
            decision.record = Some(id);
            out.writes.push(Write::Create(record));
            return;
        };
        decision.action = match (unarchives, mapped.changes.is_empty()) {
            (false, true) => Action::Unchanged,
            (false, false) => Action::Update,
            (true, true) => Action::Unarchive,
            (true, false) => Action::UnarchiveAndUpdate,
        };
        if decision.action == Action::Unchanged {
            return;
        }
        self.workspace.update(current.id, &mapped.changes, unarchives);
        let archived = unarchives.then_some(false);
        out.writes.push(Write::Update { id: current.id, fields: mapped.changes, archived });
    }
}

fn empty_field(field: &str, object: &str) -> Problem {
    let message = format!("every record of `{object}` must have `{field}`, and it would stay empty");
    problem(ProblemCode::RequiredField, field, "", message)
}
