//! Amounts in `sconn.toml`: a whole number and its unit.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// Seconds of the longest length of time.
const LONGEST: u64 = 36_500 * 86_400;

/// A length of time: `90s`, `15m`, `6h`, `90d`.
///
/// # Errors
/// Says how it is written.
pub fn parse_length(text: &str) -> Result<Duration, String> {
    let (number, unit) = parts(text);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let long = number.and_then(|n| n.checked_mul(seconds)).filter(|s| *s > 0);
    let long =
        long.ok_or_else(|| format!("`{text}` is no length of time; it is written like 90s, 15m, 6h or 90d"))?;
    // Longer ones say nothing, and reach where clocks end.
    if long > LONGEST {
        return Err(format!("`{text}` is too long: a length of time has at most 36500d, a hundred years"));
    }
    Ok(Duration::from_secs(long))
}

/// A length of time that may be none at all: `0s`.
///
/// # Errors
/// Says how it is written.
pub fn parse_wait(text: &str) -> Result<Duration, String> {
    if text.trim() == "0s" { Ok(Duration::ZERO) } else { parse_length(text) }
}

/// A size: `512MiB`, `4GiB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = parts(text);
    let bytes = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => 0,
    };
    number
        .and_then(|n| n.checked_mul(bytes))
        .filter(|b| *b > 0)
        .ok_or_else(|| format!("`{text}` is no size; it is written like 512MiB or 4GiB"))
}

fn parts(text: &str) -> (Option<u64>, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.parse().ok(), unit.trim_start())
}

/// A length of time, as a setting.
pub(super) fn length<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse_length(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// A length of time that may be none, as a setting.
pub(super) fn wait<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse_wait(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// A length of time, as a setting that need not be set.
pub(super) fn some_length<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    length(from).map(Some)
}

/// A size, as a setting that need not be set.
pub(super) fn some_size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    size(from).map(Some)
}

/// A size, as a setting.
pub(super) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    parse_size(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn lengths_and_sizes_have_a_unit_and_are_more_than_nothing() {
        assert_eq!(parse_length("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse_length(" 2 d ").unwrap(), Duration::from_secs(2 * 86_400));
        assert_eq!(parse_wait("0s").unwrap(), Duration::ZERO);
        assert_eq!(parse_size("4GiB").unwrap(), 4 << 30);
        for wrong in
            ["", "6", "6 hours", "h", "0h", "-1h", "1.5h", "99999999999999999999d", "999999999999999999d"]
        {
            assert!(parse_length(wrong).is_err(), "{wrong}");
        }
        for wrong in ["4", "4GB", "0MiB", "99999999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
