//! The summary as text for a terminal.

use super::summary::{ReasonKind, RunMode, RunState, StatusCounts, Summary};
use super::words::{code_words, columns_of, count_of, grouped, one_line};

/// Reasons shown of each kind; the report has the others.
const REASONS: usize = 5;
const REASON_LENGTH: usize = 200;
const NOTICES: usize = 8;
const NARROWEST: usize = 40;

/// What happened, for people: a sentence, the steps with their counts, the most frequent reasons
/// with an example, and where the files lie. Why a run failed is not in it: that is the command's
/// error. No line is longer than `width` (at least 40), except for paths, which are meant to be
/// copied.
pub fn terminal(summary: &Summary, color: bool, width: usize) -> String {
    let mut out = Page { text: String::new(), color, width: width.max(NARROWEST) };
    out.heading(summary);
    out.steps(summary);
    out.reasons(summary);
    out.rejected(summary);
    if !summary.notices.is_empty() {
        out.blank();
        out.line("  Worth knowing", Paint::Bold);
        summary.notices.iter().take(NOTICES).for_each(|n| out.item(&one_line(n, 2_000), ""));
        out.more(summary.notices.len().saturating_sub(NOTICES));
    }
    out.files(summary);
    out.text
}

/// The sentence that says how a run went: `3 records would be created, 1 updated; 2 rows left out.`
pub(super) fn sentence(summary: &Summary) -> String {
    let totals = summary.totals();
    let dry = summary.mode == RunMode::Dry;
    let done: Vec<(u64, &str)> = [
        (totals.created, "created"),
        (totals.updated, "updated"),
        (totals.unarchived, "taken out of the archive"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .collect();
    let mut out = match done.as_slice() {
        [] if dry => "No record would change".to_owned(),
        [] => "No record was changed".to_owned(),
        [first, rest @ ..] => {
            let verb = match (dry, first.0) {
                (true, _) => "would be",
                (false, 1) => "was",
                (false, _) => "were",
            };
            let mut out = format!("{} {verb} {}", count_of(first.0, "record"), first.1);
            rest.iter().for_each(|(count, word)| out.push_str(&format!(", {} {word}", grouped(*count))));
            out
        }
    };
    if totals.unchanged > 0 {
        out.push_str(&format!("; {} already as wanted", grouped(totals.unchanged)));
    }
    let left_out = totals.skipped + totals.errored;
    if left_out > 0 {
        out.push_str(&format!("; {} left out", count_of(left_out, "row")));
    }
    if totals.not_processed > 0 {
        out.push_str(&format!("; {} not reached", count_of(totals.not_processed, "row")));
    }
    if summary.rejected.count > 0 {
        out.push_str(&format!("; {} unreadable", count_of(summary.rejected.count, "row")));
    }
    let warned = summary.steps.iter().map(|s| s.warnings).sum::<u64>();
    if warned > 0 {
        out.push_str(&format!("; {} with warnings", count_of(warned, "row")));
    }
    out.push('.');
    out
}

/// `dry run: nothing was written`
pub(super) fn mode_words(mode: RunMode) -> &'static str {
    match mode {
        RunMode::Dry => "dry run, nothing was written",
        RunMode::Live => "live run",
    }
}

/// `0.4 s`, `2 min 5 s`, `1 h 3 min`
pub(super) fn time_words(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3_600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3_600, whole / 60 % 60),
    }
}

/// The heading above a kind of reasons.
pub(super) fn kind_words(kind: ReasonKind) -> &'static str {
    match kind {
        ReasonKind::Error => "Rows with errors, not written",
        ReasonKind::Skipped => "Rows that a rule left out",
        ReasonKind::Warning => "Warnings: the row stands, a field was left alone",
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Bold,
    Dim,
    Green,
    Blue,
    Yellow,
    Red,
}

struct Page {
    text: String,
    color: bool,
    width: usize,
}

impl Page {
    fn heading(&mut self, summary: &Summary) {
        let state = match summary.state {
            RunState::Completed => Paint::Green,
            RunState::CompletedWithErrors | RunState::Cancelled => Paint::Yellow,
            RunState::Failed => Paint::Red,
        };
        let title = one_line(&summary.label, self.width / 2);
        let (state_words, mode) = (summary.state.words(), mode_words(summary.mode));
        let long = columns_of(&title) + state_words.len() + mode.len() + 5 > self.width;
        let gap = if long { "\n" } else { " " };
        let title = self.painted(&title, Paint::Bold);
        let words = self.painted(state_words, state);
        self.text.push_str(&format!("{title}: {words}{gap}({mode})\n"));
        self.paragraph(&sentence(summary), Paint::Plain);
        let mut facts = format!("{} {}", summary.target.kind, summary.target.place);
        if let Some(seconds) = summary.seconds() {
            facts.push_str(&format!(", {}", time_words(seconds)));
        }
        facts.push_str(&format!(", execution {}", summary.execution));
        self.paragraph(&one_line(&facts, 500), Paint::Dim);
    }

    fn steps(&mut self, summary: &Summary) {
        if summary.steps.is_empty() {
            return;
        }
        let totals = summary.totals();
        // The columns that every run has, and the others where there is something to tell.
        let always = ["created", "updated", "unchanged", "errored"];
        let shown: Vec<&str> = totals
            .all()
            .iter()
            .filter(|(name, count)| *count > 0 || always.contains(name))
            .map(|(name, _)| *name)
            .collect();
        let counts = |rows: u64, counts: &StatusCounts, warnings: u64| {
            let mut line = vec![grouped(rows)];
            line.extend(counts.all().iter().filter(|(n, _)| shown.contains(n)).map(|(_, c)| grouped(*c)));
            line.push(grouped(warnings));
            line
        };
        let mut head = vec!["rows".to_owned()];
        head.extend(shown.iter().map(|n| (*n).to_owned()));
        head.push("warnings".to_owned());
        let mut lines = vec![(["step".to_owned(), "into".to_owned()], head, Paint::Dim)];
        for s in &summary.steps {
            let names = [one_line(&s.name, 30), one_line(&s.object, 30)];
            lines.push((names, counts(s.rows, &s.counts, s.warnings), Paint::Plain));
        }
        if summary.steps.len() > 1 {
            let rows = summary.steps.iter().map(|s| s.rows).sum();
            let warnings = summary.steps.iter().map(|s| s.warnings).sum();
            lines.push((["total".to_owned(), String::new()], counts(rows, &totals, warnings), Paint::Bold));
        }
        let long = |column: usize| lines.iter().map(|l| l.0[column].chars().count()).max().unwrap_or(0);
        let (first, second) = (long(0), long(1));
        let columns = lines[0].1.len();
        let widths: Vec<usize> =
            (0..columns).map(|c| lines.iter().map(|l| l.1[c].chars().count()).max().unwrap_or(0)).collect();
        self.blank();
        if 4 + first + second + widths.iter().map(|w| w + 2).sum::<usize>() > self.width {
            return self.steps_in_words(summary);
        }
        for (number, ([name, object], cells, paint)) in lines.iter().enumerate() {
            let start = self.painted(&format!("  {name:<first$}  {object:<second$}"), *paint);
            self.text.push_str(&start);
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let tone = match (number, column.checked_sub(1).and_then(|c| shown.get(c)).copied()) {
                    (0, _) => Paint::Dim,
                    _ if cell == "0" => Paint::Dim,
                    (_, Some("created")) => Paint::Green,
                    (_, Some("updated" | "unarchived")) => Paint::Blue,
                    (_, Some("skipped")) => Paint::Yellow,
                    (_, Some("errored" | "not processed")) => Paint::Red,
                    (_, None) if column > 0 => Paint::Yellow,
                    _ => *paint,
                };
                let cell = self.painted(&format!("{cell:>width$}"), tone);
                self.text.push_str("  ");
                self.text.push_str(&cell);
            }
            self.text.push('\n');
        }
    }

    /// For terminals that the table does not fit.
    fn steps_in_words(&mut self, summary: &Summary) {
        for s in &summary.steps {
            let mut text = format!("{} into {}: {}", s.name, s.object, count_of(s.rows, "row"));
            for (name, count) in s.counts.all().iter().filter(|(_, count)| *count > 0) {
                text.push_str(&format!(", {} {name}", grouped(*count)));
            }
            if s.warnings > 0 {
                text.push_str(&format!("; {} with warnings", grouped(s.warnings)));
            }
            self.wrapped(&one_line(&text, 500), "  ", "    ", Paint::Plain);
        }
    }

    fn reasons(&mut self, summary: &Summary) {
        let reasons = summary.reasons();
        for (kind, paint) in [
            (ReasonKind::Error, Paint::Red),
            (ReasonKind::Skipped, Paint::Yellow),
            (ReasonKind::Warning, Paint::Yellow),
        ] {
            let of_kind: Vec<_> = reasons.iter().filter(|(_, r)| r.kind == kind).collect();
            if of_kind.is_empty() {
                continue;
            }
            self.blank();
            self.wrapped(kind_words(kind), "  ", "  ", paint);
            for (step, r) in of_kind.iter().take(REASONS) {
                let name = if r.name.is_empty() { String::new() } else { format!(", {}", r.name) };
                let place = if r.example.source.is_empty() {
                    format!("row {}", r.example.row)
                } else {
                    r.example.source.clone()
                };
                self.item(
                    &one_line(
                        &format!("{} × {step}{name}: {}", grouped(r.count), code_words(&r.code)),
                        REASON_LENGTH,
                    ),
                    &one_line(&format!("e.g. {place}: {}", r.example.message), REASON_LENGTH),
                );
            }
            self.more(of_kind.len().saturating_sub(REASONS));
        }
    }

    fn rejected(&mut self, summary: &Summary) {
        let rejected = &summary.rejected;
        if rejected.count == 0 {
            return;
        }
        self.blank();
        let title = format!("{} of the input could not be read", count_of(rejected.count, "row"));
        self.wrapped(&title, "  ", "  ", Paint::Red);
        for r in rejected.examples.iter().take(3) {
            self.item(&one_line(&format!("{}:{}: {}", r.file, r.line, r.reason), 2_000), "");
        }
        let shown = rejected.examples.len().min(3) as u64;
        let more = rejected.count.saturating_sub(shown);
        if more > 0 {
            self.line(&format!("    and {} more, in rejected.csv", grouped(more)), Paint::Dim);
        }
    }

    fn files(&mut self, summary: &Summary) {
        if summary.artefacts.is_empty() {
            return;
        }
        self.blank();
        let width = summary.artefacts.keys().map(|n| n.chars().count()).max().unwrap_or(0);
        // The report last: it is what people open, and the last line is what they see.
        let (report, others): (Vec<_>, Vec<_>) = summary.artefacts.iter().partition(|(n, _)| *n == "report");
        for (name, path) in others.into_iter().chain(report) {
            let name = self.painted(&format!("  {name:<width$}"), Paint::Dim);
            // Whole, however long: it is to be copied.
            self.text.push_str(&format!("{name}  {}\n", one_line(path, 4_096)));
        }
    }

    fn item(&mut self, text: &str, example: &str) {
        self.wrapped(text, "    ", "      ", Paint::Plain);
        if !example.is_empty() {
            self.wrapped(example, "      ", "      ", Paint::Dim);
        }
    }

    fn more(&mut self, count: usize) {
        if count > 0 {
            let more = format!("and {} more, in the report", grouped(count as u64));
            self.wrapped(&more, "    ", "    ", Paint::Dim);
        }
    }

    fn paragraph(&mut self, text: &str, paint: Paint) {
        self.wrapped(text, "", "", paint);
    }

    /// Breaks at spaces; a word that is longer than the line stays whole.
    fn wrapped(&mut self, text: &str, first: &str, rest: &str, paint: Paint) {
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && columns_of(&line) + 1 + columns_of(word) > self.width {
                self.line(&line, paint);
                line = rest.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line, paint);
    }

    fn line(&mut self, text: &str, paint: Paint) {
        let text = self.painted(text, paint);
        self.text.push_str(&text);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn painted(&self, text: &str, paint: Paint) -> String {
        let code = match paint {
            _ if !self.color => return text.to_owned(),
            Paint::Plain => return text.to_owned(),
            Paint::Bold => "1",
            Paint::Dim => "2",
            Paint::Green => "32",
            Paint::Blue => "34",
            Paint::Yellow => "33",
            Paint::Red => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
