#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use proptest::prelude::*;

fn rules(base: BaseType, formats: &[Format]) -> Rules {
    Rules::new(base, formats.to_vec(), TimeZone::get("Europe/Berlin").unwrap())
}

/// The canonical text of what is read, `~` before it where it was ambiguous; or the miss.
fn read(base: BaseType, formats: &[Format], text: &str) -> String {
    match rules(base, formats).value(text) {
        Ok((value, doubt)) => format!("{}{value}", if doubt { "~" } else { "" }),
        Err(miss) => format!("{miss:?}"),
    }
}

fn quoted(base: BaseType, text: &str) -> Format {
    Format::parse(base, text, true).unwrap()
}

#[track_caller]
fn all(base: BaseType, formats: &[Format], table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(read(base, formats, text), *expected, "{text:?} as {base:?} by {formats:?}");
    }
}

#[test]
fn numbers_are_exact_and_nothing_is_guessed() {
    all(
        BaseType::Number,
        &[],
        &[
            ("1234.56", "1234.56"),
            ("-1234.56", "-1234.56"),
            ("+5", "5"),
            (" 5\u{a0}", "5"),
            ("1,234,567.89", "1234567.89"),
            ("0870", "870"),
            (".5", "0.5"),
            ("-0", "0"),
            ("1.10", "1.1"),
            ("9007199254740993", "9007199254740993"),
            ("0.000000000001", "0.000000000001"),
            ("0.0000000000010", "0.000000000001"),
            ("12345678901234567890123456", "12345678901234567890123456"),
            ("", ""),
            ("   ", ""),
            ("0.0000000000001", "TooManyDecimals"),
            ("123456789012345678901234567", "TooLarge"),
            ("1234567890123456789012345.1234", "TooLarge"),
            ("1.234,56", "Shape"),
            ("12,34", "Shape"),
            ("1,23", "Shape"),
            ("1,2345", "Shape"),
            ("1234,567", "Shape"),
            ("1,234,56.7", "Shape"),
            ("0,123", "Shape"),
            (",123", "Shape"),
            ("1.234,567", "Shape"),
            ("1e5", "Shape"),
            ("NaN", "Shape"),
            ("inf", "Shape"),
            ("٣", "Shape"),
            ("1\u{2009}234", "Shape"),
            ("1 234", "Shape"),
            ("(5)", "Shape"),
            ("$5", "Shape"),
            ("5.", "Shape"),
            (".", "Shape"),
            ("-", "Shape"),
            ("--5", "Shape"),
            ("5-", "Shape"),
            ("1.2.3", "Shape"),
            ("0x10", "Shape"),
        ],
    );
    let long = "9".repeat(100_000);
    assert_eq!(read(BaseType::Number, &[], &long), "TooLarge");
}

#[test]
fn a_declared_number_format_is_strict_about_its_marks_only() {
    let german = [quoted(BaseType::Number, "1.234,56")];
    all(
        BaseType::Number,
        &german,
        &[
            ("1.234,56", "1234.56"),
            ("1234,56", "1234.56"),
            ("1.234.567", "1234567"),
            ("1,234.56", "Shape"),
            ("1234.56", "Shape"),
            ("1.5", "Shape"),
        ],
    );
    for written in ["1 234,56", "1\u{a0}234,56", "1\u{202f}234,56", "1\u{2009}234,56"] {
        for blank in [' ', '\u{a0}', '\u{202f}', '\u{2009}'] {
            let text = format!("1{blank}234{blank}567,8");
            all(
                BaseType::Number,
                &[quoted(BaseType::Number, written)],
                &[(&text, "1234567.8"), ("1'234", "Shape")],
            );
        }
    }
    let swiss = [quoted(BaseType::Number, "1'234.56")];
    all(BaseType::Number, &swiss, &[("1\u{2019}234.50", "1234.5"), ("1'234", "1234"), ("1 234", "Shape")]);
    let plain = [quoted(BaseType::Number, "1234.56")];
    all(BaseType::Number, &plain, &[("1234.5", "1234.5"), ("1,234.5", "Shape")]);
    let both = [quoted(BaseType::Number, "1.234,56"), quoted(BaseType::Number, "1'234.56")];
    all(BaseType::Number, &both, &[("1.234,56", "1234.56"), ("1'234.56", "1234.56"), ("1.234", "1234")]);
}

#[test]
fn a_number_format_without_decimals_reads_none() {
    let format = |text| [quoted(BaseType::Number, text)];
    all(
        BaseType::Number,
        &format("1,234"),
        &[("1,234", "1234"), ("-1234", "-1234"), ("1.234", "Shape"), ("1,234.0", "Shape"), ("1,5", "Shape")],
    );
    all(BaseType::Number, &format("1.234"), &[("1.234", "1234"), ("1.5", "Shape"), ("1.234,5", "Shape")]);
    all(BaseType::Number, &format("1234"), &[("1234", "1234"), ("1234.5", "Shape"), ("1,234", "Shape")]);
    assert_eq!(
        rules(BaseType::Number, &format("1,234")).reason(Miss::Shape),
        "is not a number without decimals, written like 1,234"
    );
}

#[test]
fn fields_that_nothing_parts_have_all_their_digits() {
    let date = |text| [quoted(BaseType::Date, text)];
    for written in ["YYYYMMDD", "%Y%m%d"] {
        all(
            BaseType::Date,
            &date(written),
            &[
                ("20240111", "2024-01-11"),
                ("2024111", "Shape"),
                ("2024 0111", "Shape"),
                ("202401 1", "Shape"),
                ("2024011", "Shape"),
                ("202401111", "Shape"),
                ("20241301", "Shape"),
                ("20240230", "NoSuchDay"),
            ],
        );
    }
    all(BaseType::Date, &date("%d%m%Y"), &[("01022024", "2024-02-01"), ("1022024", "Shape")]);
    all(BaseType::Date, &date("%Y%j"), &[("2024032", "2024-02-01"), ("202432", "Shape")]);
    all(BaseType::Date, &date("%d%b%Y"), &[("1Feb2024", "2024-02-01"), ("01Feb2024", "2024-02-01")]);
    for written in ["DD/MM/YYYY", "D/M/YYYY"] {
        all(BaseType::Date, &date(written), &[("1/2/2024", "2024-02-01"), ("01/02/2024", "2024-02-01")]);
    }
    let time = |text| [quoted(BaseType::Datetime, text)];
    all(
        BaseType::Datetime,
        &time("%Y%m%dT%H%M%S%z"),
        &[("20240111T093005+0000", "2024-01-11T09:30:05Z"), ("20240111T93005+0000", "Shape")],
    );
    all(
        BaseType::Datetime,
        &time("%d.%m.%Y %H%M"),
        &[("1.2.2024 0930", "2024-02-01T08:30:00Z"), ("1.2.2024 930", "Shape"), ("1.2.20240930", "Shape")],
    );
    all(
        BaseType::Datetime,
        &time("YYYY-MM-DD HH:mm"),
        &[("2024-1-1 9:05", "2024-01-01T08:05:00Z"), ("2024-01-110:00", "Shape")],
    );
    all(
        BaseType::Datetime,
        &time("M/D/YYYY h:mm A"),
        &[("1/2/2024 9:05 PM", "2024-01-02T20:05:00Z"), ("01/02/2024 09:05 pm", "2024-01-02T20:05:00Z")],
    );
}

#[test]
fn booleans_are_known_by_their_pairs() {
    for text in ["true", "YES", "On", "1", "t", "Y", "checked"] {
        assert_eq!(read(BaseType::Boolean, &[], text), "true", "{text}");
    }
    for text in ["False", "no", "OFF", "0", "F", "n", "Unchecked"] {
        assert_eq!(read(BaseType::Boolean, &[], text), "false", "{text}");
    }
    all(BaseType::Boolean, &[], &[("2", "Shape"), ("maybe", "Shape"), ("truee", "Shape"), ("", "")]);
    all(
        BaseType::Boolean,
        &[quoted(BaseType::Boolean, "Ja/Nö")],
        &[("JA", "true"), ("nÖ", "false"), ("yes", "Shape")],
    );
}

#[test]
fn days_are_read_in_their_usual_shapes() {
    all(
        BaseType::Date,
        &[],
        &[
            ("2024-03-04", "2024-03-04"),
            ("2024/3/4", "2024-03-04"),
            ("2024.03.04", "2024-03-04"),
            ("03/04/2024", "~2024-03-04"),
            ("3-4-2024", "~2024-03-04"),
            ("04.04.2024", "2024-04-04"),
            ("13/04/2024", "2024-04-13"),
            ("04/13/2024", "2024-04-13"),
            ("2024-03-04T23:30:00Z", "2024-03-04"),
            ("2024-03-04 23:30:00-08:00", "2024-03-04"),
            ("03/13/2024 11:59 PM", "2024-03-13"),
            ("2024-02-30", "NoSuchDay"),
            ("30/02/2024", "NoSuchDay"),
            ("29/02/2023", "NoSuchDay"),
            ("13/13/2024", "NoSuchDay"),
            ("03/04/24", "Year"),
            ("24-03-04", "Year"),
            ("0000-01-01", "Year"),
            ("0024-01-01", "Year"),
            ("10000-01-01", "Year"),
            ("01/01/10000", "Year"),
            ("2024-03/04", "Shape"),
            ("2024-03-04x", "Shape"),
            ("2024-03-04 25:00", "NoSuchTime"),
            ("45355", "Shape"),
            ("20240304", "Shape"),
            ("SEPT2", "Shape"),
            ("٢٠٢٤-٠٣-٠٤", "Shape"),
        ],
    );
}

#[test]
fn declared_date_formats_are_tried_in_order() {
    let formats = [quoted(BaseType::Date, "%Y-%m-%d"), quoted(BaseType::Date, "%d/%m/%Y")];
    all(
        BaseType::Date,
        &formats,
        &[
            ("2024-03-04", "2024-03-04"),
            ("03/04/2024", "2024-04-03"),
            ("04/13/2024", "Shape"),
            ("24-03-04", "Year"),
            ("2024-02-30", "NoSuchDay"),
            ("2024-03-04 10:00", "Shape"),
        ],
    );
    all(
        BaseType::Date,
        &[Format::Excel],
        &[
            ("45355", "2024-03-04"),
            ("45355.75", "2024-03-04"),
            ("1", "1900-01-01"),
            ("59", "1900-02-28"),
            ("60", "Serial60"),
            ("60.5", "Serial60"),
            ("61", "1900-03-01"),
            ("0", "Year"),
            ("2958465", "9999-12-31"),
            ("2958466", "Year"),
            ("2024-03-04", "Shape"),
        ],
    );
    all(BaseType::Date, &[Format::Unix], &[("1709510400", "2024-03-04"), ("-99999999999999", "Year")]);
    all(BaseType::Date, &[Format::UnixMillis], &[("1709510400000", "2024-03-04")]);
    all(
        BaseType::Date,
        &[Format::Pattern("iso".into())],
        &[("2024-03-04", "2024-03-04"), ("2024/03/04", "Shape")],
    );
}

#[test]
fn instants_are_read_with_their_offset_or_as_local_time() {
    all(
        BaseType::Datetime,
        &[],
        &[
            ("2024-03-04T10:00:00Z", "2024-03-04T10:00:00Z"),
            ("2024-03-04T10:00:00+02:00", "2024-03-04T08:00:00Z"),
            ("2024-03-04 10:00:00 -0330", "2024-03-04T13:30:00Z"),
            ("2024-03-04T10:00:00.123456Z", "2024-03-04T10:00:00.123456Z"),
            ("2024-03-04T10:00:00.1234567Z", "TooFine"),
            ("2024-03-04T10:00", "2024-03-04T09:00:00Z"),
            ("2024-07-04 10:00:00", "2024-07-04T08:00:00Z"),
            ("2024-07-04", "2024-07-03T22:00:00Z"),
            ("03/04/2024 10:00", "~2024-03-04T09:00:00Z"),
            ("13.04.2024 1:05:06 PM", "2024-04-13T11:05:06Z"),
            ("04/13/2024 12:00am", "2024-04-12T22:00:00Z"),
            ("04/13/2024 13:00 PM", "NoSuchTime"),
            ("2024-03-31 02:30", "Gap"),
            ("2024-10-27 02:30", "Overlap"),
            ("2024-10-27T02:30:00+01:00", "2024-10-27T01:30:00Z"),
            ("2024-03-04T24:00", "NoSuchTime"),
            ("2024-03-04T10:00:60", "NoSuchTime"),
            ("2024-03-04T10", "Shape"),
            ("2024-03-04T10:00:00+2", "Shape"),
            ("2024-02-30T10:00", "NoSuchDay"),
            ("0000-01-01T00:00:00Z", "Year"),
            ("1709510400", "Shape"),
        ],
    );
    all(
        BaseType::Datetime,
        &[quoted(BaseType::Datetime, "%d/%m/%Y %H:%M")],
        &[
            ("03/04/2024 10:00", "2024-04-03T08:00:00Z"),
            ("31/03/2024 02:30", "Gap"),
            ("03/04/24 10:00", "Year"),
        ],
    );
    all(
        BaseType::Datetime,
        &[quoted(BaseType::Datetime, "%Y-%m-%d %H:%M %z")],
        &[("2024-03-04 10:00 +0200", "2024-03-04T08:00:00Z")],
    );
    all(
        BaseType::Datetime,
        &[Format::Excel],
        &[("45355.5", "2024-03-04T11:00:00Z"), ("45355.41666666666787933", "2024-03-04T09:00:00Z")],
    );
    all(BaseType::Datetime, &[Format::Unix], &[("1709510400.25", "2024-03-04T00:00:00.25Z")]);
    all(BaseType::Datetime, &[Format::UnixMillis], &[("1709510400250", "2024-03-04T00:00:00.25Z")]);
    all(
        BaseType::Datetime,
        &[Format::Pattern("iso".into())],
        &[("2024-03-04T10:00Z", "2024-03-04T10:00:00Z"), ("03/13/2024 10:00", "Shape")],
    );
}

#[test]
fn addresses_numbers_and_ids_are_brought_to_one_spelling() {
    all(
        BaseType::Email,
        &[],
        &[
            (" Ann@Example.COM ", "Ann@example.com"),
            ("ann@localhost", "Shape"),
            ("Ann <ann@example.com>", "Shape"),
            ("ann@example.com, bob@example.com", "Shape"),
            ("ann@[127.0.0.1]", "Shape"),
            ("ann", "Shape"),
            ("@example.com", "Shape"),
        ],
    );
    all(
        BaseType::PhoneNumber,
        &[],
        &[
            ("+49 30 123456", "+4930123456"),
            ("+1 (212) 555-2368", "+12125552368"),
            ("(212) 555-2368", "(212) 555-2368"),
            ("212.555.2368 x12", "212.555.2368 x12"),
            ("+1 2", "Shape"),
            ("12345", "Shape"),
            ("1234567890123456", "Shape"),
            ("call me", "Shape"),
            ("212-555-ABCD", "Shape"),
        ],
    );
    all(
        BaseType::Uuid,
        &[],
        &[
            ("67E55044-10B1-426F-9247-BB680E5FE0C8", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("67e5504410b1426f9247bb680e5fe0c8", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
            ("67e55044", "Shape"),
        ],
    );
}

#[test]
fn strings_stay_as_they_are_but_in_normal_form_c() {
    all(
        BaseType::String,
        &[],
        &[
            ("0870", "0870"),
            ("SEPT2", "SEPT2"),
            ("1E2", "1E2"),
            ("  a  ", "  a  "),
            ("e\u{301}", "é"),
            ("a\u{200b}b\u{202e}", "a\u{200b}b\u{202e}"),
            ("", ""),
        ],
    );
}

fn some_format() -> impl Strategy<Value = Vec<Format>> {
    let mut formats: Vec<Vec<Format>> =
        vec![vec![], vec![Format::Excel], vec![Format::Unix], vec![Format::UnixMillis]];
    for pattern in ["iso", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S%.f%:z", "%s", "%A %d %B %Y %I:%M %p"] {
        formats.push(vec![Format::Pattern(pattern.into())]);
    }
    formats.push(vec![quoted(BaseType::Number, "1 234,56"), quoted(BaseType::Boolean, "Ja/Nein")]);
    proptest::sample::select(formats)
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,40}", formats in some_format()) {
        for base in BaseType::ALL {
            let _ = read(base, &formats, &text);
        }
    }

    #[test]
    fn no_text_that_looks_like_a_value_makes_a_reader_panic(
        text in "[-+]?[0-9]{0,12}[-./,: T]?[0-9]{0,13}[-./,: T]?[0-9]{0,40}[ Tt]?[0-9:.,+Zapm -]{0,20}",
        formats in some_format(),
    ) {
        for base in BaseType::ALL {
            let _ = read(base, &formats, &text);
        }
    }

    #[test]
    fn a_format_never_panics(text in "(\\PC{0,20}|[%YmdHMSyfzsQ:.0-9 -]{0,20})", quoted in any::<bool>()) {
        for base in BaseType::ALL {
            let _ = Format::parse(base, &text, quoted);
        }
    }
}
