//! Broken text: what is told, where, and what survives.

use super::*;

/// Broken text, the errors it gets as `code place`, and the items that survive.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const CASES: &[Case] = &[
    ("load products {\n  match a with a\n}", &[("SC0005", "{")], &["load products"]),
    ("load products into {\n}", &[("SC0005", "{")], &["load products"]),
    ("load into crm.x { }\nparam p: string", &[("SC0005", "into")], &["param p"]),
    ("load a form b into c { }", &[("SC0005", "form")], &["load a"]),
    ("scpoe vendors {\n  a: string\n}", &[("SC0004", "scpoe")], &["scope vendors"]),
    ("test \"x\" { rows 1 }\nparam p: string", &[("SC0004", "test")], &["param p"]),
    ("hello world\nmore words here\nparam p: string", &[("SC0004", "hello world")], &["param p"]),
    ("{ a b }\nparam p: string", &[("SC0001", "{")], &["param p"]),
    ("param p: string }\nparam q: string", &[("SC0001", "}")], &["param p", "param q"]),
    ("param : string\nparam q: string", &[("SC0005", ":")], &["param q"]),
    ("param p string", &[("SC0005", "string")], &["param p"]),
    ("param p:\nparam q: string", &[("SC0005", "")], &["param p", "param q"]),
    ("param p: string =\nparam q: string", &[("SC0005", "")], &["param p", "param q"]),
    ("param p: string = “EMEA”", &[("SC0005", "“")], &["param p"]),
    ("use\nuse std.text", &[("SC0005", "")], &["use"]),
    ("use std.text twice", &[("SC0001", "twice")], &["use"]),
    ("use \"./crm.sconn\nparam p: string", &[("SC0003", "\"./crm.sconn")], &["use", "param p"]),
    ("use \"a\\qb\"", &[("SC0006", "\\q")], &["use"]),
    ("use \"a\\u{110000}b\"", &[("SC0006", "\\u{")], &["use"]),
    ("view v = { SELECT 1 }", &[("SC0005", "{")], &["view v"]),
    ("view v sql { SELECT 1 }", &[("SC0005", "sql")], &["view v"]),
    ("view v = sql { SELECT 'a }\n\nparam p: string", &[("SC0003", "'")], &["view v", "param p"]),
    ("view v = sql { SELECT (1\n\nparam p: string", &[("SC0002", "{")], &["view v", "param p"]),
    ("scope s {\n  sql { SELECT 1\n\nscope t {\n  a: string\n}", &[("SC0002", "{")], &["scope s", "scope t"]),
    ("scope s {\n  a: string\n\nscope t {\n  a: string\n}", &[("SC0002", "{")], &["scope s", "scope t"]),
    ("connector c {\n  name \"x\"\n", &[("SC0002", "{")], &["connector c"]),
    ("connector c {\n  name\n  chunk 500\n}", &[("SC0005", "")], &["connector c"]),
    ("connector c {\n  name \"a\" \"b\"\n  chunk 500\n}", &[("SC0001", "\"b\"")], &["connector c"]),
    ("connector c {\n  timezone Europe/Zurich\n}", &[("SC0001", "/Zurich")], &["connector c"]),
    ("connector c {\n  token secret()\n}", &[("SC0005", ")")], &["connector c"]),
    ("connector c\nparam p: string", &[("SC0005", "")], &["connector c", "param p"]),
    (
        "input i {\n  a: \"A\" optinal\n  b: B\n  c: \"C\"\n}",
        &[("SC0001", "optinal"), ("SC0005", "B")],
        &["input i"],
    ),
    ("input i {\n  a: optional \"A\"\n}", &[("SC0005", "optional")], &["input i"]),
    ("input i {\n  a: \u{200B}\"A\"\n}", &[("SC0001", "\u{200B}")], &["input i"]),
    (
        "\u{200B}input i {\n  a: \"A\" \u{AD}optional\n}",
        &[("SC0001", "\u{200B}"), ("SC0001", "\u{AD}")],
        &["input i"],
    ),
    ("input i from \"x.csv\" { }", &[("SC0005", "\"x.csv\"")], &["input i"]),
    (
        "scope s {\n  a string\n  b: string requird\n  c:\n  !!\n  d: number\n}",
        &[("SC0005", "string"), ("SC0001", "requird"), ("SC0005", ""), ("SC0001", "!!")],
        &["scope s"],
    ),
    ("scope s {\n  a: string required required\n}", &[("SC0001", "required")], &["scope s"]),
    (
        "scope s {\n  a: string format\n  b: string split ;\n}",
        &[("SC0005", ""), ("SC0005", ";")],
        &["scope s"],
    ),
    ("scope s {\n  größe: string\n  b: string\n}", &[("SC0001", "größe")], &["scope s"]),
    ("scope s sql { SELECT 1 }", &[("SC0001", "sql")], &["scope s"]),
    ("scope s {\n  sql = { SELECT 1 }\n  a: string\n}", &[("SC0001", "sql =")], &["scope s"]),
    (
        "object o \"O\" {\n  a text\n  b:\n  c: dropdown [\"x\" \"y\"]\n  d: dropdown [\"x\"\n  e: text\n}",
        &[("SC0005", "text"), ("SC0005", ""), ("SC0005", "\"y\""), ("SC0005", "")],
        &["object o"],
    ),
    (
        "load a into b {\n  match sku\n  match with sku\n  match sku with\n  macth x with y\n  expose\n}",
        &[("SC0005", ""), ("SC0005", "with"), ("SC0005", ""), ("SC0001", "macth x with y"), ("SC0005", "")],
        &["load a"],
    ),
    (
        "load a into b {\n  match x with y {\n    none\n    one update_current now\n  }\n  map\n}",
        &[("SC0005", ""), ("SC0005", ""), ("SC0005", "")],
        &["load a"],
    ),
    (
        "load a into b {\n  map {\n    a b\n    c <-\n    d <- find vendors\n    e <- find v by x\n    f <- g overwrite again\n    h <- [i, j\n    k <- l\n  }\n}",
        &[
            ("SC0005", "b"),
            ("SC0005", ""),
            ("SC0005", ""),
            ("SC0005", ""),
            ("SC0001", "again"),
            ("SC0005", ""),
        ],
        &["load a"],
    ),
    (
        "load a into b {\n  match x with y {\n    none create_new\n  map {\n    c <- d\n  }\n}\nparam p: string",
        &[("SC0002", "{")],
        &["load a", "param p"],
    ),
    (
        "load a into b {\n  match x with y {\n    none create_new\n  }\n    }\n  map {\n    c <- d\n  }\n}\nparam p: string",
        &[("SC0001", "}")],
        &["load a", "param p"],
    ),
    ("type t date", &[("SC0005", "date")], &["type t"]),
    ("type t = date required", &[("SC0001", "required")], &["type t"]),
    ("fn f: string = sql { 1 }", &[("SC0005", ":")], &["fn f"]),
    ("fn f(a: string = sql { 1 }", &[("SC0005", "sql")], &["fn f"]),
    ("fn f(a: string) = sql { 1 }", &[("SC0005", "=")], &["fn f"]),
    ("fn f(a: string b: string): string = sql { 1 }", &[("SC0005", "b")], &["fn f"]),
    ("native fn f(a: string): string = sql { 1 }", &[("SC0001", "= sql")], &["fn f"]),
    // Braces that are not there.
    (
        "scope s {\n  sql { SELECT 1 AS a\n  a: number\n}\nparam p: string",
        &[("SC0002", "{")],
        &["scope s", "param p"],
    ),
    (
        "scope s {\n  sql {\n    SELECT 1 AS a\n}\n\nparam p: string",
        &[("SC0002", "{")],
        &["scope s", "param p"],
    ),
    (
        "scope s\n  sql { SELECT 1 AS a }\n  a: number\n}\nparam p: string",
        &[("SC0002", "")],
        &["scope s", "param p"],
    ),
    ("load a into b {\n  match x with y\n  map\n    c <- d\n  }\n}", &[("SC0002", "")], &["load a"]),
    ("scope s {\n  sql SELECT 1 AS a }\n  a: number\n}", &[("SC0002", "SELECT")], &["scope s"]),
    ("scope s {\n  sql = SELECT 1 AS a\n  a: number\n}", &[("SC0002", "SELECT")], &["scope s"]),
    ("view v = sql SELECT 1 AS a }", &[("SC0002", "SELECT")], &["view v"]),
    ("load a into b { {\n  map { c <- d }\n}", &[("SC0002", "{"), ("SC0001", "{")], &["load a"]),
    ("scope s {\n  sql\n  a: number\n}", &[("SC0001", "sql")], &["scope s"]),
    // What other languages would have.
    (
        "input i {\n  a: 'A b'\n  c = \"C\"\n  \"d\": \"D\",\n}",
        &[("SC0005", "'"), ("SC0001", "="), ("SC0001", "\"d\"")],
        &["input i"],
    ),
    (
        "connector c {\n  trigger: spreadsheet\n  chunk = 5\n}",
        &[("SC0001", ":"), ("SC0001", "=")],
        &["connector c"],
    ),
    ("scope s {\n  a = string\n  b: string;\n}", &[("SC0005", "="), ("SC0001", ";")], &["scope s"]),
    ("object o {\n  name = text\n}", &[("SC0005", "=")], &["object o"]),
    (
        "// hi\nparam p: string -- why\n/* a\n b */\nparam q: string",
        &[("SC0001", "//"), ("SC0001", "--"), ("SC0001", "/*")],
        &["param p", "param q"],
    ),
    (
        "import std.text\nfunction f(a: string): string = sql { a }",
        &[("SC0004", "import"), ("SC0004", "function")],
        &["use", "fn f"],
    ),
    ("use ./crm.sconn\nparam p: string", &[("SC0005", ".")], &["use", "param p"]),
    (
        "scope ven-dors { }\nscope 2x { }",
        &[("SC0001", "ven-dors"), ("SC0001", "2x")],
        &["scope ven-dors", "scope 2x"],
    ),
    ("scope s {\n  required\n  a: string\n}", &[("SC0001", "required")], &["scope s"]),
    (
        "load a into b {\n  match c using d\n  match e = f\n}",
        &[("SC0005", "using"), ("SC0005", "=")],
        &["load a"],
    ),
    ("native function f()", &[("SC0004", "native function f()")], &[]),
];

#[test]
fn broken_text_is_told_at_its_place_and_costs_only_itself() {
    let mut wrong = String::new();
    for (text, errors, survive) in CASES {
        let tree = parse(text);
        let found: Vec<_> = tree
            .errors
            .iter()
            .map(|e| (e.code.id(), &text[e.range.start as usize..e.range.end as usize]))
            .collect();
        if found != *errors || items(&tree) != *survive {
            wrong += &format!("{text}\n  {found:?} {:?}\n  {:#?}\n", items(&tree), tree.errors);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_message_of_the_table_is_whole() {
    for (text, ..) in CASES {
        for e in parse(text).errors {
            assert!(!e.message.ends_with('.') && e.message.len() > 10, "{e:?}");
            assert!(!e.label.is_empty() && e.help.is_some_and(|h| h.len() > 5), "{}", e.message);
        }
    }
}

#[test]
fn messages_say_what_is_missing_and_the_mend() {
    let e = parse("load products {\n}").errors.remove(0);
    assert_eq!(e.message, "the load step `products` has no `into OBJECT`");
    assert_eq!(e.label, "expected `into` here, found `{`");
    assert_eq!(e.help.as_deref(), Some("write `load products into crm.products { … }`"));
    let e = parse("scope s {\n  a: string requird\n}").errors.remove(0);
    assert_eq!(e.message, "`requird` does not belong in the variable `a`");
    assert_eq!(e.help.as_deref(), Some("did you mean `required`?"));
    let e = parse("scpoe s { }").errors.remove(0);
    assert_eq!(e.help.as_deref(), Some("did you mean `scope`?"));
}

#[test]
fn a_broken_entry_costs_only_itself() {
    let s = only!(
        parse("scope s {\n  sql { SELECT 1 }\n  a string\n  !!\n  b: number\n  c: ; required\n}"),
        Scope
    );
    let names: Vec<_> = s.variables.iter().map(|v| v.name.text.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(s.sql.is_some());
    let l = only!(
        parse(
            "load a into b {\n  match x y\n  match e with f\n  junk\n  map {\n    g h\n    i <- j\n    k <- [l\n    m <- n\n  }\n  expose id\n}"
        ),
        Load
    );
    assert_eq!(l.rules.len(), 2);
    let fields: Vec<_> = l.mappings.iter().map(|m| m.field.text.as_str()).collect();
    assert_eq!(fields, ["g", "i", "k", "m"]);
    assert_eq!(l.expose.unwrap().text, "id");
}

#[test]
fn one_missing_brace_costs_no_other_block() {
    let text =
        "load a into b {\n  match x with y {\n    none create_new\n  map {\n    c <- d\n  }\n  expose id\n}";
    let l = only!(parse(text), Load);
    assert_eq!((l.rules.len(), l.rules[0].outcomes.len(), l.mappings.len()), (1, 1, 1));
    assert!(l.expose.is_some());
}

#[test]
fn any_one_brace_of_the_brief_may_be_missing() {
    let whole = items(&parse(CONNECTOR));
    for (at, brace) in CONNECTOR.char_indices().filter(|(_, c)| *c == '{' || *c == '}') {
        let text = format!("{}{}", &CONNECTOR[..at], &CONNECTOR[at + 1..]);
        let tree = parse(&text);
        assert!(!tree.errors.is_empty());
        assert_eq!(items(&tree), whole, "without the {brace} at {at}: {:#?}", tree.errors);
        assert!(tree.errors.len() <= 6, "without the {brace} at {at}: {:#?}", tree.errors);
    }
}

#[test]
fn habits_of_other_languages_are_told_the_way_it_is_written_here() {
    let helps = [
        ("input i {\n  a: Vendor Code\n}", "write `a: \"Vendor Code\"`"),
        ("connector c {\n  trigger: spreadsheet\n}", "write `trigger spreadsheet` without it"),
        ("connector c {\n  name 'x'\n}", "texts stand in straight double quotes: `\"…\"`"),
        ("scope s {\n  \"a\": string\n}", "names have no quotes: write `a`"),
        ("scope ven-dors { }", "write `ven_dors`"),
        ("scope 2x { }", "write `_2x`"),
        ("use ./crm.sconn", "write `use \"./crm.sconn\"`"),
        ("import std.text", "did you mean `use`?"),
        ("scope s {\n  a: string;\n}", "remove the `;`: each line stands for itself"),
        ("load a into b {\n  match c wiht d\n}", "did you mean `with`?"),
        ("// hi", "write `#` before each line of the comment"),
    ];
    for (text, help) in helps {
        let errors = parse(text).errors;
        assert_eq!(errors.iter().map(|e| e.help.as_deref().unwrap()).collect::<Vec<_>>(), [help], "{text}");
    }
}

#[test]
fn what_was_meant_is_read_all_the_same() {
    let i = only!(parse("input i {\n  a: 'A b'\n  c = \"C\"\n  \"d\": \"D\",\n}"), Input);
    let columns: Vec<_> = i.columns.iter().map(|c| (c.name.text.as_str(), c.header.value.as_str())).collect();
    assert_eq!(columns, [("a", "A b"), ("c", "C"), ("d", "D")]);
    let s = only!(parse("scope s\n  sql { SELECT 1 AS a }\n  a = number\n}"), Scope);
    assert_eq!(s.sql.unwrap().text, " SELECT 1 AS a ");
    assert_eq!(s.variables[0].ty.name.text(), "number");
    let s = only!(parse("scope s {\n  sql SELECT 1 AS a }\n  a: number\n}"), Scope);
    assert_eq!((s.sql.unwrap().text.as_str(), s.variables.len()), ("SELECT 1 AS a ", 1));
    let l = only!(parse("load a into b {\n  match c using d\n  map\n    e <- f\n  }\n}"), Load);
    assert_eq!((l.rules[0].variable.text.as_str(), l.mappings.len()), ("d", 1));
    let c = only!(parse("connector c {\n  chunk = 5\n}"), Connector);
    assert_eq!(c.settings[0].values.len(), 1);
}

#[test]
fn errors_beyond_the_hundredth_are_counted() {
    let errors = parse(&"param !\n".repeat(150)).errors;
    assert_eq!(errors.len(), 101);
    assert_eq!(errors.last().unwrap().message, "50 more things cannot be read");
}
