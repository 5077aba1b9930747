//! Every name and text in a tree stands where its range says.

use super::*;
use crate::text::Range;

/// Checks the ranges of a tree whose text has no errors.
pub fn check(text: &str, tree: &Tree) {
    for item in &tree.items {
        let at = |r: Range| &text[(item.offset + r.start) as usize..(item.offset + r.end) as usize];
        let walk = Walk { at: &at };
        assert_eq!(item.range.start, 0);
        assert_eq!(at(item.range).trim(), at(item.range), "an item is not padded");
        walk.item(&item.kind);
    }
}

struct Walk<'a> {
    at: &'a dyn Fn(Range) -> &'a str,
}

impl Walk<'_> {
    fn name(&self, n: &Name) {
        assert_eq!((self.at)(n.range), n.text);
    }

    fn path(&self, p: &Path) {
        p.segments.iter().for_each(|s| self.name(s));
        assert_eq!((self.at)(p.range), p.text());
    }

    fn text(&self, t: &Text) {
        let written = (self.at)(t.range);
        assert!(written.starts_with('"') && written.ends_with('"'), "{written}");
        if !written.contains('\\') {
            assert_eq!(written, format!("\"{}\"", t.value));
        }
    }

    fn literal(&self, l: &Literal) {
        let written = (self.at)(l.range);
        match &l.kind {
            LiteralKind::Text(value) => self.text(&Text { value: value.clone(), range: l.range }),
            LiteralKind::Number(n) => assert_eq!(written, n),
            LiteralKind::Boolean(b) => assert_eq!(written, b.to_string()),
        }
    }

    fn format(&self, f: &FormatRef) {
        let written = (self.at)(f.range);
        assert_eq!(written, if f.quoted { format!("\"{}\"", f.text) } else { f.text.clone() });
    }

    fn ty(&self, t: &TypeRef) {
        self.path(&t.name);
        let written = (self.at)(t.range);
        assert!(written.starts_with(&t.name.text()));
        assert_eq!(written.ends_with(']'), t.array);
    }

    fn sql(&self, s: &Sql) {
        assert_eq!((self.at)(s.range), s.text);
        let around = (self.at)(Range { start: s.range.start - 1, end: s.range.end + 1 });
        assert!(around.starts_with('{') && around.ends_with('}'), "{around}");
    }

    fn whole(&self, range: Range, start: &Name) {
        assert!((self.at)(range).starts_with(&start.text));
        assert_eq!((self.at)(range).trim(), (self.at)(range));
    }

    fn settings(&self, settings: &[Setting]) {
        for s in settings {
            self.name(&s.name);
            self.whole(s.range, &s.name);
            for value in &s.values {
                match value {
                    SettingValue::Word(n) => self.name(n),
                    SettingValue::Literal(l) => self.literal(l),
                    SettingValue::Quantity(t) => assert_eq!((self.at)(t.range), t.value),
                    SettingValue::Secret(t) => self.text(t),
                }
            }
            self.settings(s.block.as_deref().unwrap_or_default());
        }
    }

    fn item(&self, kind: &ItemKind) {
        if let Some(name) = kind.name() {
            self.name(name);
        }
        match kind {
            ItemKind::Connector(c) => self.settings(&c.settings),
            ItemKind::Use(Use::Library(p)) => self.path(p),
            ItemKind::Use(Use::File(t)) => self.text(t),
            ItemKind::Param(p) => {
                self.ty(&p.ty);
                p.default.iter().for_each(|l| self.literal(l));
            }
            ItemKind::Input(i) => {
                match &i.from {
                    Some(InputFrom::Sheet(t) | InputFrom::File(t)) => self.text(t),
                    None => {}
                }
                for c in &i.columns {
                    self.name(&c.name);
                    self.text(&c.header);
                }
                self.settings(&i.options);
            }
            ItemKind::View(v) => self.sql(&v.sql),
            ItemKind::Scope(s) => {
                s.from.iter().for_each(|p| self.path(p));
                s.sql.iter().for_each(|s| self.sql(s));
                for v in &s.variables {
                    self.name(&v.name);
                    self.whole(v.range, &v.name);
                    self.ty(&v.ty);
                    v.from.iter().for_each(|n| self.name(n));
                    v.required.iter().for_each(|r| assert_eq!((self.at)(*r), "required"));
                    v.split.iter().for_each(|t| self.text(t));
                    v.formats.iter().chain(&v.output).for_each(|f| self.format(f));
                    v.literal.iter().for_each(|l| self.literal(l));
                }
            }
            ItemKind::Load(l) => self.load(l),
            ItemKind::Object(o) => {
                o.label.iter().for_each(|t| self.text(t));
                for f in &o.fields {
                    self.name(&f.name);
                    self.whole(f.range, &f.name);
                    self.name(&f.ty);
                    f.argument.iter().for_each(|p| self.path(p));
                    f.options.iter().for_each(|t| self.text(t));
                    f.flags.iter().for_each(|n| self.name(n));
                }
            }
            ItemKind::Type(t) => {
                self.ty(&t.ty);
                t.split.iter().for_each(|t| self.text(t));
                t.formats.iter().chain(&t.output).for_each(|f| self.format(f));
            }
            ItemKind::Function(f) => {
                for p in &f.parameters {
                    self.name(&p.name);
                    self.ty(&p.ty);
                    p.default.iter().for_each(|l| self.literal(l));
                }
                self.ty(&f.returns);
                f.body.iter().for_each(|s| self.sql(s));
            }
        }
    }

    fn load(&self, l: &Load) {
        l.from.iter().for_each(|n| self.name(n));
        l.into.iter().for_each(|p| self.path(p));
        for r in &l.rules {
            self.name(&r.field);
            self.name(&r.variable);
            assert!((self.at)(r.range).starts_with("match"));
            for o in &r.outcomes {
                self.name(&o.outcome);
                self.name(&o.action);
            }
        }
        for m in &l.mappings {
            self.name(&m.field);
            self.whole(m.range, &m.field);
            m.resolution.iter().for_each(|n| self.name(n));
            m.create_options.iter().for_each(|r| assert_eq!((self.at)(*r), "create_options"));
            match &m.source {
                MappingSource::Variable(n) => self.name(n),
                MappingSource::Literal(l) => self.literal(l),
                MappingSource::Concat { parts, join, range } => {
                    parts.iter().for_each(|n| self.name(n));
                    join.iter().for_each(|t| self.text(t));
                    assert!((self.at)(*range).starts_with('['));
                }
                MappingSource::Find { object, by, with, range } => {
                    self.path(object);
                    self.name(by);
                    self.name(with);
                    assert!((self.at)(*range).starts_with("find") && (self.at)(*range).ends_with(&with.text));
                }
            }
        }
        if let Some(range) = l.map_range {
            assert!((self.at)(range).starts_with("map") && (self.at)(range).ends_with('}'));
        }
        l.expose.iter().for_each(|n| self.name(n));
        self.settings(l.after.as_deref().unwrap_or_default());
    }
}
