//! The standard library: the modules that `use std.NAME` reaches, embedded in the program.

/// The source text of `std.NAME`, by its bare name: `text`.
pub fn file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The names of all modules, in the alphabet's order.
pub fn names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

const FILES: &[(&str, &str)] = &[
    ("contact", include_str!("../../stdlib/contact.sconn")),
    ("dates", include_str!("../../stdlib/dates.sconn")),
    ("names", include_str!("../../stdlib/names.sconn")),
    ("parse", include_str!("../../stdlib/parse.sconn")),
    ("payload", include_str!("../../stdlib/payload.sconn")),
    ("similar", include_str!("../../stdlib/similar.sconn")),
    ("text", include_str!("../../stdlib/text.sconn")),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    /// Every item's first line with the doc comment above it.
    fn items() -> Vec<(String, String)> {
        let mut found = Vec::new();
        for name in names() {
            let mut doc = String::new();
            for line in file(name).unwrap().lines() {
                if let Some(text) = line.strip_prefix("##") {
                    doc.push_str(text.trim_start());
                    doc.push('\n');
                } else if ["fn ", "native fn ", "type "].iter().any(|k| line.starts_with(k)) {
                    found.push((format!("{name}: {line}"), std::mem::take(&mut doc)));
                } else {
                    doc.clear();
                }
            }
        }
        found
    }

    #[test]
    fn every_item_has_a_sentence_and_every_function_an_example() {
        let items = items();
        assert!(items.len() >= 20, "{}", items.len());
        for (item, doc) in items {
            assert!(doc.lines().next().is_some_and(|l| l.ends_with('.')), "no sentence: {item}");
            let example = doc.lines().find_map(|l| l.strip_prefix("Example: "));
            assert!(item.contains(": type ") || example.is_some_and(|e| e.contains(" = ")), "{item}");
        }
    }

    #[test]
    fn every_native_function_is_built_into_the_engine_and_declared() {
        let mut declared = Vec::new();
        for (item, _) in items() {
            if let Some((module, rest)) = item.split_once(": native fn ") {
                declared.push(format!("{module}_{}", rest.split('(').next().unwrap()));
            }
        }
        let mut built = crate::sql::native::natives().iter().map(|f| f.name().to_owned()).collect::<Vec<_>>();
        declared.sort();
        built.sort();
        assert_eq!(declared, built);
    }

    #[test]
    fn a_name_that_is_not_there_is_none() {
        assert!(file("nothing").is_none());
    }
}
