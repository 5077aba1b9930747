use super::sample::{Run, summary};
use crate::report::*;
use std::io::Read;

fn entry(path: &std::path::Path, name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_sql_output_is_exact() {
    let run = Run::new();
    let path = run.folder.path().join("sql-output.zip");
    let scopes = [("products", &run.output), ("price_errors", &run.errors)];
    write_sql_output(&path, &scopes, SqlOutputOptions::default(), &|| false).unwrap();
    let text = entry(&path, "products.csv");
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), "sku,unit_price,active,listed,count,ratio,big,seen,note");
    assert_eq!(
        lines.next().unwrap(),
        "0870,\"1,234.50\",Yes,04/03/2024,7,0.5,123456789012345678901234567890123456.78,2024-03-04T10:00:00Z,a\u{1}b\u{202e}"
    );
    assert_eq!(lines.next().unwrap(), "=1+1,n/a,No,,-2,NaN,1.5,2024-03-04T10:00:00.5Z, @cmd");
    assert!(lines.next().unwrap().starts_with("SEPT2,3,,2024-03-05,,0.30000000000000004,0,,xxx"));
    assert!(!text.contains('\r'));
    assert_eq!(entry(&path, "price_errors.csv"), "sku,why\nA-009,no price\n");
}

#[test]
fn formulas_are_guarded_where_asked_and_numbers_are_left() {
    let run = Run::new();
    let path = run.folder.path().join("sql-output.zip");
    write_sql_output(&path, &[("products", &run.output)], SqlOutputOptions { guard_formulas: true }, &|| {
        false
    })
    .unwrap();
    let text = entry(&path, "products.csv");
    assert_eq!(text.lines().nth(2).unwrap(), "'=1+1,n/a,No,,-2,NaN,1.5,2024-03-04T10:00:00.5Z,' @cmd");
}

#[test]
fn the_tally_counts_each_reason_with_its_first_example() {
    let run = Run::new();
    let step = &run.summary.steps[0];
    assert_eq!(
        step.counts,
        StatusCounts {
            created: 1,
            updated: 1,
            unchanged: 1,
            unarchived: 1,
            skipped: 1,
            errored: 1,
            not_processed: 1
        }
    );
    assert_eq!((step.rows, step.warnings), (7, 1));
    let products = &run.summary.steps[1];
    assert_eq!(products.counts.all().iter().map(|c| c.1).sum::<u64>(), 240);
    let skipped = products.by_code.iter().find(|r| r.kind == ReasonKind::Skipped).unwrap();
    assert_eq!(
        (skipped.code.as_str(), skipped.name.as_str(), skipped.count),
        ("do_not_upload", "rule 1, several matches", 34)
    );
    assert_eq!(skipped.example.source, "book.xlsx!Sheet1:5");
    assert_eq!(skipped.example.message, "sku = A-004: 2 records found, and the rule says do_not_upload");
}

#[test]
fn the_summary_comes_back_from_its_json() {
    let run = Run::new();
    let path = run.folder.path().join("summary.json");
    run.summary.write(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), run.summary);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["mode"], "dry");
    assert_eq!(json["state"], "completed_with_errors");
    assert_eq!(json["steps"][0]["counts"]["not_processed"], 1);
    assert_eq!(json["steps"][0]["by_code"][0]["count"], 1);
    // One that was left before it had these names.
    let mut older = json;
    (older["mode"], older["state"]) = ("dry run".into(), "completed with errors".into());
    assert_eq!(serde_json::from_value::<Summary>(older).unwrap(), run.summary);
}

#[test]
fn the_terminal_tells_what_happened() {
    let run = Run::new();
    let text = terminal(&run.summary, false, 110);
    assert!(
        text.starts_with("Vendor price list: completed with errors (dry run, nothing was written)\n"),
        "{text}"
    );
    assert!(text.contains("36 records would be created, 36 updated, 35 taken out of the archive"), "{text}");
    let total = text.lines().find(|l| l.starts_with("  total ")).unwrap();
    let counts: Vec<_> = total.split_whitespace().skip(1).collect();
    assert_eq!(counts, ["247", "36", "36", "35", "35", "35", "35", "35", "35"]);
    assert!(text.contains("34 × products, sku: required"), "{text}");
    assert!(text.contains("e.g. prices.csv:6: sku is required and the cell is empty"), "{text}");
    assert!(text.contains("2 rows of the input could not be read"), "{text}");
    assert!(text.contains("  report      out/report.xlsx\n"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() <= 110), "{text}");
    assert!(!text.contains('\u{1b}'));
    let painted = terminal(&run.summary, true, 90);
    let narrow = terminal(&run.summary, false, 70);
    assert!(narrow.contains("  vendors into vendors: 7 rows, 1 created, 1 updated, 1 unchanged"), "{narrow}");
    for width in [40, 55, 70] {
        let narrow = terminal(&run.summary, false, width);
        assert!(narrow.lines().all(|l| l.chars().count() <= width), "{width}:\n{narrow}");
    }
    assert!(painted.contains("\u{1b}[33mcompleted with errors\u{1b}[0m"), "{painted}");
}

#[test]
fn data_cannot_steer_the_terminal() {
    let mut summary = summary(vec![]);
    summary.label = "a\u{1b}[2J\u{202e}".into();
    summary.notices = vec!["b\u{1b}]0;x\u{7}".into()];
    let text = terminal(&summary, false, 80);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    assert!(text.contains("a\\u{001b}[2J\\u{202e}"), "{text}");
}

#[test]
fn what_nobody_sees_is_shown_and_what_scripts_need_stays() {
    for (text, shown) in [
        ("ZW\u{200b}SP", "ZW\\u{200b}SP"),
        ("\u{feff}SKU", "\\u{feff}SKU"),
        ("a\u{ad}b\u{200e}", "a\\u{00ad}b\\u{200e}"),
        ("\u{202e}gpj.exe\u{202c}", "\\u{202e}gpj.exe\\u{202c}"),
        ("AB\u{200d}C", "AB\\u{200d}C"),
        ("a\u{0}b", "a\\u{0000}b"),
    ] {
        assert_eq!(visible(text), shown);
    }
    // Persian, emoji, Hebrew, accents made of two characters, line breaks.
    for text in ["می\u{200c}خواهم", "👩\u{200d}👧", "שלום", "e\u{301}", "a\r\n\tb"] {
        assert_eq!(visible(text), text);
    }
    assert_eq!(log_line("a\r\nb\u{200b}\tc"), "a\\r\\nb\\u{200b}\tc");
}

#[test]
fn a_long_text_does_not_hide_what_is_wrong_with_it() {
    let long = "L".repeat(200);
    let problem = super::sample::problem(
        crate::value::ProblemCode::DoesNotFit,
        "sku",
        &long,
        &format!("sku: \"{long}\" has 300 characters"),
    );
    let words = problem_words(&problem);
    assert!(words.starts_with("sku: \"LLL") && words.ends_with("LL…\" has 300 characters"), "{words}");
    assert!(words.chars().count() < 120, "{words}");
}

#[test]
fn a_run_without_steps_has_a_summary_too() {
    let mut summary = summary(vec![]);
    summary.state = RunState::Failed;
    summary.mode = RunMode::Live;
    summary.failure = Some("the input has no column \"SKU\"; the nearest is \"Sku No\"".into());
    let text = terminal(&summary, false, 80);
    assert!(
        text.contains("Vendor price list: failed (live run)\nNo record was changed; 2 rows unreadable.\n"),
        "{text}"
    );
    // Why is the command's error, and told once.
    assert!(!text.contains("no column"), "{text}");
}
