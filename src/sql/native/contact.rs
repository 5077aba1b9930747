//! E-mail addresses and telephone numbers in one spelling.

use crate::value::{BaseType, Rules, Value};
use jiff::tz::TimeZone;
use rlibphonenumber::{PhoneNumber, Region};

/// What a variable takes as an address, but all of it in lower case.
pub(super) fn email(text: &str) -> Option<String> {
    match Rules::new(BaseType::Email, Vec::new(), TimeZone::UTC).read(text)? {
        Value::Text(address) => Some(address.to_lowercase()),
        _ => None,
    }
}

/// The number as `+` and digits (E.164); `region` is the country (`GB`) that a number without a
/// country code is taken to be in. None where it is no valid number.
pub(super) fn phone(text: &str, region: &str) -> Option<String> {
    let number = PhoneNumber::parse(text.trim(), country(region)).ok()?;
    number.is_valid().then(|| number.to_string())
}

/// Whether there is such a country.
pub(super) fn is_region(text: &str) -> bool {
    country(text).is_some()
}

fn country(region: &str) -> Option<Region> {
    Region::from_code(&region.trim().to_ascii_uppercase()).ok()
}
