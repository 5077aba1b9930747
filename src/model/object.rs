//! `object` items: their schemas, and what is wrong with them.

use super::db::Workspace;
use super::items::Item;
use super::names::repeated;
use super::resolve::resolve;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::syntax::tree::Field;
use crate::value::{FieldSchema, FieldType, ObjectSchema, currency_decimals};
use salsa::Database;

/// Words after a field's type.
const FLAGS: [&str; 2] = ["required", "unique"];

/// An object's schema without spans; the same as long as the object means the same. A field that
/// cannot be read is left out.
#[salsa::tracked]
pub fn object_schema<'db>(db: &'db dyn Database, workspace: Workspace, item: Item<'db>) -> ObjectSchema {
    check_object(db, workspace, item).0.clone()
}

/// The schema and what is wrong with it.
#[salsa::tracked]
pub fn check_object<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
) -> (ObjectSchema, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let Some(object) = item.object(db) else {
        return (ObjectSchema { name: String::new(), label: String::new(), fields: Vec::new() }, faults);
    };
    faults.extend(repeated(db, item, "field", object.fields.iter().map(|f| &f.name)));
    let mut fields: Vec<FieldSchema> = Vec::new();
    for field in object.fields.iter().filter(|f| !f.name.text.is_empty()) {
        let schema = check_field(db, workspace, item, field, &mut faults);
        fields.extend(schema.filter(|s| fields.iter().all(|f| f.name != s.name)));
    }
    if !object.name.text.is_empty() && object.fields.iter().all(|f| f.name.text != "name") {
        faults.push(
            Diagnostic::new(
                Code::ObjectWithoutName,
                item.span(db, object.name.range),
                format!("the object `{}` has no field `name`", object.name.text),
            )
            .here("every record has a name")
            .help("add `name: text required`"),
        );
    }
    let label = object.label.as_ref().map_or_else(|| object.name.text.clone(), |l| l.value.clone());
    (ObjectSchema { name: object.name.text.clone(), label, fields }, faults)
}

fn check_field<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
    field: &Field,
    faults: &mut Vec<Diagnostic>,
) -> Option<FieldSchema> {
    let name = &field.name.text;
    if name == "id" || name.starts_with('_') {
        faults.push(
            Diagnostic::new(
                Code::ReservedName,
                item.span(db, field.name.range),
                format!("a field cannot be called `{name}`"),
            )
            .here(if name == "id" {
                "every record has its own `id`"
            } else {
                "names with `_` first are the store's"
            })
            .help("choose another name"),
        );
    }
    for flag in field.flags.iter().filter(|f| !FLAGS.contains(&f.text.as_str())) {
        faults.push(
            Diagnostic::new(
                Code::UnknownFlag,
                item.span(db, flag.range),
                format!("a field cannot be `{}`", flag.text),
            )
            .here("unknown word")
            .help(match nearest(&flag.text, FLAGS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "a field may be `required`, `unique` or both".to_owned(),
            }),
        );
    }
    let ty = field_type(db, workspace, item, field, faults);
    check_options(db, item, field, ty.as_ref(), faults);
    let flag = |word: &str| field.flags.iter().any(|f| f.text == word);
    let mut options: Vec<String> = Vec::new();
    for option in &field.options {
        if !options.contains(&option.value) {
            options.push(option.value.clone());
        }
    }
    Some(FieldSchema {
        name: name.clone(),
        ty: ty?,
        required: flag("required"),
        unique: flag("unique"),
        options,
    })
}

/// What other languages call our field types.
fn foreign_type(name: &str) -> Option<&'static str> {
    match name.to_lowercase().as_str() {
        "string" | "str" | "varchar" | "char" => Some("text"),
        "number" | "numeric" | "float" | "double" => Some("decimal"),
        "int" | "bigint" => Some("integer"),
        "boolean" | "bool" => Some("checkbox"),
        "timestamp" => Some("datetime"),
        "phone" | "phone_number" => Some("phonenumber"),
        "enum" | "select" | "picklist" => Some("dropdown"),
        "multiselect" => Some("checkboxes"),
        "reference" | "lookup" | "relation" => Some("relationship"),
        _ => None,
    }
}

fn field_type<'db>(
    db: &'db dyn Database,
    workspace: Workspace,
    item: Item<'db>,
    field: &Field,
    faults: &mut Vec<Diagnostic>,
) -> Option<FieldType> {
    let word = field.ty.text.as_str();
    let argument = field.argument.as_ref();
    let missing = |what: &str, help: &str| {
        Diagnostic::new(
            Code::MissingFieldArgument,
            item.span(db, field.ty.range),
            format!("the field `{}` lacks {what}", field.name.text),
        )
        .here(format!("{what} belongs after it"))
        .help(help)
    };
    let ty = match word {
        "" => return None,
        "text" => FieldType::Text,
        "longtext" => FieldType::Longtext,
        "email" => FieldType::Email,
        "phonenumber" => FieldType::Phonenumber,
        "integer" => FieldType::Integer,
        "decimal" => FieldType::Decimal,
        "date" => FieldType::Date,
        "datetime" => FieldType::Datetime,
        "checkbox" => FieldType::Checkbox,
        "dropdown" => FieldType::Dropdown,
        "radio" => FieldType::Radio,
        "status" => FieldType::Status,
        "checkboxes" => FieldType::Checkboxes,
        "dynamictags" => FieldType::Dynamictags,
        "rating" => FieldType::Rating,
        "yesnomaybe" => FieldType::Yesnomaybe,
        "timezone" => FieldType::Timezone,
        "money" => {
            let Some(argument) = argument else {
                faults.push(missing("its currency", "write `money USD`, with the currency's ISO 4217 code"));
                return None;
            };
            let currency = argument.text();
            if currency_decimals(&currency).is_none() {
                faults.push(
                    Diagnostic::new(
                        Code::MissingFieldArgument,
                        item.span(db, argument.range),
                        format!("there is no currency `{currency}`"),
                    )
                    .here("not an ISO 4217 code")
                    .help("use the three letters, such as USD, EUR or JPY"),
                );
                return None;
            }
            return Some(FieldType::Money { currency });
        }
        "relationship" => {
            let Some(argument) = argument else {
                faults.push(missing("the object it points to", "write `relationship vendors`"));
                return None;
            };
            let span = item.span(db, argument.range);
            return match resolve(db, workspace, item.file(db), "object", argument, span) {
                Ok(target) => Some(FieldType::Relationship { object: target.name(db).clone() }),
                Err(fault) => {
                    faults.extend(fault);
                    None
                }
            };
        }
        other => {
            let near = foreign_type(other).or_else(|| nearest(other, FieldType::NAMES));
            faults.push(
                Diagnostic::new(
                    Code::UnknownFieldType,
                    item.span(db, field.ty.range),
                    format!("there is no field type `{other}`"),
                )
                .here("unknown type")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the field types are {}", FieldType::NAMES.join(", ")),
                }),
            );
            return None;
        }
    };
    if let Some(argument) = argument {
        faults.push(
            Diagnostic::new(
                Code::UnknownFlag,
                item.span(db, argument.range),
                format!("`{}` means nothing after `{word}`", argument.text()),
            )
            .here("does not belong here")
            .help("a field may be `required`, `unique` or both"),
        );
    }
    Some(ty)
}

fn check_options(
    db: &dyn Database,
    item: Item<'_>,
    field: &Field,
    ty: Option<&FieldType>,
    faults: &mut Vec<Diagnostic>,
) {
    let Some(ty) = ty else { return };
    let name = &field.name.text;
    if !ty.has_options() {
        if let Some(first) = field.options.first() {
            faults.push(
                Diagnostic::new(
                    Code::OptionsNotAllowed,
                    item.span(db, first.range),
                    format!("the field `{name}` is of type {} and has no options", ty.name()),
                )
                .here("options")
                .label(item.span(db, field.ty.range), "the type")
                .help("leave the options out, or make it a `dropdown`, `radio`, `status` or `checkboxes`"),
            );
        }
        return;
    }
    if field.options.is_empty() && *ty != FieldType::Dynamictags {
        faults.push(
            Diagnostic::new(
                Code::BadOptions,
                item.span(db, field.ty.range),
                format!("the field `{name}` has no options to choose from"),
            )
            .here("options belong after it")
            .help(format!("write `{} [\"first\", \"second\"]`", ty.name())),
        );
    }
    for (i, option) in field.options.iter().enumerate() {
        let before = field.options.iter().take(i).find(|o| o.value == option.value);
        let span = item.span(db, option.range);
        if option.value.trim().is_empty() {
            faults.push(
                Diagnostic::new(Code::BadOptions, span, format!("an option of `{name}` is empty"))
                    .here("empty")
                    .help("leave it out: a field without a value needs no option"),
            );
        } else if let Some(before) = before {
            faults.push(
                Diagnostic::new(
                    Code::BadOptions,
                    span,
                    format!("the option \"{}\" is there twice", option.value),
                )
                .here("again")
                .label(item.span(db, before.range), "here first")
                .help("leave one of the two out"),
            );
        }
    }
}
