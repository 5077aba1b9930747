//! The plan in words: what is read, how each column comes about, what each step does.

use super::{
    Address, Automations, ConnectorPlan, InputFrom, InputPlan, LoadPlan, MappingPlan, MappingSource, Missed,
    NotifyWhen, Outcome, Plan, QueryPlan, ReaderOptions, RulePlan, ScopePlan, Trigger, Verify,
};
use crate::value::{Source, Split, VariableSpec};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The plan as a text for people.
pub fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    connector(plan, &mut out);
    reads(plan, &mut out);
    for query in &plan.queries {
        describe_query(query, &mut out);
    }
    functions(plan, &mut out);
    for load in &plan.loads {
        describe_load(load, &mut out);
    }
    writes(plan, &mut out);
    out
}

fn connector(plan: &Plan, out: &mut String) {
    let c = &plan.connector;
    let _ = writeln!(out, "{} ({})", c.label, c.name);
    if let Some(description) = &c.description {
        let _ = writeln!(out, "{description}");
    }
    let _ = write!(out, "commits {} rows at a time; times are in {}", c.chunk, c.timezone);
    if let Some(bytes) = c.memory {
        let _ = write!(out, "; SQL takes {} MiB of memory", bytes >> 20);
    }
    if let Some(seconds) = c.time_limit {
        let _ = write!(out, "; a query takes {seconds} seconds at most");
    }
    out.push('\n');
    started_by(c, out);
}

/// What starts it, and who hears of its runs.
fn started_by(c: &ConnectorPlan, out: &mut String) {
    match &c.trigger {
        Trigger::Spreadsheet => {}
        Trigger::Webhook(hook) => {
            let seconds = hook.batch.unwrap_or(1);
            let _ = write!(out, "starts by webhook: what comes in within {seconds} seconds is one execution");
            if let Some(count) = hook.count {
                let _ = write!(out, ", or {count} requests if they come first");
            }
            let from = match (hook.verify, hook.secret.as_deref()) {
                (Verify::Nothing, _) => "from anybody".to_owned(),
                (_, None) => "refused, as it has no secret".to_owned(),
                (Verify::Standard, Some(name)) => format!("signed with the secret {name}"),
                (Verify::Token, Some(name)) => format!("with the secret {name} as their token"),
            };
            let _ = writeln!(out, "; requests are {from}");
        }
        Trigger::Schedule(s) => {
            let zone = s.timezone.as_deref().unwrap_or(&c.timezone);
            let missed = match s.missed {
                Missed::RunOnce => "missed times run once",
                Missed::RunAll => "missed times run, each",
                Missed::Skip => "missed times are left out",
            };
            let _ = writeln!(out, "starts by schedule: \"{}\" in {zone}; {missed}", s.cron);
        }
    }
    if !c.notify.to.is_empty() {
        let when = match c.notify.when {
            NotifyWhen::Always => "after every live run",
            NotifyWhen::Errors => "after live runs with errors",
            NotifyWhen::Failure => "after live runs that fail",
        };
        let _ = writeln!(out, "mails {} {when}", c.notify.to.join(", "));
    }
    match &c.on_end {
        Some(Address::Url(url)) => {
            let _ = writeln!(out, "tells {url} that a live run has ended");
        }
        Some(Address::Secret(name)) => {
            let _ = writeln!(out, "tells the address in secret {name} that a live run has ended");
        }
        None => {}
    }
}

/// Lines of cells, each column as wide as its widest cell.
fn table(indent: usize, rows: &[Vec<String>], out: &mut String) {
    let wide = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    for row in rows {
        let mut line = " ".repeat(indent);
        for (i, cell) in row.iter().enumerate() {
            let gap = wide(i).saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.push_str(&" ".repeat(gap));
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn reads(plan: &Plan, out: &mut String) {
    let _ = writeln!(out, "\nREADS");
    for input in &plan.inputs {
        describe_input(input, out);
    }
    let records: Vec<_> = records(plan)
        .into_iter()
        .map(|((object, why), fields)| vec![format!("records.{object}"), why.to_owned(), fields.join(", ")])
        .collect();
    table(2, &records, out);
    let parameters: Vec<_> = plan
        .parameters
        .iter()
        .map(|p| {
            let default = p.default.as_ref();
            let default = default
                .map_or("must be given".to_owned(), |v| format!("{:?} where not given", v.to_string()));
            vec![format!("${}", p.name), p.ty.to_string(), default]
        })
        .collect();
    table(2, &parameters, out);
}

fn describe_input(input: &InputPlan, out: &mut String) {
    let from = match &input.from {
        InputFrom::Name => String::new(),
        InputFrom::Sheet(s) => format!(" from sheet {s:?}"),
        InputFrom::File(f) => format!(" from file {f:?}"),
    };
    let _ = writeln!(out, "  input.{}{from}", input.name);
    let columns: Vec<_> = input
        .columns
        .iter()
        .flatten()
        .map(|c| {
            let optional = if c.optional { "optional" } else { "" };
            vec![c.name.clone(), format!("<- {:?}", c.header), optional.to_owned()]
        })
        .collect();
    if columns.is_empty() {
        let _ = writeln!(out, "    every column of the file");
    }
    table(4, &columns, out);
    let ReaderOptions { delimiter, encoding, header, missing } = &input.options;
    let missing: Vec<_> = missing.iter().map(|m| format!("{m:?}")).collect();
    let options = [
        delimiter.map(|d| format!("cells are parted by {:?}", d.to_string())),
        encoding.as_ref().map(|e| format!("the encoding is {e}")),
        header.map(|h| format!("the headers are in line {h}")),
        (!missing.is_empty()).then(|| format!("{} mean no value", missing.join(", "))),
    ];
    for option in options.into_iter().flatten() {
        let _ = writeln!(out, "    {option}");
    }
}

/// The fields of the target's records that are read, by object and by what for.
fn records(plan: &Plan) -> BTreeMap<(&str, &'static str), Vec<&str>> {
    let mut found: BTreeMap<(&str, &'static str), Vec<&str>> = BTreeMap::new();
    let mut add = |object, why, field| {
        let fields = found.entry((object, why)).or_default();
        if !fields.contains(&field) {
            fields.push(field);
        }
    };
    for table in plan.queries.iter().flat_map(|q| &q.reads.tables) {
        if let Some(object) = table.name.strip_prefix("records.") {
            table.columns.iter().for_each(|field| add(object, "in SQL", field));
        }
    }
    for load in &plan.loads {
        load.rules.iter().for_each(|rule| add(&load.object, "to match", &rule.field));
        for mapping in &load.mappings {
            if let MappingSource::Find { object, by, .. } = &mapping.source {
                add(object, "to find", by);
            }
        }
    }
    found
}

fn describe_query(query: &QueryPlan, out: &mut String) {
    let kind = if query.scope.is_some() { "SCOPE" } else { "VIEW" };
    let place = &query.place;
    let _ = writeln!(out, "\n{kind} {} ({}:{})", query.name, place.file, place.line);
    if query.scope.as_ref().is_some_and(|s| s.errors) {
        let _ = writeln!(out, "  for people: report and ZIP only");
    }
    let tables = query.reads.tables.iter().map(|t| {
        if t.columns.is_empty() { t.name.clone() } else { format!("{}({})", t.name, t.columns.join(", ")) }
    });
    let parameters = query.reads.parameters.iter().map(|p| format!("${p}"));
    let all: Vec<String> = tables.chain(parameters).collect();
    let _ = writeln!(out, "  reads {}", if all.is_empty() { "nothing".to_owned() } else { all.join(", ") });
    if !query.reads.functions.is_empty() {
        let _ = writeln!(out, "  calls {}", query.reads.functions.join(", "));
    }
    let _ = writeln!(out, "  columns");
    let columns: Vec<_> =
        query.columns.iter().map(|c| vec![c.name.clone(), c.ty.clone(), c.from.clone()]).collect();
    table(4, &columns, out);
    if let Some(ScopePlan { variables, .. }) = query.scope.as_ref().filter(|s| !s.variables.is_empty()) {
        let _ = writeln!(out, "  variables");
        let rows: Vec<_> = variables.iter().map(describe_variable).collect();
        table(4, &rows, out);
    }
}

fn describe_variable(variable: &VariableSpec) -> Vec<String> {
    let source = match &variable.source {
        Source::Column(column) => format!("from {column}"),
        Source::Literal(value) => format!("= {:?}", value.to_string()),
    };
    let formats: Vec<_> = variable.formats.iter().map(ToString::to_string).collect();
    let split = variable.split.map(|split| match split {
        Split::At(c) => format!("split at {:?}", c.to_string()),
        Split::Braces => "split as {a}{b}".to_owned(),
        Split::Brackets => "split as [a][b]".to_owned(),
    });
    let rest = [
        variable.required.then(|| "a row without it fails".to_owned()),
        split,
        (!formats.is_empty()).then(|| format!("written as {}", formats.join(" or "))),
        variable.output.as_ref().map(|f| format!("printed as {f}")),
    ];
    let rest: Vec<_> = rest.into_iter().flatten().collect();
    vec![variable.name.clone(), variable.ty.to_string(), source, rest.join("; ")]
}

fn functions(plan: &Plan, out: &mut String) {
    if plan.functions.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nFUNCTIONS");
    for function in &plan.functions {
        let body = function.body.as_deref().map(|b| b.split_whitespace().collect::<Vec<_>>().join(" "));
        let body = body.unwrap_or_else(|| "(built in)".to_owned());
        let _ = writeln!(out, "  {}({}) = {body}", function.name, function.parameters.join(", "));
    }
}

fn describe_load(load: &LoadPlan, out: &mut String) {
    let _ = writeln!(
        out,
        "\nLOAD {}: each row of {} into {} ({}:{})",
        load.name, load.scope, load.object, load.place.file, load.place.line
    );
    for (i, rule) in load.rules.iter().enumerate() {
        describe_rule(i + 1, rule, out);
    }
    let _ = writeln!(out, "  fields");
    let mappings: Vec<_> = load.mappings.iter().map(describe_mapping).collect();
    table(4, &mappings, out);
    if let Some(name) = &load.expose {
        let _ = writeln!(out, "  exposes each row's record id as {name}");
    }
    let _ = writeln!(out, "  {}", automations(load.automations));
}

fn automations(automations: Automations) -> &'static str {
    match automations {
        Automations::All => "automations run for every record written",
        Automations::None => "no automations run",
        Automations::New => "automations run for new records",
        Automations::Matched => "automations run for records that were matched",
    }
}

fn describe_rule(number: usize, rule: &RulePlan, out: &mut String) {
    let _ = writeln!(out, "  rule {number}: records whose {} is the row's {}", rule.field, rule.variable);
    let actions = [
        (Outcome::None, rule.none),
        (Outcome::One, rule.one),
        (Outcome::Many, rule.many),
        (Outcome::Archived, rule.archived),
    ];
    let rows: Vec<_> =
        actions.iter().map(|(o, action)| vec![o.name().to_owned(), action.name().to_owned()]).collect();
    table(4, &rows, out);
}

fn describe_mapping(mapping: &MappingPlan) -> Vec<String> {
    let source = match &mapping.source {
        MappingSource::Variable(name) | MappingSource::Exposed(name) => name.clone(),
        MappingSource::Literal(value) => format!("{:?}", value.to_string()),
        MappingSource::Concat { parts, join } => format!("[{}] join {join:?}", parts.join(", ")),
        MappingSource::Find { object, by, with, .. } => format!("find {object} by {by} with {with}"),
    };
    let create = if mapping.create_options { ", new options are added" } else { "" };
    vec![
        mapping.field.name.clone(),
        format!("<- {source}"),
        mapping.field.ty.name().to_owned(),
        format!("{}{create}", mapping.resolution.name()),
    ]
}

fn writes(plan: &Plan, out: &mut String) {
    let mut fields: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for load in &plan.loads {
        let known = fields.entry(&load.object).or_default();
        for mapping in &load.mappings {
            if !known.contains(&mapping.field.name.as_str()) {
                known.push(&mapping.field.name);
            }
        }
    }
    let _ = writeln!(out, "\nWRITES");
    let rows: Vec<_> =
        fields.iter().map(|(object, fields)| vec![(*object).to_owned(), fields.join(", ")]).collect();
    if rows.is_empty() {
        let _ = writeln!(out, "  nothing: there are no load steps");
    }
    table(2, &rows, out);
}
