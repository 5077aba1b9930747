//! What holds of values across readers, printers and fields.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hostile;
mod kinds;
mod roundtrip;

use super::arrow::array::{ArrayRef, StringArray};
use super::{BaseType, CellProblem, DataType, Format, Resolver, Source, Split, VariableSpec, cell};
use jiff::tz::TimeZone;
use std::sync::Arc;

/// A variable of that type (`number`, `string[]`), local times in that zone.
fn variable(ty: &str, zone: &str) -> VariableSpec {
    let base = BaseType::from_name(ty.trim_end_matches("[]")).unwrap();
    VariableSpec {
        name: "v".into(),
        source: Source::Column("v".into()),
        ty: DataType { base, array: ty.ends_with("[]") },
        required: false,
        split: ty.ends_with("[]").then_some(Split::At(';')),
        formats: Vec::new(),
        output: None,
        timezone: TimeZone::get(zone).unwrap(),
    }
}

/// A format as the language writes it: a word, or a text in quotes.
fn format(base: BaseType, written: &str) -> Format {
    let quoted = !Format::words(base).contains(&written);
    Format::parse(base, written, quoted).unwrap_or_else(|e| panic!("{written}: {e:?}"))
}

/// The canonical texts that a column comes to, and the problems.
fn resolve(spec: &VariableSpec, texts: &[&str]) -> (Vec<String>, Vec<CellProblem>) {
    let column: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let mut resolver = Resolver::new(spec);
    resolver.survey(&column);
    let resolved = resolver.resolve(Some(&column), texts.len());
    let values = (0..texts.len()).map(|row| cell(resolved.array.as_ref(), row).to_string()).collect();
    (values, resolved.problems)
}
