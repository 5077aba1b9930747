//! The section `[serve]` of `sconn.toml`.

use super::amounts::{length, size, wait};
use serde::Deserialize;
use std::num::NonZeroU32;
use std::time::Duration;

/// What the service keeps to.
///
/// ```toml
/// [serve]
/// upload = "500MiB"
/// drain = "30s"
/// url = "https://loads.example.com"
/// disk = "1GiB"
/// silence = "30s"
/// connections = 512
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeSettings {
    /// The most bytes that one request may upload.
    #[serde(deserialize_with = "size")]
    pub upload: u64,
    /// How long running executions may go on once the service is told to stop.
    #[serde(deserialize_with = "wait")]
    pub drain: Duration,
    /// Where people reach it, for links in e-mails.
    pub url: Option<String>,
    /// Free bytes of the disk below which the service says that it is not ready.
    #[serde(deserialize_with = "size")]
    pub disk: u64,
    /// How long a client may keep it waiting: for the headers of a request, in the middle of a body, or by
    /// not reading its answer.
    #[serde(deserialize_with = "length")]
    pub silence: Duration,
    /// How many connections are open at once; others wait until one of them is closed.
    pub connections: NonZeroU32,
}

/// Enough for senders of webhooks all at once, and fewer than the open files that any system allows.
const CONNECTIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(511);

impl Default for ServeSettings {
    fn default() -> Self {
        Self {
            upload: 500 << 20,
            drain: Duration::from_secs(30),
            url: None,
            disk: 1 << 30,
            silence: Duration::from_secs(30),
            connections: CONNECTIONS,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_with_their_units() {
        let read = |text: &str| toml::from_str::<ServeSettings>(text);
        assert_eq!(read("").unwrap(), ServeSettings::default());
        let set = read("upload = \"3KiB\"\ndrain = \"2m\"").unwrap();
        assert_eq!((set.upload, set.drain), (3072, Duration::from_secs(120)));
        for wrong in [
            "upload = \"3\"",
            "upload = \"99999999999GiB\"",
            "drain = \"1w\"",
            "silence = \"0s\"",
            "connections = 0",
            "uplaod = \"3KiB\"",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
