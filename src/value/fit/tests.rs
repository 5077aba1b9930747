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
                assert!(fit(&sample(base), &field(ty.clone())).is_ok(), "{base:?} into {ty:?}");
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
        let got = fit(&number_of(text), &field(ty.clone()));
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
    assert_eq!(fit(&list, &field(FieldType::Checkboxes)), Ok(both));
    assert_eq!(fit(&text_of("a"), &field(FieldType::Dynamictags)), Ok(one));
    assert!(fit(&list, &field(FieldType::Text)).is_err());
    assert!(fit(&text_of(&"é".repeat(255)), &field(FieldType::Text)).is_ok());
    let long = text_of(&"é".repeat(256));
    assert_eq!(fit(&long, &field(FieldType::Text)).unwrap_err().code, ProblemCode::DoesNotFit);
    assert!(fit(&long, &field(FieldType::Longtext)).is_ok());
    assert_eq!(fit(&number_of("1.50"), &field(FieldType::Text)), Ok(text_of("1.5")));
    assert_eq!(fit(&text_of("Maybe"), &field(FieldType::Yesnomaybe)), Ok(text_of("maybe")));
    assert_eq!(fit(&Value::Boolean(false), &field(FieldType::Yesnomaybe)), Ok(text_of("no")));
    assert!(fit(&text_of("perhaps"), &field(FieldType::Yesnomaybe)).is_err());
    assert_eq!(fit(&text_of("Europe/Berlin"), &field(FieldType::Timezone)), Ok(text_of("Europe/Berlin")));
    assert!(fit(&text_of("Europe/Nowhere"), &field(FieldType::Timezone)).is_err());
    assert_eq!(fit(&text_of(""), &field(FieldType::Integer)), Ok(Value::Null));
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let relationship = field(FieldType::Relationship { object: "o".into() });
    assert_eq!(fit(&text_of(id), &relationship), Ok(Value::Uuid(id.parse().unwrap())));
    assert!(fit(&text_of("x"), &relationship).is_err());
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
