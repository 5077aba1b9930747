#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::value::arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListBuilder, StringArray,
    StringViewArray, TimestampMicrosecondArray,
};
use crate::value::{DataType, Format, Split, cell};
use jiff::tz::TimeZone;

fn spec(ty: &str) -> VariableSpec {
    let base = BaseType::from_name(ty.trim_end_matches("[]")).unwrap();
    VariableSpec {
        name: "v".into(),
        source: Source::Column("v".into()),
        ty: DataType { base, array: ty.ends_with("[]") },
        required: false,
        split: ty.ends_with("[]").then_some(Split::At(';')),
        formats: Vec::new(),
        output: None,
        timezone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn run(spec: &VariableSpec, column: &ArrayRef) -> (Vec<String>, Vec<CellProblem>) {
    let mut resolver = Resolver::new(spec);
    resolver.survey(column);
    let resolved = resolver.resolve(Some(column), column.len());
    assert_eq!(resolved.array.data_type(), &column_type(spec.ty));
    assert_eq!(resolved.array.len(), column.len());
    let values = (0..column.len()).map(|row| cell(resolved.array.as_ref(), row).to_string()).collect();
    (values, resolved.problems)
}

#[test]
fn every_type_resolves_a_text_column_and_tells_of_what_does_not_fit() {
    for (ty, good, expected, bad, code) in [
        ("number", "1,234.50", "1234.5", "1.234,56", ProblemCode::NotANumber),
        ("boolean", "Yes", "true", "maybe", ProblemCode::NotABoolean),
        ("date", "2024-03-04", "2024-03-04", "2024-02-30", ProblemCode::NotADate),
        ("datetime", "2024-03-04 10:00", "2024-03-04T09:00:00Z", "x", ProblemCode::NotADatetime),
        ("datetime", "2024-03-04", "2024-03-03T23:00:00Z", "2024-03-31 02:30", ProblemCode::AmbiguousTime),
        ("email", "a@B.de", "a@b.de", "a", ProblemCode::NotAnEmail),
        ("phone_number", "+49 30 123456", "+4930123456", "1", ProblemCode::NotAPhoneNumber),
        ("number", "1", "1", "0.1234567890123", ProblemCode::TooManyDecimals),
        ("number", "1", "1", "12345678901234567890123456789", ProblemCode::NumberTooLarge),
        (
            "uuid",
            "67E55044-10B1-426F-9247-BB680E5FE0C8",
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
            "7",
            ProblemCode::NotAUuid,
        ),
    ] {
        let (values, problems) = run(&spec(ty), &texts(&[good, bad, "  "]));
        assert_eq!(values, [expected, "", ""], "{ty}");
        assert_eq!(problems.len(), 1, "{ty}: {problems:?}");
        let told = &problems[0];
        assert_eq!((told.row, told.taken, told.problem.code), (1, false, code), "{ty}");
        assert_eq!((told.problem.name.as_str(), told.problem.text.as_str()), ("v", bad));
        assert!(told.problem.message.starts_with(&format!("v: \"{bad}\" ")), "{}", told.problem.message);
    }
    let (_, problems) = run(&spec("number"), &texts(&["1.234,56"]));
    assert_eq!(problems[0].problem.message, "v: \"1.234,56\" is not a number written like 1,234.56");
}

#[test]
fn a_string_stays_as_it_came_and_empty_text_is_no_value() {
    let (values, problems) = run(&spec("string"), &texts(&["0870", " x ", "", "e\u{301}"]));
    assert_eq!(values, ["0870", " x ", "", "é"]);
    assert!(problems.is_empty());
    let column = texts(&["a", "", "b"]);
    assert_eq!(Resolver::new(&spec("string")).resolve(Some(&column), 3).array.null_count(), 1);
}

#[test]
fn a_required_variable_wants_a_value_on_every_row() {
    let mut wanted = spec("number");
    wanted.required = true;
    let (_, problems) = run(&wanted, &texts(&["1", "", "x"]));
    let told: Vec<_> = problems.iter().map(|p| (p.row, p.problem.code)).collect();
    assert_eq!(told, [(1, ProblemCode::Required), (2, ProblemCode::NotANumber)]);
}

#[test]
fn the_whole_column_settles_the_order_of_day_and_month() {
    let dates = |values: &[&str]| run(&spec("date"), &texts(values));
    assert_eq!(dates(&["03/04/2024", "13/04/2024"]).0, ["2024-04-03", "2024-04-13"]);
    assert_eq!(dates(&["03/04/2024", "04/13/2024"]).0, ["2024-03-04", "2024-04-13"]);
    assert!(dates(&["03/04/2024", "13/04/2024"]).1.is_empty());
    let (values, problems) = dates(&["03/04/2024", "05/05/2024", "13/04/2024", "04/14/2024"]);
    assert_eq!(values, ["2024-03-04", "2024-05-05", "2024-04-13", "2024-04-14"]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].taken && problems[0].problem.code == ProblemCode::AmbiguousDate);
    let mut declared = spec("date");
    declared.formats = vec![Format::Pattern("%d/%m/%Y".into())];
    assert!(!Resolver::new(&declared).wants_survey());
    assert!(Resolver::new(&spec("datetime")).wants_survey());
    assert!(!Resolver::new(&spec("number")).wants_survey());
}

#[test]
fn a_survey_counts_over_all_batches() {
    let mut resolver = Resolver::new(&spec("date"));
    let (first, second) = (texts(&["03/04/2024"]), texts(&["31/12/2024"]));
    resolver.survey(&first);
    resolver.survey(&second);
    let resolved = resolver.resolve(Some(&first), 1);
    assert_eq!(cell(resolved.array.as_ref(), 0).to_string(), "2024-04-03");
}

#[test]
fn lists_are_split_trimmed_and_without_doubles() {
    let mut list = spec("string[]");
    assert_eq!(run(&list, &texts(&["a; b;;a ;c", "", " ; "])).0, ["a; b; c", "", ""]);
    let column = texts(&[" ; "]);
    assert_eq!(Resolver::new(&list).resolve(Some(&column), 1).array.null_count(), 1);
    list.split = Some(Split::Braces);
    let (values, problems) = run(&list, &texts(&["{a}{b}{}", "{a} {b}", "a", "{a", "{a{b}}"]));
    assert_eq!(values, ["a; b", "a; b", "", "", ""]);
    assert!(problems.iter().all(|p| p.problem.code == ProblemCode::NotAList) && problems.len() == 3);
    list.split = Some(Split::Brackets);
    assert_eq!(run(&list, &texts(&["[a][b]"])).0, ["a; b"]);
    let (values, problems) = run(&spec("number[]"), &texts(&["1; 2.50;1.0", "1;x"]));
    assert_eq!(values, ["1; 2.5", ""]);
    assert_eq!(problems[0].problem.code, ProblemCode::NotANumber);
    assert_eq!(problems[0].problem.text, "1;x");
    assert!(problems[0].problem.message.contains("\"x\""), "{:?}", problems[0]);
    assert_eq!(run(&spec("date[]"), &texts(&["2024-03-04;2024-03-05"])).0, ["2024-03-04; 2024-03-05"]);
    assert_eq!(run(&spec("datetime[]"), &texts(&["2024-03-04T00:00:00Z"])).0, ["2024-03-04T00:00:00Z"]);
    assert_eq!(run(&spec("boolean[]"), &texts(&["yes;no"])).0, ["true; false"]);
}

#[test]
fn typed_columns_from_sql_are_taken_as_what_they_are() {
    let ints: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993, -1]));
    assert_eq!(run(&spec("number"), &ints).0, ["9007199254740993", "-1"]);
    assert_eq!(run(&spec("string"), &ints).0, ["9007199254740993", "-1"]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 1e21, f64::NAN, -2.50]));
    let (values, problems) = run(&spec("number"), &floats);
    assert_eq!(values, ["0.1", "1000000000000000000000", "", "-2.5"]);
    assert_eq!(problems.len(), 1);
    let decimals: ArrayRef =
        Arc::new(Decimal128Array::from(vec![1250, -300]).with_precision_and_scale(10, 2).unwrap());
    assert_eq!(run(&spec("number"), &decimals).0, ["12.5", "-3"]);
    assert_eq!(run(&spec("string"), &decimals).0, ["12.5", "-3"]);
    let mut german = spec("number");
    german.formats = vec![Format::Number { thousands: Some('.'), decimal: Some(',') }];
    assert_eq!(run(&german, &decimals).0, ["12.5", "-3"]);
    let booleans: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    assert_eq!(run(&spec("boolean"), &booleans).0, ["true", "false"]);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 19_786]));
    assert_eq!(run(&spec("date"), &days).0, ["1970-01-01", "2024-03-04"]);
    assert_eq!(run(&spec("datetime"), &days).0, ["1969-12-31T23:00:00Z", "2024-03-03T23:00:00Z"]);
    assert_eq!(run(&spec("string"), &days).0, ["1970-01-01", "2024-03-04"]);
    let local: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_709_589_600_000_001]));
    assert_eq!(run(&spec("datetime"), &local).0, ["2024-03-04T21:00:00.000001Z"]);
    assert_eq!(run(&spec("date"), &local).0, ["2024-03-04"]);
    let instant: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![1_709_589_600_000_000]).with_timezone("UTC"));
    assert_eq!(run(&spec("datetime"), &instant).0, ["2024-03-04T22:00:00Z"]);
    let zoned: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![1_709_589_600_000_000]).with_timezone("Asia/Tokyo"));
    assert_eq!(run(&spec("datetime"), &zoned).0, ["2024-03-04T22:00:00Z"]);
    assert_eq!(run(&spec("date"), &zoned).0, ["2024-03-05"]);
    let mut unix = spec("datetime");
    unix.formats = vec![Format::Unix];
    let seconds: ArrayRef = Arc::new(Int64Array::from(vec![1_709_510_400]));
    assert_eq!(run(&unix, &seconds).0, ["2024-03-04T00:00:00Z"]);
    let views: ArrayRef = Arc::new(StringViewArray::from(vec!["e\u{301}", "2"]));
    assert_eq!(run(&spec("string"), &views).0, ["é", "2"]);
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("a;b"), None, Some(" c "), Some("")]);
    lists.append_null();
    let lists: ArrayRef = Arc::new(lists.finish());
    assert_eq!(run(&spec("string[]"), &lists).0, ["a;b; c", ""]);
    assert_eq!(run(&spec("string[]"), &lists.slice(1, 1)).0, [""]);
    assert_eq!(run(&spec("string[]"), &lists.slice(0, 1)).0, ["a;b; c"]);
}

#[test]
fn a_literal_stands_on_every_row() {
    let mut fixed = spec("number");
    fixed.source = Source::Literal(Value::Number(7.into()));
    let resolved = Resolver::new(&fixed).resolve(None, 3);
    assert_eq!(resolved.array.len(), 3);
    assert_eq!(cell(resolved.array.as_ref(), 2), Value::Number(7.into()));
}

#[test]
fn long_texts_are_cut_in_messages() {
    let long = "é".repeat(5000);
    let (_, problems) = run(&spec("number"), &texts(&[&long]));
    assert_eq!(problems[0].problem.text.chars().count(), 200);
    assert!(problems[0].problem.message.chars().count() < 300);
}
