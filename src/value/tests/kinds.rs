//! Every type with every way that the reference says its texts may be written.

use super::{format, resolve, variable};
use crate::value::{BaseType, Literal, Rules, Split, Value, literal_value};
use jiff::tz::TimeZone;

const BERLIN: &str = "Europe/Berlin";

/// Each text, read as a type without a format, gives that canonical text.
#[track_caller]
fn read_as(ty: &str, table: &[(&str, &str)]) {
    for (text, expected) in table {
        let (values, problems) = resolve(&variable(ty, BERLIN), &[text]);
        assert_eq!(values, [*expected], "{text:?} as {ty}: {problems:?}");
    }
}

#[test]
fn every_type_by_its_own_rules() {
    read_as("string", &[("any text, ünïcode", "any text, ünïcode"), ("  ", "  ")]);
    read_as(
        "number",
        &[
            ("1234.56", "1234.56"),
            ("1,234.56", "1234.56"),
            ("1,234", "1234"),
            ("1234", "1234"),
            ("-3", "-3"),
            ("+3", "3"),
            (" 3 ", "3"),
        ],
    );
    for (yes, no) in [
        ("true", "false"),
        ("True", "False"),
        ("TRUE", "FALSE"),
        ("yes", "no"),
        ("Yes", "No"),
        ("on", "off"),
        ("On", "Off"),
        ("1", "0"),
        ("t", "f"),
        ("T", "F"),
        ("y", "n"),
        ("Y", "N"),
        ("checked", "unchecked"),
        ("Checked", "Unchecked"),
        (" yes ", " no "),
    ] {
        read_as("boolean", &[(yes, "true"), (no, "false")]);
    }
    for day in [
        "2024-12-31",
        "2024/12/31",
        "2024.12.31",
        "12/31/2024",
        "12-31-2024",
        "12.31.2024",
        "31/12/2024",
        "31-12-2024",
        "31.12.2024",
        " 2024-12-31 ",
        "2024-12-31T18:30:00Z",
        "2024-12-31 18:30",
        "31.12.2024 6:30 PM",
    ] {
        read_as("date", &[(day, "2024-12-31")]);
    }
    for (time, instant) in [
        ("2024-12-31", "2024-12-30T23:00:00Z"),
        ("2024-12-31T18:30", "2024-12-31T17:30:00Z"),
        ("2024-12-31 18:30", "2024-12-31T17:30:00Z"),
        ("2024-12-31 18:30:15.5", "2024-12-31T17:30:15.5Z"),
        ("2024-12-31 6:30 PM", "2024-12-31T17:30:00Z"),
        ("2024-12-31 6:30pm", "2024-12-31T17:30:00Z"),
        ("12/31/2024 18:30", "2024-12-31T17:30:00Z"),
        ("31.12.2024 18:30", "2024-12-31T17:30:00Z"),
        ("2024/12/31 18:30", "2024-12-31T17:30:00Z"),
        ("2024-12-31T18:30:00Z", "2024-12-31T18:30:00Z"),
        ("2024-12-31T18:30:00+02:00", "2024-12-31T16:30:00Z"),
        ("2024-12-31T18:30:00+0200", "2024-12-31T16:30:00Z"),
        ("2024-12-31T18:30:00+02", "2024-12-31T16:30:00Z"),
        ("2024-07-31 18:30", "2024-07-31T16:30:00Z"),
    ] {
        read_as("datetime", &[(time, instant)]);
    }
    read_as("email", &[("Ann.Lee@Example.COM", "Ann.Lee@example.com"), ("jörg@bücher.de", "jörg@bücher.de")]);
    read_as("phone_number", &[("+1 (212) 555-2368", "+12125552368"), ("(212) 555-2368", "(212) 555-2368")]);
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    read_as(
        "uuid",
        &[(id, id), (&id.to_uppercase(), id), (&id.replace('-', ""), id), (&format!("{{{id}}}"), id)],
    );
}

#[test]
fn every_format_reads_and_prints() {
    let number = Value::Number("1234.5".parse().unwrap());
    let whole = Value::Number(1234.into());
    let day = Value::Date(jiff::civil::date(2024, 12, 31));
    let instant = Value::Datetime("2024-12-31T17:30:00Z".parse().unwrap());
    let yes = Value::Boolean(true);
    for (value, base, written, text) in [
        (&number, BaseType::Number, "1,234.56", "1,234.5"),
        (&number, BaseType::Number, "1.234,56", "1.234,5"),
        (&number, BaseType::Number, "1 234,56", "1 234,5"),
        (&number, BaseType::Number, "1'234.56", "1'234.5"),
        (&number, BaseType::Number, "1234.56", "1234.5"),
        (&number, BaseType::Number, "1234,56", "1234,5"),
        (&whole, BaseType::Number, "1,234", "1,234"),
        (&whole, BaseType::Number, "1.234", "1.234"),
        (&whole, BaseType::Number, "1234", "1234"),
        (&yes, BaseType::Boolean, "true_false", "True"),
        (&yes, BaseType::Boolean, "yes_no", "Yes"),
        (&yes, BaseType::Boolean, "on_off", "On"),
        (&yes, BaseType::Boolean, "one_zero", "1"),
        (&yes, BaseType::Boolean, "t_f", "t"),
        (&yes, BaseType::Boolean, "y_n", "y"),
        (&yes, BaseType::Boolean, "checked_unchecked", "checked"),
        (&yes, BaseType::Boolean, "Ja/Nein", "Ja"),
        (&day, BaseType::Date, "iso", "2024-12-31"),
        (&day, BaseType::Date, "excel", "45657"),
        (&day, BaseType::Date, "unix", "1735603200"),
        (&day, BaseType::Date, "unix_ms", "1735603200000"),
        (&day, BaseType::Date, "%d/%m/%Y", "31/12/2024"),
        (&day, BaseType::Date, "%d %b %Y", "31 Dec 2024"),
        (&day, BaseType::Date, "DD.MM.YYYY", "31.12.2024"),
        (&instant, BaseType::Datetime, "iso", "2024-12-31T18:30:00+01:00"),
        (&instant, BaseType::Datetime, "excel", "45657.7708333333"),
        (&instant, BaseType::Datetime, "unix", "1735666200"),
        (&instant, BaseType::Datetime, "unix_ms", "1735666200000"),
        (&instant, BaseType::Datetime, "%d/%m/%Y %H:%M", "31/12/2024 18:30"),
        (&instant, BaseType::Datetime, "%Y-%m-%d %H:%M %z", "2024-12-31 18:30 +0100"),
        (&instant, BaseType::Datetime, "%m/%d/%Y %I:%M %p", "12/31/2024 06:30 PM"),
        (&instant, BaseType::Datetime, "YYYY-MM-DD HH:mm", "2024-12-31 18:30"),
    ] {
        let mut spec = variable(base.name(), BERLIN);
        spec.output = Some(format(base, written));
        assert_eq!(spec.print(value), text, "{written}");
        let reader = Rules::new(base, vec![format(base, written)], spec.timezone.clone());
        assert_eq!(reader.read(text).as_ref(), Some(value), "{text} by {written}");
        spec.output = None;
        assert_eq!(spec.print(value), value.to_string());
    }
}

#[test]
fn an_instant_is_printed_as_the_clocks_of_the_zone_show_it() {
    for (zone, written, instant, text) in [
        (BERLIN, "%d.%m.%Y %H:%M", "2024-07-01T10:00:00Z", "01.07.2024 12:00"),
        (BERLIN, "%d.%m.%Y %H:%M", "2024-12-31T23:30:00Z", "01.01.2025 00:30"),
        // The clocks go forward at 01:00 UTC, and back on 27 October.
        (BERLIN, "%H:%M %d.%m.%Y", "2024-03-31T00:59:00Z", "01:59 31.03.2024"),
        (BERLIN, "%H:%M %d.%m.%Y", "2024-03-31T01:00:00Z", "03:00 31.03.2024"),
        (BERLIN, "%H:%M %d.%m.%Y", "2024-10-27T00:30:00Z", "02:30 27.10.2024"),
        (BERLIN, "%H:%M %d.%m.%Y", "2024-10-27T01:30:00Z", "02:30 27.10.2024"),
        (BERLIN, "iso", "2024-10-27T00:30:00Z", "2024-10-27T02:30:00+02:00"),
        (BERLIN, "iso", "2024-10-27T01:30:00.25Z", "2024-10-27T02:30:00.25+01:00"),
        (BERLIN, "excel", "2024-07-01T10:00:00Z", "45474.5"),
        (BERLIN, "unix", "2024-07-01T10:00:00Z", "1719828000"),
        ("America/New_York", "%m/%d/%Y %I:%M %p", "2024-07-04T03:15:00Z", "07/03/2024 11:15 PM"),
        ("Asia/Kolkata", "%Y-%m-%d %H:%M", "2024-07-04T18:45:00Z", "2024-07-05 00:15"),
        ("UTC", "%Y-%m-%d %H:%M", "2024-07-04T18:45:00Z", "2024-07-04 18:45"),
        ("UTC", "iso", "2024-07-04T18:45:00Z", "2024-07-04T18:45:00Z"),
    ] {
        let mut spec = variable("datetime", zone);
        let value = Value::Datetime(instant.parse().unwrap());
        assert_eq!(spec.print(&value), value.to_string(), "canonical without a format");
        spec.output = Some(format(BaseType::Datetime, written));
        assert_eq!(spec.print(&value), text, "{instant} in {zone} by {written}");
        let list = Value::List(vec![value.clone(), value]);
        assert_eq!(spec.print(&list), format!("{text}; {text}"));
        assert_eq!(spec.print(&Value::Null), "");
    }
}

#[test]
fn a_variable_keeps_its_zone_where_the_plan_is_written_down() {
    let spec = variable("datetime", BERLIN);
    let json = serde_json::to_string(&spec).unwrap();
    assert!(json.contains("\"timezone\":\"Europe/Berlin\""), "{json}");
    assert_eq!(serde_json::from_str::<crate::value::VariableSpec>(&json).unwrap(), spec);
}

#[test]
fn every_separator_makes_a_list() {
    for (split, text) in [
        (",", "a, b,,a"),
        (";", "a;b ;"),
        ("|", "a|b"),
        ("\t", "a\tb"),
        ("{}", "{a}{ b }{}"),
        ("[]", "[a] [b]"),
    ] {
        let mut spec = variable("string[]", "UTC");
        spec.split = Split::from_text(split);
        assert_eq!(resolve(&spec, &[text]), (vec!["a; b".to_owned()], vec![]), "{split}");
    }
    assert_eq!(Split::from_text("/"), None);
    for (ty, text, expected) in [
        ("number[]", "1; 2.50;1.0", "1; 2.5"),
        ("date[]", "2024-12-31;31/12/2024;2025-01-01", "2024-12-31; 2025-01-01"),
        ("datetime[]", "2024-12-31T18:30Z;2024-12-31 18:30", "2024-12-31T18:30:00Z; 2024-12-31T17:30:00Z"),
        ("email[]", "a@b.DE; c@d.de", "a@b.de; c@d.de"),
        ("phone_number[]", "+49 30 901820;(212) 555-2368", "+4930901820; (212) 555-2368"),
        ("uuid[]", "67E55044-10B1-426F-9247-BB680E5FE0C8", "67e55044-10b1-426f-9247-bb680e5fe0c8"),
    ] {
        read_as(ty, &[(text, expected)]);
    }
    // Doubles are found among few and among many.
    let many: Vec<String> = (0..100).chain(0..100).map(|n| n.to_string()).collect();
    let once = many[..100].join("; ");
    read_as("number[]", &[(&many.join(";"), &once)]);
}

#[test]
fn every_type_has_literals() {
    let berlin = TimeZone::get(BERLIN).unwrap();
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    for (ty, literal, expected) in [
        ("string", Literal::Text("price list"), "price list"),
        ("number", Literal::Number("12.50"), "12.5"),
        ("number", Literal::Text("1,234.5"), "1234.5"),
        ("boolean", Literal::Boolean(true), "true"),
        ("boolean", Literal::Text("no"), "false"),
        ("date", Literal::Text("2026-04-30"), "2026-04-30"),
        // In the connector's zone, as a file's would be.
        ("datetime", Literal::Text("2026-04-30 17:45"), "2026-04-30T15:45:00Z"),
        ("datetime", Literal::Text("2026-04-30T17:45Z"), "2026-04-30T17:45:00Z"),
        ("email", Literal::Text("a@Example.com"), "a@example.com"),
        ("phone_number", Literal::Text("+49 30 901820"), "+4930901820"),
        ("uuid", Literal::Text(id), id),
        ("string[]", Literal::Text("new; sale;new"), "new; sale"),
        ("number[]", Literal::Number("3"), "3"),
        ("number[]", Literal::Text("1;2"), "1; 2"),
        ("date[]", Literal::Text("2026-04-30;2026-05-01"), "2026-04-30; 2026-05-01"),
    ] {
        let spec = variable(ty, BERLIN);
        let value = literal_value(spec.ty, literal, spec.split, &[], &berlin);
        assert_eq!(value.map(|v| v.to_string()), Ok(expected.to_owned()), "{literal:?} as {ty}");
    }
    for (ty, literal, says) in [
        ("string", Literal::Number("5"), "write \"5\""),
        ("string", Literal::Boolean(true), "a value of type string is wanted"),
        ("number", Literal::Text("many"), "\"many\" is not a number"),
        ("boolean", Literal::Number("1"), "write true or false"),
        ("date", Literal::Text("03/04/2024"), "write it with the year first"),
        ("datetime", Literal::Text("2024-03-31 02:30"), "does not exist in Europe/Berlin"),
        ("email", Literal::Text("ann"), "\"ann\" is not an e-mail address"),
        ("phone_number", Literal::Text("1"), "is not a telephone number"),
        ("uuid", Literal::Text("7"), "is not a UUID"),
        ("number[]", Literal::Text("1;x"), "\"x\" is not a number"),
    ] {
        let spec = variable(ty, BERLIN);
        let why = literal_value(spec.ty, literal, spec.split, &[], &berlin).unwrap_err();
        assert!(why.contains(says), "{literal:?} as {ty}: {why}");
    }
    let braces = Some(Split::Braces);
    let why = literal_value(variable("string[]", BERLIN).ty, Literal::Text("a"), braces, &[], &berlin);
    assert_eq!(why, Err("\"a\" is not a list written like {a}{b}".into()));
}
