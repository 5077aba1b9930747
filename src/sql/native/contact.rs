//! E-mail addresses and telephone numbers in one spelling.

use email_address::{EmailAddress, Options};
use rlibphonenumber::{PhoneNumber, Region};

/// The address in lower case, without spaces around it; none where it is no address at a domain
/// with a dot.
pub(super) fn email(text: &str) -> Option<String> {
    let options = Options::default().with_required_tld().without_display_text().without_domain_literal();
    let address = EmailAddress::parse_with_options(text.trim(), options).ok()?;
    Some(address.as_str().to_lowercase())
}

/// The number as `+` and digits (E.164); `region` is the country (`GB`) that a number without a
/// country code is taken to be in. None where it is no valid number.
pub(super) fn phone(text: &str, region: &str) -> Option<String> {
    let region = Region::from_code(&region.trim().to_ascii_uppercase()).ok();
    let number = PhoneNumber::parse(text.trim(), region).ok()?;
    number.is_valid().then(|| number.to_string())
}
