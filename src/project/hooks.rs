//! `[hooks]` of `sconn.toml`: the limits of webhook requests.

use super::amounts::{length, size};
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
    #[serde(deserialize_with = "length")]
    pub wait: Duration,
    /// Bytes that wait for the disk.
    #[serde(deserialize_with = "bytes")]
    pub queue: usize,
    /// How long events stay that something became of.
    #[serde(deserialize_with = "length")]
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

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    usize::try_from(size(from)?).map_err(serde::de::Error::custom)
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
