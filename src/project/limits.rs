//! The settings `[limits]` and `[retention]` of `sconn.toml`.

use super::amounts::{length, some_length, some_size};
use serde::Deserialize;
use std::time::Duration;

/// What an execution that runs in a process of its own may take.
///
/// ```toml
/// [limits]
/// memory = "4GiB"
/// deadline = "6h"
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of memory; three quarters of the machine's where nothing is set.
    #[serde(deserialize_with = "some_size")]
    pub memory: Option<u64>,
    /// How long it may work.
    #[serde(deserialize_with = "length")]
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: None, deadline: Duration::from_secs(24 * 3600) }
    }
}

/// How long the files of executions stay.
///
/// ```toml
/// [retention]
/// executions = "90d"
/// keep = 10
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// How long after its end an execution's files stay; for ever where nothing is set.
    #[serde(deserialize_with = "some_length")]
    pub executions: Option<Duration>,
    /// So many of a connector's newest executions keep their files, however old they are.
    pub keep: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { executions: None, keep: 10 }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let limits: Limits = toml::from_str("memory = \"512MiB\"").unwrap();
        assert_eq!(limits, Limits { memory: Some(512 << 20), ..Limits::default() });
        let retention: Retention = toml::from_str("executions = \"30d\"").unwrap();
        assert_eq!((retention.executions, retention.keep), (Some(Duration::from_secs(30 * 86_400)), 10));
        assert!(toml::from_str::<Limits>("memroy = \"1GiB\"").is_err());
    }
}
