//! Rows by what became of them: the parts of a bar, and the same in numbers.

use crate::report::{StatusCounts, grouped};

/// A part of a bar: what it counts, how many, and where it lies in hundredths of a percent.
pub struct Part {
    pub class: &'static str,
    pub name: &'static str,
    pub count: String,
    pub from: u64,
    pub width: u64,
}

/// Rows by what became of them, as the parts of a bar 10,000 wide. A part that is there can be seen.
pub fn parts(counts: &StatusCounts) -> Vec<Part> {
    const WIDTH: u64 = 10_000;
    const LEAST: u64 = 60;
    let all: Vec<_> = counts.all().into_iter().filter(|(_, n)| *n > 0).collect();
    let total = counts.total();
    let mut widths: Vec<u64> = all
        .iter()
        .map(|(_, n)| ((u128::from(*n) * u128::from(WIDTH) / u128::from(total.max(1))) as u64).max(LEAST))
        .collect();
    // What the small ones were given, the largest gives.
    if let Some(largest) = (0..widths.len()).max_by_key(|i| widths[*i]) {
        let others: u64 = widths.iter().sum::<u64>() - widths[largest];
        widths[largest] = WIDTH.saturating_sub(others);
    }
    let mut from = 0;
    all.into_iter()
        .zip(widths)
        .map(|((name, n), width)| {
            let part = Part { class: class_of(name), name, count: grouped(n), from, width };
            from += width;
            part
        })
        .collect()
}

/// What a bar tells at a glance, in numbers: `20,000 rows, 3 errored`; empty where there are none.
pub fn words(counts: &StatusCounts) -> String {
    let total = counts.total();
    if total == 0 {
        return String::new();
    }
    let told = [("not processed", counts.not_processed), ("errored", counts.errored)];
    let told = told.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!(", {} {name}", grouped(n)));
    format!("{}{}", count(total, "row"), told.collect::<String>())
}

/// `1 row`, `2,345 rows`.
pub fn count(n: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// The class that colours what became of a row.
pub fn class_of(status: &str) -> &'static str {
    match status {
        "created" => "created",
        "updated" => "updated",
        "unchanged" => "unchanged",
        "unarchived" | "unarchived and updated" => "unarchived",
        "skipped" => "skipped",
        "errored" => "errored",
        _ => "unprocessed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full_and_show_what_is_small() {
        let counts = StatusCounts { created: 1_000_000, errored: 1, skipped: 1, ..StatusCounts::default() };
        let parts = parts(&counts);
        assert_eq!(parts.iter().map(|p| p.width).sum::<u64>(), 10_000);
        assert!(parts.iter().all(|p| p.width >= 60));
        assert!(super::parts(&StatusCounts::default()).is_empty());
    }

    #[test]
    fn a_bar_is_told_in_numbers() {
        let counts = StatusCounts { created: 19_997, errored: 3, ..StatusCounts::default() };
        assert_eq!(words(&counts), "20,000 rows, 3 errored");
        let begun = StatusCounts { created: 1, not_processed: 1_999, ..StatusCounts::default() };
        assert_eq!(words(&begun), "2,000 rows, 1,999 not processed");
        assert_eq!(words(&StatusCounts { updated: 1, ..StatusCounts::default() }), "1 row");
        assert_eq!(words(&StatusCounts::default()), "");
    }
}
