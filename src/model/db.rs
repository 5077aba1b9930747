//! The salsa database and its inputs.

use super::sample::SampleFacts;
use crate::text::FileId;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What the queries live in.
#[salsa::db]
#[derive(Clone)]
pub struct Database {
    storage: salsa::Storage<Self>,
    /// What ran since the log was switched on; for tests of incrementality.
    log: Arc<Mutex<Option<Vec<String>>>>,
}

#[salsa::db]
impl salsa::Database for Database {}

impl Default for Database {
    fn default() -> Self {
        let log = Arc::<Mutex<Option<Vec<String>>>>::default();
        let seen = Arc::clone(&log);
        let callback = move |event: salsa::Event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind
                && let Ok(mut log) = seen.lock()
                && let Some(log) = log.as_mut()
            {
                log.push(format!("{database_key:?}"));
            }
        };
        Self { storage: salsa::Storage::new(Some(Box::new(callback))), log }
    }
}

impl Database {
    /// Starts the log anew and gives what it held: `block(Id(5))`, one entry an execution.
    pub(super) fn take_log(&self) -> Vec<String> {
        self.log.lock().ok().and_then(|mut log| log.replace(Vec::new())).unwrap_or_default()
    }
}

/// One source file.
#[salsa::input(debug)]
pub struct SourceFile {
    /// Its position in [`Workspace::files`].
    #[returns(copy)]
    pub id: FileId,
    /// Its path, normalised; `std/NAME.sconn` for the standard library.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Whether it belongs to the standard library.
    #[returns(copy)]
    pub library: bool,
}

/// Why a file cannot be read, and what to do where more can be said than that its path may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Why.
    pub why: String,
    /// What to do.
    pub mend: Option<String>,
}

/// Everything the checker may know besides the texts.
#[salsa::input(debug)]
pub struct Workspace {
    /// Every file that was read; the connector's own file first.
    pub files: Vec<SourceFile>,
    /// Files that an import names and that cannot be read.
    pub missing: Vec<(PathBuf, Unread)>,
    /// What the connector's sample holds.
    pub sample: SampleFacts,
}
