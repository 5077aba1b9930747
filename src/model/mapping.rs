//! `map { … }`: which value goes into which field.

use super::db::Workspace;
use super::items::Item;
use super::load::{Given, Step};
use super::object::object_schema;
use super::resolve::resolve;
use super::types;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{MappingPlan, MappingSource as PlannedSource};
use crate::syntax::tree::{Literal, Load, Mapping, MappingSource, Name, Path};
use crate::text::Range;
use crate::value::{
    BaseType, DataType, FieldSchema, FieldType, ObjectSchema, Resolution, Value, fits, literal_value,
};
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
    let source = match &mapping.source {
        MappingSource::Variable(name) => variable(step, field, name),
        MappingSource::Literal(literal) => constant(step, mapping, field, literal),
        MappingSource::Concat { parts, join, range } => {
            concat(step, field, parts, join.as_ref().map(|j| j.value.as_str()).unwrap_or_default(), *range)
        }
        MappingSource::Find { object, by, with, range } => find(step, field, object, by, with, *range),
    };
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

/// Refuses what does not fit the field.
fn must_fit(step: &mut Step<'_>, field: Option<&FieldSchema>, ty: DataType, what: &str, range: Range) {
    let Some(field) = field else { return };
    let Err(why) = fits(ty, &field.ty) else { return };
    let message = format!("{what} does not fit the field `{}`", field.name);
    let fault = step.fault(Code::TypeDoesNotFitField, range, message).here(format!("of type {ty}")).help(why);
    let fault = match step.object {
        Some(object) => step.declared(fault, object.0, &field.name),
        None => fault,
    };
    step.faults.push(fault);
}

fn variable(step: &mut Step<'_>, field: Option<&FieldSchema>, name: &Name) -> Option<PlannedSource> {
    let given = step.given(name)?;
    match &given {
        Given::Exposed(target) => {
            if let (Some(target), Some(FieldType::Relationship { object })) = (target, field.map(|f| &f.ty)) {
                if target.name(step.db) != object {
                    let fault = step.foreign_id(name, *target, object);
                    step.faults.push(fault);
                }
            } else {
                must_fit(step, field, given.ty(), &format!("the id `{}`", name.text), name.range);
            }
            Some(PlannedSource::Exposed(name.text.clone()))
        }
        Given::Variable(variable) => {
            must_fit(step, field, variable.ty, &format!("the variable `{}`", name.text), name.range);
            Some(PlannedSource::Variable(name.text.clone()))
        }
    }
}

fn concat(
    step: &mut Step<'_>,
    field: Option<&FieldSchema>,
    parts: &[Name],
    join: &str,
    range: Range,
) -> Option<PlannedSource> {
    for part in parts {
        match step.given(part) {
            Some(Given::Variable(v)) if v.ty.array => {
                let message = format!("`{}` holds several values and cannot be joined to others", part.text);
                let fault = step
                    .fault(Code::TypeDoesNotFitField, part.range, message)
                    .here(format!("of type {}", v.ty))
                    .help("join variables that hold one value each");
                step.faults.push(fault);
            }
            Some(Given::Exposed(_)) => {
                let message = format!("`{}` is a record's id and cannot be joined to others", part.text);
                let fault = step
                    .fault(Code::TypeDoesNotFitField, part.range, message)
                    .here("an exposed id")
                    .help("leave it out of the list");
                step.faults.push(fault);
            }
            _ => {}
        }
    }
    must_fit(step, field, DataType::one(BaseType::String), "joined text", range);
    Some(PlannedSource::Concat {
        parts: parts.iter().map(|p| p.text.clone()).collect(),
        join: join.to_owned(),
    })
}

fn find<'db>(
    step: &mut Step<'db>,
    field: Option<&FieldSchema>,
    object: &Path,
    by: &Name,
    with: &Name,
    range: Range,
) -> Option<PlannedSource> {
    let span = step.item.span(step.db, object.range);
    let given = step.given(with);
    let found = match resolve(step.db, step.workspace, step.item.file(step.db), "object", object, span) {
        Ok(found) => found,
        Err(fault) => {
            step.faults.extend(fault);
            return None;
        }
    };
    let schema: &ObjectSchema = object_schema(step.db, step.workspace, found);
    if let Some(field) = field {
        let fault = match &field.ty {
            FieldType::Relationship { object: wanted } if *wanted == schema.name => None,
            FieldType::Relationship { object: wanted } => Some((
                format!("`{}` points to records of `{wanted}`, not of `{}`", field.name, schema.name),
                object.range,
                format!("write `find {wanted} by …`"),
            )),
            other => Some((
                format!("`{}` is of type {} and cannot point to a record", field.name, other.name()),
                range,
                "`find` is for relationship fields; map the variable itself".to_owned(),
            )),
        };
        if let Some((message, range, help)) = fault {
            let fault = step
                .fault(Code::WrongRelationship, range, message)
                .here(format!("finds a record of `{}`", schema.name))
                .help(help);
            let fault = match step.object {
                Some(object) => step.declared(fault, object.0, &field.name),
                None => fault,
            };
            step.faults.push(fault);
        }
    }
    let by_type = if by.text == "id" {
        // An id compares like a relationship to its own object.
        FieldType::Relationship { object: schema.name.clone() }
    } else if let Some(field) = schema.field(&by.text) {
        field.ty.clone()
    } else {
        step.unknown_field((found, schema), by, &["id"]);
        return None;
    };
    if by_type.is_multiple() {
        let message = format!("records cannot be found by `{}`, which holds several values", by.text);
        let fault = step
            .fault(Code::CannotMatchOn, by.range, message)
            .here(format!("a field of type {}", by_type.name()))
            .help("find by a field that holds one value, such as a key");
        let fault = step.declared(fault, found, &by.text);
        step.faults.push(fault);
    } else if let Some(Given::Exposed(_)) = given {
        let message = format!("`{}` is a record's id already", with.text);
        let fault = step
            .fault(Code::TypeDoesNotFitField, with.range, message)
            .here("nothing to find")
            .help(format!("write `… <- {}`", with.text));
        step.faults.push(fault);
    } else if let Some(given) = given
        && let Err(why) = fits(given.ty(), &by_type)
    {
        let message = format!("`{}` cannot be compared with the field `{}`", with.text, by.text);
        let fault = step
            .fault(Code::TypeDoesNotFitField, with.range, message)
            .here(format!("of type {}", given.ty()))
            .help(why);
        let fault = step.declared(fault, found, &by.text);
        step.faults.push(fault);
    }
    Some(PlannedSource::Find {
        object: schema.name.clone(),
        by: by.text.clone(),
        by_type,
        with: with.text.clone(),
    })
}

/// The variable type whose literals a field takes.
fn literal_type(ty: &FieldType) -> DataType {
    let base = match ty {
        FieldType::Email => BaseType::Email,
        FieldType::Phonenumber => BaseType::PhoneNumber,
        FieldType::Integer | FieldType::Decimal | FieldType::Money { .. } | FieldType::Rating => {
            BaseType::Number
        }
        FieldType::Date => BaseType::Date,
        FieldType::Datetime => BaseType::Datetime,
        FieldType::Checkbox => BaseType::Boolean,
        FieldType::Relationship { .. } => BaseType::Uuid,
        _ => BaseType::String,
    };
    DataType::one(base)
}

fn constant(
    step: &mut Step<'_>,
    mapping: &Mapping,
    field: Option<&FieldSchema>,
    literal: &Literal,
) -> Option<PlannedSource> {
    let field = field?;
    let value = match literal_value(literal_type(&field.ty), types::literal(literal), &[]) {
        Ok(value) => value,
        Err(why) => {
            push_literal(step, field, literal, why, types::literal_help(literal_type(&field.ty).base));
            return None;
        }
    };
    if let Some(why) = refusal(&field.ty, &value) {
        push_literal(step, field, literal, why, "write a number that the field can hold as it is");
        return None;
    }
    if let Value::Text(label) = &value {
        unknown_option(step, mapping, field, literal, label);
    }
    Some(PlannedSource::Literal(if field.ty.is_multiple() { Value::List(vec![value]) } else { value }))
}

fn push_literal(step: &mut Step<'_>, field: &FieldSchema, literal: &Literal, why: String, help: &str) {
    let fault = step
        .fault(Code::LiteralDoesNotFit, literal.range, why)
        .here(format!("the field `{}` is of type {}", field.name, field.ty.name()))
        .help(help);
    let fault: Diagnostic = match step.object {
        Some(object) => step.declared(fault, object.0, &field.name),
        None => fault,
    };
    step.faults.push(fault);
}

/// What a number's field asks beyond being a number.
fn refusal(ty: &FieldType, value: &Value) -> Option<String> {
    let Value::Number(number) = value else { return None };
    let decimals = number.normalize().scale();
    match ty {
        FieldType::Integer if decimals > 0 => Some(format!("{number} is not a whole number")),
        FieldType::Rating if decimals > 0 || *number < 1.into() || *number > 5.into() => {
            Some(format!("{number} is not a rating from 1 to 5"))
        }
        FieldType::Money { currency } => {
            let most = crate::value::currency_decimals(currency)?;
            (decimals > most).then(|| format!("{number} has more than the {most} decimals of {currency}"))
        }
        _ => None,
    }
}

fn unknown_option(
    step: &mut Step<'_>,
    mapping: &Mapping,
    field: &FieldSchema,
    literal: &Literal,
    label: &str,
) {
    let fixed = ["yes", "no", "maybe"];
    let options: Vec<&str> = match &field.ty {
        FieldType::Yesnomaybe => fixed.to_vec(),
        FieldType::Dynamictags => return,
        ty if ty.has_options() => field.options.iter().map(String::as_str).collect(),
        _ => return,
    };
    // Exactly, as the run compares them.
    let known = options.contains(&label);
    if known || options.is_empty() || mapping.create_options.is_some() {
        return;
    }
    let help = match nearest(label, options.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("its options are \"{}\"", options.join("\", \"")),
    };
    let fault = step
        .fault(Code::UnknownOptionLabel, literal.range, format!("`{}` has no option \"{label}\"", field.name))
        .here("not an option")
        .help(help);
    let fault = match step.object {
        Some((object, _)) => step.declared(fault, object, &field.name),
        None => fault,
    };
    step.faults.push(fault);
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
