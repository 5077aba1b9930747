//! Text that nobody writes: it must cost neither a panic, nor the stack, nor more than linear time.

use super::*;
use proptest::prelude::*;

fn sane(text: &str) -> Tree {
    let tree = parse(text);
    let len = text.len() as u32;
    for item in &tree.items {
        assert!(item.offset + item.range.end <= len);
        assert!(text.is_char_boundary(item.offset as usize));
        assert!(text.is_char_boundary((item.offset + item.range.end) as usize));
    }
    for error in &tree.errors {
        assert!(error.range.start <= error.range.end && error.range.end <= len, "{error:?}");
        assert!(text.is_char_boundary(error.range.start as usize), "{error:?}");
        assert!(text.is_char_boundary(error.range.end as usize), "{error:?}");
        assert!(!error.message.is_empty() && !error.label.is_empty());
    }
    tree
}

/// Square time would take hours here, which nobody would fail to see.
#[test]
fn a_megabyte_of_anything_is_read_in_linear_time() {
    const MEGABYTE: usize = 1 << 20;
    let pieces = [
        "{",
        "}",
        "[",
        "(",
        "\"",
        "'",
        "\\",
        "a: ",
        "a ",
        "a",
        "<-",
        ",",
        "#",
        "##\n",
        "\n",
        "é",
        "a {",
        "a{\n",
        "{}",
        "{\n",
        "}\n",
        "sql {",
        "sql {\n",
        "sql { /*",
        "/*",
        "$$",
        "\"\\u{",
        "use \"",
        "use ",
        "input x {\n",
        "scope a {\n",
        "load ",
        "a:b:",
        "match ",
        "x { ",
    ];
    let starts = [
        "",
        "connector c {",
        "scope s {\n",
        "load l into o { map { ",
        "view v = sql {",
        "object o { a: dropdown [",
    ];
    for (i, piece) in pieces.iter().enumerate() {
        // Every piece in every place would take minutes; each piece gets the bare file and one place.
        for start in [starts[0], starts[1 + i % (starts.len() - 1)]] {
            let text = format!("{start}{}", piece.repeat(MEGABYTE / 16 / piece.len()));
            sane(&text);
        }
    }
    sane(&"{".repeat(MEGABYTE));
    sane(&"a: ".repeat(MEGABYTE / 3));
    sane(&format!("view v = sql {{ {}", "$a$ $".repeat(MEGABYTE / 5)));
    sane(&format!("view v = sql {{ {}", "/*".repeat(MEGABYTE / 2)));
}

#[test]
fn a_hundred_thousand_entries_are_all_read() {
    let mut text = String::from("scope s {\n");
    for i in 0..100_000 {
        text += &format!("  v{i}: string required\n");
    }
    text += "}\n";
    let s = only!(parse(&text), Scope);
    assert_eq!(s.variables.len(), 100_000);
}

#[test]
fn settings_nested_without_end_are_cut_and_told() {
    let text = format!("connector c {{ {} {}", "a b {".repeat(50_000), "}".repeat(50_001));
    let tree = sane(&text);
    assert_eq!(tree.errors.len(), 1);
    assert!(tree.errors[0].message.contains("too deep"));
    assert_eq!(items(&tree), ["connector c"]);
}

fn mutated() -> impl Strategy<Value = String> {
    let step = (0..4u8, 0..4000usize, 0..120usize, 0..4000usize);
    proptest::collection::vec(step, 1..6).prop_map(|steps| {
        let mut text: Vec<char> = format!("{CONNECTOR}{CRM}").chars().collect();
        for (what, from, len, other) in steps {
            let from = from.min(text.len());
            let to = (from + len).min(text.len());
            let slice: Vec<char> = text[from..to].to_vec();
            match what {
                0 => drop(text.drain(from..to)),
                1 => drop(text.splice(from..from, slice)),
                2 => {
                    text.drain(from..to);
                    let at = other.min(text.len());
                    text.splice(at..at, slice);
                }
                _ => text.insert(from, ['{', '}', '"', '\'', '[', ',', ':', '#'][other % 8]),
            }
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,300}") {
        sane(&text);
    }

    #[test]
    fn no_soup_of_tokens_panics(words in proptest::collection::vec(prop::sample::select(vec![
        "connector", "load", "scope", "x", "into", "from", "{", "}", "sql {", "\n", "\n  ", ":", "<-", "\"a\"", "\"", "'",
        "[", "]", ",", "(", ")", "=", "fn", "native", "match", "map", "with", "find", "by", "é", "5m", "-3", "secret(", "\\", "#", "$$",
    ]), 0..60)) {
        sane(&words.join(" "));
        sane(&words.concat());
    }

    #[test]
    fn no_damage_to_a_connector_panics(text in mutated()) {
        sane(&text);
    }

    #[test]
    fn items_do_not_depend_on_what_stands_above(text in mutated()) {
        let before = parse(&text);
        let after = parse(&format!("# above\n\n{text}"));
        let strip = |t: &Tree| t.items.iter().map(|i| (i.kind.clone(), i.range)).collect::<Vec<_>>();
        prop_assert_eq!(strip(&before), strip(&after));
        let last = |t: &Tree| t.items.iter().skip(1).map(|i| i.doc.clone()).collect::<Vec<_>>();
        prop_assert_eq!(last(&before), last(&after));
    }
}
