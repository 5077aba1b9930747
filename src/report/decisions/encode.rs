//! From decisions to the rows of the file.

use super::hidden::Hidden;
use super::schema;
use crate::load::{FieldChange, FieldEffect, NewIds, RowDecision};
use crate::plan::{LoadPlan, MappingPlan, MappingSource};
use crate::report::ReportError;
use crate::report::words::{answer_words, deciding};
use crate::value::Value;
use crate::value::arrow::array::{ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Turns the decisions of an execution into rows.
#[derive(Clone, Debug)]
pub struct DecisionEncoder {
    execution: String,
    parts: Vec<String>,
    hidden: Hidden,
}

impl DecisionEncoder {
    /// `parts` are the words for [`crate::load::SourceRef`]'s part: `prices.csv`,
    /// `book.xlsx!Sheet1`. Where the records of a run do not last, `hide` are their ids.
    pub fn new(execution: &str, parts: &[String], hide: Option<NewIds>) -> Self {
        Self { execution: execution.to_owned(), parts: parts.to_vec(), hidden: Hidden(hide) }
    }

    /// The rows of some decisions of one step.
    ///
    /// # Errors
    /// Never for decisions of that step; the type of the columns is checked all the same.
    pub fn encode(&self, plan: &LoadPlan, decisions: &[RowDecision]) -> Result<RecordBatch, ReportError> {
        let mut columns = Columns::default();
        for decision in decisions {
            columns.add(&self.execution, plan, &self.parts, &self.hidden.without(decision));
        }
        columns.batch().map_err(|e| ReportError::new(Path::new("decisions"), e))
    }
}

/// The columns of the batch that is being filled.
#[derive(Default)]
struct Columns {
    text: [StringBuilder; 14],
    row: Int64Builder,
    line: Int64Builder,
    index: Int32Builder,
    decided_by: Int32Builder,
    candidates: Int64Builder,
    chunk: Int64Builder,
    /// Where JSON is written.
    json: Vec<u8>,
}

impl Columns {
    fn add(&mut self, execution: &str, plan: &LoadPlan, parts: &[String], d: &RowDecision) {
        let [ex, step, scope, file, part, key, action, rule, record, fields, errors, warnings, rules, at] =
            &mut self.text;
        ex.append_value(execution);
        step.append_value(&plan.name);
        scope.append_value(&plan.scope);
        self.row.append_value(d.row as i64);
        let place = d.source.and_then(|s| parts.get(s.part as usize)).map(|p| split_part(p));
        file.append_option(place.map(|p| p.0));
        part.append_option(place.and_then(|p| p.1));
        self.line.append_option(d.source.map(|s| s.line as i64));
        self.index.append_option(d.source.map(|s| s.part as i32));
        key.append_value(format!("{:016x}", d.key));
        action.append_value(d.action.name());
        let answer = deciding(d);
        self.decided_by.append_option(d.decided_by.map(|r| r as i32 + 1));
        rule.append_option(answer.map(|a| answer_words(plan, a)));
        self.candidates.append_option(answer.map(|a| a.candidates as i64));
        record.append_option(d.record.filter(|_| d.visible).map(|id| id.to_string()));
        let text = &mut self.json;
        fields.append_value(json(text, &stored_fields(plan, d)));
        errors.append_value(json(text, &d.errors));
        warnings.append_value(json(text, &d.warnings));
        rules.append_value(json(text, &d.rules));
        self.chunk.append_option(d.committed.map(|c| c.chunk as i64));
        at.append_option(d.committed.map(|c| c.at.to_string()));
    }

    fn batch(&mut self) -> Result<RecordBatch, crate::value::arrow::error::ArrowError> {
        let [ex, step, scope, file, part, key, action, rule, record, fields, errors, warnings, rules, at] =
            self.text.each_mut().map(|b| Arc::new(b.finish()) as ArrayRef);
        let columns: Vec<ArrayRef> = vec![
            ex,
            step,
            scope,
            Arc::new(self.row.finish()),
            file,
            part,
            Arc::new(self.line.finish()),
            Arc::new(self.index.finish()),
            key,
            action,
            Arc::new(self.decided_by.finish()),
            rule,
            Arc::new(self.candidates.finish()),
            record,
            fields,
            errors,
            warnings,
            rules,
            Arc::new(self.chunk.finish()),
            at,
        ];
        RecordBatch::try_new(schema(), columns)
    }
}

/// A list as JSON, in a buffer that is used again and again. Serialising these plain types cannot fail;
/// an empty list stands in all the same.
fn json<'t, T: Serialize>(text: &'t mut Vec<u8>, list: &[T]) -> &'t str {
    const NOTHING: &str = "[]";
    if list.is_empty() {
        return NOTHING;
    }
    text.clear();
    match serde_json::to_writer(&mut *text, list) {
        Ok(()) => std::str::from_utf8(text).unwrap_or(NOTHING),
        Err(_) => NOTHING,
    }
}

/// [`super::StoredField`], borrowed.
#[derive(Serialize)]
struct FieldView<'a> {
    field: &'a str,
    #[serde(skip_serializing_if = "blank")]
    before: &'a Value,
    /// None where it is as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
    effect: FieldEffect,
    /// The variables that it was mapped from, but for one of the field's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

fn stored_fields<'a>(plan: &'a LoadPlan, decision: &'a RowDecision) -> Vec<FieldView<'a>> {
    let view = |(mapping, f): (&'a MappingPlan, &'a FieldChange)| FieldView {
        field: &mapping.field.name,
        before: &f.before,
        after: Some(&f.after).filter(|after| **after != f.before),
        effect: f.effect,
        from: Some(sources(&mapping.source)).filter(|s| !matches!(s, [one] if *one == mapping.field.name)),
        text: f.text.as_deref(),
    };
    plan.mappings.iter().zip(&decision.fields).map(view).collect()
}

fn blank(value: &Value) -> bool {
    *value == Value::Null
}

/// The variables that a mapping reads.
fn sources(source: &MappingSource) -> &[String] {
    match source {
        MappingSource::Variable(name) | MappingSource::Exposed(name) => std::slice::from_ref(name),
        MappingSource::Find { with, .. } => std::slice::from_ref(with),
        MappingSource::Concat { parts, .. } => parts,
        MappingSource::Literal(_) => &[],
    }
}

/// `book.xlsx!Sheet1` is the file `book.xlsx` and its part `Sheet1`. A `!` in a file's own name is
/// told apart by the ending before it.
fn split_part(part: &str) -> (&str, Option<&str>) {
    const CONTAINERS: [&str; 7] = [".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".zip", ".xlam"];
    part.match_indices('!')
        .map(|(at, _)| (&part[..at], &part[at + 1..]))
        .find(|(file, _)| CONTAINERS.iter().any(|c| file.to_lowercase().ends_with(c)))
        .map_or((part, None), |(file, inner)| (file, Some(inner)))
}
