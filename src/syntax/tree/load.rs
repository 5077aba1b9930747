//! Load steps, as they are written.

use super::{Literal, Name, Path, Setting, Text};
use crate::text::Range;

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
