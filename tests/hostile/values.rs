//! Values that other loaders round, cut, guess or shift: all of them in one file.

use super::{Desk, assert_says};
use crate::common::{Run, check, counts, sql};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

const VALUES: &str = r#"
connector values {
  name     "Values"
  trigger  spreadsheet
  timezone "Europe/Berlin"
}

object things "Things" {
  name:   text required
  code:   text unique
  amount: decimal
  whole:  integer
  price:  money USD
  day:    date
  at:     datetime
  shown:  text
}

input list {
  case:  "Case"
  kind:  "Kind"
  value: "Value"
}

scope codes {
  sql { SELECT * FROM input.list WHERE kind = 'code' }
  case:  string required
  value: string required
}
scope amounts {
  sql { SELECT * FROM input.list WHERE kind = 'amount' }
  case:  string required
  value: number required
}
scope wholes {
  sql { SELECT * FROM input.list WHERE kind = 'whole' }
  case:  string required
  value: number required
}
scope prices {
  sql { SELECT * FROM input.list WHERE kind = 'price' }
  case:  string required
  value: number required
}
scope days {
  sql { SELECT * FROM input.list WHERE kind = 'day' }
  case:  string required
  value: date required
}
scope either {
  sql { SELECT * FROM input.list WHERE kind = 'either' }
  case:  string required
  value: date required
}
scope times {
  sql { SELECT * FROM input.list WHERE kind = 'time' }
  case:  string required
  value: datetime required
  shown: datetime from value output "%d.%m.%Y %H:%M"
}

load codes   into things { match code with value  map { name <- case  code   <- value } }
load amounts into things { match name with case   map { name <- case  amount <- value } }
load wholes  into things { match name with case   map { name <- case  whole  <- value } }
load prices  into things { match name with case   map { name <- case  price  <- value } }
load days    into things { match name with case   map { name <- case  day    <- value } }
load either  into things { match name with case   map { name <- case  day    <- value } }
load times   into things {
  match name with case
  map {
    name  <- case
    at    <- value
    shown <- [case, shown] join " at "
  }
}
"#;

/// Name, kind and text of each value; the row's action; the code of its one error or warning.
const CASES: &[(&str, &str, &str, &str, &str)] = &[
    ("18", "code", "0870", "created", ""),
    ("30 a", "code", "SEPT2", "created", ""),
    ("30 b", "code", "1E2", "created", ""),
    ("31 a", "code", "Caf\u{e9}", "created", ""),
    ("31 b", "code", "Cafe\u{301}", "unchanged", ""),
    ("32", "code", "\u{5e9}\u{200b}\u{202e}x\u{feff}", "created", ""),
    ("19", "amount", "1.234,56", "errored", "not_a_number"),
    ("20 a", "amount", "NaN", "errored", "not_a_number"),
    ("20 b", "amount", "inf", "errored", "not_a_number"),
    ("20 c", "amount", "1e5", "errored", "not_a_number"),
    ("21", "amount", "9007199254740993", "created", ""),
    ("22 a", "amount", "123456789012345678901234567", "errored", "number_too_large"),
    ("23 a", "amount", "0.1234567890123", "errored", "too_many_decimals"),
    ("23 b", "amount", "0.123456789012", "created", ""),
    ("24 a", "amount", "\u{661}\u{662}\u{663}", "errored", "not_a_number"),
    ("24 b", "amount", "1\u{2009}234", "errored", "not_a_number"),
    ("21 whole", "whole", "9007199254740993", "created", ""),
    ("22 b", "whole", "9223372036854775807", "created", ""),
    ("22 c", "whole", "9223372036854775808", "created", "number_too_large"),
    ("23 c", "whole", "1.5", "created", "too_many_decimals"),
    ("23 d", "price", "3.999", "created", "too_many_decimals"),
    ("26 a", "day", "30/02/2024", "errored", "not_a_date"),
    ("26 b", "day", "13/04/24", "errored", "not_a_date"),
    ("28 a", "day", "2024-03-31", "created", ""),
    ("28 b", "day", "2024-03-31T23:59:00-11:00", "created", ""),
    ("29 a", "day", "0000-01-01", "errored", "not_a_date"),
    ("29 b", "day", "10000-01-01", "errored", "not_a_date"),
    // A day over 12 in the same column settles it, also one that no month has.
    ("25 settled", "day", "03/04/2024", "created", ""),
    ("25", "either", "03/04/2024", "created", "ambiguous_date"),
    ("27 a", "time", "2024-03-31 02:30", "errored", "ambiguous_time"),
    ("27 b", "time", "2024-10-27 02:30", "errored", "ambiguous_time"),
    ("27 c", "time", "2024-10-27T02:30:00+01:00", "created", ""),
    ("28 c", "time", "2024-07-01", "created", ""),
    ("28 d", "time", "2024-12-31T23:30:00Z", "created", ""),
];

fn csv() -> String {
    let rows = CASES.iter().map(|(case, kind, text, ..)| format!("{case},{kind},\"{text}\"\n"));
    std::iter::once("Case,Kind,Value\n".to_owned()).chain(rows).collect()
}

/// A row's line, action, and what was told of it.
struct Decision {
    line: i64,
    action: String,
    told: Vec<Value>,
}

/// The decisions of a run.
fn decisions(run: &Run) -> Vec<Decision> {
    let file = std::fs::File::open(run.out.join("decisions.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        let field = |name: &str| row.get_column_iter().find(|(n, _)| *n == name).unwrap().1.clone();
        let text = |name: &str| match field(name) {
            Field::Str(text) => text,
            other => panic!("{name}: {other}"),
        };
        let list = |name: &str| serde_json::from_str::<Vec<Value>>(&text(name)).unwrap();
        let Field::Long(line) = field("source_line") else { panic!("a row without a line: {row}") };
        Decision { line, action: text("action"), told: [list("errors"), list("warnings")].concat() }
    })
    .collect()
}

fn assert_decided(run: &Run, creates: &str) {
    let decisions = decisions(run);
    assert_eq!(decisions.len(), CASES.len());
    for (n, (case, _, text, action, code)) in CASES.iter().enumerate() {
        let line = i64::try_from(n).unwrap() + 2;
        let found = decisions.iter().find(|d| d.line == line).unwrap_or_else(|| panic!("{case}: no row"));
        let action = if *action == "created" { creates } else { *action };
        assert_eq!(found.action, action, "{case}: {:?}", found.told);
        // Two variables of one text are two problems.
        let mut codes: Vec<&str> = found.told.iter().map(|p| p["code"].as_str().unwrap()).collect();
        codes.dedup();
        let expected: Vec<&str> = Some(*code).filter(|c| !c.is_empty()).into_iter().collect();
        assert_eq!(codes, expected, "{case}: {:?}", found.told);
        for problem in &found.told {
            assert_eq!(problem["text"], *text, "{case}: the text as it came");
            let message = problem["message"].as_str().unwrap();
            let shown = text.replace('\u{2009}', "\\u{2009}");
            assert!(message.contains(&format!("\"{shown}\"")), "{case}: {message}");
        }
    }
}

#[test]
fn each_is_exact_or_told_with_its_line_and_text() {
    let desk = Desk::new();
    let connector = desk.file("values.sconn", VALUES);
    let file = desk.file("list.csv", csv());
    let (code, findings) = check(&connector);
    assert_eq!(code, 1);
    assert_says(&findings, &["`value` does not say whether the day or the month comes first"]);
    let dry = desk.with(&connector, &[&file], &[]);
    assert_decided(&dry, "created");
    assert!(!desk.has_store());
    let live = desk.live(&connector, &[&file]);
    assert_eq!(live.code, 1, "{}", live.stdout);
    assert_decided(&live, "created");
    let query =
        "SELECT name, coalesce(code, amount, whole, price, day, shown, '-') FROM things ORDER BY name";
    let stored = sql(desk.path(), query);
    assert_eq!(
        stored,
        [
            "18|0870",
            "21|9007199254740993",
            "21 whole|9007199254740993",
            "22 b|9223372036854775807",
            "22 c|-",
            "23 b|0.123456789012",
            "23 c|-",
            "23 d|-",
            "25|2024-03-04",
            "25 settled|2024-04-03",
            "27 c|27 c at 27.10.2024 02:30",
            "28 a|2024-03-31",
            "28 b|2024-03-31",
            "28 c|28 c at 01.07.2024 00:00",
            "28 d|28 d at 01.01.2025 00:30",
            "30 a|SEPT2",
            "30 b|1E2",
            "31 a|Caf\u{e9}",
            "32|\u{5e9}\u{200b}\u{202e}x\u{feff}",
        ]
    );
    let again = desk.live(&connector, &[&file]);
    assert_decided(&again, "unchanged");
    assert_eq!(sql(desk.path(), query), stored);
}

const TIMES: &str = r#"
connector times {
  name     "Times"
  trigger  spreadsheet
  timezone "Europe/Berlin"
}

type us_date = date format "%m/%d/%Y"

param day: us_date

object events "Events" {
  name:  text required
  plain: text
  at:    datetime
  since: datetime
  until: datetime
  day:   date
  tags:  dynamictags
}

input list { at: "At" }

scope events {
  sql { SELECT at, $day AS day FROM input.list }
  at:    datetime
  shown: datetime from at output "%d.%m.%Y %H:%M"
  since: datetime = "2024-07-01 12:00"
  day:   date
  tags:  string[] split ";" = "new; hot"
}

load events into events {
  match name with shown
  map {
    name  <- shown
    plain <- [at, shown] join " = "
    at    <- at
    since <- since
    until <- "2024-12-01 12:00"
    day   <- day
    tags  <- tags
  }
}
"#;

#[test]
fn local_times_are_those_of_the_connector_wherever_they_are_written() {
    let desk = Desk::new();
    let connector = desk.file("times.sconn", TIMES);
    let file = desk.file("list.csv", "At\n2024-07-01T10:00:00Z\n2024-12-01 11:00\n2024-03-31T01:00:00Z\n");
    let run = desk.with(&connector, &[&file], &["--live", "--param", "day=03/04/2024"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let rest = "2024-07-01T10:00:00Z|2024-12-01T11:00:00Z|2024-03-04";
    let query = "SELECT name, plain, at, since, until, day FROM events ORDER BY at";
    assert_eq!(
        sql(desk.path(), query),
        [
            "31.03.2024 03:00|2024-03-31T01:00:00Z = 31.03.2024 03:00|2024-03-31T01:00:00Z|".to_owned()
                + rest,
            "01.07.2024 12:00|2024-07-01T10:00:00Z = 01.07.2024 12:00|2024-07-01T10:00:00Z|".to_owned()
                + rest,
            "01.12.2024 11:00|2024-12-01T10:00:00Z = 01.12.2024 11:00|2024-12-01T10:00:00Z|".to_owned()
                + rest,
        ]
    );
    // A rule on a field of text asks for what the field is written as.
    let again = desk.with(&connector, &[&file], &["--live", "--param", "day=03/04/2024"]);
    assert_eq!(counts(&again, "events"), [0, 0, 3, 0, 0, 0, 0], "{}", again.stdout);
}

#[test]
fn a_format_in_sql_that_means_nothing_is_found_before_any_run() {
    let desk = Desk::new();
    let connector = |sql: &str| {
        let module = sql.split('.').next().unwrap();
        let source = format!(
            "connector c {{ trigger spreadsheet }}\nuse std.{module}\ninput list {{ at: \"At\" }}\n\
             scope list_errors {{\n  sql {{ SELECT {sql} AS x FROM input.list }}\n}}\n"
        );
        desk.file("c.sconn", source)
    };
    for (sql, says) in [
        ("parse.try_date(at, '%Y-%m')", "the pattern \"%Y-%m\" has no day"),
        ("parse.try_date(at, 'iso', 'DD/YYYY')", "has no month"),
        ("parse.try_number(at, '1.2')", "`1.2` is not a number format"),
        ("contact.phone(at, 'England')", "\"England\" is not a country"),
    ] {
        let (code, findings) = check(&connector(sql));
        assert_eq!(code, 1, "{sql}: {findings}");
        assert_says(&findings, &["c.sconn:5:", says]);
    }
    for sql in
        ["parse.try_date(at, 'DD/MM/YYYY', 'excel')", "parse.try_number(at)", "contact.phone(at, 'gb')"]
    {
        let (code, findings) = check(&connector(sql));
        assert_eq!((code, findings.as_str()), (0, ""), "{sql}");
    }
}
