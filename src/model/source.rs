//! The right side of `<-`: whether what it gives fits the field.

use super::connector::timezone;
use super::load::{Given, Step};
use super::object::object_schema;
use super::resolve::resolve;
use super::types;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::MappingSource as PlannedSource;
use crate::syntax::tree::{Literal, Mapping, MappingSource, Name, Path};
use crate::text::Range;
use crate::value::{BaseType, DataType, FieldSchema, FieldType, ObjectSchema, Value, fits, literal_value};

/// Where a field's value comes from, as planned; what is wrong goes to the step.
pub fn check_source<'db>(
    step: &mut Step<'db>,
    mapping: &'db Mapping,
    field: Option<&FieldSchema>,
) -> Option<PlannedSource> {
    match &mapping.source {
        MappingSource::Variable(name) => variable(step, field, name),
        MappingSource::Literal(literal) => constant(step, mapping, field, literal),
        MappingSource::Concat { parts, join, range } => {
            concat(step, field, parts, join.as_ref().map(|j| j.value.as_str()).unwrap_or_default(), *range)
        }
        MappingSource::Find { object, by, with, range } => find(step, field, object, by, with, *range),
    }
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
    let zone = timezone(step.db, step.item.file(step.db));
    let value = match literal_value(literal_type(&field.ty), types::literal(literal), None, &[], zone) {
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
