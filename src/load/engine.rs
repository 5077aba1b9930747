//! A load step over chunks of rows: one decision a row, and the writes they lead to.

use super::mapping::{Incoming, Mapping, resolve};
use super::matching::{Key, Rule, Verdict, ask};
use super::options::Options;
use super::rows::{Asked, Rows};
use super::workspace::{Slot, Workspace};
use super::{Action, FieldChange, FieldEffect, NewIds, RowDecision};
use crate::plan::{LoadPlan, MappingSource, MatchAction};
use crate::target::{Fields, ID, Record, Target, TargetError, Write};
use crate::value::{FieldType, ObjectSchema, Problem, ProblemCode, Value, VariableSpec};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::Arc;

/// A load step, prepared to decide chunk after chunk.
pub struct Step<'p> {
    plan: &'p LoadPlan,
    object: Option<ObjectSchema>,
    rules: Vec<Rule<'p>>,
    mappings: Vec<Mapping<'p>>,
    required: Vec<String>,
    /// The variables that the rules and mappings read.
    used: HashSet<&'p str>,
    /// The fields of the slots of each chunk's workspace.
    slots: Vec<String>,
    /// The unique fields and their slots.
    unique: Vec<(String, Slot)>,
    columns: Vec<String>,
    /// By mapping; asked for with the first chunk.
    options: Option<Vec<Option<Options>>>,
    ids: NewIds,
    /// The step's number in its plan, from 0.
    number: usize,
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

impl<'p> Step<'p> {
    /// Prepares the step that is `number` in its plan, from 0; its new records get their ids from `ids`.
    pub fn new(
        plan: &'p LoadPlan,
        number: usize,
        scope_variables: &[VariableSpec],
        objects: &[ObjectSchema],
        ids: NewIds,
    ) -> Self {
        let object = objects.iter().find(|o| o.name == plan.object).cloned();
        let type_of = |field: &str| object.as_ref().and_then(|o| o.field(field)).map(|f| f.ty.clone());
        let mut slots = Vec::new();
        let rules: Vec<Rule<'p>> = plan
            .rules
            .iter()
            .map(|rule| Rule {
                plan: rule,
                asked: Asked::of(&rule.field, type_of(&rule.field)),
                slot: slot(&mut slots, &rule.field),
            })
            .collect();
        let mappings: Vec<Mapping<'p>> = plan
            .mappings
            .iter()
            .map(|mapping| match &mapping.source {
                MappingSource::Find { object, by, by_type, .. } => Mapping {
                    plan: mapping,
                    name: mapping.field.name.as_str().into(),
                    find: Some(Asked::of(by, Some(by_type.clone()))),
                    own: (*object == plan.object).then(|| slot(&mut slots, by)),
                },
                _ => {
                    Mapping { plan: mapping, name: mapping.field.name.as_str().into(), find: None, own: None }
                }
            })
            .collect();
        let fields = object.iter().flat_map(|o| &o.fields);
        let unique: Vec<(String, Slot)> =
            fields.filter(|f| f.unique).map(|f| (f.name.clone(), slot(&mut slots, &f.name))).collect();
        let mut columns: Vec<String> = vec!["name".to_owned()];
        for field in slots.iter().chain(plan.mappings.iter().map(|m| &m.field.name)) {
            if field != ID && !columns.contains(field) {
                columns.push(field.clone());
            }
        }
        let mut used: HashSet<&'p str> = plan.rules.iter().map(|r| r.variable.as_str()).collect();
        used.extend(mappings.iter().flat_map(Mapping::variables).map(String::as_str));
        let required = scope_variables.iter().filter(|v| v.required).map(|v| v.name.clone()).collect();
        Self {
            plan,
            object,
            rules,
            mappings,
            required,
            used,
            slots,
            unique,
            columns,
            options: None,
            ids,
            number,
        }
    }

    /// The fields it looks records up by: (object, field), each once. They deserve an index.
    pub fn match_fields(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let own = self.slots.iter().map(|field| (self.plan.object.clone(), field.clone()));
        let found = self.plan.mappings.iter().filter_map(|m| match &m.source {
            MappingSource::Find { object, by, .. } => Some((object.clone(), by.clone())),
            _ => None,
        });
        for pair in own.chain(found) {
            if pair.1 != ID && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }

    /// Decides about a chunk. Nothing is written.
    ///
    /// # Errors
    /// What the target said.
    pub async fn decide(&mut self, target: &mut dyn Target, rows: &Rows<'_>) -> Result<Decided, TargetError> {
        let count = rows.len();
        let mut options = match self.options.take() {
            Some(options) => options,
            None => self.fetch_options(target).await?,
        };
        let mut decided = Decided::default();
        {
            let mut chunk = ChunkRun {
                step: self.plan,
                object: self.object.as_ref(),
                rules: &self.rules,
                mappings: &self.mappings,
                required: &self.required,
                used: &self.used,
                unique: &self.unique,
                ids: self.ids,
                number: self.number,
                options: &mut options,
                keys: self.rules.iter().map(|r| r.keys(rows, count)).collect(),
                incoming: self.mappings.iter().map(|m| m.columns(rows)).collect(),
                asked_unique: HashSet::new(),
                workspace: Workspace::new(&self.plan.object, &self.columns, &self.slots),
                rows,
                count,
            };
            for row in 0..count {
                let decision = chunk.row(row, target, &mut decided).await?;
                decided.decisions.push(decision);
            }
        }
        self.options = Some(options);
        Ok(decided)
    }

    async fn fetch_options(&self, target: &mut dyn Target) -> Result<Vec<Option<Options>>, TargetError> {
        let mut all = Vec::with_capacity(self.mappings.len());
        for mapping in &self.mappings {
            let field = &mapping.plan.field;
            all.push(if field.ty.has_options() {
                Some(Options::fetch(target, &self.plan.object, &field.name).await?)
            } else {
                None
            });
        }
        Ok(all)
    }
}

fn slot(slots: &mut Vec<String>, field: &str) -> Slot {
    slots.iter().position(|s| s == field).unwrap_or_else(|| {
        slots.push(field.to_owned());
        slots.len() - 1
    })
}

fn problem(code: ProblemCode, name: &str, text: &str, message: String) -> Problem {
    Problem { code, name: name.to_owned(), text: text.to_owned(), message }
}

/// One chunk on its way through a step.
struct ChunkRun<'c> {
    step: &'c LoadPlan,
    object: Option<&'c ObjectSchema>,
    rules: &'c [Rule<'c>],
    mappings: &'c [Mapping<'c>],
    required: &'c [String],
    used: &'c HashSet<&'c str>,
    unique: &'c [(String, Slot)],
    ids: NewIds,
    number: usize,
    options: &'c mut Vec<Option<Options>>,
    keys: Vec<Vec<Key>>,
    incoming: Vec<Incoming<'c>>,
    /// Unique slots whose values were looked up for all rows.
    asked_unique: HashSet<Slot>,
    workspace: Workspace<'c>,
    rows: &'c Rows<'c>,
    count: usize,
}

/// What a row does to its record.
#[derive(Default)]
struct Mapped {
    changes: Fields,
    new_options: Vec<(usize, String)>,
}

impl ChunkRun<'_> {
    async fn row(
        &mut self,
        row: usize,
        target: &mut dyn Target,
        out: &mut Decided,
    ) -> Result<RowDecision, TargetError> {
        let mut decision = self.decide(row, target, out).await?;
        // A row that fails before it is mapped is told with what it had.
        if decision.action == Action::Error && decision.fields.is_empty() {
            decision.fields = self.unwritten(row);
        }
        Ok(decision)
    }

    /// Each mapped field of a row of which nothing is written, with the text it was read from.
    fn unwritten(&self, row: usize) -> Vec<FieldChange> {
        let unwritten = |m: &Mapping<'_>| FieldChange {
            before: Value::Null,
            after: Value::Null,
            effect: FieldEffect::LeftAlone,
            text: m.source_text(self.rows, row),
        };
        self.mappings.iter().map(unwritten).collect()
    }

    async fn decide(
        &mut self,
        row: usize,
        target: &mut dyn Target,
        out: &mut Decided,
    ) -> Result<RowDecision, TargetError> {
        let mut decision = RowDecision {
            row: self.rows.first_row + row as u64 + 1,
            source: self.rows.sources.get(row).copied().flatten(),
            key: self.row_key(row),
            rules: Vec::new(),
            decided_by: None,
            action: Action::Error,
            record: None,
            visible: false,
            fields: Vec::new(),
            errors: Vec::new(),
            warnings: Vec::new(),
            committed: None,
        };
        self.variable_problems(row, &mut decision);
        if !decision.errors.is_empty() {
            return Ok(decision);
        }
        let Verdict { answers, decided, error } =
            ask(self.rules, &self.keys, row, &mut self.workspace, target).await?;
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
            decision.visible = !self.ids.made(only.id);
        }
        if action == MatchAction::DoNotUpload {
            decision.action = Action::Skip;
            return Ok(decision);
        }
        if !creates && found.len() > 1 {
            let value = decision.rules.last().map(|r| r.value.to_string()).unwrap_or_default();
            let field = self.rules.get(rule).map_or("", |r| r.plan.field.as_str());
            let message = format!("{} records have `{value}` in `{field}`; one is expected", found.len());
            decision.errors.push(problem(ProblemCode::SeveralMatches, field, &value, message));
            return Ok(decision);
        }
        let current = if creates { None } else { found.into_iter().next() };
        let mut mapped = Mapped::default();
        if action != MatchAction::UnarchiveOnly {
            mapped = self.map(row, current.as_deref(), target, &mut decision).await?;
        }
        self.check_unique(row, &mapped, current.as_deref(), unarchives, target, &mut decision).await?;
        if !decision.errors.is_empty() {
            return Ok(decision);
        }
        if creates
            && !self.keys.is_empty()
            && self.keys.iter().all(|k| matches!(k.get(row), Some(Key::Blank)))
        {
            let names: Vec<&str> = self.rules.iter().map(|r| r.plan.variable.as_str()).collect();
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

    /// Required variables fail the row; problems of the others are warnings.
    fn variable_problems(&self, row: usize, decision: &mut RowDecision) {
        let problems = self.rows.problems_of(row);
        for found in problems {
            let name = found.problem.name.as_str();
            if !found.taken && (name.is_empty() || self.required.iter().any(|r| r == name)) {
                decision.errors.push(found.problem.clone());
            } else if self.used.contains(name) || name.is_empty() {
                decision.warnings.push(found.problem.clone());
            }
        }
        for name in self.required {
            let said = problems.iter().any(|p| !p.taken && p.problem.name == *name);
            if !said && self.rows.column(name).is_some_and(|c| c.value(row).is_blank()) {
                let message = format!("`{name}` is required and empty");
                decision.errors.push(problem(ProblemCode::Required, name, "", message));
            }
        }
    }

    async fn map(
        &mut self,
        row: usize,
        current: Option<&Record>,
        target: &mut dyn Target,
        decision: &mut RowDecision,
    ) -> Result<Mapped, TargetError> {
        let mut mapped = Mapped::default();
        decision.fields.reserve(self.mappings.len());
        for (number, mapping) in self.mappings.iter().enumerate() {
            let field = &mapping.plan.field;
            let before = current.map_or(Value::Null, |r| r.value(&field.name).clone());
            let Some(incoming) = self.incoming.get_mut(number) else { continue };
            let mut change = FieldChange {
                before: before.clone(),
                after: before,
                effect: FieldEffect::LeftAlone,
                text: None,
            };
            if !mapping.lost(self.rows, row) {
                mapping.look(incoming, row, self.count, &mut self.workspace, target).await?;
                match mapping.value(incoming, row, &self.workspace) {
                    Err(problem) => decision.warnings.push(problem),
                    Ok(value) => {
                        change.text = mapping.text(self.rows, row, &value);
                        let (after, effect) =
                            resolve(mapping.plan.resolution, &change.before, value, current.is_none());
                        let writes = matches!(effect, FieldEffect::Written | FieldEffect::MergedOptions);
                        (change.after, change.effect) = (after, effect);
                        if let (true, Some(Some(options))) = (writes, self.options.get(number)) {
                            let missing = options.missing(&change.after, &change.before);
                            let adds = mapping.plan.create_options || field.ty == FieldType::Dynamictags;
                            if !missing.is_empty() && adds {
                                change.effect = FieldEffect::CreatedOption;
                                mapped.new_options.extend(missing.into_iter().map(|m| (number, m)));
                            } else if !missing.is_empty() {
                                decision.warnings.push(options.unknown(field, &missing));
                                change.effect = FieldEffect::LeftAlone;
                                change.after = change.before.clone();
                            }
                        }
                    }
                }
            }
            if matches!(
                change.effect,
                FieldEffect::Written | FieldEffect::MergedOptions | FieldEffect::CreatedOption
            ) {
                mapped.changes.insert(mapping.name.clone(), change.after.clone());
            }
            if (field.required || field.name == "name") && change.after.is_blank() {
                decision.errors.push(empty_field(&field.name, &self.step.object));
            }
            decision.fields.push(change);
        }
        if current.is_none() {
            for field in self.object.iter().flat_map(|o| &o.fields) {
                let asked = field.required || field.name == "name";
                if asked && !self.mappings.iter().any(|m| m.plan.field.name == field.name) {
                    decision.errors.push(empty_field(&field.name, &self.step.object));
                }
            }
        }
        Ok(mapped)
    }

    /// A unique field must not get a value that another live record has.
    async fn check_unique(
        &mut self,
        row: usize,
        mapped: &Mapped,
        current: Option<&Record>,
        unarchives: bool,
        target: &mut dyn Target,
        decision: &mut RowDecision,
    ) -> Result<(), TargetError> {
        for (field, slot) in self.unique {
            // A record that comes out of the archive brings all its values back.
            let kept = current.filter(|_| unarchives).map(|r| r.value(field));
            let Some(value) = mapped.changes.get(field.as_str()).or(kept).filter(|v| !v.is_blank()) else {
                continue;
            };
            if !self.workspace.knows(*slot, value) {
                let mut values = vec![value.clone()];
                let mapping = self.mappings.iter().position(|m| m.plan.field.name == *field);
                if let (Some(number), true) = (mapping, self.asked_unique.insert(*slot))
                    && let (Some(mapping), Some(incoming)) =
                        (self.mappings.get(number), self.incoming.get(number))
                    && mapping.find.is_none()
                {
                    let later = (row + 1..self.count).filter(|r| !mapping.lost(self.rows, *r));
                    values.extend(later.filter_map(|r| mapping.value(incoming, r, &self.workspace).ok()));
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
        for (number, label) in mapped.new_options {
            let Some(Some(options)) = self.options.get_mut(number) else { continue };
            if let Some(mapping) = self.mappings.get(number)
                && options.add(label.clone())
            {
                out.new_options.push((mapping.plan.field.name.clone(), label));
            }
        }
        let Some(current) = current else {
            let id = self.ids.id(self.number, self.rows.first_row + row as u64);
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

    /// A hash of the step and the values that identify the row: those it is matched on, as far as they
    /// are its own. The id that an earlier step exposed differs from run to run; a row that is matched
    /// on nothing else is identified by all its variables.
    fn row_key(&self, row: usize) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.step.name.as_bytes());
        let mut enter = |kind: u8, text: &str| {
            // The length keeps `ab`, `c` apart from `a`, `bc`.
            hash.update([kind]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        let own = |rule: &Rule<'_>| self.rows.variables.iter().any(|v| v.name == rule.plan.variable);
        let mut own_keys = self.rules.iter().zip(&self.keys).filter(|(rule, _)| own(rule)).peekable();
        if own_keys.peek().is_none() {
            for variable in self.rows.variables {
                let value = self.rows.column(&variable.name).map_or(Value::Null, |c| c.value(row));
                enter(3, &value.to_string());
            }
        }
        for (_, keys) in own_keys {
            match keys.get(row) {
                Some(Key::Value(value)) => enter(1, &value.to_string()),
                Some(Key::Lost(problem)) => enter(2, &problem.text),
                Some(Key::Blank) | None => enter(0, ""),
            }
        }
        hash.finalize().iter().take(8).fold(0u64, |key, byte| (key << 8) | u64::from(*byte))
    }
}

fn empty_field(field: &str, object: &str) -> Problem {
    let message = format!("every record of `{object}` must have `{field}`, and it would stay empty");
    problem(ProblemCode::RequiredField, field, "", message)
}
