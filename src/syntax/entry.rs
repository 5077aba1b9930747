//! The entries of inputs, scopes and objects, with types and modifiers.

use super::errors::quote;
use super::reader::{Part, Reader, Rule};
use super::scan::Kind;
use super::split::{Entry, Holds};
use super::tree::*;
use crate::diagnostic::Code;
use crate::text::Range;

/// The words that may follow a variable's type.
pub(super) const MODIFIERS: &[&str] = &["from", "required", "split", "format", "output"];

/// The settings that may stand among an input's columns.
const READER_OPTIONS: &[&str] = &["delimiter", "encoding", "header", "missing"];

/// What stands after a type.
#[derive(Default)]
pub(super) struct Modifiers {
    pub from: Option<Name>,
    pub required: Option<Range>,
    pub split: Option<Text>,
    pub formats: Vec<FormatRef>,
    pub output: Option<FormatRef>,
    pub literal: Option<Literal>,
}

impl<'t> Reader<'t, '_> {
    /// The columns and reader options of an input. Options are settings among the columns
    /// (`delimiter ";"`: no colon) or in braces of their own (`{ delimiter ";" header 3 }`).
    pub fn columns(&mut self, entry: &Entry) -> (Vec<InputColumn>, Vec<Setting>) {
        let (mut columns, mut options) = (Vec::new(), Vec::new());
        let Some((_, inside)) = entry.block else { return (columns, options) };
        for entry in self.entries(inside, Holds::Columns) {
            let colon = self.tokens.get(entry.head.from + 1).filter(|_| entry.head.from + 1 < entry.head.to);
            let first = self.tokens.get(entry.head.from).filter(|_| entry.head.from < entry.head.to);
            let word = first.filter(|t| t.kind == Kind::Name).map(|t| t.text(self.text));
            let is_column = match (word, colon.map(|t| t.kind)) {
                (None, _) | (_, Some(Kind::Symbol(':'))) => true,
                (Some(word), Some(Kind::Symbol('='))) => !READER_OPTIONS.contains(&word),
                _ => false,
            };
            if first.is_none() {
                options.extend(self.block_settings(&entry, 0));
            } else if is_column {
                columns.extend(self.column(&entry));
            } else {
                options.extend(self.setting(&entry, 0));
            }
        }
        (columns, options)
    }

    fn column(&mut self, entry: &Entry) -> Option<InputColumn> {
        let part = self.read(Rule::column, entry.head);
        let help = "write `column: \"Header\"`, with `optional` after it where a file may lack it";
        let name = self.entry_name(&part, "a column", help)?;
        let what = format!("the column `{}`", name.text);
        if let Some(equals) = part.get(Rule::equals) {
            let message = format!("{what} has a `=` where a `:` belongs");
            let range = equals.start..equals.end;
            let help = Some(format!("write `{}: \"Header\"`", name.text));
            self.error(Code::UnexpectedText, range, &message, "expected `:` here", help);
        }
        let header = part.get(Rule::quoted).map(|q| self.quoted(q)).unwrap_or_else(|| {
            let end = part.end_of(&[Rule::name, Rule::colon, Rule::equals]);
            let written = self.text.get(end..part.end).unwrap_or("").trim();
            let after = written.strip_prefix("optional").filter(|_| part.has(Rule::optional));
            let (written, optional) = after.map_or((written, ""), |header| (header.trim(), " optional"));
            let message = if optional.is_empty() || written.is_empty() {
                format!("{what} does not say its header in the file")
            } else {
                format!("{what} says `optional` before its header")
            };
            let written = written.trim_matches(['"', '\'', '“', '”', '„', '‘', '’']).trim();
            let shown = if written.is_empty() || written.contains('"') { "Header" } else { written };
            let help = format!("write `{}: \"{shown}\"{optional}`", name.text);
            self.missing(end, &message, "a header in double quotes", help);
            // The column is there all the same, for the SQL that reads it.
            Text { value: written.to_owned(), range: self.range(end, part.end.max(end)) }
        });
        self.strays(&part, &what, &["optional"], help);
        self.no_block(entry, &what);
        Some(InputColumn { name, header, optional: part.has(Rule::optional) })
    }

    /// The SQL and the variables of a scope.
    pub fn variables(&mut self, entry: &Entry) -> (Option<Sql>, Vec<Variable>) {
        let (mut sql, mut variables) = (None, Vec::new());
        let Some((_, inside)) = entry.block else { return (sql, variables) };
        for entry in self.entries(inside, Holds::Variables) {
            let first = self.tokens.get(entry.head.from).filter(|_| entry.head.from < entry.head.to);
            let is_sql =
                self.is_sql(&entry) || entry.block.is_some() && first.is_some_and(|t| t.is(self.text, "sql"));
            if !is_sql {
                variables.extend(self.variable(&entry));
                continue;
            }
            let part = self.read(Rule::bare, entry.head);
            let wrong = part.get(Rule::keyword).is_none_or(|k| k.text != "sql") || part.has(Rule::stray);
            let place = part.start..part.end;
            if wrong {
                let message = format!("{} is not how the SQL of a scope starts", quote(part.text));
                let help = Some("write `sql { SELECT … }`, with no `=`".to_owned());
                self.error(Code::UnexpectedText, place, &message, "expected `sql {` here", help);
            } else if sql.is_some() {
                let help = Some("keep one; a `view` can hold the other".to_owned());
                self.error(Code::UnexpectedText, place, "the scope has SQL already", "a second block", help);
                continue;
            }
            sql = sql.or(self.sql(&entry));
        }
        (sql, variables)
    }

    fn variable(&mut self, entry: &Entry) -> Option<Variable> {
        let part = self.read(Rule::variable, entry.head);
        let help = "write `name: type`, for example `price: number required`";
        if part.inner.is_empty() {
            self.no_head(entry, "the variables", help);
        }
        if let [only] = part.inner.as_slice()
            && only.rule == Rule::name
            && (MODIFIERS.contains(&only.text) || only.text == "sql")
        {
            let range = only.start..only.end;
            let (message, help) = match only.text {
                "sql" => ("`sql` has no `{ … }`".to_owned(), "write `sql { SELECT … }`".to_owned()),
                word => {
                    let help = format!("write `name: type {word}`");
                    (format!("`{word}` belongs to no variable"), help)
                }
            };
            self.error(Code::UnexpectedText, range, &message, "not expected here", Some(help));
            return None;
        }
        let name = self.entry_name(&part, "a variable", help)?;
        let what = format!("the variable `{}`", name.text);
        let ty = self.typed(&part, part.end_of(&[Rule::name, Rule::colon]), part.has(Rule::colon), &what);
        let Modifiers { from, required, split, formats, output, literal } = self.modifiers(&part, &what);
        self.strays(
            &part,
            &what,
            MODIFIERS,
            "after the type go `from`, `required`, `split`, `format`, `output` and `=`",
        );
        self.no_block(entry, &what);
        let range = self.entry_range(entry);
        Some(Variable { name, ty, from, required, split, formats, output, literal, range })
    }

    /// The modifiers of a variable or type. One that is there twice is told; the first counts.
    pub fn modifiers(&mut self, part: &Part<'t>, what: &str) -> Modifiers {
        let mut found = Modifiers::default();
        let mut seen = Vec::new();
        for modifier in &part.inner {
            let word = match modifier.rule {
                Rule::from_column => "from",
                Rule::required => "required",
                Rule::split => "split",
                Rule::format => "format",
                Rule::output => "output",
                Rule::default => "=",
                _ => continue,
            };
            if seen.contains(&modifier.rule) {
                let range = modifier.start..modifier.end;
                let message = format!("{what} has `{word}` twice");
                let help =
                    if word == "format" { "write the formats with commas between them" } else { "keep one" };
                self.error(Code::UnexpectedText, range, &message, "the second one", Some(help.into()));
                continue;
            }
            seen.push(modifier.rule);
            let lacks = match modifier.rule {
                Rule::from_column => {
                    found.from = modifier.get(Rule::name).map(|n| self.name(n));
                    found.from.is_none().then_some(("a column", "write `from COLUMN`"))
                }
                Rule::required => {
                    found.required = Some(self.range(modifier.start, modifier.end));
                    None
                }
                Rule::split => {
                    found.split = modifier.get(Rule::quoted).map(|q| self.quoted(q));
                    found.split.is_none().then_some(("a quoted text", "write `split \";\"`"))
                }
                Rule::format => {
                    let formats = modifier.inner.iter().filter(|p| p.rule == Rule::format_ref);
                    found.formats = formats.filter_map(|p| self.format(p)).collect();
                    let help = "write `format yes_no` or `format \"%d/%m/%Y\"`";
                    found.formats.is_empty().then_some(("a format", help))
                }
                Rule::output => {
                    found.output = modifier.get(Rule::format_ref).and_then(|p| self.format(p));
                    found.output.is_none().then_some(("a format", "write `output \"%d/%m/%Y\"`"))
                }
                _ => {
                    found.literal = modifier.get(Rule::literal).and_then(|l| self.literal(l));
                    found
                        .literal
                        .is_none()
                        .then_some(("a literal", "write a text in quotes, a number, `true` or `false`"))
                }
            };
            if let Some((expected, help)) = lacks {
                let message = format!("{what} has a `{word}` with nothing after it");
                self.missing(modifier.end, &message, expected, help.into());
            }
        }
        found
    }

    fn format(&self, part: &Part<'t>) -> Option<FormatRef> {
        let inner = part.inner.first()?;
        let quoted = inner.rule == Rule::quoted;
        let text = if quoted { self.quoted(inner).value } else { inner.text.to_owned() };
        Some(FormatRef { text, quoted, range: self.range(inner.start, inner.end) })
    }

    /// The fields of an object.
    pub fn fields(&mut self, entry: &Entry) -> Vec<Field> {
        let Some((_, inside)) = entry.block else { return Vec::new() };
        self.entries(inside, Holds::Fields).iter().filter_map(|e| self.field(e)).collect()
    }

    fn field(&mut self, entry: &Entry) -> Option<Field> {
        let part = self.read(Rule::field, entry.head);
        let help = "write `name: type`, for example `price: money USD required`";
        if part.inner.is_empty() {
            self.no_head(entry, "the fields", help);
        }
        let name = self.entry_name(&part, "a field", help)?;
        let what = format!("the field `{}`", name.text);
        let end = part.end_of(&[Rule::name, Rule::colon]);
        if !part.has(Rule::colon) {
            self.missing(end, &format!("{what} has no `:`"), "`:`", help.into());
        }
        let ty = part.get(Rule::field_type);
        let argument = ty.and_then(|t| t.get(Rule::field_argument)).map(|a| self.path(a));
        let ty = match ty.and_then(|t| t.inner.first()) {
            Some(word) => self.name(word),
            None => {
                self.missing(end, &format!("{what} has no type"), "a type", help.into());
                Name { text: "text".to_owned(), range: self.range(end, end) }
            }
        };
        let mut options = Vec::new();
        for list in part.inner.iter().filter(|p| p.rule == Rule::options) {
            self.options(list, &what, &mut options);
        }
        let flags = part.inner.iter().filter(|p| p.rule == Rule::flag).map(|p| self.name(p)).collect();
        let words = "after the type go its options `[\"a\", \"b\"]`, `required` and `unique`";
        self.strays(&part, &what, &[], words);
        self.no_block(entry, &what);
        Some(Field { name, ty, argument, options, flags, range: self.entry_range(entry) })
    }

    fn options(&mut self, list: &Part<'t>, what: &str, into: &mut Vec<Text>) {
        let help = "write `[\"new\", \"sale\"]`";
        let mut comma = true;
        for part in &list.inner {
            match part.rule {
                Rule::quoted => {
                    if !comma {
                        let message = format!("the options of {what} have no `,` between them");
                        self.missing(part.start, &message, "`,`", help.into());
                    }
                    into.push(self.quoted(part));
                    comma = false;
                }
                Rule::comma => comma = true,
                _ => {}
            }
        }
        self.strays(list, &format!("the options of {what}"), &[], help);
        if !list.has(Rule::close_bracket) {
            self.missing(list.end, &format!("the options of {what} are not closed"), "`]`", help.into());
        }
    }

    /// The name that an entry starts with. Where there is none, the whole entry is told.
    pub fn entry_name(&mut self, part: &Part<'t>, what: &str, help: &str) -> Option<Name> {
        let name = self.new_name(part);
        if name.is_none() && !part.inner.is_empty() {
            let message = format!("{} is not {what}", quote(part.text));
            let label = format!("expected {what} here");
            self.error(Code::UnexpectedText, part.start..part.end, &message, &label, Some(help.into()));
        }
        name
    }

    /// The `: type` after `end`, where the colon may be missing; `string` where there is no type.
    pub fn typed(&mut self, part: &Part<'t>, end: usize, colon: bool, what: &str) -> TypeRef {
        let ty = part.get(Rule::type_ref).map(|t| self.type_ref(t));
        let help = "write `name: type`; types are `string`, `number`, `boolean`, `date`, `datetime`, `email`, \
                    `phone_number` and `uuid`";
        if ty.is_none() {
            self.missing(
                end,
                &format!("{what} has no type"),
                if colon { "a type" } else { "`: type`" },
                help.into(),
            );
        } else if !colon {
            self.missing(end, &format!("{what} has no `:` before its type"), "`:`", help.into());
        }
        ty.unwrap_or_else(|| self.no_type(end))
    }

    /// Stands for a type that is missing; text takes any value, so nothing else is told for it.
    pub fn no_type(&self, at: usize) -> TypeRef {
        let range = self.range(at, at);
        let name = Path { segments: vec![Name { text: "string".to_owned(), range }], range };
        TypeRef { name, array: false, range }
    }

    pub fn type_ref(&self, part: &Part<'t>) -> TypeRef {
        let range = self.range(part.start, part.end);
        TypeRef { name: self.path(part), array: part.has(Rule::array), range }
    }

    /// The `= literal` of a parameter.
    pub fn default(&mut self, part: &Part<'t>, what: &str) -> Option<Literal> {
        let default = part.get(Rule::default)?;
        let literal = default.get(Rule::literal).and_then(|l| self.literal(l));
        if literal.is_none() {
            let help = "write a text in quotes, a number, `true` or `false`";
            self.missing(
                default.end,
                &format!("{what} has a `=` with nothing after it"),
                "a literal",
                help.into(),
            );
        }
        literal
    }
}
