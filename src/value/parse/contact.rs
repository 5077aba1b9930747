//! E-mail addresses and telephone numbers.

use super::Miss;
use crate::value::problem::is_invisible;
use email_address::{EmailAddress, Options};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use std::borrow::Cow;

/// A bare address whose domain has a dot; only the domain is written in lower case, as the part
/// before the `@` may be case-sensitive.
pub(super) fn email(text: &str) -> Result<Cow<'_, str>, Miss> {
    let options = Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
    EmailAddress::parse_with_options(text, options).map_err(|_| Miss::Shape)?;
    let (local, domain) = text.rsplit_once('@').ok_or(Miss::Shape)?;
    // Nobody sees them, and no mail gets there.
    if !domain.contains('.') || (!text.is_ascii() && text.chars().any(is_invisible)) {
        return Err(Miss::Shape);
    }
    if domain.chars().all(|c| !c.is_uppercase()) {
        return Ok(Cow::Borrowed(text));
    }
    Ok(Cow::Owned(format!("{local}@{}", domain.to_lowercase())))
}

/// With a `+`: the E.164 form of a valid number. Without, the country is unknown, so the number
/// stays as it is written, if it has 7 to 15 digits.
pub(super) fn phone(text: &str) -> Result<Cow<'_, str>, Miss> {
    // Longer than any number with extension and marks.
    if text.len() > 64 || !text.bytes().all(|b| b.is_ascii_digit() || b" ()+-./x".contains(&b)) {
        return Err(Miss::Shape);
    }
    if text.starts_with('+') {
        let number = PHONE_NUMBER_UTIL.parse(text, None).map_err(|_| Miss::Shape)?;
        // E.164 has no place for an extension, and nothing may get lost.
        if !PHONE_NUMBER_UTIL.is_valid_number(&number) || text.contains('x') {
            return Err(Miss::Shape);
        }
        let written = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
        return Ok(Cow::Owned(written.into_owned()));
    }
    let digits = text.bytes().take_while(|b| *b != b'x').filter(u8::is_ascii_digit).count();
    let starts_well = text.starts_with(|c: char| c.is_ascii_digit() || c == '(');
    if text.contains('+') || text.matches('x').count() > 1 || !starts_well || !(7..=15).contains(&digits) {
        return Err(Miss::Shape);
    }
    Ok(Cow::Borrowed(text))
}
