//! Each construct, by itself.

use super::*;

fn setting_shape(s: &Setting) -> String {
    let values: Vec<_> = s
        .values
        .iter()
        .map(|v| match v {
            SettingValue::Word(n) => n.text.clone(),
            SettingValue::Literal(l) => format!("{:?}", l.kind),
            SettingValue::Quantity(t) => format!("q:{}", t.value),
            SettingValue::Secret(t) => format!("secret:{}", t.value),
        })
        .collect();
    let block = s.block.as_ref().map_or(String::new(), |b| {
        format!("{{{}}}", b.iter().map(setting_shape).collect::<Vec<_>>().join("; "))
    });
    format!("{}={}{block}", s.name.text, values.join(","))
}

#[test]
fn settings_take_values_lists_and_blocks_also_on_one_line() {
    let text = "connector c {\n  trigger webhook { batch 5m max 2GiB }\n  trigger schedule { cron \"0 6 * * 1\" timezone \"Europe/Zurich\" }\n  notify \"a@b.c\",\n    \"d@e.f\"\n  token secret(\"CRM\")\n  on_end webhook { url \"x\" } chunk 500 fast true\n  mode a.b\n}";
    let c = only!(good(text), Connector);
    let shapes: Vec<_> = c.settings.iter().map(setting_shape).collect();
    assert_eq!(
        shapes,
        [
            "trigger=webhook{batch=q:5m; max=q:2GiB}",
            "trigger=schedule{cron=Text(\"0 6 * * 1\"); timezone=Text(\"Europe/Zurich\")}",
            "notify=Text(\"a@b.c\"),Text(\"d@e.f\")",
            "token=secret:CRM",
            "on_end=webhook{url=Text(\"x\")}",
            "chunk=Number(\"500\")",
            "fast=Boolean(true)",
            "mode=a.b"
        ]
    );
}

#[test]
fn inputs_name_their_sheet_and_their_reader_options() {
    let text = "input a from sheet \"Prices 2024\" {\n  delimiter \";\"\n  sku: \"SKU\" header 3\n  header: \"Header\" optional\n  { encoding \"windows-1252\" missing \"NA\", \"-\" }\n}\ninput b from file \"b.csv\"\ninput c";
    let tree = good(text);
    let a = only!(tree, Input);
    assert!(matches!(&a.from, Some(InputFrom::Sheet(t)) if t.value == "Prices 2024"));
    let columns: Vec<_> = a.columns.iter().map(|c| (c.name.text.as_str(), c.optional)).collect();
    assert_eq!(columns, [("sku", false), ("header", true)]);
    let options: Vec<_> = a.options.iter().map(setting_shape).collect();
    assert_eq!(
        options,
        [
            "delimiter=Text(\";\")",
            "header=Number(\"3\")",
            "encoding=Text(\"windows-1252\")",
            "missing=Text(\"NA\"),Text(\"-\")"
        ]
    );
    assert!(
        matches!(&tree.items[1].kind, ItemKind::Input(Input { from: Some(InputFrom::File(t)), .. }) if t.value == "b.csv")
    );
    assert_eq!(items(&tree), ["input a", "input b", "input c"]);
}

#[test]
fn sql_ends_at_the_brace_outside_texts_names_and_comments() {
    let bodies = [
        " SELECT '}', 'it''s }' ",
        " SELECT E'\\'}' ",
        " SELECT \"a}\" -- }\n",
        " SELECT /* } /* } */ } */ 1 ",
        " SELECT $$ } $$, $tag$ } $$ } $tag$, $region ",
        " SELECT {a: {b: 1}} ",
        " SELECT\ntype\nFROM input.x\n",
        "",
    ];
    for body in &bodies {
        let view = only!(good(&format!("view v = sql {{{body}}}\nparam p: string")), View);
        assert_eq!(view.sql.text, *body);
    }
}

#[test]
fn keywords_are_names_where_a_name_is_meant() {
    let text = "scope s {\n  sql { SELECT 1 }\n  name: string\n  sql: string from match required\n  type: date from map\n  from: string from from\n  required: boolean\n  format: number format plain\n}\nobject object \"O\" {\n  type: text required\n  map: money USD unique\n  required: relationship crm.vendors required\n}\nload into into crm.load {\n  match match with with {\n    none create_new one update_current\n  }\n  map { map <- map match <- find overwrite x <- true y <- find a.b by by with with }\n  expose expose\n}\nscope sql { from: string }\ntype type = types.type[] format \"x\", y";
    let tree = good(text);
    assert_eq!(items(&tree), ["scope s", "object object", "load into", "scope sql", "type type"]);
    let ItemKind::Scope(s) = &tree.items[0].kind else { panic!() };
    let names: Vec<_> = s.variables.iter().map(|v| v.name.text.as_str()).collect();
    assert_eq!(names, ["name", "sql", "type", "from", "required", "format"]);
    assert_eq!(s.variables[1].from.as_ref().unwrap().text, "match");
    assert!(s.variables[1].required.is_some());
    let ItemKind::Load(l) = &tree.items[2].kind else { panic!() };
    assert_eq!(l.into.as_ref().unwrap().text(), "crm.load");
    assert_eq!((l.rules[0].field.text.as_str(), l.rules[0].variable.text.as_str()), ("match", "with"));
    assert_eq!(l.rules[0].outcomes.len(), 2);
    assert!(matches!(&l.mappings[1].source, MappingSource::Variable(n) if n.text == "find"));
    assert!(
        matches!(&l.mappings[2].source, MappingSource::Literal(l) if l.kind == LiteralKind::Boolean(true))
    );
    assert!(
        matches!(&l.mappings[3].source, MappingSource::Find { by, with, .. } if by.text == "by" && with.text == "with")
    );
    assert_eq!(l.expose.as_ref().unwrap().text, "expose");
}

#[test]
fn mappings_take_literals_and_joined_variables() {
    let text = "load s from t into o {\n  match id with product_id\n  map {\n    a <- [x, y] join \" \"\n    b <- [x,\n      y,\n    ] overwrite create_options\n    c <- -3.50 d <- \"text\" overwrite\n    e <- x create_options\n      \n  }\n  after { webhook \"https://x\" }\n}";
    let l = only!(good(text), Load);
    assert_eq!(l.from.as_ref().unwrap().text, "t");
    assert!(
        matches!(&l.mappings[0].source, MappingSource::Concat { parts, join: Some(j), .. } if parts.len() == 2 && j.value == " ")
    );
    assert!(
        matches!(&l.mappings[1].source, MappingSource::Concat { parts, join: None, .. } if parts.len() == 2)
    );
    assert!(l.mappings[1].create_options.is_some());
    assert!(
        matches!(&l.mappings[2].source, MappingSource::Literal(l) if l.kind == LiteralKind::Number("-3.50".into()))
    );
    assert_eq!(l.mappings[3].resolution.as_ref().unwrap().text, "overwrite");
    assert_eq!(l.mappings[4].resolution, None);
    assert_eq!(l.after.as_ref().unwrap().len(), 1);
}

#[test]
fn functions_have_parameters_with_defaults_and_sql_or_are_native() {
    let text = "fn code(s: string, n: number = 3): string = sql { upper(trim(s)) }\nnative fn parse(\n  s: string[],\n  strict: boolean = false\n): types.t[]\nfn none(): string = sql { 'x' }";
    let tree = good(text);
    let code = only!(tree, Function);
    assert_eq!(code.parameters.len(), 2);
    assert_eq!(code.parameters[1].default.as_ref().unwrap().kind, LiteralKind::Number("3".into()));
    assert_eq!(code.body.as_ref().unwrap().text, " upper(trim(s)) ");
    let ItemKind::Function(parse) = &tree.items[1].kind else { panic!() };
    assert!(parse.body.is_none() && parse.returns.array && parse.parameters[0].ty.array);
    assert_eq!(items(&tree), ["fn code", "fn parse", "fn none"]);
}

#[test]
fn types_and_modifiers_come_in_any_order_and_over_lines() {
    let text = "type us_date = date\n  format \"%m/%d/%Y\",\n    \"%m-%d-%Y\" output iso\nscope s from input.x {\n  a: string[] required split \"|\"\n    from b output \"x\"\n  c: us_date = \"x\" format y\n}";
    let tree = good(text);
    let t = only!(tree, Type);
    assert_eq!((t.formats.len(), t.output.unwrap().text), (2, "iso".to_owned()));
    let ItemKind::Scope(s) = &tree.items[1].kind else { panic!() };
    assert_eq!(s.from.as_ref().unwrap().text(), "input.x");
    let a = &s.variables[0];
    assert!(a.required.is_some() && a.split.is_some() && a.from.is_some() && a.output.is_some());
    assert!(s.variables[1].literal.is_some());
}

#[test]
fn a_file_may_stand_on_one_line() {
    let text = "object o \"O\" { a: text required b: dropdown [\"x\", \"y\"] unique c: relationship o } scope s { sql { SELECT 1 } a: string b: number }";
    let tree = good(text);
    assert_eq!(items(&tree), ["object o", "scope s"]);
    assert_eq!(only!(tree, Object).fields.len(), 3);
}

#[test]
fn escapes_are_undone() {
    let text = r#"use "a\"b\\c\n\t\r\u{e9}\u{1F600}""#;
    let Use::File(t) = only!(good(text), Use) else { panic!() };
    assert_eq!(t.value, "a\"b\\c\n\t\ré😀");
}

#[test]
fn doc_comments_belong_to_the_item_right_below() {
    let text = "## lost\n\n## one\n##two\n### not doc\n## three\n##\n##  four\nparam a: string # not doc\n# no\nparam b: string";
    let tree = good(text);
    assert_eq!(tree.items[0].doc.as_deref(), Some("three\n\n four"));
    assert_eq!(tree.items[1].doc, None);
}

#[test]
fn comments_and_blank_lines_may_stand_anywhere() {
    let text = "load # a\n  x # b }\n  into o # {\n{ # \"c\n  match a # d\n    with a\n  # map {\n  map { # e\n    f <- # g\n      [a, # h\n b] } }";
    let l = only!(good(text), Load);
    assert_eq!((l.rules.len(), l.mappings.len()), (1, 1));
}

#[test]
fn an_empty_file_is_an_empty_tree() {
    for text in ["", "\n", "  # nothing\n", "\u{FEFF}"] {
        assert_eq!(parse(text), Tree::default());
    }
}
