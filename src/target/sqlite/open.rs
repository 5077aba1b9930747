//! Opening a store, and telling whether a file is one.

use super::place::Place;
use super::{Store, schema};
use crate::system::{crash, folder};
use crate::target::TargetError;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks our files, so that nobody's other database is written by mistake: `scnn`.
const APPLICATION_ID: i32 = 0x7363_6e6e;
/// The layout of the internal tables.
const LAYOUT: i32 = 1;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens the store at `path`; creates it where it is missing.
    ///
    /// # Errors
    /// [`TargetError::Open`] where the file is not ours or cannot be opened, [`TargetError::Io`]
    /// where it is locked.
    pub fn open(path: &Path) -> Result<Self, TargetError> {
        let place = Place(path.display().to_string());
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty() && !f.is_dir()) {
            return Err(place.open(
                format!("there is no folder {}", folder.display()),
                "create the folder, or name a file in one that exists",
            ));
        }
        if path.is_dir() {
            return Err(place.open("this is a folder", "name a file in it"));
        }
        // Where this fails, to open it tells why.
        let _ = folder::make_file(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        Self::open_with(path, place, flags)
    }

    /// Opens the store at `path`. Where it is missing, it and its folder are created when it is
    /// prepared, so that a run whose input is refused leaves nothing.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_or_create_later(path: &Path) -> Result<Self, TargetError> {
        if std::fs::metadata(path).is_ok_and(|m| m.len() > 0) {
            return Self::open(path);
        }
        let store = Self::empty(Place(path.display().to_string()))?;
        Ok(Self { create_at: Some(path.to_path_buf()), ..store })
    }

    /// Creates what [`Self::open_or_create_later`] put off.
    pub(super) fn create_now(&mut self) -> Result<(), TargetError> {
        let Some(path) = self.create_at.take() else { return Ok(()) };
        if let Some(above) = path.parent() {
            folder::make(above).map_err(|e| {
                self.place.open(
                    format!("the folder {} cannot be made ({e})", above.display()),
                    "choose another --target",
                )
            })?;
        }
        *self = Self::open(&path)?;
        Ok(())
    }

    /// Opens the store at `path`, which must be there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_existing(path: &Path) -> Result<Self, TargetError> {
        let place = Place(path.display().to_string());
        must_exist(path, &place)?;
        Self::open_with(path, place, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Opens the store at `path` so that nothing can be written.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_read_only(path: &Path) -> Result<Self, TargetError> {
        let place = Place(path.display().to_string());
        must_exist(path, &place)?;
        let file = absolute(path, &place)?;
        let connection = connect(&file, &place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| place.io(e))?;
        if is_new(&connection, &place)? {
            return Self::empty(place);
        }
        Self::assemble(connection, place, Some(file), None)
    }

    /// Opens the store at `path` so that nothing can be written; where there is no file, an empty
    /// store that is nowhere. Never creates a file at `path`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_readonly_or_empty(path: &Path) -> Result<Self, TargetError> {
        if path.exists() {
            return Self::open_read_only(path);
        }
        Self::empty(Place(path.display().to_string()))
    }

    /// A store in a file of its own in `dir`, which goes away with it. It is fast and does not
    /// outlive a crash.
    ///
    /// # Errors
    /// [`TargetError::Open`] where no file can be made in `dir`.
    pub fn scratch(dir: &Path) -> Result<Self, TargetError> {
        let place = Place(dir.display().to_string());
        let file = tempfile::Builder::new()
            .prefix("sconn-scratch-")
            .suffix(".sqlite")
            .tempfile_in(dir)
            .map_err(|e| {
                place.open(
                    format!("no scratch file can be made here ({e})"),
                    "check that the folder exists and that you may write in it",
                )
            })?
            .into_temp_path();
        let path = absolute(&file, &place)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut connection = connect(&path, &place, flags)?;
        // The journal stays in memory and not off: a chunk that fails must still leave nothing.
        let pragmas = "PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; \
                       PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
        connection.execute_batch(pragmas).map_err(|e| place.io(e))?;
        create_internals(&mut connection).map_err(|e| place.io(e))?;
        Self::assemble(connection, place, Some(path), Some(file))
    }

    fn open_with(path: &Path, place: Place, flags: OpenFlags) -> Result<Self, TargetError> {
        let file = absolute(path, &place)?;
        let mut connection = connect(&file, &place, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(|e| place.io(e))?;
        // Before anything is set: another program's file must not be touched.
        let new = is_new(&connection, &place)?;
        let pragmas = "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                       PRAGMA foreign_keys = OFF; PRAGMA cache_size = -131072; PRAGMA mmap_size = 268435456; \
                       PRAGMA wal_autocheckpoint = 8192; PRAGMA temp_store = MEMORY;";
        connection.execute_batch(pragmas).map_err(|e| place.io(e))?;
        if let Some(pages) = crash::store_pages() {
            connection.pragma_update(None, "max_page_count", pages).map_err(|e| place.io(e))?;
        }
        if new {
            create_internals(&mut connection).map_err(|e| place.io(e))?;
        }
        Self::assemble(connection, place, Some(file), None)
    }

    fn empty(place: Place) -> Result<Self, TargetError> {
        let mut connection = Connection::open_in_memory().map_err(|e| place.io(e))?;
        create_internals(&mut connection).map_err(|e| place.io(e))?;
        connection.execute_batch("PRAGMA query_only = ON").map_err(|e| place.io(e))?;
        Self::assemble(connection, place, None, None)
    }

    fn assemble(
        connection: Connection,
        place: Place,
        path: Option<PathBuf>,
        scratch: Option<tempfile::TempPath>,
    ) -> Result<Self, TargetError> {
        connection.set_prepared_statement_cache_capacity(256);
        let objects = schema::load(&connection).map_err(|e| place.io(e))?;
        Ok(Self {
            connection,
            place,
            path,
            busy_timeout: BUSY_TIMEOUT,
            objects,
            claimed: None,
            create_at: None,
            _scratch: scratch,
        })
    }
}

/// Opens the file; never as a URI, which a path could look like.
pub(super) fn connect(path: &Path, place: &Place, flags: OpenFlags) -> Result<Connection, TargetError> {
    Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|e| {
        place.open(
            format!("the file cannot be opened ({e})"),
            "check that it is a file and that you may read and write it",
        )
    })
}

fn must_exist(path: &Path, place: &Place) -> Result<(), TargetError> {
    if path.is_file() {
        return Ok(());
    }
    let cause = if path.is_dir() { "this is a folder" } else { "there is no such file" };
    Err(place.open(cause, "check the path; a store is created by the first live run into it"))
}

fn absolute(path: &Path, place: &Place) -> Result<PathBuf, TargetError> {
    std::path::absolute(path).map_err(|e| place.open(e.to_string(), "check the path"))
}

/// Whether the file is still empty; refuses one that is not ours.
fn is_new(connection: &Connection, place: &Place) -> Result<bool, TargetError> {
    let asked = |sql: &str| connection.query_row(sql, [], |r| r.get::<_, i64>(0));
    let hint = "name another file, or a new one: it is created";
    let tables = match asked("SELECT count(*) FROM sqlite_master") {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(place.open("the file is not a SQLite database", hint));
        }
        other => other.map_err(|e| place.io(e))?,
    };
    let application = asked("PRAGMA application_id").map_err(|e| place.io(e))?;
    let layout = asked("PRAGMA user_version").map_err(|e| place.io(e))?;
    if application == i64::from(APPLICATION_ID) {
        if layout > i64::from(LAYOUT) {
            return Err(place.open(
                format!("the store was written by a newer sconn (layout {layout}, this one knows {LAYOUT})"),
                "update sconn",
            ));
        }
        return Ok(tables == 0);
    }
    if tables == 0 && application == 0 {
        return Ok(true);
    }
    Err(place.open("the file is a SQLite database of another program", hint))
}

/// Makes an empty file ours. Safe where two programs do it at once.
fn create_internals(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {LAYOUT};
         CREATE TABLE IF NOT EXISTS _sconn_objects(
           object TEXT PRIMARY KEY, label TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS _sconn_fields(
           object TEXT NOT NULL, field TEXT NOT NULL, type TEXT NOT NULL, required INTEGER NOT NULL,
           is_unique INTEGER NOT NULL, position INTEGER NOT NULL,
           PRIMARY KEY(object, field)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS _sconn_options(
           object TEXT NOT NULL, field TEXT NOT NULL, label TEXT NOT NULL, position INTEGER NOT NULL,
           PRIMARY KEY(object, field, label)) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS _sconn_options_at ON _sconn_options(object, field, position);
         CREATE TABLE IF NOT EXISTS _sconn_journal(
           execution TEXT NOT NULL, step TEXT NOT NULL, chunk INTEGER NOT NULL, object TEXT NOT NULL,
           first_row INTEGER NOT NULL, rows INTEGER NOT NULL, creates INTEGER NOT NULL,
           updates INTEGER NOT NULL, committed_at TEXT NOT NULL, refused TEXT,
           created_from TEXT, created_to TEXT,
           PRIMARY KEY(execution, step, chunk)) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS _sconn_executions(
           execution TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS _sconn_before(
           execution TEXT NOT NULL, step TEXT NOT NULL, chunk INTEGER NOT NULL, seq INTEGER NOT NULL,
           object TEXT NOT NULL, record_id TEXT NOT NULL, image TEXT NOT NULL,
           PRIMARY KEY(execution, step, chunk, seq)) WITHOUT ROWID;"
    ))?;
    transaction.commit()
}
