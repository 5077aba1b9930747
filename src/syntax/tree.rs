//! The syntax tree: owned, with every range counted from the start of its item.
//!
//! Counting from the item is what keeps an item equal to itself when text above it changes.

mod load;
mod tables;

pub use load::{Load, Mapping, MappingSource, MatchRule, OutcomeAction};
pub use tables::{FormatRef, Input, InputColumn, InputFrom, Scope, Sql, Variable, View};

use crate::text::Range;

/// A whole file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tree {
    /// The items, in the order written. Broken items appear as far as they could be read.
    pub items: Vec<Item>,
    /// What could not be read, ranges counted from the start of the file.
    pub errors: Vec<SyntaxError>,
}

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Its code (`SC00..`).
    pub code: crate::diagnostic::Code,
    /// Where, counted from the start of the file.
    pub range: Range,
    /// One line in the user's words.
    pub message: String,
    /// What to say at the place.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// One item and where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Byte offset of the item's first byte (its doc comment not counted) in the file.
    pub offset: u32,
    /// What it is.
    pub kind: ItemKind,
    /// Everything else about it; equal as long as the item's own text is.
    pub doc: Option<String>,
    /// The whole item, counted from `offset`.
    pub range: Range,
}

/// The kinds of item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// `connector NAME { … }`
    Connector(Connector),
    /// `use std.text` or `use "./file.sconn"`
    Use(Use),
    /// `param NAME: type = default`
    Param(Param),
    /// `input NAME … { … }`
    Input(Input),
    /// `view NAME = sql { … }`
    View(View),
    /// `scope NAME … { … }`
    Scope(Scope),
    /// `load STEP … { … }`
    Load(Load),
    /// `object NAME "Label" { … }`
    Object(Object),
    /// `type NAME = …`
    Type(TypeAlias),
    /// `fn …` or `native fn …`
    Function(Function),
}

impl ItemKind {
    /// The keyword that starts such an item.
    pub fn keyword(&self) -> &'static str {
        match self {
            ItemKind::Connector(_) => "connector",
            ItemKind::Use(_) => "use",
            ItemKind::Param(_) => "param",
            ItemKind::Input(_) => "input",
            ItemKind::View(_) => "view",
            ItemKind::Scope(_) => "scope",
            ItemKind::Load(_) => "load",
            ItemKind::Object(_) => "object",
            ItemKind::Type(_) => "type",
            ItemKind::Function(_) => "fn",
        }
    }

    /// The name it defines; a `use` defines none.
    pub fn name(&self) -> Option<&Name> {
        match self {
            ItemKind::Connector(x) => Some(&x.name),
            ItemKind::Use(_) => None,
            ItemKind::Param(x) => Some(&x.name),
            ItemKind::Input(x) => Some(&x.name),
            ItemKind::View(x) => Some(&x.name),
            ItemKind::Scope(x) => Some(&x.name),
            ItemKind::Load(x) => Some(&x.name),
            ItemKind::Object(x) => Some(&x.name),
            ItemKind::Type(x) => Some(&x.name),
            ItemKind::Function(x) => Some(&x.name),
        }
    }
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The name as written.
    pub text: String,
    /// Where.
    pub range: Range,
}

/// A dotted name such as `crm.vendors`: one segment or more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// The segments, left to right.
    pub segments: Vec<Name>,
    /// The whole path.
    pub range: Range,
}

impl Path {
    /// The path as written, `a.b`.
    pub fn text(&self) -> String {
        self.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(".")
    }
}

/// A quoted text, unescaped, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text without quotes, escapes undone.
    pub value: String,
    /// Where, with its quotes.
    pub range: Range,
}

/// A literal value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LiteralKind {
    /// `"text"`
    Text(String),
    /// `12`, `-3.50`: kept as written
    Number(String),
    /// `true` or `false`
    Boolean(bool),
}

/// A literal and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// What it is.
    pub kind: LiteralKind,
    /// Where.
    pub range: Range,
}

/// `connector NAME { settings }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connector {
    /// The stable API name.
    pub name: Name,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// One setting: `chunk 500`, `trigger webhook { batch 5m }`, `notify "a@b.c", "d@e.f"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The setting's name.
    pub name: Name,
    /// Its values, in order.
    pub values: Vec<SettingValue>,
    /// The settings in its braces, if it has some.
    pub block: Option<Vec<Setting>>,
    /// The whole setting.
    pub range: Range,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// A bare word.
    Word(Name),
    /// A literal.
    Literal(Literal),
    /// `5m`, `30s`, `2h`, `1d`, `2GiB`: digits and a unit, as written.
    Quantity(Text),
    /// `secret("NAME")`
    Secret(Text),
}

impl SettingValue {
    /// Where it stands.
    pub fn range(&self) -> Range {
        match self {
            SettingValue::Word(n) => n.range,
            SettingValue::Literal(l) => l.range,
            SettingValue::Quantity(t) | SettingValue::Secret(t) => t.range,
        }
    }
}

/// `use …`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// `use std.text`
    Library(Path),
    /// `use "./crm.sconn"`
    File(Text),
}

/// `param NAME: type = default`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// What it is where the run does not say.
    pub default: Option<Literal>,
}

/// A type as written: `string`, `string[]`, `us_date`, `types.us_date`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TypeRef {
    /// The type's name.
    pub name: Path,
    /// Whether `[]` follows.
    pub array: bool,
    /// The whole of it.
    pub range: Range,
}

/// `object NAME "Label" { fields }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its API name.
    pub name: Name,
    /// What people call it.
    pub label: Option<Text>,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// `NAME: type [argument] [required] [unique]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its API name.
    pub name: Name,
    /// Its type: `text`, `money`, `dropdown`, …
    pub ty: Name,
    /// The word after the type: `USD` of `money USD`, `vendors` of `relationship vendors`.
    pub argument: Option<Path>,
    /// The option labels.
    pub options: Vec<Text>,
    /// Words such as `required` and `unique`.
    pub flags: Vec<Name>,
    /// The whole of it.
    pub range: Range,
}

/// `type NAME = type modifiers`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeAlias {
    /// Its name.
    pub name: Name,
    /// What it stands for.
    pub ty: TypeRef,
    /// `split "…"`
    pub split: Option<Text>,
    /// `format …`
    pub formats: Vec<FormatRef>,
    /// `output …`
    pub output: Option<FormatRef>,
}

/// `fn NAME(a: type, …): type = sql { … }` or `native fn NAME(a: type, …): type`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub parameters: Vec<FunctionParameter>,
    /// What it gives.
    pub returns: TypeRef,
    /// Its SQL expression; a native function has none.
    pub body: Option<Sql>,
}

/// `a: type [= literal]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionParameter {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// What it is where a call leaves it out.
    pub default: Option<Literal>,
}
