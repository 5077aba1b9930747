//! Calls that a function does not take, out of the planner's list of what it tried.

use super::dialect;
use super::registry;
use crate::diagnostic::Code;
use datafusion::logical_expr::{ArrayFunctionSignature, TypeSignature};
use std::collections::BTreeSet;

/// What is said of text where something else is needed.
pub(super) const TEXT_HELP: &str = "input columns are text: convert first, as in CAST(x AS INT) or CAST(x AS DECIMAL(12, 4)), or with std.parse";
pub(super) const CAST_HELP: &str = "convert first, as in CAST(x AS INT)";

/// The user's words for a call that is refused; none where the error is of something else.
pub(super) fn words(text: &str) -> Option<(Code, String, String, Option<String>)> {
    let function = function(text)?;
    let told = |message: String, help: String| {
        Some((Code::SqlTypeMismatch, message, "not what it takes".to_owned(), Some(help)))
    };
    let types = given_types(text);
    let count = if text.contains("to the signature") { Some(types.len()) } else { given_count(text) };
    if let (Some(count), Some(wanted)) = (count, registry::signature(&function).and_then(|s| counts(&s)))
        && !wanted.contains(&count)
    {
        let last = wanted.last().copied().unwrap_or_default();
        let numbers: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let takes = format!("it takes {} {}", numbers.join(" or "), values(last));
        let help = match dialect::instead(&function) {
            Some(call) if call.starts_with(&function) => format!("{takes}: {call}"),
            Some(call) => format!("{takes}; for what other dialects do write `{call}`"),
            None => takes,
        };
        return told(format!("`{function}` cannot be called with {count} {}", values(count)), help);
    }
    if !types.is_empty() {
        let text = types.iter().any(|t| t == "text");
        let help = match dialect::instead(&function) {
            Some(call) if text && call.contains("CAST(") => {
                format!("input columns are text: convert first, as in {call}")
            }
            _ if text => TEXT_HELP.to_owned(),
            _ => CAST_HELP.to_owned(),
        };
        return told(format!("`{function}` cannot be called with {}", types.join(", ")), help);
    }
    // What a function says itself, which is about its values and their number.
    let (_, own) = text.split_once("user-defined coercion failed with: ")?;
    let own = own.trim_start_matches("Execution error: ").trim_start_matches("Error during planning: ");
    let own = own.trim_start_matches(&format!("{function} "));
    let own = own.split(['.', '\n']).next().unwrap_or_default();
    let help = match dialect::instead(&function) {
        Some(call) => format!("it is called like {call}"),
        None => "look at its values: how many there are, and of which types".to_owned(),
    };
    told(format!("`{function}` cannot be called like this: {own}"), help)
}

/// The function that an error is about.
fn function(text: &str) -> Option<String> {
    let before = ["Function '", "function '", "call to '", "'"];
    let (_, name) = before.iter().find_map(|t| text.split_once(t))?;
    let name = name.split('\'').next()?;
    registry::signature(name).map(|_| name.to_owned())
}

/// The types that the function was given, in our words; where only some are named, those.
fn given_types(text: &str) -> Vec<String> {
    if let Some((_, types)) = text.split_once("coercion from ") {
        let types = types.split(" to the signature").next().unwrap_or_default();
        return top_level(types).into_iter().map(type_name).collect();
    }
    let mut given: Vec<String> = Vec::new();
    for part in text.split("but received ").skip(1) {
        let ty = part.split_once("DataType: ").map_or(part, |(_, ty)| ty);
        let ty = ty.split([')', ',', '.']).next().unwrap_or_default().trim();
        let ty = type_name(ty);
        if !ty.is_empty() && ty.parse::<usize>().is_err() && !given.contains(&ty) {
            given.push(ty);
        }
    }
    given
}

/// How many values it was given.
fn given_count(text: &str) -> Option<usize> {
    if text.contains("does not support zero arguments") {
        return Some(0);
    }
    text.split("but received ").skip(1).find_map(|t| t.split([',', '.', ' ']).next()?.parse().ok())
}

/// The planner's name of a type, without its precision, as ours.
fn type_name(ty: &str) -> String {
    let bare = ty.split('(').next().unwrap_or(ty).trim();
    if bare == "String" { "text".to_owned() } else { super::words::ours(bare).to_lowercase() }
}

/// A list's parts; commas in brackets part nothing.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !list.is_empty() {
        parts.push(&list[start..]);
    }
    parts
}

/// How many values a signature takes; none where that is for the function to say.
fn counts(signature: &TypeSignature) -> Option<BTreeSet<usize>> {
    let one = |count: usize| Some(BTreeSet::from([count]));
    match signature {
        TypeSignature::Exact(types) => one(types.len()),
        TypeSignature::Coercible(types) => one(types.len()),
        TypeSignature::Uniform(count, _)
        | TypeSignature::Any(count)
        | TypeSignature::Comparable(count)
        | TypeSignature::Numeric(count)
        | TypeSignature::String(count) => one(*count),
        TypeSignature::Nullary => one(0),
        TypeSignature::ArraySignature(ArrayFunctionSignature::Array { arguments, .. }) => {
            one(arguments.len())
        }
        TypeSignature::ArraySignature(_) => one(1),
        TypeSignature::OneOf(each) => {
            each.iter().map(counts).try_fold(BTreeSet::new(), |all, some| Some(&all | &some?))
        }
        TypeSignature::Variadic(_) | TypeSignature::VariadicAny | TypeSignature::UserDefined => None,
    }
}

fn values(count: usize) -> &'static str {
    if count == 1 { "value" } else { "values" }
}
