//! What a load step is made of, the same for all its chunks.

use super::NewIds;
use super::mapping::Mapping;
use super::matching::Rule;
use super::rows::Asked;
use super::workspace::Slot;
use crate::plan::{LoadPlan, MappingPlan, MappingSource, RulePlan};
use crate::target::ID;
use crate::value::{ObjectSchema, Problem, ProblemCode, VariableSpec};
use std::collections::HashSet;

pub(super) struct Shape {
    pub(super) plan: LoadPlan,
    pub(super) object: Option<ObjectSchema>,
    pub(super) rules: Vec<Rule>,
    pub(super) mappings: Vec<Mapping>,
    pub(super) required: Vec<String>,
    /// The variables that the rules and mappings read.
    pub(super) used: HashSet<String>,
    /// The fields of the slots of each chunk's workspace.
    pub(super) slots: Vec<String>,
    /// The unique fields and their slots.
    pub(super) unique: Vec<(String, Slot)>,
    pub(super) columns: Vec<String>,
    pub(super) ids: NewIds,
    /// The step's number in its plan, from 0.
    pub(super) number: usize,
}

impl Shape {
    pub(super) fn new(
        plan: &LoadPlan,
        number: usize,
        scope_variables: &[VariableSpec],
        objects: &[ObjectSchema],
        ids: NewIds,
    ) -> Self {
        let object = objects.iter().find(|o| o.name == plan.object).cloned();
        let type_of = |field: &str| object.as_ref().and_then(|o| o.field(field)).map(|f| f.ty.clone());
        let adds = |rule: &RulePlan| {
            let own = MappingSource::Variable(rule.variable.clone());
            let of = |m: &&MappingPlan| m.field.name == rule.field && m.source == own;
            plan.mappings.iter().find(of).is_some_and(MappingPlan::adds_options)
        };
        let mut slots = Vec::new();
        let rules: Vec<Rule> = plan
            .rules
            .iter()
            .map(|rule| Rule {
                plan: rule.clone(),
                asked: Asked::of(&rule.field, type_of(&rule.field)),
                slot: slot(&mut slots, &rule.field),
                fixed: type_of(&rule.field).is_some_and(|ty| ty.has_options()) && !adds(rule),
            })
            .collect();
        let mappings: Vec<Mapping> = plan
            .mappings
            .iter()
            .map(|mapping| {
                let (find, own) = match &mapping.source {
                    MappingSource::Find { object, by, by_type, .. } => (
                        Some(Asked::of(by, Some(by_type.clone()))),
                        (*object == plan.object).then(|| slot(&mut slots, by)),
                    ),
                    _ => (None, None),
                };
                Mapping { plan: mapping.clone(), name: mapping.field.name.as_str().into(), find, own }
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
        let mut used: HashSet<String> = plan.rules.iter().map(|r| r.variable.clone()).collect();
        used.extend(mappings.iter().flat_map(Mapping::variables).cloned());
        let required = scope_variables.iter().filter(|v| v.required).map(|v| v.name.clone()).collect();
        Self {
            plan: plan.clone(),
            object,
            rules,
            mappings,
            required,
            used,
            slots,
            unique,
            columns,
            ids,
            number,
        }
    }

    /// The fields with options that it maps or looks records up by.
    pub(super) fn fields_with_options(&self) -> impl Iterator<Item = &str> {
        let mapped = self.mappings.iter().map(|m| &m.plan.field).filter(|f| f.ty.has_options());
        let only_matched =
            |r: &&Rule| r.fixed && !self.mappings.iter().any(|m| m.plan.field.name == r.plan.field);
        let matched = self.rules.iter().filter(only_matched).map(|r| r.plan.field.as_str());
        mapped.map(|f| f.name.as_str()).chain(matched)
    }

    /// The fields it looks records up by: (object, field), each once.
    pub(super) fn match_fields(&self) -> Vec<(String, String)> {
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
}

fn slot(slots: &mut Vec<String>, field: &str) -> Slot {
    slots.iter().position(|s| s == field).unwrap_or_else(|| {
        slots.push(field.to_owned());
        slots.len() - 1
    })
}

pub(super) fn problem(code: ProblemCode, name: &str, text: &str, message: String) -> Problem {
    Problem { code, name: name.to_owned(), text: text.to_owned(), message }
}
