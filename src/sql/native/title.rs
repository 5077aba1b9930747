//! Title case.

/// The first letter of each word large, the others small. A letter after an apostrophe starts a word
/// only where two more follow: `O'Neil`, but `Don't` and `We'll`.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, c) in text.char_indices() {
        if !is_part_of_word(c) {
            inside = inside && is_apostrophe(c) && !starts_word(&text[at + c.len_utf8()..]);
            out.push(c);
        } else if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
            inside = true;
        }
    }
    out
}

fn starts_word(rest: &str) -> bool {
    rest.chars().take(3).filter(|c| c.is_alphabetic()).count() == 3
}

/// Letters, digits, and the accents that stand after their letter.
fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}
