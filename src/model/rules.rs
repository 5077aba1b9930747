//! `match FIELD with VARIABLE { … }`: matching rules.

use super::load::{Given, Step};
use crate::diagnostic::{Code, nearest};
use crate::plan::{MatchAction, Outcome, RulePlan};
use crate::syntax::tree::{Load, MatchRule, Name};
use crate::value::{BaseType, fits};

impl<'db> Step<'db> {
    /// The matching rules as planned.
    pub fn check_rules(&mut self, load: &'db Load) -> Vec<RulePlan> {
        if load.rules.is_empty() && !load.name.text.is_empty() {
            let fault = self
                .fault(
                    Code::NoMatchingRule,
                    load.name.range,
                    format!("the load step `{}` does not say how rows find their records", load.name.text),
                )
                .here("no `match`")
                .help(self.rule_help());
            self.faults.push(fault);
        }
        let mut plans = Vec::new();
        let mut ended: Option<&MatchRule> = None;
        for (i, rule) in load.rules.iter().enumerate() {
            let plan = self.check_rule(rule);
            let actions = [plan.none, plan.one, plan.many, plan.archived];
            if let Some(before) = ended.take() {
                let fault = self
                    .fault(Code::UnreachableRule, rule.range, "no row ever gets to this rule".to_owned())
                    .here("never asked")
                    .label(self.item.span(self.db, before.range), "every outcome ends here")
                    .help("let an outcome of the rule above go on, with `next_rule` or `next_rule_ignore_previous`");
                self.faults.push(fault);
            } else if i + 1 == load.rules.len() {
                self.check_last(rule);
            } else if !actions.iter().any(|a| a.falls_through()) {
                ended = Some(rule);
            }
            plans.push(plan);
        }
        plans
    }

    /// A rule that would do: by a unique field that a variable is named like, or any such field.
    fn rule_help(&self) -> String {
        let fields = self.object.map(|(_, schema)| schema.fields.as_slice()).unwrap_or_default();
        let has = |name: &str| self.variables.iter().any(|v| v.name == name && !v.ty.array);
        let mut fit = fields.iter().filter(|f| has(&f.name) && !f.ty.is_multiple());
        let found = fit.clone().find(|f| f.unique).or_else(|| fit.find(|f| f.name == "name"));
        match found {
            Some(field) => format!("add a rule such as `match {0} with {0}`", field.name),
            None => "add a rule, `match FIELD with VARIABLE`, on a field that tells records apart".to_owned(),
        }
    }

    fn check_last(&mut self, rule: &MatchRule) {
        for outcome in &rule.outcomes {
            if MatchAction::from_name(&outcome.action.text).is_some_and(MatchAction::falls_through) {
                let message = "the last rule cannot pass rows on: there is no next one";
                let ending = Outcome::from_name(&outcome.outcome.text)
                    .map(|o| {
                        o.actions().iter().filter(|a| !a.falls_through()).map(|a| format!("`{}`", a.name()))
                    })
                    .map(|names| names.collect::<Vec<_>>().join(", "));
                let fault = self
                    .fault(Code::LastRuleFallsThrough, outcome.action.range, message)
                    .here("passes the row on")
                    .maybe_help(ending.map(|e| format!("choose one of {e}, or add a rule below")));
                self.faults.push(fault);
            }
        }
    }

    fn check_rule(&mut self, rule: &MatchRule) -> RulePlan {
        let given = self.given(&rule.variable);
        self.check_match_field(rule, given.as_ref());
        let mut plan = RulePlan {
            field: rule.field.text.clone(),
            variable: rule.variable.text.clone(),
            none: MatchAction::CreateNew,
            one: MatchAction::UpdateCurrent,
            many: MatchAction::DoNotUpload,
            archived: MatchAction::CreateNew,
        };
        for outcome in Outcome::ALL {
            if let Some(first) = outcome.actions().first() {
                *slot(&mut plan, outcome) = *first;
            }
        }
        let mut seen: Vec<(Outcome, &Name)> = Vec::new();
        for written in &rule.outcomes {
            let Some(outcome) = self.outcome(&written.outcome) else { continue };
            if let Some((_, first)) = seen.iter().find(|(o, _)| *o == outcome) {
                let fault = self
                    .fault(
                        Code::DuplicateName,
                        written.outcome.range,
                        format!("`{}` is there twice in one rule", outcome.name()),
                    )
                    .here("again")
                    .label(self.item.span(self.db, first.range), "here first")
                    .help("keep one of the two");
                self.faults.push(fault);
                continue;
            }
            seen.push((outcome, &written.outcome));
            if let Some(action) = self.action(outcome, &written.action) {
                *slot(&mut plan, outcome) = action;
            }
        }
        plan
    }

    fn outcome(&mut self, word: &Name) -> Option<Outcome> {
        let found = Outcome::from_name(&word.text);
        if found.is_none() && !word.text.is_empty() {
            let near = nearest(&word.text, Outcome::ALL.into_iter().map(Outcome::name));
            let fault = self
                .fault(Code::UnknownWord, word.range, format!("a rule has no outcome `{}`", word.text))
                .here("unknown outcome")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "the outcomes are `none`, `one`, `many` and `archived`".to_owned(),
                });
            self.faults.push(fault);
        }
        found
    }

    fn action(&mut self, outcome: Outcome, word: &Name) -> Option<MatchAction> {
        if word.text.is_empty() {
            return None;
        }
        let allowed: Vec<&str> = outcome.actions().iter().map(|a| a.name()).collect();
        let choices = || format!("for `{}` choose one of `{}`", outcome.name(), allowed.join("`, `"));
        let Some(action) = MatchAction::from_name(&word.text) else {
            let near = nearest(&word.text, MatchAction::ALL.into_iter().map(MatchAction::name));
            let fault = self
                .fault(Code::UnknownWord, word.range, format!("there is no action `{}`", word.text))
                .here("unknown action")
                .help(near.map_or_else(choices, |near| format!("did you mean `{near}`?")));
            self.faults.push(fault);
            return None;
        };
        if !outcome.actions().contains(&action) {
            let message =
                format!("`{}` makes no sense where a rule finds `{}`", action.name(), outcome.name());
            let fault = self
                .fault(Code::IllegalAction, word.range, message)
                .here(format!("not an action of `{}`", outcome.name()))
                .help(choices());
            self.faults.push(fault);
            return None;
        }
        Some(action)
    }

    fn check_match_field(&mut self, rule: &MatchRule, given: Option<&Given<'db>>) {
        let Some(object) = self.object else { return };
        let field = &rule.field;
        let schema = object.1.field(&field.text);
        if let Some(schema) = schema.filter(|s| s.ty.is_multiple()) {
            let message = format!("records cannot be found by `{}`, which holds several values", schema.name);
            let fault = self
                .fault(Code::CannotMatchOn, field.range, message)
                .here(format!("a field of type {}", schema.ty.name()))
                .help("match on a field that holds one value, such as a key");
            self.faults.push(fault);
            return;
        }
        if field.text != "id" && schema.is_none() {
            self.unknown_field(object, field, &["id"]);
            return;
        }
        let Some(given) = given else { return };
        let ty = given.ty();
        if ty.array {
            let message = format!("`{}` holds several values, and a rule compares one", rule.variable.text);
            let fault = self
                .fault(Code::CannotMatchOn, rule.variable.range, message)
                .here(format!("of type {ty}"))
                .help("match with a variable that holds one value");
            self.faults.push(fault);
            return;
        }
        let refusal = match schema {
            None => (ty.base != BaseType::Uuid)
                .then(|| format!("a record's id is a uuid, and `{}` is a {ty}", rule.variable.text)),
            Some(schema) => fits(ty, &schema.ty).err(),
        };
        if let Some(why) = refusal {
            let message =
                format!("`{}` cannot be compared with the field `{}`", rule.variable.text, field.text);
            let fault = self
                .fault(Code::TypeDoesNotFitField, rule.variable.range, message)
                .here(format!("of type {ty}"))
                .help(why);
            let fault = self.declared(fault, object.0, &field.text);
            self.faults.push(fault);
        }
        if let (Given::Exposed(Some(target)), None) = (given, schema)
            && *target != object.0
        {
            let fault = self.foreign_id(&rule.variable, *target, &object.1.name);
            self.faults.push(fault);
        }
    }
}

fn slot(plan: &mut RulePlan, outcome: Outcome) -> &mut MatchAction {
    match outcome {
        Outcome::None => &mut plan.none,
        Outcome::One => &mut plan.one,
        Outcome::Many => &mut plan.many,
        Outcome::Archived => &mut plan.archived,
    }
}
