//! `sconn schema`

use super::args::{Format, SchemaCommand};
use super::{Exit, Failure, print};
use crate::project::Project;
use crate::target::sqlite::Store;
use crate::value::{FieldSchema, FieldType, ObjectSchema};
use std::fmt::Write;

pub(super) fn schema(command: SchemaCommand) -> Result<Exit, Failure> {
    let SchemaCommand::Show { target, format } = command;
    let path = Project::here()?.target(target.as_deref())?;
    let objects = Store::open_read_only(&path)?.objects()?;
    match format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&objects).map_err(|e| Failure::new(e.to_string(), ""))?;
            print(&format!("{json}\n"))?;
        }
        Format::Text => print(&objects.iter().map(declaration).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(Exit::Clean)
}

/// An object as the language declares it.
fn declaration(object: &ObjectSchema) -> String {
    let mut out = format!("object {} {:?} {{\n", object.name, object.label);
    let width = object.fields.iter().map(|f| f.name.len()).max().unwrap_or(0) + 1;
    for field in &object.fields {
        let name = format!("{}:", field.name);
        let _ = writeln!(out, "  {name:width$} {}", field_words(field));
    }
    out.push_str("}\n");
    out
}

fn field_words(field: &FieldSchema) -> String {
    let mut out = field.ty.name().to_owned();
    match &field.ty {
        FieldType::Money { currency } => {
            let _ = write!(out, " {currency}");
        }
        FieldType::Relationship { object } => {
            let _ = write!(out, " {object}");
        }
        _ => {}
    }
    if !field.options.is_empty() {
        let labels: Vec<String> = field.options.iter().map(|o| format!("{o:?}")).collect();
        let _ = write!(out, " [{}]", labels.join(", "));
    }
    for (on, word) in [(field.required, " required"), (field.unique, " unique")] {
        if on {
            out.push_str(word);
        }
    }
    out
}
