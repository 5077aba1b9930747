//! Executions as people look for them, and what keeps the queue from taking one up again.

use super::executions::{ExecutionRow, SELECT, read};
use super::{ExecutionState, State};
use crate::project::ProjectError;
use rusqlite::{OptionalExtension, params};

/// Which executions somebody wants to see; everything that is not said fits all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of this connector.
    pub connector: Option<&'a str>,
    /// In this state.
    pub state: Option<ExecutionState>,
    /// Live or dry.
    pub live: Option<bool>,
    /// Older than this one.
    pub before: Option<&'a str>,
}

impl State {
    /// Executions, the newest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn history(&self, wanted: Wanted<'_>, limit: i64) -> Result<Vec<ExecutionRow>, ProjectError> {
        let sql = format!(
            "{SELECT} WHERE (?1 IS NULL OR connector = ?1) AND (?2 IS NULL OR state = ?2)
               AND (?3 IS NULL OR live = ?3)
               AND (?4 IS NULL OR (queued_at, id) < (SELECT queued_at, id FROM executions WHERE id = ?4))
             ORDER BY queued_at DESC, id DESC LIMIT ?5"
        );
        let list = || {
            let mut statement = self.connection.prepare(&sql)?;
            let given = params![wanted.connector, wanted.state, wanted.live, wanted.before, limit];
            statement.query_map(given, read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(|e| self.failed(&e))
    }

    /// Lets an interrupted execution be taken up again, however often it was interrupted before. Gives
    /// what it is, or none where there is none.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn take_up_again(&mut self, id: &str) -> Result<Option<ExecutionState>, ProjectError> {
        self.together(|t| {
            t.execute(
                "UPDATE executions SET spared = epoch - 1, not_before = NULL WHERE id = ?1 AND state = 'interrupted'",
                [id],
            )?;
            t.query_row("SELECT state FROM executions WHERE id = ?1", [id], |r| r.get(0)).optional()
        })
    }

    /// Its worker was ended on purpose: the execution is interrupted, if it had one still, and that is
    /// not held against it.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub fn worker_sent_away(&mut self, id: &str, pid: u32) -> Result<bool, ProjectError> {
        self.together(|t| {
            let sql = "UPDATE executions SET state = 'interrupted', pid = NULL, spared = epoch - 1
                       WHERE id = ?1 AND pid = ?2 AND state = 'running'";
            Ok(t.execute(sql, params![id, pid])? > 0)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::state::tests::{at, queue, state};

    #[test]
    fn an_execution_that_was_left_to_people_goes_on_when_they_say_so() {
        let (_dir, mut state) = state();
        queue(&mut state, "a", "shop", false, 0);
        let now = at(0);
        let waits = |state: &State| state.next(&|_: &str| 1, &[], &[], at(9_999)).unwrap().is_some();
        for _ in 0..5 {
            assert!(waits(&state));
            state.take("a", 7, now, None).unwrap().unwrap();
            assert!(state.worker_gone("a", 7).unwrap());
        }
        assert!(!waits(&state), "its worker was gone again and again");
        let left = |state: &State| state.execution("a").unwrap().unwrap().left_to_people;
        assert!(left(&state));
        assert_eq!(state.take_up_again("a").unwrap(), Some(ExecutionState::Interrupted));
        assert!(!left(&state), "people have said so");
        for _ in 0..10 {
            assert!(waits(&state), "what was ended on purpose is not held against it");
            state.take("a", 7, now, None).unwrap().unwrap();
            assert!(state.worker_sent_away("a", 7).unwrap());
        }
        assert_eq!(state.take_up_again("b").unwrap(), None);
    }
}
