//! Whether the state can be written, tried out.

use super::{LAYOUT, State, stamp, trouble};
use crate::project::ProjectError;
use jiff::Timestamp;
use rusqlite::params;

/// A row that means nothing: it is there to be written. A state of this layout that an earlier program made
/// has no such table yet.
pub(super) const TABLES: &str = "CREATE TABLE IF NOT EXISTS heartbeat(
    one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL);";

impl State {
    /// Whether the state can be written: it tries.
    ///
    /// # Errors
    /// Where it cannot, or where another program has brought it to a layout that this one does not know: nothing
    /// is written then.
    pub fn try_write(&mut self, now: Timestamp) -> Result<(), ProjectError> {
        let layout = self.together(|t| {
            let layout: i32 = t.query_row("PRAGMA user_version", [], |r| r.get(0))?;
            if layout <= LAYOUT {
                t.execute_batch(TABLES)?;
                t.execute(
                    "INSERT INTO heartbeat(one, at) VALUES (1, ?1) ON CONFLICT DO UPDATE SET at = ?1",
                    params![stamp(now)],
                )?;
            }
            Ok(layout)
        })?;
        if layout > LAYOUT {
            return Err(trouble::newer(&self.path, layout));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::state::tests::{at, state};

    #[test]
    fn a_try_writes_a_row_of_its_own_and_nothing_over_a_newer_layout() {
        let (_dir, mut state) = state();
        let beats = |state: &State| -> Vec<String> {
            let mut all = state.connection.prepare("SELECT at FROM heartbeat").unwrap();
            all.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
        };
        state.try_write(at(1)).unwrap();
        state.try_write(at(2)).unwrap();
        assert_eq!(beats(&state), [stamp(at(2))]);
        // As an earlier program has made it.
        state.connection.execute_batch("DROP TABLE heartbeat").unwrap();
        state.try_write(at(3)).unwrap();
        state.connection.execute_batch("PRAGMA user_version = 99").unwrap();
        let told = state.try_write(at(4)).unwrap_err();
        assert!(told.cause.contains("written by a newer sconn: its layout is 99"), "{told}");
        let layout = state.connection.query_row("PRAGMA user_version", [], |r| r.get::<_, i32>(0)).unwrap();
        assert_eq!((layout, beats(&state)), (99, vec![stamp(at(3))]));
    }
}
