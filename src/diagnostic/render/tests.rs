#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::diagnostic::Code;
use crate::text::{Range, Span};

struct Texts(Vec<(&'static str, String)>);

impl Sources for Texts {
    fn name(&self, file: FileId) -> String {
        self.0.get(file.0 as usize).map_or("?", |f| f.0).to_owned()
    }

    fn text(&self, file: FileId) -> &str {
        self.0.get(file.0 as usize).map_or("", |f| f.1.as_str())
    }
}

const MAIN: &str = "scope vendors {\n  sql {\n    SELECT nmae FROM input.vendors\n  }\n  größe: string\n}\n";
const CRM: &str = "object vendors \"Vendors\" {\n  name: text required\n}\n";

fn texts() -> Texts {
    Texts(vec![("main.sconn", MAIN.to_owned()), ("crm.sconn", CRM.to_owned())])
}

fn span(file: u32, text: &str, part: &str) -> Span {
    let start = text.find(part).unwrap();
    Span::in_file(FileId(file), Range::new(start, start + part.len()))
}

fn findings() -> Vec<Diagnostic> {
    vec![
        Diagnostic::new(Code::UnusedVariable, span(0, MAIN, "größe"), "nobody reads \"größe\""),
        Diagnostic::new(Code::SqlUnknownColumn, span(0, MAIN, "nmae"), "there is no column \"nmae\"")
            .here("not a column of input.vendors")
            .label(span(1, CRM, "name"), "the field it would fill")
            .help("did you mean \"name\"?"),
    ]
}

const PLAIN: Look = Look { color: false, unicode: false, width: 80 };

#[test]
fn concise_is_one_line_each_in_the_order_of_the_text() {
    assert_eq!(
        concise(&findings(), &texts()),
        "main.sconn:3:12: error[SC0202]: there is no column \"nmae\" (did you mean \"name\"?)\n\
         main.sconn:5:3: warning[SC0706]: nobody reads \"größe\"\n\
         1 error, 1 warning\n"
    );
}

#[test]
fn nothing_found_says_nothing() {
    assert_eq!(concise(&[], &texts()), "");
    assert_eq!(full(&[], &texts(), PLAIN), "");
    assert_eq!(json(&[], &texts()), "[]\n");
}

#[test]
fn json_has_lines_columns_and_offsets_of_both_ends() {
    let value: serde_json::Value = serde_json::from_str(&json(&findings(), &texts())).unwrap();
    let first = &value[0];
    assert_eq!(first["code"], "SC0202");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["help"], "did you mean \"name\"?");
    assert_eq!(first["labels"][0]["file"], "main.sconn");
    assert_eq!(first["labels"][0]["start"], serde_json::json!({"line": 3, "column": 12, "offset": 35}));
    assert_eq!(first["labels"][1]["file"], "crm.sconn");
    assert_eq!(first["labels"][1]["text"], "the field it would fill");
    let second = &value[1];
    assert_eq!(second["help"], serde_json::Value::Null);
    // Two of the five letters take two bytes.
    assert_eq!(second["labels"][0]["end"], serde_json::json!({"line": 5, "column": 8, "offset": 72}));
}

#[test]
fn full_shows_the_places_in_both_files() {
    let text = full(&findings()[1..], &texts(), PLAIN);
    assert_eq!(
        text,
        r#"error[SC0202]

  x there is no column "nmae"
   ,-[main.sconn:3:12]
 2 |   sql {
 3 |     SELECT nmae FROM input.vendors
   :            ^^|^
   :              `-- not a column of input.vendors
 4 |   }
   `----
   ,-[crm.sconn:2:3]
 1 | object vendors "Vendors" {
 2 |   name: text required
   :   ^^|^
   :     `-- the field it would fill
 3 | }
   `----
  help: did you mean "name"?

1 error
"#
    );
}

#[test]
fn the_place_of_the_finding_is_drawn_before_what_stands_above_it() {
    let source = "scope vendors {\n  a: string\n}\n\n\n\n\nload vendors into crm {\n  match b with c\n}\n";
    let texts = Texts(vec![("main.sconn", source.to_owned())]);
    let at = |part: &str| span(0, source, part);
    let found = [Diagnostic::new(Code::UnknownName, at("with c"), "there is no `c`")
        .here("not declared")
        .label(at("match"), "in this rule")
        .label(at("vendors {"), "the scope")];
    let text = full(&found, &texts, PLAIN);
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in\n{text}"));
    assert!(place("[main.sconn:9:11]") < place("not declared"), "{text}");
    assert!(place("not declared") < place("the scope"), "{text}");
    assert_eq!(text.matches("match b with c").count(), 1, "near places share a snippet:\n{text}");
}

#[test]
fn full_draws_lines_and_colours_where_asked() {
    let text = full(&findings(), &texts(), Look { color: true, unicode: true, width: 80 });
    assert!(text.contains("╭─["), "{text}");
    assert!(text.contains("\u{1b}[31m"), "{text}");
    assert!(text.ends_with("1 error, 1 warning\n"), "{text}");
}

#[test]
fn the_source_cannot_steer_the_terminal() {
    let source = "a \u{1b}[2J b\u{202e}c\u{9b}";
    let texts = Texts(vec![("x\u{1b}.sconn", source.to_owned())]);
    let at = source.find('c').unwrap();
    let found = [Diagnostic::new(
        Code::UnexpectedText,
        Span::in_file(FileId(0), Range::new(at, at + 1)),
        "what is \"\u{1b}[2J\"",
    )];
    for text in [full(&found, &texts, PLAIN), concise(&found, &texts)] {
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
    }
}

#[test]
fn places_past_the_text_and_inside_a_character_are_drawn_all_the_same() {
    for (source, start, end) in
        [("", 0, 0), ("", 5, 9), ("é", 1, 1), ("a\n", 2, 2), ("a\nb", 3, 99), ("ab", 2, 1)]
    {
        let texts = Texts(vec![("x.sconn", source.to_owned())]);
        let span = Span::in_file(FileId(0), Range { start, end });
        let found = [Diagnostic::new(Code::MissingBrace, span, "a brace is missing").here("here")];
        let text = full(&found, &texts, PLAIN);
        assert!(text.contains("a brace is missing"), "{source:?} {start}..{end}: {text}");
        assert!(!text.contains("Failed to read"), "{source:?} {start}..{end}: {text}");
        assert!(concise(&found, &texts).contains("error[SC0002]"));
    }
}
