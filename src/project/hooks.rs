//! `[hooks]` of `sconn.toml`: the limits of webhook requests.

use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// The limits of webhook requests.
///
/// ```toml
/// [hooks]
/// body = "256KiB"  # of one request
/// query = "4KiB"   # the query string of one request
/// wait = "10s"     # how long a body may take to come in
/// queue = "64MiB"  # what waits for the disk, over all requests; beyond it senders get 503
/// keep = "30d"     # how long events stay listed that something became of
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HookSettings {
    /// Bytes of one body.
    #[serde(deserialize_with = "bytes")]
    pub body: usize,
    /// Bytes of a query string.
    #[serde(deserialize_with = "bytes")]
    pub query: usize,
    /// How long a body may take to come in.
    #[serde(deserialize_with = "time")]
    pub wait: Duration,
    /// Bytes that wait for the disk.
    #[serde(deserialize_with = "bytes")]
    pub queue: usize,
    /// How long events stay that something became of.
    #[serde(deserialize_with = "time")]
    pub keep: Duration,
}

impl Default for HookSettings {
    fn default() -> Self {
        Self {
            body: 256 << 10,
            query: 4 << 10,
            wait: Duration::from_secs(10),
            queue: 64 << 20,
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}

/// A whole number and one of these units.
fn amount<'de, D: Deserializer<'de>>(from: D, units: &[(&str, u64)], example: &str) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.strip_suffix(unit).and_then(|n| n.parse::<u64>().ok());
    let size = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, size)| *size);
    number.zip(size).and_then(|(n, size)| n.checked_mul(size)).filter(|n| *n > 0).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "\"{text}\" is no amount; write a number and its unit: \"{example}\""
        ))
    })
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    let n = amount(from, &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)], "256KiB")?;
    usize::try_from(n).map_err(serde::de::Error::custom)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let n = amount(from, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)], "10s")?;
    Ok(Duration::from_secs(n))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn limits_are_amounts_with_their_unit_and_have_defaults() {
        let read = |text: &str| toml::from_str::<HookSettings>(text);
        assert_eq!(read("").unwrap(), HookSettings::default());
        let set = read("body = \"1MiB\"\nwait = \"2m\"").unwrap();
        assert_eq!((set.body, set.query, set.wait), (1 << 20, 4 << 10, Duration::from_secs(120)));
        for wrong in
            ["body = \"256\"", "body = \"0KiB\"", "wait = \"5 weeks\"", "bodies = \"1KiB\"", "query = 4"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
