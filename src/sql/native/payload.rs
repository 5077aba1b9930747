//! What JSON and form texts hold, by path and by name. Values are cut out of the text: a number stays
//! as it is written, however many digits it has.

use serde::de::IgnoredAny;

/// The value at a path by RFC 6901; none where the text is no JSON, or has nothing there, or null.
pub(super) fn json(text: &str, path: &str) -> Option<String> {
    // From here on it is known to be JSON.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let steps = path.strip_prefix('/').map(|p| p.split('/')).into_iter().flatten();
    let mut value = text.trim();
    for step in steps {
        value = child(value, &step.replace("~1", "/").replace("~0", "~"))?;
    }
    match value {
        "null" => None,
        v if v.starts_with('"') => serde_json::from_str(v).ok(),
        v => Some(v.to_owned()),
    }
}

/// The value of a name in an object, or of a number in a list. Of two of one name the last counts.
fn child<'t>(value: &'t str, name: &str) -> Option<&'t str> {
    let list = value.starts_with('[');
    let mut rest = value.strip_prefix(['[', '{'])?.trim_start();
    let (mut number, mut found) = (0usize, None);
    while !rest.is_empty() && !rest.starts_with([']', '}']) {
        let mut own = list && (name == number.to_string());
        if !list {
            let (key, after) = rest.split_at_checked(end(rest))?;
            own = serde_json::from_str::<String>(key).is_ok_and(|k| k == name);
            rest = after.trim_start().strip_prefix(':')?.trim_start();
        }
        let (value, after) = rest.split_at_checked(end(rest))?;
        if own {
            found = Some(value);
        }
        number += 1;
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    found
}

/// Where the value ends that a text begins with.
fn end(text: &str) -> usize {
    let (mut depth, mut within, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => {
                within = !within;
                if !within && depth == 0 {
                    return at + 1;
                }
            }
            _ if within => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// The first value of a name in `a=1&b=2`; none where it is not there, or is no UTF-8.
pub(super) fn form(text: &str, name: &str) -> Option<String> {
    text.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key)? == name).then(|| decoded(value)).flatten()
    })
}

fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let hex = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (first, rest) {
            (b'+', _) => out.push(b' '),
            (b'%', [a, b, after @ ..]) if hex(a).is_some() && hex(b).is_some() => {
                out.push(hex(a)? * 16 + hex(b)?);
                rest = after;
            }
            (other, _) => out.push(*other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_path_leads_to_a_value_that_stays_as_it_is_written() {
        let text = r#" {"a": {"b/c": [1.50, "x,\"]}\u00e9", null, true, {"d": [ ]} ]}, "n": 12345678901234567890123, "": "e", "a~b": 1 } "#;
        for (path, expected) in [
            ("/a/b~1c/0", Some("1.50")),
            ("/a/b~1c/1", Some("x,\"]}é")),
            ("/a/b~1c/2", None),
            ("/a/b~1c/3", Some("true")),
            ("/a/b~1c/4", Some("{\"d\": [ ]}")),
            ("/a/b~1c/4/d", Some("[ ]")),
            ("/a/b~1c/5", None),
            ("/a/b~1c/00", None),
            ("/n", Some("12345678901234567890123")),
            ("/", Some("e")),
            ("/a~0b", Some("1")),
            ("/n/x", None),
            ("/A", None),
        ] {
            assert_eq!(json(text, path).as_deref(), expected, "{path}");
        }
        assert_eq!(json("[1, 2", "/0"), None);
        assert_eq!(json(" \"whole\" ", "").as_deref(), Some("whole"));
    }

    #[test]
    fn a_form_gives_the_first_value_of_a_name() {
        let text = "a=1&b=%C3%A9+x&a=2&flag&c=%zz%4&d=%FF";
        for (name, expected) in [
            ("a", Some("1")),
            ("b", Some("é x")),
            ("flag", Some("")),
            ("c", Some("%zz%4")),
            ("d", None),
            ("e", None),
        ] {
            assert_eq!(form(text, name).as_deref(), expected, "{name}");
        }
    }
}
