//! The plan in words: what is read, how each column comes about, what each step does.

use super::{InputFrom, LoadPlan, MappingPlan, MappingSource, Plan, QueryPlan, RulePlan};
use crate::value::{Source, VariableSpec};
use std::fmt::Write;

/// The plan as a text for people.
pub fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    let c = &plan.connector;
    let _ = writeln!(out, "{} ({})", c.label, c.name);
    if let Some(description) = &c.description {
        let _ = writeln!(out, "{description}");
    }
    let _ = writeln!(out, "commits {} rows at a time; times are in {}", c.chunk, c.timezone);
    inputs(plan, &mut out);
    for query in &plan.queries {
        describe_query(query, &mut out);
    }
    for load in &plan.loads {
        describe_load(load, &mut out);
    }
    let _ = writeln!(out, "\nWRITES");
    for load in &plan.loads {
        let fields: Vec<_> = load.mappings.iter().map(|m| m.field.name.as_str()).collect();
        let _ = writeln!(out, "  {}: {}", load.object, fields.join(", "));
    }
    out
}

fn inputs(plan: &Plan, out: &mut String) {
    let _ = writeln!(out, "\nREADS");
    for input in &plan.inputs {
        let from = match &input.from {
            InputFrom::Name => String::new(),
            InputFrom::Sheet(s) => format!(" from sheet {s:?}"),
            InputFrom::File(f) => format!(" from file {f:?}"),
        };
        let _ = writeln!(out, "  input.{}{from}", input.name);
        for column in input.columns.iter().flatten() {
            let optional = if column.optional { " (optional)" } else { "" };
            let _ = writeln!(out, "    {} <- {:?}{optional}", column.name, column.header);
        }
    }
    for parameter in &plan.parameters {
        let default = match &parameter.default {
            Some(v) => format!(", {:?} where not given", v.to_string()),
            None => ", must be given".into(),
        };
        let _ = writeln!(out, "  ${}: {}{default}", parameter.name, parameter.ty);
    }
    let mut records: Vec<&str> = plan
        .queries
        .iter()
        .flat_map(|q| &q.reads)
        .filter(|r| r.starts_with("records."))
        .map(String::as_str)
        .collect();
    records.sort_unstable();
    records.dedup();
    for read in records {
        let _ = writeln!(out, "  {read}");
    }
}

fn describe_query(query: &QueryPlan, out: &mut String) {
    let kind = if query.scope.is_some() { "SCOPE" } else { "VIEW" };
    let place = &query.place;
    let _ = writeln!(out, "\n{kind} {} ({}:{})", query.name, place.file, place.line);
    let _ = writeln!(
        out,
        "  reads {}",
        if query.reads.is_empty() { "nothing".into() } else { query.reads.join(", ") }
    );
    let columns: Vec<_> = query.columns.iter().map(|c| format!("{}: {}", c.name, c.ty)).collect();
    let _ = writeln!(out, "  makes {}", columns.join(", "));
    let Some(scope) = &query.scope else { return };
    if scope.errors {
        let _ = writeln!(out, "  for people: report and ZIP only");
    }
    for variable in &scope.variables {
        let _ = writeln!(out, "  {}", describe_variable(variable));
    }
}

fn describe_variable(variable: &VariableSpec) -> String {
    let mut text = format!("{}: {}", variable.name, variable.ty);
    match &variable.source {
        Source::Column(column) if *column != variable.name => {
            let _ = write!(text, " from {column}");
        }
        Source::Column(_) => {}
        Source::Literal(value) => {
            let _ = write!(text, " = {:?}", value.to_string());
        }
    }
    if variable.required {
        text.push_str(", a row without it fails");
    }
    if !variable.formats.is_empty() {
        let formats: Vec<_> = variable.formats.iter().map(ToString::to_string).collect();
        let _ = write!(text, ", written as {}", formats.join(" or "));
    }
    if let Some(output) = &variable.output {
        let _ = write!(text, ", printed as {output}");
    }
    text
}

fn describe_load(load: &LoadPlan, out: &mut String) {
    let _ = writeln!(
        out,
        "\nLOAD {}: {} into {} ({}:{})",
        load.name, load.scope, load.object, load.place.file, load.place.line
    );
    for (i, rule) in load.rules.iter().enumerate() {
        let _ = writeln!(out, "  rule {}: {}", i + 1, describe_rule(rule));
    }
    for mapping in &load.mappings {
        let _ = writeln!(out, "  {}", describe_mapping(mapping));
    }
    if let Some(name) = &load.expose {
        let _ = writeln!(out, "  exposes each row's record id as {name}");
    }
}

fn describe_rule(rule: &RulePlan) -> String {
    format!(
        "{} = {}: none {}, one {}, many {}, archived {}",
        rule.field,
        rule.variable,
        rule.none.name(),
        rule.one.name(),
        rule.many.name(),
        rule.archived.name()
    )
}

fn describe_mapping(mapping: &MappingPlan) -> String {
    let source = match &mapping.source {
        MappingSource::Variable(name) | MappingSource::Exposed(name) => name.clone(),
        MappingSource::Literal(value) => format!("{:?}", value.to_string()),
        MappingSource::Concat { parts, join } => format!("[{}] join {join:?}", parts.join(", ")),
        MappingSource::Find { object, by, with, .. } => format!("find {object} by {by} with {with}"),
    };
    let create = if mapping.create_options { ", new options are added" } else { "" };
    format!("{} <- {source} ({}{create})", mapping.field.name, mapping.resolution.name())
}
