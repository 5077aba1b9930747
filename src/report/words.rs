//! The words that every output says the same things in.

use crate::load::{RowDecision, RuleAnswer, SourceRef};
use crate::plan::LoadPlan;
use crate::value::arrow::array::Array;
use crate::value::arrow::util::display::array_value_to_string;
use crate::value::{Problem, Value, cell};

/// A text with what cannot be seen, or does harm, made visible: control characters other than tab
/// and line breaks, and the two code points that XML does not allow. Zero-width and right-to-left
/// marks stay.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    let bad = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(bad) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bad(c) {
            out.push_str(&format!("\\u{{{:04x}}}", c as u32));
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// The text on one line, at most `max` characters.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let text = visible(text);
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i + 1 >= max && text.chars().nth(max).is_some() {
            out.push('…');
            break;
        }
        out.push(if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    }
    out
}

/// Where a row came from: `prices.csv:12`, `book.xlsx!Sheet1:3`; empty where that is not known.
pub fn source_words(source: Option<SourceRef>, parts: &[String]) -> String {
    match source {
        None => String::new(),
        Some(s) => match parts.get(s.part as usize) {
            Some(part) => format!("{part}:{}", s.line),
            None => format!("line {}", s.line),
        },
    }
}

/// What a rule asked: `code = V001`.
pub fn answer_words(plan: &LoadPlan, answer: &RuleAnswer) -> String {
    let field = plan.rules.get(answer.rule).map_or("?", |r| r.field.as_str());
    if answer.value.is_blank() {
        format!("{field} is empty")
    } else {
        format!("{field} = {}", one_line(&answer.value.to_string(), 80))
    }
}

/// Which rule decided and how: `1: code = V001 → one → update_current`; empty where none did.
pub fn rule_words(plan: &LoadPlan, decision: &RowDecision) -> String {
    deciding(decision).map_or_else(String::new, |a| {
        format!("{}: {} → {} → {}", a.rule + 1, answer_words(plan, a), a.outcome.name(), a.action.name())
    })
}

/// The answer of the rule that decided.
pub(super) fn deciding(decision: &RowDecision) -> Option<&RuleAnswer> {
    let rule = decision.decided_by?;
    decision.rules.iter().rev().find(|a| a.rule == rule)
}

/// A problem in one line: what it is about, what is wrong, and the offending text.
pub fn problem_words(problem: &Problem) -> String {
    let mut out = String::new();
    if !problem.name.is_empty() && !problem.message.contains(problem.name.as_str()) {
        out.push_str(&problem.name);
        out.push_str(": ");
    }
    out.push_str(&problem.message);
    if !problem.text.trim().is_empty() && !problem.message.contains(problem.text.as_str()) {
        out.push_str(&format!(" (found \"{}\")", one_line(&problem.text, 80)));
    }
    out
}

/// Several problems in one cell.
pub(super) fn problems_words(problems: &[Problem]) -> String {
    problems.iter().map(problem_words).collect::<Vec<_>>().join("; ")
}

/// A stable name as words: `not_a_number` is `not a number`.
pub(super) fn code_words(code: &str) -> String {
    code.replace('_', " ")
}

/// `1 row`, `2,345 rows`.
pub(super) fn count_of(count: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A count with its thousands parted: `1,234,567`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// The cell's value; one that does not fit a [`Value`] (a decimal of 38 digits, a day before year
/// -9999) comes as its text rather than not at all.
pub(super) fn exact(array: &dyn Array, row: usize) -> Value {
    match cell(array, row) {
        Value::Null if !array.is_null(row) => {
            let text = array_value_to_string(array, row).unwrap_or_default();
            Value::Text(if array.data_type().is_decimal() { trim_zeros(&text).to_owned() } else { text })
        }
        value => value,
    }
}

/// `12.500` is `12.5`, `12.00` is `12`.
fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}
