//! Settings: `NAME value, value { … }`.

use super::errors::quote;
use super::reader::{Part, Reader, Rule};
use super::split::{Entry, Holds};
use super::tree::{Setting, SettingValue};
use crate::diagnostic::Code;

/// Nobody nests settings this deep; hostile text must not fill the stack.
const DEEPEST: usize = 32;

impl<'t> Reader<'t, '_> {
    /// The settings in the braces of `entry`, which is `depth` braces down itself.
    pub fn block_settings(&mut self, entry: &Entry, depth: usize) -> Vec<Setting> {
        let Some((open, inside)) = entry.block else { return Vec::new() };
        if depth >= DEEPEST {
            self.told = false;
            let at = self.tokens.get(open).map_or(0, |t| t.start);
            let message = "these settings are nested too deep";
            let help = format!("settings go {DEEPEST} braces deep at most");
            self.error(Code::UnexpectedText, at..at + 1, message, "not read any further", Some(help));
            return Vec::new();
        }
        self.entries(inside, Holds::Settings).iter().filter_map(|e| self.setting(e, depth)).collect()
    }

    /// One setting.
    pub fn setting(&mut self, entry: &Entry, depth: usize) -> Option<Setting> {
        let part = self.read(Rule::setting, entry.head);
        let name = self.new_name(&part);
        let help = "write `name value`, for example `chunk 500`; several values stand between commas";
        let what =
            name.as_ref().map_or_else(|| "the settings".to_owned(), |n| format!("the setting `{}`", n.text));
        if name.is_none() && part.inner.is_empty() {
            self.no_head(entry, "the settings", help);
        }
        let mut values = Vec::new();
        for value in &part.inner {
            match value.rule {
                Rule::word => values.push(SettingValue::Word(self.name(value))),
                Rule::quantity => values.push(SettingValue::Quantity(super::tree::Text {
                    value: value.text.to_owned(),
                    range: self.range(value.start, value.end),
                })),
                Rule::literal => values.extend(self.literal(value).map(SettingValue::Literal)),
                Rule::secret => values.extend(self.secret(value)),
                _ => {}
            }
        }
        if name.is_none() && !part.inner.is_empty() {
            let message = format!("{} is not a setting", quote(part.text));
            let label = "expected a setting's name here";
            self.error(Code::UnexpectedText, part.start..part.end, &message, label, Some(help.into()));
        }
        if let (Some(name), Some(sign)) =
            (&name, part.inner.iter().find(|p| matches!(p.rule, Rule::colon | Rule::equals)))
        {
            let rest = self.text.get(sign.end..part.end).unwrap_or("").trim();
            let help = format!("write {} without it", quote(&format!("{} {rest}", name.text)));
            let message = format!("{what} has a `{}`", sign.text);
            let range = sign.start..sign.end;
            self.error(Code::UnexpectedText, range, &message, "not expected here", Some(help));
        }
        self.strays(&part, &what, &[], help);
        if let Some(name) = &name
            && values.is_empty()
            && entry.block.is_none()
        {
            let end = part.end_of(&[Rule::name]);
            let help = format!("write `{} value`", name.text);
            self.missing(end, &format!("{what} has no value"), "a value", help);
        }
        let block = entry.block.map(|_| self.block_settings(entry, depth + 1));
        Some(Setting { name: name?, values, block, range: self.entry_range(entry) })
    }

    fn secret(&mut self, part: &Part<'t>) -> Option<SettingValue> {
        let help = "write `secret(\"NAME\")`".to_owned();
        let quoted = part.get(Rule::quoted);
        if quoted.is_none() {
            self.missing(
                part.end_of(&[Rule::open_paren]),
                "`secret` does not say which secret",
                "a quoted name",
                help,
            );
        } else if !part.has(Rule::close_paren) {
            self.missing(part.end, "`secret(` is not closed", "`)`", help);
        }
        quoted.map(|q| SettingValue::Secret(self.quoted(q)))
    }

    /// Tells of braces that nothing stands before.
    pub fn no_head(&mut self, entry: &Entry, place: &str, help: &str) {
        let Some(open) = entry.block.and_then(|(i, _)| self.tokens.get(i)) else { return };
        let message = format!("{place} hold braces that nothing stands before");
        let at = open.start..open.start + 1;
        self.error(Code::UnexpectedText, at, &message, "expected a word before this", Some(help.into()));
    }
}
