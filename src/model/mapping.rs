//! `map { … }`: which value goes into which field.

use super::db::Workspace;
use super::items::Item;
use super::load::Step;
use super::resolve::resolve;
use super::source::check_source;
use crate::diagnostic::{Code, nearest};
use crate::plan::MappingPlan;
use crate::syntax::tree::{Load, Mapping, MappingSource, Name};
use crate::text::Range;
use crate::value::{FieldSchema, Resolution};
use salsa::Database;

/// The mappings as planned; what is wrong goes to the step.
pub fn check_mappings<'db>(step: &mut Step<'db>, load: &'db Load) -> Vec<MappingPlan> {
    let mut plans: Vec<MappingPlan> = Vec::new();
    if load.mappings.is_empty() {
        if !load.name.text.is_empty() {
            let range = load.map_range.unwrap_or(load.name.range);
            let fault = step
                .fault(Code::NoMapping, range, format!("the load step `{}` maps nothing", load.name.text))
                .here("no mappings")
                .help("add `map { name <- … }`");
            step.faults.push(fault);
        }
        return plans;
    }
    let mut seen: Vec<&Name> = Vec::new();
    for mapping in &load.mappings {
        if let Some(first) = seen.iter().find(|n| n.text == mapping.field.text) {
            let message = format!("the field `{}` is mapped twice", mapping.field.text);
            let fault = step
                .fault(Code::MappedTwice, mapping.field.range, message)
                .here("again")
                .label(step.item.span(step.db, first.range), "here first")
                .help("keep one; several variables go together as `[a, b] join \" \"`");
            step.faults.push(fault);
            continue;
        }
        seen.push(&mapping.field);
        plans.extend(check_mapping(step, mapping));
    }
    missing_fields(step, load);
    plans
}

/// Fields that must be mapped and are not.
fn missing_fields(step: &mut Step<'_>, load: &Load) {
    let Some((object, schema)) = step.object else { return };
    let range = load.map_range.unwrap_or(load.name.range);
    // `map_range` covers the whole block; its first word is place enough.
    let range = Range { start: range.start, end: range.end.min(range.start + 3) };
    let mapped = |name: &str| load.mappings.iter().any(|m| m.field.text == name);
    let variables: Vec<&str> = step.variables.iter().map(|v| v.name.as_str()).collect();
    let help = |field: &str| match variables.iter().find(|v| **v == field) {
        Some(same) => format!("add `{field} <- {same}`"),
        None => format!("add `{field} <- …`"),
    };
    if !mapped("name") {
        let fault = step
            .fault(
                Code::NameNotMapped,
                range,
                format!("records of `{}` need a `name`, and none is mapped", schema.name),
            )
            .here("`name` is not mapped")
            .help(help("name"));
        let fault = step.declared(fault, object, "name");
        step.faults.push(fault);
    }
    for field in schema.fields.iter().filter(|f| f.required && f.name != "name" && !mapped(&f.name)) {
        let message = format!("`{}` is required in `{}`, and it is not mapped", field.name, schema.name);
        let fault = step
            .fault(Code::RequiredNotMapped, range, message)
            .here(format!("`{}` is not mapped", field.name))
            .help(help(&field.name));
        let fault = step.declared(fault, object, &field.name);
        step.faults.push(fault);
    }
}

fn check_mapping<'db>(step: &mut Step<'db>, mapping: &'db Mapping) -> Option<MappingPlan> {
    let object = step.object;
    let field = match object {
        Some(object) => {
            let found = object.1.field(&mapping.field.text);
            if mapping.field.text == "id" {
                let fault = step
                    .fault(
                        Code::UnknownField,
                        mapping.field.range,
                        "a record's `id` is given to it, not mapped",
                    )
                    .here("cannot be written")
                    .help("to find a record by its id, write `match id with …`");
                step.faults.push(fault);
            } else if found.is_none() {
                step.unknown_field(object, &mapping.field, &[]);
            }
            found
        }
        None => None,
    };
    let resolution = resolution(step, mapping, field);
    if let (Some(range), Some(field)) = (mapping.create_options, field)
        && !field.ty.has_options()
    {
        let message = format!("`{}` is of type {} and has no options to create", field.name, field.ty.name());
        let fault = step
            .fault(Code::OptionsNotAllowed, range, message)
            .here("no options here")
            .help("leave `create_options` out");
        let fault = match object {
            Some(object) => step.declared(fault, object.0, &field.name),
            None => fault,
        };
        step.faults.push(fault);
    }
    let source = check_source(step, mapping, field);
    Some(MappingPlan {
        field: field?.clone(),
        source: source?,
        resolution,
        create_options: mapping.create_options.is_some(),
    })
}

fn resolution(step: &mut Step<'_>, mapping: &Mapping, field: Option<&FieldSchema>) -> Resolution {
    let Some(word) = mapping.resolution.as_ref().filter(|w| !w.text.is_empty()) else {
        return field.and_then(|f| f.ty.resolutions().first()).copied().unwrap_or_default();
    };
    let Some(found) = Resolution::from_name(&word.text) else {
        let names = Resolution::ALL.map(Resolution::name);
        let near = nearest(&word.text, names.into_iter().chain(["create_options"]));
        let fault = step
            .fault(Code::UnknownWord, word.range, format!("there is no conflict resolution `{}`", word.text))
            .here("unknown word")
            .help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the conflict resolutions are {}", names.join(", ")),
            });
        step.faults.push(fault);
        return Resolution::default();
    };
    if let Some(field) = field.filter(|f| !f.ty.resolutions().contains(&found)) {
        let legal: Vec<_> = field.ty.resolutions().iter().map(|r| format!("`{}`", r.name())).collect();
        let message =
            format!("a field of type {} cannot be written with `{}`", field.ty.name(), found.name());
        let fault = step
            .fault(Code::IllegalResolution, word.range, message)
            .here(format!("`{}` is of type {}", field.name, field.ty.name()))
            .help(format!("choose one of {}", legal.join(", ")));
        let fault = match step.object {
            Some(object) => step.declared(fault, object.0, &field.name),
            None => fault,
        };
        step.faults.push(fault);
    }
    found
}

/// The objects that a load step writes and finds.
pub fn mapped_objects<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> Vec<Item<'db>> {
    let Some(load) = item.load(db) else { return Vec::new() };
    let found = load.mappings.iter().filter_map(|m| match &m.source {
        MappingSource::Find { object, .. } => Some(object),
        _ => None,
    });
    load.into
        .iter()
        .chain(found)
        .filter_map(|path| {
            resolve(db, workspace, item.file(db), "object", path, item.span(db, path.range)).ok()
        })
        .collect()
}
