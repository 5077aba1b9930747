//! The words that every output says the same things in.

use crate::load::{RowDecision, RuleAnswer, SourceRef};
use crate::plan::LoadPlan;
use crate::value::arrow::array::Array;
use crate::value::arrow::util::display::array_value_to_string;
use crate::value::{Problem, Value, cell};
use unicode_width::UnicodeWidthStr;

/// A text with what cannot be seen, or does harm, made visible: control characters other than tab
/// and line breaks, marks that have no width or turn the direction of what follows, and the two code
/// points that XML does not allow. Two keys that look the same and do not match are told apart by it.
pub fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() && !text.contains(|c: char| hidden(c, None)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut before = None;
    for c in text.chars() {
        if hidden(c, before) {
            out.push_str(&format!("\\u{{{:04x}}}", c as u32));
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    out.into()
}

/// Whether a character is one that nobody sees. Scripts such as Persian, and emoji, join and part
/// letters with marks that have no width; those stay where a letter of such a script is before them.
fn hidden(c: char, before: Option<char>) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{200c}' | '\u{200d}' => before.is_none_or(|b| b.is_ascii()),
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// A line of a log: what nobody sees is spelled out, and so is what would end the line. Names of files may hold
/// anything, and what follows in them is not to look like a line of ours.
pub fn log_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\r', "\\r")
}

/// How many columns of a terminal, or of a sheet's usual font, a text takes: characters of East Asian
/// scripts take two.
pub fn columns_of(text: &str) -> usize {
    UnicodeWidthStr::width(text)
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

/// How much of an offending text is shown.
const SHOWN_TEXT: usize = 80;

/// A problem in one line: what it is about, what is wrong, and the offending text.
pub fn problem_words(problem: &Problem) -> String {
    let mut out = String::new();
    if !problem.name.is_empty() && !problem.message.contains(problem.name.as_str()) {
        out.push_str(&problem.name);
        out.push_str(": ");
    }
    if problem.text.chars().count() > SHOWN_TEXT {
        // What is wrong stands after the text; a long one would push it out of sight.
        out.push_str(&problem.message.replace(&problem.text, &one_line(&problem.text, SHOWN_TEXT)));
    } else {
        out.push_str(&problem.message);
    }
    if !problem.text.trim().is_empty() && !problem.message.contains(problem.text.as_str()) {
        out.push_str(&format!(" (found \"{}\")", one_line(&problem.text, SHOWN_TEXT)));
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
pub fn grouped(count: u64) -> String {
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
