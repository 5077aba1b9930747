//! What stands in the braces of a load step.

use super::errors::{meant, quote};
use super::reader::{Part, Reader, Rule};
use super::split::{Entry, Holds, LOAD_WORDS};
use super::tree::*;
use crate::diagnostic::Code;

const PARTS: &str = "a load step holds `match`, `map { … }`, `expose` and `after { … }`";

impl<'t> Reader<'t, '_> {
    /// Reads the parts of a load step into `load`.
    pub fn load_parts(&mut self, entry: &Entry, load: &mut Load) {
        let Some((_, inside)) = entry.block else { return };
        let mut junk = false;
        for entry in self.entries(inside, Holds::LoadParts) {
            let part = self.read(Rule::bare, entry.head);
            let word = part.get(Rule::keyword).map_or("", |k| k.text);
            // Lines of junk on end, such as mappings outside `map`, are told once.
            let after_junk = std::mem::replace(&mut junk, !LOAD_WORDS.contains(&word));
            self.told |= after_junk && junk;
            match word {
                "match" => load.rules.extend(self.match_rule(&entry)),
                "map" => self.map(&part, &entry, load),
                "expose" => self.expose(&entry, load),
                "after" => {
                    self.strays(&part, "the `after` line", &[], "write `after { … }`");
                    self.bare_block(&part, &entry, "after");
                    if load.after.is_some() {
                        self.second(&part, "after");
                    }
                    let settings = self.block_settings(&entry, 0);
                    load.after.get_or_insert_default().extend(settings);
                }
                _ => {
                    if part.inner.is_empty() {
                        self.no_head(&entry, "the parts of a load step", PARTS);
                        continue;
                    }
                    let message = format!("{} is not a part of a load step", quote(part.text));
                    let help = meant(word, LOAD_WORDS).map(|w| format!("did you mean `{w}`?"));
                    let help = Some(help.unwrap_or_else(|| PARTS.to_owned()));
                    let label = "expected `match`, `map`, `expose` or `after` here";
                    let range = part.start..part.end.max(part.start + part.text.trim_end().len());
                    self.error(Code::UnexpectedText, range, &message, label, help);
                }
            }
        }
    }

    fn bare_block(&mut self, part: &Part<'t>, entry: &Entry, word: &str) {
        if entry.block.is_none() {
            self.missing(
                part.end,
                &format!("`{word}` has no `{{ … }}`"),
                "`{`",
                format!("write `{word} {{ … }}`"),
            );
        }
    }

    fn second(&mut self, part: &Part<'t>, word: &str) {
        let range = part.start..part.end;
        let message = format!("the load step has `{word}` twice");
        self.error(Code::UnexpectedText, range, &message, "the second one", Some("keep one".into()));
    }

    fn map(&mut self, part: &Part<'t>, entry: &Entry, load: &mut Load) {
        self.strays(part, "the `map` line", &[], "write `map { … }`");
        self.bare_block(part, entry, "map");
        if load.map_range.is_some() {
            self.second(part, "map");
        }
        load.map_range = load.map_range.or(Some(self.entry_range(entry)));
        let Some((_, inside)) = entry.block else { return };
        for entry in self.entries(inside, Holds::Mappings) {
            load.mappings.extend(self.mapping(&entry));
        }
    }

    fn expose(&mut self, entry: &Entry, load: &mut Load) {
        let part = self.read(Rule::expose, entry.head);
        let name = part.get(Rule::name).map(|n| self.name(n));
        if name.is_none() {
            let help = "write `expose product_id`".to_owned();
            self.missing(part.end_of(&[Rule::keyword]), "`expose` has no name", "a name", help);
        }
        self.strays(&part, "the `expose` line", &[], "write `expose product_id`");
        if load.expose.is_some() {
            self.second(&part, "expose");
        }
        self.no_block(entry, "the `expose` line");
        load.expose = load.expose.take().or(name);
    }

    fn match_rule(&mut self, entry: &Entry) -> Option<MatchRule> {
        let part = self.read(Rule::match_rule, entry.head);
        let help = "write `match FIELD with VARIABLE`, for example `match sku with sku`";
        let field = part.get(Rule::match_field).map(|n| self.name(n));
        let variable = part.get(Rule::match_variable).map(|n| self.name(n));
        let end = part.end_of(&[Rule::keyword, Rule::match_field, Rule::with_word]);
        match &field {
            None => self.missing(
                part.end_of(&[Rule::keyword]),
                "this `match` does not say which field to compare",
                "a field",
                help.into(),
            ),
            Some(field) if !part.has(Rule::with_word) => {
                let message = format!("the matching rule for `{}` has no `with`", field.text);
                let word = part.get(Rule::not_with).and_then(|w| meant(w.text, &["with"]));
                let help = word.map_or_else(|| help.to_owned(), |w| format!("did you mean `{w}`?"));
                self.missing(part.end_of(&[Rule::match_field]), &message, "`with`", help);
            }
            Some(field) if variable.is_none() => {
                let message = format!("the matching rule for `{}` has no variable", field.text);
                self.missing(end, &message, "a variable", help.into());
            }
            Some(_) => {}
        }
        self.strays(&part, "a matching rule", &["with"], help);
        let mut outcomes = Vec::new();
        if let Some((_, inside)) = entry.block {
            for entry in self.entries(inside, Holds::Outcomes) {
                outcomes.extend(self.outcome(&entry));
            }
        }
        Some(MatchRule { field: field?, variable: variable?, outcomes, range: self.entry_range(entry) })
    }

    fn outcome(&mut self, entry: &Entry) -> Option<OutcomeAction> {
        let part = self.read(Rule::outcome, entry.head);
        let help = "write an outcome and its action, for example `none create_new`";
        if part.inner.is_empty() {
            self.no_head(entry, "the outcomes", help);
        }
        let outcome = self.entry_name(&part, "an outcome", help)?;
        let action = part.get(Rule::action).map(|n| self.name(n));
        if action.is_none() {
            let message = format!("the outcome `{}` has no action", outcome.text);
            self.missing(part.end_of(&[Rule::name]), &message, "an action", help.into());
        }
        self.strays(&part, &format!("the outcome `{}`", outcome.text), &[], help);
        self.no_block(entry, "an outcome");
        Some(OutcomeAction { outcome, action: action? })
    }

    fn mapping(&mut self, entry: &Entry) -> Option<Mapping> {
        let part = self.read(Rule::mapping, entry.head);
        let help = "write `field <- variable`, with a conflict resolution after it where one is meant";
        if part.inner.is_empty() {
            self.no_head(entry, "the mappings", help);
        }
        let field = self.entry_name(&part, "a mapping", help)?;
        let what = format!("the mapping of `{}`", field.text);
        let end = part.end_of(&[Rule::name, Rule::arrow]);
        let source = part.get(Rule::source);
        if !part.has(Rule::arrow) {
            self.missing(end, &format!("{what} has no `<-`"), "`<-`", help.into());
        } else if source.is_none() {
            self.missing(end, &format!("{what} has nothing after `<-`"), "a variable", help.into());
        }
        let source = source.and_then(|s| s.inner.first()).and_then(|s| self.source(s, &what));
        let mut words = part.inner.iter().filter(|p| p.rule == Rule::resolution);
        let resolution = words.next().map(|n| self.name(n));
        if let Some(second) = words.next() {
            let message = format!("{} does not belong in {what}", quote(second.text));
            let help = "after the source go one conflict resolution and `create_options`".to_owned();
            self.error(
                Code::UnexpectedText,
                second.start..second.end,
                &message,
                "not expected here",
                Some(help),
            );
        }
        let create_options = part.get(Rule::create).map(|p| self.range(p.start, p.end));
        self.strays(&part, &what, &[], help);
        self.no_block(entry, &what);
        Some(Mapping { field, source: source?, resolution, create_options, range: self.entry_range(entry) })
    }

    fn source(&mut self, part: &Part<'t>, what: &str) -> Option<MappingSource> {
        match part.rule {
            Rule::literal => self.literal(part).map(MappingSource::Literal),
            Rule::concat => Some(self.concat(part, what)),
            Rule::find => self.find(part, what),
            _ => Some(MappingSource::Variable(self.name(part))),
        }
    }

    fn concat(&mut self, part: &Part<'t>, what: &str) -> MappingSource {
        let help = "write `[first_name, last_name] join \" \"`";
        let mut parts = Vec::new();
        let mut comma = true;
        for inner in &part.inner {
            match inner.rule {
                Rule::name => {
                    if !comma {
                        let message = format!("the list in {what} has no `,` between its variables");
                        self.missing(inner.start, &message, "`,`", help.into());
                    }
                    parts.push(self.name(inner));
                    comma = false;
                }
                Rule::comma => comma = true,
                _ => {}
            }
        }
        self.strays(part, &format!("the list in {what}"), &[], help);
        if !part.has(Rule::close_bracket) {
            self.missing(part.end, &format!("the list in {what} is not closed"), "`]`", help.into());
        }
        let join = part.get(Rule::quoted).map(|q| self.quoted(q));
        if part.has(Rule::join_word) && join.is_none() {
            let message = format!("`join` in {what} does not say what stands between");
            self.missing(part.end, &message, "a quoted text", help.into());
        }
        if parts.is_empty() {
            self.missing(part.start + 1, &format!("the list in {what} is empty"), "a variable", help.into());
        }
        MappingSource::Concat { parts, join, range: self.range(part.start, part.end) }
    }

    fn find(&mut self, part: &Part<'t>, what: &str) -> Option<MappingSource> {
        let help =
            "write `find OBJECT by FIELD with VARIABLE`, for example `find vendors by code with vendor`";
        let object = part.get(Rule::path).map(|p| self.path(p));
        let by = part.get(Rule::find_by).map(|n| self.name(n));
        let with = part.get(Rule::find_with).map(|n| self.name(n));
        if by.is_none() {
            let end = part.end_of(&[Rule::path, Rule::by_word]);
            let expected = if part.has(Rule::by_word) { "a field" } else { "`by`" };
            self.missing(
                end,
                &format!("`find` in {what} does not say by which field"),
                expected,
                help.into(),
            );
        } else if with.is_none() {
            let expected = if part.has(Rule::with_word) { "a variable" } else { "`with`" };
            self.missing(
                part.end,
                &format!("`find` in {what} does not say with which variable"),
                expected,
                help.into(),
            );
        }
        Some(MappingSource::Find {
            object: object?,
            by: by?,
            with: with?,
            range: self.range(part.start, part.end),
        })
    }
}
