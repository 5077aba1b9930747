//! Who may write, and what was written: claims, and the transaction of a chunk with its journal entry.

use super::Store;
use crate::system::crash;
use crate::target::{Begun, Chunk, ChunkKey, Claim, Receipt, TargetError};
use rusqlite::{ErrorCode, OptionalExtension, params};
use std::time::Duration;
use uuid::Uuid;

/// How long a chunk waits for another writer before whoever asks is told: they may want to stop.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(1);

impl Store {
    pub(super) fn claim_now(&mut self, execution: &str, epoch: Option<i64>) -> Result<Claim, TargetError> {
        self.place.passes("claim")?;
        let sql = "INSERT INTO _sconn_executions(execution, epoch) VALUES (?1, coalesce(?2, 1))
                   ON CONFLICT DO UPDATE SET epoch = coalesce(?2, epoch + 1)
                     WHERE ?2 IS NULL OR ?2 > epoch RETURNING epoch";
        let claimed = self.connection.query_row(sql, params![execution, epoch], |r| r.get(0)).optional();
        let Some(epoch) = claimed.map_err(|e| self.place.io(e))? else {
            return Err(self.taken_over(execution));
        };
        self.claimed = Some((execution.to_owned(), epoch));
        crash::point("claimed");
        Ok(Claim { lasting: true })
    }

    pub(super) fn begin_now(&mut self, chunk: ChunkKey<'_>) -> Result<Begun, TargetError> {
        let io = |e| self.place.io(e);
        self.place.passes("begin chunk")?;
        self.connection.busy_timeout(CHUNK_TIMEOUT).map_err(io)?;
        let fresh = self.connection.is_autocommit();
        let open = if fresh { self.connection.execute_batch("BEGIN IMMEDIATE") } else { Ok(()) };
        self.connection.busy_timeout(self.busy_timeout).map_err(io)?;
        if let Err(error) = open {
            let busy = error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
            return if busy { Ok(Begun::Busy) } else { Err(io(error)) };
        }
        crash::point("chunk begun");
        let begun = self.look(chunk);
        if fresh && !matches!(begun, Ok(Begun::Open)) {
            self.abandon_now();
        }
        begun
    }

    /// Inside the chunk's transaction, so that the answer stays true until it ends.
    fn look(&self, chunk: ChunkKey<'_>) -> Result<Begun, TargetError> {
        let io = |e| self.place.io(e);
        let newest: Option<i64> = self
            .connection
            .prepare_cached("SELECT epoch FROM _sconn_executions WHERE execution = ?1")
            .and_then(|mut s| s.query_row([chunk.execution], |r| r.get(0)).optional())
            .map_err(io)?;
        let own = self.claimed.as_ref().filter(|(execution, _)| execution == chunk.execution);
        if newest.is_none() || newest != own.map(|(_, epoch)| *epoch) {
            return Err(self.taken_over(chunk.execution));
        }
        Ok(self.entry(chunk)?.map_or(Begun::Open, Begun::Committed))
    }

    /// The chunk's entry.
    pub(super) fn entry(&self, chunk: ChunkKey<'_>) -> Result<Option<Receipt>, TargetError> {
        let entry: Option<Option<String>> = self
            .connection
            .prepare_cached(
                "SELECT refused FROM _sconn_journal WHERE execution = ?1 AND step = ?2 AND chunk = ?3",
            )
            .and_then(|mut s| {
                s.query_row(params![chunk.execution, chunk.step, chunk.number as i64], |r| r.get(0))
                    .optional()
            })
            .map_err(|e| self.place.io(e))?;
        let Some(refused) = entry else { return Ok(None) };
        let refused = match refused {
            None => Vec::new(),
            Some(json) => serde_json::from_str(&json).map_err(|e| {
                self.place.broken(
                    format!("the journal of execution {} cannot be read: {e}", chunk.execution),
                    "another program changed the file; restore it from a backup",
                )
            })?,
        };
        Ok(Some(Receipt { refused }))
    }

    fn taken_over(&self, execution: &str) -> TargetError {
        TargetError::TakenOver { place: self.place.0.clone(), execution: execution.to_owned() }
    }

    pub(super) fn abandon_now(&mut self) {
        // Nothing to say where it fails: what is not committed is gone once the file is closed.
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    /// The chunk's entry in the journal. Created records have no before-image: they are those with ids
    /// from the first to the last that the chunk created.
    pub(super) fn enter(
        &self,
        chunk: &Chunk<'_>,
        created: &[Uuid],
        receipt: &Receipt,
        at: &str,
    ) -> rusqlite::Result<()> {
        let refused = match receipt.refused.as_slice() {
            [] => None,
            some => Some(
                serde_json::to_string(some)
                    .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?,
            ),
        };
        let updates = chunk.writes.len() - receipt.refused.len() - created.len();
        let sql = "INSERT INTO _sconn_journal(
                     execution, step, chunk, object, first_row, rows, creates, updates, committed_at, refused,
                     created_from, created_to)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        self.connection
            .prepare_cached(sql)?
            .execute(params![
                chunk.key.execution,
                chunk.key.step,
                chunk.key.number as i64,
                chunk.object,
                chunk.first_row as i64,
                chunk.rows as i64,
                created.len() as i64,
                updates as i64,
                at,
                refused,
                created.iter().min().map(Uuid::to_string),
                created.iter().max().map(Uuid::to_string)
            ])
            .map(drop)
    }
}
