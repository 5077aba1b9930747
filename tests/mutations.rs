//! The examples, damaged in a few thousand ways: there is always a tree, never a panic, and never more
//! findings than anybody reads. The seed is fixed, so that a failure comes again.

use sconn::model::Project;
use sconn::system::files::Memory;
use std::fs;
use std::path::Path;

const EXAMPLES: [&str; 6] = [
    "examples/vendor_prices/vendor_prices.sconn",
    "examples/vendor_prices/crm.sconn",
    "examples/fleet/fleet.sconn",
    "examples/fleet/fleet_schema.sconn",
    "examples/orders_workbook/orders.sconn",
    "examples/orders_workbook/orders_schema.sconn",
];

/// What is put in where something is damaged.
const PIECES: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    ",",
    ":",
    ";",
    "=",
    "<-",
    "#",
    "//",
    "/*",
    "--",
    "\n",
    "\t",
    "\\",
    "é",
    "\u{feff}",
    "sql {",
    "sql SELECT",
    "scope x {",
    "map",
    "match",
    "from",
    "$$",
    "\"\\u{",
];

/// A small generator: xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// One to four times: something deleted, doubled, moved, put in, or the end cut off.
    fn damage(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..=self.below(4) {
            let (a, b) = (self.place(&text), self.place(&text));
            // Mostly little is damaged, so that the rest can still be read.
            let near = text.char_indices().map(|(i, _)| i).find(|i| *i >= a.saturating_add(self.below(40)));
            let (from, to) = (a, near.unwrap_or(text.len()).max(a));
            match self.below(6) {
                0 => text.replace_range(from..to, ""),
                1 | 2 => {
                    let piece = text[from..to].to_owned();
                    text.insert_str(if b % 2 == 0 { to } else { b }, &piece);
                }
                3 => text.insert_str(a, PIECES[self.below(PIECES.len())]),
                4 => text.replace_range(from..to, PIECES[self.below(PIECES.len())]),
                _ if self.below(4) == 0 => text.truncate(a),
                _ => text.insert_str(a, PIECES[self.below(PIECES.len())]),
            }
        }
        text
    }
}

#[test]
fn damaged_examples_have_a_tree_and_few_findings() {
    let texts: Vec<String> = EXAMPLES.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let mut dice = Dice(0x5ca1_ab1e);
    let mut broken = 0;
    for case in 0..4000 {
        let text = dice.damage(&texts[case % texts.len()]);
        let tree = sconn::syntax::parse(&text);
        assert!(tree.errors.len() <= 101, "{} errors in:\n{text}", tree.errors.len());
        for item in &tree.items {
            assert!(text.get(item.offset as usize..(item.offset + item.range.end) as usize).is_some());
        }
        for error in &tree.errors {
            assert!(
                text.get(error.range.start as usize..error.range.end as usize).is_some(),
                "{error:?}\n{text}"
            );
        }
        broken += usize::from(!tree.errors.is_empty());
    }
    // A test that damages nothing would find nothing.
    assert!(broken > 2000, "{broken} of 4000 were broken");
}

#[test]
fn damaged_examples_are_checked_to_the_end() {
    let mut dice = Dice(0xdec1_5105);
    let schemas: Vec<_> = EXAMPLES.iter().map(|p| (p, fs::read_to_string(p).unwrap())).collect();
    for case in 0..90 {
        let (path, text) = &schemas[case % 3 * 2];
        let text = dice.damage(text);
        let mut files = Memory::default();
        files.0.extend(schemas.iter().map(|(p, t)| ((**p).into(), t.clone())));
        files.0.insert((**path).into(), text.clone());
        let project = Project::load(Path::new(path), &files).unwrap();
        let found = project.check();
        assert!(found.len() <= 300, "{} findings in:\n{text}", found.len());
        for label in found.iter().flat_map(|d| &d.labels) {
            let (range, of) = (label.span.range, project.text(label.span.file));
            assert!(of.get(range.start as usize..range.end as usize).is_some(), "{label:?} in:\n{text}");
        }
    }
}
