//! What a body is: it is kept as it came, but only where it is what it says.

use quick_xml::events::{BytesStart, Event};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// What a body's content type says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `application/json`, and what ends in `+json`.
    Json,
    /// `application/xml`, `text/xml`, and what ends in `+xml`.
    Xml,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Any other `text/…`; nothing at all, where there is no content type.
    Text,
}

/// A body that is not what its content type says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong, with its place.
    pub what: String,
}

impl Kind {
    /// The kind of a content type; none where it is none that is taken.
    pub fn of(content_type: &str) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let kind = kind.trim().to_ascii_lowercase();
        let charset = parameters.split(';').find_map(|p| {
            let (name, value) = p.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("charset")
                .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
        });
        if charset.is_some_and(|c| !matches!(c.as_str(), "utf-8" | "utf8" | "us-ascii")) {
            return None;
        }
        Some(match kind.as_str() {
            "application/x-www-form-urlencoded" => Kind::Form,
            "multipart/form-data" => Kind::Multipart,
            "application/json" => Kind::Json,
            "application/xml" | "text/xml" => Kind::Xml,
            k if k.starts_with("application/") && k.ends_with("+json") => Kind::Json,
            k if k.starts_with("application/") && k.ends_with("+xml") => Kind::Xml,
            k if k.starts_with("text/") => Kind::Text,
            _ => return None,
        })
    }

    /// The body as text, exactly as it came.
    ///
    /// # Errors
    /// Where it is no UTF-8, or not what the content type says; with line and column.
    pub fn read(self, body: Vec<u8>) -> Result<String, Malformed> {
        let wrong = |what: String| Malformed { what };
        let text = String::from_utf8(body).map_err(|e| {
            let at = place(e.as_bytes(), e.utf8_error().valid_up_to());
            wrong(format!("the body is not UTF-8 text: {at}"))
        })?;
        if let Some(at) = text.find('\0') {
            return Err(wrong(format!("the body has a NUL character: {}", place(text.as_bytes(), at))));
        }
        match self {
            Kind::Json => {
                serde_json::from_str::<Json>(&text)
                    .map_err(|e| wrong(format!("the body is no JSON: {e}")))?;
            }
            Kind::Xml => xml(&text).map_err(|(at, why)| {
                wrong(format!("the body is no XML: {why}: {}", place(text.as_bytes(), at)))
            })?,
            Kind::Form | Kind::Multipart | Kind::Text => {}
        }
        Ok(text)
    }
}

fn place(bytes: &[u8], at: usize) -> String {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
    format!("line {line}, column {column}")
}

/// Elements that close, one of them outermost; no DOCTYPE, which may name files and grow without end. So there are no
/// entities but the five that XML has itself.
fn xml(text: &str) -> Result<(), (usize, String)> {
    if let Some((at, sign)) = text.char_indices().find(|(_, c)| !is_xml(*c)) {
        return Err((at, format!("the character U+{:04X} has no place in it", u32::from(sign))));
    }
    let mut reader = quick_xml::Reader::from_str(text);
    // Names that fit each other, and no `--` in comments. What else XML asks of a text the reader does not look at.
    reader.config_mut().enable_all_checks(true);
    let (mut depth, mut roots) = (0usize, 0usize);
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader
            .read_event()
            .map_err(|e| (usize::try_from(reader.error_position()).unwrap_or(usize::MAX), e.to_string()))?;
        match event {
            Event::DocType(_) => return Err((at, "a DOCTYPE is not taken".to_owned())),
            // A mark of UTF-8 may come before it.
            Event::Decl(_)
                if !text.get(..at).is_some_and(|before| before.trim_matches('\u{FEFF}').is_empty()) =>
            {
                return Err((at, "`<?xml …?>` stands at the beginning".to_owned()));
            }
            Event::Start(start) => {
                attributes(&start).map_err(|why| (at, why))?;
                roots += usize::from(depth == 0);
                depth += 1;
            }
            Event::Empty(empty) => {
                attributes(&empty).map_err(|why| (at, why))?;
                roots += usize::from(depth == 0);
            }
            Event::GeneralRef(_) if depth == 0 => return Err((at, "text outside of the element".to_owned())),
            Event::GeneralRef(name) => reference(&name).map_err(|why| (at, why))?,
            Event::End(_) => depth -= 1,
            Event::CData(_) if depth == 0 => return Err((at, "text outside of the element".to_owned())),
            Event::Text(text) if depth == 0 && !text.as_ref().trim_ascii().is_empty() => {
                return Err((at, "text outside of the element".to_owned()));
            }
            Event::Text(text) if text.contains("]]>") => {
                return Err((at, "`]]>` in a text is written `]]&gt;`".to_owned()));
            }
            Event::Eof if depth > 0 => return Err((at, "an element is not closed".to_owned())),
            Event::Eof if roots != 1 => return Err((at, format!("{roots} outermost elements, not one"))),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Attributes with quotes, each once, whose references mean something.
fn attributes(start: &BytesStart<'_>) -> Result<(), String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        if attribute.value.contains('<') {
            return Err("a `<` in an attribute is written `&lt;`".to_owned());
        }
        for part in attribute.value.split('&').skip(1) {
            let name = part.split_once(';').ok_or("an `&` that begins nothing is written `&amp;`")?.0;
            reference(name)?;
        }
    }
    Ok(())
}

/// What stands between `&` and `;` means a character.
fn reference(name: &str) -> Result<(), String> {
    let number = match name.strip_prefix('#') {
        None if ["amp", "lt", "gt", "apos", "quot"].contains(&name) => return Ok(()),
        None => return Err(format!("there is no entity `&{name};`")),
        Some(number) => number,
    };
    let code = match number.strip_prefix('x') {
        Some(hex) if hex.chars().all(|c| c.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok(),
        None if number.chars().all(|c| c.is_ascii_digit()) => number.parse().ok(),
        _ => None,
    };
    match code.and_then(char::from_u32).filter(|c| is_xml(*c)) {
        Some(_) => Ok(()),
        None => Err(format!("`&{name};` is no character")),
    }
}

/// Whether a character may stand in XML 1.0 (`Char` of its grammar).
fn is_xml(sign: char) -> bool {
    matches!(sign, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// JSON that means one thing: no object has a name twice, every text is one, and nothing is nested
/// deeper than 128 (a limit of the parser).
struct Json;

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Json)
    }
}

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        while items.next_element::<Json>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("the name {name:?} is there twice")));
            }
            names.insert(name);
            fields.next_value::<Json>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn wrong(kind: Kind, body: &[u8]) -> String {
        kind.read(body.to_vec()).unwrap_err().what
    }

    #[test]
    fn content_types_are_told_apart_whatever_their_case_and_parameters() {
        for (text, kind) in [
            ("application/json", Some(Kind::Json)),
            ("Application/JSON; charset=UTF-8", Some(Kind::Json)),
            ("application/vnd.api+json", Some(Kind::Json)),
            ("text/xml", Some(Kind::Xml)),
            ("application/soap+xml", Some(Kind::Xml)),
            ("application/x-www-form-urlencoded", Some(Kind::Form)),
            ("multipart/form-data; boundary=x", Some(Kind::Multipart)),
            ("text/plain", Some(Kind::Text)),
            ("text/plain; charset=latin1", None),
            ("application/octet-stream", None),
            ("image/png", None),
            ("", None),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }

    #[test]
    fn json_is_kept_to_the_letter_or_refused_with_its_place() {
        let odd = "  {\"n\": 1234567890123456789, \"t\": \"\\u00e9\\n\", \"e\": 1e400}\r\n"
            .replace("1e400", "1.50");
        assert_eq!(Kind::Json.read(odd.clone().into_bytes()).unwrap(), odd);
        assert!(wrong(Kind::Json, b"{\"a\": 1,\n \"b\" 2}").contains("line 2 column 6"));
        assert!(wrong(Kind::Json, b"{\"a\": 1, \"a\": 2}").contains("\"a\" is there twice"));
        for lone in [r#"{"a": "\ud800"}"#, r#"["\udc00 x"]"#, r#"["\ud800\u0041"]"#] {
            assert!(wrong(Kind::Json, lone.as_bytes()).contains("line 1"), "{lone}");
        }
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(wrong(Kind::Json, deep.as_bytes()).contains("recursion limit"));
        assert!(wrong(Kind::Json, b"").contains("line 1"));
        assert!(wrong(Kind::Json, b"[1] [2]").contains("trailing"));
        assert!(wrong(Kind::Text, b"ok\n\xC3\xA9\xFF").contains("line 2, column 2"));
        assert!(wrong(Kind::Text, b"a\0b").contains("NUL character: line 1, column 2"));
    }

    #[test]
    fn xml_is_one_element_that_closes_without_a_doctype() {
        let good =
            "<?xml version=\"1.0\"?>\n<a><b c=\"1 &lt;&#x41;\">x &amp; y&#233;</b><!-- z --><d/></a>\n";
        assert_eq!(Kind::Xml.read(good.into()).unwrap(), good);
        for (bad, why) in [
            ("<a><b></a>", "line 1"),
            ("<a>", "not closed"),
            ("<a/><b/>", "2 outermost elements"),
            ("hello", "outside"),
            ("", "0 outermost"),
            ("<a>&undefined;&#0;</a>", "there is no entity `&undefined;`: line 1, column 4"),
            ("<a>&#0;</a>", "`&#0;` is no character"),
            ("<a>&#xD800;</a>", "`&#xD800;` is no character"),
            ("<a>&#+65;</a>", "`&#+65;` is no character"),
            ("<a>&#;</a>", "`&#;` is no character"),
            ("<a/>&amp;", "outside"),
            ("<a/><![CDATA[x]]>", "outside"),
            ("<a b=\"<\"/>", "a `<` in an attribute is written `&lt;`: line 1, column 1"),
            ("<a>x ]]> y</a>", "`]]>` in a text is written `]]&gt;`"),
            ("<a><!-- x -- y --></a>", "line 1"),
            ("<a/><?xml version=\"1.0\"?>", "stands at the beginning"),
            ("<a b=\"&undefined;\"/>", "there is no entity `&undefined;`"),
            ("<a b=\"&#1;\"></a>", "`&#1;` is no character"),
            ("<a b=\"x & y\"/>", "`&amp;`"),
            ("<a b=\"1\" b=\"2\"/>", "line 1"),
            ("<a>\u{1}</a>", "the character U+0001 has no place in it: line 1, column 4"),
            ("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", "DOCTYPE"),
        ] {
            assert!(
                wrong(Kind::Xml, bad.as_bytes()).contains(why),
                "{bad}: {}",
                wrong(Kind::Xml, bad.as_bytes())
            );
        }
    }
}
