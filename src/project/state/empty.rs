//! Whether the queue is empty.

use super::State;
use super::queue::WAITS;
use crate::project::ProjectError;

impl State {
    /// Whether an execution is left that runs, or begins or goes on by itself; `held` are connectors whose concurrency
    /// is 0. What waits for people or for its connector to be active is none.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub fn any_goes_on(&self, held: &dyn Fn(&str) -> bool) -> Result<bool, ProjectError> {
        // One that was cancelled and whose worker is gone is ended whatever its connector says.
        let sql = format!(
            "SELECT connector, max(state = 'running' OR state = 'interrupted' AND cancel)
             FROM executions INDEXED BY executions_open
             WHERE ended_at IS NULL AND (state = 'running' OR state = 'interrupted' AND cancel OR
               {WAITS} AND (live = 0 OR connector IN (SELECT name FROM connectors WHERE active)))
             GROUP BY connector"
        );
        let list = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let read = |r: &rusqlite::Row<'_>| Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?));
            statement.query_map([], read)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        let left = list().map_err(|e| self.failed(&e))?;
        Ok(left.iter().any(|(connector, at_work)| *at_work || !held(connector)))
    }
}
