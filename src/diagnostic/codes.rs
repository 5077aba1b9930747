//! The registry of codes. A code is never reused; each has a page in `docs/diagnostics/`.

use super::Severity;

/// What the registry knows of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeInfo {
    /// `SC0001`
    pub id: &'static str,
    /// A few words: what is wrong.
    pub title: &'static str,
    /// How much it weighs.
    pub severity: Severity,
}

macro_rules! codes {
    ($($variant:ident $id:literal $severity:ident $title:literal;)*) => {
        /// A stable diagnostic code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        /// Every code, in order.
        pub const CODES: &[Code] = &[$(Code::$variant,)*];

        impl Code {
            /// What the registry knows of it.
            pub fn info(self) -> CodeInfo {
                match self {
                    $(Code::$variant => CodeInfo { id: $id, title: $title, severity: Severity::$severity },)*
                }
            }

            /// Its page, as Markdown. A code without a page does not build.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$variant => include_str!(concat!("../../docs/diagnostics/", $id, ".md")),)*
                }
            }
        }
    };
}

codes! {
    UnexpectedText "SC0001" Error "text that does not belong here";
    MissingBrace "SC0002" Error "a brace is missing";
    UnclosedText "SC0003" Error "a quoted text is not closed";
    UnknownItem "SC0004" Error "no item starts like this";
    MissingPart "SC0005" Error "something is missing";
    BadEscape "SC0006" Error "an escape without meaning";

    UnknownName "SC0101" Error "unknown name";
    DuplicateName "SC0102" Error "the name is taken";
    ImportNotFound "SC0103" Error "an import that is not there";
    ImportCycle "SC0104" Error "files that import each other";
    AmbiguousName "SC0105" Error "a name that two imports have";
    ReservedName "SC0106" Error "a name that is reserved";

    SqlSyntax "SC0201" Error "SQL that cannot be read";
    SqlUnknownColumn "SC0202" Error "unknown column";
    SqlUnknownTable "SC0203" Error "unknown table";
    SqlUnknownFunction "SC0204" Error "unknown SQL function";
    SqlTypeMismatch "SC0205" Error "SQL types that do not go together";
    SqlGroupBy "SC0206" Error "a column that is neither grouped nor aggregated";
    SqlAmbiguousColumn "SC0207" Error "a column that several tables have";
    SqlForbiddenStatement "SC0208" Error "a SQL statement that is not a query";
    SqlForbiddenFunction "SC0209" Error "a SQL function or table that is not allowed";
    SqlOther "SC0210" Error "SQL that cannot be planned";
    SqlUnknownParameter "SC0211" Error "unknown run parameter";
    SqlDuplicateColumn "SC0212" Error "two columns of one name";
    SqlTooDeep "SC0213" Error "SQL that is nested too deep";
    SqlCycle "SC0214" Error "queries that read each other";
    SqlTextAsNumber "SC0215" Warning "text compared with a number";

    ColumnNotProduced "SC0301" Error "a variable without its column";
    UnknownType "SC0302" Error "unknown type";
    FormatWithoutMeaning "SC0303" Error "a format without meaning";
    BadSplit "SC0304" Error "an array that cannot be split";
    LiteralDoesNotFit "SC0305" Error "a literal that does not fit its type";
    AmbiguousDateFormat "SC0306" Notice "day and month could be either";
    ScopeWithoutQuery "SC0307" Error "a scope without rows";
    FloatNumber "SC0308" Warning "a number made of floating point";

    UnknownField "SC0401" Error "unknown field";
    TypeDoesNotFitField "SC0402" Error "a variable that does not fit its field";
    NameNotMapped "SC0403" Error "the record's name is not mapped";
    RequiredNotMapped "SC0404" Error "a required field is not mapped";
    IllegalResolution "SC0405" Error "a conflict resolution the field does not have";
    UnreachableRule "SC0406" Error "a rule that is never asked";
    LastRuleFallsThrough "SC0407" Error "a last rule that falls through";
    ExposedTooEarly "SC0408" Error "an exposed id that is not there yet";
    ErrorsScopeLoaded "SC0409" Error "an errors scope in a load step";
    NoMatchingRule "SC0410" Error "a load step without a matching rule";
    UnknownWord "SC0411" Error "unknown word";
    IllegalAction "SC0412" Error "an action the outcome does not have";
    UnknownOptionLabel "SC0413" Error "an option the field does not have";
    OptionsNotAllowed "SC0414" Error "options where the field has none";
    MappedTwice "SC0415" Error "a field that is mapped twice";
    NoMapping "SC0416" Error "a load step without a mapping";
    WrongRelationship "SC0417" Error "a relationship to another object";
    CannotMatchOn "SC0418" Error "a field that cannot be matched on";

    UnknownSetting "SC0501" Error "unknown setting";
    BadSetting "SC0502" Error "a setting without meaning";
    BadCron "SC0503" Error "a schedule that cannot be read";
    UnknownTimezone "SC0504" Error "unknown time zone";
    SecretWrittenOut "SC0505" Error "a secret written out";
    SeveralConnectors "SC0506" Error "more than one connector in a file";
    SampleUnreadable "SC0507" Warning "a sample that cannot be read";
    SampleLacksColumn "SC0508" Error "a sample without a declared column";
    NoConnector "SC0509" Error "load steps without a connector";
    WebhookWithoutSecret "SC0510" Warning "a webhook that nobody may call";
    ColumnsUnknown "SC0511" Error "an input whose columns are not known";
    InputNotFed "SC0512" Error "an input that the trigger hands nothing in for";

    UnknownFieldType "SC0601" Error "unknown field type";
    MissingFieldArgument "SC0602" Error "a field type that lacks something";
    ObjectWithoutName "SC0603" Error "an object without a name field";
    BadOptions "SC0604" Error "options that cannot be";
    UnknownFlag "SC0605" Error "unknown field flag";

    UnusedColumn "SC0701" Warning "an input column nobody reads";
    UnusedScope "SC0702" Warning "a scope nobody loads";
    UnusedView "SC0703" Warning "a view nobody reads";
    UnusedParam "SC0704" Warning "a parameter nobody reads";
    UnusedInput "SC0705" Warning "an input nobody reads";
    UnusedVariable "SC0706" Warning "a variable nobody reads";
    UnusedImport "SC0707" Warning "an import nobody uses";
}

impl Code {
    /// `SC0001`
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The code of that id.
    pub fn from_id(id: &str) -> Option<Self> {
        CODES.iter().copied().find(|c| c.id() == id)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}
