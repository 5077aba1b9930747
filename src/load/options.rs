//! Option labels of one field: which there are, and which the rows of this run add.

use crate::target::{Target, TargetError};
use crate::value::{Problem, ProblemCode, Value};
use std::collections::{HashMap, HashSet};

/// Of fields, by their names.
pub(super) type FieldOptions = HashMap<String, Options>;

/// The labels that a field has by now.
#[derive(Debug, Default)]
pub(super) struct Options {
    labels: Vec<String>,
    known: HashSet<String>,
}

impl Options {
    /// Asks the target for them.
    pub(super) async fn fetch(
        target: &mut dyn Target,
        object: &str,
        field: &str,
    ) -> Result<Self, TargetError> {
        let mut options = Self::default();
        for label in target.options(object, field).await? {
            options.add(label);
        }
        Ok(options)
    }

    /// Adds a label; whether it is new.
    pub(super) fn add(&mut self, label: String) -> bool {
        let new = self.known.insert(label.clone());
        if new {
            self.labels.push(label);
        }
        new
    }

    /// The labels of `value` that neither the field nor the record `before` has, each once.
    pub(super) fn missing(&self, value: &Value, before: &Value) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        for label in parts(value) {
            let text = label.to_string();
            if !self.known.contains(&text) && !parts(before).contains(label) && !missing.contains(&text) {
                missing.push(text);
            }
        }
        missing
    }

    /// What to say of a value that no record can have.
    pub(super) fn lacks(&self, field: &str, value: &Value) -> Option<Problem> {
        let missing = self.missing(value, &Value::Null);
        (!missing.is_empty()).then(|| self.unknown(field, &missing))
    }

    /// What to say about labels that the field does not have.
    pub(super) fn unknown(&self, field: &str, missing: &[String]) -> Problem {
        let text = missing.join("; ");
        let names = missing.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(", ");
        let what = if missing.len() == 1 { "option" } else { "options" };
        let nearest = missing.first().and_then(|m| self.nearest(m));
        let mend = match nearest {
            Some(label) => format!("did you mean `{label}`?"),
            None if self.labels.is_empty() => "it has no options yet; `create_options` adds them".to_owned(),
            None => format!("it has {}; `create_options` adds new ones", some(&self.labels)),
        };
        Problem {
            code: ProblemCode::UnknownOption,
            name: field.to_owned(),
            text,
            message: format!("`{field}` has no {what} {names}: {mend}"),
        }
    }

    /// With a great many options a suggestion is no help, and looking for it in each row costs.
    fn nearest(&self, label: &str) -> Option<&String> {
        if self.labels.len() > 500 {
            return None;
        }
        let wanted = label.to_lowercase();
        let mut best: Option<(f64, &String)> = None;
        for known in &self.labels {
            let near = strsim::jaro_winkler(&wanted, &known.to_lowercase());
            if near >= 0.75 && best.is_none_or(|(b, _)| near > b) {
                best = Some((near, known));
            }
        }
        best.map(|(_, known)| known)
    }
}

/// The single values of a value.
pub(super) fn parts(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        Value::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// The first few labels, for a sentence.
fn some(labels: &[String]) -> String {
    let mut text = labels.iter().take(6).map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
    if labels.len() > 6 {
        text.push_str(&format!(" and {} more", labels.len() - 6));
    }
    text
}
