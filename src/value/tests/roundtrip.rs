//! What is printed is read back as the same value, whatever the format.

use super::format;
use crate::value::{
    BaseType, FieldSchema, FieldType, Format, Problem, Rules, Value, date_of_days, days_of_date, fit,
    mantissa,
};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// Every set of marks, by the number that shows it.
const NUMBERS: [&str; 15] = [
    "1,234.56",
    "1.234,56",
    "1 234,56",
    "1 234.56",
    "1'234.56",
    "1\u{2019}234.56",
    "1\u{a0}234,56",
    "1\u{202f}234,56",
    "1\u{2009}234,56",
    "1234.56",
    "1234,56",
    "1,234",
    "1.234",
    "1234",
    "1 234",
];

const DAYS: [&str; 16] = [
    "iso",
    "unix",
    "unix_ms",
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%b %d, %Y",
    "%d %B %Y",
    "%A, %e %B %Y",
    "%j/%Y",
    "%F",
    "YYYY/MM/DD",
    "DD-MM-YYYY",
    "%Y-%m-%d %H:%M",
];

/// Formats that say the instant, whatever the clocks do.
const INSTANTS: [&str; 4] = ["iso", "unix", "unix_ms", "%Y-%m-%dT%H:%M:%S%.f%:z"];

/// Formats that say what the clocks show, to the second.
const CLOCKS: [&str; 6] = [
    "excel",
    "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %T",
    "DD.MM.YYYY HH:mm:ss",
    "%b %d %Y %H:%M:%S",
];

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Cairo",
];

fn reader(base: BaseType, format: &Format, zone: &TimeZone) -> Rules {
    Rules::new(base, vec![format.clone()], zone.clone())
}

fn without_format(base: BaseType) -> Rules {
    Rules::new(base, Vec::new(), TimeZone::UTC)
}

/// Numbers of up to 28 digits, 26 before the point and 12 after it.
fn number() -> impl Strategy<Value = Decimal> {
    (-10i128.pow(28) + 1..10i128.pow(28), 0u32..=12, 0u32..28).prop_filter_map(
        "26 digits",
        |(n, scale, fewer)| {
            let n = n / 10i128.pow(fewer);
            (n.unsigned_abs() < 10u128.pow(26 + scale)).then(|| Decimal::from_i128_with_scale(n, scale))
        },
    )
}

/// Seconds of this and the last century, as zones had odd offsets before.
fn second() -> impl Strategy<Value = i64> {
    // Around changes of the clocks, too.
    prop_oneof![
        -631_152_000i64..4_102_444_800,
        1_729_980_000i64..1_730_000_000,
        1_711_840_000i64..1_711_850_000
    ]
}

proptest! {
    #[test]
    fn a_number_is_read_back_to_the_last_digit(number in number()) {
        let value = Value::Number(number);
        prop_assert_eq!(without_format(BaseType::Number).read(&value.to_string()), Some(value.clone()));
        for written in NUMBERS {
            let format = format(BaseType::Number, written);
            let text = format.print(&value, &TimeZone::UTC);
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
            prop_assert_eq!(digits(&text), digits(&number.normalize().to_string()), "{} by {}", number, written);
            let whole = matches!(format, Format::Number { decimal: None, .. });
            let expected = (!whole || number.fract().is_zero()).then(|| value.clone());
            prop_assert_eq!(reader(BaseType::Number, &format, &TimeZone::UTC).read(&text), expected, "{}", text);
        }
        // And a column of numbers has room for it.
        prop_assert!(mantissa(number).is_some());
    }

    #[test]
    fn long_and_short_texts_of_a_number_are_read_alike(text in "[0-9]{0,21}([.][0-9]{0,14})?") {
        // With so many zeros the text is past the short way of reading.
        let long = format!("{}{text}", "0".repeat(24));
        let bare = text.starts_with('.') || text.is_empty();
        prop_assume!(!bare);
        let read = |text: &str| without_format(BaseType::Number).value(text);
        prop_assert_eq!(read(&text), read(&long));
        prop_assert_eq!(read(&format!("-{text}")), read(&format!("-{long}")));
    }

    #[test]
    fn a_day_is_read_back(days in -354_285i32..2_932_897) {
        let day = date_of_days(days).unwrap();
        prop_assert_eq!(days_of_date(day), days);
        let value = Value::Date(day);
        prop_assert_eq!(without_format(BaseType::Date).read(&value.to_string()), Some(value.clone()));
        for written in DAYS {
            let format = format(BaseType::Date, written);
            // A day has no zone.
            let zone = TimeZone::get("America/New_York").unwrap();
            let text = format.print(&value, &zone);
            prop_assert_eq!(reader(BaseType::Date, &format, &zone).read(&text), Some(value.clone()), "{} by {}", text, written);
        }
        if days >= days_of_date(jiff::civil::date(1900, 1, 1)) {
            let text = Format::Excel.print(&value, &TimeZone::UTC);
            prop_assert_eq!(reader(BaseType::Date, &Format::Excel, &TimeZone::UTC).read(&text), Some(value));
        }
    }

    #[test]
    fn an_instant_is_read_back(second in second(), micros in 0i64..1_000_000, zone in prop::sample::select(&ZONES[..])) {
        let zone = TimeZone::get(zone).unwrap();
        let exact = Value::Datetime(Timestamp::from_microsecond(second * 1_000_000 + micros).unwrap());
        prop_assert_eq!(without_format(BaseType::Datetime).read(&exact.to_string()), Some(exact.clone()));
        for written in INSTANTS {
            let format = format(BaseType::Datetime, written);
            let text = format.print(&exact, &zone);
            prop_assert_eq!(reader(BaseType::Datetime, &format, &zone).read(&text), Some(exact.clone()), "{} by {}", text, written);
        }
        let instant = Timestamp::from_second(second).unwrap();
        let ambiguous = zone.to_ambiguous_timestamp(zone.to_datetime(instant)).offset();
        for written in CLOCKS {
            let format = format(BaseType::Datetime, written);
            let text = format.print(&Value::Datetime(instant), &zone);
            let read = reader(BaseType::Datetime, &format, &zone).read(&text);
            // The clocks show some times twice.
            let expected = matches!(ambiguous, AmbiguousOffset::Unambiguous { .. }).then_some(Value::Datetime(instant));
            prop_assert_eq!(read, expected, "{} by {}", text, written);
        }
    }

    #[test]
    fn what_fits_a_field_is_the_same_value(value in value(), field in field()) {
        match fit(value.clone(), &field) {
            Err(Problem { name, message, .. }) => {
                prop_assert_eq!(&name, "f");
                prop_assert!(message.starts_with("f: \""), "{}", message);
            }
            Ok(fitted) => {
                prop_assert_eq!(fit(fitted.clone(), &field), Ok(fitted.clone()), "what fits, fits again");
                let same = match &field.ty {
                    FieldType::Yesnomaybe | FieldType::Timezone => true,
                    FieldType::Checkboxes | FieldType::Dynamictags => match (&value, &fitted) {
                        (Value::List(before), Value::List(after)) => before.iter().all(|v| after.contains(v)),
                        (one, Value::List(after)) => after == std::slice::from_ref(one),
                        _ => fitted == Value::Null && value.is_blank(),
                    },
                    _ => fitted.to_string() == value.to_string(),
                };
                prop_assert!(same, "{:?} became {:?} in {:?}", value, fitted, field.ty);
            }
        }
    }
}

#[test]
fn a_boolean_is_read_back() {
    for value in [true, false].map(Value::Boolean) {
        assert_eq!(without_format(BaseType::Boolean).read(&value.to_string()), Some(value.clone()));
        for written in Format::words(BaseType::Boolean).into_iter().chain(["Ja/Nein", "Oui/Non", "✓/✗"]) {
            let format = format(BaseType::Boolean, written);
            let text = format.print(&value, &TimeZone::UTC);
            let reader = reader(BaseType::Boolean, &format, &TimeZone::UTC);
            for text in [text.clone(), text.to_uppercase(), text.to_lowercase()] {
                assert_eq!(reader.read(&text), Some(value.clone()), "{text} by {written}");
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["\\PC{0,12}", "(yes|No|MAYBE|Europe/Berlin|europe/paris|UTC)", "x{250,260}"];
    let one = prop_oneof![
        text.clone().prop_map(Value::Text),
        number().prop_map(Value::Number),
        (-2i64..8).prop_map(|n| Value::Number(n.into())),
        any::<bool>().prop_map(Value::Boolean),
        (0i32..40_000).prop_map(|d| Value::Date(date_of_days(d).unwrap())),
        second().prop_map(|s| Value::Datetime(Timestamp::from_second(s).unwrap())),
        any::<u128>().prop_map(|n| Value::Uuid(uuid::Uuid::from_u128(n))),
        Just(Value::Null),
    ];
    let list = prop::collection::vec("[a-c]{1,2}".prop_map(Value::Text), 0..6).prop_map(Value::List);
    prop_oneof![4 => one, 1 => list]
}

fn field() -> impl Strategy<Value = FieldSchema> {
    use FieldType::*;
    let types = vec![
        Text,
        Longtext,
        Email,
        Phonenumber,
        Integer,
        Decimal,
        Date,
        Datetime,
        Checkbox,
        Dropdown,
        Radio,
        Status,
        Checkboxes,
        Dynamictags,
        Rating,
        Yesnomaybe,
        Timezone,
        Money { currency: "USD".into() },
        Money { currency: "JPY".into() },
        Relationship { object: "o".into() },
    ];
    prop::sample::select(types).prop_map(|ty| FieldSchema {
        name: "f".into(),
        ty,
        required: false,
        unique: false,
        options: Vec::new(),
    })
}
