//! Values that other loaders round, cut, guess or shift: each is taken exactly, or told with its text.

use super::{resolve, variable};
use crate::value::{ProblemCode, ProblemCode::*};

/// What becomes of a text.
enum Outcome {
    Taken(&'static str),
    /// Lost: the kind of problem, and a part of the message.
    Lost(ProblemCode, &'static str),
}
use Outcome::{Lost, Taken};

#[track_caller]
fn all(ty: &str, zone: &str, table: &[(&str, Outcome)]) {
    for (text, outcome) in table {
        let (values, problems) = resolve(&variable(ty, zone), &[text]);
        match outcome {
            Taken(value) => {
                assert_eq!(values, [*value], "{text:?} as {ty}");
                assert_eq!(problems, [], "{text:?} as {ty}");
            }
            Lost(code, says) => {
                assert_eq!(values, [""], "{text:?} as {ty}");
                assert_eq!(problems.len(), 1, "{text:?} as {ty}: {problems:?}");
                let told = &problems[0];
                assert_eq!((told.row, told.taken, told.problem.code), (0, false, *code), "{text:?} as {ty}");
                assert_eq!(told.problem.text, *text);
                assert!(told.problem.message.contains(says), "{:?}", told.problem.message);
            }
        }
    }
}

#[test]
fn codes_stay_text() {
    let codes = ["0870", "SEPT2", "1E2", "00", "1.0", "TRUE", " 7 ", "=1+1", "03/04/2024"];
    for code in codes {
        let (values, problems) = resolve(&variable("string", "UTC"), &[code]);
        assert_eq!((values, problems), (vec![code.to_owned()], vec![]));
    }
}

#[test]
fn numbers_are_exact_or_refused() {
    all(
        "number",
        "UTC",
        &[
            ("1.234,56", Lost(NotANumber, "\"1.234,56\" is not a number written like 1,234.56")),
            ("NaN", Lost(NotANumber, "\"NaN\"")),
            ("inf", Lost(NotANumber, "\"inf\"")),
            ("-Infinity", Lost(NotANumber, "\"-Infinity\"")),
            ("1e5", Lost(NotANumber, "\"1e5\"")),
            ("9007199254740993", Taken("9007199254740993")),
            ("-9007199254740993.000000000001", Taken("-9007199254740993.000000000001")),
            ("18446744073709551617", Taken("18446744073709551617")),
            ("99999999999999999999999999", Taken("99999999999999999999999999")),
            ("123456789012345678901234567", Lost(NumberTooLarge, "28 in all, 26 before the point")),
            (
                "0.0000000000001",
                Lost(TooManyDecimals, "more than 12 decimals; write fewer, nothing is rounded"),
            ),
            ("1.0000000000000", Taken("1")),
            ("١٢٣", Lost(NotANumber, "\"١٢٣\"")),
            ("１２３", Lost(NotANumber, "\"１２３\"")),
            // What nobody can see is spelled out.
            ("1\u{2009}234", Lost(NotANumber, "\"1\\u{2009}234\"")),
            ("5\u{200b}", Lost(NotANumber, "\"5\\u{200b}\"")),
            ("1\u{a0}234", Lost(NotANumber, "\"1\\u{a0}234\"")),
        ],
    );
}

#[test]
fn days_are_real_and_have_whole_years() {
    all(
        "date",
        "UTC",
        &[
            ("30/02/2024", Lost(NotADate, "there is no such day")),
            ("2023-02-29", Lost(NotADate, "there is no such day")),
            ("2024-02-29", Taken("2024-02-29")),
            ("31/04/2024", Lost(NotADate, "there is no such day")),
            ("13/04/24", Lost(NotADate, "the year must have four digits, 1000 to 9999")),
            ("0000-01-01", Lost(NotADate, "the year must have four digits")),
            ("10000-01-01", Lost(NotADate, "the year must have four digits")),
            ("0999-12-31", Lost(NotADate, "the year must have four digits")),
            ("1000-01-01", Taken("1000-01-01")),
            ("9999-12-31", Taken("9999-12-31")),
            ("SEPT2", Lost(NotADate, "\"SEPT2\" is not a date written like 2024-12-31")),
            ("45355", Lost(NotADate, "\"45355\"")),
            ("٠٤/٠٣/٢٠٢٤", Lost(NotADate, "is not a date")),
        ],
    );
}

#[test]
fn the_order_of_day_and_month_is_the_column_s_or_told() {
    let (values, problems) = resolve(&variable("date", "UTC"), &["03/04/2024", "05/06/2024"]);
    assert_eq!(values, ["2024-03-04", "2024-05-06"]);
    for (row, text) in ["03/04/2024", "05/06/2024"].into_iter().enumerate() {
        let told = &problems[row];
        assert_eq!((told.row, told.taken, told.problem.code), (row, true, AmbiguousDate));
        assert_eq!(told.problem.text, text);
        assert!(told.problem.message.contains(&format!("\"{text}\" could have the month or the day first")));
    }
    let (values, problems) = resolve(&variable("date", "UTC"), &["03/04/2024", "13/04/2024"]);
    assert_eq!((values, problems), (vec!["2024-04-03".to_owned(), "2024-04-13".to_owned()], vec![]));
}

#[test]
fn a_local_time_that_is_none_or_two_is_told() {
    let none = "does not exist in Europe/Berlin: the clocks skip it; write it with its offset";
    let two = "happens twice in Europe/Berlin, as the clocks go back; write it with its offset";
    all(
        "datetime",
        "Europe/Berlin",
        &[
            ("2024-03-31 01:59:59", Taken("2024-03-31T00:59:59Z")),
            ("2024-03-31 02:30", Lost(AmbiguousTime, none)),
            ("2024-03-31 03:00", Taken("2024-03-31T01:00:00Z")),
            ("2024-10-27 01:59:59", Taken("2024-10-26T23:59:59Z")),
            ("2024-10-27 02:30", Lost(AmbiguousTime, two)),
            ("2024-10-27 02:30+02:00", Taken("2024-10-27T00:30:00Z")),
            ("2024-10-27 02:30+01:00", Taken("2024-10-27T01:30:00Z")),
            ("2024-10-27 03:00", Taken("2024-10-27T02:00:00Z")),
        ],
    );
    // Clocks that move by half an hour, and a midnight that never was.
    all(
        "datetime",
        "Australia/Lord_Howe",
        &[("2024-10-06 02:15", Lost(AmbiguousTime, "Australia/Lord_Howe"))],
    );
    all("datetime", "Africa/Cairo", &[("2024-04-26", Lost(AmbiguousTime, "Africa/Cairo"))]);
}

#[test]
fn a_bare_day_never_shifts() {
    for zone in ["UTC", "Pacific/Auckland", "America/Los_Angeles", "Africa/Cairo", "Pacific/Apia"] {
        let mut day = variable("date", zone);
        for text in ["2024-04-26", "2024-04-26T23:59:59", "2024-04-26T00:00:00+14:00", "26.04.2024 00:30"] {
            assert_eq!(resolve(&day, &[text]).0, ["2024-04-26"], "{text} in {zone}");
        }
        day.output = Some(super::format(day.ty.base, "%d/%m/%Y"));
        let value = crate::value::Value::Date(jiff::civil::date(2024, 4, 26));
        assert_eq!(day.print(&value), "26/04/2024", "{zone}");
    }
}

#[test]
fn composed_and_decomposed_letters_are_one_key() {
    let (values, problems) =
        resolve(&variable("string", "UTC"), &["Caf\u{e9}", "Cafe\u{301}", "가", "\u{1100}\u{1161}"]);
    assert_eq!(values[0], values[1]);
    assert_eq!(values[2], values[3]);
    assert_eq!((values[0].as_str(), problems), ("Caf\u{e9}", vec![]));
    assert_eq!(resolve(&variable("string[]", "UTC"), &["Cafe\u{301};Caf\u{e9}"]).0, ["Caf\u{e9}"]);
}

#[test]
fn letters_from_right_to_left_and_without_width_are_kept() {
    let texts = ["שלום", "a\u{200b}b", "\u{202e}abc", "x\u{feff}", "👩\u{200d}🚀"];
    let (values, problems) = resolve(&variable("string", "UTC"), &texts);
    assert_eq!(values, texts);
    assert_eq!(problems, []);
    all("email", "UTC", &[("ann\u{200b}@example.com", Lost(NotAnEmail, "\"ann\\u{200b}@example.com\""))]);
}
