//! The syntax tree: owned, with every range counted from the start of its item.
//!
//! Counting from the item is what keeps an item equal to itself when text above it changes.

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

/// `input NAME [from sheet "…" | from file "…"] [{ … }]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The table is `input.NAME`.
    pub name: Name,
    /// Which sheet or file it is.
    pub from: Option<InputFrom>,
    /// Its columns; empty means: those of the sample.
    pub columns: Vec<InputColumn>,
    /// Reader options: `delimiter ";"`, `encoding "windows-1252"`, `header 3`, `missing "NA"`.
    pub options: Vec<Setting>,
}

/// Which part of the input a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputFrom {
    /// `from sheet "…"`
    Sheet(Text),
    /// `from file "…"`
    File(Text),
}

/// `column: "Header" [optional]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputColumn {
    /// The column's name in SQL.
    pub name: Name,
    /// The header in the file.
    pub header: Text,
    /// Whether a file without it is fine.
    pub optional: bool,
}

/// The text between the braces of `sql { … }`, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sql {
    /// The text, without the braces.
    pub text: String,
    /// Where the text stands.
    pub range: Range,
}

/// `view NAME = sql { … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: Name,
    /// Its query.
    pub sql: Sql,
}

/// `scope NAME [from input.x] { [sql { … }] variables }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub name: Name,
    /// The table it takes as it is, where it has no SQL of its own.
    pub from: Option<Path>,
    /// Its query.
    pub sql: Option<Sql>,
    /// Its variables, in the order written.
    pub variables: Vec<Variable>,
}

/// `NAME: type modifiers [= literal]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// `from COLUMN`
    pub from: Option<Name>,
    /// `required`, where it is written.
    pub required: Option<Range>,
    /// `split ";"`
    pub split: Option<Text>,
    /// `format …`, alternatives in order.
    pub formats: Vec<FormatRef>,
    /// `output …`
    pub output: Option<FormatRef>,
    /// `= literal`
    pub literal: Option<Literal>,
    /// The whole of it.
    pub range: Range,
}

/// A format: a word such as `yes_no`, or a pattern such as `"%d/%m/%Y"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FormatRef {
    /// The word or pattern.
    pub text: String,
    /// Whether it was quoted.
    pub quoted: bool,
    /// Where.
    pub range: Range,
}

/// `load STEP [from SCOPE] into OBJECT { … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// The step's name.
    pub name: Name,
    /// The scope; the step's own name where not written.
    pub from: Option<Name>,
    /// The object; missing only in broken text.
    pub into: Option<Path>,
    /// The matching rules, in order.
    pub rules: Vec<MatchRule>,
    /// The mappings, in order.
    pub mappings: Vec<Mapping>,
    /// Where `map { … }` stands, if it is there.
    pub map_range: Option<Range>,
    /// `expose NAME`
    pub expose: Option<Name>,
    /// `after { … }`
    pub after: Option<Vec<Setting>>,
}

/// `match FIELD with VARIABLE { outcome action … }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchRule {
    /// The field, or `id`.
    pub field: Name,
    /// The variable, or an exposed id.
    pub variable: Name,
    /// The outcomes that are written, in order.
    pub outcomes: Vec<OutcomeAction>,
    /// The whole rule.
    pub range: Range,
}

/// `none create_new`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeAction {
    /// `none`, `one`, `many` or `archived`, as written.
    pub outcome: Name,
    /// The action, as written.
    pub action: Name,
}

/// `FIELD <- source [resolution] [create_options]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The field.
    pub field: Name,
    /// Where its value comes from.
    pub source: MappingSource,
    /// The conflict resolution, as written.
    pub resolution: Option<Name>,
    /// `create_options`, where it is written.
    pub create_options: Option<Range>,
    /// The whole mapping.
    pub range: Range,
}

/// The right side of `<-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MappingSource {
    /// A variable or an exposed id.
    Variable(Name),
    /// A literal.
    Literal(Literal),
    /// `[a, b] join " "`
    Concat {
        /// The variables, in order.
        parts: Vec<Name>,
        /// What stands between them; nothing where not written.
        join: Option<Text>,
        /// The whole of it.
        range: Range,
    },
    /// `find OBJECT by FIELD with VARIABLE`
    Find {
        /// The object to look in.
        object: Path,
        /// The field to compare.
        by: Name,
        /// The variable to compare it with.
        with: Name,
        /// The whole of it.
        range: Range,
    },
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
