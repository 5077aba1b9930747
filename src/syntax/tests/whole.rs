//! The connector and the schema of the language brief.

use super::*;

fn scope(tree: &Tree, at: usize) -> &Scope {
    let ItemKind::Scope(scope) = &tree.items[at].kind else { panic!("not a scope") };
    scope
}

fn load(tree: &Tree, at: usize) -> &Load {
    let ItemKind::Load(load) = &tree.items[at].kind else { panic!("not a load") };
    load
}

fn mapping(m: &Mapping) -> String {
    let source = match &m.source {
        MappingSource::Variable(n) => n.text.clone(),
        MappingSource::Literal(l) => format!("{:?}", l.kind),
        MappingSource::Concat { parts, join, .. } => {
            let parts: Vec<_> = parts.iter().map(|p| p.text.as_str()).collect();
            format!("[{}] {:?}", parts.join(" "), join.as_ref().map(|t| t.value.as_str()))
        }
        MappingSource::Find { object, by, with, .. } => {
            format!("find {} by {} with {}", object.text(), by.text, with.text)
        }
    };
    let resolution = m.resolution.as_ref().map_or("-", |r| r.text.as_str());
    format!("{}: {source} / {resolution} / {}", m.field.text, m.create_options.is_some())
}

#[test]
fn the_connector_of_the_brief_reads_whole() {
    let tree = good(CONNECTOR);
    assert_eq!(
        items(&tree),
        [
            "connector vendor_prices",
            "use",
            "use",
            "param region",
            "input prices",
            "view cleaned",
            "scope vendors",
            "scope products",
            "scope price_errors",
            "load vendors",
            "load products"
        ]
    );
    assert_eq!(tree.items[0].doc.as_deref(), Some("Weekly vendor price list: one file, two objects."));
    assert_eq!(
        tree.items[8].doc.as_deref(),
        Some("A scope whose name ends in `errors` is for people: report and ZIP only.")
    );
    assert_eq!(tree.items.iter().filter(|i| i.doc.is_some()).count(), 2);
    assert_eq!(tree.items[0].offset as usize, CONNECTOR.find("connector").unwrap());

    let ItemKind::Connector(c) = &tree.items[0].kind else { panic!() };
    let names: Vec<_> = c.settings.iter().map(|s| (s.name.text.as_str(), s.values.len())).collect();
    assert_eq!(names, [("name", 1), ("trigger", 1), ("sample", 1), ("concurrency", 1), ("chunk", 1)]);
    assert!(matches!(&c.settings[1].values[0], SettingValue::Word(w) if w.text == "spreadsheet"));
    assert!(
        matches!(&c.settings[4].values[0], SettingValue::Literal(l) if l.kind == LiteralKind::Number("500".into()))
    );

    let ItemKind::Use(Use::Library(path)) = &tree.items[1].kind else { panic!() };
    assert_eq!(path.text(), "std.text");
    let ItemKind::Use(Use::File(file)) = &tree.items[2].kind else { panic!() };
    assert_eq!(file.value, "./crm.sconn");
    let ItemKind::Param(param) = &tree.items[3].kind else { panic!() };
    assert_eq!(param.ty.name.text(), "string");
    assert_eq!(param.default.as_ref().unwrap().kind, LiteralKind::Text("EMEA".into()));
    let ItemKind::Input(input) = &tree.items[4].kind else { panic!() };
    assert_eq!((input.columns.len(), input.options.len(), input.from.is_none()), (9, 0, true));
    let optional: Vec<_> =
        input.columns.iter().filter(|c| c.optional).map(|c| c.header.value.as_str()).collect();
    assert_eq!(optional, ["Vendor Email"]);
    let ItemKind::View(view) = &tree.items[5].kind else { panic!() };
    assert_eq!(view.sql.text, "\n  SELECT *, text.code(vendor_code) AS code FROM input.prices\n");
}

#[test]
fn the_scopes_of_the_brief_have_their_variables() {
    let tree = good(CONNECTOR);
    let vendors = scope(&tree, 6);
    assert!(vendors.sql.as_ref().unwrap().text.trim().ends_with("FROM cleaned GROUP BY code"));
    let required: Vec<_> =
        vendors.variables.iter().map(|v| (v.name.text.as_str(), v.required.is_some())).collect();
    assert_eq!(required, [("code", true), ("name", true), ("email", false), ("region", false)]);

    let products = scope(&tree, 7);
    let shape: Vec<_> = products
        .variables
        .iter()
        .map(|v| {
            let formats: Vec<_> = v.formats.iter().map(|f| f.text.as_str()).collect();
            let from = v.from.as_ref().map_or("", |f| f.text.as_str());
            format!(
                "{}: {}{} {from} {}",
                v.name.text,
                v.ty.name.text(),
                if v.ty.array { "[]" } else { "" },
                formats.join("|")
            )
        })
        .collect();
    assert_eq!(
        shape,
        [
            "sku: string  ",
            "vendor: string code ",
            "price: number unit_price 1,234.56",
            "active: boolean  yes_no",
            "listed: date listed_on %Y-%m-%d|%d/%m/%Y",
            "tags: string[]  ",
            "source: string  "
        ]
    );
    assert_eq!(products.variables[5].split.as_ref().unwrap().value, ";");
    assert_eq!(products.variables[6].literal.as_ref().unwrap().kind, LiteralKind::Text("price list".into()));
    assert!(scope(&tree, 8).variables.is_empty());
}

#[test]
fn the_load_steps_of_the_brief_have_their_rules_and_mappings() {
    let tree = good(CONNECTOR);
    let vendors = load(&tree, 9);
    assert_eq!(vendors.into.as_ref().unwrap().text(), "crm.vendors");
    let outcomes: Vec<_> =
        vendors.rules[0].outcomes.iter().map(|o| (o.outcome.text.as_str(), o.action.text.as_str())).collect();
    assert_eq!(
        outcomes,
        [
            ("none", "next_rule_ignore_previous"),
            ("one", "update_current"),
            ("many", "do_not_upload"),
            ("archived", "unarchive_and_update")
        ]
    );
    assert_eq!((vendors.rules.len(), vendors.rules[1].outcomes.len()), (2, 0));
    let maps: Vec<_> = vendors.mappings.iter().map(mapping).collect();
    assert_eq!(
        maps,
        [
            "name: name / - / false",
            "code: code / - / false",
            "email: email / overwrite_except_null / false",
            "region: region / overwrite / false"
        ]
    );
    assert!(vendors.expose.is_none());

    let products = load(&tree, 10);
    let maps: Vec<_> = products.mappings.iter().skip(5).map(mapping).collect();
    assert_eq!(
        maps,
        [
            "tags: tags / only_add_options / true",
            "vendor: find vendors by code with vendor / - / false",
            "origin: source / - / false"
        ]
    );
    assert_eq!(products.expose.as_ref().unwrap().text, "product_id");
}

#[test]
fn the_schema_of_the_brief_reads_whole() {
    let tree = good(CRM);
    assert_eq!(items(&tree), ["object vendors", "object products"]);
    let fields: Vec<_> = tree
        .items
        .iter()
        .flat_map(|i| match &i.kind {
            ItemKind::Object(o) => o.fields.clone(),
            _ => Vec::new(),
        })
        .map(|f| {
            let options: Vec<_> = f.options.iter().map(|o| o.value.as_str()).collect();
            let flags: Vec<_> = f.flags.iter().map(|o| o.text.as_str()).collect();
            let argument = f.argument.map_or(String::new(), |a| a.text());
            format!("{} {} {argument} {} {}", f.name.text, f.ty.text, options.join("|"), flags.join("|"))
        })
        .collect();
    assert_eq!(
        fields,
        [
            "name text   required",
            "code text   unique",
            "email email   ",
            "region dropdown  EMEA|AMER|APAC ",
            "name text   required",
            "sku text   unique",
            "price money USD  ",
            "active checkbox   ",
            "listed date   ",
            "tags checkboxes  new|sale ",
            "origin text   ",
            "vendor relationship vendors  "
        ]
    );
}

#[test]
fn an_item_is_equal_to_itself_when_text_above_it_changes() {
    let before = parse(CONNECTOR);
    let after = parse(&format!("# one more line\nparam added: string\n\n{CONNECTOR}"));
    assert_eq!(after.items.len(), before.items.len() + 1);
    for (a, b) in before.items.iter().zip(&after.items[1..]) {
        assert_ne!(a.offset, b.offset);
        assert_eq!((&a.kind, &a.doc, a.range), (&b.kind, &b.doc, b.range));
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let tree = good(&format!("\u{FEFF}{}", CONNECTOR.replace('\n', "\r\n")));
    assert_eq!(items(&tree), items(&parse(CONNECTOR)));
    assert_eq!(tree.items[0].doc.as_deref(), Some("Weekly vendor price list: one file, two objects."));
}
