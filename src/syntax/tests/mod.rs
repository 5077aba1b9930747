#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod broken;
mod constructs;
mod hostile;
mod walk;
mod whole;

use super::parse;
use super::tree::*;

const CONNECTOR: &str = include_str!("../samples/vendor_prices.sconn");
const CRM: &str = include_str!("../samples/crm.sconn");

/// The tree of text that has no errors.
fn good(text: &str) -> Tree {
    let tree = parse(text);
    assert_eq!(tree.errors, [], "in:\n{text}");
    walk::check(text, &tree);
    tree
}

/// What the items are, in a few words: `scope vendors`.
fn items(tree: &Tree) -> Vec<String> {
    let name = |i: &Item| i.kind.name().map_or_else(String::new, |n| format!(" {}", n.text));
    tree.items.iter().map(|i| format!("{}{}", i.kind.keyword(), name(i))).collect()
}

macro_rules! only {
    ($tree:expr, $kind:ident) => {
        match &$tree.items[0].kind {
            ItemKind::$kind(x) => x.clone(),
            other => panic!("not the item that was meant: {other:?}"),
        }
    };
}
use only;
