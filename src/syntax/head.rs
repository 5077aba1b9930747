//! The heads of items: what stands before the braces.

use super::reader::{Part, Reader, Rule};
use super::split::Entry;
use super::tree::*;
use crate::diagnostic::Code;

/// The parts of a head that come before any `stray`.
const HEAD: &[Rule] = &[
    Rule::keyword,
    Rule::native_word,
    Rule::name,
    Rule::bad_name,
    Rule::colon,
    Rule::equals,
    Rule::type_ref,
    Rule::parameters,
    Rule::returns,
    Rule::load_from,
    Rule::scope_from,
    Rule::input_from,
    Rule::load_into,
    Rule::quoted,
];

impl<'t> Reader<'t, '_> {
    /// The item that starts with `keyword`; nothing where it has no name.
    pub fn item(&mut self, keyword: &'static str, entry: &Entry) -> Option<ItemKind> {
        match keyword {
            "connector" => self.connector(entry).map(ItemKind::Connector),
            "use" => self.import(entry).map(ItemKind::Use),
            "param" => self.param(entry).map(ItemKind::Param),
            "input" => self.input(entry).map(ItemKind::Input),
            "view" => self.view(entry).map(ItemKind::View),
            "scope" => self.scope(entry).map(ItemKind::Scope),
            "load" => self.load(entry).map(ItemKind::Load),
            "object" => self.object(entry).map(ItemKind::Object),
            "type" => self.type_alias(entry).map(ItemKind::Type),
            _ => self.function(entry).map(ItemKind::Function),
        }
    }

    fn connector(&mut self, entry: &Entry) -> Option<Connector> {
        let head = self.read(Rule::connector_head, entry.head);
        let shape = "connector NAME { … }";
        let name = self.item_name(&head, "connector", shape);
        self.strays(&head, "the first line of a connector", &[], &format!("write `{shape}`"));
        self.needs_block(&head, entry, "connector", name.as_ref());
        let settings = self.block_settings(entry, 0);
        Some(Connector { name: name?, settings })
    }

    fn import(&mut self, entry: &Entry) -> Option<Use> {
        let head = self.read(Rule::use_head, entry.head);
        let help = "write `use std.text` or `use \"./file.sconn\"`";
        let found = match (head.get(Rule::quoted), head.get(Rule::path)) {
            (Some(file), _) => Some(Use::File(self.quoted(file))),
            (_, Some(path)) => Some(Use::Library(self.path(path))),
            _ => None,
        };
        // `use ./crm.sconn`: all that stands there is the path.
        let bare = head.get(Rule::stray).filter(|_| found.is_none()).map(|first| {
            let end = head.inner.last().map_or(first.end, |last| last.end);
            let value = self.text.get(first.start..end).unwrap_or("").to_owned();
            Text { value, range: self.range(first.start, end) }
        });
        let help = bare.as_ref().filter(|t| t.value.contains('.')).map_or_else(
            || help.to_owned(),
            |t| format!("write `use \"{}\"`", t.value.trim_matches(['\'', '“', '”'])),
        );
        if found.is_none() {
            let what = "a library or a quoted file";
            self.missing(head.end_of(HEAD), "`use` does not say what to use", what, help.clone());
        }
        let found = found.or(bare.map(Use::File));
        self.strays(&head, "a `use` line", &[], &help);
        self.no_block(entry, "a `use` line");
        found
    }

    fn param(&mut self, entry: &Entry) -> Option<Param> {
        let head = self.read(Rule::param_head, entry.head);
        let help = "write `param region: string = \"EMEA\"`";
        let name = self.item_name(&head, "param", "param NAME: type");
        let what = format!("the parameter {}", called(name.as_ref()));
        let ty = self.typed(&head, head.end_of(&[Rule::name, Rule::colon]), head.has(Rule::colon), &what);
        let default = self.default(&head, &what);
        self.strays(&head, &what, &[], help);
        self.no_block(entry, &what);
        Some(Param { name: name?, ty, default })
    }

    fn input(&mut self, entry: &Entry) -> Option<Input> {
        let head = self.read(Rule::input_head, entry.head);
        let name = self.item_name(&head, "input", "input NAME { … }");
        let what = format!("the input {}", called(name.as_ref()));
        let mut from = None;
        if let Some(part) = head.get(Rule::input_from) {
            let text = part.get(Rule::quoted).map(|q| self.quoted(q));
            from = match text {
                Some(text) if part.has(Rule::file_word) => Some(InputFrom::File(text)),
                // A quoted text alone is taken as a sheet, the common case, and told.
                Some(text) => Some(InputFrom::Sheet(text)),
                None => None,
            };
            let message = format!("{what} does not say which sheet or file it is from");
            let help = "write `from sheet \"Prices\"` or `from file \"prices.csv\"`".to_owned();
            if !part.has(Rule::sheet_word) && !part.has(Rule::file_word) {
                self.missing(part.end_of(&[Rule::from_word]), &message, "`sheet` or `file`", help);
            } else if from.is_none() {
                self.missing(part.end, &message, "a quoted name", help);
            }
        }
        self.strays(&head, &what, &["from"], "write `input NAME from sheet \"…\" { … }`");
        let (columns, options) = self.columns(entry);
        Some(Input { name: name?, from, columns, options })
    }

    fn view(&mut self, entry: &Entry) -> Option<View> {
        let head = self.read(Rule::view_head, entry.head);
        let name = self.item_name(&head, "view", "view NAME = sql { … }");
        let what = format!("the view {}", called(name.as_ref()));
        let help = format!("write `view {} = sql {{ SELECT … }}`", name.as_ref().map_or("NAME", |n| &n.text));
        let sql = self.body(&head, entry, &what, &help);
        self.strays(&head, &what, &["sql"], &help);
        Some(View { name: name?, sql })
    }

    /// The `= sql { … }` of a view or a function; empty, and told, where it is not there.
    fn body(&mut self, head: &Part<'t>, entry: &Entry, what: &str, help: &str) -> Sql {
        let end = head.end_of(HEAD);
        if !head.has(Rule::equals) {
            self.missing(end, &format!("{what} has no `=` before its SQL"), "`=`", help.into());
        } else if !head.has(Rule::sql_word) || entry.block.is_none() {
            let end = head.end_of(HEAD).max(head.end_of(&[Rule::sql_word]));
            self.missing(end, &format!("{what} has no SQL"), "`sql { … }`", help.into());
        }
        self.sql(entry).unwrap_or(Sql { text: String::new(), range: self.range(entry.end, entry.end) })
    }

    fn scope(&mut self, entry: &Entry) -> Option<Scope> {
        let head = self.read(Rule::scope_head, entry.head);
        let name = self.item_name(&head, "scope", "scope NAME { … }");
        let what = format!("the scope {}", called(name.as_ref()));
        let help = "write `scope NAME from input.NAME { … }`";
        let part = head.get(Rule::scope_from);
        let from = part.and_then(|p| p.get(Rule::path)).map(|p| self.path(p));
        if let (Some(part), None) = (part, &from) {
            self.missing(part.end, &format!("{what} does not say what it is from"), "a table", help.into());
        }
        self.strays(&head, &what, &["from"], help);
        self.needs_block(&head, entry, "scope", name.as_ref());
        let (sql, variables) = self.variables(entry);
        Some(Scope { name: name?, from, sql, variables })
    }

    fn load(&mut self, entry: &Entry) -> Option<Load> {
        let head = self.read(Rule::load_head, entry.head);
        let name = self.item_name(&head, "load", "load STEP into OBJECT { … }");
        let step = name.as_ref().map_or("STEP", |n| &n.text);
        let what = format!("the load step `{step}`");
        let help = format!("write `load {step} into crm.{step} {{ … }}`");
        let part = head.get(Rule::load_from);
        let from = part.and_then(|p| p.get(Rule::name)).map(|p| self.name(p));
        if let (Some(part), None) = (part, &from) {
            let help = format!("write `load {step} from SCOPE into OBJECT {{ … }}`");
            self.missing(part.end, &format!("{what} does not say which scope it loads"), "a scope", help);
        }
        let part = head.get(Rule::load_into);
        let into = part.and_then(|p| p.get(Rule::path)).map(|p| self.path(p));
        match part {
            None => {
                self.missing(
                    head.end_of(HEAD),
                    &format!("{what} has no `into OBJECT`"),
                    "`into`",
                    help.clone(),
                );
            }
            Some(part) if into.is_none() => {
                self.missing(part.end, &format!("{what} names no object"), "an object", help.clone());
            }
            Some(_) => {}
        }
        self.strays(&head, &what, &["from", "into"], &help);
        self.needs_block(&head, entry, "load", name.as_ref());
        let empty = Name { text: String::new(), range: self.range(entry.end, entry.end) };
        let mut load = Load {
            name: name.clone().unwrap_or(empty),
            from,
            into,
            rules: Vec::new(),
            mappings: Vec::new(),
            map_range: None,
            expose: None,
            after: None,
        };
        self.load_parts(entry, &mut load);
        name.map(|_| load)
    }

    fn object(&mut self, entry: &Entry) -> Option<Object> {
        let head = self.read(Rule::object_head, entry.head);
        let shape = "object NAME \"Label\" { … }";
        let name = self.item_name(&head, "object", shape);
        let label = head.get(Rule::quoted).map(|q| self.quoted(q));
        self.strays(&head, "the first line of an object", &[], &format!("write `{shape}`"));
        self.needs_block(&head, entry, "object", name.as_ref());
        let fields = self.fields(entry);
        Some(Object { name: name?, label, fields })
    }

    fn type_alias(&mut self, entry: &Entry) -> Option<TypeAlias> {
        let head = self.read(Rule::type_head, entry.head);
        let help = "write `type us_date = date format \"%m/%d/%Y\"`";
        let name = self.item_name(&head, "type", "type NAME = type");
        let what = format!("the type {}", called(name.as_ref()));
        if !head.has(Rule::equals) {
            self.missing(head.end_of(&[Rule::name]), &format!("{what} has no `=`"), "`=`", help.into());
        }
        let ty = head.get(Rule::type_ref).map(|t| self.type_ref(t));
        let ty = ty.unwrap_or_else(|| {
            let end = head.end_of(&[Rule::name, Rule::equals]);
            let message = format!("{what} does not say what it stands for");
            self.missing(end, &message, "a type", help.into());
            self.no_type(end)
        });
        for part in
            head.inner.iter().filter(|p| matches!(p.rule, Rule::from_column | Rule::required | Rule::default))
        {
            let message = format!("{} does not belong in a type", super::errors::quote(part.text));
            let help = "write it at the variables that have this type".to_owned();
            self.error(Code::UnexpectedText, part.start..part.end, &message, "not expected here", Some(help));
        }
        let modifiers = self.modifiers(&head, &what);
        self.strays(&head, &what, super::entry::MODIFIERS, help);
        self.no_block(entry, &what);
        let (split, formats, output) = (modifiers.split, modifiers.formats, modifiers.output);
        Some(TypeAlias { name: name?, ty, split, formats, output })
    }

    fn function(&mut self, entry: &Entry) -> Option<Function> {
        let head = self.read(Rule::fn_head, entry.head);
        let native = head.has(Rule::native_word);
        let name = self.item_name(&head, "fn", "fn NAME(a: string): string = sql { … }");
        let written = name.as_ref().map_or("NAME", |n| &n.text);
        let what = format!("the function {}", called(name.as_ref()));
        let help = if native {
            format!("write `native fn {written}(a: string): string`")
        } else {
            format!("write `fn {written}(a: string): string = sql {{ … }}`")
        };
        let mut parameters = Vec::new();
        match head.get(Rule::parameters) {
            Some(list) => self.parameters(list, &what, &help, &mut parameters),
            None => {
                let message = format!("{what} has no parameters");
                self.missing(head.end_of(&[Rule::keyword, Rule::name]), &message, "`(`", help.clone());
            }
        }
        let returns = head.get(Rule::returns);
        let ty = returns.and_then(|r| r.get(Rule::type_ref)).map(|t| self.type_ref(t));
        let returns = ty.unwrap_or_else(|| {
            let end = returns.map_or(head.end_of(&[Rule::keyword, Rule::name, Rule::parameters]), |r| r.end);
            let expected = if returns.is_some() { "a type" } else { "`: type`" };
            self.missing(end, &format!("{what} does not say what it gives"), expected, help.clone());
            self.no_type(end)
        });
        let body = if native {
            if let Some(equals) = head.get(Rule::equals) {
                let message = format!("{what} is native and has no SQL of its own");
                let range = equals.start..head.end_of(&[Rule::equals, Rule::sql_word]);
                let help = "remove `native`, or the SQL".to_owned();
                self.error(Code::UnexpectedText, range, &message, "not expected here", Some(help));
            }
            self.strays(&head, &what, &[], &help);
            if !self.told {
                self.no_block(entry, &what);
            }
            None
        } else {
            let body = self.body(&head, entry, &what, &help);
            self.strays(&head, &what, &["sql"], &help);
            Some(body)
        };
        Some(Function { name: name?, parameters, returns, body })
    }

    fn parameters(&mut self, list: &Part<'t>, what: &str, help: &str, into: &mut Vec<FunctionParameter>) {
        let mut comma = true;
        for part in &list.inner {
            match part.rule {
                Rule::parameter => {
                    let Some(name) = part.get(Rule::name) else { continue };
                    if !comma {
                        let message = format!("the parameters of {what} have no `,` between them");
                        self.missing(part.start, &message, "`,`", help.into());
                    }
                    let of = format!("the parameter `{}`", name.text);
                    let end = part.end_of(&[Rule::name, Rule::colon]);
                    let ty = self.typed(part, end, part.has(Rule::colon), &of);
                    let default = self.default(part, &of);
                    into.push(FunctionParameter { name: self.name(name), ty, default });
                    comma = false;
                }
                Rule::comma => comma = true,
                _ => {}
            }
        }
        self.strays(list, &format!("the parameters of {what}"), &[], help);
        if !list.has(Rule::close_paren) {
            self.missing(list.end, &format!("the parameters of {what} are not closed"), "`)`", help.into());
        }
    }

    fn item_name(&mut self, head: &Part<'t>, keyword: &str, shape: &str) -> Option<Name> {
        let name = self.new_name(head);
        if name.is_none() {
            let end = head.end_of(&[Rule::native_word, Rule::keyword]);
            let message = format!("this `{keyword}` has no name");
            self.missing(
                end,
                &message,
                "a name",
                format!("write `{shape}`; names are letters, digits and `_`"),
            );
        }
        name
    }

    fn needs_block(&mut self, head: &Part<'t>, entry: &Entry, keyword: &str, name: Option<&Name>) {
        if entry.block.is_none() {
            let message = format!("the {keyword} {} has no `{{ … }}`", called(name));
            self.missing(head.end, &message, "`{`", "write what it holds in `{ … }`".into());
        } else if self.is_sql(entry) {
            let name = name.map_or("NAME", |n| &n.text);
            let message = format!("the {keyword} `{name}` is not SQL itself");
            let at = entry.block.and_then(|b| self.tokens.get(b.0)).map_or(head.end, |t| t.start);
            let help = format!("write `{keyword} {name} {{ … }}`, for a scope with `sql {{ … }}` inside");
            self.error(Code::UnexpectedText, at..at + 1, &message, "not expected here", Some(help));
        }
    }
}

/// The name in quotes for a message.
fn called(name: Option<&Name>) -> String {
    name.map_or_else(|| "without a name".to_owned(), |n| format!("`{}`", n.text))
}
