#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;

fn field(ty: FieldType) -> FieldSchema {
    FieldSchema { name: "f".into(), ty, required: false, unique: false, options: Vec::new() }
}

fn money(code: &str) -> FieldType {
    FieldType::Money { currency: code.into() }
}

fn number_of(text: &str) -> Value {
    Value::Number(text.parse().unwrap())
}

fn text_of(text: &str) -> Value {
    Value::Text(text.into())
}

fn every_field_type() -> Vec<FieldType> {
    use FieldType::*;
    vec![
        Text,
        Longtext,
        Email,
        Phonenumber,
        Integer,
        Decimal,
        money("USD"),
        Date,
        Datetime,
        Checkbox,
        Dropdown,
        Radio,
        Status,
        Checkboxes,
        Dynamictags,
        Rating,
        Relationship { object: "o".into() },
        Yesnomaybe,
        Timezone,
    ]
}

fn sample(base: BaseType) -> Value {
    match base {
        BaseType::String => text_of("yes"),
        BaseType::Number => Value::Number(3.into()),
        BaseType::Boolean => Value::Boolean(true),
        BaseType::Date => Value::Date(jiff::civil::date(2024, 3, 4)),
        BaseType::Datetime => Value::Datetime(jiff::Timestamp::UNIX_EPOCH),
        BaseType::Email => text_of("a@b.de"),
        BaseType::PhoneNumber => text_of("+4930123456"),
        BaseType::Uuid => Value::Uuid(uuid::Uuid::nil()),
    }
}

#[test]
fn what_the_checker_lets_pass_fits_at_run_time() {
    for ty in every_field_type() {
        for base in BaseType::ALL {
            if fits(DataType::one(base), &ty).is_ok() && ty != FieldType::Timezone {
                assert!(fit(sample(base), &field(ty.clone())).is_ok(), "{base:?} into {ty:?}");
            }
        }
    }
}

#[test]
fn the_checker_names_the_types_that_fit() {
    let help = fits(DataType::one(BaseType::String), &FieldType::Email).unwrap_err();
    assert_eq!(help, "an email field takes a variable of type `email`, not `string`");
    assert!(
        fits(DataType::one(BaseType::String), &FieldType::Phonenumber)
            .unwrap_err()
            .contains("`phone_number`")
    );
    assert!(fits(DataType::one(BaseType::Datetime), &FieldType::Date).is_err());
    assert!(fits(DataType::one(BaseType::Date), &FieldType::Datetime).is_err());
    let strings = DataType { base: BaseType::String, array: true };
    assert!(fits(strings, &FieldType::Checkboxes).is_ok());
    assert!(fits(strings, &FieldType::Text).is_err());
    assert!(fits(DataType { base: BaseType::Number, array: true }, &FieldType::Dynamictags).is_err());
    assert!(fits(DataType::one(BaseType::Boolean), &FieldType::Yesnomaybe).is_ok());
}

#[test]
fn numbers_are_never_rounded_into_a_field() {
    use ProblemCode::*;
    for (ty, text, expected) in [
        (FieldType::Integer, "12.00", Ok("12")),
        (FieldType::Integer, "12.5", Err(TooManyDecimals)),
        (FieldType::Integer, "9223372036854775807", Ok("9223372036854775807")),
        (FieldType::Integer, "9223372036854775808", Err(NumberTooLarge)),
        (FieldType::Rating, "5", Ok("5")),
        (FieldType::Rating, "6", Err(DoesNotFit)),
        (FieldType::Rating, "0", Err(DoesNotFit)),
        (FieldType::Rating, "1.5", Err(DoesNotFit)),
        (FieldType::Decimal, "1.123456789012", Ok("1.123456789012")),
        (money("USD"), "1.50", Ok("1.5")),
        (money("USD"), "1.505", Err(TooManyDecimals)),
        (money("JPY"), "1.5", Err(TooManyDecimals)),
        (money("JPY"), "1.0", Ok("1")),
        (money("KWD"), "1.505", Ok("1.505")),
        (money("KWD"), "1.5055", Err(TooManyDecimals)),
    ] {
        let got = fit(number_of(text), &field(ty.clone()));
        match expected {
            Ok(value) => assert_eq!(got.unwrap().to_string(), value, "{text} into {ty:?}"),
            Err(code) => {
                let problem = got.unwrap_err();
                assert_eq!((problem.code, problem.name.as_str()), (code, "f"), "{text} into {ty:?}");
                assert!(problem.message.starts_with("f: \""), "{}", problem.message);
            }
        }
    }
}

#[test]
fn texts_lists_and_words_become_what_the_field_holds() {
    let list = Value::List(vec![text_of("a"), text_of("b"), text_of("a")]);
    let one = Value::List(vec![text_of("a")]);
    let both = Value::List(vec![text_of("a"), text_of("b")]);
    assert_eq!(fit(list.clone(), &field(FieldType::Checkboxes)), Ok(both));
    assert_eq!(fit(text_of("a"), &field(FieldType::Dynamictags)), Ok(one));
    assert!(fit(list.clone(), &field(FieldType::Text)).is_err());
    assert!(fit(text_of(&"é".repeat(255)), &field(FieldType::Text)).is_ok());
    let long = text_of(&"é".repeat(256));
    assert_eq!(fit(long.clone(), &field(FieldType::Text)).unwrap_err().code, ProblemCode::DoesNotFit);
    assert!(fit(long.clone(), &field(FieldType::Longtext)).is_ok());
    assert_eq!(fit(number_of("1.50"), &field(FieldType::Text)), Ok(text_of("1.5")));
    assert_eq!(fit(text_of("Maybe"), &field(FieldType::Yesnomaybe)), Ok(text_of("maybe")));
    assert_eq!(fit(Value::Boolean(false), &field(FieldType::Yesnomaybe)), Ok(text_of("no")));
    assert!(fit(text_of("perhaps"), &field(FieldType::Yesnomaybe)).is_err());
    assert_eq!(fit(text_of("Europe/Berlin"), &field(FieldType::Timezone)), Ok(text_of("Europe/Berlin")));
    assert!(fit(text_of("Europe/Nowhere"), &field(FieldType::Timezone)).is_err());
    assert_eq!(fit(text_of(""), &field(FieldType::Integer)), Ok(Value::Null));
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let relationship = field(FieldType::Relationship { object: "o".into() });
    assert_eq!(fit(text_of(id), &relationship), Ok(Value::Uuid(id.parse().unwrap())));
    assert!(fit(text_of("x"), &relationship).is_err());
}

#[test]
fn currencies_are_known_by_their_code() {
    for (code, decimals) in
        [("USD", Some(2)), ("JPY", Some(0)), ("BHD", Some(3)), ("CLF", Some(4)), ("XYZ", None)]
    {
        assert_eq!(currency_decimals(code), decimals, "{code}");
    }
    assert_eq!(currency_decimals(""), None);
    assert_eq!(currency_decimals("usd"), None);
}

#[test]
fn a_literal_is_read_as_its_type() {
    let one = DataType::one;
    let read = |base, kind| literal_value(one(base), kind, None, &[], &jiff::tz::TimeZone::UTC);
    assert_eq!(read(BaseType::String, Literal::Text("price list")), Ok(text_of("price list")));
    assert_eq!(read(BaseType::Number, Literal::Number("-1.5")), Ok(number_of("-1.5")));
    assert_eq!(read(BaseType::Number, Literal::Text("1,234")), Ok(number_of("1234")));
    assert_eq!(read(BaseType::Boolean, Literal::Boolean(true)), Ok(Value::Boolean(true)));
    assert_eq!(read(BaseType::Date, Literal::Text("2024-03-04")), Ok(sample(BaseType::Date)));
    assert!(read(BaseType::Date, Literal::Text("03/04/2024")).unwrap_err().contains("year first"));
    assert!(read(BaseType::Number, Literal::Boolean(true)).unwrap_err().contains("type number is wanted"));
    assert!(read(BaseType::String, Literal::Number("5")).unwrap_err().contains("\"5\""));
    assert!(read(BaseType::Number, Literal::Text("abc")).unwrap_err().contains("1,234.56"));
    let tags = DataType { base: BaseType::String, array: true };
    assert_eq!(
        literal_value(tags, Literal::Text("new"), None, &[], &jiff::tz::TimeZone::UTC),
        Ok(Value::List(vec![text_of("new")]))
    );
}

/// What a field makes of a value: the value, or the kind of problem and its sentence.
type Fitted = Result<&'static str, (ProblemCode, &'static str)>;

fn instant() -> Value {
    Value::Datetime("2024-03-04T10:00:00Z".parse().unwrap())
}

#[test]
fn every_field_takes_what_it_holds_and_says_why_it_does_not() {
    use FieldType::*;
    use ProblemCode::{DoesNotFit, NotAUuid, NumberTooLarge, TooManyDecimals};
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let day = || sample(BaseType::Date);
    let list = || Value::List(vec![text_of("b"), text_of("a"), text_of("b"), text_of("")]);
    let long = text_of(&"ü".repeat(256));
    let table: Vec<(FieldType, Value, Fitted)> = vec![
        (Text, text_of(" a "), Ok(" a ")),
        (Text, number_of("1.50"), Ok("1.5")),
        (Text, Value::Boolean(true), Ok("true")),
        (Text, day(), Ok("2024-03-04")),
        (Text, instant(), Ok("2024-03-04T10:00:00Z")),
        (Text, sample(BaseType::Email), Ok("a@b.de")),
        (Text, sample(BaseType::PhoneNumber), Ok("+4930123456")),
        (Text, sample(BaseType::Uuid), Ok("00000000-0000-0000-0000-000000000000")),
        (
            Text,
            long.clone(),
            Err((DoesNotFit, "has 256 characters; a text field takes 255, a longtext field any")),
        ),
        (Text, list(), Err((DoesNotFit, "does not fit a text field"))),
        (Longtext, number_of("-0.10"), Ok("-0.1")),
        (Longtext, list(), Err((DoesNotFit, "does not fit a longtext field"))),
        (Email, sample(BaseType::Email), Ok("a@b.de")),
        (Email, number_of("1"), Err((DoesNotFit, "\"1\" does not fit an email field"))),
        (Phonenumber, sample(BaseType::PhoneNumber), Ok("+4930123456")),
        (Phonenumber, number_of("1"), Err((DoesNotFit, "\"1\" does not fit a phonenumber field"))),
        (Integer, number_of("-3.0"), Ok("-3")),
        (Integer, number_of("-9223372036854775808"), Ok("-9223372036854775808")),
        (
            Integer,
            number_of("-9223372036854775809"),
            Err((NumberTooLarge, "is beyond what an integer field takes (64 bits)")),
        ),
        (
            Integer,
            number_of("9223372036854775808"),
            Err((NumberTooLarge, "\"9223372036854775808\" is beyond")),
        ),
        (
            Integer,
            number_of("0.1"),
            Err((
                TooManyDecimals,
                "has decimals; an integer field takes whole numbers, and nothing is rounded",
            )),
        ),
        (Integer, text_of("3"), Err((DoesNotFit, "\"3\" does not fit an integer field"))),
        (Decimal, number_of("99999999999999999999999999"), Ok("99999999999999999999999999")),
        (Decimal, number_of("0.000000000001"), Ok("0.000000000001")),
        (Decimal, Value::Boolean(true), Err((DoesNotFit, "\"true\" does not fit a decimal field"))),
        (money("USD"), number_of("-1.10"), Ok("-1.1")),
        (
            money("USD"),
            number_of("3.999"),
            Err((TooManyDecimals, "has 3 decimals; USD takes at most 2 decimals, and nothing is rounded")),
        ),
        (money("JPY"), number_of("3.9"), Err((TooManyDecimals, "has 1 decimals; JPY takes no decimals"))),
        (money("CLF"), number_of("1.2345"), Ok("1.2345")),
        (money("USD"), text_of("1"), Err((DoesNotFit, "\"1\" does not fit a money field"))),
        (Date, day(), Ok("2024-03-04")),
        (Date, instant(), Err((DoesNotFit, "\"2024-03-04T10:00:00Z\" does not fit a date field"))),
        (Datetime, instant(), Ok("2024-03-04T10:00:00Z")),
        (Datetime, day(), Err((DoesNotFit, "\"2024-03-04\" does not fit a datetime field"))),
        (Checkbox, Value::Boolean(false), Ok("false")),
        (Checkbox, text_of("yes"), Err((DoesNotFit, "\"yes\" does not fit a checkbox field"))),
        (Dropdown, text_of("new"), Ok("new")),
        (Dropdown, list(), Err((DoesNotFit, "does not fit a dropdown field"))),
        (Dropdown, number_of("1"), Err((DoesNotFit, "\"1\" does not fit a dropdown field"))),
        (Radio, text_of("new"), Ok("new")),
        (Radio, Value::Boolean(true), Err((DoesNotFit, "\"true\" does not fit a radio field"))),
        (Status, text_of("new"), Ok("new")),
        (Status, day(), Err((DoesNotFit, "\"2024-03-04\" does not fit a status field"))),
        (Checkboxes, text_of("a, b"), Ok("a, b")),
        (Checkboxes, list(), Ok("b; a")),
        (Checkboxes, number_of("1"), Err((DoesNotFit, "\"1\" does not fit a checkboxes field"))),
        (Dynamictags, text_of("a"), Ok("a")),
        (Dynamictags, list(), Ok("b; a")),
        (Dynamictags, Value::Boolean(true), Err((DoesNotFit, "\"true\" does not fit a dynamictags field"))),
        (Rating, number_of("1"), Ok("1")),
        (Rating, number_of("5.00"), Ok("5")),
        (Rating, number_of("-1"), Err((DoesNotFit, "\"-1\" is not a whole number from 1 to 5"))),
        (Rating, number_of("4.5"), Err((DoesNotFit, "\"4.5\" is not a whole number from 1 to 5"))),
        (Rating, number_of("99999999999999999999"), Err((DoesNotFit, "is not a whole number from 1 to 5"))),
        (Rating, text_of("5"), Err((DoesNotFit, "\"5\" does not fit a rating field"))),
        (Relationship { object: "o".into() }, Value::Uuid(id.parse().unwrap()), Ok(id)),
        (Relationship { object: "o".into() }, text_of(id), Ok(id)),
        (
            Relationship { object: "o".into() },
            text_of("ACM"),
            Err((NotAUuid, "\"ACM\" is not the id of a record")),
        ),
        (
            Relationship { object: "o".into() },
            number_of("1"),
            Err((DoesNotFit, "\"1\" does not fit a relationship field")),
        ),
        (Yesnomaybe, text_of(" MAYBE "), Ok("maybe")),
        (Yesnomaybe, Value::Boolean(true), Ok("yes")),
        (Yesnomaybe, text_of("y"), Err((DoesNotFit, "\"y\" is not yes, no or maybe"))),
        (Yesnomaybe, number_of("1"), Err((DoesNotFit, "\"1\" does not fit a yesnomaybe field"))),
        (Timezone, text_of("europe/berlin"), Ok("Europe/Berlin")),
        (Timezone, text_of("UTC"), Ok("UTC")),
        (
            Timezone,
            text_of("CEST"),
            Err((DoesNotFit, "\"CEST\" is not the name of a time zone such as Europe/Berlin")),
        ),
        (Timezone, number_of("1"), Err((DoesNotFit, "\"1\" does not fit a timezone field"))),
    ];
    for (ty, value, expected) in &table {
        match (fit(value.clone(), &field(ty.clone())), expected) {
            (Ok(fitted), Ok(text)) => assert_eq!(fitted.to_string(), *text, "{value:?} into {ty:?}"),
            (Err(problem), Err((code, says))) => {
                assert_eq!((problem.code, problem.name.as_str()), (*code, "f"), "{value:?} into {ty:?}");
                assert!(problem.message.contains(says), "{value:?} into {ty:?}: {}", problem.message);
                assert!(value.to_string().starts_with(problem.text.trim_end_matches('…')), "{problem:?}");
            }
            (found, _) => panic!("{value:?} into {ty:?}: {found:?}, not {expected:?}"),
        }
    }
    // Of each type something fits and something does not, save that any text is one.
    for ty in every_field_type() {
        let of = |fits: bool| table.iter().any(|(t, _, r)| *t == ty && r.is_ok() == fits);
        assert!(of(true) && of(false), "{ty:?} is not in the table");
        for blank in [Value::Null, text_of(""), Value::List(vec![])] {
            assert_eq!(fit(blank.clone(), &field(ty.clone())), Ok(Value::Null), "{ty:?}");
        }
    }
}

#[test]
fn the_checker_lets_in_the_types_of_the_reference_and_no_others() {
    use FieldType::*;
    let relationship = Relationship { object: "o".into() };
    for ty in every_field_type() {
        let takes: &[&str] = match &ty {
            Text | Longtext => {
                &["string", "number", "boolean", "date", "datetime", "email", "phone_number", "uuid"]
            }
            Email => &["email"],
            Phonenumber => &["phone_number"],
            Integer | Decimal | Money { .. } | Rating => &["number"],
            Date => &["date"],
            Datetime => &["datetime"],
            Checkbox => &["boolean"],
            Dropdown | Radio | Status | Timezone => &["string"],
            Checkboxes | Dynamictags => &["string", "string[]"],
            Yesnomaybe => &["string", "boolean"],
            Relationship { .. } => &["uuid"],
        };
        for base in BaseType::ALL {
            for array in [false, true] {
                let variable = DataType { base, array };
                let found = fits(variable, &ty);
                assert_eq!(
                    found.is_ok(),
                    takes.contains(&variable.to_string().as_str()),
                    "{variable} into {ty:?}"
                );
                if let Err(why) = found {
                    assert!(why.contains(&format!("`{}`", takes[0])), "{why}");
                    assert!(why.ends_with(&format!("not `{variable}`")), "{why}");
                }
            }
        }
    }
    let why = fits(DataType::one(BaseType::String), &relationship).unwrap_err();
    assert_eq!(why, "a relationship field takes a variable of type `uuid`, not `string`");
}
