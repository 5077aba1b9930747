#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::value::Value;
use jiff::tz::TimeZone;

const UTC: TimeZone = TimeZone::UTC;

#[test]
fn a_number_format_is_shown_by_an_example() {
    for (text, thousands, decimal, written) in [
        ("1,234.56", Some(','), Some('.'), "\"1,234.56\""),
        ("1.234,56", Some('.'), Some(','), "\"1.234,56\""),
        ("1 234,56", Some(' '), Some(','), "\"1 234,56\""),
        ("1'234.56", Some('\''), Some('.'), "\"1'234.56\""),
        ("1234.56", None, Some('.'), "\"1234.56\""),
        ("1234,56", None, Some(','), "\"1234,56\""),
        ("1,234", Some(','), None, "\"1,234\""),
        ("1.234", Some('.'), None, "\"1.234\""),
        ("1234", None, None, "\"1234\""),
    ] {
        let format = Format::parse(BaseType::Number, text, true).unwrap();
        assert_eq!(format, Format::Number { thousands, decimal }, "{text}");
        assert_eq!(format.to_string(), written);
    }
    for text in ["", "12,34", "1,234,56", "1.234.56", "abc", "1_234", "1234.567", "é"] {
        let error = Format::parse(BaseType::Number, text, true).unwrap_err();
        assert!(error.help.contains("1.234,56"), "{text}: {error:?}");
    }
    assert!(Format::parse(BaseType::Number, "1234", false).is_err());
}

#[test]
fn a_boolean_format_is_a_word_or_a_pair() {
    for word in Format::words(BaseType::Boolean) {
        let format = Format::parse(BaseType::Boolean, word, false).unwrap();
        assert_eq!(format.to_string(), word);
    }
    let pair = Format::parse(BaseType::Boolean, "Ja/Nein", true).unwrap();
    assert_eq!(pair, Format::Boolean { yes: "Ja".into(), no: "Nein".into() });
    assert_eq!(pair.to_string(), "\"Ja/Nein\"");
    let error = Format::parse(BaseType::Boolean, "yesno", false).unwrap_err();
    assert!(error.help.contains("`yes_no`"), "{error:?}");
    let error = Format::parse(BaseType::Boolean, "yes_no", true).unwrap_err();
    assert!(error.help.contains("without quotes"), "{error:?}");
    assert!(Format::parse(BaseType::Boolean, "x/X", true).is_err());
}

#[test]
fn a_date_format_is_a_word_a_pattern_or_a_name_of_the_parts() {
    for (text, pattern) in [
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("YYYY-MM-DD", "%Y-%m-%d"),
        ("MM/DD/YYYY", "%m/%d/%Y"),
        ("DD.MM.YYYY", "%d.%m.%Y"),
        ("DD MMM YYYY", "%d %b %Y"),
        ("%F", "%F"),
        ("%d/%m/%y", "%d/%m/%y"),
        ("D/M/YYYY", "%-d/%-m/%Y"),
        ("MMMM D, YYYY", "%B %-d, %Y"),
        ("Day D: DD.MM.YYYY", "Day %-d: %d.%m.%Y"),
    ] {
        assert_eq!(Format::parse(BaseType::Date, text, true), Ok(Format::Pattern(pattern.into())), "{text}");
    }
    for (text, pattern) in [
        ("YYYY-MM-DD HH:MM:SS", "%Y-%m-%d %H:%M:%S"),
        ("DD.MM.YYYY HH:mm", "%d.%m.%Y %H:%M"),
        ("MM/DD/YYYY hh:mm A", "%m/%d/%Y %I:%M %p"),
        ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z"),
        ("%s", "%s"),
        ("D.M.YYYY H:mm", "%-d.%-m.%Y %-H:%M"),
        ("M/D/YYYY h:mm A", "%-m/%-d/%Y %-I:%M %p"),
        ("DD/MM/YYYY HH h mm", "%d/%m/%Y %H h %M"),
        ("YYYY-MM-DDTHH:mm:ss", "%Y-%m-%dT%H:%M:%S"),
    ] {
        assert_eq!(
            Format::parse(BaseType::Datetime, text, true),
            Ok(Format::Pattern(pattern.into())),
            "{text}"
        );
    }
    for word in ["iso", "excel", "unix", "unix_ms"] {
        assert_eq!(Format::parse(BaseType::Date, word, false).unwrap().to_string(), word);
        assert!(Format::parse(BaseType::Date, word, true).is_err());
    }
}

#[test]
fn a_pattern_must_say_the_whole_day_and_for_a_datetime_the_hour() {
    for (base, text, word) in [
        (BaseType::Date, "%m/%Y", "no day"),
        (BaseType::Date, "%d/%Y", "no month"),
        (BaseType::Date, "%d/%m", "no year"),
        (BaseType::Datetime, "%Y-%m-%d", "no hour"),
        (BaseType::Date, "day", "not a date pattern"),
        (BaseType::Date, "%Y-%m-%d %!", "cannot be used"),
        (BaseType::Datetime, "%Y-%m-%d %I:%M", "before or after noon"),
        (BaseType::Datetime, "YYYY-MM-DD hh:mm:ss", "before or after noon"),
        (BaseType::Date, "DD-MON-YYYY", "no month"),
        (BaseType::Date, "%Y%-m%-d", "cannot be used"),
    ] {
        let error = Format::parse(base, text, true).unwrap_err();
        assert!(error.message.contains(word), "{text}: {error:?}");
    }
    let help = |base, text| Format::parse(base, text, true).unwrap_err().help;
    assert_eq!(
        help(BaseType::Datetime, "YYYY-MM-DD hh:mm:ss"),
        "`hh` counts the hours to 12: write `HH`, or add `A` where the file has AM or PM"
    );
    assert_eq!(
        help(BaseType::Datetime, "%Y-%m-%d %I:%M"),
        "`%I` counts the hours to 12: write `%H`, or add `%p` where the file has AM or PM"
    );
    assert_eq!(
        help(BaseType::Date, "DD-MON-YYYY"),
        "a date needs day, month and year, such as \"DD/MM/YYYY\"; the parts are YYYY, MM or M, MMM for Jan, \
         MMMM for January, DD or D"
    );
    assert_eq!(help(BaseType::Date, "%d/%m"), "a date needs day, month and year, such as \"%d/%m/%Y\"");
    let error = Format::parse(BaseType::Date, "exel", false).unwrap_err();
    assert!(error.help.contains("`excel`"), "{error:?}");
}

#[test]
fn types_without_formats_say_so() {
    for base in [BaseType::String, BaseType::Email, BaseType::PhoneNumber, BaseType::Uuid] {
        assert!(Format::parse(base, "iso", false).unwrap_err().message.contains("no formats"));
        assert!(Format::words(base).is_empty());
    }
}

#[test]
fn values_are_printed_as_the_format_writes_them() {
    let number = |text| Format::parse(BaseType::Number, text, true).unwrap();
    let big = Value::Number("-1234567.5".parse().unwrap());
    assert_eq!(number("1.234,56").print(&big, &UTC), "-1.234.567,5");
    assert_eq!(number("1234.56").print(&big, &UTC), "-1234567.5");
    // Nothing is rounded.
    assert_eq!(number("1,234").print(&big, &UTC), "-1,234,567.5");
    assert_eq!(number("1.234").print(&big, &UTC), "-1.234.567,5");
    assert_eq!(number("1,234.56").print(&Value::Number(123.into()), &UTC), "123");
    let yes_no = Format::parse(BaseType::Boolean, "yes_no", false).unwrap();
    assert_eq!(yes_no.print(&Value::Boolean(false), &UTC), "No");
    let day = Value::Date(jiff::civil::date(2024, 3, 4));
    assert_eq!(Format::Pattern("%d/%m/%Y".into()).print(&day, &UTC), "04/03/2024");
    assert_eq!(Format::Pattern("iso".into()).print(&day, &UTC), "2024-03-04");
    assert_eq!(Format::Excel.print(&day, &UTC), "45355");
    assert_eq!(Format::Excel.print(&Value::Date(jiff::civil::date(1900, 1, 1)), &UTC), "1");
    assert_eq!(Format::Unix.print(&day, &UTC), "1709510400");
    let instant = Value::Datetime("2024-03-04T12:00:00.5Z".parse().unwrap());
    assert_eq!(Format::UnixMillis.print(&instant, &UTC), "1709553600500");
    assert_eq!(Format::Unix.print(&instant, &UTC), "1709553600.5");
    assert_eq!(
        Format::Excel.print(&Value::Datetime("2024-03-04T12:00:00Z".parse().unwrap()), &UTC),
        "45355.5"
    );
    assert_eq!(Format::Excel.print(&Value::Text("x".into()), &UTC), "x");
    assert_eq!(
        yes_no.print(&Value::List(vec![Value::Boolean(true), Value::Boolean(false)]), &UTC),
        "Yes; No"
    );
}
