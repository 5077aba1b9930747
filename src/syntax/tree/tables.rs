//! Inputs, views and scopes, as they are written.

use super::{Literal, Name, Path, Setting, Text, TypeRef};
use crate::text::Range;

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
