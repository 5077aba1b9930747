//! What takes a form apart keeps whatever comes before the bytes of a part, and looks through all of it again for
//! each piece that comes. So it is given one piece at a time, and not more than a part's head may have.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use futures::{Stream, StreamExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

/// Bytes that may come until the next part begins: what is between two parts, and the head of the second.
pub(super) const HEAD: usize = 64 << 10;
/// Bytes of a part that are let through at once.
const PIECE: usize = 64 << 10;
/// The same where a part is looked for: the first one is only found when a second piece is there.
const HEAD_PIECE: usize = HEAD / 8;

/// The gate of one form.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<Mutex<Passing>>);

#[derive(Debug, Default)]
struct Passing {
    /// What was let through is looked at before there is more.
    closed: bool,
    /// Bytes that came since the next part is looked for.
    head: Option<usize>,
    /// Whether these were too many.
    refused: bool,
}

/// That a head has no end.
#[derive(Debug, thiserror::Error)]
#[error("a part's head is too long")]
struct TooLong;

impl Gate {
    /// A request whose body goes through the gate.
    pub(super) fn before(&self, request: Request) -> Request {
        let gate = self.clone();
        request.map(|body| {
            let mut body = body.into_data_stream();
            let mut rest = Bytes::new();
            Body::from_stream(futures::stream::poll_fn(move |cx| {
                if std::mem::take(&mut gate.passing().closed) {
                    // Asked again after what there is was looked at.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                while rest.is_empty() {
                    match ready!(body.poll_next_unpin(cx)) {
                        Some(Ok(bytes)) => rest = bytes,
                        Some(Err(e)) => return Poll::Ready(Some(Err(axum::BoxError::from(e)))),
                        None => return Poll::Ready(None),
                    }
                }
                let piece = rest.split_to(rest.len().min(gate.most()));
                Poll::Ready(Some(gate.pass(piece.len()).map(|()| piece).map_err(Into::into)))
            }))
        })
    }

    /// How many bytes are let through at once.
    fn most(&self) -> usize {
        if self.passing().head.is_some() { HEAD_PIECE } else { PIECE }
    }

    /// So many bytes more.
    fn pass(&self, bytes: usize) -> Result<(), TooLong> {
        let mut passing = self.passing();
        passing.closed = true;
        if let Some(head) = &mut passing.head {
            if *head >= HEAD {
                passing.refused = true;
                return Err(TooLong);
            }
            *head += bytes;
        }
        Ok(())
    }

    /// Looks for the next part; gives how many bytes came for that, too.
    pub(super) async fn head<T>(&self, next: impl Future<Output = T>) -> (T, usize) {
        *self.passing() = Passing { closed: true, head: Some(0), refused: false };
        let part = next.await;
        let came = self.passing().head.take().unwrap_or_default();
        (part, came)
    }

    /// Whether a head was too long.
    pub(super) fn refused(&self) -> bool {
        self.passing().refused
    }

    /// The bytes of a part. More of them come once those that are there were taken.
    pub(super) fn part<P: Stream>(&self, part: P) -> impl Stream<Item = P::Item> + use<P> {
        let gate = self.clone();
        part.inspect(move |_| gate.passing().closed = true)
    }

    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
