//! Header cells to SQL names, and declared columns to the file's columns.

use super::errors::InputError;
use crate::plan::InputColumnPlan;
use crate::value::sql_name;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The SQL names of a header row: blank headers become `_1`, `_2`, …, a repeated `x` becomes
/// `x__duplicate_1__`. No two names are equal.
pub fn normalise_headers(headers: &[String]) -> Vec<String> {
    // The last column of every table on disk is its rows' places.
    let mut used: HashSet<String> = HashSet::from(["__row".to_owned()]);
    let mut repeats: HashMap<String, u64> = HashMap::new();
    let mut blanks = 0u64;
    let mut names = Vec::with_capacity(headers.len());
    for header in headers {
        let mut name = sql_name(header);
        if name.is_empty() {
            blanks += 1;
            name = format!("_{blanks}");
        }
        let base = name.clone();
        while !used.insert(name.clone()) {
            let n = repeats.entry(base.clone()).or_insert(0);
            *n += 1;
            name = format!("{base}__duplicate_{n}__");
        }
        names.push(name);
    }
    names
}

/// A column of a table and where it stands in one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub name: String,
    pub header: String,
    pub at: Option<usize>,
}

/// The table's columns in this part, with notices for people.
pub(super) fn map(
    file: &str,
    headers: &[String],
    declared: Option<&[InputColumnPlan]>,
) -> Result<(Vec<Mapped>, Vec<String>), InputError> {
    match declared {
        Some(columns) => map_declared(file, headers, columns),
        None => Ok(map_all(headers)),
    }
}

fn map_all(headers: &[String]) -> (Vec<Mapped>, Vec<String>) {
    let names = normalise_headers(headers);
    let mut notices = Vec::new();
    let blank: Vec<&str> =
        headers.iter().zip(&names).filter(|(h, _)| h.trim().is_empty()).map(|(_, n)| n.as_str()).collect();
    if !blank.is_empty() {
        notices.push(format!("columns without a header are named {}", few(&blank)));
    }
    let repeated: Vec<&str> =
        names.iter().filter(|n| n.contains("__duplicate_")).map(String::as_str).collect();
    if !repeated.is_empty() {
        notices.push(format!("repeated headers are named {}", few(&repeated)));
    }
    let columns = names
        .into_iter()
        .zip(headers)
        .enumerate()
        .map(|(i, (name, header))| Mapped { name, header: header.trim().to_owned(), at: Some(i) })
        .collect();
    (columns, notices)
}

fn map_declared(
    file: &str,
    headers: &[String],
    columns: &[InputColumnPlan],
) -> Result<(Vec<Mapped>, Vec<String>), InputError> {
    let names = normalise_headers(headers);
    let mut taken = HashSet::new();
    let mut mapped = Vec::with_capacity(columns.len());
    for column in columns {
        let wanted = sql_name(&column.header);
        let at = headers
            .iter()
            .position(|h| h.trim() == column.header.trim())
            .or_else(|| names.iter().position(|n| *n == wanted));
        match at {
            Some(i) => {
                taken.insert(i);
            }
            None if column.optional => {}
            None => return Err(missing(file, headers, column)),
        }
        mapped.push(Mapped { name: column.name.clone(), header: column.header.clone(), at });
    }
    let used: HashSet<&str> = taken.iter().filter_map(|i| headers.get(*i)).map(|h| h.trim()).collect();
    let (repeated, extra): (Vec<&str>, Vec<&str>) = headers
        .iter()
        .enumerate()
        .filter(|(i, h)| !taken.contains(i) && !h.trim().is_empty())
        .map(|(_, h)| h.trim())
        .partition(|h| used.contains(h));
    let mut notices = Vec::new();
    if !repeated.is_empty() {
        notices.push(format!("headers that are there more than once, the first is read: {}", few(&repeated)));
    }
    if !extra.is_empty() {
        notices.push(format!("columns that are not declared are left out: {}", few(&extra)));
    }
    Ok((mapped, notices))
}

/// That a part has the columns that its table has from the parts before it.
///
/// # Errors
/// Where they differ.
pub(super) fn same<'a>(
    file: &str,
    here: &[Mapped],
    there: impl Iterator<Item = &'a str>,
) -> Result<(), InputError> {
    let here: BTreeSet<&str> = here.iter().map(|c| c.name.as_str()).collect();
    let there: BTreeSet<&str> = there.collect();
    if here == there {
        return Ok(());
    }
    let differ: Vec<&str> = here.symmetric_difference(&there).copied().collect();
    let cause = format!("its headers differ from the first file's of the same table: {}", few(&differ));
    Err(InputError::refused(file, cause))
}

fn missing(file: &str, headers: &[String], column: &InputColumnPlan) -> InputError {
    let error = InputError::refused(file, format!("there is no column `{}`", column.header));
    let trimmed: Vec<&str> = headers.iter().map(|h| h.trim()).filter(|h| !h.is_empty()).collect();
    match nearest(&column.header, trimmed.iter().copied()) {
        Some(near) => error.with_hint(format!("did you mean `{near}`? The file has {}", few(&trimmed))),
        None => error.with_hint(format!("the file has {}", few(&trimmed))),
    }
}

/// The candidate most like `wanted`, where one is like it at all.
pub(super) fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .take(1000)
        .map(|c| (strsim::jaro_winkler(&wanted, &c.to_lowercase()), c))
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}

/// Up to ten of them, quoted, and how many more there are.
pub(super) fn few(items: &[&str]) -> String {
    let mut text: Vec<String> = items.iter().take(10).map(|i| format!("`{i}`")).collect();
    if items.len() > 10 {
        text.push(format!("and {} more", items.len() - 10));
    }
    text.join(", ")
}
