//! The section `[serve]` of `sconn.toml`.

use serde::{Deserialize, Deserializer, de::Error};
use std::time::Duration;

/// What the service keeps to.
///
/// ```toml
/// [serve]
/// upload = "500MiB"
/// drain = "30s"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServeSettings {
    /// The most bytes that one request may upload.
    #[serde(deserialize_with = "bytes")]
    pub upload: u64,
    /// How long running executions may go on once the service is told to stop.
    #[serde(deserialize_with = "duration")]
    pub drain: Duration,
}

impl Default for ServeSettings {
    fn default() -> Self {
        Self { upload: 500 << 20, drain: Duration::from_secs(30) }
    }
}

/// A number and the unit after it.
fn parts(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let read = || {
        let (number, unit) = parts(&text)?;
        let each: u64 = match unit {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        number.checked_mul(each)
    };
    read().ok_or_else(|| D::Error::custom(format!("`{text}` is no size; write it like \"500MiB\"")))
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    read_duration(&text).map_err(D::Error::custom)
}

/// A time as people write it: `30s`, `5m`, `1h`.
///
/// # Errors
/// Where it is none, in words.
pub fn read_duration(text: &str) -> Result<Duration, String> {
    let read = || {
        let (number, unit) = parts(text)?;
        let each: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        number.checked_mul(each).map(Duration::from_secs)
    };
    read().ok_or_else(|| format!("`{text}` is no time; write it like 30s or 5m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_with_their_units() {
        let read = |text: &str| toml::from_str::<ServeSettings>(text);
        assert_eq!(read("").unwrap(), ServeSettings::default());
        let set = read("upload = \"3KiB\"\ndrain = \"2m\"").unwrap();
        assert_eq!((set.upload, set.drain), (3072, Duration::from_secs(120)));
        for wrong in ["upload = \"3\"", "upload = \"99999999999GiB\"", "drain = \"1w\"", "uplaod = \"3KiB\""]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
