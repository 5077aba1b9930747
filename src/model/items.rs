//! From text to items. Each item is an entity of its own, so that editing one leaves the queries of
//! the others alone even where their offsets move.

use super::db::SourceFile;
use crate::syntax::tree::{
    Connector, Function, Input, ItemKind, Load, Object, Param, Scope, Tree, TypeAlias, Use, View,
};
use crate::text::{Anchor, Range, Span};
use salsa::Database;
use std::collections::HashMap;

/// The syntax tree of a file.
#[salsa::tracked]
pub fn parse(db: &dyn Database, file: SourceFile) -> Tree {
    crate::syntax::parse(file.text(db))
}

/// An item: known by its file, keyword, name and how many of that name came before it.
#[salsa::tracked(debug)]
pub struct Item<'db> {
    /// Its file.
    #[returns(copy)]
    pub file: SourceFile,
    /// `scope`, `object`, …
    #[returns(copy)]
    pub keyword: &'static str,
    /// Its name; for a `use`, what it imports.
    pub name: String,
    /// How many items of the same keyword and name stand above it.
    #[returns(copy)]
    pub nth: u32,
    /// What it says, with ranges counted from its own start.
    #[tracked]
    pub node: Node,
}

/// What an item says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The item.
    pub kind: ItemKind,
    /// The whole item.
    pub range: Range,
    /// Whether all of it could be read. What a broken item lacks may be what could not be read.
    pub whole: bool,
}

/// The items of a file, in the order written.
#[salsa::tracked]
pub fn items<'db>(db: &'db dyn Database, file: SourceFile) -> Vec<Item<'db>> {
    let tree = parse(db, file);
    keyed(tree)
        .map(|(keyword, name, nth, item)| {
            let node = Node { kind: item.kind.clone(), range: item.range, whole: is_whole(tree, item) };
            Item::new(db, file, keyword, name, nth, node)
        })
        .collect()
}

/// Whether no syntax error lies in an item.
fn is_whole(tree: &Tree, item: &crate::syntax::tree::Item) -> bool {
    let all = item.range.shift(item.offset);
    tree.errors.iter().all(|e| e.range.start > all.end || e.range.end < all.start)
}

/// Where each item of a file starts, by its anchor. Read only when spans become offsets.
pub fn offsets(db: &dyn Database, file: SourceFile) -> HashMap<Anchor, u32> {
    keyed(parse(db, file))
        .map(|(keyword, name, nth, item)| (anchor(keyword, &name, nth), item.offset))
        .collect()
}

/// The items of a tree with what they are known by.
fn keyed(tree: &Tree) -> impl Iterator<Item = (&'static str, String, u32, &crate::syntax::tree::Item)> {
    let mut seen: HashMap<(&'static str, String), u32> = HashMap::new();
    tree.items.iter().map(move |item| {
        let keyword = item.kind.keyword();
        let name = match &item.kind {
            ItemKind::Use(Use::Library(path)) => path.text(),
            ItemKind::Use(Use::File(text)) => text.value.clone(),
            other => other.name().map(|n| n.text.clone()).unwrap_or_default(),
        };
        let count = seen.entry((keyword, name.clone())).or_default();
        let nth = *count;
        *count += 1;
        (keyword, name, nth, item)
    })
}

/// FNV-1a over what the item is known by; never 0, which stands for the file.
fn anchor(keyword: &str, name: &str, nth: u32) -> Anchor {
    let bytes = keyword.bytes().chain([0]).chain(name.bytes()).chain([0]).chain(nth.to_le_bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    Anchor(hash.max(1))
}

macro_rules! as_kind {
    ($($method:ident $variant:ident $ty:ty;)*) => {
        $(
            #[doc = concat!("The item as a ", stringify!($variant), ".")]
            pub fn $method(self, db: &'db dyn Database) -> Option<&'db $ty> {
                match &self.node(db).kind {
                    ItemKind::$variant(x) => Some(x),
                    _ => None,
                }
            }
        )*
    };
}

impl<'db> Item<'db> {
    /// The span of a range of the item.
    pub fn span(self, db: &dyn Database, range: Range) -> Span {
        let anchor = anchor(self.keyword(db), self.name(db), self.nth(db));
        Span { file: self.file(db).id(db), anchor, range }
    }

    /// Where the item's name stands.
    pub fn name_span(self, db: &dyn Database) -> Span {
        let node = self.node(db);
        self.span(db, node.kind.name().map_or(node.range, |n| n.range))
    }

    as_kind! {
        connector Connector Connector;
        import Use Use;
        param Param Param;
        input Input Input;
        view View View;
        scope Scope Scope;
        load Load Load;
        object Object Object;
        alias Type TypeAlias;
        function Function Function;
    }
}

/// The items of one keyword, in the order written.
pub fn of_kind<'db>(
    db: &'db dyn Database,
    file: SourceFile,
    keyword: &'static str,
) -> impl Iterator<Item = Item<'db>> + 'db {
    items(db, file).iter().copied().filter(move |i| i.keyword(db) == keyword)
}

/// The first item of that keyword and name.
pub fn named<'db>(
    db: &'db dyn Database,
    file: SourceFile,
    keyword: &'static str,
    name: &str,
) -> Option<Item<'db>> {
    items(db, file).iter().copied().find(|i| i.keyword(db) == keyword && i.name(db) == name)
}
